"""Which beat intervals to believe, and which of them follow one another.

An interval is kept when a heart can have it (0.3 to 2.0 s) and when it is within 20 % of the median of the last
11 intervals, the percentage filter of Kleiger et al. 1987 and Kubios' threshold method, or within 15 % of that median
from the kept interval right before it: slow deep breathing swings the heart further than 20 %, but not at once. A short
interval and a long one right after it, a quarter of the median apart, are an early beat with its pause and both go,
even when each alone would pass. Differences are taken between adjacent kept intervals only: a dropped beat costs two
and adds none.
"""

from __future__ import annotations

import bisect
import math
from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

RR_RANGE_MS = (300.0, 2000.0)
DEVIATION = 0.20
STEP = 0.15
MEDIAN_BEATS = 11
EARLY_STEP = 0.25
GAP = 1.5  # a beat later than this many intervals after the one before left another out


class Screen:
    """The causal rule, one interval at a time; `early` says that the latest one shows the one before to be early."""

    def __init__(self) -> None:
        self.early = False
        self._recent: deque[float] = deque(maxlen=MEDIAN_BEATS)
        self._before: float | None = None  # the interval right before, when it was kept

    def accepts(self, rr_ms: float) -> bool:
        """Whether to believe the next interval."""
        self.early = False
        if not RR_RANGE_MS[0] <= rr_ms <= RR_RANGE_MS[1]:
            self._before = None
            return False
        last = self._recent[-1] if self._recent else rr_ms
        self._recent.append(rr_ms)
        ordered = sorted(self._recent)
        half = len(ordered) // 2
        median = ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])
        self.early = last < median < rr_ms and rr_ms - last > EARLY_STEP * median
        usual = abs(rr_ms - median) <= DEVIATION * median
        near = self._before is not None and abs(rr_ms - self._before) <= STEP * median
        kept = not self.early and (usual or near)
        self._before = rr_ms if kept else None
        return kept

    def skip(self) -> None:
        """An interval that is not believed whatever it says."""
        self.early = False
        self._before = None


def accepted(rr_ms: ArrayLike) -> NDArray[np.bool_]:
    """Which of the intervals (n,) in ms the causal rule keeps, (n,)."""
    screen = Screen()
    kept: list[bool] = []
    for rr in np.asarray(rr_ms, dtype=np.float64).tolist():
        believed = screen.accepts(rr)
        if screen.early:
            kept[-1] = False
        kept.append(believed)
    return np.array(kept, dtype=bool)


def timeline(t_s: ArrayLike, rr_ms: ArrayLike) -> NDArray[np.float64]:
    """Times of the beats (n,) s as the intervals tell them, strictly rising, from times `t_s` at which they arrived.

    Radio hands beats over late and two at a time. An interval sums up rightly where its arrival does not, so beats
    are placed by the sum of intervals and only a lateness that never goes away again is a gap.
    """
    t = np.asarray(t_s, dtype=np.float64)
    elapsed = np.cumsum(np.clip(np.nan_to_num(rr_ms, nan=RR_RANGE_MS[0]), *RR_RANGE_MS)) / 1000.0
    late = t - elapsed
    return elapsed + np.minimum.accumulate(late[::-1])[::-1]


def adjacent(t_s: ArrayLike, rr_ms: ArrayLike, kept: ArrayLike) -> NDArray[np.bool_]:
    """Which intervals (n,) follow directly on the one before with both kept; the first never does. (n,)"""
    rr = np.asarray(rr_ms, dtype=np.float64)
    keep = np.asarray(kept, dtype=bool)
    follows = np.zeros(rr.shape, dtype=bool)
    follows[1:] = keep[1:] & keep[:-1] & (np.diff(timeline(t_s, rr)) < GAP * rr[1:] / 1000.0)
    return follows


class Beats:
    """The intervals of the last `span_s` seconds, each judged when it came."""

    def __init__(self, span_s: float = 120.0) -> None:
        self._span_s = span_s
        self._screen = Screen()
        self._t: list[float] = []
        self._rr: list[float] = []
        self._kept: list[bool] = []

    def add(self, t_s: float, rr_ms: float, quality: float) -> None:
        """The next interval, `rr_ms` long, ended by the beat at `t_s`; one that is not finite is passed over.

        Of one that no heart can have only the place is kept.
        """
        if not math.isfinite(rr_ms):
            return
        believed = False
        if quality >= 0.5:
            believed = self._screen.accepts(rr_ms)
        else:
            self._screen.skip()
        if self._screen.early:
            self._kept[-1] = False
        self._t.append(t_s)
        self._rr.append(min(max(rr_ms, RR_RANGE_MS[0]), RR_RANGE_MS[1]))
        self._kept.append(believed)
        if self._t[0] < t_s - 2.0 * self._span_s:
            first = bisect.bisect_left(self._t, t_s - self._span_s)
            del self._t[:first], self._rr[:first], self._kept[:first]

    @property
    def last_s(self) -> float:
        """Time of the latest kept beat; -inf before any."""
        return next((t for t, kept in zip(reversed(self._t), reversed(self._kept), strict=True) if kept), -np.inf)

    def window(self, now_s: float, length_s: float) -> Window:
        """The beats of the `length_s` seconds up to `now_s`."""
        first = bisect.bisect_left(self._t, now_s - length_s)
        t, rr = np.array(self._t[first:]), np.array(self._rr[first:])
        kept = np.array(self._kept[first:], dtype=bool)
        return Window(t, rr, kept, adjacent(t, rr, kept), length_s)


class Window:
    """A stretch of beats: times `t_s`, intervals `rr_ms`, `kept` and `follows` as `adjacent` tells, each (n,)."""

    def __init__(
        self,
        t_s: NDArray[np.float64],
        rr_ms: NDArray[np.float64],
        kept: NDArray[np.bool_],
        follows: NDArray[np.bool_],
        length_s: float,
    ) -> None:
        self.t_s, self.rr_ms, self.kept, self.follows = t_s, rr_ms, kept, follows
        self.length_s = length_s

    @property
    def coverage(self) -> float:
        """Share of the window's time inside kept intervals, 0..1."""
        return min(1.0, float(self.rr_ms[self.kept].sum()) / (1000.0 * self.length_s))

    @property
    def corrected(self) -> float:
        """Share of intervals not kept, 0..1."""
        return float(np.mean(~self.kept)) if self.kept.size else 0.0

    def kept_series(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (m,) s, freed of late arrival, and lengths (m,) ms of the kept intervals."""
        return timeline(self.t_s, self.rr_ms)[self.kept], self.rr_ms[self.kept]
