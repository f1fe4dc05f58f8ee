"""The model: signs, bounds, and sources that fade in and out without a step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.estimator import arousal, model
from synth.estimator.model import BOUND, WEIGHTS, Features

unit = st.floats(0.0, 1.0)
maybe = st.one_of(st.none(), st.floats(-50.0, 50.0))
TELLING = Features(recent=1.0, longer=0.5, level=0.3, heart=1.2)


def test_the_weights_are_versioned_and_strain_is_less_likely_than_not_at_baseline() -> None:
    assert model.VERSION >= 2 and set(WEIGHTS) == {"both", "skin", "heart"}
    assert model.body_score(Features(0.0, 0.0, 0.0, 0.0), 1.0, 1.0) == 0.0
    for heart, skin in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)):
        assert 0.2 < model.p_elevated(0.0, model.intercept(heart, skin)) < 0.5


def test_more_of_each_source_raises_the_score() -> None:
    for more in (Features(2.0, 0.5, 0.3, 1.2), Features(1.0, 0.5, 0.6, 1.2), Features(1.0, 0.5, 0.3, 1.5)):
        assert WEIGHTS["both"].score(more) > WEIGHTS["both"].score(TELLING)
    steady_rise = Features(recent=1.0, longer=1.0)
    assert WEIGHTS["both"].score(steady_rise) > 0.0 and WEIGHTS["skin"].score(steady_rise) > 0.0
    assert WEIGHTS["heart"].score(Features(heart=1.0)) > 0.0


@given(maybe, maybe, maybe, maybe, unit, unit)
def test_whatever_the_features_the_estimate_is_in_range(
    recent: float | None,
    longer: float | None,
    level: float | None,
    heart: float | None,
    heart_say: float,
    skin_say: float,
) -> None:
    score = model.body_score(Features(recent, longer, level, heart), heart_say, skin_say)
    if score is None:
        assert heart_say == skin_say == 0.0
        return
    most = max(BOUND * (abs(w.recent) + abs(w.longer) + abs(w.level) + abs(w.heart)) for w in WEIGHTS.values())
    assert abs(score) <= most + 1e-9
    assert -1.0 < arousal.arousal_of(score) < 1.0
    assert 0.0 < model.p_elevated(score, model.intercept(heart_say, skin_say)) < 1.0


def test_losing_both_alike_holds_the_score_and_losing_one_leaves_the_other_model() -> None:
    both = model.body_score(TELLING, 1.0, 1.0)
    assert both == pytest.approx(WEIGHTS["both"].score(TELLING))
    assert model.body_score(TELLING, 0.25, 0.25) == pytest.approx(both)
    assert model.body_score(TELLING, 1.0, 0.0) == pytest.approx(WEIGHTS["heart"].score(TELLING))
    assert model.body_score(TELLING, 0.0, 1.0) == pytest.approx(WEIGHTS["skin"].score(TELLING))
    assert model.body_score(TELLING, 0.0, 0.0) is None


@given(unit, unit)
def test_shares_sum_to_one(heart_say: float, skin_say: float) -> None:
    shares = model.shares(heart_say, skin_say)
    if max(heart_say, skin_say) > 0.0:
        assert sum(shares.values()) == pytest.approx(1.0) and min(shares.values()) >= 0.0
    else:
        assert shares == {}


def test_what_is_not_known_counts_as_usual() -> None:
    assert model.body_score(Features(heart=1.0), 1.0, 1.0) == model.body_score(Features(0.0, 0.0, 0.0, 1.0), 1.0, 1.0)
    assert model.bounded(None) == 0.0 and model.bounded(1e9) == BOUND and model.bounded(-1e9) == -BOUND
