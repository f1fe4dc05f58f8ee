"""The walk: stages with a rest at each, slopes within the limits whatever the plan, and an arrival."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.preset import Phase, load_preset
from synth.preset.arc import stage_minutes, stages
from synth.safety.bounds import Bounds
from synth.safety.limits import limits
from synth.steering.plan import Target, make_plan
from synth.steering.walk import Walk

START = Target(0.0, 0.0, 0.0, 0.0)
CALM = {"arousal": 0.0, "valence": 0.0, "tension": 0.0, "breath_depth_db": 0.0}


def preset_of(*phases: Phase, minutes: float = 20.0):
    settle = load_preset("settle")
    return replace(settle, phases=phases, minutes=minutes, controls={**settle.controls, **CALM})


def walked(plan, speed=lambda t: 1.0) -> list[Target]:
    steps = Walk(plan)
    seconds = round(sum(60.0 * phase.minutes for phase in plan.phases))
    return [steps.step(1.0 if t else 0.0, speed(t), seconds - t) for t in range(seconds + 1)]


def rests(values: list[float]) -> list[tuple[float, int]]:
    """Where values stay the same, and for how many seconds."""
    found: list[tuple[float, int]] = []
    for before, after in zip(values, values[1:], strict=False):
        if abs(after - before) > 1e-9:
            continue
        if found and abs(found[-1][0] - after) < 1e-9:
            found[-1] = after, found[-1][1] + 1
        else:
            found.append((after, 1))
    return [(round(value, 6), seconds) for value, seconds in found if seconds > 2]


@pytest.mark.parametrize(
    ("distance", "step", "count"),
    [(0.6, 0.2, 3), (0.61, 0.2, 4), (-0.6, 0.2, 3), (0.1, 0.2, 1), (0.0, 0.2, 1), (0.6, 0, 1)],
)
def test_stages_are_as_many_as_the_step_makes(distance, step, count):
    assert stages(distance, step) == count


def test_time_needed_counts_the_rests():
    assert stage_minutes(0.6, 0.15, 0.2, 90.0) == pytest.approx(stage_minutes(0.6, 0.15) + 3 * 1.5)
    assert stage_minutes(0.0, 0.15, 0.2, 90.0) == 0.0


@pytest.mark.parametrize("dwell_s", [30.0, 90.0, 150.0])
def test_it_rests_at_each_stage_for_its_dwell(dwell_s):
    plan = make_plan(preset_of(Phase("lead", 20.0, -0.6, 0.3, -0.3, step=0.2, dwell_s=dwell_s)), 1200.0)
    arousal = [target.arousal for target in walked(plan)]
    assert [value for value, _ in rests(arousal)] == [-0.2, -0.4, -0.6]
    for _, seconds in rests(arousal):
        assert seconds == pytest.approx(dwell_s, abs=12.0), "with the flat ends of the moves before and after"
    assert all(b <= a + 1e-12 for a, b in zip(arousal, arousal[1:], strict=False)), "and never turns round"


def test_valence_and_tension_go_by_the_same_stages():
    plan = make_plan(preset_of(Phase("lead", 20.0, -0.6, 0.3, -0.3, step=0.2, dwell_s=90.0)), 1200.0)
    targets = walked(plan)
    for axis, values in (("valence", [0.1, 0.2, 0.3]), ("tension", [-0.1, -0.2, -0.3])):
        assert [v for v, _ in rests([getattr(t, axis) for t in targets])] == values


def test_without_a_step_it_is_one_arc():
    arousal = [t.arousal for t in walked(make_plan(preset_of(Phase("lead", 20.0, -0.6, 0.3, -0.3)), 1200.0))]
    assert rests(arousal[5:-15]) == []


def test_a_rest_lasts_longer_at_a_slower_pace():
    plan = make_plan(preset_of(Phase("lead", 20.0, -0.4, 0.0, 0.0, step=0.2, dwell_s=120.0)), 1200.0)
    slow = [t.arousal for t in walked(plan, lambda t: 0.5)]
    assert dict(rests(slow))[-0.2] == pytest.approx(240.0, abs=20.0)


moods = st.floats(-0.8, 0.8)
phases = st.lists(
    st.builds(
        Phase,
        st.sampled_from(["baseline", "match", "lead", "plateau", "return"]),
        st.floats(0.5, 20.0),
        moods,
        moods,
        moods,
        st.floats(0.0, 8.0),
        step=st.sampled_from([0.0, 0.05, 0.1, 0.3]),
        dwell_s=st.sampled_from([0.0, 20.0, 90.0, 300.0]),
    ),
    min_size=1,
    max_size=4,
)


@given(phases, st.floats(30.0, 900.0), st.sampled_from(["default", "sensitive"]))
@settings(max_examples=60)
def test_no_plan_is_walked_more_steeply_than_the_limits(given_phases, duration_s, profile):
    """Up and down, in stages or not, at any length; at the plan's own pace."""
    plan, rows = make_plan(preset_of(*given_phases), duration_s, Bounds(profile)), limits(profile)
    targets = walked(plan)
    for axis in ("arousal", "valence", "tension"):
        values = [getattr(target, axis) for target in targets]
        moves = [abs(b - a) for a, b in zip(values, values[1:], strict=False)]
        assert max(moves, default=0.0) <= rows[f"{axis}_per_min"] / 60.0 * 1.02 + 1e-9, axis


@given(
    phases,
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["advance", "pull_back", "aim", "replan"])), max_size=6),
)
@settings(max_examples=40)
def test_a_walk_that_is_pushed_about_rises_no_more_steeply_either(given_phases, pushes):
    plan = make_plan(preset_of(*given_phases), 900.0)
    steps, before = Walk(plan), START
    for t in range(900):
        for at, push in pushes:
            if at == t and push == "aim":
                steps.aim_from(arousal=before.arousal, valence=before.valence)
            elif at == t and push == "replan":
                steps.replan(make_plan(preset_of(*reversed(given_phases)), 900.0))
            elif at == t:
                getattr(steps, push)()
        now = steps.step(1.0, 1.0, 900.0 - t)
        assert now.arousal - before.arousal <= 0.15 / 60.0 + 1e-9
        assert now.tension - before.tension <= 0.2 / 60.0 + 1e-9
        assert abs(now.arousal - before.arousal) <= 0.01 + 1e-9 and abs(now.valence - before.valence) <= 0.01 + 1e-9
        before = now


@given(phases, st.floats(240.0, 900.0))
@settings(max_examples=40)
def test_it_arrives(given_phases, duration_s):
    plan = make_plan(preset_of(*given_phases), duration_s)
    last = plan.phases[-1]
    assert walked(plan)[-1][:3] == pytest.approx((last.arousal, last.valence, last.tension), abs=0.02)


def test_another_plan_is_gone_to_no_more_steeply_than_a_plan_may_be_quickened():
    """A minute before its end the baseline is to end at -0.2; from a hand's height it may come down faster."""
    steepest = {}
    for handed_back in (False, True):
        steps = Walk(
            make_plan(preset_of(Phase("baseline", 2.0, 0.0, 0.0, 0.0), Phase("plateau", 18.0, 0.0, 0.0, 0.0)), 1200.0)
        )
        values = [steps.step(1.0, 1.0).arousal for _ in range(60)]
        steps.replan(
            make_plan(preset_of(Phase("plateau", 2.0, -0.2, 0.0, 0.0), Phase("plateau", 18.0, -0.6, 0.0, 0.0)), 1200.0)
        )
        if handed_back:
            steps.aim_from(arousal=0.8)
        values = [steps.step(1.0, 1.0).arousal for _ in range(900)]
        steepest[handed_back] = max(a - b for a, b in zip(values, values[1:], strict=False))
        assert values[-1] == pytest.approx(-0.6 + 0.6 * (1 - 0.9), abs=0.25)
    assert steepest[False] <= 1.5 * 0.15 / 60.0 + 1e-9 < steepest[True] <= 0.01 + 1e-9


def test_pull_back_and_advance_at_the_ends():
    plan = make_plan(preset_of(Phase("lead", 10.0, -0.4, 0.0, 0.0), Phase("plateau", 10.0, -0.4, 0.0, 0.0)), 1200.0)
    steps = Walk(plan)
    for _ in range(3):
        steps.pull_back()
    assert steps.place == (0, 0.0)
    for _ in range(5):
        steps.advance()
    assert steps.place == (1, 0.0) and steps.now == plan.start
