"""The FM pair: Bessel lines, pitch, aliasing, the index's limit, a naive twin, splits, extremes, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from synth.dsp.fm import LINES, RATIO_MAX, SPILL, FmPair, index_limits, index_of
from synth.dsp.quantum import QUANTUM

RATE = 48000
VOICES = 2


def edges(values, quanta):
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float32), (quanta + 1, VOICES)))


def played(total, hz, ratio, index, gain=1.0, rate=RATE, quanta=(10000,), unit=None):
    unit = unit or FmPair(rate, VOICES)
    tables = [edges(values, total) for values in (hz, ratio, index, gain)]
    out, start, turn = np.full((total * QUANTUM, VOICES), 7.0, np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        here = [table[start : start + count + 1] for table in tables]
        unit.render(*here, count, out[start * QUANTUM : (start + count) * QUANTUM])
        start, turn = start + count, turn + 1
    return out


def line(x, hz, rate=RATE):
    window = np.blackman(x.size)
    return 2.0 * abs(np.exp(-2j * np.pi * hz / rate * np.arange(x.size)) @ (x * window)) / window.sum()


@pytest.mark.parametrize("index", [0.0, 0.7, 2.0])
def test_lines_are_bessel_functions(index):
    x = played(100, 1500.0, 2.0 / 3.0, index)[:, 1].astype(float)
    for n in range(5):
        # line -m, of height (-1)^m J_m, lies at 1500 - 1000 m Hz: below 0 it comes back upside down on line m - 3
        wanted = abs(special.jv(n, index) - (-1) ** (n + 3) * special.jv(n + 3, index))
        assert line(x, 1500.0 + 1000.0 * n) == pytest.approx(wanted, abs=2e-4)


def test_pitch_is_within_a_tenth_of_a_cent():
    hz = 440.0
    x = played(320, hz, 1.0, 0.0)[:, 0].astype(float)
    n, window = np.arange(12000), np.hanning(12000)
    early, late = (
        np.exp(-2j * np.pi * hz / RATE * (n + first)) * window @ x[first : first + n.size] for first in (0, 8000)
    )
    off_hz = np.angle(late / early) / (2.0 * np.pi * 8000 / RATE)
    assert abs(1200.0 * math.log2(1.0 + off_hz / hz)) < 0.1


def test_the_limits_are_the_bessel_functions_own():
    limits = index_limits()
    assert limits.shape == (LINES + 1,) and limits[0] == 0.0 and (np.diff(limits) >= 0.0).all()
    for n in (1, 2, 5, 20, 40):
        beyond = np.arange(n, n + 40)
        assert np.abs(special.jv(beyond, limits[n])).max() < SPILL
        assert np.abs(special.jv(beyond, limits[n] + 0.05)).max() > SPILL


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize(("hz", "ratio"), [(523.251, 3.0), (2093.005, 1.0), (2093.005, 3.5), (4186.009, 2.0)])
def test_aliasing_is_under_80_db_however_high_the_index(hz, ratio, rate):
    x = played(256, hz, ratio, 30.0, rate=rate)[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(x * np.kaiser(x.size, 32.0)))
    at = np.arange(spectrum.size) * rate / x.size
    n = np.arange(-80, 81)
    true = np.abs(hz + n * hz * ratio)
    true = true[true < rate / 2]
    far = np.abs(at[:, None] - true).min(axis=1) > 16 * rate / x.size
    assert 20.0 * math.log10(spectrum[far].max() / spectrum.max()) < -80.0
    assert spectrum[far].size > 1000


def test_an_index_with_room_is_left_alone():
    low, high = (played(40, 110.0, 1.0, index)[:, 0] for index in (3.0, 6.0))
    assert np.abs(low - high).max() > 0.5


def test_velocity_opens_the_index():
    assert index_of(2.0, 0.5) == 2.0
    assert index_of(2.0, 0.9) == pytest.approx(4.0) and index_of(2.0, 0.1) == pytest.approx(1.0)
    assert index_of(2.0, 0.5, brightness_oct=1.0) == 4.0 and index_of(2.0, 0.9, octaves=0.0) == 2.0


def test_equals_its_twin():
    total = 6
    draw = np.random.default_rng(2)
    hz, ratio = draw.uniform(200.0, 400.0, total + 1), np.full(total + 1, 1.5)
    index, gain = draw.uniform(0.0, 3.0, total + 1), draw.uniform(0.0, 1.0, total + 1)
    found = played(total, *(np.tile(row[:, None], VOICES) for row in (hz, ratio, index, gain)))
    place, at = np.arange(total * QUANTUM) / QUANTUM, np.arange(total + 1)
    steps = np.interp(place, at, hz) / RATE
    carrier = np.concatenate(([0.0], np.cumsum(steps)))[:-1]
    bend = np.interp(place, at, index) * np.sin(2.0 * np.pi * 1.5 * carrier)
    wanted = np.interp(place, at, gain) * np.sin(2.0 * np.pi * carrier + bend)
    assert np.abs(found[:, 1] - wanted).max() < 2e-4


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=8)
def test_any_split_gives_the_same_samples(blocks):
    draw = np.random.default_rng(4)
    values = [draw.uniform(low, high, (8, VOICES)) for low, high in ((50, 5000), (0.5, 4), (0, 9), (0, 1))]
    assert np.array_equal(played(7, *values), played(7, *values, quanta=tuple(blocks)))


def test_reset_and_start():
    unit = FmPair(RATE, VOICES)
    first = played(3, 330.0, 2.0, 1.0, unit=unit)
    assert not np.array_equal(first, played(3, 330.0, 2.0, 1.0, unit=unit))
    unit.start(1)
    again = played(3, 330.0, 2.0, 1.0, unit=unit)
    assert np.array_equal(first[:, 1], again[:, 1]) and not np.array_equal(first[:, 0], again[:, 0])
    unit.reset()
    assert np.array_equal(first, played(3, 330.0, 2.0, 1.0, unit=unit))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_extremes_stay_bounded(rate):
    draw = np.random.default_rng(5)
    hz, ratio = 10.0 ** draw.uniform(-3.0, 8.0, (21, VOICES)), 10.0 ** draw.uniform(-5.0, 5.0, (21, VOICES))
    found = played(20, hz, ratio, 10.0 ** draw.uniform(-3.0, 6.0, (21, VOICES)), rate=rate)
    assert np.isfinite(found).all() and 0.1 < np.abs(found).max() <= 1.0001
    assert np.isfinite(played(4, -100.0, -3.0, -5.0)).all()
    assert np.array_equal(played(2, 20.0, 1e6, 1.0), played(2, 20.0, float(RATIO_MAX), 1.0))


def test_no_gain_is_silence_and_the_phase_runs_on():
    gain = np.ones((9, VOICES))
    gain[2:7] = 0.0
    gapped, whole = played(8, 330.0, 2.0, 1.0, gain), played(8, 330.0, 2.0, 1.0)
    assert not gapped[2 * QUANTUM : 6 * QUANTUM].any()
    assert np.array_equal(gapped[7 * QUANTUM :], whole[7 * QUANTUM :])


def test_above_half_the_rate_there_is_nothing():
    unit = FmPair(RATE, VOICES)
    unit.phases[0] = 1 << 30  # at its peak, where half the rate would be heard
    assert not played(4, 24000.0, 1.0, 1.0, unit=unit).any()
