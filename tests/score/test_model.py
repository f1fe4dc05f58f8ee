"""A score that forgets: what is over goes, what counts from there on stays."""

from __future__ import annotations

import pytest

from synth.score.model import KeyChange, Marker, Metre, Note, Score, Tempo


@pytest.fixture
def score() -> Score:
    made = Score(("pad", "melody"), end_tick=4000)
    made.notes += [
        Note("pad", 0, 3000, 50.0, 0.4),
        Note("melody", 900, 90, 60.0, 0.5),
        Note("melody", 2500, 90, 62.0, 0.5),
    ]
    made.tempos += [Tempo(0, 900_000), Tempo(960, 800_000), Tempo(1920, 700_000), Tempo(2880, 600_000)]
    made.keys += [KeyChange(0, 2, 1)]
    made.metres += [Metre(0, 4), Metre(2000, 3)]
    made.markers += [Marker(0, "phrase", "phrase 1 A"), Marker(2000, "chord", "Dm")]
    return made


def test_notes_that_still_sound_and_what_counts_there_stay(score: Score) -> None:
    score.forget(2000)
    assert [(note.stem, note.tick) for note in score.notes] == [("pad", 0), ("melody", 2500)]
    assert [tempo.tick for tempo in score.tempos] == [1920, 2880]
    assert score.keys == [KeyChange(0, 2, 1)] and score.metres == [Metre(2000, 3)]
    assert score.markers == [Marker(2000, "chord", "Dm")] and score.end_tick == 4000


@pytest.mark.parametrize("tick", [-960, 0])
def test_at_the_beginning_there_is_nothing_to_forget(score: Score, tick: int) -> None:
    before = [list(part) for part in (score.notes, score.tempos, score.keys, score.metres, score.markers)]
    score.forget(tick)
    assert [score.notes, score.tempos, score.keys, score.metres, score.markers] == before


def test_an_empty_score_forgets_nothing() -> None:
    score = Score(("pad",))
    score.forget(1000)
    assert score == Score(("pad",))


def test_a_note_that_is_forgotten_is_not_put_back(score: Score) -> None:
    gone = score.notes[1]
    score.forget(2000)
    score.change(gone, Note("melody", 900, 40, 60.0, 0.5))
    assert len(score.notes) == 2
