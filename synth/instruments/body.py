"""The body of bowed strings, for all voices at once: a few broad resonances, and the hiss of the bows.

Resonances are band-passes beside the bare sound (main wood and air modes of violin to cello and the bridge hill, where
Jansson, Acoustics for Violin and Guitar Makers, 2002, has them). Each side's are lanes of one vector, with the bows'
noise, from 2 to 5 kHz, as one more.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.fused import fma
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, noise_states, xorshift32
from synth.dsp.svf import svf
from synth.instruments.base import QUANTUM, Buffer

Floats = NDArray[np.float32]

PEAKS = ((280.0, 3.5, 2.0), (480.0, 4.0, 2.0), (1000.0, 4.0, 1.0), (2600.0, 3.5, 2.0))  # Hz, Q, dB
BOW_LOW_HZ, BOW_HIGH_HZ = 2000.0, 5000.0
SIDE = 8  # lanes a side: the resonances, the bows, the rest without gain
BOWS = len(PEAKS)
LANES = 2 * SIDE

ZERO, ONE = np.float32(0.0), np.float32(1.0)
PER_FRAME = np.float32(1.0 / QUANTUM)
SILENT = np.float32(1e-9)
FRAMES, ACROSS, HALF = np.uint64(QUANTUM), np.uint64(LANES), np.uint64(SIDE)

# Fields of the state, as offsets; AWAKE and BOWED (the bows' level at the edge reached) are single numbers.
G, A1, A2, GAIN, S1, S2, AWAKE, BOWED, END = range(0, 9 * LANES, LANES)


def body(sample_rate: int, bow_db: float) -> Floats:
    """A body at rest; `bow_db` is its bows' noise re the power that `resound` is told of."""
    b = aligned((END,))
    wide_hz = math.sqrt(BOW_LOW_HZ * BOW_HIGH_HZ)
    bands = [(hz, q, 10.0 ** (db / 20.0) - 1.0) for hz, q, db in PEAKS]
    power = (BOW_HIGH_HZ - BOW_LOW_HZ) * math.pi / sample_rate  # of white noise behind it, at a peak of 1
    bands.append((wide_hz, wide_hz / (BOW_HIGH_HZ - BOW_LOW_HZ), 10.0 ** (bow_db / 20.0) / math.sqrt(power)))
    for lane, (hz, q, gain) in enumerate(bands):
        g = math.tan(math.pi * min(hz / sample_rate, 0.44))
        a1 = 1.0 / (1.0 + g * (g + 1.0 / q))
        for at in (lane, SIDE + lane):
            b[G + at], b[A1 + at], b[A2 + at], b[GAIN + at] = g, a1, g * a1, gain / q
    return b


def bows(draw: random.Random) -> NDArray[np.uint32]:
    """Starting states of the noise on either side, (2,)."""
    return noise_states(draw, 2)


@kernel
def resound(out: Buffer, frame: int, power: np.float32, b: Floats, randoms: NDArray[np.uint32], rows: Floats) -> None:
    """Add to a quantum of `out` from `frame` on what the body makes of it, and bows as loud as voices of `power`.

    `rows` is scratch, (QUANTUM * LANES,). Without power and sound it rests."""
    if power == ZERO and b[AWAKE] == ZERO:
        return
    to, bowed = np.uint64(frame), np.sqrt(power)
    rise = (bowed - b[BOWED]) * PER_FRAME
    for n in range(FRAMES):
        row, level = n * ACROSS, fma(np.float32(np.int32(n)), rise, b[BOWED])
        for v in range(HALF):
            rows[row + v] = out[0, to + n]
            rows[row + HALF + v] = out[1, to + n]
        for side in range(np.uint64(2)):
            randoms[side] = xorshift32(randoms[side])
            rows[row + side * HALF + np.uint64(BOWS)] = level * UNIFORM_SPREAD * bipolar(randoms[side])
    for n in range(FRAMES):
        row = n * ACROSS
        for v in range(ACROSS):
            _, band, b[S1 + v], b[S2 + v] = svf(rows[row + v], b[S1 + v], b[S2 + v], b[G + v], b[A1 + v], b[A2 + v])
            rows[row + v] = b[GAIN + v] * band
    for n in range(FRAMES):
        for side in range(np.uint64(2)):
            x = n * ACROSS + side * HALF
            low, high = rows[x] + rows[x + np.uint64(1)], rows[x + np.uint64(2)] + rows[x + np.uint64(3)]
            out[side, to + n] += (low + high) + rows[x + np.uint64(BOWS)]
    b[BOWED], b[AWAKE] = bowed, ONE
    if power == ZERO:
        level = ZERO
        for v in range(LANES):
            level = max(level, abs(b[S1 + v]) + abs(b[S2 + v]))
        if level < SILENT:
            for field in range(S1, AWAKE):
                b[field] = ZERO
            b[AWAKE], b[BOWED] = ZERO, ZERO
