"""Delay lines that are read between samples: rows of one power of two long, all written at the same frame.

Between samples a cubic through the four nearest is read (Lagrange; Laakso et al., "Splitting the unit delay", IEEE SPM
1996): flat within 0.25 dB up to a sixth of the sample rate.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM

F1, F2, HALF, SIXTH = np.float32(1.0), np.float32(2.0), np.float32(0.5), np.float32(1.0 / 6.0)
LEAST = 1.0  # samples of delay from which on all four are there
SPARE = QUANTUM + 4  # a whole quantum may be written before it is read


def rings(rows: int, longest: float) -> NDArray[np.float32]:
    """Memory for `rows` delays of up to `longest` samples."""
    return np.zeros((rows, 1 << math.ceil(math.log2(longest + SPARE))), np.float32)


@kernel
def whole(memory, row, at):  # type: ignore[no-untyped-def]
    """What was written to `row` at frame `at`, a count that never wraps."""
    return memory[row, at & (memory.shape[1] - 1)]


@kernel
def between(memory, row, at, delay):  # type: ignore[no-untyped-def]
    """What was written `delay` samples (float64, at least LEAST) before frame `at`, which is written already."""
    back = np.int64(delay)
    f = np.float32(delay - back)
    newer, a = whole(memory, row, at - back + 1), whole(memory, row, at - back)
    b, older = whole(memory, row, at - back - 1), whole(memory, row, at - back - 2)
    past, rest = F1 + f, F2 - f
    inner = (F1 - f) * a + f * b
    return HALF * past * rest * inner - SIXTH * f * (F1 - f) * (rest * newer + past * older)
