"""The feedback delay network on short signals: naive twin, splits, silence, extremes. `tests/mix` measures the room."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, signal

from synth.dsp import fdn
from synth.dsp.fdn import QUANTUM, ROOM, Fdn
from synth.dsp.mirrored import DELAY, LENGTH, MIRROR, OFFSET

RATE = 48000


def returned(unit, send, quanta=(64,), stretch=1.0):
    """The return of `send` in blocks of `quanta`, over and over; `stretch` is one number or one for each edge."""
    total = send.shape[1] // QUANTUM
    edges = np.broadcast_to(np.asarray(stretch, np.float32), total + 1)
    out = np.full_like(send, 7.0)
    start, turn = 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        frames = slice(start * QUANTUM, (start + count) * QUANTUM)
        block = np.zeros((2, 4096), np.float32)
        piece = np.zeros((2, 4096), np.float32)
        block[:, : count * QUANTUM] = send[:, frames]
        row = np.ones(65, np.float32)
        row[: count + 1] = edges[start : start + count + 1]
        unit.render(block, count, piece, row)
        out[:, frames] = piece[:, : count * QUANTUM]
        start, turn = start + count, turn + 1
    return out


def noise(quanta, seed=1, level=0.3):
    return np.random.default_rng(seed).normal(0.0, level, (2, quanta * QUANTUM)).astype(np.float32)


def silence(quanta):
    return np.zeros((2, quanta * QUANTUM), np.float32)


def test_half_the_matrix_is_hadamards():
    x = np.random.default_rng(2).normal(size=4)
    assert fdn.butterflies(*x) == pytest.approx(linalg.hadamard(4) @ x)


def delayed(x, frames):
    return np.concatenate((np.zeros(frames), x))[: x.size]


def allpass(x, frames, g):
    """y = x(n - m) - g w, w = x + g w(n - m), written as a transfer function."""
    b, a = np.zeros(frames + 1), np.zeros(frames + 1)
    b[0], b[-1], a[0], a[-1] = -g, 1.0, 1.0, -g
    return signal.lfilter(b, a, x)


def twin(send, t60_s, t60_high_s, predelay_s, highpass_hz, lowpass_hz):
    """The network without modulation in float64, a sample at a time, from the constants the module publishes."""
    frames = send.shape[1]
    x = signal.sosfilt(signal.butter(2, highpass_hz, "high", fs=RATE, output="sos"), send.astype(np.float64))
    x = signal.sosfilt(signal.butter(2, lowpass_hz, "low", fs=RATE, output="sos"), x)
    out = np.zeros((2, frames))
    level = 10.0 ** (np.array(fdn.EARLY_DB) / 20.0)
    level *= math.sqrt(fdn.EARLY_SHARE * 2.0 / (level**2).sum())
    for t, (ms, pan) in enumerate(zip(fdn.EARLY_MS, fdn.EARLY_PAN, strict=True)):
        tap = level[t] * delayed(x[t % 2], round(ms * 1e-3 * RATE))
        angle = (pan + 1.0) * math.pi / 4.0
        out += np.outer((math.cos(angle), math.sin(angle)), tap)
    side = np.array([delayed(row, round(predelay_s * RATE)) for row in x])
    for c in range(2):
        for m, g in zip(fdn.DIFFUSERS[4 * c : 4 * c + 4], fdn.DIFFUSION, strict=True):
            side[c] = allpass(side[c], m, g)

    delays = np.array(ROOM)
    low, high = (10.0 ** (-3.0 * delays / (RATE * t)) for t in (t60_s, t60_high_s))
    # the pole of (1 - p) / (1 - p / z) whose gain at 8 kHz is high / low
    ratio2, cosine = (high / low) ** 2, math.cos(2.0 * math.pi * fdn.HIGH_HZ / RATE)
    pole = np.array([np.roots([r - 1.0, 2.0 - 2.0 * r * cosine, r - 1.0]) for r in ratio2]).min(axis=1)
    middle = Fdn(RATE, t60_s, t60_high_s).decay_s(fdn.MIDDLE_HZ)
    passed = 10.0 ** (-6.0 * delays.mean() / (RATE * middle))
    gain = math.sqrt(1.0 - fdn.EARLY_SHARE) * math.sqrt((1.0 - passed) / (8.0 * passed))

    matrix = linalg.hadamard(16) / 4.0
    lines = np.zeros((16, frames + delays.max()))
    last = np.zeros(16)
    signs = np.array([1.0, -1.0] * 4)
    for n in range(frames):
        last = low * (1.0 - pole) * lines[np.arange(16), n] + pole * last
        out[0, n] += signs @ last[0::2]
        out[1, n] += signs @ last[1::2]
        lines[np.arange(16), n + delays] = matrix @ last + gain * side[np.arange(16) % 2, n]
    return out


def test_equals_the_naive_twin():
    send = silence(110)
    send[:, : 5 * QUANTUM] = noise(5)
    settings_ = {"t60_s": 0.9, "t60_high_s": 0.4, "predelay_s": 0.012, "highpass_hz": 140.0, "lowpass_hz": 7000.0}
    wanted = twin(send, **settings_)
    assert np.abs(wanted[:, 90 * QUANTUM :]).max() > 1e-3  # the tail has gone round several times
    assert np.abs(returned(Fdn(RATE, depth=0.0, **settings_), send) - wanted).max() < 2e-6


def test_a_modulated_line_is_read_where_its_delay_says():
    """A ramp reads as the delay itself; the delay moves as the two parabolas do and returns within 0 to 12 samples."""
    unit = Fdn(RATE)
    memory, places, lines = unit._state[:3]
    length, delay = int(places[LENGTH, 1]), int(places[DELAY, 1])
    ramp = 1e-3 * np.arange(length + MIRROR)  # a ring written once, its next write at the very start
    memory[int(places[OFFSET, 1]) :][: ramp.size] = ramp
    lines[fdn.TAP_0] = 1.0
    x = np.zeros(16 * fdn.WIDE, np.float32)
    excursions = []
    for _ in range(300):
        before = float(lines[fdn.EXCURSION, 1])
        lines[fdn.RATE, 1] = 0.01  # some 7 Hz, to see whole cycles
        wet = np.zeros(2 * QUANTUM, np.float32)
        fdn._absorb(memory, places, lines, x)
        fdn._leave(lines, x, wet, np.zeros(16 * QUANTUM, np.float32))
        after = float(lines[fdn.EXCURSION, 1])
        excursion = before + (after - before) * np.arange(QUANTUM) / QUANTUM
        wanted = 1e-3 * (length - delay + np.arange(QUANTUM) - excursion)
        assert np.abs(wet[QUANTUM:] / 4.0 - wanted).max() < 2e-6 * length
        excursions.append(after)
    assert min(excursions) == pytest.approx(0.0, abs=0.1)
    assert max(excursions) == pytest.approx(12.0, abs=0.1)
    u = 2.0 * (float(lines[fdn.PHASE, 1]) - 0.01 * np.arange(300)[::-1]) % 2.0 - 1.0
    wanted = 6.0 * (1.0 + 4.0 * u * (1.0 - np.abs(u)))
    late = np.abs(np.array(excursions) - wanted)
    assert late.max() < 1.0 and np.median(late) < 1e-3  # it waits a quantum at each whole sample


def test_the_stated_modulation_is_under_two_cents():
    """1731 cents times the steepest slope of a delay: 8 depths a cycle at the fastest rate."""
    lines = Fdn(RATE, seed=3)._state[2]
    still = lines[fdn.DEPTH] == 0.0
    assert still.sum() == 8
    rates_hz = lines[fdn.RATE] * RATE / QUANTUM
    assert rates_hz.min() >= 0.1 and rates_hz.max() <= 0.9 and np.unique(rates_hz).size == 16
    assert (1731.0 * 8.0 * lines[fdn.DEPTH] / RATE * rates_hz).max() < 2.0


@pytest.mark.parametrize("quanta", [(1,), (17,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(quanta):
    send = noise(90)
    send[:, 20 * QUANTUM : 60 * QUANTUM] = 0.0
    stretch = 1.0 + 0.3 * np.sin(np.arange(91) / 9.0)
    whole = returned(Fdn(RATE, 0.7, 0.3, seed=4), send, stretch=stretch)
    parts = returned(Fdn(RATE, 0.7, 0.3, seed=4), send, quanta, stretch)
    assert np.array_equal(whole, parts)
    assert np.abs(whole).max() > 0.05


def test_the_seed_sets_the_modulation_alone():
    send = noise(64)
    one, again, other = (returned(Fdn(RATE, 0.7, 0.3, seed=s), send) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    still = [returned(Fdn(RATE, 0.7, 0.3, seed=s, depth=0.0), send) for s in (1, 2)]
    assert np.array_equal(*still)


def test_silence_in_is_silence_out():
    unit = Fdn(RATE)
    assert not returned(unit, silence(40)).any()
    assert unit.idle


@pytest.mark.measured
def test_the_tail_ends_in_exact_silence():
    unit = Fdn(22050, 0.06, 0.03)  # the diffusers ring on for a second
    send = silence(600)
    send[:, :QUANTUM] = 0.5
    out = returned(unit, send)
    assert unit.idle
    assert not out[:, -20 * QUANTUM :].any()
    assert np.abs(out[:, 100 * QUANTUM : 101 * QUANTUM]).max() > 1e-9
    assert not any(np.asarray(part).any() for part in (unit._state[0], unit._state[3], unit._state[12]))
    assert np.abs(returned(unit, send)[:, : 60 * QUANTUM]).max() > 0.01  # and it answers again


def test_what_is_not_a_number_stays_out():
    unit = Fdn(RATE, 0.5, 0.3)
    send = noise(30)
    send[0, 300], send[1, 700], send[0, 900] = np.nan, np.inf, 1e30
    with np.errstate(invalid="ignore", over="ignore"):  # plain Python says what it meets
        out = returned(unit, send)
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 2.0


@settings(max_examples=12)
@given(
    rate=st.sampled_from([22050, 44100, 192000]),
    t60_s=st.floats(0.05, 30.0),
    high=st.floats(0.02, 1.0),
    predelay_s=st.floats(0.0, 0.2),
    stretch=st.floats(0.5, 2.0),
    level=st.floats(-100.0, 100.0),
)
def test_stays_finite_and_bounded(rate, t60_s, high, predelay_s, stretch, level):
    send = np.float32(level) * np.sign(noise(30))
    out = returned(Fdn(rate, t60_s, max(t60_s * high, 0.02), predelay_s), send, stretch=stretch)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 20.0 * abs(level)


@pytest.mark.measured
def test_lossless_without_end():
    """With endless decays and no modulation the lines keep their energy."""
    unit = Fdn(22050, math.inf, math.inf, 0.0, depth=0.0)
    returned(unit, noise(30))
    returned(unit, silence(120))  # the diffusers empty themselves
    held = []
    for _ in range(2):
        held.append(sum(_line_energy(*unit._state[:2], i) for i in range(16)))
        returned(unit, silence(110))
    assert held[0] > 0.1
    assert 10.0 * math.log10(held[1] / held[0]) == pytest.approx(0.0, abs=1e-3)


def _line_energy(memory, places, i):
    """Energy of the last `delay` samples of a line."""
    start, length, write, delay = (int(places[row, i]) for row in range(4))
    ring = memory[start : start + length].astype(np.float64)
    return float((np.roll(ring, -write)[-delay:] ** 2).sum())


def test_a_rate_that_the_delays_are_too_short_for_is_refused():
    with pytest.raises(ValueError, match="sample_rate = 16000: give 22050 or more"):
        Fdn(16000)
