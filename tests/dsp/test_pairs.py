"""Sums over lanes: against NumPy, and in the order they promise."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.pairs import add_lanes


@pytest.mark.parametrize("lanes", [8, 16, 32])
@pytest.mark.parametrize("frames", [1, 7, 64])
def test_equals_the_sum_in_pairs(lanes, frames):
    x = np.random.default_rng(lanes).normal(size=(frames, 2, lanes)).astype(np.float32)
    wanted = x.copy()
    while wanted.shape[2] > 1:
        wanted = wanted[:, :, 0::2] + wanted[:, :, 1::2]
    out = np.ones((2, 80), np.float32)
    add_lanes(x.reshape(-1), np.zeros(frames * 2 * lanes, np.float32), lanes, frames, out, 3)
    assert np.array_equal(out[:, 3 : 3 + frames], np.float32(1.0) + wanted[:, :, 0].T)
    assert (out[:, :3] == 1.0).all() and (out[:, 3 + frames :] == 1.0).all()
