"""What is heard of an answer: safe repairs are told, the rest is refused, and nothing bad gets through."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.guests import Written, heard
from synth.composer.guests.check import VOICES, carried

DORIAN = {2, 4, 5, 7, 9, 11, 0}  # on D
LINE = [Written(2.0 * i, 1.5, pitch) for i, pitch in enumerate((62, 64, 65, 67, 65, 64, 62))]


def but(*changed, line=LINE):
    """The line with (index, field, value) changed."""
    notes = [[n.beat, n.beats, n.pitch, n.velocity] for n in line]
    for index, field, value in changed:
        notes[index][("beat", "beats", "pitch", "velocity").index(field)] = value
    return notes


def test_a_good_line_is_left_as_it_is(invitation):
    came = heard(invitation(), LINE)
    assert came.notes == tuple(LINE) and came.text == "plays 7 notes"


def test_plain_numbers_of_any_kind_will_do(invitation):
    plain = [(np.float32(n.beat), int(n.beats + 0.5), np.int64(n.pitch)) for n in LINE]
    came = heard(invitation(), plain)
    assert [n.pitch for n in came.notes] == [n.pitch for n in LINE] and all(n.velocity == 0.58 for n in came.notes)
    assert all(type(n.pitch) is int and type(n.beat) is float for n in came.notes)


@pytest.mark.parametrize(
    ("answer", "index", "expected", "told"),
    [
        (but((1, "pitch", 63)), 1, (2.0, 1.5, 62, 0.58), "moved to the nearest tone of the scale"),
        (but((1, "pitch", 64.4)), 1, (2.0, 1.5, 64, 0.58), "moved to the nearest tone of the scale"),
        (but((3, "pitch", 55)), 3, (6.0, 1.5, 67, 0.58), "moved by octaves into the register"),
        (but((3, "pitch", 103)), 3, (6.0, 1.5, 67, 0.58), "moved by octaves into the register"),
        (but((2, "beats", 3.0)), 2, (4.0, 2.0, 65, 0.58), "cut where the next begins"),
        (but((6, "beats", 4.5), (5, "beats", 0.5)), 6, (12.0, 4.0, 62, 0.58), "cut at the phrase's end"),
        (but((2, "velocity", 1.0)), 2, (4.0, 1.5, 65, 0.9), "loudness held in its range"),
        (but((2, "velocity", -3.0)), 2, (4.0, 1.5, 65, 0.05), "loudness held in its range"),
        ([*LINE[1:], LINE[0]], 0, (0.0, 1.5, 62, 0.58), "put in order"),
    ],
)
def test_what_can_be_mended_safely_is_and_is_told(invitation, answer, index, expected, told):
    came = heard(invitation(), answer)
    note = came.notes[index]
    assert (note.beat, note.beats, note.pitch, note.velocity) == expected
    assert came.text == f"plays 7 notes; mended: {told}"


def test_a_line_in_another_octave_is_moved_as_a_whole(invitation):
    for octaves in (-3, 2, 4):
        shifted = [Written(n.beat, n.beats, n.pitch + 12 * octaves) for n in LINE]
        came = heard(invitation(), shifted)
        assert [n.pitch for n in came.notes] == [n.pitch for n in LINE]
        assert f"all moved by {-12 * octaves:+d} semitones into the register" in came.text


def test_a_register_narrower_than_an_octave_takes_its_nearest_tone(invitation):
    came = heard(invitation(low=60, high=66), but((3, "pitch", 67)))
    assert came.notes[3].pitch == 65


@pytest.mark.parametrize("wrong", [(0, "beat", -1.0), (6, "beat", 16.0), (2, "beats", 0.0), (2, "beats", -2.0)])
def test_a_stray_outside_the_phrase_is_left_out(invitation, wrong):
    came = heard(invitation(), but(wrong))
    assert came.notes == tuple(n for i, n in enumerate(LINE) if i != wrong[0])
    assert came.text == "plays 6 notes; mended: left out"


def test_of_two_notes_at_once_the_upper_one_sounds_in_a_line_and_both_in_a_pad(invitation):
    chord = [*LINE, Written(0.0, 1.5, 69)]
    assert [n.pitch for n in heard(invitation(), chord).notes][0] == 69
    assert len(heard(invitation(), chord).notes) == 7
    assert len(heard(invitation(stem="pad"), chord).notes) == 8


def test_no_pitch_sounds_twice_at_once(invitation):
    twice = [Written(0.0, 9.0, 62), Written(4.0, 2.0, 62), Written(5.0, 4.0, 69)]
    came = heard(invitation(stem="pad", notes=3.0), twice)
    assert [(n.beat, n.beats) for n in came.notes] == [(0.0, 4.0), (4.0, 2.0), (5.0, 4.0)]


def test_a_line_without_a_rest_gives_up_the_end_of_its_last_note(invitation):
    legato = [Written(2.0 * i, 2.0, 62 + 2 * (i % 2)) for i in range(8)]
    came = heard(invitation(), legato)
    assert came.text == "plays 8 notes; mended: its last note shortened to a rest"
    assert 16.0 - sum(n.beats for n in came.notes) == pytest.approx(0.96)
    packed = [Written(0.5 * i, 0.5, 62 + 2 * (i % 2)) for i in range(32)]
    assert heard(invitation(notes=30.0), packed).text == "refused: it leaves no rest in the phrase"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "it answered None"),
        ("C D E", "it answered a str, not notes"),
        (b"C", "it answered a bytes, not notes"),
        ({"beat": 1}, "it answered a dict, not notes"),
        (7, "it answered a int, not notes"),
        ([], "it wrote nothing"),
        ([None], "its note 1 is a NoneType, not a note"),
        ([(1.0, 2.0)], "its note 1 is a tuple, not a note"),
        ([(1.0, 2.0, "62")], "the pitch of its note 1 is a str, not a number"),
        ([(1.0, True, 62)], "the beats of its note 1 is a bool, not a number"),
        ([(1.0, 1.0, 62, 1j)], "the velocity of its note 1 is a complex, not a number"),
        ([(math.nan, 1.0, 62)], "its note 1 is not of finite numbers"),
        (but((3, "velocity", math.inf)), "its note 4 is not of finite numbers"),
        ([(1.0, 1.0, 128)], "the pitch of its note 1 is 128, no MIDI key"),
        ([(1.0, 1.0, -1)], "the pitch of its note 1 is -1, no MIDI key"),
        (LINE[:2], "2 notes, and about 8 were asked for"),
        ([Written(0.9 * i, 0.5, 62) for i in range(17)], "17 notes, and about 8 were asked for"),
        ([Written(0.2 * i, 0.1, 62) for i in range(12)], "10 notes within 2 s"),
        ([Written(1.0 * i, 0.5, 61) for i in range(8)], "8 of 8 notes are outside dorian"),
        (
            [Written(2.0 * i, 1.0, (62, 86, 38)[i % 3]) for i in range(8)],
            "5 of 8 notes are outside the register 60 to 75",
        ),
        ([Written(20.0 + i, 1.0, 62) for i in range(8)], "8 of 8 notes are outside the phrase, or no longer than noth"),
        ([Written(0.01 * i, 1.0, 62) for i in range(8)], "7 of 8 notes are on top of another"),
    ],
)
def test_too_much_wrong_is_refused(invitation, answer, why):
    came = heard(invitation(), answer)
    assert came.notes is None and came.text.startswith(f"refused: {why}")


def test_an_endless_answer_is_not_read_to_its_end(invitation):
    from itertools import repeat

    assert heard(invitation(), repeat(LINE[0])).text == "refused: it wrote more than 512 notes"


def test_a_register_without_a_tone_of_the_scale_plays_nothing(invitation):
    assert heard(invitation(low=61, high=61), LINE).text == "refused: no key of the scale lies from 61 to 61"


number = st.one_of(st.floats(-4.0, 20.0), st.integers(-2, 20), st.floats())
notes = st.lists(st.tuples(number, number, st.one_of(st.integers(50, 90), number), number), max_size=30)
likely = st.lists(
    st.tuples(st.floats(0.0, 16.0), st.floats(0.05, 5.0), st.sampled_from([55, 60, 62, 64, 65, 67, 69, 71, 74, 76])),
    min_size=3,
    max_size=16,
)


@settings(max_examples=300)
@given(st.one_of(notes, likely), st.sampled_from(["melody", "pad", "bells"]), st.sampled_from([48.0, 60.0, 132.0]))
def test_whatever_is_heard_is_fit_to_sound_and_passes_again_unchanged(invitation, answer, stem, tempo_bpm):
    asked = invitation(stem=stem, tempo_bpm=tempo_bpm)
    came = heard(asked, answer)
    if came.notes is None:
        assert came.text.startswith("refused: ")
        return
    assert heard(asked, came.notes).notes == came.notes
    assert [n.beat for n in came.notes] == sorted(n.beat for n in came.notes)
    for note in came.notes:
        assert 0.0 <= note.beat and note.beats > 0.0 and note.beat + note.beats <= 16.0 + 1e-6
        assert note.pitch % 12 in DORIAN and 60 <= note.pitch <= 75 and 0.05 <= note.velocity <= 0.9
        at_once = [o for o in came.notes if o.beat <= note.beat + 1e-6 < o.beat + o.beats - 2e-6]
        assert len(at_once) <= VOICES.get(stem, 1) and len({o.pitch for o in at_once}) == len(at_once)


@given(st.integers(0, 11), st.sampled_from([(0, 2, 4, 5, 7, 9, 11), (0, 2, 4, 7, 9)]))
def test_carried_to_another_scale_a_line_stays_near_and_in_it(invitation, key, semitones):
    asked, now = invitation(), invitation(key=key, semitones=semitones, scale="new")
    moved = carried(asked, LINE, now)
    assert all((n.pitch - key) % 12 in semitones for n in moved) or {(key + s) % 12 for s in semitones} == DORIAN
    assert all(abs(n.pitch - o.pitch) <= 8 for n, o in zip(moved, LINE, strict=True))
    assert all((n.beat, n.beats) == (o.beat, o.beats) for n, o in zip(moved, LINE, strict=True))


def test_a_phrase_that_turned_out_shorter_keeps_what_lies_in_it(invitation):
    now = invitation(bars=2, notes=4.0)
    came = heard(now, carried(invitation(), [*LINE, Written(17.0, 1.0, 62)], now))
    assert [n.beat for n in came.notes] == [0.0, 2.0, 4.0, 6.0] and came.text == "plays 4 notes; mended: left out"


def test_what_was_asked_for_is_enough_when_more_is_wanted_by_then(invitation):
    assert heard(invitation(notes=30.0), LINE).notes is None
    assert heard(invitation(notes=30.0), LINE, invitation(notes=8.0)).notes == tuple(LINE)
    assert heard(invitation(notes=3.0), LINE, invitation(notes=8.0)).notes is None  # less is wanted: that counts
