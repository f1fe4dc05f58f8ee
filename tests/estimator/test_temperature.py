"""Skin temperature: slope, warming up, contact lost and found, and any samples at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator.temperature import Temperature

Array = NDArray[np.float64]


def fed(degrees: Array, rate_hz: float = 4.0, step_s: float = 1.0) -> Temperature:
    skin = Temperature()
    t = np.arange(degrees.size) / rate_hz
    for begin in np.arange(0.0, t[-1] + step_s, step_s):
        due = (t >= begin) & (t < begin + step_s)
        skin.add(t[due], degrees[due])
    return skin


def course(points: dict[float, float], rate_hz: float = 4.0) -> Array:
    """Straight lines through degrees at seconds, in steps of an E4's 0.02 degC."""
    t = np.arange(0.0, max(points), 1.0 / rate_hz)
    return np.round(np.interp(t, list(points), list(points.values())) / 0.02) * 0.02


@pytest.mark.parametrize("slope", [-0.2, 0.0, 0.13])
@pytest.mark.parametrize("rate_hz", [1.0 / 30.0, 1.0, 4.0])
def test_level_and_slope(slope: float, rate_hz: float) -> None:
    degrees = course({0: 33.0, 900: 33.0 + 15 * slope}, rate_hz)
    skin = fed(degrees, rate_hz)
    assert skin.contact
    assert skin.degrees_c(900.0) == pytest.approx(33.0 + 15 * slope, abs=0.15)
    assert skin.slope_c_per_min(900.0) == pytest.approx(slope, abs=0.01)


def test_the_slope_is_of_the_last_five_minutes() -> None:
    skin = fed(course({0: 31.0, 600: 33.0, 900: 33.0}))
    assert skin.slope_c_per_min(900.0) == pytest.approx(0.0, abs=0.01)


def test_a_slope_waits_for_the_sensor_to_settle() -> None:
    degrees = course({0: 29.0, 60: 33.0, 400: 33.0})
    assert fed(degrees[: 4 * 260]).slope_c_per_min(260.0) is None
    assert fed(degrees).slope_c_per_min(400.0) == pytest.approx(0.0, abs=0.02)


def test_a_sensor_taken_off_and_put_on_again() -> None:
    off = {0: 33.0, 600: 33.0, 660: 30.0, 780: 26.0, 1200: 23.0, 1800: 23.0}
    skin = fed(course(off)[: 4 * 640])
    assert not skin.contact and skin.degrees_c(640.0) is None and skin.slope_c_per_min(640.0) is None
    assert not fed(course(off)).contact
    on = fed(course({**off, 1860: 27.0, 1920: 30.0, 2100: 32.0, 2600: 32.5}))
    assert on.contact and on.degrees_c(2600.0) == pytest.approx(32.5, abs=0.1)
    assert on.slope_c_per_min(2600.0) == pytest.approx(0.06, abs=0.02)


def test_a_cold_hand_is_still_a_hand() -> None:
    assert fed(course({0: 33.0, 300: 33.0, 360: 32.1, 420: 31.2, 900: 29.0})).contact


def test_a_false_alarm_ends_where_no_room_is() -> None:
    fallen = {0: 34.0, 300: 34.0, 345: 32.0}
    assert not fed(course({**fallen, 500: 32.0})).contact
    assert fed(course({**fallen, 800: 32.0})).contact


def test_nothing_is_told_of_what_was_not_heard() -> None:
    skin = Temperature()
    assert not skin.contact and skin.degrees_c(0.0) is None and skin.slope_c_per_min(0.0) is None
    skin = fed(course({0: 33.0, 600: 33.0}))
    assert skin.degrees_c(680.0) is not None
    assert skin.degrees_c(700.0) is None and skin.slope_c_per_min(700.0) is None


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 0.0, 9.9, 45.1, 1e300])
def test_garbage_is_passed_over(garbage: float) -> None:
    degrees = course({0: 33.0, 600: 33.6})
    dirty = degrees.copy()
    dirty[::7] = garbage
    assert fed(dirty).slope_c_per_min(600.0) == pytest.approx(fed(degrees).slope_c_per_min(600.0), abs=0.002)
    poor = Temperature()
    poor.add(np.arange(600.0), np.full(600, 33.0), np.zeros(600))
    assert not poor.contact


@pytest.mark.parametrize("step_s", [0.3, 7.0, 250.0])
def test_it_is_the_same_however_samples_are_split(step_s: float) -> None:
    degrees = course({0: 33.0, 300: 33.0, 360: 30.0, 500: 28.0, 700: 33.0, 1100: 33.3})
    once, again = fed(degrees), fed(degrees, step_s=step_s)
    assert again.contact == once.contact
    assert again.slope_c_per_min(1100.0) == pytest.approx(once.slope_c_per_min(1100.0))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=30),
    st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(5.0, 50.0)), max_size=60),
)
def test_any_samples_make_sense(wild: list[tuple[float, float, float]], tame: list[tuple[float, float]]) -> None:
    skin = Temperature()
    t, degrees, quality = np.array(wild, dtype=np.float64).reshape(-1, 3).T
    skin.add(t, degrees, quality)
    t, degrees = np.array(sorted(tame), dtype=np.float64).reshape(-1, 2).T
    skin.add(t, degrees)
    for now_s in (0.0, 1e4):
        level, slope = skin.degrees_c(now_s), skin.slope_c_per_min(now_s)
        assert level is None or 9.9 < level < 45.1
        assert slope is None or abs(slope) < 36.0
