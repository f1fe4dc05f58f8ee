"""How long a move of mood takes: the limits say how steep it may be, a plan may ask for stages with a rest at each."""

from __future__ import annotations

import math

STEEPEST = math.pi / 2  # of a raised cosine, against its mean slope


def stages(distance: float, step: float) -> int:
    """Stages of a move: of `step` at most each, one when there is no step."""
    return max(math.ceil(abs(distance) / step - 1e-9), 1) if step > 0.0 else 1


def stage_minutes(distance: float, per_min: float, step: float = 0.0, dwell_s: float = 0.0) -> float:
    """The shortest time for a move of `distance`, nowhere steeper than `per_min`, with `dwell_s` at each stage."""
    moving = STEEPEST * abs(distance) / per_min
    return moving + stages(distance, step) * dwell_s / 60.0 if step > 0.0 and distance else moving
