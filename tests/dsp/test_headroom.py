"""Headroom: late by the look-ahead, one gain for all channels, under the ceiling, splits, silence."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import signal

from synth.dsp.headroom import Headroom
from synth.dsp.loudness import true_peak_dbtp

QUANTUM = 64
RATE = 48000
QUANTA = 60 if not numba.config.DISABLE_JIT else 9


def held(x, ceiling_dbtp=-3.0, sizes=(64,)):
    unit = Headroom(RATE, ceiling_dbtp, x.shape[0])
    out, start, turn = x.copy(), 0, 0
    while start < x.shape[1] // QUANTUM:
        count = min(sizes[turn % len(sizes)], x.shape[1] // QUANTUM - start)
        block, frames = np.zeros((x.shape[0], 4096), np.float32), slice(start * QUANTUM, (start + count) * QUANTUM)
        block[:, : count * QUANTUM] = x[:, frames]
        unit.render(block, count)
        out[:, frames] = block[:, : count * QUANTUM]
        start, turn = start + count, turn + 1
    return out, unit.latency_frames


def noise(channels, level):
    """Under 6 kHz: white noise has more between its samples than music does."""
    white = np.random.default_rng(1).normal(0.0, level, (channels, QUANTA * QUANTUM))
    return signal.sosfilt(signal.butter(4, 6000.0, fs=RATE, output="sos"), 2.0 * white).astype(np.float32)


def test_what_is_under_the_ceiling_is_only_late():
    x = noise(4, 0.05)
    out, late = held(x)
    assert np.array_equal(out[:, late:], x[:, :-late]) and not out[:, :late].any()


@pytest.mark.parametrize("loud", [0, 1, 2, 3])
def test_all_channels_get_what_the_loudest_needs(loud):
    x = noise(4, 0.05)
    x[loud] *= 12.0
    out, late = held(x)
    gain = out[:, late:].astype(float) / x[:, :-late]
    assert np.allclose(gain, gain[0], rtol=1e-3) and gain.min() < 0.6
    assert max(true_peak_dbtp(row[None]) for row in out) <= -3.0


@pytest.mark.parametrize("sizes", [(1,), (5, 3, 17)])
def test_any_split_gives_the_same_samples(sizes):
    x = noise(4, 0.4)
    x[:, 3 * QUANTUM :] *= 0.3  # and the gain comes back
    assert np.array_equal(held(x)[0], held(x, sizes=sizes)[0])


def test_silence():
    assert not held(np.zeros((2, 8 * QUANTUM), np.float32))[0].any()
