"""A matched start: with the person, but half-way for agitation, and neither tense nor loud for anyone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.bus import Bus
from synth.controls import TABLE
from synth.preset import Phase, bounds_of, load_preset
from synth.safety.bounds import Bounds
from synth.safety.control_guard import ControlGuard
from synth.safety.limits import PROFILES
from synth.steering.lead import Lead
from synth.steering.meeting import MeetingError, meet, starting_controls
from synth.steering.plan import make_plan
from synth.steering.steering import Steering

moods = st.floats(-1.0, 1.0)


def wide(profile: str = "default", **controls: float):
    """settle with all the room that the table gives: 5 minutes of match and 15 down to -0.5."""
    settle = load_preset("settle")
    ranges = {name: (TABLE[name].low, TABLE[name].high) for name in settle.ranges}
    start = {**settle.controls, **controls}
    moods = (start["arousal"], start["valence"], start["tension"])
    phases = (Phase("baseline", 1.5, *moods), Phase("match", 3.5, *moods), Phase("lead", 15.0, -0.5, 0.3, -0.5))
    return replace(settle, ranges=ranges, controls=start, phases=phases, profile=profile)


@pytest.mark.parametrize(
    ("said", "met"),
    [(-0.9, -0.6), (-0.3, -0.3), (0.0, 0.0), (0.5, 0.5), (0.6, 0.56), (0.65, 0.59), (0.8, 0.6), (1.0, 0.6)],
)
def test_agitation_is_met_half_way_and_never_over_six_tenths(said, met):
    start = meet(wide(), bounds_of(wide()), said, None)
    assert start.arousal == pytest.approx(met) and start.valence == wide().controls["valence"]


@given(moods, moods)
def test_more_said_is_never_less_met_and_never_more_than_said(one, other):
    low, high = sorted((one, other))
    bounds = bounds_of(wide())
    assert meet(wide(), bounds, low, None).arousal <= meet(wide(), bounds, high, None).arousal
    if high > 0.5:
        assert meet(wide(), bounds, high, None).arousal < high + 1e-9
    assert meet(wide(), bounds, 0.0, low).valence == low


@given(moods, moods, st.floats(-1.0, 1.0))
def test_tension_is_not_matched(arousal, valence, tension):
    start = meet(wide(tension=tension), Bounds(), arousal, valence)
    assert start.tension == pytest.approx(min(tension, 0.3))


def test_it_stays_within_the_presets_ranges_and_the_persons_constraints():
    preset = load_preset("settle")
    most = {name: preset.ranges[name][1] for name in ("arousal", "valence")}
    assert most["arousal"] <= 0.6 and meet(preset, bounds_of(preset), 1.0, 1.0)[:2] == (*most.values(),)
    calm = bounds_of(wide(), constraints=["arousal at most -0.1", "no mood changes"])
    assert meet(wide(), calm, 0.8, -0.9)[:3] == (-0.1, 0.2, -0.1)


@pytest.mark.parametrize("profile", PROFILES)
def test_sensitive_listeners_are_not_matched(profile):
    preset = wide(profile)
    bounds = Bounds(profile)
    start = meet(preset, bounds, 0.9, -0.5)
    assert (start is None) == (profile == "sensitive")
    if start:
        assert start.arousal <= bounds.limits["matched_arousal"]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1.01, -5.0])
def test_what_is_no_report_is_refused(wrong):
    for said in ((wrong, None), (0.0, wrong)):
        with pytest.raises(MeetingError, match="give how one feels from -1 to 1"):
            meet(wide(), Bounds(), *said)


@given(moods, moods, st.floats(-6.0, 2.5))
def test_the_start_is_never_louder_than_two_decibels_or_the_preset(arousal, valence, dynamics_db):
    preset = wide(dynamics_db=dynamics_db)
    bounds = bounds_of(preset)
    start = meet(preset, bounds, arousal, valence)
    controls = starting_controls(preset, bounds, start)
    assert controls["dynamics_db"] <= max(2.0, dynamics_db) + 1e-9
    assert {name: controls[name] for name in ("arousal", "valence", "tension")} == dict(
        zip(("arousal", "valence", "tension"), start[:3], strict=True)
    )
    assert controls["mode"] == preset.controls["mode"] and controls["loudness_lufs"] == preset.controls["loudness_lufs"]


def test_lively_starts_sound_livelier_than_calm_ones():
    preset, bounds = wide(), bounds_of(wide())
    lively, calm = (starting_controls(preset, bounds, meet(preset, bounds, a, None)) for a in (0.6, -0.5))
    for name in ("tempo_bpm", "density_hz", "brightness_oct", "dynamics_db"):
        assert lively[name] > calm[name], name


def test_the_plan_stays_there_through_baseline_and_match_and_then_leads_to_its_own_end():
    preset = wide()
    start = meet(preset, bounds_of(preset), 0.5, -0.2)
    plan = make_plan(preset, 1200.0, start=start)
    assert plan.start == start
    assert [phase.arousal for phase in plan.phases] == pytest.approx([0.5, 0.5, -0.5])
    assert [phase.valence for phase in plan.phases] == pytest.approx([-0.2, -0.2, 0.3])


def test_the_start_already_sounds_so_nothing_is_asked_for_but_the_mode():
    preset = wide()
    bounds = bounds_of(preset)
    start = meet(preset, bounds, 0.4, 0.5)
    values = starting_controls(preset, bounds, start)
    steering = Steering(preset, 1200.0, start=start)
    for t in range(60):
        asked = {request.control for request in steering.tick(float(t), None, values, frozenset())}
        assert asked <= {"mode"}, t


# -- said while it plays -----------------------------------------------------------------------------------------------


def lead(policy: str = "L1", **options) -> Lead:
    return Lead(wide(**options.pop("controls", {})), 1200.0, policy=policy, **options)


def walked(steering: Lead, seconds: int, start_s: int = 0) -> Lead:
    for t in range(start_s, start_s + seconds):
        steering.tick(float(t), None, steering._preset.controls, frozenset())
    return steering


@pytest.mark.parametrize(("policy", "meets"), [("L0", False), ("L1", True), ("L2", True)])
def test_a_word_in_the_first_minutes_moves_the_plan_there_gradually(policy, meets):
    steering = walked(lead(policy), 60)
    steering.meet(arousal=0.4)
    before, planned = steering.planned, []
    for t in range(60, 290):
        planned.append(walked(steering, 1, t).planned)
    assert (planned[-1][0] == pytest.approx(0.4, abs=0.01)) == meets
    steps = [b[0] - a[0] for a, b in zip([before, *planned], planned, strict=False)]
    assert max(map(abs, steps)) <= 0.15 / 60.0 + 1e-9


def test_arousal_and_valence_said_one_after_the_other_both_count():
    steering = walked(lead(), 30)
    steering.meet(arousal=0.4)
    walked(steering, 5, 30)
    steering.meet(valence=-0.3)
    assert steering.plan.start[:2] == (0.4, -0.3)
    assert walked(steering, 260, 35).planned[:2] == pytest.approx((0.4, -0.3), abs=0.02)


def test_the_word_said_before_the_session_stays_where_only_the_other_is_said():
    preset = wide()
    steering = lead(start=meet(preset, bounds_of(preset), 0.9, None))
    steering.meet(valence=0.6)
    assert steering.plan.start[:2] == pytest.approx((0.6, 0.6)), "and is not halved again"


def test_later_words_are_the_policys_business_alone():
    steering = walked(lead(), 400)
    plan = steering.plan
    steering.meet(arousal=0.5)
    assert steering.plan is plan and steering.phase == "lead"


def test_nobody_is_met_by_a_word_in_a_sensitive_session():
    steering = Lead(wide("sensitive", tension=-0.1), 1200.0, policy="L1", bounds=Bounds("sensitive"))
    plan = steering.plan
    steering.meet(arousal=0.3, valence=0.9)
    assert steering.plan is plan and not steering.matched


@pytest.mark.parametrize("early", [True, False])
def test_nor_does_the_level_follow_a_word(session, early):
    """Whether it was said before the first sound or after."""
    preset = wide(dynamics_db=0.0, loudness_lufs=-35.0)
    preset = replace(preset, ranges={name: preset.ranges[name] for name in ("arousal", "dynamics_db")})
    run = session(preset, minutes=20, policy="L1")
    if early:
        start = meet(preset, bounds_of(preset), 0.6, None)
        run.steering = Steering(preset, 1200.0, policy="L1", start=start)
        run.bus = Bus(48_000, 64, ControlGuard(), starting_controls(preset, bounds_of(preset), start))
    else:
        run.steering.meet(arousal=0.6)
    run.go(290)
    assert run.of("arousal")[-1] == pytest.approx(0.56, abs=0.02)
    assert 0.0 < max(run.of("dynamics_db")) <= 2.0 + 1e-6
