"""A clock that wall-clock steps do not move."""

from __future__ import annotations

import time

if hasattr(time, "CLOCK_BOOTTIME"):

    def _running_s() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the machine sleeps

else:

    def _running_s() -> float:
        return time.monotonic()


class SteadyClock:
    """Seconds since the epoch as the wall clock had them when this was made, counted on from there.

    Setting the wall clock neither lengthens nor ends what was given out for a time, until the daemon is started anew.
    """

    def __init__(self) -> None:
        self._epoch_s = time.time() - _running_s()

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return self._epoch_s + _running_s()
