"""The plan: any length, never steeper than the limits, with a baseline, and said aloud when it had to change."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.preset import Phase, load_preset, preset_names
from synth.safety.limits import limits
from synth.steering.plan import BASELINE_S, BASELINE_SHARE, make_plan
from synth.steering.walk import Walk

moods = st.floats(-1, 1)
phases = st.lists(
    st.builds(
        Phase,
        st.sampled_from(["baseline", "match", "lead", "plateau", "return"]),
        st.floats(0.5, 30),
        moods,
        moods,
        moods,
        st.floats(0, 8),
    ),
    min_size=1,
    max_size=6,
)
seconds = st.floats(6, 3600)


def walk(preset, duration_s, speed=1.0):
    """Targets each second on the way through a plan."""
    steps = Walk(make_plan(preset, duration_s))
    return [steps.step(1.0 if t else 0.0, speed, duration_s - t) for t in range(int(duration_s))], steps


@given(phases, seconds)
def test_any_plan_fits_any_length_within_the_limits(given_phases, duration_s):
    preset = replace(load_preset("settle"), phases=tuple(given_phases))
    plan, bounds = make_plan(preset, duration_s), limits("relax")
    assert sum(p.minutes for p in plan.phases) * 60 == pytest.approx(duration_s)
    assert all(p.minutes > 0 for p in plan.phases)
    before = plan.start
    for phase, wanted in zip(plan.phases, preset.phases, strict=True):
        for i, name in enumerate(("arousal", "valence", "tension")):
            steepest = 1.5708 * abs(getattr(phase, name) - before[i]) / phase.minutes
            assert steepest <= bounds[f"{name}_per_min"] * 1.001 + 1e-9
            assert abs(getattr(phase, name) - plan.start[i]) <= abs(getattr(wanted, name) - plan.start[i]) + 1e-9
        before = (phase.arousal, phase.valence, phase.tension)
    if preset.phases[0].kind == "baseline":
        assert plan.phases[0].minutes * 60 >= min(BASELINE_S, BASELINE_SHARE * duration_s) - 1e-6


@pytest.mark.parametrize("minutes", [1, 2, 5, 10, 20, 40, 60])
@pytest.mark.parametrize("name", preset_names())
def test_shipped_plans_scale(name, minutes):
    preset = load_preset(name)
    targets, steps = walk(preset, 60.0 * minutes)
    per_min = steps.plan.per_min
    for a, b in zip(targets, targets[1:], strict=False):
        assert abs(b.arousal - a.arousal) <= per_min[0] / 60 + 1e-6
        assert abs(b.valence - a.valence) <= per_min[1] / 60 + 1e-6
        assert abs(b.tension - a.tension) <= per_min[2] / 60 + 1e-6
    assert steps.phase.kind == preset.phases[-1].kind
    assert targets[-1].arousal == pytest.approx(steps.plan.phases[-1].arousal, abs=0.02)


def test_nothing_moves_in_the_baseline():
    targets, _ = walk(load_preset("settle"), 1200.0)
    assert len(set(targets[:89])) == 1


def test_a_short_session_goes_part_of_the_way_and_says_so():
    plan = make_plan(load_preset("settle"), 120.0)
    assert -0.5 < min(p.arousal for p in plan.phases) < 0.0
    assert any("120 s is too short" in note or "2.0 minutes is too short" in note for note in plan.notes)


def test_a_steep_phase_takes_time_from_a_level_one_and_says_so():
    settle = load_preset("settle")
    steep = (Phase("lead", 2, -0.4, 0.2, -0.1), Phase("plateau", 8, -0.4, 0.2, -0.1))
    plan = make_plan(replace(settle, phases=steep), 600.0)
    assert plan.phases[0].minutes == pytest.approx(1.5708 * 0.4 / 0.15, rel=1e-3)
    assert plan.phases[0].arousal == -0.4
    assert plan.notes == ("the lead phase takes 4.2 minutes, as its arc needs, not 2.0 minutes",)


def test_an_open_end_waits_before_the_return_until_advanced():
    walk = Walk(make_plan(load_preset("energise"), None))
    for _ in range(2 * 3600):
        walk.step(1.0, 1.0)
    assert walk.phase.kind == "plateau" and walk.now.arousal == pytest.approx(0.65, abs=0.01)
    walk.advance()
    for _ in range(600):
        walk.step(1.0, 1.0)
    assert walk.phase.kind == "return" and walk.now.arousal == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("speed", [0.0, 0.5, 1.5])
def test_the_return_comes_in_time_at_any_pace(speed):
    targets, steps = walk(load_preset("energise"), 1200.0, speed)
    assert steps.phase.kind == "return"
    rises = [b.arousal - a.arousal for a, b in zip(targets, targets[1:], strict=False)]
    assert max(rises) <= 0.15 / 60 + 1e-9


@given(st.lists(st.sampled_from(["advance", "pull_back", "wait"]), max_size=12), st.sampled_from(preset_names()))
def test_verbs_never_make_the_plan_jump(verbs, name):
    walk = Walk(make_plan(load_preset(name), None))
    for verb in verbs:
        if verb != "wait":
            getattr(walk, verb)()
        for _ in range(40):
            before = walk.now
            after = walk.step(1.0, 1.0)
            assert after.arousal - before.arousal <= walk.plan.per_min[0] / 60 + 1e-9
            assert before.arousal - after.arousal <= 0.01 + 1e-9


def test_a_walk_taken_up_elsewhere_arrives_all_the_same():
    walk = Walk(make_plan(load_preset("settle"), 1200.0))
    for _ in range(300):
        walk.step(1.0, 1.0)
    walk.aim_from(arousal=0.4)
    assert walk.now.arousal == 0.4
    for _ in range(440):
        walk.step(1.0, 1.0)
    assert walk.now.arousal == pytest.approx(-0.5, abs=0.02)


def test_where_the_plan_is_heading():
    steps = Walk(make_plan(load_preset("energise"), 1200.0))
    assert steps.heading == 0
    for _ in range(400):
        steps.step(1.0, 1.0)
    assert steps.heading == 1
    for t in range(400, 1000):
        steps.step(1.0, 1.0, 1200.0 - t)
    assert steps.heading == -1
    assert pickle.loads(pickle.dumps(steps)).step(1.0, 1.0) == steps.step(1.0, 1.0)


def test_only_a_plan_that_ends_no_calmer_aims_up():
    aims = {name: make_plan(load_preset(name), None).aims_up for name in preset_names()}
    assert {name for name, aims_up in aims.items() if aims_up} == {"focus", "energise", "pace", "self-directed"}
