"""The model: signs, bounds, says, and how score and confidence move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator import arousal as model
from synth.estimator.arousal import Confidence, Features, Say, Score

unit = st.floats(0.0, 1.0)
maybe = st.one_of(st.none(), st.floats(-50.0, 50.0))


def test_the_baseline_is_zero_arousal_and_less_likely_strain_than_not() -> None:
    assert model.body_score(Features(0.0, 0.0, 0.0), 1.0, 1.0) == 0.0
    assert model.arousal_of(0.0) == 0.0
    assert 0.2 < model.p_elevated(0.0) < 0.5


def test_each_feature_raises_the_score() -> None:
    base = model.body_score(Features(0.2, 0.1, 0.3), 1.0, 1.0)
    assert base is not None
    for raised in (Features(0.4, 0.1, 0.3), Features(0.2, 0.2, 0.3), Features(0.2, 0.1, 0.5)):
        score = model.body_score(raised, 1.0, 1.0)
        assert score is not None and score > base


@given(maybe, st.one_of(st.none(), st.floats(-1.0, 1.0)), maybe, unit, unit)
def test_whatever_the_features_the_estimate_is_in_range(
    trend: float | None, level: float | None, heart: float | None, heart_say: float, skin_say: float
) -> None:
    score = model.body_score(Features(trend, level, heart), heart_say, skin_say)
    if score is None:
        assert heart_say == skin_say == 0.0
        return
    assert abs(score) <= 3.0 * model.TREND_WEIGHT + model.LEVEL_WEIGHT + 2.5 * model.HEART_WEIGHT + 1e-9
    assert -1.0 < model.arousal_of(score) < 1.0
    assert 0.0 < model.p_elevated(score) < 1.0


def test_losing_both_alike_holds_the_score_and_losing_one_takes_its_part_away() -> None:
    features = Features(1.0, 0.5, 1.0)
    both = model.body_score(features, 1.0, 1.0)
    assert model.body_score(features, 0.25, 0.25) == pytest.approx(both)
    assert model.body_score(features, 1.0, 0.0) == pytest.approx(model.HEART_WEIGHT)
    assert model.body_score(features, 0.0, 0.0) is None


@given(st.floats(-0.95, 0.95))
def test_a_told_arousal_comes_back(told: float) -> None:
    assert model.arousal_of(model.score_of(told)) == pytest.approx(told, abs=1e-9)


def test_a_report_counts_double_when_fresh_and_more_without_a_body() -> None:
    told_score = model.score_of(0.6)
    assert model.with_report(0.0, told_score, 1.0) == pytest.approx(told_score * 2 / 3)
    assert model.with_report(None, told_score, 1.0) == pytest.approx(told_score * 2 / 2.3)
    assert model.with_report(1.5, told_score, 0.0) == 1.5


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
