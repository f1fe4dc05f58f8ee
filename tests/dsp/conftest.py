"""How the tests of effects run a unit: in blocks of whole quanta, with its parameters at the quantum edges."""

from __future__ import annotations

import numba
import numpy as np
import pytest

QUANTUM = 64


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """As plain Python, what measures seconds of sound is left out: it would take minutes."""
    if numba.config.DISABLE_JIT:
        long = [item for item in items if item.get_closest_marker("measured")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def rendered():
    """`rendered(unit, x, quanta, **edges)`: the output for `x` (2, frames) in blocks of `quanta`, over and over.

    Each of `edges` is one number, or one for every quantum edge.
    """

    def run(unit, x, quanta=(64,), **edges):
        total = x.shape[1] // QUANTUM
        rows = {k: np.broadcast_to(np.asarray(v, np.float32), total + 1) for k, v in edges.items()}
        out = np.zeros((2, total * QUANTUM), np.float32)
        start, turn = 0, 0
        while start < total:
            count = min(quanta[turn % len(quanta)], total - start)
            frames = slice(start * QUANTUM, (start + count) * QUANTUM)
            block, piece = np.zeros((2, 4096), np.float32), np.full((2, 4096), 7.0, np.float32)
            block[:, : count * QUANTUM] = x[:, frames]
            given = {}
            for name, row in rows.items():
                given[name] = np.zeros(65, np.float32)
                given[name][: count + 1] = row[start : start + count + 1]
            unit.render(block, count, piece, **given)
            out[:, frames] = piece[:, : count * QUANTUM]
            assert (piece[:, count * QUANTUM :] == 7.0).all(), "wrote past the block"
            start, turn = start + count, turn + 1
        return out

    return run


@pytest.fixture(scope="session")
def noise():
    """`noise(quanta, level)`: seeded white stereo noise of standard deviation `level`, float32."""

    def make(quanta, level=0.3, seed=1):
        return np.random.default_rng(seed).normal(0.0, level, (2, quanta * QUANTUM)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def sine():
    """`sine(hz, quanta, level)`: the same sine in both channels."""

    def make(hz, quanta, level=1.0, rate=48000):
        row = level * np.sin(2.0 * np.pi * hz / rate * np.arange(quanta * QUANTUM))
        return np.stack((row, row)).astype(np.float32)

    return make
