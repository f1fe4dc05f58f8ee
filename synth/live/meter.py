"""How a live process bears up: what its blocks cost against the time they have."""

from __future__ import annotations

import time


class Meter:
    """Counts blocks of `sample_rate`; between `begin` and `end` lies the work of one."""

    def __init__(self, sample_rate: int) -> None:
        self.blocks = self.late = 0
        self.worst_us = 0.0
        self.load = 0.0
        self._sample_rate = sample_rate
        self._began_s = self._began_cpu_s = 0.0

    def begin(self) -> float:
        """A block was asked for; the time of it, by time.monotonic()."""
        self._began_s, self._began_cpu_s = time.monotonic(), time.thread_time()
        return self._began_s

    def end(self, frames: int) -> None:
        """Its `frames` are there."""
        lasts_s = frames / self._sample_rate
        took_s = time.monotonic() - self._began_s
        self.blocks += 1
        self.late += took_s > lasts_s
        self.worst_us = max(self.worst_us, 1e6 * (time.thread_time() - self._began_cpu_s))
        self.load += (took_s / lasts_s - self.load) * min(lasts_s, 1.0)
