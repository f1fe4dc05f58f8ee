"""Replies keep the shape of the call, change it somewhere, and leave the last tone to the chord."""

from __future__ import annotations

from random import Random

import pytest

from synth.composer import motifs
from synth.composer.played.reply import FEWEST, LONGEST, MOST, last_part, motif, nearest, reply, turned
from synth.composer.scales import Scale

SCALE = Scale(2, 1)
CALL = [(8.02, 8.9, 62), (8.97, 9.9, 66), (10.03, 11.4, 69), (11.49, 11.9, 67), (12.0, 12.9, 66), (13.0, 13.9, 64)]


def test_a_call_is_taken_over_in_steps_and_on_the_grid():
    tones = motif(CALL, SCALE)
    assert [tone.beat for tone in tones] == [0.0, 1.0, 2.0, 3.5, 4.0, 5.0]
    assert [tone.step - tones[0].step for tone in tones] == [0, 2, 4, 3, 2, 1]
    assert [tone.closing for tone in tones] == [False] * 5 + [True]
    moved = motif([(a, b, key + 5) for a, b, key in CALL], Scale(7, 1))
    assert [tone.step for tone in moved] == [tone.step for tone in tones]  # key-relative


def test_triplets_stay_triplets():
    tones = motif([(i / 3 + 0.01, i / 3 + 0.3, 60 + i) for i in range(6)], Scale(0, 1))
    assert [tone.beat for tone in tones] == pytest.approx([i / 3 for i in range(6)])


def test_notes_outside_the_scale_are_put_on_the_nearest_step():
    for key in range(40, 90):
        assert abs(SCALE.pitch(nearest(SCALE, key)) - key) <= 1
        assert nearest(SCALE, SCALE.pitch(nearest(SCALE, key))) == nearest(SCALE, key)


def test_a_long_call_is_answered_from_its_last_part():
    long = motif([(float(i), i + 0.9, 60 + i % 5) for i in range(30)], SCALE)
    part = last_part(long)
    assert FEWEST <= len(part) <= MOST and part[0].beat == 0.0 and part[-1].beat <= LONGEST
    assert [t.step for t in part] == [t.step for t in long[-len(part) :]]


def test_every_way_is_taken_and_is_like_the_call_but_not_the_same():
    call = motif(CALL, SCALE)
    ways = set()
    for seed in range(60):
        said, way = reply(Random(seed), call)
        ways.add(way)
        assert said[-1].step is None and said[-1].closing
        assert [tone.beat for tone in said] == [tone.beat for tone in call]
        assert not motifs.same(call[:-1], said[:-1]) or way == "with a new end"
        assert motifs.likeness(call, said) >= 0.5
    assert ways == {"in sequence", "with its tail turned over", "with a new end"}


def test_a_literal_reply_keeps_every_tone_but_the_last():
    call = motif(CALL, SCALE)
    for seed in range(20):
        said, _ = reply(Random(seed), call, literal=True)
        assert [tone.step for tone in said[:-1]] == [tone.step for tone in call[:-1]]


def test_a_turned_tail_goes_the_other_way():
    call = motif(CALL, SCALE)
    steps = [tone.step - call[0].step for tone in turned(call)]
    assert steps == [0, 2, 4, 5, 6, 7]
