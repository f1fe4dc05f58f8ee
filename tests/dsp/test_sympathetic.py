"""Sympathetic strings: what they answer to and how loudly, decays, places, a naive twin, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.sympathetic import PAST, TAKEN, Sympathetic
from synth.dsp.waveguide import loop

QUANTUM = 64
RATE = 22050


def impulse(quanta, level=1.0):
    x = np.zeros((2, quanta * QUANTUM), np.float32)
    x[:, 0] = level
    return x


def gains_db(out, hz):
    """Of the power of both channels, at frequencies `hz`."""
    turning = np.exp(-2j * np.pi / RATE * np.outer(hz, np.arange(out.shape[1])))
    return 20.0 * np.log10(np.linalg.norm(turning @ out.T.astype(float), axis=1))


@pytest.fixture(scope="module")
def answer(rendered):
    """Of one string at 220 Hz, all of it."""
    return rendered(Sympathetic(RATE, [220.0], 0.4, 0.1, coupling_db=-6.0), impulse(200))


def test_it_answers_at_its_pitch_and_hardly_elsewhere(answer):
    """At its pitch as loud as the coupling says, at most as loud at its partials, and far less between and below."""
    assert gains_db(answer, [220.0])[0] == pytest.approx(-6.0, abs=0.3)  # the high-pass costs a quarter of a dB
    assert np.all(gains_db(answer, 220.0 * np.arange(2, 12)) < -6.0)
    keep = 10.0 ** (-3.0 / (220.0 * 0.4))
    between = -6.0 + 20.0 * math.log10((1.0 - keep) / (1.0 + keep))
    assert between < -30.0
    assert gains_db(answer, [330.0])[0] == pytest.approx(between, abs=1.0)
    assert np.all(gains_db(answer, np.linspace(1.0, 200.0, 40)) < -18.0)
    assert np.all(gains_db(answer, [0.01, 1.0, 20.0]) < [-90.0, -45.0, -35.0])


@pytest.mark.parametrize(("hz", "t60_s"), [(220.0, 0.4), (3960.0, 0.1)])
def test_decays_as_asked(answer, hz, t60_s):
    """At the fundamental, and at the partial nearest 4 kHz."""
    n = np.arange(round(0.1 * RATE))
    levels = []
    for start in (round(0.02 * RATE), round((0.02 + 0.25 * t60_s) * RATE)):
        part = answer[0, start : start + n.size].astype(float) * np.hanning(n.size)
        levels.append(abs(part @ np.exp(-2j * np.pi * hz / RATE * n)))
    assert 0.25 * t60_s * 60.0 / (20.0 * math.log10(levels[0] / levels[1])) == pytest.approx(t60_s, rel=0.05)


def twin(x, hz, t60_s, t60_high_s, coupling):
    """A string a sample at a time, in float64: (frames,)."""
    sections = signal.butter(2, 0.5 * hz, "high", fs=RATE, output="sos")
    drive = coupling * signal.sosfilt(sections, x.astype(float).mean(axis=0))
    found = loop(RATE, hz, t60_s, t60_high_s)
    keep = 10.0 ** (-3.0 / (hz * t60_s))
    past, out, lossy = np.zeros(found.delay + 5 + x.shape[1]), np.zeros(x.shape[1]), 0.0
    for n in range(x.shape[1]):
        lossy = found.gain * (found.taps @ past[n + 5 - np.arange(6)]) + found.pole * lossy
        out[n] = lossy
        past[n + 5 + found.delay] = lossy + (1.0 - keep) / keep * drive[n]
    return out


def test_equals_the_naive_twin(rendered, noise):
    """The coupling glides from edge to edge; the drive is mono; the lowest string sets the high-pass."""
    x, edges = noise(50), np.tile([3.0, 0.5, 9.0], 17)
    coupling = np.interp(np.arange(50 * QUANTUM) / QUANTUM, np.arange(51), edges)
    for hz in (100.0, 1411.0):
        out = rendered(Sympathetic(RATE, [hz], 0.5, 0.2), x, coupling=edges)
        wanted = twin(x, hz, 0.5, 0.2, coupling)
        assert np.abs(wanted).max() > 0.05
        assert np.array_equal(out[0], out[1])
        assert np.abs(out[0] - math.sqrt(0.5) * wanted).max() < 3e-6


def test_strings_add_up_from_left_to_right(rendered, noise):
    x = noise(30)
    spread = 0.6
    chord = rendered(Sympathetic(RATE, [200.0, 350.0], 1.0, 0.4, spread=spread), x).astype(float)
    pairs = ([200.0, 200.0], [200.0, 350.0])
    parts = [rendered(Sympathetic(RATE, hz, 1.0, 0.4, spread=0.0), x).astype(float)[0] for hz in pairs]
    low, high = 0.5 * parts[0], parts[1] - 0.5 * parts[0]
    for c, side in enumerate((1.0, -1.0)):
        angles = [(1.0 - side * place * spread) * math.pi / 4.0 for place in (0.5, -0.5)]
        wanted = math.sqrt(2.0) * (math.cos(angles[0]) * low + math.cos(angles[1]) * high)
        assert np.abs(chord[c] - wanted).max() < 1e-6
    assert (chord[0] ** 2).mean() != pytest.approx((chord[1] ** 2).mean(), rel=0.1)


@pytest.mark.parametrize(("asked", "held"), [(1e9, 16.0), (-1.0, 0.0)])
def test_the_coupling_is_held(rendered, noise, asked, held):
    x = noise(10)
    runs = [rendered(Sympathetic(RATE, [400.0]), x, coupling=c) for c in (asked, held, 0.5)]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("quanta", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x = noise(90)
    x[:, 10 * QUANTUM : 70 * QUANTUM] = 0.0
    edges = {"coupling": 0.5 + 0.4 * np.sin(np.arange(91))}
    hz = [97.0, 803.0, 2400.0]
    whole = rendered(Sympathetic(RATE, hz), x, **edges)
    assert np.array_equal(whole, rendered(Sympathetic(RATE, hz), x, quanta, **edges))
    assert np.abs(whole).max() > 1e-3


def test_reset_starts_afresh(rendered, noise):
    unit, x = Sympathetic(RATE, [130.0, 700.0]), noise(20)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert unit.idle and np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert not rendered(unit, np.zeros((2, 128), np.float32)).any() and unit.idle


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    """No coupling is too strong, even for strings that hardly decay."""
    x = 100.0 * np.sign(noise(60))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 3e38
    unit = Sympathetic(rate, [20.0, 110.0, rate / 8.0], 1e4, 1e-3, spread=1.0)
    out = rendered(unit, x, coupling=np.tile([-1.0, 3e38], 31)[:61])
    assert np.isfinite(out).all() and 0.1 < np.abs(out).max() < 3e4  # 1600 at the pitch of a string that can ring


def test_ends_in_exact_silence(rendered, noise):
    unit = Sympathetic(RATE, [300.0, 801.0], 0.05, 0.02)
    assert not rendered(unit, np.zeros((2, 256), np.float32)).any() and unit.idle
    x = noise(120)
    x[:, 2 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert unit.idle and not out[:, -5 * QUANTUM :].any()
    assert np.abs(out[:, 10 * QUANTUM :]).max() > 1e-5
    assert not any(state.any() for state in (unit._state[1], unit._state[3], unit._state[4][PAST:TAKEN]))
    assert np.abs(rendered(unit, x)).max() > 1e-3  # and it answers again


def test_a_faint_answer_is_not_cut(rendered):
    """Between two turns of a low string there are quanta of nothing."""
    unit = Sympathetic(RATE, [25.0], 60.0, 50.0)
    x = impulse(60, 1e-5)
    x[:, 3] = -1e-5
    out = rendered(unit, x)
    assert (np.abs(out.reshape(2, -1, QUANTUM)).max(axis=(0, 2)) < 1e-9).sum() > 10
    assert not unit.idle and np.abs(out[:, -16 * QUANTUM :]).max() > 1e-9


@pytest.mark.parametrize("hz", [[], [10.0], [220.0, 3000.0]])
def test_pitches_that_it_has_no_strings_for_are_refused(hz):
    with pytest.raises(ValueError, match="give pitches from 20 Hz to an eighth of the sample rate"):
        Sympathetic(RATE, hz)
