"""Four-pole ladder low-pass, topology-preserving, without delay in its loop: Zavalishin, The Art of VA Filter Design
(2018), chapter 5.

Four one-poles of 6 dB an octave in a row, the last one's output taken from the first one's input. A one-pole's share
`g / (1 + g)`, g = tan(pi cutoff), is what is ramped: it lies between 0 and 1, and so do all on the way. Linear: a
resonance of 4 would ring for ever.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import sane
from synth.dsp.quantum import QUANTUM
from synth.dsp.svf import prewarp

Floats = NDArray[np.float32]

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
PER_FRAME = np.float32(1.0 / QUANTUM)
SILENT = np.float32(1e-9)
CUTOFF_MIN = np.float32(2e-4)  # cycles per sample
RESONANCE_MAX = np.float32(3.8)  # at 4 it would sound by itself

# Rows of the state, one column a voice: four memories; share and resonance now, and what each frame adds.
S1, S2, S3, S4, SHARE, RESONANCE, SHARE_RISE, RESONANCE_RISE, ROWS = range(9)


@kernel
def one_pole(cutoff: np.float32) -> np.float32:
    """Share of a one-pole whose corner is `cutoff` cycles per sample, held between CUTOFF_MIN and CUTOFF_MAX."""
    g = prewarp(max(CUTOFF_MIN, cutoff))
    return g / (ONE + g)


@kernel
def ladder(
    x: np.float32, s1: np.float32, s2: np.float32, s3: np.float32, s4: np.float32, share: np.float32, k: np.float32
) -> tuple[np.float32, np.float32, np.float32, np.float32, np.float32]:
    """One sample through the filter with memories `s1` to `s4` and resonance `k`: (low, s1, s2, s3, s4).

    Resonance takes `1 / (1 + k)` off the level below the corner; half of that, about, is given back."""
    past = (((s1 * share + s2) * share + s3) * share + s4) * (ONE - share)
    share2 = share * share
    u = (x * (ONE + HALF * k) - k * past) / (ONE + k * share2 * share2)
    v1 = (u - s1) * share
    y1 = v1 + s1
    v2 = (y1 - s2) * share
    y2 = v2 + s2
    v3 = (y2 - s3) * share
    y3 = v3 + s3
    v4 = (y3 - s4) * share
    y4 = v4 + s4
    return y4, y1 + v1, y2 + v2, y3 + v3, y4 + v4


@kernel
def render_ladder(
    x: Floats, cutoff_hz: Floats, resonance: Floats, quanta: int, second: np.float32, state: Floats
) -> None:
    """Filter `quanta` quanta of `x` (frames, voices) in place; `cutoff_hz` and `resonance` are (edges, voices),
    `second` is 1 over the sample rate. A quantum in which nothing goes in and nothing rings costs a look at it."""
    voices = state.shape[1]
    for q in range(quanta):
        first = q * QUANTUM
        level = ZERO
        for v in range(voices):
            level = max(level, abs(state[S1, v]) + abs(state[S2, v]) + abs(state[S3, v]) + abs(state[S4, v]))
        for n in range(first, first + QUANTUM):
            for v in range(voices):
                x[n, v] = sane(x[n, v])
                level = max(level, abs(x[n, v]))
        if level == ZERO:
            continue
        for v in range(voices):
            state[SHARE, v] = one_pole(second * cutoff_hz[q, v])
            state[RESONANCE, v] = max(ZERO, min(resonance[q, v], RESONANCE_MAX))
            state[SHARE_RISE, v] = (one_pole(second * cutoff_hz[q + 1, v]) - state[SHARE, v]) * PER_FRAME
            to = max(ZERO, min(resonance[q + 1, v], RESONANCE_MAX))
            state[RESONANCE_RISE, v] = (to - state[RESONANCE, v]) * PER_FRAME
        for n in range(first, first + QUANTUM):
            t = np.float32(n - first)
            for v in range(voices):
                share = state[SHARE, v] + t * state[SHARE_RISE, v]
                k = state[RESONANCE, v] + t * state[RESONANCE_RISE, v]
                x[n, v], state[S1, v], state[S2, v], state[S3, v], state[S4, v] = ladder(
                    x[n, v], state[S1, v], state[S2, v], state[S3, v], state[S4, v], share, k
                )
        for v in range(voices):
            for row in range(S1, S4 + 1):
                if abs(state[row, v]) < SILENT:
                    state[row, v] = ZERO


class Ladder:
    """A ladder low-pass for each of `voices` voices (a multiple of 16 is fastest) at `sample_rate` Hz."""

    def __init__(self, sample_rate: int, voices: int) -> None:
        self._second = np.float32(1.0 / sample_rate)
        self.state = np.zeros((ROWS, voices), np.float32)

    def reset(self) -> None:
        """Forget what was heard."""
        self.state[:] = 0.0

    def render(self, x: Floats, cutoff_hz: Floats, resonance: Floats, quanta: int) -> None:
        """Filter the first `quanta` quanta of `x`, (frames, voices) float32, in place.

        `cutoff_hz` and `resonance` are (quanta + 1, voices), the values at the quanta's edges, linear between. A
        corner is held within CUTOFF_MIN and CUTOFF_MAX of the sample rate, a resonance within 0 (-12 dB at the
        corner) and RESONANCE_MAX; up to 1 it is a bump of 2 or 3 dB, from 2.5 on it whistles.
        """
        render_ladder(x, cutoff_hz, resonance, quanta, self._second, self.state)
