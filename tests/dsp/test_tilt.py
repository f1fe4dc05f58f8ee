"""The tilt equaliser: gains about its pivot, its inverse, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.tilt import Tilt

QUANTUM = 64


def impulse(quanta=64):
    x = np.zeros((2, quanta * QUANTUM), np.float32)
    x[:, 0] = 1.0
    return x


def gain_db(response, hz, rate):
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / rate * np.arange(response.size)) @ response))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
@pytest.mark.parametrize("tilt_db", [-6.0, -2.0, 1.5, 6.0])
def test_turns_about_its_pivot(rendered, rate, tilt_db):
    response = rendered(Tilt(rate, tilt_db), impulse())[0].astype(float)
    assert gain_db(response, 0.0, rate) == pytest.approx(-tilt_db, abs=0.01)
    assert gain_db(response, 800.0, rate) == pytest.approx(0.0, abs=0.01)
    assert gain_db(response, 0.499 * rate, rate) == pytest.approx(tilt_db, abs=0.01)
    # an octave and more above the pivot, by the analogue prototype at the warped frequency
    s = 1j * math.tan(math.pi * 2000.0 / rate) / math.tan(math.pi * 800.0 / rate)
    low = 10.0 ** (-tilt_db / 20.0)
    assert gain_db(response, 2000.0, rate) == pytest.approx(20.0 * math.log10(abs((low + s) / (1 + s * low))), abs=0.01)


def test_equals_the_bilinear_filter(rendered, noise):
    x, low = noise(20), 10.0 ** (-5.0 / 20.0)
    w = 48000.0 * 2.0 * math.tan(math.pi * 800.0 / 48000.0)
    b, a = signal.bilinear([1.0 / w, low], [low / w, 1.0], 48000.0)
    assert np.abs(rendered(Tilt(48000, 5.0), x) - signal.lfilter(b, a, x)).max() < 2e-6


def test_a_moving_tilt_equals_the_naive_twin(rendered, noise):
    """In float64 a sample at a time; both gains run straight from edge to edge, the corner with the upper one."""
    x, edges = noise(12), 6.0 * np.sin(np.arange(13) * 1.3)
    at = np.arange(12 * QUANTUM) / QUANTUM
    high, low = (np.interp(at, np.arange(13), 10.0 ** (sign * edges / 20.0)) for sign in (1.0, -1.0))
    wanted, s = np.zeros(x.shape), np.zeros(2)
    for n in range(at.size):
        g = math.tan(math.pi * 800.0 / 48000.0) * high[n]
        v = (x[:, n] - s) * g / (1.0 + g)
        under = s + v
        s = under + v
        wanted[:, n] = low[n] * under + high[n] * (x[:, n] - under)
    assert np.abs(rendered(Tilt(48000), x, tilt_db=edges) - wanted).max() < 2e-6


def test_the_opposite_tilt_undoes_it(rendered, noise):
    x = noise(40)
    there = rendered(Tilt(48000, 4.0), x)
    assert np.abs(there - x).max() > 0.1
    assert np.abs(rendered(Tilt(48000, -4.0), there) - x).max() < 2e-6


def test_a_change_is_a_ramp_over_a_quantum(rendered):
    """On Nyquist's alternation the gain heard is that of the top alone."""
    x = np.tile(np.array([1.0, -1.0], np.float32), (2, 4 * QUANTUM // 2))
    edges = np.array([0.0, 0.0, 6.0, 6.0, 6.0])
    gain = rendered(Tilt(48000), x, tilt_db=edges)[0] * x[0]
    wanted = np.interp(np.arange(4 * QUANTUM) / QUANTUM, np.arange(5), 10.0 ** (edges / 20.0))
    # until the low band has died away
    assert np.abs(gain - wanted)[QUANTUM:].max() < 0.05
    assert np.abs(np.diff(gain)).max() < 0.03


@pytest.mark.parametrize("quanta", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x, edges = noise(70), 6.0 * np.sin(np.arange(71) / 7.0)
    whole = rendered(Tilt(44100), x, tilt_db=edges)
    assert np.array_equal(whole, rendered(Tilt(44100), x, quanta, tilt_db=edges))


def test_reset_starts_afresh(rendered, noise):
    unit, x = Tilt(48000, 3.0), noise(5)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = np.sign(noise(20)) * np.float32(100.0)
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    out = rendered(Tilt(rate), x, tilt_db=np.tile([-40.0, 40.0], 11)[:21])
    assert np.isfinite(out).all()
    assert 100.0 < np.abs(out).max() < 100.0 * 4.0 * 2.0  # no more than both bands at 12 dB


def test_silence_stays_and_returns(rendered, noise):
    unit = Tilt(48000, -6.0)
    assert not rendered(unit, np.zeros((2, 256), np.float32)).any()
    x = noise(40)
    x[:, 5 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert out[:, 5 * QUANTUM + 1].any() and not out[:, -20 * QUANTUM :].any()
