"""Tonal tension: how far a chord is from home, how wide it is spread and how rough it sounds.

Four published measures: the spiral array (Chew 2000; r = 1, h = .4), the diameter of a cloud of tones in it (Herremans
& Chew 2016), the chord distance of tonal pitch space (Lerdahl 2001), and the dissonance of tones of six partials
(Sethares 1993). A chord is given by its degree in a mode and by the scale steps of its tones above the root; intervals
between pitch classes have a roughness of their own, for chords whose register is not known yet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache

from synth.composer.scales import FIFTHS, SEMITONES
from synth.units import note_to_hz

Point = tuple[float, float, float]

_RISE = 0.4  # of the spiral, for each fifth
_SHARE = (0.536, 0.274, 0.19)  # weight of root, fifth and third in a chord, and of I, V and IV in a key (Chew)
_TRIAD = (0, 4, 2)  # scale steps of root, fifth and third
_FIFTHS_CYCLE = (0, 4, 1, 5, 2, 6, 3)  # degrees by diatonic fifths
_ROUGH = {1: 0.5, 2: 0.15, 3: 0.06, 4: 0.04, 6: 0.35}  # by interval class [design]
_FLOOR, _SPAN = 0.223, 0.8  # so that the bare tonic is 0 and a half-diminished ninth nears 1
_PARTIALS = tuple((n, 0.88 ** (n - 1)) for n in range(1, 7))


def spiral(fifths: int) -> Point:
    """Where a pitch lies that is so many fifths above the tonic."""
    return math.sin(fifths * math.pi / 2), math.cos(fifths * math.pi / 2), _RISE * fifths


def centre(points: Sequence[Point], weights: Sequence[float] = _SHARE) -> Point:
    """Centre of effect of some points."""
    total = sum(weights)
    x, y, z = (sum(w * p[axis] for p, w in zip(points, weights, strict=True)) / total for axis in range(3))
    return x, y, z


def triad_centre(root: int, third: int = 4) -> Point:
    """Of a triad whose root is `root` fifths above the tonic; `third` is 4 in a major triad and -3 in a minor one."""
    return centre([spiral(root), spiral(root + 1), spiral(root + third)])


def key_centre(mode: int, fifths: int = 0) -> Point:
    """Of a key whose tonic is so many fifths from the origin: its triads on tonic, fifth and fourth."""
    return centre([_on_degree(mode, degree, fifths) for degree in (0, 4, 3)])


def _on_degree(mode: int, degree: int, fifths: int = 0) -> Point:
    return centre([spiral(fifths + FIFTHS[_semitone(mode, degree + step)]) for step in _TRIAD])


def _semitone(mode: int, step: int) -> int:
    return SEMITONES[mode][step % 7]


@cache
def strain(mode: int, degree: int) -> float:
    """Distance in the spiral array from the triad on `degree` to the key."""
    return math.dist(_on_degree(mode, degree), key_centre(mode))


@cache
def diameter(mode: int, degree: int, steps: tuple[int, ...]) -> float:
    """Largest distance in the spiral array between two tones of the chord."""
    points = [spiral(FIFTHS[_semitone(mode, degree + step)]) for step in steps]
    return max(math.dist(a, b) for a in points for b in points)


def pitch_space_distance(degree: int, region: int = 0, mode: int = 1) -> int:
    """Lerdahl's distance i + j + k from the tonic triad to the one on `degree` of the region `region` fifths away.

    Regions are the key's own and its neighbours (-1, 0, 1).
    """
    root = _FIFTHS_CYCLE.index(degree) + region
    j = min(root % 7, -root % 7)
    k = 0
    for home, here in zip(_levels(mode, 0, 0), _levels(mode, degree, region), strict=True):
        k += len(here - home)
    return abs(region) + j + k


def _levels(mode: int, degree: int, region: int) -> tuple[frozenset[int], ...]:
    """The basic space: root, fifth, triad and scale, as pitch classes above the tonic."""
    own = [(_semitone(mode, step) + 7 * region) % 12 for step in range(7)]
    chord = [own[(degree + step) % 7] for step in _TRIAD]
    return frozenset(chord[:1]), frozenset(chord[:2]), frozenset(chord), frozenset(own)


@cache
def roughness(mode: int, degree: int, steps: tuple[int, ...]) -> float:
    """0 for a bare fifth, .1 for a triad, up to 1, from the intervals between pitch classes."""
    return rubbing([_semitone(mode, degree + step) for step in steps])


def rubbing(tones: Sequence[int]) -> float:
    """The roughness of any pitch classes."""
    total = 0.0
    for i, low in enumerate(tones):
        for high in tones[i + 1 :]:
            apart = (high - low) % 12
            total += _ROUGH.get(min(apart, 12 - apart), 0.0)
    return min(total, 1.0)


@cache
def tension(mode: int, degree: int, steps: tuple[int, ...]) -> float:
    """0 (bare tonic) to about 1: all four together."""
    raw = (
        0.35 * strain(mode, degree) / 1.7
        + 0.25 * diameter(mode, degree, steps) / 2.5
        + 0.2 * pitch_space_distance(degree) / 10
        + 0.2 * roughness(mode, degree, steps)
    )
    return min(max((raw - _FLOOR) / _SPAN, 0.0), 1.0)


@lru_cache(maxsize=8192)
def beating(low: int, high: int) -> float:
    """Sensory dissonance of two MIDI notes: the sum over their partials (Sethares 1993)."""
    total = 0.0
    low_hz, high_hz = note_to_hz(low), note_to_hz(high)
    for n, loud in _PARTIALS:
        for m, other in _PARTIALS:
            f, g = n * low_hz, m * high_hz
            apart = abs(f - g) * 0.24 / (0.0207 * min(f, g) + 18.96)
            total += min(loud, other) * (math.exp(-3.51 * apart) - math.exp(-5.75 * apart))
    return total


@lru_cache(maxsize=16384)
def dissonance(pitches: tuple[int, ...]) -> float:
    """Of MIDI notes that sound together, for each of them."""
    total = sum(beating(low, high) for i, low in enumerate(pitches) for high in pitches[i + 1 :])
    return total / max(len(pitches), 1)
