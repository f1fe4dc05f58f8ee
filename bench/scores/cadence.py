"""Do phrases close? The time between cadences, as the score marks them and as its notes bear them out."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from .page import Note, Page


class Closes(NamedTuple):
    """Longest time without a cadence, as marked and as borne out; the share borne out; where the longest gap begins."""

    gap_s: float
    kept_gap_s: float
    kept: float
    at_s: float
    count: int


def sounding(notes: list[Note], beat: float, longest: float) -> list[Note]:
    """The notes, sorted by start, that sound at `beat`."""
    first = bisect_left(notes, beat - longest, key=lambda n: n.start)
    last = bisect_left(notes, beat + 1e-6, key=lambda n: n.start)
    return [note for note in notes[first:last] if note.end > beat]


def closes(page: Page) -> Closes:
    """A marked cadence is borne out when the lowest note half a beat into it is tonic or fifth and another harmony
    came before it: what sounds just before does not have the same pitch classes."""
    notes = page.pitched
    longest = max((n.end - n.start for n in notes), default=0.0)
    marks = [mark.beat for mark in page.marked("cadence")]
    kept = []
    for beat in marks:
        here = sounding(notes, beat + 0.5, longest)
        before = sounding(notes, beat - 0.3, longest)
        if not here:
            continue
        root = page.relative(min(here, key=lambda n: n.pitch))
        if root in (0, 7) and {n.pitch % 12 for n in here} != {n.pitch % 12 for n in before}:
            kept.append(beat)
    gap, at = longest_gap(page, marks)
    return Closes(gap, longest_gap(page, kept)[0], len(kept) / max(len(marks), 1), at, len(marks))


def longest_gap(page: Page, beats: list[float]) -> tuple[float, float]:
    """Seconds of the longest stretch without one of `beats`, from the first note to the last one's start; its start."""
    if not page.notes:
        return 0.0, 0.0
    last = max(note.start for note in page.notes)
    times = [page.seconds(b) for b in (page.notes[0].start, *beats, last)]
    gaps = [(b - a, a) for a, b in zip(times, times[1:], strict=False)]
    return max(gaps)
