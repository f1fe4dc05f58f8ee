"""Eight measures that tell calm pieces from damaged ones, and literal repetition.

They read the quantised page, pitched stems only, in stretches of up to `BARS` bars as in the corpora that the bands
come from. `bench/composer.py --corpus` shows that Bach's chorales come out as they should.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import numpy as np

from .cadence import sounding
from .page import STEPS, Note, Page
from .repetition import by_bar
from .voices import matched

BARS = 96


class Band(NamedTuple):
    """5th, 50th and 95th percentile of a corpus."""

    low: float
    median: float
    high: float


MEASURES = ("clash", "chord_fit", "motif_return", "ending", "phrase_period", "agreement", "information", "seam_step")
# Per corpus, in the order of MEASURES: 79 calm piano pieces, 90 chorales, 90 lead sheets, 70 slow songs.
BANDS: dict[str, tuple[Band, ...]] = {
    "piano": tuple(
        Band(*row)
        for row in (
            (0.01, 0.10, 0.20),
            (0.83, 0.87, 0.92),
            (0.37, 0.71, 0.96),
            (0.0, 1.0, 1.0),
            (-0.06, 0.26, 0.84),
            (0.27, 0.49, 0.66),
            (0.49, 0.80, 1.40),
            (0.18, 0.42, 0.64),
        )
    ),
    "chorale": tuple(
        Band(*row)
        for row in (
            (0.0, 0.02, 0.07),
            (0.89, 0.92, 0.94),
            (0.0, 0.14, 0.69),
            (0.13, 1.0, 1.0),
            (-0.13, 0.22, 0.58),
            (0.35, 0.44, 0.53),
            (0.77, 1.16, 1.45),
            (0.65, 0.77, 0.88),
        )
    ),
    "lead": tuple(
        Band(*row)
        for row in (
            (0.03, 0.10, 0.34),
            (0.91, 0.94, 0.95),
            (0.13, 0.48, 0.81),
            (0.13, 1.0, 1.0),
            (-0.08, 0.48, 1.14),
            (0.41, 0.55, 0.69),
            (0.55, 0.98, 1.40),
            (0.39, 0.58, 0.76),
        )
    ),
    "pop": tuple(
        Band(*row)
        for row in (
            (0.02, 0.08, 0.20),
            (0.86, 0.90, 0.93),
            (0.08, 0.72, 0.95),
            (0.0, 1.0, 1.0),
            (0.12, 0.46, 0.81),
            (0.48, 0.63, 0.73),
            (0.39, 0.62, 1.13),
            (0.26, 0.40, 0.50),
        )
    ),
}
CORPUS = {
    "chorale": "chorale",
    "hymn": "chorale",
    "piano_waltz": "piano",
    "lullaby": "piano",
    "arpeggio": "piano",
    "folk": "pop",
    "groove": "pop",
}  # of an archetype; the others have no harmony of this kind
RUNS = {1: (0.55, 0.55), 4: (0.30, 0.75)}  # share of runs of so many bars that equal an earlier one: gate, failure

_TRIADS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 2, 7), (0, 5, 7))
_SEVENTHS = ((0, 4, 7, 11), (0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 10))
_SHAPES: tuple[tuple[int, ...], ...] = (*_TRIADS, *_SEVENTHS)
_TEMPLATES = np.zeros((12 * len(_SHAPES), 12))  # every chord of these, of length 1
for _row, (_root, _shape) in enumerate(product(range(12), _SHAPES)):
    _TEMPLATES[_row, [(_root + step) % 12 for step in _shape]] = 1.0 / math.sqrt(len(_shape))


def stretches(page: Page, bars: int = BARS, most: int = 3) -> list[Page]:
    """At most `most` stretches of `bars` bars, spread over the page, quantised, pitched stems only."""
    starts = [start for start, _ in page.bars]
    page = page.quantised()
    page.notes = page.pitched
    count = len(starts) // bars
    if count < 2:
        return [page if len(starts) <= bars else page.between(starts[0], starts[bars])]
    firsts = [round(i * (len(starts) - bars) / (min(count, most) - 1)) for i in range(min(count, most))]
    return [page.between(starts[i], starts[i + bars] if i + bars < len(starts) else math.inf) for i in firsts]


def last_bars(page: Page, bars: int = 4) -> Page:
    """The last `bars` bars, quantised, pitched stems only."""
    starts = [start for start, _ in page.bars]
    page = page.quantised()
    page.notes = page.pitched
    return page.between(starts[max(len(starts) - bars, 0)], math.inf)


def measures(page: Page, top: Iterable[Note] | None = None) -> dict[str, float]:
    """All eight, of a page as `stretches` and `last_bars` make it; the line is that of `top`, or of the tune's stem."""
    tune = line(page.melody if top is None else top)
    values = (
        clash(page),
        chord_fit(page),
        motif_return(tune),
        ending(page),
        phrase_period(page),
        agreement(page),
        information(tune),
        seam_step(page),
    )
    return dict(zip(MEASURES, values, strict=True))


def clash(page: Page) -> float:
    """Share of beats on which two or more tones sound in which two pitch classes are a semitone apart."""
    on_beat: list[set[int]] = [set() for _ in range(math.ceil(page.end))]
    tones = [0] * len(on_beat)
    for note in page.notes:
        for beat in range(math.ceil(note.start), min(math.ceil(note.end), len(on_beat))):
            on_beat[beat].add(note.pitch % 12)
            tones[beat] += 1
    several = [pcs for pcs, count in zip(on_beat, tones, strict=True) if count > 1]
    return sum(any((pc + 1) % 12 in pcs for pc in pcs) for pcs in several) / max(len(several), 1)


def chord_fit(page: Page) -> float:
    """Mean best cosine of a beat's pitch content to a triad, seventh or suspended chord."""
    content = np.zeros((math.ceil(page.end), 12))
    tones = np.zeros(len(content), int)
    for note in page.notes:
        for beat in range(int(note.start), min(math.ceil(note.end), len(content))):
            content[beat, note.pitch % 12] += min(note.end, beat + 1) - max(note.start, beat)
            tones[beat] += 1
    content = content[tones > 1]
    if not len(content):
        return math.nan
    best = (content @ _TEMPLATES.T).max(axis=1)
    return float(np.mean(best / np.linalg.norm(content, axis=1)))


def line(notes: Iterable[Note]) -> list[Note]:
    """The highest note at each onset."""
    highest: dict[float, Note] = {}
    for note in notes:
        if note.start not in highest or highest[note.start].pitch < note.pitch:
            highest[note.start] = note
    return [highest[start] for start in sorted(highest)]


def motif_return(top: list[Note]) -> float:
    """Share of cells of four intervals, with their rhythm, that occur more than once."""
    steps = [(b.pitch - a.pitch, round((b.start - a.start) * STEPS)) for a, b in zip(top, top[1:], strict=False)]
    cells = [tuple(steps[i : i + 4]) for i in range(len(steps) - 3)]
    counts = Counter(cells)
    return sum(counts[cell] > 1 for cell in cells) / max(len(cells), 1)


def ending(page: Page) -> float:
    """How far the notes of the last beat that sounds belong to the tonic chord, halved unless the tonic is lowest."""
    end = page.end
    last = [note for note in page.notes if note.end > end - 1.0]
    if not last:
        return math.nan
    tonic = page.key_at(last[0].start)
    third = 3 if tonic.scale in ("dorian", "aeolian", "phrygian") else 4
    inside = sum(page.relative(n) in (0, third, 7) for n in last) / len(last)
    return inside * (1.0 if page.relative(min(last, key=lambda n: n.pitch)) == 0 else 0.5)


def _likeness(page: Page) -> list[list[float]]:
    """Cosine of each bar to each other: pitch content by duration, onsets by stem and step."""
    units = []
    for bar in by_bar(page):
        vector: dict[tuple[str, int], float] = defaultdict(float)
        for step, note in bar:
            vector["", note.pitch % 12] += (note.end - note.start) * STEPS
            vector[note.stem, step] += 4
        norm = math.sqrt(sum(x * x for x in vector.values())) or 1.0
        units.append({key: value / norm for key, value in vector.items()})
    return [[sum(value * b.get(key, 0.0) for key, value in a.items()) for b in units] for a in units]


def phrase_period(page: Page) -> float:
    """How much more alike than any two are bars 4, 8 or 16 apart, whichever are most, in standard deviations.

    NaN under 16 bars; an interval counts where it leaves 8 pairs.
    """
    alike = _likeness(page)
    count = len(alike)
    if count < 16:
        return math.nan
    everything = [alike[i][j] for i in range(count) for j in range(i)]
    periodic = [statistics.mean(alike[i][i - lag] for i in range(lag, count)) for lag in (4, 8, 16) if count - lag >= 8]
    return (max(periodic) - statistics.mean(everything)) / (statistics.pstdev(everything) or 1.0)


def agreement(page: Page) -> float:
    """Mean cosine of each stem's pitch content with that of the others, bar by bar."""
    found = []
    for bar in by_bar(page):
        content: dict[str, list[float]] = defaultdict(lambda: [0.0] * 12)
        for _, note in bar:
            content[note.stem][note.pitch % 12] += note.end - note.start
        for stem, own in content.items():
            others = [sum(c[pc] for name, c in content.items() if name != stem) for pc in range(12)]
            norm = math.hypot(*own) * math.hypot(*others)
            if norm:
                found.append(sum(a * b for a, b in zip(own, others, strict=True)) / norm)
    return statistics.mean(found) if found else math.nan


def information(top: list[Note]) -> float:
    """Bits that a pitch class of the line tells of the next."""
    pcs = [note.pitch % 12 for note in top]
    pairs = Counter(zip(pcs, pcs[1:], strict=False))
    total = sum(pairs.values())
    first, second = Counter(pcs[:-1]), Counter(pcs[1:])
    return sum(n / total * math.log2(n * total / (first[a] * second[b])) for (a, b), n in pairs.items())


def seam_step(page: Page) -> float:
    """Share of joins across a bar line that move by two semitones or less: each stem's voices that end just before it
    and that start just after it, matched so that they move least; a note that is held makes no join."""
    joins = []
    for stem in sorted({note.stem for note in page.notes}):
        notes = page.of(stem)
        longest = max(note.end - note.start for note in notes)
        for start, _ in page.bars[1:]:
            before, after = (set(sounding(notes, start + side, longest)) for side in (-0.13, 0.13))
            ending_here, new = (sorted(n.pitch for n in some) for some in (before - after, after - before))
            joins += [abs(a - b) for _, a, b in matched(ending_here, new)]
    return sum(join <= 2 for join in joins) / len(joins) if joins else math.nan


def repeated_runs(page: Page, bars: int) -> float:
    """Share of runs of `bars` bars whose notes all equal an earlier run's; runs without a note are left out."""
    printed = [frozenset((step, n.pitch, n.stem) for step, n in bar) for bar in by_bar(page)]
    seen: set[tuple] = set()
    again = total = 0
    for i in range(len(printed) - bars + 1):
        run = tuple(printed[i : i + bars])
        if any(run):
            total += 1
            again += run in seen
            seen.add(run)
    return again / max(total, 1)


def shuffled(page: Page, seed: int) -> Page:
    """The page's bars in a random order."""
    order = list(range(len(page.bars)))
    random.Random(seed).shuffle(order)
    return page.reordered(order)
