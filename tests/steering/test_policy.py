"""Policies: bounded pace and trim, nothing raised blindly, holds that end, and words for what changed."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.estimator.state import State
from synth.steering.policy import Pace, TimedArc
from synth.steering.responsive import AHEAD_MOST, HOLD_LONGEST_S, REACH, TRIM_MOST, WAIT_MOST, Responsive


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
            assert -TRIM_MOST <= pace.trim <= (TRIM_MOST if may_raise else 0.0), "no livelier than the plan began"
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
    policy, old = Responsive(may_raise=False), State(0.0, 0.6, 0.9)
    assert policy.step(0.0, 1.0, 0.0, -1, old).speed < 1.0
    assert policy.step(5.0, 1.0, 0.0, -1, old).speed < 1.0
    lost = policy.step(11.0, 1.0, 0.0, -1, old)
    assert lost.speed == 1.0 and "nothing is raised" in lost.words[0]


def test_the_music_leads_a_falling_plan_by_its_reach_and_no_more():
    behind = run(Responsive(False), 60, REACH + 0.15, reasons=("skin conductance rising.",))
    assert behind[-1].speed == pytest.approx(0.7)
    assert behind[0].words == ("signals are clear", "slowed the arc: skin conductance rising")
    near = run(Responsive(False), 60, REACH - 0.15)
    assert near[-1].speed == pytest.approx(1.3)
    assert f"quickened the arc: arousal {REACH - 0.15:.2f} above the plan" in near[0].words
    assert run(Responsive(False), 60, REACH)[-1] == Pace(1.0, 0.0)
    assert run(Responsive(False), 60, REACH, heading=0)[-1].speed == 1.0


def falling(policy, seconds, arousal, to):
    """Paces of `policy` while the plan goes from 0 down to `to` in ten minutes, and then stays."""
    paces = []
    for t in range(seconds):
        planned = to * min(t / 600.0, 1.0)
        state = State(float(t), arousal, 0.8)
        paces.append((planned, policy.step(float(t), 1.0, planned, -1 if t < 600 else 0, state)))
    return paces


def test_on_the_way_down_the_music_waits_or_goes_ahead_within_bounds():
    far, behind, low = (
        [pace.trim for _, pace in falling(Responsive(False), 1200, x, -0.6)] for x in (0.3, -0.15, -0.6)
    )
    assert far[-1] == pytest.approx(WAIT_MOST), "bounded, however far behind"
    assert behind[-1] == pytest.approx(-0.15 + 0.6 - REACH, abs=1e-3), "within reach of who is a little behind"
    assert low[-1] == pytest.approx(-AHEAD_MOST), "a little ahead of who is there already"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_on_the_way_down_no_trim_makes_the_music_livelier_than_the_plan_began(arousals):
    policy, t = Responsive(False), 0
    for arousal in arousals:
        for _ in range(60):
            planned = -0.6 * min(t / 600.0, 1.0)
            pace = policy.step(float(t), 1.0, planned, -1, State(float(t), arousal, 0.8))
            assert planned + pace.trim <= 1e-9
            t += 1


def test_a_rising_plan_is_never_quickened():
    for arousal in (-0.6, -0.2, 0.0, 0.2):
        assert run(Responsive(True), 60, arousal, heading=1)[-1].speed <= 1.0


def test_a_level_plan_is_regulated_by_the_pi_rule_with_its_dead_band():
    assert run(Responsive(True), 60, 0.09, heading=0)[-1].trim == 0.0
    paces = run(Responsive(True), 301, -0.3, heading=0)
    assert paces[-1].trim == pytest.approx(0.25 * 0.3 + 0.02 * 0.3 * 5.25, abs=0.002)
    assert run(Responsive(True), 1200, -0.9, heading=0)[-1].trim == TRIM_MOST


def test_the_trim_comes_back_at_once_from_its_bound():
    policy = Responsive(True)
    run(policy, 3600, -0.9, heading=0)
    assert run(policy, 240, 0.3, heading=0, start=3600)[-1].trim < 0.0, "no wind-up"


def test_a_hold_ends_and_the_arc_goes_on():
    paces = run(Responsive(False), 1800, lambda t: -0.5 if t % 300 < 120 else 0.6)
    held = [t for t, pace in enumerate(paces) if pace.speed == 0.0]
    assert held and len(held) <= 3 * (HOLD_LONGEST_S + 15)
    assert sum(pace.speed for pace in paces) >= 0.35 * 1800, "following the estimate must not latch"
    assert any("holding here for a while" in pace.words[-1] for pace in paces if pace.words)


def test_a_listener_who_stays_behind_slows_the_arc_and_never_stops_it():
    assert {pace.speed for pace in run(Responsive(False), 900, 0.9)} == {0.5}


def test_a_fast_rise_against_the_plan_holds():
    policy = Responsive(False)
    run(policy, 120, -0.2)
    paces = run(policy, 90, lambda t: -0.2 + 0.01 * (t - 120), start=120)
    assert 0.0 in {pace.speed for pace in paces}
    assert 0.0 not in {pace.speed for pace in run(Responsive(False), 90, lambda t: 0.001 * t)}


def test_a_copy_goes_on_alike():
    policy = Responsive(True)
    run(policy, 100, 0.3)
    copy = pickle.loads(pickle.dumps(policy))
    assert run(policy, 100, -0.3, start=100) == run(copy, 100, -0.3, start=100)
