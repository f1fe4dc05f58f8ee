"""Is there a key? The correlation of music21's Krumhansl-Schmuckler analysis, window by window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .page import Page

WINDOW_S = 60.0
_LEAST_NOTES = 6


class Clarity(NamedTuple):
    """Median and tenth percentile of the best key's correlation, and how often that key's tonic is the score's own."""

    median: float
    low: float
    tonic: float


def clarity(page: Page, within: list[tuple[float, float]] | None = None, window_s: float = WINDOW_S) -> Clarity:
    """Over windows that do not overlap; pitched notes by duration, a note counts where it starts, of the stretches
    `within` (beats; None: the whole page)."""
    from music21 import analysis, note, stream

    found, own = [], []
    windows: dict[int, list] = {}
    for one in page.pitched:
        if within is not None and not any(low <= one.start < high for low, high in within):
            continue
        windows.setdefault(int(page.seconds(one.start) // window_s), []).append(one)
    solver = analysis.discrete.KrumhanslSchmuckler()
    for notes in windows.values():
        if len(notes) < _LEAST_NOTES:
            continue
        part = stream.Stream()  # of each pitch class a note as long as all of it: that is all the analysis looks at
        for pitch_class in sorted({one.pitch % 12 for one in notes}):
            length = sum(one.end - one.start for one in notes if one.pitch % 12 == pitch_class)
            part.append(note.Note(60 + pitch_class, quarterLength=round(length * 4) / 4))
        key = solver.getSolution(part)
        found.append(key.correlationCoefficient)
        own.append(key.tonic.pitchClass == page.key_at(notes[0].start).tonic)
    if not found:
        return Clarity(float("nan"), float("nan"), float("nan"))
    return Clarity(float(np.median(found)), float(np.percentile(found, 10)), float(np.mean(own)))
