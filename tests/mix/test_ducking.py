"""Stems that step back for one another: how far, where in the spectrum, how quickly, and who does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.controls import STEMS
from synth.mix.ducking import DUCKS, HALF_WAY
from synth.preset import StemSetting

RATE, QUANTUM = 48000, 64
SECOND = RATE // QUANTUM
OPEN = {"level_lu": 0.0, "width": 1.0, "highpass_hz": 10.0, "lowpass_hz": 20000.0, "send_db": -60.0}
WITH_BELLS = [d for d in DUCKS if d.bells]
WHOLE = [d for d in DUCKS if d.db and d.role != "reverb"]


def two(duck):
    return {name: StemSetting(name, **OPEN) for name in (duck.role, duck.under)}


def tone(quanta, hz, level):
    return np.tile(level * np.sin(2.0 * np.pi * hz * np.arange(quanta * QUANTUM) / RATE), (2, 1)).astype(np.float32)


def between(x, on, off):
    """Silent but from quantum `on` to `off`."""
    y = x.copy()
    y[:, : on * QUANTUM] = y[:, off * QUANTUM :] = 0.0
    return y


def part(mixed, stems, sounds, name):
    """A stem, finished."""
    finished, _, mixer = mixed(stems, sounds)
    return finished[mixer.names.index(name)].astype(np.float64)


@pytest.mark.parametrize("duck", WHOLE, ids=lambda d: d.role)
def test_a_stem_steps_back_as_a_whole(duck, mixed):
    """By the stated dB at most and half of it for a usual part; within the stated time, and back."""
    step = 6 * QUANTUM  # whole periods of the tone
    on = max(round(3 * duck.down_s * SECOND) // 6 * 6, 60)
    off = on + round(4 * duck.down_s * SECOND)
    quanta = off + round(1.5 * duck.back_s * SECOND) // 6 * 6
    stems, sound = two(duck), {duck.role: tone(quanta, 1000.0, 0.1)}
    loud = between(tone(quanta, 440.0, 0.4), on, off)
    rms = [
        np.sqrt(
            (part(mixed, stems, sound | more, duck.role)[0][: quanta // 6 * step].reshape(-1, step) ** 2).mean(axis=1)
        )
        for more in ({duck.under: loud}, {})
    ]
    gain = 20.0 * np.log10(rms[0] / rms[1])

    def at(quantum):
        return gain[quantum // 6]

    assert abs(at(on - 6)) < 1e-6
    deepest = gain.min()
    assert -duck.db <= deepest < -0.85 * duck.db
    assert at(on + round(duck.down_s * SECOND)) == pytest.approx(0.63 * deepest, rel=0.3 if duck.down_s < 0.1 else 0.1)
    assert at(off + round(duck.back_s * SECOND)) == pytest.approx(0.37 * at(off - 6), rel=0.2)
    usual = tone(quanta, 440.0, math.sqrt(2.0 * HALF_WAY))  # its mean square is the half-way point
    usually = part(mixed, stems, sound | {duck.under: usual}, duck.role)[0, -step:]
    assert 20.0 * np.log10(np.sqrt((usually**2).mean()) / rms[1][-1]) == pytest.approx(-0.5 * duck.db, abs=0.15)


@pytest.mark.parametrize("duck", WITH_BELLS, ids=lambda d: d.role)
def test_bells_are_cut_where_the_melody_lives(duck, mixed):
    """The response to an impulse while a loud melody plays, against the transfer function of band-passes side by side;
    the same of the sides as of the middle."""
    quanta, at = 3 * SECOND, 2 * SECOND * QUANTUM + 17
    melody = tone(quanta, 440.0, 0.7)
    click = np.zeros((2, quanta * QUANTUM), np.float32)
    click[:, at] = 1.0, -0.2
    hz = np.array([60.0, 150.0, 300.0, 500.0, 900.0, 1730.0, 3000.0, 9000.0])
    turn = np.exp(-2j * np.pi * hz[:, None] / RATE * np.arange(9000))
    cut, plain = (
        part(mixed, two(duck), {duck.role: click} | more, duck.role)[:, at : at + 9000]
        for more in ({duck.under: melody}, {})
    )
    mean_square = 0.5 * 0.7**2 * 2.0 / 2.0
    depth = mean_square / (mean_square + HALF_WAY)
    s = 1j * np.tan(np.pi * hz / RATE)
    wanted = np.ones(hz.size, complex)
    for bell in duck.bells:
        gain, w = 10.0 ** (-bell.db / 20.0), math.tan(math.pi * bell.hz / RATE)
        k = w / (bell.q * math.sqrt(gain))
        wanted += depth * (gain - 1.0) * k * s / (s * s + k * s + w * w)
    for side in (1.0, -1.0):
        heard, before = turn @ (cut[0] + side * cut[1]), turn @ (plain[0] + side * plain[1])
        assert (
            np.abs(20.0 * np.log10(np.abs(heard / before) / np.abs(wanted)))[hz > 250.0 if side < 0 else hz > 0].max()
            < 0.05
        )
    for bell in duck.bells:
        lost_db = -20.0 * np.log10(np.abs(wanted[hz == bell.hz][0]))
        assert bell.db - 0.1 < lost_db < bell.db + 0.5, "the other bell adds a little"
    assert 20.0 * np.log10(np.abs(wanted[[0, -1]])).min() > -0.6, "far from the bells nothing is lost"


@pytest.mark.parametrize("duck", WITH_BELLS, ids=lambda d: d.role)
def test_bells_come_and_go_in_time_and_leave_nothing(duck, mixed):
    on, off, quanta = 60, 60 + SECOND, 60 + 3 * SECOND
    bell = duck.bells[0]
    sound = {duck.role: tone(quanta, bell.hz, 0.1)}
    melody = between(tone(quanta, 440.0, 0.5), on, off)
    ducked, plain = (part(mixed, two(duck), sound | more, duck.role)[0] for more in ({duck.under: melody}, {}))
    step = 30 * QUANTUM
    size = [np.sqrt((x[: x.size // step * step].reshape(-1, step) ** 2).mean(axis=1)) for x in (ducked, plain)]
    gain = 20.0 * np.log10(size[0] / size[1])
    assert np.array_equal(ducked[: on * QUANTUM], plain[: on * QUANTUM]), "before the melody nothing is touched"
    deepest = gain.min()
    assert -bell.db - 0.5 < deepest < -0.9 * bell.db
    assert gain[(on + round(duck.down_s * SECOND)) // 30] == pytest.approx(0.63 * deepest, rel=0.15)
    assert gain[(off + round(duck.back_s * SECOND)) // 30] == pytest.approx(0.37 * deepest, rel=0.2)
    turns = [np.abs(np.diff(x[20 * QUANTUM :], 2)).max() for x in (ducked, plain)]
    assert turns[0] < 1.05 * turns[1], "no step"


def test_the_return_steps_back(mixed, flow):
    duck = next(d for d in DUCKS if d.role == "reverb")
    quanta = 3 * SECOND
    send = {"bells": np.random.default_rng(1).normal(0.0, 0.1, (2, quanta * QUANTUM)).astype(np.float32)}
    stems = {name: StemSetting(name, **OPEN) for name in ("bells", "melody")}
    stems["bells"] = StemSetting("bells", **OPEN | {"send_db": -6.0})
    ducked, plain = (
        part(mixed, stems, send | more, "reverb")[:, -QUANTUM * 20 :]
        for more in ({"melody": tone(quanta, 440.0, 0.7)}, {})
    )
    clear = np.abs(plain) > 1e-3
    assert np.median(flow.db(ducked[clear] / plain[clear])) == pytest.approx(-duck.db, abs=0.1)


def test_only_those_in_the_table_step_back(mixed):
    """Every other stem is the same to the bit, whoever plays beside it."""
    quanta = SECOND // 2
    rng = np.random.default_rng(2)
    names = [s for s in STEMS if s != "reverb"]
    stems = {name: StemSetting(name, **OPEN) for name in names}
    sounds = {name: rng.normal(0.0, 0.1, (2, quanta * QUANTUM)).astype(np.float32) for name in names}
    together, _, mixer = mixed(stems, sounds)
    for s, name in enumerate(mixer.names[:-1]):
        alone = mixed({name: stems[name]}, {name: sounds[name]})[0][0]
        assert np.array_equal(together[s], alone) == (name not in {d.role for d in DUCKS}), name


def test_a_melody_that_is_turned_down_asks_for_less(mixed, flow):
    duck = WHOLE[-1]
    quanta = SECOND
    sounds = {duck.role: tone(quanta, 1000.0, 0.1), duck.under: tone(quanta, 440.0, 0.1)}
    loud, soft, off = (
        np.abs(mixed(two(duck), sounds, flow.edges(quanta, **{f"level_{duck.under}_db": db}))[0][:, 0, -2000:]).max(
            axis=1
        )
        for db in (0.0, -20.0, -60.0)
    )
    place = [s for s in STEMS if s in (duck.role, duck.under)].index(duck.role)
    assert loud[place] < 0.95 * soft[place] < soft[place] < off[place]
    assert off[place] == pytest.approx(0.1, rel=1e-3)
