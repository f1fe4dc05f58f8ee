"""Two second-order sections in a row, eight samples at a time (Burrus, "Block realization of digital filters", IEEE
Trans. Audio and Electroacoustics 20, 1972).

Eight outputs and the four states after them are a fixed matrix times eight inputs and the four states before: sums that
vectorise, where a recursion goes from sample to sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import butterworth
from synth.dsp.fused import fma
from synth.dsp.quantum import QUANTUM

BLOCK, STATES = 8, 4
ROW = 16  # outputs, states, and what fills two vectors
BANK = 2 * ROW  # what `filter_quantum` keeps of two channels
STEP, END, STRIDE = np.uint64(BLOCK), np.uint64(QUANTUM), np.uint64(ROW)
U0, U1, U2, U3, U4, U5, U6, U7 = (np.uint64(n) for n in range(8))
R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11 = (np.uint64(ROW * n) for n in range(1, BLOCK + STATES))


def band(highpass_hz: float, lowpass_hz: float, sample_rate: int) -> NDArray[np.float32]:
    """The matrix, flat, of a Butterworth high-pass and low-pass of second order."""
    high, low = butterworth(highpass_hz, sample_rate), butterworth(lowpass_hz, sample_rate)
    matrix = np.zeros((BLOCK + STATES, ROW))
    for row in range(BLOCK + STATES):
        state = [float(row == BLOCK + s) for s in range(STATES)]
        for n in range(BLOCK):
            passed, state[:2] = _section(high, state[:2], float(row == n))
            passed, state[2:] = _section(low, state[2:], passed[0])
            matrix[row, n] = passed[1]
        matrix[row, BLOCK : BLOCK + STATES] = state
    return matrix.astype(np.float32).ravel()


def _section(
    coefficients: tuple[float, float, float, float, float], state: list[float], x: float
) -> tuple[tuple[float, float], list[float]]:
    """High-pass and low-pass output, and the state, after one sample."""
    p, q, r, t, k = coefficients
    after = [p * state[0] - q * state[1] + q * x, q * state[0] + r * state[1] + t * x]
    low = 0.5 * (state[1] + after[1])
    return (x - 0.5 * k * (state[0] + after[0]) - low, low), after


@kernel
def filter_quantum(matrix, bank, x, at, out):  # type: ignore[no-untyped-def]
    """One quantum of both channels of `x` from column `at` into `out` (2, QUANTUM); `bank`, BANK long, is what is kept.

    `at` is a uint64; all else float32.
    """
    m = matrix
    for n in range(U0, END, STEP):
        for c in range(2):
            i, k = at + n, np.uint64(c) * STRIDE
            x0, x1, x2, x3 = x[c, i], x[c, i + U1], x[c, i + U2], x[c, i + U3]
            x4, x5, x6, x7 = x[c, i + U4], x[c, i + U5], x[c, i + U6], x[c, i + U7]
            s = k + STEP
            s0, s1, s2, s3 = bank[s], bank[s + U1], bank[s + U2], bank[s + U3]
            for j in range(STRIDE):
                early = fma(m[j + R3], x3, fma(m[j + R2], x2, fma(m[j + R1], x1, m[j] * x0)))
                late = fma(m[j + R7], x7, fma(m[j + R6], x6, fma(m[j + R5], x5, m[j + R4] * x4)))
                old = fma(m[j + R11], s3, fma(m[j + R10], s2, fma(m[j + R9], s1, m[j + R8] * s0)))
                bank[k + j] = (early + late) + old
            for j in range(STEP):
                out[c, n + j] = bank[k + j]


@kernel
def restless(bank):  # type: ignore[no-untyped-def]
    """How far the states are from rest, both channels' together."""
    left = (abs(bank[8]) + abs(bank[9])) + (abs(bank[10]) + abs(bank[11]))
    return left + ((abs(bank[24]) + abs(bank[25])) + (abs(bank[26]) + abs(bank[27])))
