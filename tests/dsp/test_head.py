"""The head: time and level differences as published, mono, walls, turning without clicks, splits, silence."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import signal

from synth.dsp.ambisonics import Place
from synth.dsp.head import RADIUS_M, SOUND_M_S, WALLS, Head

QUANTUM = 64
RATE = 48000
COMPILED = not numba.config.DISABLE_JIT
SIZE = 1 << 15
DIFFERENCES = {  # azimuth: ITD in us (Woodworth), dB at 500 Hz, 2 kHz, 8 kHz, of the formulas with a = 87.5 mm
    15: (133, 0.5, 3.7, 6.3),
    30: (261, 1.1, 6.7, 12.5),
    45: (381, 1.5, 8.6, 17.6),
    60: (488, 1.8, 9.7, 19.9),
    75: (580, 2.1, 10.1, 19.2),
    90: (656, 2.1, 9.7, 15.9),
}


@pytest.fixture(scope="session")
def heard():
    def run(unit, x, sizes=(64,)):
        total = x.shape[1] // QUANTUM
        out, start, turn = np.zeros((2, total * QUANTUM), np.float32), 0, 0
        while start < total:
            count = min(sizes[turn % len(sizes)], total - start)
            frames = slice(start * QUANTUM, (start + count) * QUANTUM)
            block, piece = np.zeros((x.shape[0], 4096), np.float32), np.full((2, 4096), 7.0, np.float32)
            block[:, : count * QUANTUM] = x[:, frames]
            unit.render(block, count, piece)
            assert (piece[:, count * QUANTUM :] == 7.0).all()
            out[:, frames] = piece[:, : count * QUANTUM]
            start, turn = start + count, turn + 1
        return out

    return run


@pytest.fixture(scope="session")
def responses(heard):
    def of(azimuth, rate=RATE, elevation=0.0, walls=()):
        """Spectra of both ears for a click from there, and their frequencies."""
        x = np.zeros((2, 30 * QUANTUM if walls else 8 * QUANTUM), np.float32)
        x[0, 10] = 1.0
        out = heard(Head(rate, [Place(azimuth, elevation, 0.0)], walls=walls), x)
        return np.fft.rfft(out.astype(float), SIZE), np.fft.rfftfreq(SIZE, 1.0 / rate)

    return of


def shadow(azimuth, ear, hz):
    """Of the sphere, as published; `ear` +1 is the left."""
    angle = math.acos(ear * math.sin(math.radians(azimuth)))
    alpha = 1.05 + 0.95 * math.cos(math.radians(math.degrees(angle) * 180.0 / 150.0))
    turns = 1j * np.asarray(hz) * math.pi * RADIUS_M / SOUND_M_S
    return (1.0 + alpha * turns) / (1.0 + turns)


@pytest.mark.parametrize("azimuth", DIFFERENCES)
@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_differences_of_level_and_time_are_as_published(responses, azimuth, rate):
    (left, right), hz = responses(azimuth, rate)
    itd_us, *levels = DIFFERENCES[azimuth]
    db = 20.0 * np.log10(np.abs(left / right))
    assert [float(np.interp(f, hz, db)) for f in (500.0, 2000.0, 8000.0)] == pytest.approx(levels, abs=0.5)
    band = (hz > 400.0) & (hz < 4000.0)  # what the shadow adds is not of the way round the head
    turned = np.unwrap(np.angle(left * np.conj(right)))
    between = np.unwrap(np.angle(shadow(azimuth, 1, hz[1:]) / shadow(azimuth, -1, hz[1:])))
    late = (turned[1:] - between) / (2.0 * np.pi * hz[1:]) * 1e6
    assert late[band[1:]].mean() == pytest.approx(itd_us, abs=10.0)


@pytest.mark.parametrize("azimuth", [0.0, 40.0, 110.0, 180.0, -75.0])
def test_an_ear_hears_what_the_sphere_lets_through(responses, azimuth):
    spectra, hz = responses(azimuth)
    band = (hz > 50.0) & (hz < 10000.0)
    for spectrum, ear in zip(spectra, (1, -1), strict=True):
        off_db = 20.0 * np.log10(np.abs(spectrum[band] / shadow(azimuth, ear, hz[band])))
        assert np.abs(off_db).max() < 0.8


def test_left_is_left_and_the_middle_is_in_the_middle(responses):
    for azimuth, elevation in ((0.0, 0.0), (180.0, 0.0), (0.0, 60.0)):
        (left, right), _ = responses(azimuth, elevation=elevation)
        assert np.allclose(left, right, atol=1e-6)
    (left, right), _ = responses(50.0)
    (other_left, other_right), _ = responses(-50.0)
    assert np.allclose(left, other_right, atol=1e-6) and np.allclose(right, other_left, atol=1e-6)
    assert np.sum(np.abs(left) ** 2) > 3.0 * np.sum(np.abs(right) ** 2)


def test_walls_answer_in_time_and_less_than_the_sound_itself(heard):
    """Each wall by its own time; together under the direct sound, and over by 25 ms."""
    x = np.zeros((2, 30 * QUANTUM), np.float32)
    x[0, 0] = 1.0
    for wall in WALLS:
        away = heard(Head(RATE, [Place(0.0, 0.0, 0.0)], walls=(wall,)), x)
        away -= heard(Head(RATE, [Place(0.0, 0.0, 0.0)], walls=()), x)
        first = np.flatnonzero(np.abs(away).max(axis=0) > 1e-3)
        if wall[0] == 180.0:
            assert not first.size  # a sound from the front does not go there
        else:
            assert 0.0 <= first[0] / RATE * 1e3 - wall[2] < 0.4
    open_air = heard(Head(RATE, [Place(0.0, 0.0, 0.0)], walls=()), x).astype(float)
    inside = heard(Head(RATE, [Place(0.0, 0.0, 0.0)]), x).astype(float)
    direct, echoes = (open_air**2).sum(), ((inside - open_air) ** 2).sum()
    assert -12.0 < 10.0 * math.log10(echoes / direct) < -3.0
    assert np.abs(inside[:, round(0.025 * RATE) :]).max() < 1e-3


def test_both_ears_hear_the_room_differently(heard):
    x = np.zeros((2, 30 * QUANTUM), np.float32)
    x[0, 0] = 1.0
    out = heard(Head(RATE, [Place(0.0, 0.0, 0.0)]), x).astype(float)[:, 200:]
    assert np.corrcoef(out)[0, 1] < 0.7


@pytest.mark.parametrize(
    "place", [Place(0.0, 0.0, 60.0), Place(-35.0, 0.0, 15.0), Place(0.0, 15.0, 105.0), Place(90.0)]
)
@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_a_stem_survives_mono(heard, place, alike):
    """Pink noise, of which `alike` is the same on both sides."""
    draw = np.random.default_rng(3).normal(0.0, 0.1, (3, (60 if COMPILED else 12) * QUANTUM))
    own = math.sqrt(1.0 - alike) * draw[:2] + math.sqrt(alike) * draw[2]
    x = signal.lfilter([0.049922, -0.095993, 0.050613, -0.004409], [1.0, -2.494956, 2.017266, -0.522190], own)
    out = heard(Head(RATE, [place]), x.astype(np.float32)).astype(float)
    kept = (out.sum(axis=0) ** 2).sum() / (2.0 * (out**2).sum())
    assert 10.0 * math.log10(kept) > -3.0


def test_it_turns_without_a_click(heard):
    """A high tone that walks past an ear stays one line: steps at every quantum would put others 60 dB under it."""
    frames = (RATE if COMPILED else RATE // 16) // QUANTUM * QUANTUM
    tone = 0.3 * np.sin(2.0 * np.pi * 4500.0 / RATE * np.arange(frames))
    unit = Head(RATE, [Place(-100.0, 0.0, 0.0)], walls=())
    unit.move(0, Place(80.0, 0.0, 0.0))
    out = heard(unit, np.stack((tone, tone)).astype(np.float32)).astype(float)[:, 500:]
    lines = np.abs(np.fft.rfft(out * signal.windows.blackmanharris(out.shape[1])))
    away = np.abs(np.fft.rfftfreq(out.shape[1], 1.0 / RATE) - 4500.0) > 300.0
    assert (20.0 * np.log10(lines[:, away].max(axis=1) / lines.max(axis=1)) < -100.0).all()


def test_it_walks_from_one_ear_to_the_other(heard):
    unit = Head(RATE, [Place(-30.0, 0.0, 0.0)], walls=())
    unit.move(0, Place(30.0, 0.0, 0.0))
    x = np.random.default_rng(1).normal(0.0, 0.1, (1, round((2.1 if COMPILED else 0.06) * RATE) // QUANTUM * QUANTUM))
    left, right = (heard(unit, np.concatenate((x, x)).astype(np.float32)).astype(float) ** 2)[:, : x.size // 2 * 2]
    assert right[:2000].sum() > 2.0 * left[:2000].sum()
    if COMPILED:
        assert left[-2000:].sum() > 2.0 * right[-2000:].sum()


def test_it_stands_still_where_it_has_arrived(heard):
    """The same samples as of a stem that was there from the start, once the last of the way has left its delays."""
    x = np.random.default_rng(1).normal(0.0, 0.1, (2, 120 * QUANTUM)).astype(np.float32)
    moved = Head(RATE, [Place(-2.0, 0.0, 10.0)], walls=())
    moved.move(0, Place(0.0, 0.0, 10.0))
    there = Head(RATE, [Place(0.0, 0.0, 10.0)], walls=())
    after = slice(110 * QUANTUM, None)
    assert np.allclose(heard(moved, x)[:, after], heard(there, x)[:, after], atol=1e-6)


@pytest.mark.parametrize("sizes", [(1,), (5, 3, 17)])
def test_any_split_gives_the_same_samples(heard, sizes):
    x = np.random.default_rng(2).normal(0.0, 0.1, (4, (90 if COMPILED else 8) * QUANTUM)).astype(np.float32)
    x[:2, 20 * QUANTUM : 60 * QUANTUM] = 0.0
    made = []
    for split in ((64,), sizes):
        unit = Head(RATE, [Place(90.0, 0.0, 10.0), Place(-20.0, 30.0, 60.0)])
        unit.move(0, Place(-90.0, 40.0, 50.0))
        made.append(heard(unit, x, split))
    assert np.array_equal(*made)


def test_silence_comes_back_exactly(heard):
    x = np.zeros((2, (60 if COMPILED else 45) * QUANTUM), np.float32)
    assert not heard(Head(RATE, [Place()]), x).any()
    x[:, :20] = 0.5
    assert not heard(Head(RATE, [Place()]), x)[:, 40 * QUANTUM :].any()
