"""Breath pacing: three quarters of the own rate, never under the floor, given up when the breath does not follow."""

from __future__ import annotations

import pytest

from synth.estimator.state import State
from synth.steering.breath import MOST_READINGS, BreathPacing


def breathing(rate: float | None, confidence: float = 0.8) -> State:
    return State(0.0, confidence=confidence, resp_bpm=rate)


def learned(rate: float, seconds: int = 75) -> BreathPacing:
    pacing = BreathPacing()
    for _ in range(seconds):
        pacing.step(1.0, True, breathing(rate), 10.0, 0.0)
    return pacing


def test_it_learns_the_median_and_says_so():
    pacing = learned(16.0)
    for outlier in (4.0, 40.0, 40.0):
        pacing.step(1.0, True, breathing(outlier), 10.0, 0.0)
    assert pacing.rate_bpm is None
    assert "own 16.0 breaths" in pacing.step(1.0, False, breathing(16.0), 10.0, 0.0)
    assert pacing.rate_bpm == pytest.approx(12.0)
    assert pacing.step(1.0, False, breathing(16.0), 10.0, 0.0) == ""


def test_in_a_baseline_of_hours_the_last_hour_counts():
    pacing = learned(18.0, MOST_READINGS)
    for _ in range(MOST_READINGS):
        pacing.step(1.0, True, breathing(12.0), 10.0, 0.0)
    assert "own 12.0 breaths" in pacing.step(1.0, False, None, 10.0, 0.0)


def test_the_floor_is_six():
    pacing = learned(7.0)
    pacing.step(1.0, False, None, 10.0, 0.0)
    assert pacing.rate_bpm == 6.0


@pytest.mark.parametrize("state", [None, breathing(None), breathing(15.0, confidence=0.1)])
def test_what_is_not_known_is_not_used(state):
    pacing = BreathPacing()
    for _ in range(75):
        pacing.step(1.0, True, state, 10.0, 0.0)
    pacing.step(1.0, False, state, 10.0, 0.0)
    assert pacing.rate_bpm is None
    too_few = learned(16.0, seconds=10)
    too_few.step(1.0, False, None, 10.0, 0.0)
    assert too_few.rate_bpm is None


def watch(pacing: BreathPacing, seconds: int, rate: float | None, paced: float, depth: float) -> str:
    return "".join(pacing.step(1.0, False, breathing(rate), paced, depth) for _ in range(seconds))


def test_a_breath_that_stays_away_ends_the_wave():
    pacing = learned(16.0)
    watch(pacing, 1, 16.0, 12.0, 4.0)
    assert watch(pacing, 300, 15.9, 12.0, 4.0) == "" and not pacing.given_up, "the own rate is within reach"
    assert watch(pacing, 110, 18.0, 12.0, 4.0) == ""
    assert "does not follow" in watch(pacing, 20, 18.0, 12.0, 4.0) and pacing.given_up
    assert watch(pacing, 300, 18.0, 12.0, 4.0) == "", "said once"


@pytest.mark.parametrize(
    ("rate", "paced", "depth"),
    [(18.0, 9.0, 4.0), (18.0, 12.0, 0.0), (None, 12.0, 4.0)],
    ids=["still approaching", "no wave", "not measured"],
)
def test_it_is_not_given_up_for_nothing(rate, paced, depth):
    pacing = learned(16.0)
    watch(pacing, 1, 16.0, 10.0, 0.0)
    watch(pacing, 600, rate, paced, depth)
    assert not pacing.given_up
