"""Stillness of an arm: how long, what a stir does, and what it makes of any samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator.stillness import Stillness

Array = NDArray[np.float64]


def arm(
    moving: list[tuple[float, float]], seconds: float, rate_hz: float = 32.0, g: float = 0.15
) -> tuple[Array, Array]:
    """An arm with the noise of a sensor, that waves from and to the given seconds."""
    t = np.arange(0.0, seconds, 1.0 / rate_hz)
    length = 1.0 + np.random.default_rng(1).normal(0, 0.006, t.size)
    for begin, end in moving:
        inside = (t >= begin) & (t < end)
        length[inside] += g * np.sin(2 * np.pi * 1.7 * t[inside])
    return t, length


def fed(t: Array, length: Array, step_s: float = 1.0) -> Stillness:
    still = Stillness()
    for begin in np.arange(0.0, t[-1] + step_s, step_s):
        due = (t >= begin) & (t < begin + step_s)
        still.add(t[due], length[due])
    return still


@pytest.mark.parametrize("rate_hz", [8.0, 32.0, 100.0])
def test_stillness_is_counted_in_seconds(rate_hz: float) -> None:
    still = fed(*arm([(0, 100)], 420.0, rate_hz))
    assert still.still_s(420.0) == pytest.approx(315.0, abs=6.0)
    assert still.sustained(420.0) is True
    assert fed(*arm([(0, 150)], 420.0, rate_hz)).sustained(420.0) is False


@pytest.mark.parametrize(("g", "moved"), [(0.02, False), (0.05, True)])
def test_what_counts_as_movement(g: float, moved: bool) -> None:
    still = fed(*arm([(0, 120)], 120.0, g=g))
    assert (still.still_s(120.0) == 0.0) is moved


def test_a_sensor_that_lies_askew_is_as_still() -> None:
    t, length = arm([], 200.0)
    assert fed(t, 0.93 * length).still_s(200.0) == fed(t, length).still_s(200.0) == 195.0


def test_a_lone_stir_ends_nothing_a_second_does() -> None:
    assert fed(*arm([(200, 203)], 400.0)).still_s(400.0) == pytest.approx(395.0, abs=1.0)
    twice = fed(*arm([(200, 203), (230, 233)], 400.0))
    assert twice.still_s(400.0) == pytest.approx(160.0, abs=6.0)
    assert fed(*arm([(200, 203), (300, 303)], 400.0)).still_s(400.0) == pytest.approx(395.0, abs=1.0)


def test_the_share_of_ten_minutes() -> None:
    assert fed(*arm([], 250.0)).share(250.0) is None
    half = fed(*arm([(300, 600)], 600.0))
    assert half.share(600.0) == pytest.approx(0.5, abs=0.02)
    assert fed(*arm([(0, 600)], 1300.0)).share(1300.0) == 1.0


def test_silence_tells_nothing_and_begins_anew() -> None:
    assert Stillness().still_s(0.0) is Stillness().share(0.0) is Stillness().sustained(0.0) is None
    t, length = arm([], 600.0)
    keep = (t < 400) | (t > 450)
    still = fed(t[t < 400], length[t < 400])
    assert still.still_s(420.0) == pytest.approx(395.0, abs=1.0)
    assert still.still_s(430.0) is still.share(430.0) is still.sustained(430.0) is None
    assert fed(t[keep], length[keep]).still_s(600.0) == pytest.approx(145.0, abs=6.0)


def test_too_few_samples_are_no_epoch() -> None:
    assert fed(*arm([], 200.0, rate_hz=0.5)).still_s(200.0) is None


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -1.0, 17.0, 1e300])
def test_garbage_is_passed_over(garbage: float) -> None:
    t, length = arm([], 200.0)
    length[::9] = garbage
    assert fed(t, length).still_s(200.0) == 195.0
    still = Stillness()
    still.add(t, length, np.zeros(t.size))
    assert still.still_s(200.0) is None


@pytest.mark.parametrize("step_s", [0.3, 7.0, 500.0])
def test_it_is_the_same_however_samples_are_split(step_s: float) -> None:
    t, length = arm([(40, 90), (200, 203), (300, 303)], 420.0)
    once, again = fed(t, length), fed(t, length, step_s)
    assert again.still_s(420.0) == once.still_s(420.0) and again.share(420.0) == once.share(420.0)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=30),
    st.lists(st.tuples(st.floats(0.0, 3000.0), st.floats(0.0, 16.0)), max_size=100),
)
def test_any_samples_make_sense(wild: list[tuple[float, float, float]], tame: list[tuple[float, float]]) -> None:
    still = Stillness()
    t, length, quality = np.array(wild, dtype=np.float64).reshape(-1, 3).T
    still.add(t, length, quality)
    t, length = np.array(sorted(tame), dtype=np.float64).reshape(-1, 2).T
    still.add(t, length)
    still.add(np.arange(3000.0, 3100.0, 0.1), np.ones(1000))
    still_s, share = still.still_s(3100.0), still.share(3100.0)
    assert still_s is not None and still_s >= 90.0
    assert share is None or 0.0 <= share <= 1.0
