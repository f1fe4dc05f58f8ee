"""The ladder: measured responses, the transfer function it must equal, a naive twin, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.ladder import RESONANCE_MAX, S1, S4, Ladder
from synth.dsp.quantum import QUANTUM

RATE = 48000
VOICES = 4


def edges(values, quanta):
    """(quanta + 1, VOICES) of one number, one a voice or one an edge and voice."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float32), (quanta + 1, VOICES)))


def filtered(x, cutoff_hz, resonance, rate=RATE, quanta=(1000,), unit=None):
    """`x` (frames, VOICES) through the filter, in blocks of `quanta`, over and over."""
    unit = unit or Ladder(rate, VOICES)
    total = x.shape[0] // QUANTUM
    corner, k = edges(cutoff_hz, total), edges(resonance, total)
    out, start, turn = x.astype(np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        block = out[start * QUANTUM : (start + count) * QUANTUM]
        unit.render(block, corner[start : start + count + 1], k[start : start + count + 1], count)
        start, turn = start + count, turn + 1
    return out


def impulse(quanta=30):
    x = np.zeros((quanta * QUANTUM, VOICES), np.float32)
    x[0] = 1.0
    return x


def noise(quanta, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (quanta * QUANTUM, VOICES)).astype(np.float32)


def gain_db(response, hz, rate=RATE):
    n = np.arange(response.size)
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / rate * n) @ response))


def analogue_db(hz, cutoff_hz, k, rate=RATE):
    """The bilinear transform of four one-poles in a loop of gain k."""
    s = 1j * math.tan(math.pi * hz / rate) / math.tan(math.pi * cutoff_hz / rate)
    one = 1.0 / (1.0 + s)
    return 20.0 * math.log10(abs((1.0 + 0.5 * k) * one**4 / (1.0 + k * one**4)))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
@pytest.mark.parametrize("k", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("hz", [100.0, 1000.0, 2000.0, 6000.0])
def test_gain_is_that_of_four_poles_in_a_loop(hz, k, rate):
    response = filtered(impulse(20 * rate // 22050), 1000.0, k, rate)[:, 2].astype(float)
    assert gain_db(response, hz, rate) == pytest.approx(analogue_db(hz, 1000.0, k, rate), abs=0.1)


@pytest.mark.parametrize("cutoff_hz", [200.0, 1000.0, 5000.0])
def test_the_corner_is_where_it_is_said_to_be(cutoff_hz):
    response = filtered(impulse(60), cutoff_hz, 0.0)[:, 0].astype(float)
    assert gain_db(response, cutoff_hz) == pytest.approx(-12.04, abs=0.02)
    assert gain_db(response, cutoff_hz / 20.0) == pytest.approx(0.0, abs=0.1)
    two_octaves = gain_db(response, 4.0 * cutoff_hz)
    assert two_octaves < -48.0


@pytest.mark.parametrize("k", [3.2, 3.6])
def test_resonance_rings_where_the_loops_pole_is(k):
    response = filtered(impulse(120), 1000.0, k)[500:, 0].astype(float)
    turning = signal.hilbert(response)[200:1200]
    hz = np.angle(turning[1:] @ turning[:-1].conj()) * RATE / (2.0 * np.pi)
    assert abs(1200.0 * math.log2(hz / (1000.0 * (k / 4.0) ** 0.25))) < 10.0


def test_a_calm_resonance_is_a_small_bump():
    response = filtered(impulse(60), 1000.0, 1.0)[:, 0].astype(float)
    peak = max(gain_db(response, hz) for hz in np.arange(200.0, 2000.0, 50.0))
    assert 0.0 < peak - gain_db(response, 10.0) < 3.0


def twin(x, cutoff_hz, k, rate=RATE):
    """Zavalishin's equations in float64, the loop solved by its instantaneous response, a sample at a time."""
    g = math.tan(math.pi * cutoff_hz / rate)
    s, out = [0.0] * 4, []
    for sample in x:
        zero_input = 0.0
        for memory in s:
            zero_input = (g * zero_input + memory) / (1.0 + g)
        y = (1.0 + 0.5 * k) * sample - k * zero_input
        y /= 1.0 + k * (g / (1.0 + g)) ** 4
        for i, memory in enumerate(s):
            v = (y - memory) * g / (1.0 + g)
            y = v + memory
            s[i] = y + v
        out.append(y)
    return np.array(out)


@pytest.mark.parametrize(("cutoff_hz", "k"), [(300.0, 0.0), (2000.0, 1.5), (9000.0, 3.0)])
def test_equals_its_twin(cutoff_hz, k):
    x = noise(6)
    found = filtered(x, cutoff_hz, k)
    for v in (0, VOICES - 1):
        assert np.abs(found[:, v] - twin(x[:, v].astype(float), cutoff_hz, k)).max() < 2e-5


def test_equals_its_twin_on_the_move():
    """Share and resonance go straight from edge to edge."""
    x, corner, k = noise(3), np.array([300.0, 4000.0, 900.0, 900.0]), np.array([0.0, 2.0, 3.0, 0.5])
    g = np.tan(np.pi * corner / RATE)
    at, place = np.arange(4), np.arange(3 * QUANTUM) / QUANTUM
    shares, ks = np.interp(place, at, g / (1.0 + g)), np.interp(place, at, k)
    s, wanted = np.zeros(4), []
    for sample, share, resonance in zip(x[:, 1].astype(float), shares, ks, strict=True):
        past = 0.0
        for memory in s:
            past = share * past + (1.0 - share) * memory
        y = ((1.0 + 0.5 * resonance) * sample - resonance * past) / (1.0 + resonance * share**4)
        for i in range(4):
            v = (y - s[i]) * share
            y = v + s[i]
            s[i] = y + v
        wanted.append(y)
    found = filtered(x, np.tile(corner[:, None], VOICES), np.tile(k[:, None], VOICES))
    assert np.abs(found[:, 1] - wanted).max() < 2e-5


def test_voices_keep_to_themselves():
    x = noise(4)
    corners = [200.0, 800.0, 3000.0, 12000.0]
    found = filtered(x, corners, [0.0, 1.0, 2.0, 3.0])
    x[:, 1] = 0.0
    again = filtered(x, corners, [0.0, 1.0, 2.0, 3.0])
    assert np.array_equal(found[:, [0, 2, 3]], again[:, [0, 2, 3]]) and not again[:, 1].any()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(max_examples=10)
def test_any_split_gives_the_same_samples(blocks):
    x, draw = noise(9), np.random.default_rng(3)
    corner, k = draw.uniform(50.0, 9000.0, (10, VOICES)), draw.uniform(0.0, 3.0, (10, VOICES))
    assert np.array_equal(filtered(x, corner, k), filtered(x, corner, k, quanta=tuple(blocks)))


def test_a_sweep_has_no_step():
    """On a constant, with a corner that jumps each quantum, nothing moves faster than the filter can."""
    x = np.full((12 * QUANTUM, VOICES), 0.5, np.float32)
    corner = np.tile([[300.0], [3000.0]], (7, VOICES))[:13]
    found = filtered(x, corner, 0.0)[6 * QUANTUM :, 0]
    assert np.abs(found - 0.5).max() < 1e-2 and np.abs(np.diff(found)).max() < 1e-3


def test_reset_reproduces():
    unit, x = Ladder(RATE, VOICES), noise(4)
    first = filtered(x, 700.0, 2.0, unit=unit)
    assert not np.array_equal(first, filtered(x, 700.0, 2.0, unit=unit))
    unit.reset()
    assert np.array_equal(first, filtered(x, 700.0, 2.0, unit=unit))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
@pytest.mark.parametrize("cutoff_hz", [0.0, 1e9])
@pytest.mark.parametrize("k", [-5.0, 1e6])
def test_extremes_are_held(rate, cutoff_hz, k):
    x = noise(40)
    found = filtered(x, cutoff_hz, k, rate)
    held_hz = min(max(cutoff_hz, 2e-4 * rate), 0.45 * rate)
    assert np.isfinite(found).all() and np.abs(found).max() < 10.0
    assert np.allclose(found, filtered(x, held_hz, min(max(k, 0.0), float(RESONANCE_MAX)), rate), atol=1e-6)


def test_a_wild_sweep_stays_bounded():
    draw = np.random.default_rng(5)
    corner, k = 20.0 * 2.0 ** draw.uniform(0.0, 10.0, (61, VOICES)), draw.uniform(0.0, 3.8, (61, VOICES))
    assert np.abs(filtered(noise(60), corner, k)).max() < 20.0


def test_silence_stays_and_becomes_exact():
    unit = Ladder(RATE, VOICES)
    assert not filtered(np.zeros((128, VOICES)), 500.0, 3.0, unit=unit).any()
    filtered(noise(2), 500.0, 1.0, unit=unit)
    tail = filtered(np.zeros((60 * QUANTUM, VOICES)), 500.0, 1.0, unit=unit)
    assert tail[0].any() and not tail[-QUANTUM:].any() and not unit.state[S1 : S4 + 1].any()
