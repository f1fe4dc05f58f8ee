"""How score, says and confidence move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator import arousal as model
from synth.estimator.arousal import Confidence, Say, Score

unit = st.floats(0.0, 1.0)


def test_arousal_at_the_baseline_is_zero() -> None:
    assert model.arousal_of(0.0) == 0.0


@given(st.floats(-0.95, 0.95))
def test_a_told_arousal_comes_back(told: float) -> None:
    assert model.arousal_of(model.score_of(told)) == pytest.approx(told, abs=1e-9)


@given(unit, unit, unit, unit)
def test_confidence_rises_with_each_witness(heart: float, skin: float, told: float, more: float) -> None:
    sure = model.confidence(heart, skin, told)
    assert 0.0 <= sure < 1.0
    assert model.confidence(max(heart, more), max(skin, more), max(told, more)) >= sure
    assert model.confidence(0.0, 0.0, 0.0) == 0.0
    assert model.confidence(0.0, 1.0, 0.0) > model.confidence(1.0, 0.0, 0.0)


def test_a_say_is_lost_in_three_seconds_and_gained_in_twenty() -> None:
    say = Say()
    seconds = []
    for towards in (1.0, 0.0):
        taken = 0
        while abs(say.value - towards) > 1e-9:
            say.move(towards, 1.0)
            taken += 1
        seconds.append(taken)
    assert seconds == [20, 3]


def test_the_score_follows_at_a_bounded_rate_holds_and_glides_home() -> None:
    score = Score()
    course = []
    for second in range(60):
        score.follow(3.0, float(second), 1.0)
        course.append(model.arousal_of(score.value))
    assert score.value == pytest.approx(3.0)
    assert np.diff(course).max() <= 0.0241
    held = score.value
    for second in range(60, 60 + 10):
        score.wait(float(second), 1.0)
    assert score.value == held
    for second in range(70, 260):
        score.wait(float(second), 1.0)
        course.append(model.arousal_of(score.value))
    assert np.abs(np.diff(course)).max() <= 0.0241
    assert abs(score.value) < 0.05


def test_confidence_halves_well_within_half_a_minute_and_ends_at_zero() -> None:
    confidence = Confidence()
    for _ in range(200):
        confidence.move(0.8, 1.0)
    assert confidence.value == pytest.approx(0.8, abs=1e-3)
    seconds = 0
    while confidence.value > 0.4:
        confidence.move(0.0, 1.0)
        seconds += 1
    assert seconds == math.ceil(20.0 * math.log(2.0))
    for _ in range(120 - seconds):
        confidence.move(0.0, 1.0)
    assert confidence.value == 0.0
