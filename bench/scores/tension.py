"""Does the tension that is heard follow the tension that was planned?

Heard, beat by beat and from all pitched notes: partitura's tension ribbons (Herremans & Chew 2016), cloud diameter and
tensile strain, and the roughness of what sounds together (Sethares 1993, six partials falling by 0.88). Each of the
three is a z-score over the piece and they count alike; the weights were not fitted to anything. A chord's tension is
the mean over its beats.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .page import Note, Page

WINDOW_S = 300.0
HOP_S = 60.0
LEAST_CHORDS = 8  # a window of fewer says nothing
MOVING_S = 30.0  # harmony moves where a window has a new set of pitch classes at least this often
RIBBONS = ("cloud_diameter", "tensile_strain")
_FLAT = 0.01  # planned tension that moves by less (standard deviation) is no plan to follow
_FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}  # above a tonic
_TONICS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: -6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}  # as KEYS spell them
_MINOR = ("dorian", "aeolian", "phrygian")


class Moments(NamedTuple):
    """Of each chord: when it begins, what was planned, what is heard, and whether its notes differ from the last's."""

    time_s: NDArray[np.float64]
    planned: NDArray[np.float64]
    heard: NDArray[np.float64]
    parts: dict[str, NDArray[np.float64]]
    moved: NDArray[np.bool_]


class Following(NamedTuple):
    """r in 5-minute windows where harmony moves (their median), r of the windows' means, and how many windows moved."""

    within: float
    across: float
    each: list[float]
    windows: int


def spans(page: Page) -> list[tuple[float, float]]:
    """(start, end) of each chord as its markers say, in beats; where there are none, of each bar."""
    starts = sorted({mark.beat for mark in page.marked("chord")})
    if not starts:
        return page.bars
    return [(a, b) for a, b in zip(starts, [*starts[1:], page.end], strict=True) if b - a > 0.25]


def ribbons(page: Page) -> dict[str, NDArray[np.float64]]:
    """partitura's cloud diameter and tensile strain of each beat of the page, NaN where nothing sounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from partitura.musicanalysis import estimate_tonaltension

    beats = math.ceil(page.end)
    found = {name: np.full(beats, np.nan) for name in RIBBONS}
    notes = page.pitched
    starts = np.array([note.start for note in notes])
    longest = max((note.end - note.start for note in notes), default=0.0)
    changes = {math.ceil(key.beat) for key in page.keys}
    edges = sorted({*range(0, beats, 64), *(beat for beat in changes if 0 < beat < beats), beats})
    for low, high in zip(edges, edges[1:], strict=False):
        some = notes[int(np.searchsorted(starts, low - longest)) : int(np.searchsorted(starts, high))]
        array = note_array(some, page, low)
        sounding = np.array([b for b in range(low, high) if _sounds(array, b, b + 1)], int)
        if not len(sounding):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = estimate_tonaltension(array, ws=0.98, ss=sounding + 0.5)
        for name in RIBBONS:
            found[name][sounding] = got[name]
    return found


def _sounds(array: NDArray, low: float, high: float) -> bool:
    start, end = array["onset_beat"], array["onset_beat"] + array["duration_beat"]
    return bool(np.any((start < high - 0.01) & (end > low + 0.01)))


def note_array(notes: list[Note], page: Page, beat: float) -> NDArray:
    """partitura's note array, spelled along the line of fifths around the tonic that holds at `beat`."""
    key = page.key_at(beat)
    tonic = _TONICS[key.tonic]
    rows = []
    for number, note in enumerate(notes):
        fifths = tonic + _FIFTHS[(note.pitch - key.tonic) % 12]
        alter, letter = divmod(fifths + 1, 7)
        rows.append(
            (
                note.start,
                note.end - note.start,
                note.pitch,
                1,
                str(number),
                "FCGDAEB"[letter],
                alter,
                note.pitch // 12 - 1,
                tonic,
                -1 if key.scale in _MINOR else 1,
            )
        )
    kinds = [("onset_beat", "f4"), ("duration_beat", "f4"), ("pitch", "i4"), ("voice", "i4"), ("id", "U16")]
    kinds += [("step", "U1"), ("alter", "i4"), ("octave", "i4"), ("ks_fifths", "i4"), ("ks_mode", "i4")]
    return np.array(rows, dtype=kinds)


_PARTIALS = np.arange(1, 7)
_LOUD = 0.88 ** np.arange(6)


def roughness(pitches: list[int]) -> float:
    """Sensory dissonance of tones that sound together, per tone: the sum over pairs of partials (Sethares 1993)."""
    if len(pitches) < 2:
        return 0.0
    hz = 440.0 * 2.0 ** ((np.array(pitches) - 69) / 12)
    f = (hz[:, None] * _PARTIALS).ravel()
    loud = np.tile(_LOUD, len(pitches))
    i, j = np.triu_indices(len(f), 1)
    apart = np.abs(f[i] - f[j])
    s = 0.24 / (0.0207 * np.minimum(f[i], f[j]) + 18.96)
    return float(np.sum(np.minimum(loud[i], loud[j]) * (np.exp(-3.51 * s * apart) - np.exp(-5.75 * s * apart)))) / len(
        pitches
    )


def rough(page: Page) -> NDArray[np.float64]:
    """Roughness of what sounds half-way through each beat of the page, NaN where nothing does."""
    sounding: list[set[int]] = [set() for _ in range(math.ceil(page.end))]
    for note in page.pitched:
        for beat in range(math.ceil(note.start - 0.5), math.ceil(note.end - 0.5)):
            if 0 <= beat < len(sounding):
                sounding[beat].add(note.pitch)
    known: dict[frozenset[int], float] = {frozenset(): math.nan}
    for tones in map(frozenset, sounding):
        if tones not in known:
            known[tones] = roughness(sorted(tones))
    return np.array([known[frozenset(tones)] for tones in sounding])


def by_beat(page: Page) -> dict[str, NDArray[np.float64]]:
    """The three curves of heard tension, a value a beat, and "heard", the mean of their z-scores."""
    curves = {**ribbons(page), "roughness": rough(page)}
    curves["heard"] = np.mean([_z(values) for values in curves.values()], axis=0)
    return curves


def _over(curve: NDArray[np.float64], at: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Mean of a curve over each span, to the nearest beat."""
    found = np.full(len(at), np.nan)
    for i, (low, high) in enumerate(at):
        inside = curve[round(low) : max(round(high), round(low) + 1)]
        if np.isfinite(inside).any():
            found[i] = np.nanmean(inside)
    return found


def moments(page: Page, planned_at: dict[float, float], within: list[tuple[float, float]] | None = None) -> Moments:
    """Planned and heard tension of the chords in the stretches `within` (beats; None: all).

    `planned_at`: what was planned from each of these beats on.
    """
    at = spans(page)
    if within is not None:
        at = [(a, b) for a, b in at if any(low <= a < high for low, high in within)]
    parts = {name: _over(curve, at) for name, curve in by_beat(page).items()}
    beats = sorted(planned_at)
    which = np.maximum(np.searchsorted(beats, [a + 1e-6 for a, _ in at], "right") - 1, 0)
    planned = np.array([planned_at[beats[i]] for i in which]) if beats else np.full(len(at), np.nan)
    heard = parts.pop("heard")
    sets = [_classes(page, a, b) for a, b in at]
    moved = np.array([True, *(a != b for a, b in zip(sets, sets[1:], strict=False))])
    return Moments(np.array([page.seconds(a) for a, _ in at]), planned, heard, parts, moved)


def _classes(page: Page, low: float, high: float) -> frozenset[int]:
    """Pitch classes of the held stems in a span."""
    return frozenset(
        n.pitch % 12 for n in _near(page, low, high) if n.stem in ("pad", "bass") and n.end - n.start >= 1.0
    )


def _near(page: Page, low: float, high: float) -> list[Note]:
    notes = page.notes
    first = bisect_left(notes, low - 0.3, key=lambda n: n.start)
    last = bisect_left(notes, high - 0.3, key=lambda n: n.start)
    return notes[first:last]


def _z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = np.nanstd(values)
    return (values - np.nanmean(values)) / (spread if spread > 1e-9 else 1.0)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's r of what is a number in both; NaN where one of them does not move."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or np.std(a[both]) < 1e-9 or np.std(b[both]) < 1e-9:
        return math.nan
    return float(np.corrcoef(a[both], b[both])[0, 1])


def following(of: Moments, window_s: float = WINDOW_S, hop_s: float = HOP_S) -> Following:
    """r of planned and heard tension within windows where harmony moves, and between the windows' means."""
    end = of.time_s[-1] if len(of.time_s) else 0.0
    each, means = [], []
    start = 0.0
    number = 0
    while start + 0.5 * window_s <= max(end, 0.5 * window_s):
        inside = (of.time_s >= start) & (of.time_s < start + window_s) & np.isfinite(of.heard) & np.isfinite(of.planned)
        if inside.sum() >= LEAST_CHORDS and of.moved[inside].sum() * MOVING_S >= min(window_s, end - start):
            means.append((of.planned[inside].mean(), of.heard[inside].mean()))
            aside = number % round(window_s / hop_s) == 0  # windows that do not overlap
            if aside and of.planned[inside].std() > _FLAT:
                each.append(correlation(of.planned[inside], of.heard[inside]))
        start += hop_s
        number += 1
    each = [r for r in each if math.isfinite(r)]
    across = correlation(*np.array(means).T) if len(means) > 2 else math.nan
    return Following(float(np.median(each)) if each else math.nan, across, each, len(means))
