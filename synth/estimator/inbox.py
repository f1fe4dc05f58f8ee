"""One channel's samples put in the order of their times, each counted once, before anything measures them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.wearables.samples import Samples

STALE_S = 5.0  # age from which a channel that comes every second no longer speaks of now
LONGEST_STALE_S = 20.0  # the same for one that comes in bursts or seldom, two and a half of its usual waits
WAIT_SHARE = 0.2  # of the latest wait in the usual one
MOST_WAITING = 1 << 21  # samples, eight hours of a pulse wave; later ones are refused

_Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Inbox:
    """Holds samples until their time has come; `late`, `duplicates` and `refused` count what is not used and why."""

    def __init__(self) -> None:
        self.late = 0
        self.duplicates = 0
        self.refused = 0
        self._waiting = 0
        self._wait_s = 0.0
        self._taken_s = -np.inf
        self._used_s = -np.inf
        none = np.empty(0)
        self._sorted: _Arrays = (none, none, none)
        self._new: list[_Arrays] = []

    def put(self, samples: Samples) -> None:
        """Take in `samples`; those without a time are passed over."""
        known = np.isfinite(samples.t_s)
        count = int(np.count_nonzero(known))
        if self._waiting + count > MOST_WAITING:
            self.refused += count
            return
        self._waiting += count
        if not count:
            return
        quality = np.where(samples.quality == samples.quality, samples.quality, 0.0)  # not a number is no quality
        if count == known.size:
            self._new.append((samples.t_s, samples.value, quality))
        else:
            self._new.append((samples.t_s[known], samples.value[known], quality[known]))

    def take(self, until_s: float) -> _Arrays:
        """Times, values and qualities of everything up to `until_s` that was not taken before, in order of time."""
        if self._new:
            self._merge()
        t, value, quality = self._sorted
        if not t.size:
            return self._sorted
        count = int(np.searchsorted(t, until_s, side="right"))
        self._sorted = (t[count:], value[count:], quality[count:])
        self._waiting -= count
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
        runs = [self._sorted, *self._new] if self._sorted[0].size else self._new
        t, value, quality = runs[0] if len(runs) == 1 else (np.concatenate(parts) for parts in zip(*runs, strict=True))
        self._new = []
        if t[0] > self._used_s and (t[1:] > t[:-1]).all():  # as it mostly comes
            self._sorted = (t, value, quality)
            return
        order = np.argsort(t, kind="stable")
        t, value, quality = t[order], value[order], quality[order]
        fresh = t > self._used_s
        self.duplicates += int(np.count_nonzero(t == self._used_s))
        self.late += int(np.count_nonzero(t < self._used_s))
        once = np.concatenate(([True], np.diff(t) > 0))
        self.duplicates += int(np.count_nonzero(fresh & ~once))
        keep = fresh & once
        self._sorted = (t[keep], value[keep], quality[keep])
        self._waiting = int(np.count_nonzero(keep))
