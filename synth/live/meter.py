"""How a live process bears up: what its blocks cost against the time they have."""

from __future__ import annotations

import math
import time

BIN_US, BINS = 20.0, 500


class Meter:
    """Counts blocks of `sample_rate`; between `begin` and `end` lies the work of one."""

    def __init__(self, sample_rate: int) -> None:
        self.blocks = self.late = 0
        self.worst_us = 0.0
        self._counts = [0] * BINS
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
        cpu_us = 1e6 * (time.thread_time() - self._began_cpu_s)
        self.worst_us = max(self.worst_us, cpu_us)
        self._counts[min(int(cpu_us / BIN_US), BINS - 1)] += 1
        self.load += (took_s / lasts_s - self.load) * min(lasts_s, 1.0)

    def quantile_us(self, share: float) -> float:
        """Processor time that `share` of the blocks stayed within, up to BIN_US."""
        left = math.ceil(share * self.blocks)
        for number, count in enumerate(self._counts):
            left -= count
            if left <= 0:
                return min((number + 1) * BIN_US, self.worst_us)
        return self.worst_us
