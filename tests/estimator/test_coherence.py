"""Heart coherence: its ratio for waves and noise, against a plain reckoning with SciPy, None without enough beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from scipy.interpolate import CubicSpline

from synth.estimator.coherence import coherence, window_coherence
from synth.estimator.rr import Beats

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")


def wave(hz: float, noise_ms: float = 0.0, seconds: float = 66.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and lengths of intervals that swing by 60 ms at `hz`."""
    rng = np.random.default_rng(9)
    rr: list[float] = []
    t = [0.0]
    while t[-1] < seconds:
        rr.append(900.0 + 60.0 * np.sin(2 * np.pi * hz * t[-1]) + rng.normal(0.0, noise_ms))
        t.append(t[-1] + rr[-1] / 1000.0)
    return np.array(t[1:]), np.array(rr)


@pytest.mark.parametrize("hz", [0.06, 0.1, 0.2])
def test_an_even_wave_is_coherent_and_its_pace_is_told(hz: float) -> None:
    found = coherence(*wave(hz))
    assert found is not None
    assert found.ratio > 5.0
    assert found.peak_hz == pytest.approx(hz, abs=0.004)
    assert found.ratio == pytest.approx(found.share / (1.0 - found.share))


def test_noise_lowers_coherence_step_by_step() -> None:
    shares = [found.share for noise in (0.0, 20.0, 40.0, 80.0) if (found := coherence(*wave(0.1, noise)))]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.85 and shares[-1] < 0.6
    scattered = [
        coherence(np.arange(1, 73) * 0.9, np.random.default_rng(seed).normal(900, 40, 72)) for seed in range(20)
    ]
    assert np.median([found.ratio for found in scattered if found]) < 0.5


def test_a_wave_outside_the_range_is_no_peak() -> None:
    found = coherence(*wave(0.35))
    assert found is not None and found.share < 0.1 and found.peak_hz <= 0.26


@pytest.mark.parametrize("hz", [0.07, 0.12])
def test_the_ratio_is_peak_over_rest_of_the_hann_spectrum(hz: float) -> None:
    t, rr = wave(hz, 25.0)
    even = signal.detrend(CubicSpline(t, rr)(np.arange(t[0], t[-1], 0.25)))
    f, power = signal.periodogram(even, 4.0, "hann", nfft=1 << 16, detrend=False)
    inside = (f >= 0.04) & (f <= 0.26)
    peak_hz = f[inside][np.argmax(power[inside])]
    peak = power[np.abs(f - peak_hz) <= 0.015].sum()
    total = power[f <= 0.40].sum()
    found = coherence(t, rr)
    assert found is not None
    assert found.ratio == pytest.approx(peak / (total - peak), rel=0.02)


def test_slow_breathing_is_more_coherent_than_rest() -> None:
    medians = {}
    for name in ("rr_slow_breathing_ms", "rr_rest_ms"):
        rr = RECORDINGS[name].astype(np.float64)
        t = np.cumsum(rr) / 1000.0
        found = [
            coherence(t[inside], rr[inside])
            for end in range(70, 550, 20)
            if (inside := (t > end - 64) & (t <= end)).any()
        ]
        medians[name] = np.median([each.ratio for each in found if each is not None])
    assert medians["rr_slow_breathing_ms"] > 1.5 and medians["rr_rest_ms"] < 0.5


def test_too_little_gives_none() -> None:
    t, rr = wave(0.1)
    assert coherence(t[:50], rr[:50]) is None
    assert coherence(np.arange(1, 73) * 0.9, np.full(72, 900.0)) is None
    assert coherence(t + np.where(t > 30.0, 5.0, 0.0), rr) is None
    beats = Beats()
    for i, (moment, interval) in enumerate(zip(t.tolist(), rr.tolist(), strict=True)):
        beats.add(moment, interval, 1.0 if i % 3 else 0.0)
    assert window_coherence(beats.window(66.0, 64.0)) is None
    whole = Beats()
    for moment, interval in zip(t.tolist(), rr.tolist(), strict=True):
        whole.add(moment, interval, 1.0)
    found = window_coherence(whole.window(66.0, 64.0))
    assert found is not None and found.share > 0.8


@given(st.lists(st.floats(300.0, 2000.0), min_size=0, max_size=200))
def test_any_intervals_give_a_share_or_none(rr: list[float]) -> None:
    found = coherence(np.cumsum(rr) / 1000.0, rr)
    assert found is None or (0.0 <= found.share <= 1.0 and 0.03 < found.peak_hz < 0.27 and found.ratio >= 0.0)
