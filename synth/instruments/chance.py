"""Chance inside a kernel: numbers drawn from one generator, `chance` (1,) uint32."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.noise import bipolar, unipolar, xorshift32
from synth.dsp.sine import log2

Chance = NDArray[np.uint32]

LN_2, RAREST = np.float32(math.log(2.0)), np.float32(1e-6)


@kernel
def either(chance: Chance) -> np.float32:
    """Evenly between -1 and 1."""
    chance[0] = xorshift32(chance[0])
    return bipolar(chance[0])


@kernel
def uniform(chance: Chance) -> np.float32:
    """Evenly between 0 and 1."""
    chance[0] = xorshift32(chance[0])
    return unipolar(chance[0])


@kernel
def normal(chance: Chance) -> np.float32:
    """Nearly normal, standard deviation 1, within +-3."""
    first = either(chance)
    second = either(chance)
    return first + second + either(chance)


@kernel
def waiting(chance: Chance) -> np.float32:
    """Time to the next of events that come once in a time of 1 on average, by chance."""
    return -log2(max(uniform(chance), RAREST)) * LN_2
