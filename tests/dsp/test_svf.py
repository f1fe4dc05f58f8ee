"""The state-variable filter: measured responses, and the Butterworth filter it must equal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp._jit import kernel
from synth.dsp.svf import coefficients, prewarp, svf

RATE = 48000
BUTTERWORTH = np.float32(math.sqrt(2.0))


@kernel
def run(x, corners, k, low, band):
    s1, s2 = np.float32(0.0), np.float32(0.0)
    for n in range(x.shape[0]):
        g = prewarp(corners[n])
        a1, a2 = coefficients(g, k)
        low[n], band[n], s1, s2 = svf(x[n], s1, s2, g, a1, a2)


def filtered(x, cutoff_hz, k=BUTTERWORTH):
    x = np.asarray(x, np.float32)
    corners = np.broadcast_to(np.asarray(cutoff_hz, np.float64) / RATE, x.shape).astype(np.float32)
    low, band = np.zeros_like(x), np.zeros_like(x)
    run(x, corners, np.float32(k), low, band)
    return low.astype(float), band.astype(float)


def gain_db(response, hz):
    n = np.arange(response.size)
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / RATE * n) @ response))


def impulse(frames=6000):
    return np.concatenate(([1.0], np.zeros(frames - 1)))


@pytest.mark.parametrize("cutoff_hz", [200.0, 1000.0, 5000.0, 12000.0])
def test_three_decibels_at_the_corner(cutoff_hz):
    low, _ = filtered(impulse(), cutoff_hz)
    assert gain_db(low, cutoff_hz) == pytest.approx(-3.01, abs=0.01)
    assert gain_db(low, cutoff_hz / 10.0) == pytest.approx(0.0, abs=0.02)
    assert gain_db(low, 0.0) == pytest.approx(0.0, abs=1e-3)


def test_an_octave_above_the_corner():
    assert gain_db(filtered(impulse(), 1000.0)[0], 2000.0) == pytest.approx(-12.4, abs=0.1)
    assert gain_db(filtered(impulse(), 5000.0)[0], 10000.0) == pytest.approx(-14.3, abs=0.1)


@pytest.mark.parametrize("cutoff_hz", [100.0, 3000.0, 15000.0])
def test_equals_the_bilinear_butterworth(cutoff_hz):
    x = np.random.default_rng(1).uniform(-1, 1, 2000)
    low, band = filtered(x, cutoff_hz)
    wanted = signal.lfilter(*signal.butter(2, cutoff_hz / (RATE / 2)), x)
    assert np.abs(low - wanted).max() < 1e-5
    high = x - math.sqrt(2.0) * band - low
    assert np.abs(high - signal.lfilter(*signal.butter(2, cutoff_hz / (RATE / 2), "high"), x)).max() < 1e-5


def test_the_band_peaks_at_its_q():
    _, band = filtered(impulse(), 2000.0, k=0.25)
    assert gain_db(band, 2000.0) == pytest.approx(20.0 * math.log10(4.0), abs=0.02)
    assert gain_db(band, 1000.0) < gain_db(band, 1900.0) < gain_db(band, 2000.0)


def test_low_corners_keep_their_place():
    x = impulse(20000)
    low, _ = filtered(x, 20.0)
    assert gain_db(low, 20.0) == pytest.approx(-3.01, abs=0.05)


def test_a_wild_sweep_stays_bounded():
    x = np.random.default_rng(2).uniform(-1, 1, 4800)
    corners = 3000.0 * 2.0 ** (4.0 * np.sin(2.0 * np.pi * np.arange(4800) / 300.0))
    low, band = filtered(x, corners, k=0.05)
    assert np.abs(low).max() < 20.0 and np.abs(band).max() < 20.0


def test_corners_past_the_limit_are_held():
    assert np.array_equal(filtered(impulse(64), 30000.0)[0], filtered(impulse(64), 0.45 * RATE)[0])


def test_silence_stays_silent():
    low, band = filtered(np.zeros(256), 500.0)
    assert not low.any() and not band.any()
