"""Audio handed out in any number of frames, from blocks of whole quanta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.engine import Block
from synth.instruments.base import QUANTUM


@dataclass(frozen=True, slots=True)
class Audio:
    """Rendered audio, float32. `mix` and `premaster` (frames, 2), `stems` by name (frames, 2), `gain` (frames,).

    The stems sum to `premaster`; every stem times `gain` sums to `mix`. `haptic` (frames,) is silent unless asked for.
    """

    mix: NDArray[np.float32]
    premaster: NDArray[np.float32]
    stems: dict[str, NDArray[np.float32]]
    gain: NDArray[np.float32]
    haptic: NDArray[np.float32]


class Handout:
    """Takes blocks of `advance(quanta)` and hands out frames; what a block has too much is kept for the next time.

    `stems` names those that blocks carry, none when only the mix is kept.
    """

    def __init__(self, advance: Callable[[int], Block], stems: tuple[str, ...]) -> None:
        self._advance = advance
        self._stems = stems
        self._left = np.zeros((2 + (2 + 2 * len(stems) + 2 if stems else 0), 0), np.float32)

    def mix(self, frames: int) -> NDArray[np.float32]:
        """The next `frames` of the mix, (frames, 2)."""
        if self._stems or self._left.shape[1] or frames % QUANTUM:
            return np.ascontiguousarray(self._take(frames)[:2].T)
        out, filled = np.empty((frames, 2), np.float32), 0
        while filled < frames:
            mix = self._advance((frames - filled) // QUANTUM).mix
            out[filled : filled + mix.shape[1]] = mix.T
            filled += mix.shape[1]
        return out

    def audio(self, frames: int) -> Audio:
        """The next `frames` with all there is."""
        rows = self._take(frames)
        stems = {name: rows[4 + 2 * i : 6 + 2 * i].T for i, name in enumerate(self._stems)}
        return Audio(rows[0:2].T, rows[2:4].T, stems, rows[-2], rows[-1])

    def _take(self, frames: int) -> NDArray[np.float32]:
        """`frames` columns of mix, then (with stems) pre-master, stems, gain, haptic."""
        out = np.zeros((self._left.shape[0], frames), np.float32)
        filled = min(frames, self._left.shape[1])
        out[:, :filled] = self._left[:, :filled]
        self._left = self._left[:, filled:]
        while filled < frames:
            rows = self._pack(self._advance(-(-(frames - filled) // QUANTUM)))
            taken = min(frames - filled, rows.shape[1])
            out[:, filled : filled + taken] = rows[:, :taken]
            self._left = rows[:, taken:]
            filled += taken
        return out

    def _pack(self, block: Block) -> NDArray[np.float32]:
        if not self._stems:
            return block.mix.copy()
        haptic = block.haptic if block.haptic.size else np.zeros_like(block.gain)
        return np.concatenate((block.mix, block.premaster, *block.stems, block.gain[None], haptic[None]))
