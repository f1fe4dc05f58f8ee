"""Blocks, edges and settings for the tests of the mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.controls import COLUMN, CONTROLS, EDGE_COLUMNS, FADE
from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.mix import Mixer
from synth.preset import Space

RATE = 48000


class Flow:
    """Blocks of quanta, and edges that hold every control at its default, motion at 0, until a test moves some."""

    RATE = RATE

    @staticmethod
    def edges(quanta: int, **moved: float | Sequence[float] | NDArray[np.floating]) -> NDArray[np.float32]:
        """(quanta + 1, EDGE_COLUMNS); `moved` by control or lane name ("expression_db"): a number or one an edge."""
        lanes = {"expression_db": EDGE_COLUMNS - 3, "breath": EDGE_COLUMNS - 2, "fade": FADE}
        edges = np.zeros((quanta + 1, EDGE_COLUMNS), np.float32)
        edges[:, : len(CONTROLS)] = [c.default for c in CONTROLS]
        edges[:, FADE], edges[:, COLUMN["motion"]] = 1.0, 0.0
        for name, values in moved.items():
            edges[:, lanes[name] if name in lanes else COLUMN[name]] = values
        return edges

    @staticmethod
    def blocks(total: int, sizes: Sequence[int] = (MAX_QUANTA,)) -> Iterator[tuple[int, int]]:
        """(first quantum, quanta) of blocks of `sizes`, over and over, that fill `total` quanta."""
        start, turn = 0, 0
        while start < total:
            count = min(sizes[turn % len(sizes)], total - start)
            yield start, count
            start, turn = start + count, turn + 1

    @staticmethod
    def block(whole: NDArray[np.float32], start: int, count: int) -> NDArray[np.float32]:
        """A full-size buffer whose first `count` quanta are those of `whole` (..., frames) from `start` on."""
        buffer = np.zeros((*whole.shape[:-1], MAX_QUANTA * QUANTUM), np.float32)
        buffer[..., : count * QUANTUM] = whole[..., start * QUANTUM : (start + count) * QUANTUM]
        return buffer

    @staticmethod
    def edge_block(whole: NDArray[np.float32], start: int, count: int) -> NDArray[np.float32]:
        """As `block`, for edges."""
        buffer = np.zeros((MAX_QUANTA + 1, whole.shape[1]), np.float32)
        buffer[: count + 1] = whole[start : start + count + 1]
        return buffer

    @staticmethod
    def db(x: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Magnitudes in dB, at least -400."""
        return 20.0 * np.log10(np.maximum(np.abs(np.asarray(x, np.float64)), 1e-20))


@pytest.fixture(scope="session")
def flow() -> type[Flow]:
    return Flow


@pytest.fixture(scope="session")
def mixed(flow):
    def mix(stems, sounds, edges=None, sizes=(64,), seed=1, space=None):
        """Finished stems (names, 2, frames) and premaster of `sounds` by stem name; also the mixer."""
        mixer = Mixer(RATE, stems, space or Space(), seed)
        frames = next(iter(sounds.values())).shape[1]
        whole = np.zeros((len(mixer.names), 2, frames), np.float32)
        for s, name in enumerate(mixer.names[:-1]):
            whole[s] = sounds.get(name, 0.0)
        edges = flow.edges(frames // QUANTUM) if edges is None else edges
        finished, premaster = np.full_like(whole, 9.0), np.full((2, frames), 9.0, np.float32)
        for start, count in flow.blocks(frames // QUANTUM, sizes):
            block, out = flow.block(whole, start, count), np.zeros((2, 4096), np.float32)
            mixer.render(block, flow.edge_block(edges, start, count), count, out)
            span = slice(start * QUANTUM, (start + count) * QUANTUM)
            finished[..., span] = block[..., : count * QUANTUM]
            premaster[:, span] = out[:, : count * QUANTUM]
        return finished, premaster, mixer

    return mix
