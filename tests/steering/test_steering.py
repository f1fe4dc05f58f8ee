"""The loop as a whole: plans carried out, people respected, signs heeded, lost sensors never heard as more."""

from __future__ import annotations

import math
import pickle
import random
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import TABLE
from synth.estimator.state import State
from synth.preset import load_preset, preset_names
from synth.safety.limits import INTENSITY
from synth.steering.responsive import AHEAD_MOST, WAIT_MOST
from synth.steering.steering import Steering

LOOP = ("plan", "policy", "mapping")
INTENSE = ("arousal", "dynamics_db", "tempo_bpm", "density_hz", "brightness_oct", "percussiveness")


class Simulated:
    """A listener whose arousal follows the music's with a lag, seen with noise until `lost_s`.

    `lost` says how sensors go: "none" (no state at all), "silent" (confidence decays) or "stale" (the last one stays).
    """

    def __init__(self, seed: int, offset: float, lost_s: float = math.inf, lost: str = "none") -> None:
        self._random = random.Random(seed)
        self._arousal, self._offset = offset, offset
        self._lost_s, self._lost = lost_s, lost
        self._last = State(0.0)

    def __call__(self, t_s: float, values: dict[str, float]) -> State | None:
        self._arousal += (values["arousal"] + self._offset - self._arousal) / 40.0
        if t_s >= self._lost_s:
            fading = replace(self._last, t_s=t_s, confidence=0.8 * 0.5 ** ((t_s - self._lost_s) / 30.0))
            return {"none": None, "silent": fading, "stale": self._last}[self._lost]
        seen = self._arousal + self._random.gauss(0.0, 0.03)
        self._last = State(
            t_s, seen, 0.8, hr_bpm=66.0, hr_baseline_bpm=64.0, resp_bpm=14.0, reasons=("heart rate steady",)
        )
        return self._last


def in_ranges(run) -> bool:
    """Whether no request of the loop left the preset's ranges."""
    for _, request in run.asked:
        low, high = run.preset.ranges.get(request.control, (-math.inf, math.inf))
        if request.by in LOOP and not low <= request.value <= high:
            return False
    return True


@pytest.fixture(scope="module")
def timed(session):
    """Sessions without sensors, by preset."""
    return {name: session(name, minutes=20).go(1200) for name in ("settle", "sleep", "focus", "energise")}


@pytest.mark.parametrize("name", ["settle", "sleep", "focus", "energise"])
def test_without_sensors_the_plan_is_carried_out(timed, name):
    run = timed[name]
    targets = [(p.arousal, p.valence, p.tension) for p in run.steering.plan.phases]
    assert run.planned[-1] == pytest.approx(targets[-1], abs=0.02)
    assert run.values[-1]["arousal"] == pytest.approx(targets[-1][0], abs=0.03)
    assert [kind for kind, _ in groupby(run.phases)] == [kind for kind, _ in groupby(p.kind for p in run.preset.phases)]
    assert in_ranges(run) and all(request.reason for _, request in run.asked)
    assert {request.by for _, request in run.asked} == {"plan", "mapping"}
    assert all(commit.accepted and commit.repair is None for commit in run.commits)
    assert len(run.asked) < 900, "requests stay few"


def test_shipped_arcs_move_the_tempo_as_their_goals_ask(timed):
    settle, energise = timed["settle"], timed["energise"]
    assert settle.of("tempo_bpm")[0] == pytest.approx(66) and min(settle.of("tempo_bpm")) == pytest.approx(54, abs=0.5)
    assert energise.of("tempo_bpm")[0] == pytest.approx(100) and max(energise.of("tempo_bpm")) == pytest.approx(
        126, abs=1
    )
    assert energise.of("tempo_bpm")[-1] < 110


@pytest.mark.parametrize("offset", [-0.4, 0.1, 0.4])
@pytest.mark.parametrize("name", ["settle", "energise", "gentle", "drift-and-return"])
def test_a_listener_never_takes_the_loop_out_of_its_ranges(session, name, offset):
    run = session(name, minutes=10).go(600, Simulated(11, offset))
    assert in_ranges(run)
    begun = max(arousal for arousal, _, _ in run.planned)
    for (arousal, _, _), values in zip(run.planned, run.values, strict=True):
        assert arousal - AHEAD_MOST - 0.05 <= values["arousal"] <= arousal + WAIT_MOST + 0.05
        assert run.steering.plan.aims_up or values["arousal"] <= begun + 0.02, "never livelier than the plan"


@pytest.mark.parametrize("lost", ["none", "silent", "stale"])
@pytest.mark.parametrize("offset", [-0.3, 0.0, 0.25])
@pytest.mark.parametrize("name", ["settle", "energise"])
def test_when_sensors_vanish_nothing_grows_more_intense(session, timed, name, offset, lost):
    run = session(name, minutes=20).go(1200, Simulated(3, offset, lost_s=600.0, lost=lost))
    assert run.said("nothing is raised") and in_ranges(run)
    for control in INTENSE:
        curve = math.log2 if TABLE[control].curve == "log" else float
        slack = 0.02 * (curve(TABLE[control].high) - curve(TABLE[control].low))
        mine, theirs = ([curve(value) for value in r.of(control)] for r in (run, timed[name]))
        for t in range(600, 1200):
            planned_growth = max(theirs[t] - theirs[600], 0.0)
            assert mine[t] <= max(mine[600] + planned_growth, theirs[t]) + slack, control
    assert run.values[-1]["arousal"] == pytest.approx(timed[name].values[-1]["arousal"], abs=0.2), "the arc went on"


def test_sensors_that_come_late_are_used(session):
    run = session("settle", minutes=20).go(200)
    run.go(600, Simulated(1, 0.3))
    assert run.said("signals are clear") and any(request.by == "policy" for _, request in run.asked)


def test_policy_requests_carry_cause_and_confidence(session):
    run = session("settle", minutes=20).go(900, Simulated(1, 0.3))
    sensed = [request for _, request in run.asked if request.by == "policy"]
    assert sensed and all(request.confidence == 0.8 for request in sensed)
    assert run.said("slowed the arc: heart rate steady")


# -- people ------------------------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from([c for c in TABLE]), max_size=8))
@settings(max_examples=10)
def test_what_a_person_holds_gets_no_request(held):
    preset = load_preset("settle")
    steering = Steering(preset, 600.0)
    for t in range(400):
        for request in steering.tick(float(t), None, preset.controls, frozenset(held)):
            assert request.control not in held


def test_a_hand_back_is_smooth(session):
    run = session("settle", minutes=20).go(300)
    run.hand("arousal", 0.2)
    run.go(60)
    assert run.of("arousal")[-1] == pytest.approx(0.2, abs=1e-6)
    run.bus.release("arousal")
    run.go(400)
    after = run.of("arousal")[360:]
    assert max(abs(b - a) for a, b in zip(after, after[1:], strict=False)) <= 0.02
    assert after[-1] < -0.35


def test_a_hand_on_tempo_is_left_alone_and_taken_up_again(session):
    run = session("settle", minutes=20).go(300)
    run.hand("tempo_bpm", 60.0)
    run.go(300)
    assert run.of("tempo_bpm")[-1] == pytest.approx(60.0)
    run.bus.release("tempo_bpm")
    run.go(300)
    assert run.of("tempo_bpm")[-1] == pytest.approx(54.0, abs=1.0)


def test_more_and_less_move_arousal_and_stay_bounded(session):
    run = session("energise", minutes=20).go(100)
    before = run.of("arousal")[-1]
    run.go(30, verbs=["more"])
    assert run.of("arousal")[-1] == pytest.approx(before + 0.1, abs=0.03) and run.said("a little more, as asked")
    run.go(120, verbs=["less"] * 9)
    assert run.of("arousal")[-1] >= run.preset.ranges["arousal"][0]
    assert run.of("arousal")[-1] < before


def test_hold_stays_until_it_is_let_go(session):
    run = session("settle", minutes=20).go(400)
    run.go(200, verbs=["hold"])
    assert run.steering.holding and run.planned[401] == run.planned[-1]
    run.go(100, verbs=["hold"])
    assert not run.steering.holding and run.planned[-1][0] < run.planned[599][0]


def test_advance_and_pull_back_change_the_phase_without_a_jump(session):
    run = session("settle", minutes=20).go(300)
    assert run.phases[-1] == "lead"
    run.go(60, verbs=["advance"])
    assert run.phases[-1] == "plateau" and run.said("on to the plateau phase, as asked")
    run.go(60, verbs=["pull_back"])
    assert run.phases[-1] == "lead"
    moves = [abs(b - a) for a, b in zip(run.of("arousal"), run.of("arousal")[1:], strict=False)]
    assert max(moves) <= 0.02


def test_grounding_is_calmer_in_seconds_and_lasts_until_advanced(session):
    run = session("energise", minutes=20).go(500)
    before = run.values[-1]
    run.go(10, verbs=["ground"])
    after = run.values[-1]
    assert after["dynamics_db"] == pytest.approx(before["dynamics_db"] - 6.0, abs=0.1)
    assert after["brightness_oct"] == pytest.approx(before["brightness_oct"] - 0.75, abs=0.05)
    assert after["tonal_tension"] < 0.05 and after["percussiveness"] < 0.05
    for name, sign in INTENSITY.items():
        assert sign * after[name] <= sign * before[name] + 1e-6, name
    run.go(120)
    assert run.bus.held == frozenset() and run.values[-1]["dynamics_db"] == pytest.approx(after["dynamics_db"])
    run.go(300, verbs=["advance"])
    assert run.values[-1]["dynamics_db"] > after["dynamics_db"] + 2 and not run.steering.grounded
    arousal = run.of("arousal")[630:]
    assert max(b - a for a, b in zip(arousal, arousal[1:], strict=False)) <= 0.02


# -- stop rules --------------------------------------------------------------------------------------------------


def racing(t_s: float, values: dict[str, float]) -> State:
    """A heart 30 a minute over its own rate, at rest."""
    return State(t_s, values["arousal"], 0.8, hr_bpm=95.0, hr_baseline_bpm=65.0, motion=0.0)


@pytest.mark.parametrize("name", preset_names())
def test_signs_roll_the_music_back_then_ground_it(session, name):
    run = session(name, minutes=20).go(400)
    run.go(62, racing)
    at = next(t for t, text in run.words if "rolled back" in text)
    safety = [request for t, request in run.asked if request.by == "safety"]
    assert run.said("rolled back and holding: heart rate") and safety
    assert all(request.reason.startswith("heart rate over 25 a minute") for request in safety)
    run.go(125, Simulated(0, 0.0))
    for mood in ("arousal", "tension"):
        then, now, after = (run.of(mood)[t] for t in (at - 90, at, at + 9))
        assert after == pytest.approx(min(then, now - 0.1), abs=1e-4)
        assert max(run.of(mood)[at + 9 :]) <= after + 0.02, "held for two minutes"
    run.go(120, racing)
    assert run.steering.grounded and run.said("go on when it feels right, or stop")
    assert run.bus.held == frozenset(), "people can play again"


def test_a_roll_back_leaves_what_a_person_holds(session):
    run = session("energise", minutes=20).go(400)
    run.hand("arousal", 0.6)
    run.go(90, racing)
    assert run.of("arousal")[-1] == pytest.approx(0.6, abs=0.02)
    assert {request.control for _, request in run.asked if request.by == "safety"} == {"tension"}


# -- running on ----------------------------------------------------------------------------------------------------


def test_own_breathing_sets_the_pace_of_the_wave(session):
    run = session("settle", minutes=20).go(400, Simulated(0, 0.0))
    asked = [request for _, request in run.asked if request.control == "breath_rate_bpm"]
    assert [request.value for request in asked] == [pytest.approx(10.5)] and asked[0].by == "policy"
    rates = run.of("breath_rate_bpm")
    assert max(abs(math.log2(b / a)) for a, b in zip(rates, rates[60:], strict=False)) <= math.log2(1.03) + 1e-9


def test_it_is_deterministic_and_can_be_pickled_midway():
    preset = load_preset("settle")
    one, listener = Steering(preset, 1200.0), Simulated(5, 0.2)
    states = [listener(float(t), dict(preset.controls)) for t in range(600)]
    first = [one.tick(float(t), states[t], preset.controls, frozenset()) for t in range(300)]
    copy = pickle.loads(pickle.dumps(one))
    again = Steering(preset, 1200.0)
    assert first == [again.tick(float(t), states[t], preset.controls, frozenset()) for t in range(300)]
    for steering in (copy, again):
        rest = [steering.tick(float(t), states[t], preset.controls, frozenset()) for t in range(300, 600)]
    assert rest == [one.tick(float(t), states[t], preset.controls, frozenset()) for t in range(300, 600)]


def test_an_open_end_stays_on_its_plateau(session):
    run = session("energise").go(2400)
    assert run.phases[-1] == "plateau" and run.values[-1]["arousal"] == pytest.approx(0.65, abs=0.03)


def test_a_session_too_short_says_so_at_its_first_tick(session):
    run = session("settle", minutes=1).go(60)
    assert run.words[0][0] == 0 and run.said("too short for the whole arc")
