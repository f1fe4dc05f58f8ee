"""Random numbers and white noise that a kernel draws from state of its own: xorshift32 (Marsaglia, Xorshift RNGs,
Journal of Statistical Software 8(14), 2003). A walk is an Ornstein-Uhlenbeck process: noise that wanders and returns.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel

SHIFT_A, SHIFT_B, SHIFT_C = np.uint32(13), np.uint32(17), np.uint32(5)
HALF, ONE, TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)
UNIFORM_SPREAD = np.float32(3.0**0.5)  # a uniform number in +-1 times this has variance 1
TO_BIPOLAR = np.float32(2.0**-31)


def noise_states(draw: random.Random, count: int) -> NDArray[np.uint32]:
    """Starting states, never 0, for `count` generators."""
    return np.array([draw.randrange(1, 1 << 32) for _ in range(count)], np.uint32)


@kernel
def xorshift32(x: np.uint32) -> np.uint32:
    """The state after `x`; runs through all numbers but 0."""
    x = np.uint32(x ^ np.uint32(x << SHIFT_A))  # each step cast: Numba widens to 64 bits
    x = np.uint32(x ^ np.uint32(x >> SHIFT_B))
    return np.uint32(x ^ np.uint32(x << SHIFT_C))


@kernel
def bipolar(x: np.uint32) -> np.float32:
    """A generator's state as a number in [-1, 1]."""
    return np.float32(np.uint32(x).view(np.int32)) * TO_BIPOLAR


@kernel
def unipolar(x: np.uint32) -> np.float32:
    """A generator's state as a number in [0, 1]."""
    return HALF + HALF * bipolar(x)


@kernel
def walk(x: np.float32, elapsed: np.float32, random: np.float32) -> np.float32:
    """The next step of a walk of standard deviation 1: `elapsed` is the step over its correlation time, well under 1,
    `random` a number in [-1, 1]. Uniform kicks do: many add up to a normal distribution."""
    return x * (ONE - elapsed) + np.sqrt(TWO * elapsed) * UNIFORM_SPREAD * random
