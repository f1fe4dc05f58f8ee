"""Sums over voices in an order that no compiler changes: neighbours first, then their sums, and so on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel

LEFT, RIGHT = range(2)
ONE, TWO = np.uint64(1), np.uint64(2)


@kernel
def _neighbours(x: NDArray[np.float32], count: int, y: NDArray[np.float32]) -> None:
    """`y` becomes the `count` sums of two neighbours each in `x`."""
    for i in range(np.uint64(count)):
        y[i] = x[TWO * i] + x[TWO * i + ONE]


@kernel
def add_lanes(
    x: NDArray[np.float32], spare: NDArray[np.float32], lanes: int, frames: int, out: NDArray[np.float32], first: int
) -> None:
    """Add `frames` frames of `x`, each `lanes` (8, 16 or 32) left ones and as many right ones, to `out` (2, any) from
    column `first` on. `x` and `spare`, as long, are overwritten."""
    if lanes == 32:
        _neighbours(x, 32 * frames, spare)
        _neighbours(spare, 16 * frames, x)
    elif lanes == 16:
        _neighbours(x, 16 * frames, spare)
        for i in range(np.uint64(16 * frames)):
            x[i] = spare[i]
    _neighbours(x, 8 * frames, spare)
    _neighbours(spare, 4 * frames, x)
    _neighbours(x, 2 * frames, spare)
    to = np.uint64(first)
    for n in range(np.uint64(frames)):
        out[LEFT, to + n] += spare[TWO * n]
    for n in range(np.uint64(frames)):
        out[RIGHT, to + n] += spare[TWO * n + ONE]
