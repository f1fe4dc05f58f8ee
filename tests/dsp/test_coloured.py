"""Coloured noise: slope and level as asked, against a twin, in any split, at rest."""

from __future__ import annotations

import numpy as np
import pytest
from numba import config
from scipy import signal

from synth.dsp.coloured import APART, LOWEST_HZ, SECTIONS, ColouredNoise
from synth.dsp.quantum import QUANTUM

RATE = 48000
LONG, LOOSE = (3000, 1.0) if not config.DISABLE_JIT else (300, 3.0)  # quanta, and how far what is measured may stray


def rendered(slope_db, quanta, sizes=(64,), gain=1.0, rate=RATE, seed=1, unit=None):
    unit = unit or ColouredNoise(rate, seed)
    slopes, gains = (np.broadcast_to(np.asarray(v, np.float32), quanta + 1) for v in (slope_db, gain))
    out, at, turn = np.zeros((2, quanta * QUANTUM), np.float32), 0, 0
    while at < quanta:
        count = min(sizes[turn % len(sizes)], quanta - at)
        part = np.zeros((2, 4096), np.float32)
        unit.render(slopes[at : at + count + 1].copy(), gains[at : at + count + 1].copy(), count, part)
        out[:, at * QUANTUM : (at + count) * QUANTUM] = part[:, : count * QUANTUM]
        at, turn = at + count, turn + 1
    return out


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("slope_db", [-6.0, -3.0, 0.0, 3.0, 6.0])
@pytest.mark.measured
def test_slope_and_level(slope_db, rate):
    x = rendered(slope_db, LONG, rate=rate).astype(float)
    hz, power = signal.welch(x, rate, nperseg=4096)
    octaves = 125.0 * 2.0 ** np.arange(7)  # to 8 kHz
    bands = [10.0 * np.log10(power[:, (hz >= f / 1.41) & (hz < f * 1.41)].mean()) for f in octaves]
    found = np.polyfit(np.arange(7), bands, 1)[0]
    assert found == pytest.approx(slope_db, abs=0.25 * LOOSE)
    assert np.abs(bands - np.polyval(np.polyfit(np.arange(7), bands, 1), np.arange(7))).max() < 1.5 * LOOSE
    level_db = 20.0 * np.log10(x[:, x.shape[1] // 4 :].std())
    assert level_db == pytest.approx(0.0, abs=LOOSE * (0.7 if slope_db >= -3.0 else 2.5))  # brown noise wanders
    assert abs(np.corrcoef(x)[0, 1]) < LOOSE * (0.05 if slope_db >= -3.0 else 0.3)


def test_equals_a_row_of_sections_in_float64():
    white, pink = (rendered(slope_db, 20).astype(float) for slope_db in (0.0, -3.0103))
    poles = np.minimum(LOWEST_HZ / RATE * 2.0 ** (APART * np.arange(SECTIONS)), 0.45)
    x = white
    for pole, zero in zip(poles, np.minimum(poles * 2.0 ** (APART / 2.0), 0.45), strict=True):
        p, z = np.tan(np.pi * pole), np.tan(np.pi * zero)
        x = signal.lfilter([(1.0 + z) / (1.0 + p), (z - 1.0) / (1.0 + p)], [1.0, (p - 1.0) / (1.0 + p)], x)
    scale = (x * pink).sum() / (x * x).sum()
    assert np.abs(pink - scale * x).max() < 1e-4 * np.abs(pink).max()


@pytest.mark.parametrize("sizes", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(sizes):
    slopes, gains = 3.0 * np.sin(np.arange(101) / 9.0), 0.5 + 0.5 * np.cos(np.arange(101) / 5.0)
    assert np.array_equal(rendered(slopes, 100, gain=gains), rendered(slopes, 100, sizes, gains))


def test_without_gain_silence_and_after_a_reset_the_same_again():
    unit = ColouredNoise(RATE, 2)
    assert not rendered(-3.0, 8, gain=0.0, unit=unit).any()
    unit.reset()
    once = rendered(-3.0, 8, unit=unit)
    unit.reset()
    assert np.array_equal(once, rendered(-3.0, 8, unit=unit))
    assert not np.array_equal(once, rendered(-3.0, 8, seed=3))
