"""The mix plan: seats for every role and goal, numbers for stems that give none, and who has left their seat."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from synth.controls import STEMS, TABLE
from synth.mix.plan import problems
from synth.preset import GOALS, Scene, Space, preset_from_dict
from synth.preset.seats import mix_plan, seat

INSTRUMENTS = {"pad": "warm", "bass": "warm_bass", "melody": "harp", "bells": "glass", "percussion": "hand_percussion"}
INSTRUMENTS |= {"nature": "rain"}
NUMBERS = ("level_lu", "send_db", "width", "highpass_hz", "lowpass_hz", "distance")
every_goal = pytest.mark.parametrize("goal", GOALS)


@pytest.fixture
def preset():
    """A function: the preset of a goal whose stems name only who plays; `stems` gives some of them numbers."""

    def read(goal, controls=None, **stems):
        tables = {s: {"instrument": name, **stems.get(s, {})} for s, name in INSTRUMENTS.items()}
        table = {"schema": 3, "name": "plain", "title": "Plain", "summary": "Who plays.", "goal": goal, "minutes": 5}
        table |= {"phases": [{"kind": "baseline", "minutes": 5}], "controls": controls or {}}
        return preset_from_dict(table | {"stems": tables | {"reverb": stems.get("reverb", {})}})

    return read


@every_goal
def test_every_role_has_a_seat_in_every_plan(goal):
    plan = mix_plan(goal)
    assert set(plan.seats) == set(STEMS)
    for role, place in plan.seats.items():
        assert -40.0 <= place.level_lu < 0.0 and -60.0 <= place.send_db <= 0.0, role
        assert 0.0 <= place.width <= 1.0 and 0.0 <= place.distance <= 1.0, role
        assert 20.0 <= place.highpass_hz < place.lowpass_hz <= 20000.0 and place.low < place.high, role
    assert plan.seats["bass"].width == 0.0 and plan.seats["nature"].send_db == -60.0
    assert plan.seats["melody"].distance < plan.seats["pad"].distance <= plan.seats["nature"].distance
    together = 10.0 * math.log10(sum(10.0 ** (s.level_lu / 10.0) for s in plan.seats.values() if s.played))
    assert abs(together) < 1.5, "all together they are as loud as the whole"


def test_goals_differ_as_they_should():
    calm, sleep, focus, energise = (mix_plan(goal) for goal in ("settle", "sleep", "focus", "energise"))
    assert energise.slope_db_oct > focus.slope_db_oct > calm.slope_db_oct > sleep.slope_db_oct
    for plan in (mix_plan(goal) for goal in ("gentle", "breathe", "drift", "break", "own")):
        assert plan is calm
    assert mix_plan("pace") is energise
    for role in STEMS:
        assert sleep.seats[role].lowpass_hz <= calm.seats[role].lowpass_hz <= energise.seats[role].lowpass_hz, role
    assert sleep.seats["melody"].level_lu < calm.seats["melody"].level_lu < energise.seats["melody"].level_lu
    assert [plan.seats["percussion"].played for plan in (calm, sleep, focus, energise)] == [True, False, True, True]


@every_goal
def test_stems_without_numbers_take_those_of_the_plan(goal, preset):
    for role, setting in preset(goal).stems.items():
        assert [getattr(setting, n) for n in NUMBERS] == [getattr(seat(goal, role), n) for n in NUMBERS], role


def test_a_number_that_is_given_stands(preset):
    given = {"level_lu": -7.5, "distance": 0.9}
    read = preset("settle", pad=given).stems["pad"]
    assert (read.level_lu, read.distance) == (-7.5, 0.9)
    assert read.lowpass_hz == seat("settle", "pad").lowpass_hz


@every_goal
def test_a_preset_of_its_plan_has_no_problems(goal, preset):
    controls = {f"level_{role}_db": -60.0 for role in INSTRUMENTS if not seat(goal, role).played}
    assert problems(preset(goal, controls)) == []


@pytest.mark.parametrize(
    ("goal", "role", "change", "words"),
    [
        ("settle", "pad", {"level_lu": -13.0}, "stems pad level_lu: -13 is more than 7 LU from the plan's -5"),
        ("energise", "bass", {"level_lu": -14.0}, "stems bass level_lu: -14 is more than 7 LU from the plan's -6"),
        ("focus", "melody", {"width": 0.9}, "stems melody width: 0.9 is more than 0.3 from the plan's 0.4"),
        ("focus", "melody", {"distance": 1.0}, "stems melody distance: 1 is more than 0.4 from the plan's 0.25"),
        ("own", "bells", {"send_db": -60.0}, "stems bells send_db: -60 is more than 8 dB from the plan's -5"),
        ("own", "bass", {"send_db": -9.0}, "stems bass send_db: -9 is more than 8 dB from the plan's -26"),
        ("gentle", "pad", {"highpass_hz": 30.0}, "highpass_hz: 30 is more than 1.5 octaves from the plan's 140"),
        ("breathe", "nature", {"lowpass_hz": 1000.0}, "lowpass_hz: 1000 is more than 1.5 octaves from the plan's 9000"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_who_leaves_their_seat_is_told(goal, role, change, words, preset):
    (said,) = problems(preset(goal, **{role: change}))
    assert said.endswith(words)


def test_small_departures_are_nobodys_business(preset):
    change = {"level_lu": -11.5, "send_db": -15.0, "width": 0.6, "highpass_hz": 90.0, "lowpass_hz": 9000.0}
    assert problems(preset("settle", pad=change, bass={"send_db": -60.0})) == []


def test_what_does_not_play_waits_silently(preset):
    (said,) = problems(preset("sleep"))
    assert said == "controls level_percussion_db: percussion does not play when the goal is sleep: give -60"


def test_the_melody_keeps_to_its_register(preset):
    (said,) = problems(preset("settle", {"register_note": 50}))
    assert said == "controls register_note: 50 is outside the melody's 60 to 84"
    low, high = seat("settle", "melody").low, seat("settle", "melody").high
    assert TABLE["register_note"].low < low < TABLE["register_note"].default < high


def test_the_space_and_scenes_are_not_the_plans(preset):
    plain = preset("settle")
    other = replace(plain, space=Space(t60_s=9.0), scenes=(Scene(archetype="drone"),))
    assert problems(other) == problems(plain) == []
