"""A jawari: what the bridge does to energy, against a naive twin, and what becomes of a string on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.dispersion import SECTIONS, coefficient, group_delay, phase_delay
from synth.dsp.jawari import BRIDGE_ROWS, bridge, bridge_allpass, rest
from synth.dsp.string import QUANTUM, Pluck, StringBank
from synth.dsp.waveguide import loop, needed

RATE = 48000


def energy(u, stiffness, gain, gap):
    """Of the spring."""
    return 0.5 * stiffness * u * u + 0.5 * gain * max(u - gap, 0.0) ** 2


def through(x, spring, pieces=(1,)):
    """What comes back from the bridge, and where its spring ends up."""
    memory = np.zeros((2, x.size + 3), np.float32)
    memory[1, 3:] = x
    line = np.zeros((1 + BRIDGE_ROWS, 2), np.float32)
    line[1:4, 1] = spring
    at = 3
    for count in pieces:
        rest(memory, 1, at, count, line, 1)
        at += count
    rest(memory, 1, at, memory.shape[1] - at, line, 1)
    assert not memory[0].any() and not line[:, 0].any()
    return memory[1, 3:].astype(float), float(line[4, 1])


def wide_noise(level, size=400, seed=3):
    """From wave to wave as in a string: low more than high."""
    x = np.convolve(np.random.default_rng(seed).normal(0.0, 1.0, size + 30), np.hanning(30), "valid")
    return (level / np.abs(x).max() * x[:size]).astype(np.float32)


def moved(x, u, spring):
    """How far `x` moves the spring from `u` on, by halving: d + (V(u + d) - V(u)) / d = 2 x."""
    low, high = -2.0 * abs(x) - 3.0 * abs(u), 2.0 * abs(x) + 3.0 * abs(u)
    for _ in range(60):
        d = 0.5 * (low + high)
        if abs(d) <= 1e-9 * abs(u):  # where the quotient is lost
            force = spring[0] * u + spring[1] * max(u - spring[2], 0.0)
        else:
            force = (energy(u + d, *spring) - energy(u, *spring)) / d
        low, high = (low, d) if d + force > 2.0 * x else (d, high)
    return d


def naive(x, *spring):
    """What comes back, in float64, and where the spring ends up."""
    u, out = 0.0, []
    for v in x.astype(float):
        d = moved(v, u, spring) if v or u else 0.0
        out.append(v - d)
        u += d
    return np.array(out), u


@pytest.mark.parametrize("spring", [(0.5, 0.5, 0.3), (0.1, 0.0, 1.0), (3.0, 30.0, 0.01), (0.4, 4.0, 0.0)])
def test_equals_the_naive_twin(spring):
    x = wide_noise(0.5, 150)
    out, u = through(x, spring, (40, 1, 60))
    wanted, end = naive(x, *spring)
    assert np.abs(out - wanted).max() < 3e-6
    assert u == pytest.approx(end, abs=1e-5)
    if spring[1] > 0.0:
        linear, _ = naive(x, spring[0], 0.0, 0.0)
        assert np.abs(linear - wanted).max() > 1e-2


@settings(max_examples=60)
@given(
    st.floats(0.02, 10.0),
    st.floats(0.0, 100.0),
    st.floats(0.0, 2.0),
    st.sampled_from([1e-6, 0.01, 1.0, 1e3, 1e6]),
    st.integers(0, 9),
)
def test_what_goes_in_comes_out_or_is_in_the_spring(stiffness, gain, gap, level, seed):
    """To a part in a hundred thousand, however loud."""
    noise = np.random.default_rng(seed).normal(0.0, level, 300)
    for x in (noise.astype(np.float32), wide_noise(level, 300, seed)):
        out, u = through(x, (stiffness, gain, gap * level))
        kept = energy(u, stiffness, gain, gap * level)
        x = x.astype(float)
        assert np.sum(x**2) - np.sum(out**2) == pytest.approx(kept, abs=1e-5 * np.sum(x**2))
        assert out.sum() + u == pytest.approx(x.sum(), abs=1e-4 * np.abs(x).sum())  # no DC comes about


@pytest.mark.parametrize("period", [20.0, 200.0, 1700.0])
def test_within_its_gap_it_is_an_allpass(period):
    stiffness, gain, gap = bridge(period, 0.7, 0.5)
    x = wide_noise(0.09 if period > 100.0 else 0.05)
    out, _ = through(x, (stiffness, gain, gap))
    a = bridge_allpass(stiffness)
    assert (1.0 - a) / (1.0 + a) == pytest.approx(0.01 * period)
    assert np.abs(out - signal.lfilter([a, 1.0], [1.0, a], x.astype(float))).max() < 2e-6
    louder, _ = through(8.0 * x, (stiffness, gain, gap))
    assert np.abs(louder - 8.0 * out).max() > 1e-3


def play(hz, seconds, jawari, level=0.2, wave=None, **kind):
    unit = StringBank(RATE, 1, 27.0)
    if wave is None:
        wave = level * Pluck(min(0.004, 0.4 / hz), 0.4).wave(RATE, hz)
    unit.pluck(0, hz, wave, 5.0, 2.0, jawari=jawari, **kind)
    out = np.zeros((2, math.ceil(seconds * RATE / QUANTUM) * QUANTUM), np.float32)
    unit.begin(out)
    unit.play(out.shape[1])
    return out[0].astype(float)


@pytest.mark.parametrize(("jawari", "b"), [(1.0, 0.0), (0.4, 3e-4), (0.0, 3e-4)])
def test_a_string_equals_a_naive_one(jawari, b):
    """Allpasses and all."""
    hz, frames = 500.0, 1280
    wave = 0.2 * Pluck(0.0008, 0.4).wave(RATE, hz)
    spring, w0, w1 = bridge(RATE / hz, jawari, np.abs(wave).max()), *(2.0 * np.pi * f / RATE for f in (hz, 4000.0))
    a = bridge_allpass(spring[0])
    lags = np.array([phase_delay(a, w0), group_delay(a, w1)]) if jawari else np.zeros(2)
    a = coefficient(RATE, hz, b, lags[0] + needed(RATE, hz))
    if b:
        lags += SECTIONS * np.array([phase_delay(a, w0), group_delay(a, w1)])
    found = loop(RATE, hz, 5.0, 2.0, *lags)
    past, out, lossy, u, chain = np.zeros(found.delay + 5 + frames), np.zeros(frames), 0.0, 0.0, np.zeros(SECTIONS + 1)
    for n in range(frames):
        lossy = found.gain * (found.taps @ past[n + 5 - np.arange(6)]) + found.pole * lossy
        x = out[n] = lossy + (wave[n] if n < wave.size else 0.0)
        if jawari and (x or u):
            d = moved(x, u, spring)
            x, u = x - d, u + d
        for i in range(SECTIONS if b else 0):
            chain[i], x = x, a * (x - chain[i + 1]) + chain[i]
        chain[SECTIONS] = x
        past[n + 5 + found.delay] = x
    assert np.abs(play(hz, frames / RATE, jawari, wave=wave, inharmonicity=b) - math.sqrt(0.5) * out).max() < 2e-6


def centroid(x, start_s, length_s=0.06):
    part = x[round(start_s * RATE) : round((start_s + length_s) * RATE)]
    power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
    return (power @ np.fft.rfftfreq(part.size, 1.0 / RATE)) / power.sum()


def component(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def cents(x, hz, start_s, apart_s=0.06):
    early, late = (component(x, hz, t, apart_s) for t in (start_s, start_s + apart_s))
    return 1200.0 * math.log2(1.0 + np.angle(late / early) / (2.0 * np.pi * apart_s) / hz)


def test_energy_climbs_and_then_falls():
    """A plain string only grows duller; half a jawari does half as much."""
    starts = np.array([0.01, 0.09, 0.19, 0.31, 0.5])
    plain, half, full = ([centroid(x, s) for s in starts] for x in (play(330.0, 0.56, j) for j in (0.0, 0.5, 1.0)))
    assert np.all(np.diff(plain) <= 1.0)
    assert np.all(np.diff(full[:4]) > 0.0) and full[4] < full[3]
    assert full[3] > 2.5 * plain[3] and full[4] > 1.3 * plain[4]
    assert np.all(np.array(half) > plain) and np.all(np.array(half[:4]) < full[:4])


@pytest.mark.parametrize("hz", [82.4, 110.0, 220.0, 523.3])
def test_the_pitch_stays(hz):
    x = play(hz, 0.5, 1.0)
    assert max(abs(cents(x, hz, t)) for t in (0.05, 0.1, 0.2, 0.37)) < 3.5


@pytest.mark.parametrize("kind", [{}, {"inharmonicity": 1e-4}])
def test_no_string_grows(kind):
    """Over whole periods, from the end of the pluck on, whatever it is hit with."""
    for level in (0.2, 1e4):
        x = play(120.0, 0.4, 1.0, level=level, **kind)[2400:]
        levels = (x[: x.size // 400 * 400].reshape(-1, 400) ** 2).sum(axis=1)
        assert np.all(levels[1:] < 1.002 * levels[:-1])
        assert levels[-1] < 0.5 * levels[0]


def test_loudness_hardly_changes():
    plain, buzzing = play(120.0, 0.4, 0.0), play(120.0, 0.4, 1.0)
    assert abs(10.0 * math.log10(np.sum(plain[9600:] ** 2) / np.sum(buzzing[9600:] ** 2))) < 1.0
    assert abs(buzzing[2400:].mean()) < 5e-3 * np.abs(buzzing).max()


def test_the_bridge_of_a_plain_string_is_none():
    assert bridge(300.0, 0.0, 0.3) == (0.0, 0.0, 0.0)
    assert bridge(300.0, math.nan, 0.3) == (0.0, 0.0, 0.0)
    assert bridge(300.0, 7.0, 0.3) == bridge(300.0, 1.0, 0.3)
    assert np.array_equal(play(200.0, 0.05, 0.0), play(200.0, 0.05, -1.0))
