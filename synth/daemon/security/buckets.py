"""Token buckets: how often somebody may do something."""

from __future__ import annotations

import time
from collections import OrderedDict

MOST = 8192  # names remembered


class Buckets:
    """A bucket a name. It holds `burst`, each taking costs one, and `rate_hz` flow back.

    Of more than MOST names those that took nothing for longest are forgotten, and so start full.
    """

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, rate_hz: float, burst: float) -> float:
        """Take one. 0.0 when it was there, else the seconds until one will be."""
        now = time.monotonic()
        level, then = self._levels.get(name, (burst, now))
        level = min(burst, level + (now - then) * rate_hz)
        wait_s = 0.0 if level >= 1.0 else (1.0 - level) / rate_hz
        self._levels[name] = (level if wait_s else level - 1.0, now)
        self._levels.move_to_end(name)
        if len(self._levels) > MOST:
            self._levels.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._levels)
