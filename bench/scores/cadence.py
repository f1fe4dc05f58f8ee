"""Do phrases close? The time between cadences, as the score marks them and as its notes bear them out."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from .page import Note, Page


class Closes(NamedTuple):
    """Longest time without a cadence as marked, and without one borne out, each with when it begins; the share of
    cadences that are borne out; how many there are."""

    gap_s: float
    gap_at_s: float
    kept_gap_s: float
    kept_gap_at_s: float
    kept: float
    cadences: int


def sounding(notes: list[Note], beat: float, longest: float) -> list[Note]:
    """The notes, sorted by start, that sound at `beat`."""
    first = bisect_left(notes, beat - longest, key=lambda n: n.start)
    last = bisect_left(notes, beat + 1e-6, key=lambda n: n.start)
    return [note for note in notes[first:last] if note.end > beat]


def closes(page: Page, within: list[tuple[float, float]] | None = None) -> Closes:
    """Cadences of the stretches `within` (beats; None: the whole page).

    A marked cadence is borne out when the lowest note half a beat into it is tonic or fifth and another harmony came
    before it: what sounds just before does not have the same pitch classes.
    """
    notes = page.pitched
    if within is None:
        within = [(0.0, max((note.start for note in notes), default=0.0))]
    longest = max((n.end - n.start for n in notes), default=0.0)
    marks = [mark.beat for mark in page.marked("cadence") if any(low <= mark.beat <= high for low, high in within)]
    kept = []
    for beat in marks:
        here = sounding(notes, beat + 0.5, longest)
        before = sounding(notes, beat - 0.3, longest)
        if not here:
            continue
        root = page.relative(min(here, key=lambda n: n.pitch))
        if root in (0, 7) and {n.pitch % 12 for n in here} != {n.pitch % 12 for n in before}:
            kept.append(beat)
    gap, at = longest_gap(page, marks, within)
    kept_gap, kept_at = longest_gap(page, kept, within)
    return Closes(gap, at, kept_gap, kept_at, len(kept) / max(len(marks), 1), len(marks))


def longest_gap(page: Page, beats: list[float], within: list[tuple[float, float]]) -> tuple[float, float]:
    """Seconds of the longest time without one of `beats` in a stretch, and when it begins."""
    gaps = [(0.0, 0.0)]
    for low, high in within:
        times = [page.seconds(b) for b in (low, *(b for b in beats if low <= b <= high), high)]
        gaps += [(b - a, a) for a, b in zip(times, times[1:], strict=False)]
    return max(gaps)
