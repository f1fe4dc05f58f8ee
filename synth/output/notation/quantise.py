"""A stem in note values: sixteenths, or triplets in a beat that is played in three.

Positions count UNITS to a quarter note: a sixteenth is 3 of them, an eighth of a triplet 4. What is written is where
a note begins; how long it is written follows how long it is played, but no rest is written that is only a breath.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from synth.score.model import TICKS_PER_BEAT, Note

UNITS = 12
SIXTEENTH, TRIPLET = 3, 4
_HELD = 3 * UNITS  # what lasts so long with others, or twice so long alone, is held while other notes move
_IN_THREE = 0.75  # of a unit that triplets must fit better than sixteenths, by note off the beat
_BREATH = 0.3  # of the time to the next note, as a rest, is not written


@dataclass(frozen=True, slots=True)
class Written:
    """Notes that sound together: `start` and `end` in units from the beginning, fine MIDI `pitches` rising.

    Those in `before` sounded before already, those in `after` go on: they are tied.
    """

    start: int
    end: int
    pitches: tuple[float, ...]
    before: frozenset[float] = frozenset()
    after: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Quantised:
    """The voices of a stem, first the main one, none overlapping itself; `in_three`: beats counted in triplets."""

    voices: tuple[tuple[Written, ...], ...]
    in_three: frozenset[int]


def quantise(notes: Iterable[Note], *, single: bool) -> Quantised:
    """The notes of a stem in note values; with a `single` voice each ends where the next begins."""
    played = sorted(notes, key=lambda note: (note.tick, note.pitch))
    in_three = _beats_in_three(played)
    ends: dict[tuple[int, float], int] = {}
    for note in played:
        start = _start(note.tick, in_three)
        end = _end(start, note.duration, in_three)
        ends[start, note.pitch] = max(end, ends.get((start, note.pitch), end))
    voices = [_joined(ends)] if single else _layers(ends)
    return Quantised(tuple(tuple(_breathing(voice, in_three)) for voice in voices if voice), in_three)


def _beats_in_three(notes: Iterable[Note]) -> frozenset[int]:
    """Beats whose notes lie nearer to triplets than to sixteenths."""
    gain: dict[int, float] = {}
    for note in notes:
        place = note.tick * UNITS / TICKS_PER_BEAT
        beat, offset = divmod(place + SIXTEENTH / 2, UNITS)
        offset -= SIXTEENTH / 2
        by_four, by_three = (abs(offset - step * round(offset / step)) for step in (SIXTEENTH, TRIPLET))
        off_the_beat = round(offset / SIXTEENTH) != 0
        gain[int(beat)] = gain.get(int(beat), 0.0) + by_four - by_three - _IN_THREE * off_the_beat
    return frozenset(beat for beat, better in gain.items() if better > 0.0)


def _start(tick: int, in_three: frozenset[int]) -> int:
    place = tick * UNITS / TICKS_PER_BEAT
    beat = int((place + SIXTEENTH / 2) // UNITS)
    step = TRIPLET if beat in in_three else SIXTEENTH
    return step * round(place / step)


def _end(start: int, duration: int, in_three: frozenset[int]) -> int:
    """The end, the coarser the longer the note."""
    lasts = duration * UNITS / TICKS_PER_BEAT
    place = start + lasts
    grid = TRIPLET if int(place // UNITS) in in_three else SIXTEENTH
    if lasts > 1.75 * UNITS:
        grid = UNITS
    elif lasts > 0.4 * UNITS and grid == SIXTEENTH and start % (2 * SIXTEENTH) == 0:
        grid = 2 * SIXTEENTH
    end = grid * round(place / grid)
    if abs(place - UNITS * round(place / UNITS)) < 0.3 * UNITS and grid != TRIPLET:
        end = UNITS * round(place / UNITS)  # an end near a beat is on it
    if end > start:
        return end
    step = TRIPLET if start // UNITS in in_three else SIXTEENTH
    return start + step


def _joined(ends: dict[tuple[int, float], int]) -> list[Written]:
    """One voice: what begins together ends together, at the latest where the next begins."""
    chords: dict[int, Written] = {}
    for (start, pitch), end in ends.items():
        before = chords.get(start, Written(start, end, ()))
        chords[start] = Written(start, max(before.end, end), tuple(sorted({*before.pitches, pitch})))
    voice = [chords[start] for start in sorted(chords)]
    following = [*(chord.start for chord in voice[1:]), None]
    return [
        chord if until is None else replace(chord, end=min(chord.end, until))
        for chord, until in zip(voice, following, strict=False)
    ]


def _layers(ends: dict[tuple[int, float], int]) -> list[list[Written]]:
    """Two voices: what is held, as chords cut where one of them changes, and what moves over it."""
    struck = Counter(start for (start, _), end in ends.items() if end - start >= _HELD)
    held = {
        (start, pitch): end
        for (start, pitch), end in ends.items()
        if end - start >= (_HELD if struck[start] > 1 else 2 * _HELD)
    }
    moving = {place: end for place, end in ends.items() if place not in held}
    return [_sliced(held), _joined(moving)]


def _sliced(ends: dict[tuple[int, float], int]) -> list[Written]:
    sounding: dict[float, int] = {}  # the place of each pitch in `notes`
    notes: list[tuple[int, int, float]] = []
    for (start, pitch), end in sorted(ends.items()):
        last = sounding.get(pitch)
        if last is not None and notes[last][1] > start:  # struck again while it sounds
            notes[last] = (notes[last][0], start, pitch)
        sounding[pitch] = len(notes)
        notes.append((start, end, pitch))
    edges = sorted({edge for start, end, _ in notes for edge in (start, end)})
    slices: list[Written] = []
    first, active = 0, list[tuple[int, int, float]]()
    for low, high in zip(edges, edges[1:], strict=False):
        while first < len(notes) and notes[first][0] <= low:
            active.append(notes[first])
            first += 1
        active = [note for note in active if note[1] > low]
        if active:
            before = frozenset(pitch for start, _, pitch in active if start < low)
            after = frozenset(pitch for _, end, pitch in active if end > high)
            slices.append(Written(low, high, tuple(sorted(p for *_, p in active)), before, after))
    return slices


def _breathing(voice: list[Written], in_three: frozenset[int]) -> Iterable[Written]:
    """The voice without rests that are only the air between two notes."""
    for chord, after in zip(voice, [*voice[1:], None], strict=False):
        if after is not None:
            gap = after.start - chord.end
            if 0 < gap <= SIXTEENTH or 0 < gap <= min(_BREATH * (after.start - chord.start), UNITS):
                yield replace(chord, end=after.start)
                continue
        yield chord
