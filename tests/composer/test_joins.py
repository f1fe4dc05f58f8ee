"""Which scenes may follow each other: every one is reached, none by a leap that the rules forbid."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from synth.composer import joins
from synth.composer.passage import to_scene
from synth.composer.styles import ARCHETYPES
from synth.preset import Scene

CALM = ("drone", "chorale", "heartbeat")


def test_every_scene_leads_to_every_other_over_scenes_that_may_meet():
    for start, end in product(ARCHETYPES, repeat=2):
        way = joins.route(start, end)
        assert way[-1] == end and len(way) <= 5
        for one, other in pairwise((start, *way)):
            assert one == other or frozenset((one, other)) in joins.MEETING


@pytest.mark.parametrize("calm", CALM)
def test_from_the_groove_down_the_way_goes_over_folk_or_phase(calm):
    assert joins.route("groove", calm)[0] in ("folk", "phase")
    assert joins.route(calm, "groove")[-2] in ("folk", "phase")


def test_a_scale_of_its_own_is_reached_over_the_drone_alone():
    assert {other for pair in joins.MEETING if "interlock" in pair for other in pair} == {"interlock", "drone"}


def test_a_passage_leaves_one_scene_and_arrives_in_the_other():
    way = to_scene(Scene("a", "groove"), 0, Scene("b", "drone"), 1)
    assert [step.kind for step in way] == ["leave", *["through"] * (len(way) - 2), "arrive"]
    assert way[0].setting.archetype == "groove" and way[-1].setting.archetype == "drone"
    assert way[0].seconds == joins.LEAVE_S and not way[0].still
    through = [step.setting.archetype for step in way[1:-1]]
    assert through[0] in ("folk", "phase") and ("passage", "on the way to b") in way[1].told


def test_where_the_tuning_changes_only_the_tonic_is_left():
    way = to_scene(Scene("a", "drone"), 0, Scene("b", "alap", culture="raga"), 1)
    assert way[0].still and way[0].seconds >= 10.0
