"""Frequency modulation by one operator of another: Chowning, "The synthesis of complex audio spectra by means of
frequency modulation", JAES 21(7), 1973; as phase modulation, so that the pitch stays where it is.

A carrier at `c` with index I and modulator at `r c` has lines at `c + n r c` of height J_n(I). The index is held
below the one at which a line of SPILL would pass half the sample rate, so what folds back lies under that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import sane
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import sine
from synth.dsp.wavetable import CYCLE, MASK

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
PER_FRAME = np.float32(1.0 / QUANTUM)
PHASE_SHIFT, TO_CYCLES = np.int64(8), np.float32(2.0**-24)
PER_RADIAN = np.float32(0.5 / np.pi)
SPILL = 3e-5  # of the carrier by itself: -80 dB of the strongest line, which is lower
LINES = 64  # lines looked at either side
INDEX_MAX = 40.0  # all of its lines above SPILL are among them
RATIO_MAX = np.float32(32.0)

# Rows of the phases, int64 and 32 bits: carrier and modulator, what a frame adds to each, what it adds to that.
CARRIER, MODULATOR, CARRIER_STEP, MODULATOR_STEP, CARRIER_RISE, MODULATOR_RISE, PHASES = range(7)
# Rows of the levels: index in cycles and gain now, and what each frame adds.
INDEX, GAIN, INDEX_RISE, GAIN_RISE, LEVELS = range(5)


def index_limits() -> Floats:
    """(LINES + 1,) float32: the highest index with which line n and all beyond are under SPILL; 0 for n = 0."""
    theta = 2.0 * np.pi * np.arange(4 * LINES) / (4 * LINES)
    index = np.linspace(0.0, INDEX_MAX, 2001)[:, None]
    line = np.abs(np.fft.fft(np.exp(1j * index * np.sin(theta)))[:, : LINES + 1]) / theta.size
    beyond = np.maximum.accumulate(line[:, ::-1], axis=1)[:, ::-1]
    under = np.minimum.accumulate(beyond < SPILL, axis=0)
    limits = index[np.maximum(under.sum(axis=0) - 1, 0), 0]
    return limits.astype(np.float32)


def index_of(depth: float, velocity: float, octaves: float = 2.5, brightness_oct: float = 0.0) -> float:
    """The index of a note of `velocity` (0 to 1): `depth` at 0.5, and the octaves up or down that it is played or set
    brighter. 2.5 octaves suit what is struck, 1.5 what is plucked, 1 what is blown."""
    return depth * 2.0 ** (octaves * (velocity - 0.5) + brightness_oct)


@kernel
def index_limit(carrier: np.float32, modulator: np.float32, limits: Floats) -> np.float32:
    """Highest index, in radians, of a pair at so many cycles per sample."""
    if carrier >= HALF:
        return ZERO
    lines = (HALF - carrier) / max(modulator, np.float32(1e-6))
    return limits[min(int(lines) + 1, LINES)] if lines >= ONE else ZERO


@kernel
def render_fm(
    hz: Floats,
    ratio: Floats,
    index: Floats,
    gain: Floats,
    quanta: int,
    second: np.float32,
    limits: Floats,
    phases: Integers,
    levels: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `out` (frames, voices) from values at the edges, (edges, voices); `second` is 1 over
    the sample rate. Where nobody has a gain the phases run on in one step."""
    voices = phases.shape[1]
    for q in range(quanta):
        first = q * QUANTUM
        heard = False
        for v in range(voices):
            heard = heard or gain[q, v] != ZERO or gain[q + 1, v] != ZERO
            carrier = max(ZERO, min(hz[q, v] * second, HALF))
            to_carrier = max(ZERO, min(hz[q + 1, v] * second, HALF))
            modulator = carrier * max(ZERO, min(ratio[q, v], RATIO_MAX))
            to_modulator = to_carrier * max(ZERO, min(ratio[q + 1, v], RATIO_MAX))
            here = max(ZERO, min(index[q, v], index_limit(carrier, modulator, limits)))
            there = max(ZERO, min(index[q + 1, v], index_limit(to_carrier, to_modulator, limits)))
            levels[INDEX, v] = PER_RADIAN * here
            levels[INDEX_RISE, v] = PER_RADIAN * PER_FRAME * (there - here)
            levels[GAIN, v] = sane(gain[q, v]) if carrier < HALF else ZERO
            to_gain = sane(gain[q + 1, v]) if to_carrier < HALF else ZERO
            levels[GAIN_RISE, v] = PER_FRAME * (to_gain - levels[GAIN, v])
            step, to_step = np.float64(carrier) * CYCLE, np.float64(to_carrier) * CYCLE
            phases[CARRIER_STEP, v] = np.int64(step)
            phases[CARRIER_RISE, v] = np.int64((to_step - step) / QUANTUM)
            step, to_step = np.float64(modulator) * CYCLE, np.float64(to_modulator) * CYCLE
            phases[MODULATOR_STEP, v] = np.int64(step)
            phases[MODULATOR_RISE, v] = np.int64((to_step - step) / QUANTUM)
        if heard:
            for n in range(first, first + QUANTUM):
                k = np.int64(n - first)
                t, turns = np.float32(k), k * (k - 1) // 2
                for v in range(voices):
                    a = phases[CARRIER, v] + k * phases[CARRIER_STEP, v] + turns * phases[CARRIER_RISE, v]
                    b = phases[MODULATOR, v] + k * phases[MODULATOR_STEP, v] + turns * phases[MODULATOR_RISE, v]
                    bend = sine(np.float32((b & MASK) >> PHASE_SHIFT) * TO_CYCLES)
                    bend *= levels[INDEX, v] + t * levels[INDEX_RISE, v]
                    at = np.float32((a & MASK) >> PHASE_SHIFT) * TO_CYCLES + bend
                    out[n, v] = (levels[GAIN, v] + t * levels[GAIN_RISE, v]) * sine(at - np.floor(at))
        else:
            for n in range(first, first + QUANTUM):
                for v in range(voices):
                    out[n, v] = ZERO
        turns = np.int64(QUANTUM * (QUANTUM - 1) // 2)
        for v in range(voices):
            a = phases[CARRIER, v] + QUANTUM * phases[CARRIER_STEP, v] + turns * phases[CARRIER_RISE, v]
            b = phases[MODULATOR, v] + QUANTUM * phases[MODULATOR_STEP, v] + turns * phases[MODULATOR_RISE, v]
            phases[CARRIER, v] = a & MASK
            phases[MODULATOR, v] = b & MASK


class FmPair:
    """A carrier and its modulator for each of `voices` voices (a multiple of 16 is fastest) at `sample_rate` Hz."""

    def __init__(self, sample_rate: int, voices: int) -> None:
        self.phases = np.zeros((PHASES, voices), np.int64)
        self._levels = np.zeros((LEVELS, voices), np.float32)
        self._limits = index_limits()
        self._second = np.float32(1.0 / sample_rate)

    def reset(self) -> None:
        """Start all phases at 0 again."""
        self.phases[:] = 0

    def start(self, voice: int) -> None:
        """Start the phases of one voice at 0, as a struck note does; only while its gain is 0."""
        self.phases[CARRIER : MODULATOR + 1, voice] = 0

    def render(self, hz: Floats, ratio: Floats, index: Floats, gain: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (frames, voices) float32.

        All are (quanta + 1, voices) float32, values at the quanta's edges, linear between: `hz` of the carrier
        (silent from half the sample rate on), `ratio` of the modulator to it (0 to RATIO_MAX), `index` in radians
        (see `index_of`), held where lines of SPILL would fold back, and `gain`, the peak of the wave.
        """
        render_fm(hz, ratio, index, gain, quanta, self._second, self._limits, self.phases, self._levels, out)
