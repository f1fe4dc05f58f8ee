"""Values from outside, made safe to compute with."""

from __future__ import annotations

import numpy as np

from synth.dsp._jit import kernel

F0, WILD = np.float32(0.0), np.float32(1e6)


@kernel
def clamp(x, low, high):  # type: ignore[no-untyped-def]
    """`x` held between `low` and `high`; `low` for what is not a number."""
    x = x if x > low else low
    return x if x < high else high


@kernel
def sane(x):  # type: ignore[no-untyped-def]
    """`x`, a float32, or 0 for what is not a number or beyond 120 dB."""
    return x if abs(x) < WILD else F0
