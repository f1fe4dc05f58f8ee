"""Arrays as vector code likes them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes


def aligned(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros, float32, from a cache line's start: vector loads across two lines cost a tenth of a kernel."""
    size = math.prod(shape) * 4
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size].view(np.float32).reshape(shape)
