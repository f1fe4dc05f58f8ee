"""Small functions that kernels share, as minimax polynomials in float32: sine, cosine, powers of two and logarithm.

The same bits come out on every machine, which the C library's do not promise, and a loop over voices vectorises
(an odd polynomial is some 15 times as fast as `np.sin`). Coefficients fitted by Lawson's iteration to relative
error below 1e-8; what remains is float32 rounding.
"""

from __future__ import annotations

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.fused import fma

QUARTER, HALF, ONE = np.float32(0.25), np.float32(0.5), np.float32(1.0)

S1, S3, S5, S7, S9 = (np.float32(c) for c in (6.28318527, -41.34167748, 81.60223152, -76.57499793, 39.71095806))
E1, E2, E3, E4, E5, E6 = (
    np.float32(c) for c in (0.693147203, 0.240226479, 0.0555033247, 0.00961843736, 0.00133988744, 0.000153533619)
)
L1, L3, L5, L7 = (np.float32(c) for c in (2.88539008, 0.96179885, 0.57671438, 0.43173588))

EXPONENT_LIMIT = np.float32(126.0)
SMALLEST = np.float32(1.1754944e-38)  # smallest normal float32
EXPONENT_UNIT = np.int32(1 << 23)  # one octave in the bits of a float32
ONE_BITS = np.int32(0x3F800000)
SQRT_HALF_BITS = np.int32(0x3F3504F3)


@kernel
def quarter_sine(turns: np.float32) -> np.float32:
    """`sin(2 pi turns)` for `turns` in [-0.25, 0.25], accurate relative to itself down to 0."""
    t2 = turns * turns
    return turns * fma(t2, fma(t2, fma(t2, fma(t2, S9, S7), S5), S3), S1)


@kernel
def sine(phase: np.float32) -> np.float32:
    """`sin(2 pi phase)` for a float32 `phase` in cycles, [0, 1); error below 3e-7."""
    q = phase - HALF
    q = min(q, HALF - q)  # fold onto a quarter either side of the zero crossing
    q = max(q, -HALF - q)
    return -quarter_sine(q)


@kernel
def cosine(phase: np.float32) -> np.float32:
    """`cos(2 pi phase)` for a float32 `phase` in cycles, [0, 1); error below 3e-7."""
    return quarter_sine(abs(phase - HALF) - QUARTER)


@kernel
def exp2(x: np.float32) -> np.float32:
    """`2 ** x` for a float32 `x`, held within +-126; relative error below 2e-7."""
    x = max(min(x, EXPONENT_LIMIT), -EXPONENT_LIMIT)
    n = np.floor(x + HALF)
    f = x - n
    mantissa = fma(f, fma(f, fma(f, fma(f, fma(f, fma(f, E6, E5), E4), E3), E2), E1), ONE)
    return mantissa * np.int32(np.int32(n) * EXPONENT_UNIT + ONE_BITS).view(np.float32)


@kernel
def log2(x: np.float32) -> np.float32:
    """Base-two logarithm of a positive float32; about -126 for 0 and below, error below 2e-7 or 2e-7 of the result."""
    bits = np.float32(max(x, SMALLEST)).view(np.int32)
    n = np.int32((bits - SQRT_HALF_BITS) >> 23)
    m = np.int32(bits - n * EXPONENT_UNIT).view(np.float32)  # in [sqrt(1/2), sqrt(2))
    t = (m - ONE) / (m + ONE)
    t2 = t * t
    return fma(t, fma(t2, fma(t2, fma(t2, L7, L5), L3), L1), np.float32(n))


@kernel
def raised(share):  # type: ignore[no-untyped-def]
    """A raised cosine from 0 to 1 for `share` 0 to 1, held there outside."""
    if share <= 0.0:
        return 0.0
    if share >= 1.0:
        return 1.0
    return 0.5 - 0.5 * np.float64(cosine(np.float32(0.5 * share)))
