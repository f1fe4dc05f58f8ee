"""Stop rules: each sign stops once it has lasted, rest and gaps are respected, and the second stop grounds."""

from __future__ import annotations

import pickle

import pytest

from synth.estimator.state import State
from synth.safety.stop_rules import HOLD_S, ROLL_BACK_S, Stop, StopRules

CALM = {"confidence": 0.8, "hr_bpm": 66.0, "hr_baseline_bpm": 64.0, "scr_per_min": 3.0, "scr_baseline_per_min": 3.0}


def run(rules: StopRules, start_s: int, seconds: int, rise: bool = False, **fields) -> list[tuple[float, Stop]]:
    """Tick once a second; the stops with their times."""
    stops = []
    for t in range(start_s, start_s + seconds):
        stop = rules.tick(float(t), State(float(t), **(CALM | fields)), rise)
        stops += [(t, stop)] if stop else []
    return stops


def test_nothing_happens_at_rest():
    assert run(StopRules(), 0, 1800) == []
    rules = StopRules()
    assert [rules.tick(float(t), None, False) for t in range(600)] == [None] * 600


def test_a_fast_heart_at_rest_stops_after_a_minute():
    rules = StopRules()
    run(rules, 0, 100)
    ((t, stop),) = run(rules, 100, 70, hr_bpm=90.0)
    assert t == pytest.approx(159, abs=1) and stop.rule == "heart_rate" and stop.action == "roll_back"


@pytest.mark.parametrize("fields", [{"hr_bpm": 88.0}, {"hr_bpm": 120.0, "motion": 0.3}, {"hr_baseline_bpm": None}])
def test_a_heart_that_is_explained_does_not(fields):
    rules = StopRules()
    run(rules, 0, 10)
    assert run(rules, 10, 300, **fields) == []


def test_movement_that_nobody_measures_counts_as_rest():
    rules = StopRules()
    run(rules, 0, 10)
    assert run(rules, 10, 70, hr_bpm=100.0, motion=None)


def test_a_break_starts_the_minute_anew_and_a_short_gap_does_not():
    rules = StopRules()
    run(rules, 0, 10)
    assert not run(rules, 10, 50, hr_bpm=100.0)
    assert not run(rules, 60, 1)
    assert not run(rules, 61, 50, hr_bpm=100.0)
    assert not run(rules, 111, 5, hr_bpm=None)
    assert run(rules, 116, 15, hr_bpm=100.0)
    gone = StopRules()
    run(gone, 0, 55, hr_bpm=100.0)
    run(gone, 55, 20, hr_bpm=None)
    assert not run(gone, 75, 40, hr_bpm=100.0)


def test_skin_responses_need_three_times_their_rate_and_six_a_minute():
    for rate, own, stops in ((10.0, 3.0, True), (8.0, 3.0, False), (5.0, 1.0, False), (6.0, 1.0, True)):
        rules = StopRules()
        run(rules, 0, 10)
        found = run(rules, 10, 70, scr_per_min=rate, scr_baseline_per_min=own)
        assert bool(found) == stops and (not stops or found[0][1].rule == "skin_conductance")


def changed(rules: StopRules, t: int, rise: bool = False, **fields) -> Stop | None:
    """One tick at which the music changes."""
    return rules.tick(float(t), State(float(t), **(CALM | fields)), rise, changed=True)


def test_arousal_that_rises_unasked_after_a_change_stops_within_its_window():
    rules = StopRules()
    run(rules, 0, 60, arousal=-0.1)
    changed(rules, 60, arousal=-0.1)
    ((t, stop),) = run(rules, 61, 89, arousal=0.35)
    assert 61 + 15 < t < 150 and stop.rule == "arousal_rise" and stop.action == "roll_back"
    assert float(stop.reason.split()[3]) == pytest.approx(0.45, abs=0.1)


@pytest.mark.parametrize("arousal", [0.15, 0.9])
def test_arousal_that_rises_by_itself_or_too_little_does_not(arousal):
    rules = StopRules()
    run(rules, 0, 60, arousal=-0.1)
    if arousal < 0.5:
        changed(rules, 60, arousal=-0.1)
    assert run(rules, 61, 300, arousal=arousal) == []


def test_a_moment_is_no_rise_and_an_old_change_no_cause():
    rules = StopRules()
    run(rules, 0, 60, arousal=-0.1)
    changed(rules, 60, arousal=-0.1)
    assert run(rules, 61, 8, arousal=0.6) == [], "not yet"
    assert run(rules, 69, 60, arousal=-0.1) == []
    late = StopRules()
    run(late, 0, 60, arousal=-0.1)
    changed(late, 60, arousal=-0.1)
    run(late, 61, 89, arousal=-0.1)
    assert run(late, 150, 120, arousal=0.9) == []


def test_arousal_may_rise_slowly_as_planned_or_unsure():
    rules = StopRules()
    for t in range(600):
        assert rules.tick(float(t), State(float(t), 0.002 * t, 0.9), False, changed=t % 90 == 0) is None
    asked = StopRules()
    run(asked, 0, 60, arousal=-0.1)
    changed(asked, 60, arousal=-0.1)
    assert run(asked, 61, 60, rise=True, arousal=0.5) == []
    assert run(asked, 121, 28, arousal=0.5) == [], "the risen level is the new start"
    unsure = StopRules()
    run(unsure, 0, 60, arousal=-0.1)
    changed(unsure, 60, arousal=-0.1)
    assert run(unsure, 61, 60, arousal=0.5, confidence=0.2) == []


def test_the_second_stop_grounds_and_between_them_is_silence():
    rules = StopRules()
    stops = run(rules, 0, 600, hr_bpm=100.0)
    (first, one), (second, two) = stops[:2]
    assert (one.action, two.action) == ("roll_back", "ground")
    assert second - first >= ROLL_BACK_S + HOLD_S + 59


def test_a_copy_goes_on_alike():
    rules = StopRules()
    run(rules, 0, 30, hr_bpm=100.0)
    copy = pickle.loads(pickle.dumps(rules))
    assert run(rules, 30, 60, hr_bpm=100.0) == run(copy, 30, 60, hr_bpm=100.0) != []
