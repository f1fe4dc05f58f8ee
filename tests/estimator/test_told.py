"""What a person says of themselves: fresh reports count, old ones fade, and only they tell valence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator.arousal import score_of
from synth.estimator.told import LEAST, TOLD_TAU_S, VALENCE_TAU_S, Told


def told(channel: str, value: float, t_s: float = 0.0) -> Told:
    reports = Told()
    reports.add(channel, t_s, value)
    return reports


def test_a_fresh_report_counts_double_and_more_without_a_body() -> None:
    reports = told("self_arousal", 0.6)
    assert reports.with_body(0.0, 0.0) == pytest.approx(score_of(0.6) * 2 / 3)
    assert reports.with_body(None, 0.0) == pytest.approx(score_of(0.6) * 2 / 2.3)
    assert reports.with_body(1.5, 1e6) == 1.5
    assert Told().with_body(1.5, 0.0) == 1.5 and Told().with_body(None, 0.0) is None


def test_a_report_fades_and_is_forgotten() -> None:
    reports = told("self_arousal", 0.6, 10.0)
    assert reports.freshness(10.0) == 1.0
    assert reports.freshness(10.0 + TOLD_TAU_S) == pytest.approx(math.exp(-1.0))
    assert reports.freshness(10.0 - TOLD_TAU_S * math.log(LEAST) + 1.0) == 0.0
    assert reports.arousal(100.0) == 0.6 and reports.arousal(10.0 + TOLD_TAU_S) is None


def test_valence_is_told_and_never_guessed() -> None:
    assert Told().valence(0.0) is None
    assert told("self_arousal", 0.9).valence(0.0) is None
    assert told("self_valence", -0.4).valence(0.0) == pytest.approx(-0.4)
    assert told("self_valence", -0.4).valence(VALENCE_TAU_S) == pytest.approx(-0.4 / math.e)
    assert told("feedback", 1.0).valence(0.0) == pytest.approx(0.5)
    both = told("self_valence", -0.4)
    both.add("feedback", 0.0, 1.0)
    assert both.valence(0.0) == pytest.approx((-0.4 + 0.5) / 1.5)
    assert both.valence(1e5) is None


@given(st.sampled_from(["self_arousal", "self_valence", "feedback"]), st.floats(), st.floats(0.0, 1e6))
def test_whatever_is_told_stays_in_range(channel: str, value: float, now_s: float) -> None:
    reports = told(channel, value)
    valence = reports.valence(now_s)
    assert valence is None or -1.0 <= valence <= 1.0
    score = reports.with_body(None, now_s)
    assert score is None or math.isfinite(score)
    if not math.isfinite(value):
        assert valence is None and score is None


def test_a_report_of_no_quality_is_passed_over() -> None:
    reports = Told()
    reports.add("self_arousal", 0.0, 0.5, 0.2)
    assert reports.freshness(0.0) == 0.0
