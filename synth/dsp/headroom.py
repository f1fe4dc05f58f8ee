"""True peaks of several channels held under a ceiling by one gain over time, which leaves directions alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.intake import WILD
from synth.dsp.limiter import Limiter, limiter_gain
from synth.dsp.quantum import QUANTUM

F0, F1 = np.float32(0.0), np.float32(1.0)


@kernel
def _pair(  # type: ignore[no-untyped-def]
    x, first, quanta, gain, loud, limited, history, phases, want, released, work, state, counts
):
    """Multiply `gain` (frames,) by what two channels of `x` need, as late as the limiter is."""
    for q in range(quanta):
        at = q * QUANTUM
        for c in range(2):
            for n in range(QUANTUM):
                v = x[first + c, at + n]
                loud[c, n] = v if abs(v) < WILD else F0
        limiter_gain(loud, history, phases, want, released, work, state, counts, limited)
        for n in range(QUANTUM):
            gain[at + n] = min(gain[at + n], limited[n])


@kernel
def _hold(x, quanta, gain, waiting):  # type: ignore[no-untyped-def]
    """Hold `x` back by as much, times the gain, which is 1 again afterwards."""
    late = waiting.shape[1] - QUANTUM
    for q in range(quanta):
        at = q * QUANTUM
        for c in range(x.shape[0]):
            for n in range(late):
                waiting[c, n] = waiting[c, n + QUANTUM]
            for n in range(QUANTUM):
                v = x[c, at + n]
                waiting[c, late + n] = v if abs(v) < WILD else F0
                x[c, at + n] = waiting[c, n] * gain[at + n]
        for n in range(QUANTUM):
            gain[at + n] = F1


class Headroom:
    """Keeps `channels` (even) under `ceiling_dbtp`, `latency_frames` behind its input; 1 as long as they are."""

    def __init__(self, sample_rate: int, ceiling_dbtp: float, channels: int = 2) -> None:
        self._limiters = [Limiter(sample_rate, ceiling_dbtp) for _ in range(channels // 2)]
        self.latency_frames = self._limiters[0].latency_frames
        self.channels = channels
        self._gain = np.ones(64 * QUANTUM, np.float32)
        self._loud, self._limited = np.zeros((2, QUANTUM), np.float32), np.zeros(QUANTUM, np.float32)
        self._waiting = np.zeros((channels, self.latency_frames + QUANTUM), np.float32)

    def render(self, x: NDArray[np.float32], quanta: int) -> None:
        """Hold back and limit the first `quanta` (at most 64) quanta of `x` (channels, frames), in place."""
        for i, limiter in enumerate(self._limiters):
            _pair(x, 2 * i, quanta, self._gain, self._loud, self._limited, *limiter.arrays)
        _hold(x, quanta, self._gain, self._waiting)
