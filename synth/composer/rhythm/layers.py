"""Layers that drift against each other: two patterns of unlike length, one that slips, and periods that hardly meet.

After Reich's phase pieces (Cohn, "Transpositional combination of beat-class sets", 1992) and Eno's loops of unlike
length (Toop, "Ocean of Sound", 1995).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

PRIMES_S = (17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)
DRIFT_BARS = 16  # after so many bars one of two equal patterns slips by a step


def recurrence(periods: Iterable[int]) -> int:
    """Units until layers that repeat after `periods` units all begin together again: their least common multiple."""
    return math.lcm(*periods)


def incommensurate(rng: Random, count: int, least: int = PRIMES_S[0], most: int = PRIMES_S[-1]) -> tuple[int, ...]:
    """`count` unlike prime periods within [least, most], rising; ValueError when there are not so many."""
    primes = [n for n in range(max(least, 2), most + 1) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    if count > len(primes):
        raise ValueError(f"{count} periods: there are {len(primes)} primes from {least} to {most}; widen the range")
    return tuple(sorted(rng.sample(primes, count)))


def slip(offset: int, rising: bool, furthest: int, nearest: int = 0) -> tuple[int, bool]:
    """The next offset between two equal patterns: one step further out to `furthest`, then one step back each time."""
    if offset >= max(furthest, nearest + 1):
        rising = False
    elif offset <= nearest:
        rising = True
    return offset + (1 if rising else -1), rising
