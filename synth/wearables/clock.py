"""From a sensor's clock to session time: one offset a device, from its promptest packets, reset when it restarts.

A packet cannot come before its samples were taken, so the smallest (received - sensor) over the last minute is
the offset with the least transport delay in it (the minimum filter of NTP, RFC 5905 section 10). Taking it over
a sliding minute follows a crystal that runs fast or slow.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW_S = 60.0
EARLY_S = 5.0  # a packet this much before its time: the sensor's clock went ahead
LATE_S = 120.0  # a packet this much behind: the clock went back, as a delay so long is rarer than a restart


class SensorClock:
    """Session time of one device's samples; `epoch` counts restarts of its clock."""

    def __init__(self) -> None:
        self.epoch = 0
        self._recent: deque[tuple[float, float]] = deque()  # (received_s, offset_s), offsets rising

    @property
    def offset_s(self) -> float:
        """Session time less sensor time; 0 before any packet."""
        return self._recent[0][1] if self._recent else 0.0

    def session_s(self, sensor_s: ArrayLike, received_s: float) -> NDArray[np.float64]:
        """Session times of one packet's samples, timed `sensor_s` (n,) by the sensor, received at `received_s`."""
        times = np.atleast_1d(np.asarray(sensor_s, dtype=np.float64))
        if not np.isfinite(times).any():
            return times
        offset = received_s - float(times[np.isfinite(times)].max())
        if self._recent and not -EARLY_S <= offset - self.offset_s <= LATE_S:
            self._recent.clear()
            self.epoch += 1
        while self._recent and self._recent[-1][1] >= offset:
            self._recent.pop()
        self._recent.append((received_s, offset))
        while len(self._recent) > 1 and self._recent[0][0] < received_s - WINDOW_S:
            self._recent.popleft()
        return times + self.offset_s
