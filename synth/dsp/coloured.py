"""Coloured noise: white noise through a spectral tilt of any slope, pink and brown among them.

The tilt is a row of one-poles two thirds of an octave apart, each with a zero beside it: the nearer the zero to the
next pole, the steeper (Smith & Smith, "Closed form fractional integration and differentiation via real exponentially
spaced pole-zero pairs", 2016). Left and right are noises of their own.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import clamp, sane
from synth.dsp.fused import fma
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, noise_states, xorshift32
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2
from synth.dsp.svf import CUTOFF_MAX, prewarp
from synth.rng import stream

Floats = NDArray[np.float32]

SECTIONS = 16
APART = 2.0 / 3.0  # octaves from pole to pole
LOWEST_HZ = 20.0
OCTAVE_DB = 20.0 * math.log10(2.0)  # a slope of one
STEEPEST_DB = np.float32(OCTAVE_DB)
SLOPES = 49  # at which the power is known, from one end to the other

F0, ONE, SPACING = np.float32(0.0), np.float32(1.0), np.float32(APART)
PER_SLOPE = np.float32(1.0 / OCTAVE_DB)
PLACES = np.float32((SLOPES - 1) / (2.0 * OCTAVE_DB))
PER_FRAME = np.float32(1.0 / QUANTUM)
LEFT, RIGHT = range(2)
INPUT, OUTPUT = range(2)  # rows of what a section keeps


def _responses(sample_rate: int, slope: float, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power (hz,) that the tilt passes, by its formula."""
    poles = np.minimum(_poles(sample_rate), CUTOFF_MAX)
    p, z = np.tan(np.pi * poles), np.tan(np.pi * np.minimum(poles * 2.0 ** (-APART * slope), CUTOFF_MAX))
    s = 1j * np.tan(np.pi * hz / sample_rate)[:, None]
    power: NDArray[np.float64] = np.abs(np.prod((s + z) / (s + p), axis=1)) ** 2
    return power


def _poles(sample_rate: int) -> NDArray[np.float64]:
    """Cycles a sample."""
    return np.asarray(LOWEST_HZ / sample_rate * 2.0 ** (APART * np.arange(SECTIONS)), np.float64)


@lru_cache(maxsize=8)
def _levels(sample_rate: int) -> Floats:
    """What brings the noise of each of SLOPES slopes to an RMS of 1."""
    hz = np.linspace(0.0, 0.5 * sample_rate, 1 << 14, endpoint=False) + 0.25 * sample_rate / (1 << 14)
    powers = [_responses(sample_rate, slope, hz).mean() for slope in np.linspace(-1.0, 1.0, SLOPES)]
    return (1.0 / np.sqrt(powers)).astype(np.float32)


@kernel
def _tilt(row, kept, c, pole, slope):  # type: ignore[no-untyped-def]
    """One section over a quantum of one channel, in place."""
    p, z = prewarp(pole), prewarp(pole * exp2(-SPACING * slope))
    scale = ONE / (ONE + p)
    b0, b1, a1 = (ONE + z) * scale, (z - ONE) * scale, (ONE - p) * scale
    x1, y = kept[INPUT, c], kept[OUTPUT, c]
    for n in range(QUANTUM):
        x = row[c, n]
        y = fma(a1, y, fma(b1, x1, b0 * x))
        row[c, n], x1 = y, x
    kept[INPUT, c], kept[OUTPUT, c] = x1, y


@kernel
def _render(slope_db, gain, quanta, out, random, poles, levels, kept, row):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = q * QUANTUM
        start, stop = sane(gain[q]), sane(gain[q + 1])
        if start == F0 and stop == F0:
            kept[:] = F0
            for n in range(at, at + QUANTUM):
                out[LEFT, n], out[RIGHT, n] = F0, F0
            continue
        steep_db = clamp(sane(slope_db[q + 1]), -STEEPEST_DB, STEEPEST_DB)
        place = (steep_db + STEEPEST_DB) * PLACES
        k = min(int(place), SLOPES - 2)
        level = UNIFORM_SPREAD * (levels[k] + (place - np.float32(k)) * (levels[k + 1] - levels[k]))
        for c in range(2):
            state = random[c]
            for n in range(QUANTUM):
                state = xorshift32(state)
                row[c, n] = level * bipolar(state)
            random[c] = state
            for i in range(SECTIONS):
                _tilt(row, kept[i], c, poles[i], steep_db * PER_SLOPE)
            for n in range(QUANTUM):
                out[c, at + n] = row[c, n] * (start + np.float32(n) * PER_FRAME * (stop - start))


class ColouredNoise:
    """Noise in stereo whose spectrum is straight from 20 Hz to where the sample rate ends it."""

    def __init__(self, sample_rate: int, seed: int) -> None:
        self._seed = seed
        self._random = np.zeros(2, np.uint32)
        self._state = (
            np.minimum(_poles(sample_rate), CUTOFF_MAX).astype(np.float32),
            _levels(sample_rate),
            np.zeros((SECTIONS, 2, 2), np.float32),
            np.zeros((2, QUANTUM), np.float32),
        )
        self.reset()

    def reset(self) -> None:
        """Start again from the seed."""
        self._random[:] = noise_states(stream(self._seed, "coloured"), 2)
        self._state[2][:] = 0.0

    def render(self, slope_db: Floats, gain: Floats, quanta: int, out: Floats) -> None:
        """Overwrite `out[:, : quanta * 64]`, (2, frames) float32, with noise of RMS `gain`.

        `slope_db` an octave, -6.02 (brown) by -3 (pink) and 0 (white) to 6.02 (violet), and `gain` have a value for
        each quantum edge.
        """
        _render(slope_db, gain, quanta, out, self._random, *self._state)
