"""Amplitude envelopes: two equal one-poles in a row, stepped exactly over any number of frames.

The pair is critically damped, so a level leaves and reaches rest without a corner, which is why a fast attack
does not click. Each stage of an ADSR is a target and a rate; a new stage goes on from where the level is.
"""

from __future__ import annotations

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.sine import exp2, log2

ONE, HALF = np.float32(1.0), np.float32(0.5)
LOG2_E = np.float32(1.4426950408889634)
OCTAVES_PER_DB = np.float32(0.16609640474436813)  # log2(10) / 20

# Elapsed time over the time constant at which a step has gone 90 % of the way, and at which 60 dB are left.
NINETY_PERCENT = 3.8897
SIXTY_DB = 9.2334

VELOCITY_RANGE_DB, VELOCITY_CURVE = np.float32(-30.0), np.float32(1.6)


@kernel
def two_pole(
    first: np.float32, second: np.float32, target: np.float32, elapsed: np.float32
) -> tuple[np.float32, np.float32]:
    """Both poles after `elapsed` time constants on the way to `target`; `second` is the level heard."""
    keep = exp2(-elapsed * LOG2_E)
    gap = first - target
    return target + gap * keep, target + (second - target + gap * elapsed) * keep


@kernel
def db_gain(gain_db: np.float32) -> np.float32:
    """Linear amplitude of a level in dB."""
    return exp2(gain_db * OCTAVES_PER_DB)


@kernel
def velocity_gain(velocity: np.float32) -> np.float32:
    """Amplitude of a velocity in [0, 1]: `-30 (1 - v)^1.6` dB, so -10 dB at a half and 0 at 1."""
    softness = exp2(VELOCITY_CURVE * log2(ONE - velocity))
    return db_gain(VELOCITY_RANGE_DB * softness)
