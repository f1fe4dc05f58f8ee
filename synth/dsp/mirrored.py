"""Delay lines in one memory, written and read a quantum at a time.

The start of each line is repeated after its end, so that a quantum, wherever it is read, lies in one piece.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM

OFFSET, LENGTH, WRITE, DELAY = range(4)  # rows of `places`: each line in the memory they share
MIRROR = 2 * QUANTUM
SPAN = np.uint64(QUANTUM)  # a signed index may be negative, which keeps a loop from being vectorised


def lines(delays: list[int], spare: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Memory, and `places` (4, lines), for `delays` in samples that may be exceeded by `spare`."""
    places = np.zeros((4, len(delays)), np.int64)
    places[DELAY] = delays
    places[LENGTH] = [math.ceil((d + s) / QUANTUM) * QUANTUM for d, s in zip(delays, spare, strict=True)]
    places[OFFSET] = np.concatenate(([0], np.cumsum(places[LENGTH] + MIRROR)[:-1]))
    return np.zeros(int(np.sum(places[LENGTH] + MIRROR)), np.float32), places


@kernel
def behind(places, line, delay):  # type: ignore[no-untyped-def]
    """Index in memory of the sample `delay` before the line's next write; a quantum or two may be read from there."""
    at = places[WRITE, line] - delay
    return np.uint64(places[OFFSET, line] + (at if at >= 0 else at + places[LENGTH, line]))


@kernel
def advance(memory, places, first, end):  # type: ignore[no-untyped-def]
    """Lines `first` to `end` have each been written a quantum on."""
    for line in range(first, end):
        write, length = places[WRITE, line], places[LENGTH, line]
        if write < MIRROR:
            at = np.uint64(places[OFFSET, line] + write)
            for n in range(at, at + SPAN):
                memory[n + np.uint64(length)] = memory[n]
        write += QUANTUM
        places[WRITE, line] = write if write < length else 0
