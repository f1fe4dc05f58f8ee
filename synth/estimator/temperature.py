"""Skin temperature: whether the sensor touches, how warm the skin is, and where it is heading.

Skin warms by tenths of a degree a minute as its vessels widen in rest (Boudewyns 1976, Behav. Ther. 7:54) and cools
as they narrow, so the slope over minutes tells more than the level, which is the room's as much as the person's. Worn
at a wrist it fell by less than 1 degC within any minute over 20 hours of Stress-Predict (Iqbal et al. 2022); taken
off, by 2 to 4. Such a fall is therefore lost contact, until half of it is made up for or the reading is steady where
no room is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from synth.estimator.spectrum import Even, Floats

RANGE_C = (10.0, 45.0)
CELL_S = 5.0
STALE_S = 90.0  # some sensors tell once a minute
SLOPE_S = 300.0
LEAST_SLOPE_S = 150.0
COVERAGE = 0.8
SETTLE_S = 120.0  # a sensor takes to warm up on the skin
FALL_C = 1.5  # within FALL_S: taken off
FALL_S = 60.0
STEADY_C = 0.3  # over SLOPE_S
BODY_C = 29.0  # warmer than a room


class Temperature:
    """The skin-temperature channel; `contact` tells whether the sensor was on the skin when last heard."""

    def __init__(self) -> None:
        self.contact = False
        self._even = Even(1.0 / CELL_S, SLOPE_S, STALE_S)
        self._since = 0  # cell at which the sensor came to touch
        self._high_c = 0.0  # before it was taken off; at first anything is warmer
        self._low_c = 0.0  # since

    def add(self, t_s: Floats, degrees_c: Floats, quality: ArrayLike = 1.0) -> None:
        """The next samples (n,) in order of time; what is not 10 to 45 degC is passed over."""
        good = (degrees_c >= RANGE_C[0]) & (degrees_c <= RANGE_C[1]) & (np.asarray(quality, dtype=np.float64) >= 0.5)
        new = self._even.add(t_s, degrees_c, good)
        cells, end = self._even.cells, self._even.end
        for back in range(min(new, cells.size) - 1, -1, -1):
            if end is not None and math.isfinite(cells[-1 - back]):
                self._judge(cells[: cells.size - back], end - 1 - back)

    def degrees_c(self, now_s: float) -> float | None:
        """The skin's temperature, degC; None without contact or when nothing was heard for a while."""
        return float(self._even.cells[-1]) if self.contact and self._age_s(now_s) <= STALE_S else None

    def slope_c_per_min(self, now_s: float) -> float | None:
        """Where it is heading, degC a minute over the last five minutes; None until it has settled and 2.5 min more."""
        if not self.contact or self._even.end is None or self._age_s(now_s) > STALE_S:
            return None
        worn = min(self._even.end - self._since - round(SETTLE_S / CELL_S), self._even.cells.size)
        if worn < LEAST_SLOPE_S / CELL_S:
            return None
        cells = self._even.cells[-worn:]
        known = np.flatnonzero(np.isfinite(cells))
        if known.size < COVERAGE * worn:
            return None
        minutes = (known - known.mean()) * (CELL_S / 60.0)
        return float(minutes @ cells[known] / (minutes @ minutes))

    def _age_s(self, now_s: float) -> float:
        """Seconds since the newest cell, which always has a value."""
        return math.inf if self._even.end is None else now_s - self._even.end * CELL_S

    def _judge(self, cells: Floats, index: int) -> None:
        """Decide on contact by the last of `cells`, number `index`."""
        now_c = float(cells[-1])
        if self.contact:
            high_c = float(np.nanmax(cells[-round(FALL_S / CELL_S) - 1 :]))
            if high_c - now_c > FALL_C:
                self.contact, self._high_c, self._low_c = False, high_c, now_c
        else:
            self._low_c = min(self._low_c, now_c)
            steady = now_c >= BODY_C and float(np.ptp(cells)) < STEADY_C if np.isfinite(cells).all() else False
            if steady or now_c >= 0.5 * (self._low_c + self._high_c):
                self.contact, self._since = True, index
