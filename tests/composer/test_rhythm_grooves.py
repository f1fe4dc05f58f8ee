"""Grooves: bars that two hands can play, straight or leaning, thin or full."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer.rhythm.groove import GROOVES, LANES, MANNERS, added, choose, layers
from synth.composer.rhythm.patterns import euclid
from synth.rng import stream

BY_NAME = {groove.name: groove for groove in GROOVES}


def struck(lane: str) -> list[int]:
    return [step for step, mark in enumerate(lane) if mark != "."]


@pytest.mark.parametrize("groove", GROOVES, ids=lambda groove: groove.name)
def test_a_groove_is_written_out_for_its_bar(groove):
    for lane in LANES:
        marks = getattr(groove, lane)
        assert len(marks) == groove.beats * groove.steps and set(marks) <= set("Xxo.")
    assert groove.low[0] == "X", "the low drum opens the bar"
    assert groove.source and set(groove.manners) <= set(MANNERS)
    assert 0.5 <= groove.swing <= 0.6 and all(abs(ms) <= 3.0 for ms in groove.late_ms.values())


def test_names_are_unlike_and_every_manner_has_two_and_four():
    assert len(BY_NAME) == len(GROOVES) >= 20
    for manner in MANNERS:
        assert {2, 4} <= {groove.beats for groove in GROOVES if manner in groove.manners} | {2 * (manner == "brush")}


def test_euclidean_lanes_are_euclidean():
    def eighths(lane):
        assert all(step % 2 == 0 for step in struck(lane))
        return {step // 2 for step in struck(lane)}

    assert eighths(BY_NAME["tresillo"].low) == set(euclid(3, 8))
    assert set(struck(BY_NAME["euclid pair"].low)) == {*euclid(3, 8), *(8 + step for step in euclid(3, 8))}
    assert set(struck(BY_NAME["bell pattern"].shaker)) == set(euclid(7, 16))
    turned = {tuple(sorted((step + turn) % 8 for step in euclid(5, 8))) for turn in range(8)}
    assert tuple(sorted(eighths(BY_NAME["cinquillo"].frame) | {0})) in turned
    assert tuple(struck(BY_NAME["cinquillo in two"].frame)) in turned
    pair = struck(BY_NAME["euclid pair"].frame)
    assert len(pair) == 6 and {step + 1 for step in pair} != set(struck(BY_NAME["euclid pair"].low))


@pytest.mark.parametrize("regularity", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("groove", GROOVES, ids=lambda groove: groove.name)
def test_layers_hold_every_stroke_for_two_hands_strong_ones_first(groove, regularity):
    hits = layers(groove, regularity)
    beats = [hit.beat for hit in hits]
    assert max(beats.count(beat) for beat in beats) <= 2
    assert len({(hit.beat, hit.lane) for hit in hits}) == len(hits)
    assert (hits[0].beat, hits[0].lane) == (0.0, "low")
    low = {(step / groove.steps, "low") for step in struck(groove.low)}
    assert low <= {(hit.beat, hit.lane) for hit in hits}
    assert len(set(beats)) == groove.beats * (4 if groove.steps < 3 else 6 if groove.steps == 3 else 4)


def test_with_more_regularity_strokes_between_beats_come_later():
    def between(regularity):
        shares = []
        for groove in GROOVES:
            hits = layers(groove, regularity)[: groove.beats + 2]
            shares.append(statistics.mean(hit.beat % 1.0 != 0.0 for hit in hits))
        return statistics.mean(shares)

    assert between(1.0) < between(0.0) - 0.02


def test_the_steadier_the_straighter():
    def lean(regularity):
        rng = stream(1, "test")
        return statistics.mean(choose(rng, "hand", 4, regularity).lean for _ in range(400))

    assert lean(1.0) < lean(0.5) < lean(0.0)
    assert lean(1.0) < 1.0 and lean(0.0) > 3.0


@given(
    beats=st.integers(1, 13),
    manner=st.sampled_from(MANNERS),
    regularity=st.floats(0.0, 1.0),
    seed=st.integers(0, 99),
)
def test_there_is_a_groove_for_any_bar(beats, manner, regularity, seed):
    groove = choose(stream(seed, "test"), manner, beats, regularity)
    assert groove.beats == beats and manner in groove.manners
    assert len(groove.low) == len(groove.shaker) == beats * groove.steps
    assert layers(groove, regularity)


def test_seven_is_added_up_from_twos_and_a_three():
    groove = added((2, 2, 3), "hand")
    assert [step / 2 for step in struck(groove.low)] == [0, 2, 4]
    assert [step / 2 for step in struck(groove.frame)] == [1, 3, 6]
