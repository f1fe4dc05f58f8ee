"""The limiter: true peaks held for anything and just under the ceiling, gain that never steps, its naive twin."""

from __future__ import annotations

import math
import re
import subprocess

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.limiter import BETA, LOOK_AHEAD_S, MARGIN_DB, PHASES, QUANTUM, RELEASE_S, TAPS, Limiter

RATE = 48000
CEILING_DB = -3.0
INNER = 10.0 ** ((CEILING_DB - MARGIN_DB) / 20.0)
COMPILED = not numba.config.DISABLE_JIT
FRAMES = 1500 if COMPILED else 500  # several look-aheads


def gains(x, rate=RATE, ceiling_db=CEILING_DB, limiter=None):
    """The gain of every frame of `x` (2, frames), and the gain after those, by one limiter fed quantum by quantum."""
    limiter = limiter or Limiter(rate, ceiling_db)
    frames = x.shape[1] + limiter.latency_frames
    padded = np.zeros((2, -(-frames // QUANTUM) * QUANTUM), np.float32)
    padded[:, : x.shape[1]] = x
    gain, piece = np.zeros(padded.shape[1], np.float32), np.zeros(QUANTUM, np.float32)
    for start in range(0, gain.size, QUANTUM):
        limiter.gain(np.ascontiguousarray(padded[:, start : start + QUANTUM]), piece)
        gain[start : start + QUANTUM] = piece
    return gain[limiter.latency_frames :]


def true_peak_db(y):
    """Eight times oversampled by libswresample's default filter (32 taps, Kaiser 9), the sound set in silence."""
    i = np.arange(-128, 129)
    sinc = np.sinc(i / 8.0) * np.kaiser(i.size, 9.0)
    fine = signal.resample_poly(np.pad(np.asarray(y, np.float64), ((0, 0), (64, 64))), 8, 1, axis=1, window=sinc / 8.0)
    return decibels(np.abs(fine).max())


def decibels(x):
    return 20.0 * math.log10(max(x, 1e-12))


def both(x):
    return np.stack((x, x)).astype(np.float32)


def tones(frames, hz, level=1.0, rate=RATE):
    return both(level * np.sin(2.0 * np.pi * hz * np.arange(frames) / rate))


def wild(kind, seed, frames=FRAMES):
    """Signals that overshoot between samples, start at once, or are simply far too loud."""
    rng = np.random.default_rng(seed)
    n = np.arange(frames)
    if kind == "noise":
        return rng.normal(size=(2, frames))
    if kind == "signs":
        return rng.choice([-1.0, 1.0], size=(2, frames))
    if kind == "square":
        return both(np.sign(np.sin(2.0 * np.pi * (n + 0.5) / rng.choice([4, 8, 16, 63]))))
    if kind == "quarter":
        return both(np.sin(np.pi / 2.0 * n + rng.uniform(0.0, np.pi)))
    if kind == "impulse":
        x = np.zeros((2, frames))
        x[rng.integers(2), rng.integers(frames)] = 1.0
        return x
    if kind == "step":
        return both((n > rng.integers(frames)).astype(float))
    return np.clip(5.0 * rng.normal(size=(2, frames)), -1.0, 1.0) * (n // 300 % 2)


KINDS = ("noise", "signs", "square", "quarter", "impulse", "step", "bursts")


@settings(max_examples=100 if COMPILED else 5)
@given(st.sampled_from(KINDS), st.floats(-20.0, 40.0), st.integers(0, 999), st.sampled_from([22050, 48000]))
def test_no_true_peak_passes_the_ceiling(kind, level_db, seed, rate):
    x = (10.0 ** (level_db / 20.0) * wild(kind, seed)).astype(np.float32)
    gain = gains(x, rate)
    y = x * gain[: x.shape[1]]
    assert np.abs(y).max() <= INNER * (1.0 + 1e-6)
    assert true_peak_db(y) <= CEILING_DB
    look = math.ceil(LOOK_AHEAD_S * rate)
    depth = 1.0 - float(gain.min())
    assert np.abs(np.diff(gain)).max() <= depth / look + 1e-6
    assert np.abs(np.diff(gain, 2)).max() <= depth / look + 1e-6  # a corner, not a step
    assert (gain > 0.0).all() and (gain <= 1.0).all()


def steady(kind, rate, seconds):
    """Sound of one kind, 6 dB and more over the ceiling, faded in and out: an abrupt start reads as a mirrored one."""
    rng, n = np.random.default_rng(1), np.arange(round(seconds * rate))
    lines = np.fft.rfft(rng.normal(size=(2, n.size)))
    hz = np.fft.rfftfreq(n.size, 1.0 / rate)
    if kind in SINES_HZ:
        x = both(2.0 * np.sin(2.0 * np.pi * SINES_HZ[kind] / rate * n + 0.4))
    elif kind == "quarter rate":  # samples 3 dB under the peaks between them
        x = both(2.0 * np.sin(np.pi / 2.0 * n + np.pi / 4.0))
    elif kind == "signs":
        x = rng.choice([-2.0, 2.0], (2, n.size))
    else:
        shape = {"white": hz**0.0, "pink": np.maximum(hz, 1.0) ** -0.5, "below 0.44": 1.0 * (hz < 0.44 * rate)}[kind]
        x = np.fft.irfft(lines * shape, n.size)
        x /= x.std()
    fade = np.minimum(np.minimum(n, n[::-1]) / (n.size / 4.0), 1.0)
    return (x * np.sin(np.pi / 2.0 * fade) ** 2).astype(np.float32)


def ffmpegs_true_peak_db(y, rate):
    """What ffmpeg's ebur128 reads, to one decimal, and the largest value at the 192 kHz at which it reads."""
    command = ["ffmpeg", "-nostats", "-hide_banner", "-f", "f32le", "-ar", str(rate), "-ac", "2", "-i", "pipe:0"]
    command += ["-af", "ebur128=peak=true,aresample=192000", "-f", "f32le", "pipe:1"]
    done = subprocess.run(command, input=y.T.astype("<f4").tobytes(), capture_output=True, check=True)
    summary = done.stderr.decode().rpartition("Summary:")[2]
    peak = float(np.abs(np.frombuffer(done.stdout, "<f4")).max())
    return float(re.search(r"Peak:\s+(-?[\d.]+)", summary)[1]), decibels(peak)


def ideal_true_peak_db(y):
    """Sixteen times oversampled by the spectrum."""
    y = np.pad(np.asarray(y, np.float64), ((0, 0), (4096, 4096)))
    return decibels(np.abs(16.0 * np.fft.irfft(np.fft.rfft(y), 16 * y.shape[1])).max())


SINES_HZ = {"997 Hz": 997.0, "11 kHz": 11025.3, "18 kHz": 18111.3}
IN_BAND = (*SINES_HZ, "quarter rate", "below 0.44")  # of the sample rate: an ideal interpolator finds no more there
KINDS_RATES = [(kind, rate) for kind in (*IN_BAND, "white", "pink", "signs") for rate in (44100, 48000, 96000)]
AT_ONCE = [(kind, 48000) for kind in (*SINES_HZ, "quarter rate", "signs")]  # what shows in 20 ms


@pytest.mark.parametrize(("kind", "rate"), KINDS_RATES if COMPILED else AT_ONCE)
def test_true_peaks_are_just_under_the_ceiling(kind, rate):
    x = steady(kind, rate, 1.0 if COMPILED else 0.02)
    assert np.abs(x).max() > 2.0 * INNER
    y = x * gains(x, rate)[: x.shape[1]]
    rounded, exact = ffmpegs_true_peak_db(y, rate)
    assert rounded in (CEILING_DB - 0.1, CEILING_DB)
    assert CEILING_DB - 0.1 <= exact <= CEILING_DB
    if kind in IN_BAND:
        assert CEILING_DB - 0.1 <= ideal_true_peak_db(y) <= CEILING_DB


@pytest.mark.parametrize("kind", KINDS)
def test_gain_is_one_when_nothing_is_near_the_ceiling(kind):
    x = wild(kind, 3)
    x *= 0.2 / np.abs(x).max()
    assert np.all(gains(x) == 1.0)


def test_sound_just_under_the_ceiling_passes():
    x = tones(963, 997.0, 0.999 * INNER)  # twenty periods
    assert np.all(gains(x) == 1.0)
    assert gains(1.02 * x).min() == pytest.approx(1.0 / (0.999 * 1.02), rel=1e-3)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_look_ahead_is_the_latency(rate):
    """The gain falls from the look-ahead before a peak on, and is all the way down at the peak."""
    limiter = Limiter(rate, CEILING_DB)
    assert limiter.latency_frames == math.ceil(LOOK_AHEAD_S * rate) + TAPS // 2 - 1
    x = np.zeros((2, 2048), np.float32)
    x[1, 1000] = 4.0
    gain = gains(x, rate, limiter=limiter)
    assert gain[1000] == pytest.approx(INNER / 4.0, rel=1e-4)
    assert gain[1000] <= INNER / 4.0 * (1.0 + 1e-6)
    assert np.all(gain[: 1000 - limiter.latency_frames] == 1.0)
    assert gain[1000 - limiter.latency_frames + TAPS] < 1.0


def test_release_takes_its_time():
    """The gain comes back as a one-pole of RELEASE_S does, and all the way to 1."""
    rate = 22050
    x = np.zeros((2, rate // 2), np.float32)
    x[:, :400] = 2.0
    gain = gains(x, rate)
    missing = 1.0 - gain.astype(np.float64)
    first, later = 400 + 200, 400 + 200 + round(RELEASE_S * rate)
    assert missing[later] / missing[first] == pytest.approx(math.exp(-1.0), rel=0.02)
    assert np.all(np.diff(gain[first:]) >= 0.0)


def test_the_gain_ends_at_one():
    rate = 8000
    limiter = Limiter(rate, CEILING_DB)
    loud = np.full((2, QUANTUM), 1.0, np.float32)
    quiet = np.full((2, QUANTUM), 0.1, np.float32)
    piece = np.zeros(QUANTUM, np.float32)
    limiter.gain(loud, piece)
    for _ in range(math.ceil(15.0 * RELEASE_S * rate / QUANTUM)):
        limiter.gain(quiet, piece)
    assert np.all(piece == 1.0)
    x = np.concatenate((tones(640, 500.0, 0.4), tones(640, 500.0, 3.0)), axis=1)
    assert np.array_equal(gains(x, rate, limiter=limiter), gains(x, rate))  # nothing of the past is left


def test_one_gain_for_both_channels():
    x = wild("noise", 5)
    assert np.array_equal(gains(x), gains(x[::-1])) and gains(x).min() < 0.5
    alone = np.stack((x[0], np.zeros_like(x[0])))
    assert np.array_equal(gains(alone), gains(np.stack((x[0], x[0]))))


def naive(x, rate, ceiling_db):
    """The definition, in float64 over the whole signal."""
    look, inner = math.ceil(LOOK_AHEAD_S * rate), 10.0 ** ((ceiling_db - MARGIN_DB) / 20.0)
    frames = x.shape[1] + look + TAPS // 2 - 1
    x = np.pad(np.asarray(x, np.float64), ((0, 0), (TAPS, frames - x.shape[1])))
    away = np.arange(TAPS) - (TAPS // 2 - 1) - np.arange(1, PHASES)[:, None] / PHASES
    branches = np.sinc(away) * np.i0(BETA * np.sqrt(1.0 - (2.0 * away / TAPS) ** 2))
    branches /= branches.sum(axis=1, keepdims=True)
    want = np.ones(frames)
    for n in range(frames):
        recent = x[:, n + 1 : n + 1 + TAPS]  # the newest is frame n
        read = recent @ branches.T
        largest = max(np.abs(read).max(), np.abs(recent[:, TAPS // 2 - 1 : TAPS // 2 + 1]).max())
        want[n] = min(1.0, inner / max(largest, 1e-12))
    released, gain, held = np.ones(frames + look), np.ones(frames), 1.0
    for n in range(frames):
        held = min(
            held + (1.0 - math.exp(-1.0 / (RELEASE_S * rate))) * (1.0 - held), want[max(0, n - look) : n + 1].min()
        )
        released[look + n] = held
        gain[n] = released[n + 1 : look + n + 1].mean()
    return gain[look + TAPS // 2 - 1 :]


@pytest.mark.parametrize("kind", ["noise", "impulse", "square", "bursts"])
def test_equals_the_naive_twin(kind):
    x = (1.7 * wild(kind, 7)).astype(np.float32)
    wanted = naive(x, 44100, -6.0)
    assert wanted.min() < 0.6
    assert np.abs(gains(x, 44100, -6.0)[: wanted.size] - wanted).max() < 3e-6


def test_silence():
    limiter = Limiter(RATE, CEILING_DB)
    assert np.all(gains(np.zeros((2, 2000)), limiter=limiter) == 1.0)
    assert not limiter.arrays[0].any()


@pytest.mark.parametrize("level", [1e-30, 1e4, 1e6])
def test_extremes(level):
    gain = gains(level * wild("noise", 9))
    assert np.isfinite(gain).all() and (gain >= 0.0).all() and (gain <= 1.0).all()
    assert np.abs(level * wild("noise", 9) * gain[:FRAMES]).max() <= INNER * 1.001
