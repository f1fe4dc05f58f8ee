"""A look-ahead limiter of true peaks: the gain alone, one quantum at a time.

Peaks are read on a grid of four per sample (BS.1770-4 annex 2). The wanted gain is held at its minimum over the
look-ahead, released slowly, and averaged over the same time, so that the gain at each sample is never above the one
wanted there and never steps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.loudness import interpolator
from synth.dsp.quantum import QUANTUM

PHASES = 4
TAPS = 24
LOOK_AHEAD_S = 0.005
RELEASE_S = 0.2
MARGIN_DB = 0.7  # for what a grid of four misses: 0.6 dB in white noise

HISTORY = TAPS - 1
RELEASED, RATE, CEILING, REACH, TOTAL = range(5)  # of the float64 state
CALM, LOOK = range(2)  # of the int64 state: quanta without a peak, look-ahead in samples
PEAK, SUM, LEAST, SPARE = range(4)  # rows of `work`

F0, F1 = np.float32(0.0), np.float32(1.0)
NEARLY = 1.0 - 1e-6
SPAN, U1, U2, U3, U4 = (np.uint64(u) for u in (QUANTUM, 1, 2, 3, 4))
TAPS_U, OLDER, NEWER = np.uint64(TAPS), np.uint64(TAPS // 2 - 1), np.uint64(TAPS // 2)


@kernel
def _peaks(history, phases, work, ceiling):  # type: ignore[no-untyped-def]
    """Largest magnitude of both channels from 12 to 11 samples before each of the quantum's, at least `ceiling`."""
    for n in range(SPAN):
        work[PEAK, n] = ceiling
    for c in range(2):
        for n in range(SPAN):
            work[PEAK, n] = max(work[PEAK, n], abs(history[c, n + OLDER]), abs(history[c, n + NEWER]))
        for p in range(PHASES):
            for n in range(SPAN):
                work[SUM, n] = F0
            for k in range(np.uint64(0), TAPS_U, U4):
                h0, h1, h2, h3 = phases[p, k], phases[p, k + U1], phases[p, k + U2], phases[p, k + U3]
                for n in range(SPAN):
                    near = h0 * history[c, n + k] + h1 * history[c, n + k + U1]
                    far = h2 * history[c, n + k + U2] + h3 * history[c, n + k + U3]
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
        phases = interpolator(PHASES, TAPS, 7.0)[:, ::-1].astype(np.float32)
        state = np.zeros(5)
        state[TOTAL] = look
        state[RELEASED] = 1.0
        state[RATE] = 1.0 - math.exp(-1.0 / (RELEASE_S * sample_rate))
        state[CEILING] = 10.0 ** ((ceiling_dbtp - MARGIN_DB) / 20.0)
        state[REACH] = np.abs(phases).sum(axis=1).max()
        self.latency_frames = look + TAPS // 2 - 1
        self.arrays = (
            np.zeros((2, HISTORY + QUANTUM), np.float32),
            np.ascontiguousarray(phases),
            np.ones(look + QUANTUM, np.float32),
            np.ones(look + QUANTUM, np.float32),
            np.zeros((4, look + QUANTUM), np.float32),
            state,
            np.array([0, look], np.int64),
        )

    def gain(self, loud: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """One quantum: `loud` (2, 64) in, `out` (64,) the gain of the samples `latency_frames` earlier."""
        limiter_gain(loud, *self.arrays, out)
