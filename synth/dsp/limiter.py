"""A look-ahead limiter of true peaks: the gain alone, one quantum at a time.

Peaks are read on a grid of twelve per sample (BS.1770-4, annex 2, asks for four) by a filter with the corner of
libswresample's, and so of ffmpeg's meter, which reads steady sound that is limited 0.02 to 0.08 dB under the ceiling.
An ideal interpolator finds the same in what lies below 0.44 of the sample rate; in noise right up to half of it, it
finds a decibel or two more.

The wanted gain is held at its minimum over the look-ahead, released slowly, and averaged over the same time, so that
the gain at each sample is never above the one wanted there and never steps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.fused import fma
from synth.dsp.quantum import QUANTUM

PHASES = 12
TAPS = 24
BETA = 5.1  # with 24 taps the corner that libswresample has with 32 and 9
LOOK_AHEAD_S = 0.005
RELEASE_S = 0.2
MARGIN_DB = 0.06  # for what the grid misses: 0.04 dB in white noise

HISTORY = TAPS - 1
RELEASED, RATE, CEILING, REACH, TOTAL = range(5)  # of the float64 state
CALM, LOOK = range(2)  # of the int64 state: quanta without a peak, look-ahead in samples
PEAK, SUM, LEAST, SPARE = range(4)  # rows of `work`

F0, F1 = np.float32(0.0), np.float32(1.0)
NEARLY = 1.0 - 1e-6
SPAN, BETWEEN, ALL_TAPS = np.uint64(QUANTUM), np.uint64(PHASES - 1), np.uint64(TAPS)
OLDER, NEWER = np.uint64(TAPS // 2 - 1), np.uint64(TAPS // 2)
U0, U1, U2, U3, U4, U5, U6, U7, STEP = (np.uint64(n) for n in range(9))


def _between() -> NDArray[np.float64]:
    """(PHASES - 1, TAPS): what reads between the two samples in the middle, a Kaiser-windowed sinc of gain 1 at DC."""
    i = np.arange(PHASES * TAPS) - PHASES * TAPS / 2.0
    h = np.sinc(i / PHASES) * np.kaiser(PHASES * TAPS + 1, BETA)[:-1]
    branches: NDArray[np.float64] = h.reshape(TAPS, PHASES).T[1:]
    return branches / branches.sum(axis=1, keepdims=True)


@kernel
def _peaks(history, phases, work, ceiling):  # type: ignore[no-untyped-def]
    """Largest magnitude of both channels from 12 to 11 samples before each of the quantum's, at least `ceiling`."""
    for n in range(SPAN):
        work[PEAK, n] = ceiling
    for c in range(2):
        for n in range(SPAN):
            work[PEAK, n] = max(work[PEAK, n], abs(history[c, n + OLDER]), abs(history[c, n + NEWER]))
        for p in range(BETWEEN):
            for n in range(SPAN):
                work[SUM, n] = F0
            for k in range(U0, ALL_TAPS, STEP):
                h0, h1, h2, h3 = phases[p, k], phases[p, k + U1], phases[p, k + U2], phases[p, k + U3]
                h4, h5, h6, h7 = phases[p, k + U4], phases[p, k + U5], phases[p, k + U6], phases[p, k + U7]
                for n in range(SPAN):
                    i = n + k
                    x0, x1, x2, x3 = history[c, i], history[c, i + U1], history[c, i + U2], history[c, i + U3]
                    x4, x5, x6, x7 = history[c, i + U4], history[c, i + U5], history[c, i + U6], history[c, i + U7]
                    near = fma(h3, x3, fma(h2, x2, fma(h1, x1, h0 * x0)))
                    far = fma(h7, x7, fma(h6, x6, fma(h5, x5, h4 * x4)))
                    work[SUM, n] += near + far
            for n in range(SPAN):
                work[PEAK, n] = max(work[PEAK, n], abs(work[SUM, n]))


@kernel
def _least(want, work, look):  # type: ignore[no-untyped-def]
    """Minimum of `want` over `look + 1` samples up to each of the quantum's, by windows of doubling length."""
    total = np.uint64(look + QUANTUM)
    for n in range(total):
        work[LEAST, n] = want[n]
    row, width = LEAST, 1
    while 2 * width <= look + 1:
        step, other = np.uint64(width), SPARE + LEAST - row
        for n in range(total - step):
            work[other, n] = min(work[row, n], work[row, n + step])
        row, width, total = other, 2 * width, total - step
    step = np.uint64(look + 1 - width)
    for n in range(SPAN):
        work[SUM, n] = min(work[row, n], work[row, n + step])


@kernel
def limiter_gain(loud, history, phases, want, released, work, state, counts, gain):  # type: ignore[no-untyped-def]
    """Write to `gain` (64,) what limits the samples `latency_frames` before those of `loud` (2, 64)."""
    look, ceiling = counts[LOOK], np.float32(state[CEILING])
    largest = F0
    for c in range(2):
        for n in range(HISTORY):
            history[c, n] = history[c, n + QUANTUM]
            largest = max(largest, abs(history[c, n]))
        for n in range(QUANTUM):
            history[c, HISTORY + n] = loud[c, n]
            largest = max(largest, abs(loud[c, n]))
    # below this nothing between the samples reaches the ceiling either
    calm = bool(largest * np.float32(state[REACH]) <= ceiling)
    if not calm:
        _peaks(history, phases, work, ceiling)
        over = 0
        for n in range(QUANTUM):
            over += work[PEAK, n] != ceiling
        calm = over == 0
    if calm and counts[CALM] * QUANTUM > 2 * look + 2 * QUANTUM:
        for n in range(QUANTUM):
            gain[n] = F1
        return

    kept = np.uint64(look)
    for n in range(kept):
        want[n] = want[n + SPAN]
    for n in range(kept):
        released[n] = released[n + SPAN]
    for n in range(QUANTUM):
        want[look + n] = F1 if calm else ceiling / work[PEAK, n]
    _least(want, work, look)
    held, rate = state[RELEASED], state[RATE]  # in float64: float32 would stand still before it is back at 1
    open_wide = True
    for n in range(QUANTUM):
        held = min(held + rate * (1.0 - held), np.float64(work[SUM, n]))
        held = 1.0 if held > NEARLY else held
        open_wide = open_wide and held == 1.0
        released[look + n] = held
    state[RELEASED] = held
    counts[CALM] = counts[CALM] + 1 if open_wide else 0

    total = state[TOTAL]  # of the last `look` gains: exact in float64, down to gains of -120 dB
    for n in range(QUANTUM):
        total += np.float64(released[look + n]) - np.float64(released[n])
        gain[n] = np.float32(total / look)
    state[TOTAL] = total


class Limiter:
    """State of one limiter that keeps true peaks under `ceiling_dbtp`; a kernel calls `limiter_gain` with `arrays`."""

    def __init__(self, sample_rate: int, ceiling_dbtp: float) -> None:
        look = math.ceil(LOOK_AHEAD_S * sample_rate)
        phases, width = aligned((PHASES - 1, TAPS)), -(-(look + QUANTUM) // 16) * 16
        phases[:] = _between()
        want, released = aligned((width,)), aligned((width,))
        want[:], released[:] = 1.0, 1.0
        state = np.zeros(5)
        state[TOTAL] = look
        state[RELEASED] = 1.0
        state[RATE] = 1.0 - math.exp(-1.0 / (RELEASE_S * sample_rate))
        state[CEILING] = 10.0 ** ((ceiling_dbtp - MARGIN_DB) / 20.0)
        state[REACH] = np.abs(phases).sum(axis=1).max()
        self.latency_frames = look + TAPS // 2 - 1
        self.arrays = (
            aligned((2, -(-(HISTORY + QUANTUM) // 16) * 16)),
            phases,
            want,
            released,
            aligned((4, width)),
            state,
            np.array([0, look], np.int64),
        )

    def gain(self, loud: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """One quantum: `loud` (2, 64) in, `out` (64,) the gain of the samples `latency_frames` earlier."""
        limiter_gain(loud, *self.arrays, out)
