"""One channel's samples put in the order of their times, each counted once, before anything measures them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.wearables.samples import Samples

STALE_S = 5.0  # age from which a channel that comes every second no longer speaks of now
LONGEST_STALE_S = 20.0  # the same for one that comes in bursts or seldom, two and a half of its usual waits
WAIT_SHARE = 0.2  # of the latest wait in the usual one
RESTART_S = 120.0  # times that fall back or leap ahead by more mean a clock that began anew, not a late packet
FARTHEST_S = 1e11  # 3000 years; no clock tells more in seconds

_Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Inbox:
    """Holds samples until their time has come; `late` and `duplicates` count what came too late or twice.

    `restarts` counts how often times leapt; they then go on from the session time at which that showed.
    """

    def __init__(self) -> None:
        self.late = 0
        self.duplicates = 0
        self.restarts = 0
        self._offset_s = 0.0
        self._wait_s = 0.0
        self._taken_s = -np.inf
        self._used_s = -np.inf
        self._newest_s = np.inf  # before any sample: a first one may have any time
        none = np.empty(0)
        self._sorted: _Arrays = (none, none, none)
        self._new: list[_Arrays] = []

    def put(self, samples: Samples, now_s: float) -> None:
        """Take in `samples` at session time `now_s`; those without a time are passed over."""
        known = np.abs(samples.t_s) < FARTHEST_S
        if not known.any():
            return
        t = np.where(known, samples.t_s, np.nan) + self._offset_s
        before = np.maximum.accumulate(np.concatenate(([self._newest_s], np.where(known, t, -np.inf)[:-1])))
        moved = known & ((t < self._used_s - RESTART_S) | (t > np.maximum(before, now_s) + RESTART_S))
        if moved.any():
            first = int(np.argmax(moved))
            step = now_s - t[first]
            self._offset_s += step
            t[first:] += step
            self.restarts += 1
        self._newest_s = float(t[known].max())
        self._new.append((t[known], samples.value[known], np.nan_to_num(samples.quality[known], nan=0.0)))

    def take(self, until_s: float) -> _Arrays:
        """Times, values and qualities of everything up to `until_s` that was not taken before, in order of time."""
        if self._new:
            self._merge()
        t, value, quality = self._sorted
        count = int(np.searchsorted(t, until_s, side="right"))
        self._sorted = (t[count:], value[count:], quality[count:])
        if count:
            wait_s = min(until_s - self._taken_s, LONGEST_STALE_S)
            self._wait_s += WAIT_SHARE * (wait_s - self._wait_s)
            self._taken_s = until_s
            self._used_s = float(t[count - 1])
        return t[:count], value[:count], quality[:count]

    @property
    def stale_s(self) -> float:
        """Age from which what was taken last no longer speaks of now, from how often something comes."""
        return min(max(STALE_S, 2.5 * self._wait_s), LONGEST_STALE_S)

    def _merge(self) -> None:
        t, value, quality = (np.concatenate(parts) for parts in zip(self._sorted, *self._new, strict=True))
        self._new.clear()
        order = np.argsort(t, kind="stable")
        t, value, quality = t[order], value[order], quality[order]
        fresh = t > self._used_s
        self.duplicates += int(np.count_nonzero(t == self._used_s))
        self.late += int(np.count_nonzero(t < self._used_s))
        once = np.concatenate(([True], np.diff(t) > 0)) if t.size else fresh
        self.duplicates += int(np.count_nonzero(fresh & ~once))
        keep = fresh & once
        self._sorted = (t[keep], value[keep], quality[keep])
