"""Scores for pictures and notation: composed ones, and one made note by note."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from synth.output.compose import compose_score
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Tempo


@pytest.fixture(scope="session")
def settle() -> Score:
    """A minute and a half of `settle` that changes key."""
    return compose_score("settle", minutes=1.5, seed=3, script=[(20.0, "key", 7.0)])


@pytest.fixture(scope="session")
def waltz() -> Score:
    """A minute and a half in three four, in flats."""
    return compose_score("short-break", minutes=1.5, seed=5)


@pytest.fixture
def made() -> Callable[..., Score]:
    """Makes a score of (stem, beat, beats, pitch) in bars of `beats`, in the `mode`-th scale on `key`."""

    def make(*notes: tuple[str, float, float, float], beats: int = 4, key: int = 0, mode: int = 1) -> Score:
        score = Score(tuple(dict.fromkeys(stem for stem, *_ in notes)))
        score.tempos, score.metres, score.keys = [Tempo(0, 1_000_000)], [Metre(0, beats)], [KeyChange(0, key, mode)]
        score.markers = [Marker(0, "phrase", "phrase 1 A"), Marker(0, "chord", "C")]
        score.notes = [
            Note(stem, round(at * TICKS_PER_BEAT), round(lasts * TICKS_PER_BEAT), pitch, 0.5)
            for stem, at, lasts, pitch in notes
        ]
        last = max(note.tick + note.duration for note in score.notes) / TICKS_PER_BEAT
        score.end_tick = -(-int(last + 0.999) // beats) * beats * TICKS_PER_BEAT
        return score

    return make
