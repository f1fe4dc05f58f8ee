"""What hands play: each note's place in the score, and what is known of them for a while after."""

from __future__ import annotations

from dataclasses import replace

from synth.score.model import TICKS_PER_BEAT, Note, Score, Stroke

KEPT_BEATS = 32  # after its end
MOST = 256  # that are known of at a time


class Strokes:
    """The notes that hands play into `score`, by number."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._held: dict[int, Note] = {}
        self._past: list[Stroke] = []

    def strike(self, number: int, stem: str, tick: int, pitch: float, velocity: float) -> None:
        """A note begins."""
        self._held[number] = note = Note(stem, tick, 1, pitch, velocity)
        self._score.notes.append(note)

    def lift(self, number: int, tick: int) -> None:
        """It ends."""
        note = self._lasting(number, tick)
        del self._held[number]
        end = note.tick + note.duration
        self._past = [*self._past[1 - MOST :], Stroke(note.stem, note.tick, end, note.pitch, note.velocity)]

    def last(self, tick: int) -> None:
        """Let what is held last until `tick` in the score."""
        for number in self._held:
            self._held[number] = self._lasting(number, tick)

    def heard(self, tick: int) -> tuple[Stroke, ...]:
        """What is held at `tick`, and what ended within the last KEPT_BEATS, as it began."""
        since = tick - KEPT_BEATS * TICKS_PER_BEAT
        past = [stroke for stroke in self._past if stroke.end is not None and stroke.end >= since]
        held = [Stroke(n.stem, n.tick, None, n.pitch, n.velocity) for n in self._held.values()]
        return tuple(sorted((*past, *held), key=lambda s: (s.tick, s.stem, s.pitch))[-MOST:])

    def _lasting(self, number: int, tick: int) -> Note:
        note = self._held[number]
        longer = replace(note, duration=max(tick - note.tick, 1))
        self._score.change(note, longer)
        return longer
