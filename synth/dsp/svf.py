"""State-variable filter, topology-preserving: Zavalishin, The Art of VA Filter Design (2018), chapter 4; Simper,
SvfLinearTrapOptimised2 (Cytomic, 2013).

The corner is exact at any frequency, and coefficients may change from sample to sample. With `k = 1 / Q` a unit
gives `low`, `band` (peak gain 1 / k) and `high = x - k * band - low`; it is -3.01 dB at the corner for k = sqrt(2).
"""

from __future__ import annotations

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.fused import fma
from synth.dsp.sine import quarter_sine

QUARTER, HALF, ONE, TWO = np.float32(0.25), np.float32(0.5), np.float32(1.0), np.float32(2.0)
CUTOFF_MAX = np.float32(0.45)  # cycles per sample; the bilinear transform has its pole at 0.5


@kernel
def prewarp(cutoff: np.float32) -> np.float32:
    """`g = tan(pi cutoff)` for a corner in cycles per sample, held at CUTOFF_MAX."""
    half = HALF * min(cutoff, CUTOFF_MAX)
    return quarter_sine(half) / quarter_sine(QUARTER - half)


@kernel
def coefficients(g: np.float32, k: np.float32) -> tuple[np.float32, np.float32]:
    """(a1, a2) of a corner `g` (see `prewarp`) and damping `k = 1 / Q`."""
    a1 = ONE / (ONE + g * (g + k))
    return a1, g * a1


@kernel
def svf(
    x: np.float32, s1: np.float32, s2: np.float32, g: np.float32, a1: np.float32, a2: np.float32
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """One sample `x` through the filter with memories `s1`, `s2`: (low, band, s1, s2)."""
    band = fma(a2, x - s2, a1 * s1)  # from memory to memory in as few steps as can be: they wait for each other
    return fma(g, band, s2), band, fma(TWO, band, -s1), fma(g + g, band, s2)
