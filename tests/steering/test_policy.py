"""Policies: bounded pace and trim, nothing raised blindly, holds that end, and words for what changed."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.estimator.state import State
from synth.steering.policy import Pace, TimedArc
from synth.steering.responsive import HOLD_LONGEST_S, Responsive


def run(policy, seconds, arousal, planned=0.0, heading=-1, start=0, confidence=0.8, reasons=()):
    """Paces of `seconds` ticks; `arousal` may be a function of time, or None for no state."""
    paces = []
    for t in range(start, start + seconds):
        value = arousal(t) if callable(arousal) else arousal
        state = None if value is None else State(float(t), value, confidence, reasons=reasons)
        paces.append(policy.step(float(t), 1.0, planned, heading, state))
    return paces


def test_the_timed_arc_does_not_listen():
    assert set(run(TimedArc(), 100, lambda t: (-1.0) ** t)) == {Pace(1.0, 0.0)}


@given(
    st.lists(st.tuples(st.none() | st.floats(-1, 1), st.floats(0, 1), st.sampled_from([-1, 0, 1])), max_size=40),
    st.booleans(),
)
@settings(max_examples=50)
def test_pace_and_trim_stay_in_their_bounds_whatever_is_sensed(spells, may_raise):
    policy, t, trim = Responsive(may_raise), 0, 0.0
    for arousal, confidence, heading in spells:
        for pace in run(policy, 20, arousal, 0.0, heading, t, confidence):
            assert pace.speed == 0.0 or 0.5 <= pace.speed <= (1.0 if heading >= 0 else 1.5)
            assert -0.15 <= pace.trim <= (0.15 if may_raise else 0.0)
            assert -0.01 - 1e-9 <= pace.trim - trim <= 0.0025 + 1e-9
            trim = pace.trim
        t += 20


@given(st.floats(-1, 1), st.integers(0, 600), st.sampled_from([-1, 0, 1]))
def test_nothing_grows_when_signals_are_lost(arousal, seen, heading):
    policy = Responsive(may_raise=True)
    before = run(policy, seen, arousal, 0.0, heading)
    speed, trim = (before[-1].speed, before[-1].trim) if before else (1.0, 0.0)
    for pace in run(policy, 300, None, 0.0, heading, start=seen):
        assert pace.trim <= trim + 1e-12
        trim = pace.trim
        assert pace.speed <= max(1.0 if heading < 1 else min(speed, 1.0), 0.5)


@pytest.mark.parametrize("fault", [{"confidence": 0.1}, {"arousal": None}])
def test_unsure_counts_as_unknown(fault):
    policy = Responsive(may_raise=True)
    paces = run(policy, 120, **({"arousal": 0.9, "confidence": 0.8} | fault))
    assert {(pace.speed, pace.trim) for pace in paces} == {(1.0, 0.0)}


def test_an_old_state_counts_as_unknown():
    policy, old = Responsive(may_raise=False), State(0.0, 0.35, 0.9)
    assert policy.step(0.0, 1.0, 0.0, -1, old).speed < 1.0
    assert policy.step(5.0, 1.0, 0.0, -1, old).speed < 1.0
    lost = policy.step(11.0, 1.0, 0.0, -1, old)
    assert lost.speed == 1.0 and "nothing is raised" in lost.words[0]


def test_a_listener_above_a_falling_plan_slows_it_and_one_below_quickens_it():
    above = run(Responsive(False), 60, 0.25, reasons=("skin conductance rising.",))
    assert above[-1].speed == pytest.approx(0.7)
    assert above[0].words == ("signals are clear", "slowed the arc: skin conductance rising")
    below = run(Responsive(False), 60, -0.25)
    assert below[-1].speed == pytest.approx(1.3)
    assert "quickened the arc: arousal 0.25 below the plan" in below[0].words
    assert run(Responsive(False), 60, 0.05)[-1] == Pace(1.0, 0.0)


def test_a_rising_plan_is_never_quickened():
    for arousal in (-0.6, -0.2, 0.0, 0.2):
        assert run(Responsive(True), 60, arousal, heading=1)[-1].speed <= 1.0


def test_the_trim_follows_the_pi_rule_with_its_dead_band():
    assert run(Responsive(True), 60, 0.09)[-1].trim == 0.0
    paces = run(Responsive(True), 301, -0.3, heading=0)
    assert paces[-1].trim == pytest.approx(0.25 * 0.3 + 0.02 * 0.3 * 5.25, abs=0.002)
    assert run(Responsive(True), 1200, -0.9, heading=0)[-1].trim == 0.15
    assert run(Responsive(False), 1200, -0.9, heading=0)[-1].trim == 0.0, "a plan that calms is never trimmed up"


def test_the_trim_comes_back_at_once_from_its_bound():
    policy = Responsive(True)
    run(policy, 3600, -0.9, heading=0)
    assert run(policy, 120, 0.3, heading=0, start=3600)[-1].trim < 0.0, "no wind-up"


def test_a_hold_ends_and_the_arc_goes_on():
    paces = run(Responsive(False), 900, 0.6)
    held = [t for t, pace in enumerate(paces) if pace.speed == 0.0]
    assert held[0] == 0 and len(held) <= 2 * (HOLD_LONGEST_S + 15)
    assert sum(pace.speed for pace in paces) >= 0.35 * 900, "following the estimate must not latch"
    assert any("holding here for a while" in pace.words[-1] for pace in paces if pace.words)


def test_a_fast_rise_against_the_plan_holds():
    policy = Responsive(False)
    run(policy, 120, -0.2)
    paces = run(policy, 60, lambda t: -0.2 + 0.01 * (t - 120), start=120)
    assert 0.0 in {pace.speed for pace in paces}


def test_a_copy_goes_on_alike():
    policy = Responsive(True)
    run(policy, 100, 0.3)
    copy = pickle.loads(pickle.dumps(policy))
    assert run(policy, 100, -0.3, start=100) == run(copy, 100, -0.3, start=100)
