"""Generators and walks: the published sequence, and the statistics promised."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.dsp._jit import kernel
from synth.dsp.noise import bipolar, noise_states, unipolar, walk, xorshift32


@kernel
def white(state, out):
    for n in range(out.shape[0]):
        state = xorshift32(state)
        out[n] = bipolar(state)


@kernel
def wander(state, elapsed, out):
    x = np.float32(0.0)
    for n in range(out.shape[0]):
        state = xorshift32(state)
        x = walk(x, elapsed, bipolar(state))
        out[n] = x


def marsaglia(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)


def test_the_published_first_number():
    assert int(xorshift32(np.uint32(2463534242))) == 723471715


@given(st.integers(1, 2**32 - 1))
def test_equals_its_twin_and_never_sticks(x):
    assert int(xorshift32(np.uint32(x))) == marsaglia(x) != 0


@given(st.integers(1, 2**32 - 1))
def test_ranges(x):
    assert -1.0 <= float(bipolar(np.uint32(x))) <= 1.0
    assert 0.0 <= float(unipolar(np.uint32(x))) <= 1.0


def test_white_noise_is_uniform_and_flat():
    x = np.zeros(16384, np.float32)
    white(np.uint32(12345), x)
    assert abs(x.mean()) < 0.02
    assert x.var() == pytest.approx(1.0 / 3.0, rel=0.03)
    octaves = np.abs(np.fft.rfft(x)) ** 2 / x.size
    for first in (64, 256, 1024, 4096):
        assert octaves[first : 2 * first].mean() == pytest.approx(1.0 / 3.0, rel=0.5 * (64 / first) ** 0.5 + 0.05)
    lags = [x[:-lag] @ x[lag:] / (x @ x) for lag in (1, 2, 3, 7)]
    assert np.abs(lags).max() < 0.03


def test_a_walk_has_its_spread_and_its_time():
    x = np.zeros(40000, np.float32)
    wander(np.uint32(99), np.float32(0.02), x)
    assert x.std() == pytest.approx(1.0, abs=0.15)
    assert abs(x.mean()) < 0.25
    centred = x - x.mean()
    after_one = centred[:-50] @ centred[50:] / (centred @ centred)
    assert after_one == pytest.approx(np.exp(-1.0), abs=0.15)


def test_states_are_many_and_repeat_with_the_seed():
    first, again, other = (noise_states(random.Random(seed), 32) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.unique(first).size == 32 and first.all() and first.dtype == np.uint32
