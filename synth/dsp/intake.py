"""What effects share at a quantum's edge: they take a stereo signal in, and forget what has died away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM

LONGEST_BLOCK = 64  # quanta
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)  # from one edge towards the next
F0 = np.float32(0.0)
FRAME, QUIET, LIMIT = range(3)  # of `counts`: frames so far, quanta of silence, and after how many nothing sounds
WILD, FLUSH = np.float32(1e6), np.float32(1e-9)


def held(value: float) -> NDArray[np.float32]:
    """A parameter that stands still: `value` at each quantum edge of the longest block."""
    return np.full(LONGEST_BLOCK + 1, value, np.float32)


@kernel
def take(x, at, dry):  # type: ignore[no-untyped-def]
    """Copy the quantum of `x` (2, frames) from `at` on into `dry` (2, 64); True if any of it sounds.

    What is not a number, or above 120 dBFS, becomes 0: it would stay in a filter for ever.
    """
    loudest = F0
    for c in range(2):
        for n in range(QUANTUM):
            v = x[c, at + n]
            v = v if abs(v) < WILD else F0
            dry[c, n] = v
            loudest = max(loudest, abs(v))
    return loudest > F0


@kernel
def hush(out, at):  # type: ignore[no-untyped-def]
    """One quantum of silence in `out` (2, frames)."""
    for c in range(2):
        for n in range(QUANTUM):
            out[c, at + n] = F0


@kernel
def faint(memory):  # type: ignore[no-untyped-def]
    """True if all of a filter's memory (rows, columns) is under 1e-9; it is set to 0 then."""
    total = F0
    for i in range(memory.shape[0]):
        for j in range(memory.shape[1]):
            total += abs(memory[i, j])
    if total >= FLUSH:
        return False
    memory[:] = F0
    return True


def counts(longest: float) -> NDArray[np.int64]:
    """Counts for `rests`, at rest, of an effect in which nothing lasts longer than `longest` frames of silence."""
    limit = int(longest) // QUANTUM + 2
    return np.array([0, limit, limit], np.int64)


@kernel
def rests(counts, heard, memory):  # type: ignore[no-untyped-def]
    """True once nothing has been heard for the limit of `counts`; `memory` is set to 0 when that begins."""
    if heard:
        counts[QUIET] = 0
    elif counts[QUIET] < counts[LIMIT]:
        counts[QUIET] += 1
        if counts[QUIET] == counts[LIMIT]:
            memory[:] = F0
    return counts[QUIET] == counts[LIMIT]
