"""Heart rate believed second by second: what a heart can have, steps only when repeated, nothing stale.

Accepted are 30 to 220 beats a minute. A change of more than 20 between samples waits until three samples agree;
once they do, a change that sudden is a new sensor or contact, as hearts do not step, and the baseline moves along.
"""

from __future__ import annotations

import math
from collections import deque

from synth.estimator.baseline import Baseline
from synth.estimator.inbox import LONGEST_STALE_S, STALE_S

HR_RANGE_BPM = (30.0, 220.0)
STEP_BPM = 20.0
AGREE_BPM = 10.0
AGREE_SAMPLES = 3
GAP_S = 30.0  # after a longer silence a first sample too must be repeated
FROZEN_S = 10.0  # no change for longer: the sensor repeats itself
FROZEN_WHOLE_S = 30.0  # whole numbers do repeat in a resting heart
MEAN_S = 45.0
SHOWN_S = 10.0
BASELINE_TAU_S = 900.0
SINKS_BPM = 3.0
SPREAD_FLOOR_BPM = 3.0


class Heart:
    """The heart-rate channel; `feature` tells how far the last three quarters of a minute are from usual."""

    def __init__(self) -> None:
        self.baseline = Baseline(BASELINE_TAU_S, SINKS_BPM)
        self.swapped_s = float("-inf")
        self.rejected = 0
        self._recent: deque[tuple[float, float]] = deque()
        self._asking: list[tuple[float, float]] = []
        self._value = 0.0
        self._changed_s = float("-inf")
        self._whole = True
        self.last_s = float("-inf")

    def add(self, t_s: float, bpm: float, quality: float = 1.0) -> None:
        """The next sample, in order of time."""
        if quality < 0.5 or not HR_RANGE_BPM[0] <= bpm <= HR_RANGE_BPM[1]:
            self.rejected += 1
            return
        if t_s - self.last_s > GAP_S or abs(bpm - self._value) > STEP_BPM:
            self._ask(t_s, bpm)
            return
        self._asking.clear()
        self._accept(t_s, bpm)

    def _ask(self, t_s: float, bpm: float) -> None:
        """Hold back a surprising sample until others agree."""
        if self._asking and (abs(bpm - self._asking[-1][1]) > AGREE_BPM or t_s - self._asking[-1][0] > GAP_S):
            self.rejected += len(self._asking)
            self._asking.clear()
        self._asking.append((t_s, bpm))
        if len(self._asking) < AGREE_SAMPLES:
            return
        agreed, self._asking = self._asking, []
        if t_s - self.last_s <= GAP_S:
            step = sum(value for _, value in agreed) / len(agreed) - self.mean_bpm
            self.baseline.shift(step)
            self._recent.clear()
            self.swapped_s = t_s
        for moment, value in agreed:
            self._accept(moment, value)

    def _accept(self, t_s: float, bpm: float) -> None:
        dt_s = min(t_s - self.last_s, LONGEST_STALE_S) if math.isfinite(self.last_s) else 0.0
        if bpm != self._value:
            self._changed_s = t_s
        self._whole = self._whole and bpm == round(bpm)
        self._value, self.last_s = bpm, t_s
        self._recent.append((t_s, bpm))
        while self._recent[0][0] <= t_s - MEAN_S:
            self._recent.popleft()
        if not self.frozen(t_s):
            self.baseline.add(self.mean_bpm, dt_s)

    def frozen(self, now_s: float) -> bool:
        """Whether the value has not changed for too long."""
        return now_s - self._changed_s > (FROZEN_WHOLE_S if self._whole else FROZEN_S)

    def trouble(self, now_s: float, stale_s: float = STALE_S) -> str:
        """Why the channel does not speak of now: "missing", "frozen" or "" when it does."""
        if now_s - self.last_s > stale_s:
            return "missing"
        return "frozen" if self.frozen(now_s) else ""

    @property
    def mean_bpm(self) -> float:
        """Mean of the last three quarters of a minute of accepted samples; 0 before any."""
        return sum(value for _, value in self._recent) / len(self._recent) if self._recent else 0.0

    def shown_bpm(self) -> float | None:
        """Mean of the latest ten seconds of samples; None before any."""
        last = [value for t, value in self._recent if t > self.last_s - SHOWN_S]
        return sum(last) / len(last) if last else None

    @property
    def feature(self) -> float:
        """Mean less what is usual, over the person's own deviation and 3 bpm."""
        return (self.mean_bpm - self.baseline.mean) / (self.baseline.deviation + SPREAD_FLOOR_BPM)
