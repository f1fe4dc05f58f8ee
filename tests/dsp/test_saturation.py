"""Soft saturation: its half-band filters, harmonics, ceiling, aliasing, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.dsp.saturation import HARDEST_DB, STAGES, TRANSITION, Saturation, half_band, soften

QUANTUM = 64
FRAMES = 1024  # of a steady state, every tone a whole number of cycles in it


def db(x):
    return 20.0 * math.log10(x)


def spectrum(rendered, cycles, level, drive_db):
    """Amplitudes of the steady state of a sine with `cycles` in FRAMES."""
    n = np.arange(FRAMES + 8 * QUANTUM)
    x = np.tile(level * np.sin(2.0 * np.pi * cycles / FRAMES * n), (2, 1)).astype(np.float32)
    out = rendered(Saturation(drive_db), x)[1, -FRAMES:]
    return np.abs(np.fft.rfft(out.astype(float))) * 2.0 / FRAMES


def test_the_half_band_pair_stops_and_passes():
    c = half_band(2 * STAGES, TRANSITION)
    f = np.linspace(0.0, 0.5, 2001)
    z = np.exp(-2j * np.pi * f)
    first, second = (np.prod([(a + z * z) / (1.0 + a * z * z) for a in c[i::2]], axis=0) for i in (0, 1))
    gain = np.abs(first + z * second) / 2.0
    assert gain[f >= 0.25 + TRANSITION].max() < 10.0 ** (-81.0 / 20.0)
    assert gain[f <= 0.25 - TRANSITION].min() > 10.0 ** (-1e-6 / 20.0)
    assert gain[np.argmin(np.abs(f - 0.25))] == pytest.approx(math.sqrt(0.5), rel=1e-3)


@pytest.mark.parametrize("cycles", [4, 100, 500])
def test_faint_signals_pass_as_they_are(rendered, cycles):
    assert db(spectrum(rendered, cycles, 1e-3, 12.0)[cycles] / 1e-3) == pytest.approx(0.0, abs=2e-3)


def test_its_latency_is_what_it_says(rendered):
    unit, rise = Saturation(0.0), 1e-6
    out = rendered(unit, np.tile(rise * np.arange(6 * QUANTUM), (2, 1)).astype(np.float32))
    late = np.arange(6 * QUANTUM) - out[0] / rise
    assert np.abs(late[3 * QUANTUM :] - unit.latency_frames).max() < 0.01
    assert unit.latency_frames == pytest.approx(2.59, abs=0.01)


def test_harmonics_are_those_of_the_shape(rendered):
    measured = spectrum(rendered, 9, 0.5, 12.0)
    n = np.arange(FRAMES)
    v = 10.0 ** (12.0 / 20.0)
    shaped = v * 0.5 * np.sin(2.0 * np.pi * 9 / FRAMES * n)
    wanted = np.abs(np.fft.rfft(np.tanh(shaped) / v)) * 2.0 / FRAMES
    for harmonic in (1, 3, 5):
        assert db(measured[9 * harmonic]) == pytest.approx(db(wanted[9 * harmonic]), abs=0.01)
    assert measured[[18, 36]].max() < 1e-6  # odd harmonics alone
    assert spectrum(rendered, 9, 0.05, 0.0)[27] / 0.05 == pytest.approx(0.05**2 / 12.0, rel=0.01)


@pytest.mark.parametrize(
    "cycles, drive_db, wanted_db, bare_db",
    [(22, 12.0, -130.0, -86.0), (106, 6.0, -80.0, -30.0), (106, 12.0, -50.0, -20.0)],
)
def test_aliasing(rendered, cycles, drive_db, wanted_db, bare_db):
    """Sines at 1.03 and 4.97 kHz (of 48 kHz): all that is no harmonic of them, and what the bare shape would make."""
    drive = 10.0 ** (drive_db / 20.0)
    x = drive * np.sin(2.0 * np.pi * cycles / FRAMES * np.arange(FRAMES))
    bare = np.abs(np.fft.rfft(np.tanh(x) / drive)) * 2.0 / FRAMES
    ours = spectrum(rendered, cycles, 1.0, drive_db)
    aliased = []
    for s in (bare, ours):
        other = s.copy()
        other[::cycles] = 0.0
        aliased.append(db(math.sqrt((other**2).sum()) / s[cycles]))
    assert aliased[0] > bare_db
    assert aliased[1] < wanted_db


def test_nothing_gets_far_above_the_ceiling(rendered, noise):
    for drive_db in (0.0, 12.0, 24.0):
        ceiling = 10.0 ** (-drive_db / 20.0)
        out = rendered(Saturation(drive_db), 100.0 * np.sign(noise(8)))
        assert 0.9 * ceiling < np.abs(out).max() < 3.0 * ceiling
    slow = np.full((2, 8 * QUANTUM), 100.0, np.float32)
    assert np.abs(rendered(Saturation(12.0), slow)[:, -QUANTUM:]).max() == pytest.approx(10.0**-0.6, rel=1e-3)


def twin(x, drive_db):
    """In float64: each chain a sample at a time, at the doubled rate, with stuffed zeros."""
    c = half_band(2 * STAGES, TRANSITION)

    def chain(v, coefficients):
        for a in coefficients:
            y = np.zeros_like(v)
            for n in range(v.size):
                y[n] = a * v[n] + (v[n - 2] if n > 1 else 0.0) - a * (y[n - 2] if n > 1 else 0.0)
            v = y
        return v

    def filtered(v):
        late = np.concatenate(([0.0], v[:-1]))
        return (chain(v, c[0::2]) + chain(late, c[1::2])) / 2.0

    fast = np.zeros(2 * x.size)
    fast[::2] = 2.0 * x
    drive = np.repeat(10.0 ** (drive_db / 20.0), 2)
    shaped = filtered(fast) * drive
    return filtered(np.tanh(shaped) / drive)[1::2]


def test_equals_the_naive_twin(rendered, noise):
    x, edges = noise(6), np.array([0.0, 3.0, 12.0, 12.0, 6.0, 6.0, 20.0])
    gains = np.interp(np.arange(6 * QUANTUM) / QUANTUM, np.arange(7), 10.0 ** (edges / 20.0))
    out = rendered(Saturation(), x, drive_db=edges)
    for c in range(2):
        assert np.abs(out[c] - twin(x[c].astype(float), 20.0 * np.log10(gains))).max() < 2e-6


def test_soften_is_odd_and_bounded():
    x = np.float32([0.0, 1e-6, 0.3, 5.0, 1e4])
    y = np.array([soften(v) for v in x])
    assert y[0] == 0.0 and y[1] == np.float32(1e-6) and y.max() <= 1.0
    assert np.array_equal(-y, np.array([soften(-v) for v in x]))


@pytest.mark.parametrize("quanta", [(1,), (3, 20, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x, edges = noise(40), 12.0 + 12.0 * np.sin(np.arange(41) / 7.0)
    whole = rendered(Saturation(), x, drive_db=edges)
    assert np.array_equal(whole, rendered(Saturation(), x, quanta, drive_db=edges))


def test_reset_starts_afresh(rendered, noise):
    unit, x = Saturation(), noise(3)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


def test_extremes_stay_bounded(rendered, noise):
    x = 100.0 * np.sign(noise(8))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    out = rendered(Saturation(), x, drive_db=np.array([-9.0, 99.0] * 5)[:9])
    assert np.isfinite(out).all() and np.abs(out).max() < 3.0
    held = rendered(Saturation(), x, drive_db=99.0)
    assert np.array_equal(held, rendered(Saturation(float(HARDEST_DB)), x))


def test_silence_stays_and_returns(rendered, noise):
    unit = Saturation()
    assert not rendered(unit, np.zeros((2, 256), np.float32)).any()
    x = noise(40)
    x[:, 2 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert out[:, 2 * QUANTUM + 1].any() and not out[:, -4 * QUANTUM :].any()
