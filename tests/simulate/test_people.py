"""Simulated people are who they are whatever the batch and the world, and are drawn from what is said."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from synth.simulate.people import WORLDS, People, draw_people


def table(people: People) -> dict[str, np.ndarray]:
    return {field.name: getattr(people, field.name) for field in fields(people)[1:]}


def test_a_person_is_the_same_in_any_batch() -> None:
    many, one = table(draw_people(5, 8)), table(draw_people(5, 1, first=3))
    assert {name: values[3] for name, values in many.items()} == {name: values[0] for name, values in one.items()}


def test_other_indices_and_other_seeds_are_other_people() -> None:
    starts = [*draw_people(5, 8).start, *draw_people(6, 8).start]
    assert len(set(starts)) == 16


def test_worlds_differ_in_gate_and_pace_alone() -> None:
    people = [table(draw_people(5, 8, world)) for world in WORLDS]
    for name in people[0].keys() - {"width", "pace", "own_pace"}:
        assert all(np.array_equal(people[0][name], other[name]) for other in people), name
    assert [world["width"][0] for world in people] == [0.4, 1.2, np.inf, 0.4]
    assert all((world["pace"] == 1.0).all() and not world["own_pace"].any() for world in people[:3])
    assert np.std(people[3]["pace"]) > 0.1 and people[3]["own_pace"].all()


def test_some_of_them_can_be_taken_out_in_any_order() -> None:
    people = draw_people(5, 8)
    some = people.among([6, 2])
    assert len(some) == 2 and some.seed == 5
    assert some.index.tolist() == [6, 2] and some.heart_bpm.tolist() == people.heart_bpm[[6, 2]].tolist()


def test_parameters_are_spread_as_said() -> None:
    people = draw_people(1, 3000)
    assert people.start.min() >= -0.2 and people.start.max() <= 0.8
    assert people.start.mean() == pytest.approx(0.3, abs=0.02)
    assert (people.trait.mean(), people.trait.std()) == pytest.approx((-0.1, 0.2), abs=0.02)
    assert people.pull.min() == -0.2 and people.pull.max() <= 1.2
    assert np.mean(people.pull < 0.0) == pytest.approx(0.081, abs=0.015)
    assert (people.heart_bpm.mean(), people.heart_bpm.std()) == pytest.approx((70.0, 9.0), abs=0.5)
    assert np.median(people.down_s) == pytest.approx(45.0, rel=0.03)
    assert np.log(people.slow_bpm).std() == pytest.approx(0.35, abs=0.02)
    assert (people.breath_bpm.mean(), people.breath_bpm.std()) == pytest.approx((14.5, 2.5), abs=0.2)
