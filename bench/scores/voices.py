"""Voice leading of the held chords, semitone clashes, and intervals too close for their register."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from .cadence import sounding
from .page import Note, Page

# Smallest interval above a tone under a pitch: octaves to C3, fifths to E3, fourths to G3, thirds to C4, seconds.
LOW_INTERVALS = ((48, 12), (52, 7), (55, 5), (60, 3), (128, 1))
TOGETHER = 0.25  # beats that two notes must share
HELD = 1.25  # beats: shorter tones are a figure and no voice


class Leading(NamedTuple):
    """Median and 95th percentile of the total motion in semitones, the largest inner leap and where (beat), changes."""

    median: float
    p95: float
    leap: int
    at: float
    changes: int


class Pair(NamedTuple):
    """Two notes that should not sound together, from a beat on for some beats."""

    beat: float
    beats: float
    low: Note
    high: Note


def voicings(page: Page, stem: str = "pad") -> list[tuple[float, tuple[int, ...]]]:
    """The stem's tones half a beat into each chord (each bar where no chords are marked), those held for longer than a
    beat."""
    notes = [note for note in page.of(stem) if note.end - note.start >= HELD]
    longest = max((n.end - n.start for n in notes), default=0.0)
    beats = sorted({mark.beat for mark in page.marked("chord")}) or [start for start, _ in page.bars]
    found = []
    for beat in beats:
        held = tuple(sorted({n.pitch for n in sounding(notes, beat + 0.5, longest)}))
        if held:
            found.append((beat, held))
    return found


def matched(before: Sequence[int], after: Sequence[int]) -> list[tuple[int, int, int]]:
    """(voice of the fewer, from, to): voices in order; where their numbers differ, those that move least in all."""
    if len(before) > len(after):
        return [(i, a, b) for i, b, a in matched(after, before)]
    best = min(
        combinations(range(len(after)), len(before)),
        key=lambda some: sum(abs(before[i] - after[j]) for i, j in enumerate(some)),
    )
    return [(i, before[i], after[j]) for i, j in enumerate(best)]


def motion(before: Sequence[int], after: Sequence[int]) -> int:
    """Semitones that all voices move together; one that enters or leaves counts from the nearest tone."""
    pairs = matched(before, after)
    few, many = sorted((before, after), key=len)
    used = [b if len(before) <= len(after) else a for _, a, b in pairs]
    extra = [p for p in many if p not in used]
    return sum(abs(a - b) for _, a, b in pairs) + sum(min(abs(p - q) for q in few) for p in extra)


def leading(page: Page, stem: str = "pad") -> Leading:
    """Of each change of `stem`'s held tones. Inner voices are all but its top, and its lowest where no bass sounds."""
    moves, leaps = [], [(0, 0.0)]
    basses = page.of("bass")
    longest = max((n.end - n.start for n in basses), default=0.0)
    chords = voicings(page, stem)
    for (_, before), (beat, after) in zip(chords, chords[1:], strict=False):
        if before == after:
            continue
        moves.append(motion(before, after))
        if len(before) < 2 or len(after) < 2:
            continue
        lowest = 0 if sounding(basses, beat + 0.5, longest) else 1
        size = min(len(before), len(after))
        leaps += [(abs(a - b), beat) for i, a, b in matched(before, after) if lowest <= i < size - 1]
    if not moves:
        return Leading(float("nan"), float("nan"), 0, 0.0, 0)
    leap, at = max(leaps)
    return Leading(statistics.median(moves), sorted(moves)[int(0.95 * (len(moves) - 1))], leap, at, len(moves))


def together(page: Page) -> list[Pair]:
    """Every two pitched notes that sound together for more than `TOGETHER` beats."""
    found: list[Pair] = []
    held: list[Note] = []
    for note in page.pitched:
        held = [other for other in held if other.end > note.start]
        for other in held:
            beats = min(other.end, note.end) - note.start
            if beats > TOGETHER:
                low, high = sorted((other, note), key=lambda n: n.pitch)
                found.append(Pair(note.start, beats, low, high))
        held.append(note)
    return found


def clashes(page: Page) -> list[Pair]:
    """Pairs a semitone or a minor ninth apart."""
    return [pair for pair in together(page) if pair.high.pitch - pair.low.pitch in (1, 13)]


def crowded(page: Page) -> list[Pair]:
    """Pairs nearer than the lower one's limit in `LOW_INTERVALS`; unisons are none."""
    return [
        pair
        for pair in together(page)
        if 0 < pair.high.pitch - pair.low.pitch < next(gap for below, gap in LOW_INTERVALS if pair.low.pitch < below)
    ]
