"""Loudness and true peak against the standards' figures, and their naive twins. `tests/mix` has whole programmes."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.loudness import (
    OFFSET_LU,
    integrated_lufs,
    interpolator,
    k_energy,
    k_weighting,
    loudness_range_lu,
    momentary_lufs,
    short_term_lufs,
    slide,
    true_peak_dbtp,
)

# BS.1770-4 annex 1, tables 1 and 2: b0 b1 b2 a1 a2 at 48 kHz.
PUBLISHED = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585],
    [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621],
]


def sine(hz, seconds, rate, dbfs=0.0, phase=0.0):
    n = np.arange(round(seconds * rate))
    return 10.0 ** (dbfs / 20.0) * np.sin(2.0 * np.pi * hz * n / rate + phase)


def weighting_db(hz, rate):
    shelf, highpass = k_weighting(rate)
    z = np.exp(-2j * np.pi * np.asarray(hz) / rate)
    return 20.0 * np.log10(
        np.abs(
            np.polyval(shelf[2::-1], z)
            * np.polyval(highpass[2::-1], z)
            / (np.polyval([*shelf[:2:-1], 1.0], z) * np.polyval([*highpass[:2:-1], 1.0], z))
        )
    )


def published_db(hz):
    h = np.ones(np.shape(hz), complex)
    for row in PUBLISHED:
        h *= signal.freqz(row[:3], [1.0, *row[3:]], worN=hz, fs=48000)[1]
    return 20.0 * np.log10(np.abs(h))


def test_the_published_coefficients():
    assert np.abs(k_weighting(48000) - PUBLISHED).max() < 1e-12


@pytest.mark.parametrize("rate", [32000, 44100, 48000, 96000, 192000])
def test_other_rates_weigh_as_the_standard_does(rate):
    hz = np.array([20.0, 63.0, 200.0, 1000.0, 2000.0, 4000.0, 10000.0])
    assert np.abs(weighting_db(hz, rate) - published_db(hz)).max() < 0.045
    heard = [-13.28, -2.66, -0.27, 0.70, 3.07, 3.97, 4.04]
    assert np.abs(weighting_db(hz, rate) - heard).max() < 0.05


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_full_scale_sine_in_one_channel_reads_minus_three(rate):
    x = sine(997.0, 1.0, rate)
    assert integrated_lufs(x, rate) == pytest.approx(-3.01, abs=0.02)
    assert integrated_lufs(np.stack((np.zeros_like(x), x)), rate) == pytest.approx(-3.01, abs=0.02)
    assert integrated_lufs(np.stack((x, x)), rate) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("hz", [25.0, 100.0, 500.0, 2000.0, 10000.0])
def test_sines_read_by_their_weight(hz, rate):
    x = sine(hz, 0.9, rate, -20.0)
    steady = momentary_lufs(np.stack((x, x)), rate)[-1]
    assert steady == pytest.approx(-20.0 + OFFSET_LU + published_db(np.array([hz]))[0], abs=0.06)


def naive_lufs(x, rate, window_s):
    """The definition: filter, square, mean over windows every 100 ms, sum of channels."""
    y = np.asarray(x, np.float64)
    for b0, b1, b2, a1, a2 in k_weighting(rate):
        y = signal.lfilter([b0, b1, b2], [1.0, a1, a2], y, axis=-1)
    size, hop = round(window_s * rate), round(0.1 * rate)
    starts = range(0, y.shape[1] - size + 1, hop)
    with np.errstate(divide="ignore"):
        return np.array([OFFSET_LU + 10.0 * np.log10((y[:, s : s + size] ** 2).mean(axis=1).sum()) for s in starts])


def noise(seconds, rate, seed=1):
    """Noise whose level wanders by 30 dB, unlike in its two channels."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    level = 10.0 ** (np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(-45.0, -15.0, 12)) / 20.0)
    return rng.normal(size=(2, n)) * level * [[1.0], [0.5]]


def test_windows_equal_the_naive_twin():
    x = noise(4.0, 22050)
    assert np.abs(momentary_lufs(x, 22050) - naive_lufs(x, 22050, 0.4)).max() < 1e-6
    assert np.abs(short_term_lufs(x, 22050) - naive_lufs(x, 22050, 3.0)).max() < 1e-6


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_agrees_with_pyloudnorm(seed):
    x = noise(6.0, 44100, seed)
    assert integrated_lufs(x, 44100) == pytest.approx(pyloudnorm.Meter(44100).integrated_loudness(x.T), abs=0.1)


def test_energy_in_blocks_equals_energy_at_once():
    x = noise(0.1, 48000)[:, : 64 * 68].astype(np.float32)
    for size in (1, 17, 34):
        state, whole = np.zeros((2, 4)), np.zeros((2, 4))
        parts = [k_energy(x, s, size * 64, k_weighting(48000), state) for s in range(0, 64 * 68, size * 64)]
        at_once = k_energy(x, 0, 64 * 68, k_weighting(48000), whole)
        assert sum(parts) == pytest.approx(at_once, rel=1e-12)
        assert np.array_equal(state, whole)


def test_silence_and_what_is_not_a_number_leave_the_filters_at_rest():
    state, weighting = np.zeros((2, 4)), k_weighting(48000)
    x = np.full((2, 64), 0.5, np.float32)
    assert k_energy(x, 0, 64, weighting, state) > 0.0
    with np.errstate(invalid="ignore"):
        for wrong in (np.nan, np.inf, -np.inf, 3e38):
            x[1, 30] = wrong
            assert k_energy(x, 0, 64, weighting, state) == 0.0
            assert not state.any()
    x[:] = 0.5
    k_energy(x, 0, 64, weighting, state)
    x[:] = 0.0
    for _ in range(600):
        last = k_energy(x, 0, 64, weighting, state)
    assert last == 0.0 and not state.any()


def test_silence_has_no_loudness():
    x = np.zeros((2, 44100))
    assert integrated_lufs(x, 44100) == -math.inf
    assert np.all(momentary_lufs(x, 44100) == -math.inf)
    assert true_peak_dbtp(x) == -math.inf
    assert loudness_range_lu(np.zeros((2, 4 * 22050)), 22050) == 0.0


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="audio of 0.20 s: give at least 0.4 s"):
        integrated_lufs(np.zeros((2, 9600)), 48000)
    with pytest.raises(ValueError, match="give at least 3 s"):
        loudness_range_lu(np.zeros(48000), 48000)
    with pytest.raises(ValueError, match=r"audio of shape \(48000, 2\)"):
        integrated_lufs(np.zeros((48000, 2)), 48000)


def test_one_channel_reads_alike_in_any_shape():
    x = noise(0.6, 22050)[0]
    wanted = integrated_lufs(np.stack((x, 0.0 * x)), 22050)
    assert integrated_lufs(x, 22050) == integrated_lufs(x[None], 22050) == wanted
    assert integrated_lufs(x.astype(np.float32), 22050) == pytest.approx(wanted, abs=1e-5)


# EBU Tech 3341 (2016) table 1, cases 15 to 19: a quarter, a quarter, a sixth, an eighth of the rate, and full scale.
@pytest.mark.parametrize(
    ("part", "degrees", "amplitude", "dbtp"),
    [(4, 0.0, 0.5, -6.0), (4, 45.0, 0.5, -6.0), (6, 60.0, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45.0, 1.41, 3.0)],
)
def test_true_peaks_of_the_ebu(part, degrees, amplitude, dbtp):
    fade = np.clip(np.arange(960) / 240.0, 0.0, 1.0)
    x = amplitude * fade * fade[::-1] * sine(48000 / part, 0.02, 48000, phase=math.radians(degrees))
    assert -0.4 <= true_peak_dbtp(np.stack((x, x))) - dbtp <= 0.2


# As cases 20 to 23: a peak between samples at four times the rate, then every fourth sample of it.
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_a_peak_between_samples(offset):
    n = np.arange(4 * 400)
    x = np.sinc((n - 803) / 16.0) * np.hanning(n.size)
    assert true_peak_dbtp(x[offset::4]) == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize("hz", [1000.0, 6000.0, 12000.0])
def test_true_peak_of_sines_in_any_phase(hz):
    for phase in np.linspace(0.0, np.pi, 5):
        x = np.hanning(1500) * sine(hz, 1500 / 48000, 48000, -6.0, phase)
        assert true_peak_dbtp(x) == pytest.approx(-6.0, abs=0.1)


def test_true_peak_equals_the_naive_twin():
    x = np.random.default_rng(4).normal(0.0, 0.2, (2, 500))
    branches = interpolator(8, 48, 8.0)
    read = np.array([[np.convolve(row, branch) for branch in branches] for row in x])
    wanted = max(np.abs(read).max(), np.abs(x).max())
    assert true_peak_dbtp(x) == pytest.approx(20.0 * math.log10(wanted), abs=1e-9)


def test_true_peak_of_noise_equals_a_finer_grids():
    x = signal.sosfilt(signal.butter(8, 0.8, output="sos"), np.random.default_rng(5).normal(0.0, 0.2, (2, 600)))
    fine = np.abs(signal.resample_poly(x, 32, 1, axis=1, window=("kaiser", 12.0))).max()
    assert true_peak_dbtp(x) == pytest.approx(20.0 * math.log10(fine), abs=0.1)


def test_the_interpolator_has_gain_one():
    branches = interpolator(4, 24, 7.0)
    assert branches.shape == (4, 24)
    assert np.abs(branches.sum(axis=1) - 1.0).max() < 1e-12
    x = np.cos(2.0 * np.pi * 0.1 * np.arange(400))
    read = np.stack([np.convolve(x, b, "valid") for b in branches], axis=1).ravel()
    at = 23.0 - (96 - 1) / 8.0 + np.arange(read.size) / 4.0  # the whole filter is 96 long and symmetric
    assert np.abs(read - np.cos(2.0 * np.pi * 0.1 * at)).max() < 1e-4


@settings(max_examples=20)
@given(st.integers(2, 40), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_sliding_sums_stay_true(size, steps, seed):
    values = 10.0 ** np.random.default_rng(seed).uniform(-12.0, 6.0, steps)
    rings, total = np.zeros((2, size)), 0.0
    for i, value in enumerate(values):
        total = slide(rings, 1, i % size, value, total)
        wanted = values[max(0, i - size + 1) : i + 1].sum()
        assert total >= 0.0
        assert abs(total - wanted) < 1e-9 * values.max()
    assert not rings[0].any()
