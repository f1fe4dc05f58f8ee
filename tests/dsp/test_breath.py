"""Breath: its power at any pitch and rate, where its bands lie, a twin, splits, seeds, extremes, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config
from scipy import signal

from synth.dsp.breath import BANDS, HARMONICS_DB, LANES, WIDE_HIGH_HZ, WIDE_LOW_HZ, Breath, breath_level, tone_level
from synth.dsp.quantum import QUANTUM

RATE = 48000
VOICES = 4
MANY = 8 if not config.DISABLE_JIT else 4  # as plain Python, fewer


def edges(values, quanta, voices):
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float32), (quanta + 1, voices)))


def blown(total, hz=440.0, gain=1.0, unit=None, quanta=(10000,)):
    unit = unit or Breath(RATE, VOICES, 1)
    voices = unit.randoms.size // LANES
    notes, levels = edges(hz, total, voices), edges(gain, total, voices)
    out, start, turn = np.full((total * QUANTUM, voices), 7.0, np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        at = slice(start, start + count + 1)
        unit.render(notes[at], levels[at], count, out[start * QUANTUM : (start + count) * QUANTUM])
        start, turn = start + count, turn + 1
    return out


@pytest.mark.parametrize(("hz", "rate"), [(220.0, 22050), (880.0, 22050), (880.0, 48000), (2500.0, 192000)])
@pytest.mark.measured
def test_power_is_one_at_any_pitch_and_rate(hz, rate):
    unit = Breath(rate, MANY, 2, q=12.0)
    settled = math.ceil(30.0 / hz * rate / QUANTUM) * QUANTUM
    x = blown(settled // QUANTUM + 40, hz, 1.0, unit)[settled:].astype(float)
    assert 10.0 * math.log10((x**2).mean()) == pytest.approx(0.0, abs=1.0)
    assert abs(x.mean()) < 0.05


def spectrum_db(x, rate):
    """Mean power spectrum over all voices, dB a bin, and the bins' Hz."""
    hz, power = signal.welch(x.astype(float), rate, nperseg=1024, axis=0)
    return hz, 10.0 * np.log10(power.mean(axis=1))


@pytest.mark.measured
def test_bands_stand_on_the_harmonics():
    rate, f0 = 12000, 500.0
    hz, level = spectrum_db(blown(110, f0, 1.0, Breath(rate, MANY, 3, q=20.0, wide_db=-30.0))[640:], rate)
    heights = []
    for n in range(1, 5):
        near = np.abs(hz - f0 * n) < 200.0
        assert hz[near][np.argmax(level[near])] == pytest.approx(f0 * n, rel=0.03)
        assert level[near].max() - level[np.abs(hz - f0 * (n + 0.5)) < 50.0].mean() > 9.0
        heights.append(10.0 * math.log10(np.sum(10.0 ** (level[near] / 10.0))))
    assert np.array(heights) - heights[0] == pytest.approx(np.array(HARMONICS_DB), abs=1.5)


@pytest.mark.measured
def test_the_wide_band_lies_where_it_should():
    rate = 32000
    hz, level = spectrum_db(blown(110, 100.0, 1.0, Breath(rate, MANY, 4, wide_db=20.0))[640:], rate)
    in_band = level[(hz > 2300.0) & (hz < 3200.0)].mean()
    for edge in (WIDE_LOW_HZ, WIDE_HIGH_HZ):
        assert level[np.abs(hz - edge) < 150.0].mean() - in_band == pytest.approx(-3.0, abs=1.0)
    assert level[np.abs(hz - 11000.0) < 500.0].mean() < in_band - 9.0


def marsaglia(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)


def test_equals_its_twin():
    """Numbers drawn for each band, filtered by scipy."""
    unit, total = Breath(RATE, VOICES, 9), 6
    drawn = np.zeros((BANDS, total * QUANTUM))
    for band in range(BANDS):
        number = int(unit.randoms[2 * LANES + band])
        for n in range(total * QUANTUM):
            number = marsaglia(number)
            drawn[band, n] = (number - (number >> 31 << 32)) * 2.0**-31 * 3.0**0.5
    wanted = np.zeros(total * QUANTUM)
    middle = math.sqrt(WIDE_LOW_HZ * WIDE_HIGH_HZ)
    power = 10.0 ** (np.array([*HARMONICS_DB, -12.0]) / 10.0)
    for band in range(BANDS):
        centre = middle if band == BANDS - 1 else 440.0 * (band + 1)
        k = (WIDE_HIGH_HZ - WIDE_LOW_HZ) / middle if band == BANDS - 1 else 1.0 / 18.0
        g = math.tan(math.pi * centre / RATE)
        b, a = signal.bilinear([2.0 * g, 0.0], [1.0, 2.0 * g * k, 4.0 * g * g], 1.0)
        level = math.sqrt(power[band] / power.sum()) * math.sqrt(k * (1.0 + g * (g + k)) / g)
        wanted += level * signal.lfilter(b, a, drawn[band])
    assert np.abs(blown(total, 440.0, 1.0, unit)[:, 2] - wanted).max() < 2e-4


def test_gain_ramps_from_edge_to_edge():
    gain = np.tile(np.linspace(0.5, 1.5, 11)[:, None], VOICES)
    ramp = 0.5 + np.arange(10 * QUANTUM) / (10 * QUANTUM)
    assert np.abs(blown(10, gain=gain) - ramp[:, None] * blown(10)).max() < 1e-5


def test_a_glide_begins_at_once():
    still, gliding = blown(1), blown(1, np.array([[440.0], [880.0]]))
    assert np.array_equal(still[0], gliding[0]) and np.abs(still - gliding).max() > 1e-3


def test_harmonics_too_high_for_the_rate_are_left_out():
    assert blown(20, 20000.0, 1.0, Breath(RATE, VOICES, 1, wide_db=-60.0)).std() < 2e-3


def test_soft_notes_are_breathier():
    shares = [breath_level(v) / tone_level(v) for v in (0.2, 0.5, 1.0)]
    assert shares == sorted(shares, reverse=True) and shares[-1] == 1.0
    assert breath_level(0.5) == pytest.approx(0.6156, abs=1e-4) and breath_level(0.0) == tone_level(-1.0) == 0.0


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=6)
def test_any_split_gives_the_same_samples(quanta):
    draw = np.random.default_rng(4)
    hz, gain = draw.uniform(100.0, 3000.0, (7, VOICES)), draw.uniform(0.0, 1.0, (7, VOICES))
    gain[3:5] = 0.0
    assert np.array_equal(blown(6, hz, gain), blown(6, hz, gain, quanta=tuple(quanta)))


def test_voices_and_seeds_differ_and_reset_reproduces():
    unit = Breath(RATE, VOICES, 1)
    first = blown(3, unit=unit)
    assert not np.array_equal(first, blown(3, unit=unit))
    unit.reset()
    assert np.array_equal(first, blown(3, unit=unit))
    assert not np.array_equal(first, blown(3, unit=Breath(RATE, VOICES, 2)))
    assert abs(np.corrcoef(blown(30).T)[0, 1]) < 0.4


@pytest.mark.parametrize("rate", [8000, 22050, 192000])
def test_extremes_stay_bounded(rate):
    hz = 10.0 ** np.random.default_rng(5).uniform(-4.0, 9.0, (31, VOICES))
    for q in (4.0, 60.0):
        x = blown(30, hz, 1.0, Breath(rate, VOICES, 1, q))
        assert np.isfinite(x).all() and 0.0 < np.abs(x).max() < 20.0
    assert np.isfinite(blown(2, -100.0)).all()


def test_no_gain_is_silence():
    unit, gain = Breath(RATE, VOICES, 1), np.ones((9, VOICES))
    gain[3:] = 0.0
    x = blown(8, gain=gain, unit=unit)
    assert x[: 2 * QUANTUM].any() and not x[3 * QUANTUM :].any() and not unit.state[:2].any()


def test_what_cannot_be_blown_is_told():
    with pytest.raises(ValueError, match="q = 1"):
        Breath(RATE, VOICES, 1, q=1.0)
    with pytest.raises(ValueError, match="wide_db = 90"):
        Breath(RATE, VOICES, 1, wide_db=90.0)
