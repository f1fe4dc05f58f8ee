"""How often one may be told: so many at once, then so many a second."""

from __future__ import annotations

BURST = 10
EACH_S = 0.5
MAX_KNOWN = 256


class Limiter:
    """A token bucket for each name; the names heard longest ago are forgotten."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def may(self, name: str, now_s: float) -> bool:
        """Whether `name` may be told once more now."""
        left, at_s = self._left.pop(name, (float(BURST), now_s))
        left = min(left + (now_s - at_s) / EACH_S, BURST)
        told = left >= 1.0
        self._left[name] = (left - told, now_s)
        if len(self._left) > MAX_KNOWN:
            del self._left[next(iter(self._left))]
        return told
