"""The two-state Butterworth filter: its responses, and the bilinear filter it must equal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.butterworth import HIGHEST, butterworth, prewarp, transition


def filtered(x, cutoff_hz, rate, dtype=np.float64):
    """Low-, band- and high-pass of `x` as the module's head says."""
    p, q, r, t, k = (dtype(c) for c in butterworth(cutoff_hz, rate))
    s1 = s2 = dtype(0.0)
    out = np.zeros((3, len(x)), dtype)
    for n, value in enumerate(np.asarray(x, dtype)):
        u1, u2 = p * s1 - q * s2 + q * value, q * s1 + r * s2 + t * value
        low, band = dtype(0.5) * (s2 + u2), dtype(0.5) * (s1 + u1)
        out[:, n] = low, band, value - k * band - low
        s1, s2 = u1, u2
    return out


def gain_db(response, hz, rate):
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / rate * np.arange(response.size)) @ response))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("cutoff_hz", [150.0, 1000.0, 8000.0])
def test_three_decibels_at_the_corner_and_twelve_an_octave_below(cutoff_hz, rate):
    low, _, high = filtered(np.eye(1, 8000)[0], cutoff_hz, rate)
    assert gain_db(low, cutoff_hz, rate) == pytest.approx(-3.01, abs=0.01)
    assert gain_db(high, cutoff_hz, rate) == pytest.approx(-3.01, abs=0.01)
    below = math.tan(math.pi * cutoff_hz / 8.0 / rate) / prewarp(
        cutoff_hz, rate
    )  # 1/8, as the bilinear transform bends it
    assert gain_db(low, cutoff_hz / 8.0, rate) == pytest.approx(0.0, abs=0.01)
    assert gain_db(high, cutoff_hz / 8.0, rate) == pytest.approx(40.0 * math.log10(below), abs=0.01)
    assert high.sum() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("cutoff_hz", [30.0, 700.0, 15000.0])
def test_equals_the_bilinear_filter(cutoff_hz):
    x = np.random.default_rng(1).uniform(-1.0, 1.0, 2000)
    low, _, high = filtered(x, cutoff_hz, 48000)
    for kind, mine in (("low", low), ("high", high)):
        wanted = signal.sosfilt(signal.butter(2, cutoff_hz, kind, fs=48000, output="sos"), x)
        assert np.abs(mine - wanted).max() < 1e-9


def test_float32_is_enough_at_ten_hertz():
    x = np.random.default_rng(2).uniform(-1.0, 1.0, 4000)
    exact, single = filtered(x, 10.0, 48000), filtered(x, 10.0, 48000, np.float32)
    assert np.abs(single - exact).max() < 1e-5


@given(st.floats(0.1, 1e6), st.sampled_from([22050, 48000, 192000]))
def test_any_corner_is_stable(cutoff_hz, rate):
    p, q, r, _, _ = butterworth(cutoff_hz, rate)
    assert np.abs(np.linalg.eigvals([[p, -q], [q, r]])).max() < 1.0


def test_corners_past_the_limit_are_held():
    assert butterworth(30000.0, 48000) == butterworth(HIGHEST * 48000, 48000)
    assert butterworth(500.0, 48000)[:4] == transition(np.float64(prewarp(500.0, 48000)), np.float64(math.sqrt(2.0)))
