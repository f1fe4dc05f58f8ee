"""What is usual for this person in this session: an anchor from its first minutes, and slow drift where it is due.

Three minutes of rest serve as well as ten for telling strain from rest (measured on Stress-Predict, Iqbal et al.
2022); 75 s give a first idea. The heart's anchor then stays, so that a lasting calm is not taken for the new
usual. Skin conductance also drifts with the skin itself (Boucsein 2012, section 2.4), so its reference follows.
"""

from __future__ import annotations

import math

SKIP_S = 10.0  # a sensor's first seconds on the skin
WARM_UP_S = 75.0
SETTLED_S = 180.0
SETTLING_S = 60.0  # over which trust then rises


class Anchor:
    """Mean of the first `SETTLED_S` seconds of data, less the very first; then fixed, or drifting with `drift_s`."""

    def __init__(self, drift_s: float = math.inf) -> None:
        self._drift_s = drift_s
        self.seconds = 0.0
        self.mean = 0.0

    def add(self, x: float, dt_s: float) -> None:
        """A value that held for `dt_s` seconds."""
        before = self.seconds - SKIP_S
        self.seconds += dt_s
        if before <= 0.0:
            self.mean = x
        elif self.seconds <= SETTLED_S:
            self.mean += (x - self.mean) * dt_s / (before + dt_s)
        else:
            self.mean -= (x - self.mean) * math.expm1(-dt_s / self._drift_s)

    def shift(self, by: float) -> None:
        """Move the anchor, when the sensor and not the person has changed."""
        self.mean += by

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


class Spread:
    """Exponential mean and standard deviation with time constant `tau_s`, plain averages until that is filled."""

    def __init__(self, tau_s: float) -> None:
        self._tau_s = tau_s
        self._seconds = 0.0
        self.mean = 0.0
        self._variance = 0.0

    def add(self, x: float, dt_s: float) -> None:
        """A value that held for `dt_s` seconds."""
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
