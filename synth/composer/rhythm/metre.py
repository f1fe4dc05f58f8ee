"""Metre: how strong each beat of a bar and each bar of a group is, and how far a rhythm leans against them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache


def strength(beat: float, beats: int) -> float:
    """Metrical weight of `beat` in a bar of `beats`: 1 on the first, .7 mid-bar, .5 on beats, .25 and .1 between."""
    beat %= beats
    if beat == 0.0:
        return 1.0
    if beats % 2 == 0 and beat == beats / 2:
        return 0.7
    if beat % 1.0 == 0.0:
        return 0.5
    return 0.25 if beat % 0.5 == 0.0 else 0.1


def bar_strength(bar: int) -> float:
    """Weight of bar `bar` of a phrase, from 0: 1 on the first of eight, .7 of four, .4 of two, .1 between.

    Groups of bars are heard as bars of a slower metre (Lerdahl & Jackendoff, "A Generative Theory of Tonal Music", 4).
    """
    return next((weight for size, weight in ((8, 1.0), (4, 0.7), (2, 0.4)) if bar % size == 0), 0.1)


def groups(beats: int) -> tuple[int, ...]:
    """A bar of `beats` as groups of 4, 3 and 2 (a bar of 1 stays 1)."""
    if beats <= 4:
        return (beats,)
    whole, rest = divmod(beats, 4)
    if rest == 1:
        return (*(4,) * (whole - 1), 3, 2)
    return (4,) * whole + ((rest,) if rest else ())


@cache
def weights(*division: int) -> tuple[int, ...]:
    """Weight of each step of a bar divided by each of `division` in turn: 0 for the first, then -1, -2 ... by level.

    `weights(2, 2, 2)` are eight eighths of 4/4, `weights(2, 3)` the six of 6/8.
    """
    found: tuple[int, ...] = (0,)
    for level, parts in enumerate(division, 1):
        found = tuple(w for own in found for w in (own, *(-level,) * (parts - 1)))
    return found


def syncopation(places: Collection[int], *division: int) -> int:
    """How far onsets at `places` lean against a repeated bar: 0 where each stronger step they run into is struck.

    For each onset, by how much the strongest silent step before the next one outweighs it (Longuet-Higgins & Lee, "The
    rhythmic interpretation of monophonic music", 1984).
    """
    bar = weights(*division)
    steps = len(bar)
    struck = sorted({place % steps for place in places})
    total = 0
    for place, following in zip(struck, (*struck[1:], struck[0] + steps) if struck else (), strict=True):
        silent = [bar[step % steps] for step in range(place + 1, following)]
        total += max(max(silent, default=bar[place]) - bar[place], 0)
    return total
