"""How far a fader or knob has gone, 0 to 1 along a curve ("log", or straight), and the value there."""

from __future__ import annotations

import math


def value_at(position: float, low: float, high: float, curve: str) -> float:
    """The value at `position`, 0 to 1; along "log" both ends are above 0."""
    if curve == "log":
        return low ** (1.0 - position) * high**position
    return low * (1.0 - position) + high * position


def position_of(value: float, low: float, high: float, curve: str) -> float:
    """Where `value` is, held in 0 to 1: the inverse of `value_at`."""
    if low == high:
        return 0.0
    if curve == "log":
        where = math.log(max(value, 1e-9) / low) / math.log(high / low)
    else:
        where = (value - low) / (high - low)
    return min(max(where, 0.0), 1.0)
