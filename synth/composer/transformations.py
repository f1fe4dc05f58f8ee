"""Triads turned into each other: parallel, relative and leading-tone exchange, and chains of them (Cohn 1997, 2012).

A triad is (root, major). Each of the three moves one voice by a semitone or two and keeps the other tones.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

MOVES = ("P", "L", "R")


class Triad(NamedTuple):
    """A major or minor triad on pitch class `root`."""

    root: int
    major: bool

    @property
    def pcs(self) -> tuple[int, ...]:
        """Root, fifth, third."""
        return self.root, (self.root + 7) % 12, (self.root + (4 if self.major else 3)) % 12


def move(triad: Triad, name: str) -> Triad:
    """The triad after "P" (same root), "L" (leading-tone exchange) or "R" (relative)."""
    root, major = triad
    by = {"P": 0, "L": 4 if major else -4, "R": -3 if major else 3}[name]
    return Triad((root + by) % 12, not major)


def chain(start: Triad, end: Triad) -> str:
    """The shortest chain of moves from one triad to another, such as "LP"; first in the order P, L, R."""
    return _chains(start.major)[Triad((end.root - start.root) % 12, end.major)]


@cache
def _chains(major: bool) -> dict[Triad, str]:
    """The shortest chains from the triad on 0."""
    ways = {Triad(0, major): ""}
    while len(ways) < 24:
        for triad, way in list(ways.items()):
            for name in MOVES:
                ways.setdefault(move(triad, name), way + name)
    return ways
