"""What is usual for this person in this session: an anchor from its first minutes, and a slow drift from there.

Three minutes of rest serve as well as ten for telling strain from rest (measured on Stress-Predict, Iqbal et al.
2022); 75 s give a first idea. A reference that follows over a quarter of an hour tells strain better than a fixed one,
as skin takes up water (Boucsein 2012, section 2.4) and people get used to a room. But a reference that sinks with a
person who relaxes would take their calm for the new usual, so it may go only a little below the anchor.
"""

from __future__ import annotations

import math

SKIP_S = 10.0  # a sensor's first seconds on the skin
WARM_UP_S = 75.0
SETTLED_S = 180.0
SETTLING_S = 60.0  # over which trust then rises


class Spread:
    """Exponential mean and standard deviation with time constant `tau_s`, plain averages until that is filled."""

    def __init__(self, tau_s: float) -> None:
        self._tau_s = tau_s
        self._seconds = 0.0
        self.mean = 0.0
        self._variance = 0.0

    def add(self, x: float, dt_s: float) -> None:
        """A value that held for `dt_s` seconds."""
        if dt_s <= 0.0:
            return
        self._seconds += dt_s
        share = max(dt_s / self._seconds, -math.expm1(-dt_s / self._tau_s))
        step = x - self.mean
        self.mean += share * step
        self._variance = (1.0 - share) * (self._variance + share * step * step)

    def shift(self, by: float) -> None:
        """Move the mean, when the sensor and not the person has changed."""
        self.mean += by

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(self._variance)


class Baseline:
    """The reference of one measure: `anchor` is the mean of the first `SETTLED_S` seconds of data, less the very first.

    `mean` drifts after what comes with `tau_s`, never further than `sinks` below the anchor; `deviation` is about it.
    """

    def __init__(self, tau_s: float, sinks: float) -> None:
        self._sinks = sinks
        self._drift = Spread(tau_s)
        self.seconds = 0.0
        self.anchor = 0.0

    def add(self, x: float, dt_s: float) -> None:
        """A value that held for `dt_s` seconds."""
        self.seconds += dt_s
        if self.seconds <= SKIP_S:
            self.anchor = x
            return
        self._drift.add(x, dt_s)
        if self.seconds <= SETTLED_S:
            self.anchor = self._drift.mean

    def shift(self, by: float) -> None:
        """Move it all, when the sensor and not the person has changed."""
        self.anchor += by
        self._drift.shift(by)

    @property
    def mean(self) -> float:
        """What is usual now."""
        return max(self._drift.mean, self.anchor - self._sinks) if self.seconds > SKIP_S else self.anchor

    @property
    def deviation(self) -> float:
        """Standard deviation about the drifting mean."""
        return self._drift.deviation

    @property
    def ready(self) -> bool:
        """Whether the first idea is there."""
        return self.seconds >= WARM_UP_S

    @property
    def warm_up_left_s(self) -> float:
        """Seconds of data until it is."""
        return max(WARM_UP_S - self.seconds, 0.0)

    @property
    def trust(self) -> float:
        """0 before `WARM_UP_S` of data, then 0.5, rising to 1 in the minute after `SETTLED_S`."""
        if not self.ready:
            return 0.0
        return 0.5 + 0.5 * min(max((self.seconds - SETTLED_S) / SETTLING_S, 0.0), 1.0)
