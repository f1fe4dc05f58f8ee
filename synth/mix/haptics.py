"""The haptic bus: a signal to be felt, beside the sum, in time with the mix and gone with it when the guard closes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.instruments.base import MAX_FRAMES, QUANTUM, Edges
from synth.instruments.haptic import Haptic

_SILENT = np.float32(1e-9)


class HapticBus:
    """`heard` (MAX_FRAMES,) is what leaves, late by `latency_frames` as the mix is."""

    def __init__(self, sample_rate: int, seed: int, latency_frames: int) -> None:
        self.heard = np.zeros(MAX_FRAMES, np.float32)
        self._haptic = Haptic(sample_rate, seed)
        self._made = np.zeros(MAX_FRAMES, np.float32)
        self._before = np.zeros(MAX_FRAMES, np.float32)
        self._held = np.zeros(latency_frames, np.float32)

    def render(self, edges: Edges, quanta: int, gain: NDArray[np.float32]) -> None:
        """The next `quanta`, and the master's `gain` (MAX_FRAMES,) before the guard has seen it."""
        frames, late = quanta * QUANTUM, self._held.size
        self._haptic.render(edges, quanta, self._made)
        line = np.concatenate((self._held, self._made[:frames]))
        self.heard[:frames], self._held = line[:frames], line[frames : frames + late]
        self._before[:frames] = gain[:frames]

    def follow(self, gain: NDArray[np.float32], quanta: int) -> None:
        """Take back as much as the guard took from `gain`."""
        frames = quanta * QUANTUM
        self.heard[:frames] *= np.minimum(gain[:frames] / np.maximum(self._before[:frames], _SILENT), np.float32(1.0))
