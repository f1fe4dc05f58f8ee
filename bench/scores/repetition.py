"""Does anything loop? Stretches that come back alike, and how alike the piece stays to itself over minutes.

On the quantised page, pitches as classes above the tonic that holds: what returns in another octave or key counts as
the same. Likeness of two stretches: what they share of (step in the bar, stem, pitch class), bar by bar, over what
either has (Jaccard), over every pair of stretches that do not overlap.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .page import STEPS, Note, Page

BARS = 16
MINUTES = range(1, 11)


class Return(NamedTuple):
    """The two most alike stretches: how alike, and the beats where they begin."""

    likeness: float
    first: float
    again: float
    share: float  # of stretches that are 90 % alike to an earlier one


def by_bar(page: Page) -> list[list[tuple[int, Note]]]:
    """For each bar its notes with their step in it."""
    bars = page.bars
    starts = [start for start, _ in bars]
    inside: list[list[tuple[int, Note]]] = [[] for _ in bars]
    for note in page.quantised().notes:
        bar = bisect_right(starts, note.start + 1e-6) - 1
        if 0 <= bar < len(bars):
            inside[bar].append((round((note.start - starts[bar]) * STEPS), note))
    return inside


def _matrix(bars: list[set]) -> csr_matrix:
    index: dict = {}
    rows, columns = [], []
    for row, features in enumerate(bars):
        for feature in sorted(features, key=str):
            rows.append(row)
            columns.append(index.setdefault(feature, len(index)))
    return csr_matrix((np.ones(len(rows), np.int32), (rows, columns)), (len(bars), max(len(index), 1)))


def most_alike(page: Page, bars: int = BARS) -> Return:
    """The most alike pair of stretches of `bars` bars; one with less than a note a bar is left out."""
    cells = [{(step, note.stem, page.relative(note)) for step, note in bar} for bar in by_bar(page)]
    count = len(cells)
    if count < 2 * bars:
        return Return(float("nan"), 0.0, 0.0, float("nan"))
    matrix = _matrix(cells)
    shared = (matrix @ matrix.T).toarray()
    size = np.array([len(cell) for cell in cells])
    total = np.convolve(size, np.ones(bars, int), "valid")
    enough = total >= bars
    best, pair = -1.0, (0, 0)
    again = np.zeros(len(total), bool)
    for lag in range(bars, len(total)):
        both = np.convolve(np.diagonal(shared, lag), np.ones(bars, int), "valid")
        union = total[:-lag] + total[lag:] - both
        alike = np.where(enough[:-lag] & enough[lag:], both / np.maximum(union, 1), -1.0)
        again[lag:] |= alike >= 0.9
        top = int(np.argmax(alike))
        if alike[top] > best:
            best, pair = float(alike[top]), (top, top + lag)
    starts = [start for start, _ in page.bars]
    if best < 0.0:
        return Return(float("nan"), 0.0, 0.0, float("nan"))
    share = float(again.sum() / max(enough.sum(), 1))
    return Return(best, starts[pair[0]], starts[pair[1]], share)


def vectors(page: Page) -> NDArray[np.float64]:
    """A unit vector a bar: half its length pitch classes above the tonic by duration, half (stem, step) of onsets."""
    inside, bars = by_bar(page), page.bars
    index: dict[tuple[str, int], int] = {}
    for bar in inside:
        for step, note in bar:
            index.setdefault((note.stem, step), len(index))
    pitch, rhythm = np.zeros((len(inside), 12)), np.zeros((len(inside), max(len(index), 1)))
    for row, bar in enumerate(inside):
        for step, note in bar:
            rhythm[row, index[note.stem, step]] += 1.0
    starts, ends = np.array(bars).reshape(-1, 2).T
    for note in page.pitched:
        first = max(int(np.searchsorted(starts, note.start + 1e-6, "right")) - 1, 0)
        for row in range(first, len(starts)):
            if starts[row] >= note.end:
                break
            pitch[row, page.relative(note)] += min(note.end, ends[row]) - max(note.start, starts[row])
    for half in (pitch, rhythm):
        half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    return np.hstack([pitch, rhythm]) / np.sqrt(2.0)


def self_similarity(page: Page, minutes: range = MINUTES) -> dict[int, float]:
    """Mean cosine of each bar's vector with that of the bar that many minutes later."""
    found = vectors(page)
    starts = np.array([page.seconds(start) for start, _ in page.bars])
    result = {}
    for lag in minutes:
        later = np.searchsorted(starts, starts + 60.0 * lag - 1e-6)
        kept = later < len(starts)
        if kept.sum() >= 8:
            result[lag] = float(np.mean(np.sum(found[kept] * found[later[kept]], axis=1)))
    return result
