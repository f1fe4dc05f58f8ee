"""Hard sync: aliasing, pitch, the wave it must be, DC, splits, extremes, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp.quantum import QUANTUM
from synth.dsp.steps import DELAY, POINTS, TURNS, residues
from synth.dsp.sync import SyncedSaw

RATE = 48000
VOICES = 2


def edges(values, quanta):
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float32), (quanta + 1, VOICES)))


def played(total, leader_hz, follower_hz, gain=1.0, rate=RATE, quanta=(10000,), unit=None):
    unit = unit or SyncedSaw(rate, VOICES)
    tables = [edges(values, total) for values in (leader_hz, follower_hz, gain)]
    out, start, turn = np.full((total * QUANTUM, VOICES), 7.0, np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        here = [table[start : start + count + 1] for table in tables]
        unit.render(*here, count, out[start * QUANTUM : (start + count) * QUANTUM])
        start, turn = start + count, turn + 1
    return out


def alias_db(x, hz, rate):
    """The strongest line that is no harmonic, over the strongest."""
    spectrum = np.abs(np.fft.rfft(x * np.kaiser(x.size, 32.0)))
    bins = np.arange(spectrum.size)
    harmonic = np.rint(bins * rate / x.size / hz)
    far = np.abs(bins - harmonic * hz * x.size / rate) > 16
    return 20.0 * math.log10(spectrum[far].max() / spectrum.max())


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("ratio", [1.0, 1.37, 2.5, 6.3])
@pytest.mark.parametrize("hz", [261.626, 2093.005, 4186.009])
def test_aliasing_is_under_80_db(hz, ratio, rate):
    x = played(257, hz, ratio * hz, rate=rate)[QUANTUM:, 0].astype(float)
    assert alias_db(x, hz, rate) < -80.0


def naive(frames, leader_hz, follower_hz, rate=RATE):
    since = np.arange(1, frames + 1) / rate * leader_hz % 1.0 / leader_hz
    return 2.0 * (since * follower_hz % 1.0) - 1.0


def test_the_plain_wave_would_not_pass():
    assert alias_db(naive(16384, 2093.005, 1.37 * 2093.005), 2093.005, RATE) > -40.0


@pytest.mark.parametrize("ratio", [1.0, 1.37, 2.5, 5.2])
def test_spectrum_is_that_of_a_synced_saw(ratio):
    """Fourier coefficients of the ideal wave, by fine sums; the highest under the corner of the steps."""
    hz = 500.0
    x = played(120, hz, ratio * hz)[4 * QUANTUM :, 1].astype(float)
    t = (np.arange(200000) + 0.5) / 200000
    ideal = 2.0 * (t * ratio % 1.0) - 1.0
    window = np.blackman(x.size)
    for n in (1, 2, 3, 8, 20, 29):
        wanted = 2.0 * abs(np.mean(ideal * np.exp(-2j * np.pi * n * t)))
        found = 2.0 * abs(np.exp(-2j * np.pi * n * hz / RATE * np.arange(x.size)) @ (x * window)) / window.sum()
        assert found == pytest.approx(wanted, abs=4e-4)


def test_equals_the_naive_wave_away_from_its_steps():
    hz, follower_hz, total = 60.0, 143.0, 40
    x = played(total, hz, follower_hz)[:, 0].astype(float)
    wanted = naive(total * QUANTUM, hz, follower_hz)
    wanted -= np.mean(2.0 * (np.arange(100000) / 100000 * follower_hz / hz % 1.0) - 1.0)
    jumps = np.flatnonzero(np.abs(np.diff(wanted)) > 0.1)
    n = np.arange(POINTS, wanted.size - POINTS)
    calm = n[np.abs(n[:, None] - jumps).min(axis=1) > DELAY + 1]
    assert calm.size > 1000
    assert np.abs(x[calm + DELAY] - wanted[calm]).max() < 2e-3


@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.21])
def test_pitch_is_the_leaders(ratio):
    hz = 440.0
    x = played(320, hz, ratio * hz)[:, 0].astype(float)
    n, window = np.arange(12000), np.hanning(12000)
    early, late = (
        np.exp(-2j * np.pi * hz / RATE * (n + first)) * window @ x[first : first + n.size] for first in (0, 8000)
    )
    off_hz = np.angle(late / early) / (2.0 * np.pi * 8000 / RATE)
    assert abs(1200.0 * math.log2(1.0 + off_hz / hz)) < 0.1


@pytest.mark.parametrize("ratio", [1.2, 1.5, 2.5, 3.9])
def test_there_is_no_dc(ratio):
    x = played(150, 480.0, ratio * 480.0)[2 * QUANTUM :, 0].astype(float)
    assert abs(x[:9000].mean()) < 1e-3


def test_a_sweep_keeps_its_level():
    total = 100
    follower = np.tile(np.linspace(300.0, 1900.0, total + 1)[:, None], VOICES)
    x = played(total, 300.0, follower)[2 * QUANTUM :, 0]
    assert np.abs(x).max() < 2.3 and np.abs(x.reshape(-1, 7 * QUANTUM).mean(axis=1)).max() < 0.15


def test_residues_are_a_step_less_a_step():
    table = residues()
    assert table.shape == (TURNS + 1, POINTS) and table is residues()
    assert table[0, DELAY] == pytest.approx(-0.5, abs=1e-3)
    assert table[-1, DELAY - 1] == pytest.approx(0.5, abs=1e-3)
    assert np.abs(table[:, [0, -1]]).max() < 1e-4
    odd = table[0, 1:DELAY] + table[0, :DELAY:-1]
    assert np.abs(odd).max() < 1e-6


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=8)
def test_any_split_gives_the_same_samples(blocks):
    draw = np.random.default_rng(4)
    values = [draw.uniform(low, high, (8, VOICES)) for low, high in ((50, 5000), (50, 9000), (0, 1))]
    assert np.array_equal(played(7, *values), played(7, *values, quanta=tuple(blocks)))


def test_reset_reproduces():
    unit = SyncedSaw(RATE, VOICES)
    first = played(3, 330.0, 700.0, unit=unit)
    assert not np.array_equal(first, played(3, 330.0, 700.0, unit=unit))
    unit.reset()
    assert np.array_equal(first, played(3, 330.0, 700.0, unit=unit))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_extremes_stay_bounded(rate):
    draw = np.random.default_rng(5)
    low, high = 10.0 ** draw.uniform(-4.0, 9.0, (2, 41, VOICES))
    found = played(40, low, high, rate=rate)
    assert np.isfinite(found).all() and 0.1 < np.abs(found).max() < 8.0
    assert np.isfinite(played(3, -100.0, -50.0)).all() and np.isfinite(played(3, 0.0, 0.0)).all()


def test_no_gain_is_silence_and_a_new_start():
    unit, gain = SyncedSaw(RATE, VOICES), np.ones((9, VOICES))
    gain[:2], gain[5:] = 0.0, 0.0
    x = played(8, 330.0, 800.0, gain, unit=unit)
    assert not x[:QUANTUM].any() and not x[5 * QUANTUM :].any() and x[QUANTUM : 5 * QUANTUM].any()
    assert not unit.phases.any()
    assert np.array_equal(played(7, 330.0, 800.0, gain[1:9]), x[QUANTUM:])
