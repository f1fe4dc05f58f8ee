"""Time tags: what is to be done later waits here, what is late is due at once.

OSC 1.0, section "Temporal Semantics and OSC Time Tags". A tag further ahead than the horizon is taken at the horizon:
a sender whose clock is wrong must not be able to leave something behind that happens an hour later.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

HORIZON_S = 1.0
MAX_WAITING = 10_000

Item = TypeVar("Item")


class Schedule(Generic[Item]):
    """Items by the time they are due, those of one time in the order in which they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._number = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, due_s: float, item: Item) -> bool:
        """Keep `item` until `due_s`; false, and not kept, when too many wait already."""
        if len(self._heap) >= MAX_WAITING:
            return False
        heapq.heappush(self._heap, (due_s, next(self._number), item))
        return True

    def take(self, now_s: float) -> list[Item]:
        """What is due."""
        found = []
        while self._heap and self._heap[0][0] <= now_s:
            found.append(heapq.heappop(self._heap)[2])
        return found

    @property
    def next_s(self) -> float | None:
        """When the next item is due."""
        return self._heap[0][0] if self._heap else None


def ahead_of(timetag_s: float | None, now_unix_s: float) -> tuple[float, bool]:
    """How long to wait for a time tag (0 when late or none), and whether it lies beyond the horizon."""
    ahead_s = 0.0 if timetag_s is None else timetag_s - now_unix_s
    return min(max(ahead_s, 0.0), HORIZON_S), ahead_s > HORIZON_S
