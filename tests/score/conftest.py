"""Scores to write and read back: any that the engine could make, and one that it did make."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from synth.controls import KEYS, MODES
from synth.output.render import compose_session
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Tempo

STEMS = ("pad", "bass", "melody", "bells", "percussion", "nature")


def seconds_of(score: Score) -> Callable[[int], float]:
    """Time of a tick, as an exact fraction until the last step: microseconds a beat, summed tempo by tempo."""

    def seconds(tick: int) -> float:
        us = Fraction(0)
        for i, tempo in enumerate(score.tempos):
            until = score.tempos[i + 1].tick if i + 1 < len(score.tempos) else tick
            us += Fraction(max(min(until, tick) - tempo.tick, 0) * tempo.us_per_beat, TICKS_PER_BEAT)
        return float(us / 1_000_000)

    return seconds


@st.composite
def scores(draw: st.DrawFn, fine: bool = False) -> Score:
    """Scores of a few bars: a pitch of a stem never sounds twice at once, all changes fall on beats, all notes end.

    Pitches are keys or, `fine` and no drum, any number of cents.
    """
    stems = draw(st.lists(st.sampled_from(STEMS), min_size=1, unique=True).map(tuple))
    beats = draw(st.integers(4, 24))
    places = st.integers(1, beats - 1).map(lambda beat: beat * TICKS_PER_BEAT)
    later = st.lists(places, max_size=4, unique=True).map(lambda ticks: [0, *sorted(ticks)])
    score = Score(stems, end_tick=beats * TICKS_PER_BEAT)
    score.tempos = [Tempo(tick, draw(st.integers(300_000, 1_600_000))) for tick in draw(later)]
    score.metres = [Metre(tick, draw(st.integers(2, 12))) for tick in draw(later)]
    score.keys = [
        KeyChange(tick, draw(st.integers(0, len(KEYS) - 1)), draw(st.integers(0, len(MODES) - 1)))
        for tick in draw(later)
    ]
    kinds = st.sampled_from(("phrase", "cadence", "chord", "phase", "end"))
    score.markers = [
        Marker(tick, draw(kinds), draw(st.sampled_from(("A", "B'", "Dm7", "ü: é")))) for tick in draw(later)
    ]
    for stem in stems:
        tuned = fine and stem != "percussion"
        cents = st.integers(2800, 9600) if tuned else st.integers(28, 96).map(lambda key: 100 * key)
        for pitch in [c / 100 for c in draw(st.lists(cents, max_size=8 if fine else 4, unique=True))]:
            tick = 0
            for gap, length in draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 4000)), max_size=5)):
                tick += gap
                if tick + length > score.end_tick:
                    break
                velocity = draw(st.integers(1, 127)) / 127
                score.notes.append(Note(stem, tick, length, pitch, velocity))
                tick += length
    score.notes.sort(key=lambda note: note.tick)
    return score


@pytest.fixture(scope="session")
def score_kit() -> SimpleNamespace:
    """`scores()` draws scores for hypothesis, `seconds_of(score)` gives the time of a tick."""
    return SimpleNamespace(scores=scores, seconds_of=seconds_of)


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A minute and a half of a preset whose tempo, key and mode move: `score` as held and `path` of its score.mid."""
    path = tmp_path_factory.mktemp("composed") / "score.mid"
    script = [(10.0, "tempo_bpm", 80.0), (20.0, "key", 7.0), (30.0, "mode", 3.0)]
    score = compose_session("settle", path, minutes=1.5, seed=3, script=script)
    return SimpleNamespace(score=score, path=path)
