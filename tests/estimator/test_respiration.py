"""Breathing rate from a belt and from beats: right, or None."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from synth.estimator.respiration import Belt, breaths_per_min, from_beats
from synth.estimator.rr import Beats, Window


def beats(per_min: float, swing_ms: float, seconds: float = 90.0, noise_ms: float = 5.0) -> Window:
    rng = np.random.default_rng(5)
    held = Beats()
    t = 0.0
    while t < seconds:
        rr_ms = 900.0 + 0.5 * swing_ms * np.sin(2 * np.pi * per_min / 60.0 * t) + rng.normal(0, noise_ms)
        t += rr_ms / 1000.0
        held.add(t, float(rr_ms), 1.0)
    return held.window(seconds, 60.0)


@pytest.mark.parametrize(("per_min", "swing_ms"), [(4.5, 200.0), (6.0, 160.0), (9.0, 60.0), (14.0, 50.0), (18.0, 50.0)])
def test_the_rate_is_in_the_beats(per_min: float, swing_ms: float) -> None:
    assert from_beats(beats(per_min, swing_ms)) == pytest.approx(per_min, abs=0.6)


def test_a_small_slow_wave_is_not_taken_for_breath() -> None:
    assert from_beats(beats(6.0, 40.0)) is None


def test_noise_gives_no_rate() -> None:
    assert from_beats(beats(14.0, 0.0, noise_ms=40.0)) is None
    told = [breaths_per_min(np.random.default_rng(seed).normal(0, 1, 240), 0.5) for seed in range(40)]
    assert sum(rate is not None for rate in told) <= 2


def test_gaps_give_no_rate() -> None:
    whole = beats(14.0, 60.0)
    keep = (whole.t_s % 20) < 10
    assert from_beats(Window(whole.t_s[keep], whole.rr_ms[keep], whole.kept[keep], whole.follows[keep], 60.0)) is None


@pytest.mark.parametrize("per_min", [5.0, 8.0, 12.0, 16.0, 24.0])
@pytest.mark.parametrize("rate_hz", [10.0, 100.0])
def test_a_belt_tells_its_rate(per_min: float, rate_hz: float) -> None:
    belt = Belt()
    t = np.arange(0, 90, 1 / rate_hz)
    x = 300 + 20 * np.sin(2 * np.pi * per_min / 60 * t) + 0.1 * t + np.random.default_rng(1).normal(0, 4, t.size)
    for second in range(90):
        due = (t >= second) & (t < second + 1)
        belt.add(t[due], x[due])
    assert belt.rate(90.0) == pytest.approx(per_min, abs=0.4)
    assert belt.rate(101.0) is None


def test_a_belt_that_does_not_move_gives_no_rate() -> None:
    belt = Belt()
    belt.add(np.arange(0, 70, 0.1), np.full(700, 3.0))
    assert belt.rate(70.0) is None
    belt = Belt()
    belt.add(np.arange(5.0), np.array([np.nan, 1, 2, 1, 2]))
    assert belt.rate(5.0) is None


@pytest.mark.parametrize("per_min", [8, 15, 22])
def test_a_belt_agrees_with_neurokit(per_min: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        x = nk.rsp_simulate(
            duration=90, sampling_rate=50, respiratory_rate=per_min, method="sinusoidal", noise=0.05, random_state=4
        )
        cleaned = nk.rsp_clean(x, sampling_rate=50)
        theirs = float(np.mean(nk.rsp_rate(cleaned, sampling_rate=50)[-60 * 50 :]))
    belt = Belt()
    belt.add(np.arange(x.size) / 50.0, x)
    assert belt.rate(90.0) == pytest.approx(theirs, abs=0.6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e300])
def test_a_belts_garbage_is_passed_over(garbage: float) -> None:
    t = np.arange(0, 80, 0.1)
    x = np.sin(2 * np.pi * 0.25 * t)
    dirty = x.copy()
    dirty[::37] = garbage
    belt = Belt()
    belt.add(t, dirty)
    assert belt.rate(80.0) == pytest.approx(15.0, abs=0.4)
