"""Second-order Butterworth filters as a state-variable filter's two-state recursion.

The trapezoidal SVF (Simper, Cytomic 2013) written as s' = [p -q; q r] s + [q; t] x. Its low-pass output is
(s2 + s2') / 2, its band-pass (s1 + s1') / 2, its high-pass x - k band - low. The shortest chain from sample to
sample, and float32 is enough down to a few hertz.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp._jit import kernel

K = math.sqrt(2.0)
ONE = np.float32(1.0)
HIGHEST = 0.45  # of the sample rate


@kernel
def transition(g, k):  # type: ignore[no-untyped-def]
    """p, q, r, t of a filter with `g = tan(pi cutoff / sample_rate)` and `k`, K in the precision of `g`."""
    a1 = ONE / (ONE + g * (g + k))
    q = g * (a1 + a1)
    t = g * q
    return a1 + a1 - ONE, q, ONE - t, t


def prewarp(cutoff_hz: float, sample_rate: int) -> float:
    """`tan(pi cutoff / sample_rate)`; cutoffs above 0.45 of the sample rate are taken for that."""
    return math.tan(math.pi * min(cutoff_hz / sample_rate, HIGHEST))


def butterworth(cutoff_hz: float, sample_rate: int) -> tuple[float, float, float, float, float]:
    """p, q, r, t and k of the filter with its -3 dB point at `cutoff_hz`."""
    p, q, r, t = transition(np.float64(prewarp(cutoff_hz, sample_rate)), np.float64(K))
    return p, q, r, t, K
