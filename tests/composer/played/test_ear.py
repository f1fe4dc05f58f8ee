"""What is heard of playing: where phrases end, which chords are meant, what lies low."""

from __future__ import annotations

import pytest

from synth.composer.played import ear
from synth.score.model import TICKS_PER_BEAT, Stroke

BAR = 4 * TICKS_PER_BEAT


def strokes(*notes: tuple[float, float | None, float], stem: str = "melody") -> tuple[Stroke, ...]:
    """(beat, beats or None while held, pitch)"""
    return tuple(
        Stroke(
            stem,
            round(beat * TICKS_PER_BEAT),
            None if beats is None else round((beat + beats) * TICKS_PER_BEAT),
            pitch,
            0.6,
        )
        for beat, beats, pitch in notes
    )


def at(beat: float) -> int:
    return round(beat * TICKS_PER_BEAT)


def test_a_phrase_is_over_after_a_beat_of_rest_and_not_before():
    played = strokes((0, 0.9, 60), (1, 0.9, 62), (2, 0.9, 64))
    for beat, over in ((3.5, False), (3.85, False), (3.95, True)):
        phrase = ear.latest(played, ("melody",), at(beat))
        assert phrase is not None and phrase.over is over, beat
    held = strokes((0, 0.9, 60), (1, None, 62))
    phrase = ear.latest(held, ("melody",), at(9.0))
    assert phrase is not None and not phrase.over and phrase.end(at(9.0)) == at(9.0)


def test_slow_playing_is_not_cut_into_single_notes():
    played = strokes(*((2.0 * i, 0.5, 60 + i) for i in range(5)))
    phrase = ear.latest(played, ("melody",), at(9.6))
    assert phrase is not None and len(phrase.strokes) == 5 and not phrase.over
    phrase = ear.latest(played, ("melody",), at(11.1))
    assert phrase is not None and phrase.over


def test_a_new_phrase_begins_after_the_rest_and_other_stems_do_not_count():
    played = strokes((0, 0.9, 60), (1, 0.9, 62), (6, 0.9, 70), (7, 0.9, 71))
    played += strokes((3, 2.0, 40), stem="bass")
    phrase = ear.latest(sorted(played, key=lambda s: s.tick), ("melody",), at(7.5))
    assert phrase is not None and [s.pitch for s in phrase.strokes] == [70, 71]
    assert ear.latest(played, ("bells",), at(7.5)) is None


def test_the_line_is_the_top_of_what_is_played_and_chords_alone_have_none():
    two_hands = strokes((0, 1, 60), (0, 1, 72), (1, 1, 74), (2, 1, 76))
    phrase = ear.latest(two_hands, ("melody",), at(4.5))
    assert phrase is not None and [key for _, _, key in phrase.line(at(4.5))] == [72, 74, 76]
    chords = strokes(*((beat, 0.9, key) for beat in (0, 1, 2) for key in (60, 64, 67)))
    phrase = ear.latest(chords, ("melody",), at(4.5))
    assert phrase is not None and phrase.line(at(4.5)) == []


@pytest.mark.parametrize(
    ("keys", "root", "bass"),
    [
        ((60, 64, 67), 0, None),
        ((64, 67, 72), 0, None),
        ((57, 60, 64), 9, None),
        ((62, 66, 69, 72), 2, None),
        ((43, 60, 64), 0, 7),  # C over G
        ((36, 64, 72), 0, 0),  # a low note and two on it
        ((38, 57, 62), 2, 2),  # an open fifth over its root
    ],
)
def test_a_chord_is_known_by_its_shape_and_by_what_lies_low(keys: tuple[int, ...], root: int, bass: int | None):
    heard = ear.chord(strokes(*((0, None, key) for key in keys)), at(0.7), BAR)
    assert heard is not None and heard.known and heard.pcs[0] == root and heard.bass == bass


def test_two_notes_are_no_chord_and_neither_is_a_tune():
    assert ear.chord(strokes((0, None, 60), (0, None, 64)), at(0.7), BAR) is None
    assert ear.chord(strokes((0, 0.9, 60), (1, 0.9, 62), (2, 0.9, 64), (3, 0.9, 67)), at(4), BAR) is None


def test_a_broken_chord_is_one_for_a_bar():
    broken = strokes((0, 0.9, 60), (1, 0.9, 64), (2, 0.9, 67))
    heard = ear.chord(broken, at(3.0), BAR)
    assert heard is not None and heard.pcs[0] == 0 and set(heard.pcs) == {0, 4, 7}
    assert ear.chord(broken, at(6.5), BAR) is None


def test_the_newest_chord_counts_while_an_old_one_still_rings():
    played = strokes((0, None, 60), (0, None, 64), (0, None, 67), (1, None, 65), (1, None, 69), (1, None, 72))
    heard = ear.chord(played, at(1.7), BAR)
    assert heard is not None and heard.pcs[0] == 5


def test_a_passing_note_over_a_held_chord_does_not_rename_it():
    played = strokes((0, None, 48), (0, None, 64), (0, None, 67), (2.5, None, 77))
    heard = ear.chord(played, at(2.7), BAR)
    assert heard is not None and set(heard.pcs) == {0, 4, 7}


def test_low_and_long_notes():
    played = strokes((0, None, 40), (0, None, 64), (1.5, None, 69))
    assert ear.low_note(played, at(2)) == 40 and ear.low_note(played[1:], at(2)) is None
    assert ear.long_notes(played, at(2)) == (4,)
    assert ear.long_notes(strokes((0, 0.5, 60)), at(2)) == ()
