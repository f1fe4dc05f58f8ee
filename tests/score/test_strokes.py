"""What hands play stands in the score, is known of for a while, and then is not."""

from __future__ import annotations

from synth.score.model import TICKS_PER_BEAT, Note, Score, Stroke
from synth.score.strokes import KEPT_BEATS, MOST, Strokes


def test_a_note_stands_in_the_score_from_its_beginning_and_gets_its_length_at_its_end():
    score = Score(("melody",))
    strokes = Strokes(score)
    strokes.strike(1, "melody", 100, 60.0, 0.5)
    score.notes.append(Note("pad", 120, 10, 50.0, 0.4))
    assert score.notes[0] == Note("melody", 100, 1, 60.0, 0.5)
    strokes.last(400)
    assert score.notes[0].duration == 300
    strokes.lift(1, 700)
    assert score.notes == [Note("melody", 100, 600, 60.0, 0.5), Note("pad", 120, 10, 50.0, 0.4)]


def test_equal_notes_are_told_apart():
    score = Score(("melody",))
    strokes = Strokes(score)
    strokes.strike(1, "melody", 100, 60.0, 0.5)
    strokes.strike(2, "melody", 100, 60.0, 0.5)
    strokes.lift(1, 200)
    strokes.lift(2, 300)
    assert [note.duration for note in score.notes] == [100, 200]


def test_what_is_held_has_no_end_and_what_has_ended_is_forgotten_after_a_while():
    strokes = Strokes(Score(("melody", "bass")))
    strokes.strike(1, "melody", 0, 60.0, 0.5)
    strokes.strike(2, "bass", 10, 36.0, 0.5)
    strokes.lift(1, 500)
    held = Stroke("bass", 10, None, 36.0, 0.5)
    assert strokes.heard(600) == (Stroke("melody", 0, 500, 60.0, 0.5), held)
    assert strokes.heard(501 + KEPT_BEATS * TICKS_PER_BEAT) == (held,)


def test_no_more_are_known_of_than_can_be_thought_about():
    strokes = Strokes(Score(("melody",)))
    for number in range(3 * MOST):
        strokes.strike(number, "melody", number, 60.0, 0.5)
        strokes.lift(number, number + 1)
    heard = strokes.heard(3 * MOST)
    assert len(heard) == MOST and heard[-1].tick == 3 * MOST - 1
