"""What is heard of a person's playing: phrases, chords and low notes, from the notes as they are known at a tick.

A phrase ends at a rest that is long against its own pace (grouping preference rule 2, slur and rest, attack-point:
Lerdahl & Jackendoff 1983, ch. 3).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Sequence
from typing import NamedTuple

from synth.composer.guests.tune import skyline
from synth.composer.harmony import SHAPES
from synth.score.model import TICKS_PER_BEAT, Stroke

VOICES = ("melody", "bells")  # stems that sing
LOW = 52  # a note below this (E3) is a bass
_PITCHED = (*VOICES, "pad", "bass", "drone")
_REST = TICKS_PER_BEAT  # that ends a phrase, where it is this much longer than the pace of its onsets:
_AGAINST_PACE = 1.5
_FIRST = 5 * TICKS_PER_BEAT // 2  # from the first note on, until there is a pace
_LONG_REST = 4 * TICKS_PER_BEAT  # that ends it anyway
_TOGETHER = TICKS_PER_BEAT // 8  # onsets of one chord
_PASSING = TICKS_PER_BEAT // 2  # a single note belongs to what is held once it has been for so long
_FULL = 2.5  # notes an onset from which on playing is an accompaniment


class Phrase(NamedTuple):
    """The latest phrase on some stems; `over` once the rest that ends it was heard."""

    strokes: tuple[Stroke, ...]
    over: bool

    @property
    def start(self) -> int:
        return self.strokes[0].tick

    def end(self, now: int) -> int:
        """The tick at which it ends, or `now` while it goes on."""
        return max(now if stroke.end is None else stroke.end for stroke in self.strokes)

    def line(self, now: int) -> list[tuple[float, float, int]]:
        """Its top line as (begin, end, key), in beats of the session; none where it is an accompaniment."""
        notes = [
            (s.tick / TICKS_PER_BEAT, (now if s.end is None else s.end) / TICKS_PER_BEAT, round(s.pitch))
            for s in self.strokes
        ]
        onsets = 1 + sum(b.tick - a.tick > _TOGETHER for a, b in zip(self.strokes, self.strokes[1:], strict=False))
        return [] if len(notes) >= _FULL * onsets else skyline(notes)


class Heard(NamedTuple):
    """A chord: its pitch classes, root first where it is known by its shape, and the class of a low note under it."""

    pcs: tuple[int, ...]
    known: bool
    bass: int | None


def latest(played: Sequence[Stroke], stems: Collection[str], now: int) -> Phrase | None:
    """The latest phrase on `stems`, None where nothing was played."""
    own: list[Stroke] = []
    paces: list[int] = []  # between its onsets, rising
    end = 0
    for stroke in played:
        if stroke.stem not in stems:
            continue
        if own and _ends(own[-1].tick, end, paces, stroke.tick):
            own, paces, end = [], [], 0
        if own and stroke.tick - own[-1].tick > _TOGETHER:
            insort(paces, stroke.tick - own[-1].tick)
        own.append(stroke)
        end = max(end, now if stroke.end is None else stroke.end)
    return Phrase(tuple(own), _ends(own[-1].tick, end, paces, now)) if own else None


def _ends(last: int, end: int, paces: Sequence[int], onset: int) -> bool:
    """Whether a phrase with its last onset at `last`, silent from `end` on, is over if nothing comes before `onset`."""
    slow = _AGAINST_PACE * paces[len(paces) // 2] if paces else _FIRST
    return onset - end >= _LONG_REST or (onset - end >= _REST and onset - last >= slow)


def chord(played: Sequence[Stroke], now: int, bar_ticks: int) -> Heard | None:
    """The chord that is held at `now`, or was struck or broken within the last bar."""
    own = [s for s in played if s.stem in _PITCHED and s.tick > now - bar_ticks]
    struck = [[s for s in own if 0 <= last.tick - s.tick <= _TOGETHER] for last in reversed(own)]
    held = [s for s in played if s.stem in _PITCHED and (s.end is None or s.end > now)]
    held = [s for s in held if now - s.tick >= _PASSING or (len(struck[0]) > 1 and s in struck[0])]
    for together in (*struck[:1], held, *struck[1:]):
        if found := _named(together):
            return found
    found = _named(own)
    return found if found and found.known and not _by_step(own) else None


def held(played: Sequence[Stroke]) -> tuple[int, ...]:
    """The keys that are held."""
    return tuple(round(s.pitch) for s in played if s.stem in _PITCHED and s.end is None)


def low_note(played: Sequence[Stroke], now: int) -> int | None:
    """The lowest key that is held, if it is a low one."""
    held = [s.pitch for s in played if s.stem in _PITCHED and (s.end is None or s.end > now)]
    lowest = min(held, default=LOW)
    return round(lowest) if lowest < LOW else None


def long_notes(played: Sequence[Stroke], now: int) -> tuple[int, ...]:
    """Pitch classes of what has been held for a beat and is still."""
    held = [s for s in played if s.stem in _PITCHED and s.end is None and now - s.tick >= TICKS_PER_BEAT]
    return tuple(dict.fromkeys(round(s.pitch) % 12 for s in held))


def _named(strokes: Sequence[Stroke]) -> Heard | None:
    """Three pitch classes and more, or a low note and two notes on it, as a chord."""
    keys = sorted({round(s.pitch) for s in strokes})
    if not keys:
        return None
    bass = keys[0] % 12 if keys[0] < LOW else None
    pcs = dict.fromkeys(key % 12 for key in keys)
    if len(pcs) < 3 and not (bass is not None and len(keys) >= 3 and len(pcs) == 2):
        return None
    roots = [keys[0] % 12, *pcs]
    for root in dict.fromkeys(roots):
        above = frozenset((pc - root) % 12 for pc in pcs) - {0}
        if above in SHAPES.values() or (len(above) == 1 and above <= {3, 4}):
            return Heard((root, *sorted((root + up) % 12 for up in above)), True, bass)
    return Heard(tuple(pcs), False, bass)


def _by_step(strokes: Sequence[Stroke]) -> bool:
    """Whether some of them follow each other by step: then it is a tune, and no broken chord."""
    return any(0 < abs(a.pitch - b.pitch) < 2.5 for a, b in zip(strokes, strokes[1:], strict=False))
