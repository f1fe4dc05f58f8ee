"""A stem as a staff: which stems are written, under which clef, and what stands in each bar of each voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from synth.output.notation.quantise import UNITS, Quantised, Written, quantise
from synth.output.notation.values import pieces
from synth.score.model import TICKS_PER_BEAT, Score
from synth.score.outline import Measure

STAVES = {"melody": "Melody", "bells": "Bells", "pad": "Chords", "bass": "Bass"}  # from the top
_SINGLE = ("melody", "bells", "bass")  # what rings on under their next note is not written
_RINGING = ("bells",)  # nor over the bar line
_TREBLE_8VA, _TREBLE, _BASS = 84, 57, 41  # lowest median pitch


class Clef(NamedTuple):
    """Sign, line and octaves of a clef."""

    sign: str
    line: int
    octaves: int = 0


class Item(NamedTuple):
    """A note value in a bar, a rest without `pitches`; those in `before` and `after` are tied to that side."""

    start: int
    length: int
    pitches: tuple[float, ...] = ()
    before: frozenset[float] = frozenset()
    after: frozenset[float] = frozenset()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Staff:
    """A stem in note values; `name` stands before its staff."""

    stem: str
    name: str
    clef: Clef
    written: Quantised

    def bar(self, measure: Measure, last: int) -> list[list[Item]]:
        """The voices that sound in a bar, the highest first, or one voice of rests; nothing sounds from `last` on."""
        start, end, last = (tick * UNITS // TICKS_PER_BEAT for tick in (measure.tick, min(measure.end, last), last))
        held = [[c for c in voice if c.start < end and c.end > start] for voice in self.written.voices]
        if self.stem in _RINGING:
            held = [[replace(c, end=min(c.end, end)) for c in voice if c.start >= start] for voice in held]
        held = sorted((voice for voice in held if voice), key=_height, reverse=True) or [[]]
        sounds = [(max(c.start, start) - start, min(c.end, end) - start) for voice in held for c in voice]
        in_three = {beat - start // UNITS for beat in self.written.in_three}
        room = _Room(start, end, last, measure.beats, in_three, sounds)
        return _merged([list(room.items(voice, main=i == 0)) for i, voice in enumerate(held)])


@dataclass(frozen=True, slots=True)
class _Room:
    start: int
    end: int
    last: int
    beats: int
    in_three: set[int]
    sounds: list[tuple[int, int]]

    def items(self, voice: Sequence[Written], main: bool) -> Iterator[Item]:
        """What fills the bar in this voice. Rests are shown once, where no voice sounds."""
        at = 0
        for chord in voice:
            first, until = max(chord.start, self.start) - self.start, min(chord.end, self.end) - self.start
            yield from self._rests(at, first, main)
            for place, length in pieces(first, until, self.beats, self.in_three):
                all_of = frozenset(chord.pitches)
                before = chord.before if place + self.start == chord.start else all_of
                end = place + length + self.start
                after = frozenset[float]() if end >= self.last else chord.after if end == chord.end else all_of
                yield Item(place, length, chord.pitches, before, after)
                at = place + length
        yield from self._rests(at, self.end - self.start, main)

    def _rests(self, start: int, end: int, main: bool) -> Iterator[Item]:
        edges = sorted({start, end, *(e for sound in self.sounds for e in sound if start < e < end)})
        for low, high in zip(edges, edges[1:], strict=False):
            silent = not any(a < high and b > low for a, b in self.sounds)
            for place, length in pieces(low, high, self.beats, self.in_three, rest=True):
                yield Item(place, length, shown=silent and main)


def staves(score: Score) -> list[Staff]:
    """The pitched stems that have notes, from the top down."""
    found = []
    for stem, name in STAVES.items():
        notes = [note for note in score.notes if note.stem == stem]
        if notes:
            written = quantise(notes, single=stem in _SINGLE)
            found.append(Staff(stem, name, _clef([note.pitch for note in notes]), written))
    return found


def _merged(voices: list[list[Item]]) -> list[list[Item]]:
    """Voices that move together as one."""
    first, *others = voices
    if not others or any(
        [item[:2] for item in other] != [item[:2] for item in first]
        or not all(item.pitches for item in (*first, *other))
        for other in others
    ):
        return voices
    return [[_together(items) for items in zip(*voices, strict=True)]]


def _together(items: Sequence[Item]) -> Item:
    pitches = tuple(sorted({pitch for item in items for pitch in item.pitches}))
    before = frozenset[float]().union(*(item.before for item in items))
    after = frozenset[float]().union(*(item.after for item in items))
    return Item(items[0].start, items[0].length, pitches, before, after)


def _clef(pitches: list[float]) -> Clef:
    middle = sorted(pitches)[len(pitches) // 2]
    if middle >= _TREBLE_8VA:
        return Clef("G", 2, 1)
    if middle >= _TREBLE:
        return Clef("G", 2)
    return Clef("F", 4) if middle >= _BASS else Clef("F", 4, -1)


def _height(voice: Sequence[Written]) -> float:
    return sum(chord.pitches[-1] for chord in voice) / len(voice)
