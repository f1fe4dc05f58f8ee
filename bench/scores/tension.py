"""Does the tension that is heard follow the tension that was planned?

Heard, beat by beat and from all pitched notes: the tension ribbons of Herremans & Chew (2016), cloud diameter and
tensile strain, as partitura computes them, and the roughness of what sounds together (Sethares 1993, six partials
falling by 0.88). Each of the three is a z-score over the piece and they count alike; the weights were not fitted to
anything. A chord's tension is the mean over its beats.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .page import Key, Note, Page

WINDOW_S = 300.0
HOP_S = 60.0
LEAST_CHORDS = 8  # a window of fewer says nothing
MOVING_S = 30.0  # harmony moves where a window has a new set of pitch classes at least this often
RIBBONS = ("cloud_diameter", "tensile_strain")
_FLAT = 0.02  # planned tension that moves by less (standard deviation) is no plan to follow
_FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}  # above a tonic
_TONICS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: -6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}  # as KEYS spell them
_MODES = {
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}


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
    """Cloud diameter and tensile strain of each beat of the page, NaN where nothing sounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from partitura.musicanalysis import tonal_tension as spiral

    beats = math.ceil(page.end)
    found = {name: np.full(beats, np.nan) for name in RIBBONS}
    clouds: list[list[tuple[int, float]]] = [[] for _ in range(beats)]
    for note in page.pitched:
        for beat in range(int(note.start), min(math.ceil(note.end), beats)):
            length = min(note.end, beat + 1.0) - max(note.start, float(beat))
            if length > 0.05:
                clouds[beat].append((note.pitch, length))
    centres: dict[Key, NDArray[np.float64]] = {}
    for beat, cloud in enumerate(clouds):
        if not cloud:
            continue
        key = page.key_at(beat + 0.05)
        if key not in centres:
            centres[key] = key_centre(key)
        points = spiral.PITCH_COORDINATES[[spiral.C_IDX + spelled(pitch, key) for pitch, _ in cloud]]
        centre = spiral.center_of_effect(points, np.array([length for _, length in cloud]))
        diameter = spiral.cloud_diameter(points) if len(cloud) > 1 else 0.0
        found["cloud_diameter"][beat] = diameter * spiral.SCALE_FACTOR
        found["tensile_strain"][beat] = spiral.e_distance(centre, centres[key]) * spiral.SCALE_FACTOR
    return found


def key_centre(key: Key) -> NDArray[np.float64]:
    """Centre of effect of a key as Chew builds it, out of the scale's own triads on tonic, fifth and fourth.

    For ionian this is partitura's; its minor is harmonic and would call a tonic without leading tone strained.
    """
    from partitura.musicanalysis import tonal_tension as spiral

    scale = _MODES.get(key.scale, _MODES["ionian"])
    triads = []
    for degree in (0, 4, 3):
        tones = [key.tonic + scale[(degree + step) % 7] for step in (0, 4, 2)]
        points = spiral.PITCH_COORDINATES[[spiral.C_IDX + spelled(tone, key) for tone in tones]]
        triads.append(np.dot(spiral.DEFAULT_WEIGHTS / spiral.DEFAULT_WEIGHTS.sum(), points))
    return np.dot(spiral.DEFAULT_WEIGHTS / spiral.DEFAULT_WEIGHTS.sum(), triads)


def spelled(pitch: int, key: Key) -> int:
    """Place on the line of fifths (C = 0) of a pitch as it is spelled in a key."""
    return _TONICS[key.tonic] + _FIFTHS[(pitch - key.tonic) % 12]


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
    across = math.nan
    if len(means) > 2 and np.std([planned for planned, _ in means]) > _FLAT:
        across = correlation(*np.array(means).T)
    return Following(float(np.median(each)) if each else math.nan, across, each, len(means))
