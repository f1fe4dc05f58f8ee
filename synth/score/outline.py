"""The outline of a score: its bars, phrases, chords, keys and scenes as stretches of ticks, told from its markers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from synth.score.model import TICKS_PER_BEAT, KeyChange, Score


class Span(NamedTuple):
    """Ticks [tick, end) under a name."""

    tick: int
    end: int
    text: str


class Measure(NamedTuple):
    """A bar of `beats` quarter notes."""

    tick: int
    beats: int

    @property
    def end(self) -> int:
        return self.tick + self.beats * TICKS_PER_BEAT


class Point(NamedTuple):
    """A named place."""

    tick: int
    text: str


@dataclass(frozen=True, slots=True)
class Outline:
    """`measures` fill the score; `phrases` bear the name of their idea ("A", "B'"); `tensions` are those planned, 0..1.

    `last` is the tick of the last chord, or of the end where none is planned; what follows rings out.
    """

    measures: tuple[Measure, ...]
    phrases: tuple[Span, ...]
    chords: tuple[Span, ...]
    keys: tuple[tuple[int, int, KeyChange], ...]
    phases: tuple[Span, ...]
    scenes: tuple[Span, ...]
    cadences: tuple[Point, ...]
    recalls: tuple[Point, ...]
    guests: tuple[Point, ...]
    tensions: tuple[tuple[int, float], ...]
    last: int
    end: int


def outline(score: Score) -> Outline:
    """The outline of `score`."""
    end = score.end_tick
    points: dict[str, list[Point]] = {}
    for marker in score.markers:
        points.setdefault(marker.kind, []).append(Point(marker.tick, marker.text))
    ended = points.get("end")
    keys = [*score.keys]
    bounds = [*(k.tick for k in keys[1:]), end]
    return Outline(
        tuple(_measures(score)),
        tuple(Span(s.tick, s.end, idea_of(s.text)) for s in _spans(points.get("phrase", ()), end)),
        _spans(points.get("chord", ()), end),
        tuple((k.tick, until, k) for k, until in zip(keys, bounds, strict=False)),
        _spans(points.get("phase", ()), end),
        _spans(points.get("scene", ()), end),
        tuple(points.get("cadence", ())),
        tuple(points.get("recall", ())),
        tuple(points.get("guest", ())),
        tuple((p.tick, value) for p in points.get("tension", ()) if (value := _number(p.text)) is not None),
        ended[0].tick if ended else end,
        end,
    )


def idea_of(phrase: str) -> str:
    """The idea's name in the text of a phrase's marker: "phrase 3 B'" is B'."""
    return phrase.split()[-1] if phrase.split() else ""


def family_of(idea: str) -> str:
    """An idea's name without the marks of its variations."""
    return idea.rstrip("'")


def _measures(score: Score) -> list[Measure]:
    found: list[Measure] = []
    metres = score.metres
    for i, metre in enumerate(metres):
        tick = metre.tick
        until = metres[i + 1].tick if i + 1 < len(metres) else score.end_tick
        while tick < until:
            beats = min(metre.beats, -(-(until - tick) // TICKS_PER_BEAT))
            found.append(Measure(tick, beats))
            tick += beats * TICKS_PER_BEAT
    return found


def _spans(points: Iterable[Point], end: int) -> tuple[Span, ...]:
    """Each point until the next."""
    held = list(points)
    ends = [*(p.tick for p in held[1:]), end]
    return tuple(Span(p.tick, until, p.text) for p, until in zip(held, ends, strict=False))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
