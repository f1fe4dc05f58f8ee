"""A line said again otherwise: every way keeps what it should, and changes what it says it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer import motifs
from synth.composer.melody import Tone
from synth.rng import stream

# Two bars of a call, a lower answer, and a close.
STEPS = (35, 37, 36, 35, 33, 36, 34, 37, 35)
BEATS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)


def line() -> list[Tone]:
    tones = [
        Tone(beat, 1.0, "ab"[i >= 4], i % 4, step) for i, (beat, step) in enumerate(zip(BEATS, STEPS, strict=True))
    ]
    tones[-1] = replace(tones[-1], beats=4.0, gesture="close", place=0, closing=True)
    return tones


def moves(tones):
    steps = [tone.step for tone in tones]
    return [b - a for a, b in zip(steps, steps[1:], strict=False)]


def paces(tones):
    return [b.beat - a.beat for a, b in zip(tones, tones[1:], strict=False)]


lines = st.lists(st.tuples(st.sampled_from((0.5, 1.0, 1.5, 2.0)), st.integers(28, 42)), min_size=1, max_size=12)


def drawn(found) -> list[Tone]:
    beat, tones = 0.0, []
    for place, (beats, step) in enumerate(found):
        tones.append(Tone(beat, beats, "ab"[place >= 4], place % 4, step))
        beat += beats
    return [*tones, Tone(beat, 2.0, "close", 0, 35, closing=True)]


@pytest.mark.parametrize("steps", [-2, -1, 1, 2])
def test_a_sequence_moves_the_first_half_and_keeps_its_intervals_and_its_rhythm(steps):
    moved = motifs.sequence(line(), steps)
    assert paces(moved) == paces(line())
    assert [t.step for t in moved[:4]] == [step + steps for step in STEPS[:4]]
    assert moves(moved)[:3] == moves(line())[:3] and [t.step for t in moved[4:]] == list(STEPS[4:])


def test_an_inversion_turns_every_interval_and_keeps_first_tone_and_rhythm():
    turned = motifs.invert(line())
    assert turned[0].step == STEPS[0] and paces(turned) == paces(line())
    assert moves(turned[:-1]) == [-move for move in moves(line()[:-1])]
    assert turned[-1].step is None and turned[-1].closing
    assert motifs.same(motifs.invert(turned)[:-1], line()[:-1])  # twice is as it was


def test_augmentation_doubles_rhythm_and_keeps_intervals():
    slow = motifs.augment(line(), 16.0)
    body, own = slow[:-1], line()[: len(slow) - 1]
    assert len(body) == 4 and moves(body) == moves(own)
    assert paces(body) == [2.0 * pace for pace in paces(own)] and [t.beats for t in body] == [2.0] * 4
    assert slow[-1].closing and slow[-1].beat == 8.0


def test_diminution_halves_rhythm_and_says_it_twice():
    quick = motifs.diminish(line())
    assert len(quick) == 17 and moves(quick[:8]) == moves(line()[:8])
    assert paces(quick[:8]) == [pace / 2.0 for pace in paces(line()[:8])]
    assert all(tone.step is None for tone in quick[8:16]) and quick[8].beat == 4.0
    fast = [replace(tone, beats=0.5) for tone in line()]
    assert motifs.same(motifs.diminish(fast), fast), "too fast to be halved"


def test_a_fragment_is_the_first_gesture_and_its_echo_a_step_lower():
    part = motifs.fragment(line())
    head, echo = part[:4], part[4:-1]
    assert motifs.same(head, line()[:4]) and part[-1].closing
    assert [t.step for t in echo] == [step - 1 for step in STEPS[:4]] and echo[0].beat == 4.0


def test_a_new_end_frees_the_last_tones_only():
    anew = motifs.end_anew(line())
    assert [t.step for t in anew[:5]] == list(STEPS[:5]) and all(t.step is None for t in anew[5:])
    assert paces(anew) == paces(line())


def test_a_split_makes_two_of_the_longest_tone():
    whole = line()
    whole[2].beats, whole[3].beat = 1.5, 3.5
    tones = motifs.split(whole)
    assert len(tones) == len(whole) + 1 and tones[3].step is None
    assert tones[2].beats == tones[3].beats == 0.75 and tones[3].beat == 2.75
    assert sum(t.beats for t in tones) == sum(t.beats for t in whole)


def test_a_tone_left_out_is_an_inner_one():
    for seed in range(12):
        fewer = motifs.drop(stream(seed, "test"), line())
        kept = [t.beat for t in fewer]
        assert len(fewer) == len(line()) - 1 and kept[0] == 0.0 and kept[-1] == 8.0 and set(kept) < set(BEATS)


@given(found=lines, steps=st.sampled_from((-2, -1, 1, 2)), seed=st.integers(0, 50))
def test_no_way_changes_the_line_it_is_given(found, steps, seed):
    own = drawn(found)
    before = [replace(tone) for tone in own]
    rng = stream(seed, "test")
    for made in (
        motifs.sequence(own, steps),
        motifs.invert(own),
        motifs.augment(own, 16.0),
        motifs.diminish(own),
        motifs.fragment(own),
        motifs.end_anew(own),
        motifs.split(own),
        motifs.drop(rng, own),
        motifs.vary(rng, own, own[-1].beat)[0],
    ):
        assert sum(tone.closing for tone in made) == 1 and made[-1].closing
        onsets = [tone.beat for tone in made]
        assert onsets == sorted(onsets) and not any(tone in made for tone in own)
    assert motifs.same(own, before) and [t.beats for t in own] == [t.beats for t in before]


def test_likeness_sees_through_turn_and_pace_and_not_through_another_line():
    own = line()
    assert motifs.likeness(own, own) == 1.0
    assert motifs.likeness(own, [replace(t, step=t.step + 3) for t in own]) == 1.0
    assert motifs.likeness(own, [replace(t, step=70 - t.step) for t in own]) == 1.0
    assert motifs.likeness(own, [replace(t, beat=2.0 * t.beat) for t in own]) == 1.0
    other = drawn([(1.5, 30), (0.5, 34), (0.5, 29), (1.5, 33), (0.5, 28)])
    assert motifs.likeness(own, other) < 0.35
    free = [replace(tone, step=None) for tone in own]
    assert motifs.likeness(own, free) == 0.5, "the rhythm alone"


@given(found=lines, seed=st.integers(0, 200))
def test_a_variation_keeps_enough_and_is_none_where_that_cannot_be(found, seed):
    own = drawn(found)
    varied, way = motifs.vary(stream(seed, "test"), own, own[-1].beat)
    assert way in (*motifs.WAYS, "")
    if way:
        assert motifs.likeness(own, varied) >= motifs.ENOUGH and not motifs.same(own, varied)
    else:
        assert motifs.same(own, varied)


def test_every_way_is_taken_and_one_that_is_asked_for_is_kept_to():
    taken = {motifs.vary(stream(seed, "test"), line(), 16.0)[1] for seed in range(400)}
    assert {"in sequence", "with a new end", "with a tone left out", "inverted", "augmented", "in part"} <= taken
    assert motifs.vary(stream(1, "test"), line(), 16.0, "inverted")[1] == "inverted"
    assert motifs.vary(stream(1, "test"), line()[-2:], 16.0, "with a tone left out")[1] == "", "two tones stay two"
