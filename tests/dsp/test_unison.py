"""Unison: the published curves, spread held in hertz, power and place, and how the drift wanders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.dsp.noise import UNIFORM_SPREAD
from synth.dsp.quantum import QUANTUM
from synth.dsp.unison import MIDDLE_C_HZ, OFFSETS, Drift, drift, gains, panned, pans, ratios, spread, voices_of

RATE = 48000


def cents(values):
    return 1200.0 * np.log2(values)


@pytest.mark.parametrize(
    ("knob", "outer_cents"), [(0.1, 3.1), (0.2, 7.3), (0.3, 10.7), (0.4, 14.7), (0.5, 18.4), (0.6, 26.0), (0.75, 46.0)]
)
def test_detuning_at_middle_c(knob, outer_cents):
    found = cents(ratios(knob, MIDDLE_C_HZ))
    assert np.mean([-found[0], found[-1]]) == pytest.approx(outer_cents, rel=0.025)
    assert found[3] == 0.0 and (np.diff(found) > 0.0).all()


def test_the_ends_of_the_knob():
    found = cents(ratios(1.0, MIDDLE_C_HZ))
    assert found[0] == pytest.approx(-202.0, abs=1.0) and found[-1] == pytest.approx(177.0, abs=1.0)
    assert spread(-3.0) == spread(0.0) == pytest.approx(0.003, abs=1e-4) and spread(9.0) == spread(1.0)


def test_the_knob_only_ever_widens():
    assert (np.diff([spread(x) for x in np.linspace(0.05, 1.0, 200)]) > 0.0).all()
    assert min(spread(x) for x in np.linspace(0.0, 0.05, 20)) >= spread(0.0)


@pytest.mark.parametrize("hz", [523.25, 2093.0])
def test_spread_narrows_in_cents_above_middle_c_and_not_below(hz):
    low, middle, high = (cents(ratios(0.2, f))[0] for f in (65.4, MIDDLE_C_HZ, hz))
    assert low == middle
    assert high / middle == pytest.approx((MIDDLE_C_HZ / hz) ** 0.7)
    beat_middle, beat_high = (f * abs(ratios(0.2, f)[0] - 1.0) for f in (MIDDLE_C_HZ, hz))
    assert beat_high / beat_middle == pytest.approx((hz / MIDDLE_C_HZ) ** 0.3, rel=0.01)


def test_calm_beats_are_slow():
    """A knob of 0.1 to 0.2 at middle C: the outer voice beats with the centre slower than 1.5 Hz."""
    for knob, hz in ((0.1, 0.47), (0.2, 1.1)):
        beat = MIDDLE_C_HZ * abs(ratios(knob, MIDDLE_C_HZ)[0] - 1.0)
        assert beat == pytest.approx(hz, rel=0.05)


@given(st.floats(0.0, 1.0), st.integers(1, 7))
def test_power_is_one_and_pairs_are_alike(mix, count):
    found = gains(mix, count)
    assert found.shape == (count,) and np.sum(found**2) == pytest.approx(1.0)
    assert np.array_equal(found, found[::-1]) and (found > 0.0).all()


def test_mixing_curves():
    for mix, centre, side in ((0.0, 0.99785, 0.044372), (0.5, 0.72102, 0.502012), (1.0, 0.44419, 0.590832)):
        found = gains(mix)
        assert found[0] / found[3] == pytest.approx(side / centre, rel=1e-5)


@pytest.mark.parametrize("count", range(1, 8))
def test_fewer_voices_keep_the_widest(count):
    chosen = voices_of(count)
    assert len(chosen) == len(set(chosen)) == count and chosen == sorted(chosen)
    assert sum(OFFSETS[chosen]) == pytest.approx(0.0, abs=0.005)
    assert count == 1 or {0, 6} <= set(chosen)
    assert (3 in chosen) == (count % 2 == 1)
    assert ratios(0.2, 440.0, count).shape == pans(1.0, 440.0, count).shape == (count,)


def test_more_voices_than_there_are():
    with pytest.raises(ValueError, match="count = 8"):
        voices_of(8)


def test_places_alternate_and_the_low_stand_in_the_middle():
    found = pans(0.8, 440.0)
    assert found == pytest.approx([-0.8, 0.8 * 2 / 3, -0.8 / 3, 0.0, 0.8 / 3, -0.8 * 2 / 3, 0.8])
    assert not pans(0.8, 119.0).any()
    assert np.abs(pans(0.8, 170.0)).max() == pytest.approx(0.8 * math.log2(170.0 / 120.0))


def test_panning_is_of_equal_power():
    left, right = panned(np.array([-1.0, -0.3, 0.0, 0.7, 1.0, 5.0]))
    assert left**2 + right**2 == pytest.approx(1.0)
    assert left[0] == 1.0 and right[-1] == 1.0 and left[2] == pytest.approx(right[2])
    assert (np.diff(right[:-1]) > 0.0).all()


def marsaglia(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)


def test_equals_its_twin():
    walks = np.array([[0.5, -1.0], [0.0, 2.0]], np.float32)
    states, elapsed = np.array([1, 77], np.uint32), np.array([0.01, 0.002], np.float32)
    wanted, numbers = walks.astype(float), [1, 77]
    for _ in range(5):
        drift(walks, states, elapsed)
        for row in range(2):
            for v in range(2):
                numbers[v] = marsaglia(numbers[v])
                kick = (numbers[v] - (1 << 32) * (numbers[v] >> 31)) * 2.0**-31 * float(UNIFORM_SPREAD)
                wanted[row, v] += -wanted[row, v] * elapsed[row] + math.sqrt(2.0 * elapsed[row]) * kick
    assert np.abs(walks - wanted).max() < 1e-5 and states.tolist() == numbers


def test_drift_has_its_spread_and_its_time():
    unit = Drift(RATE, 96, 1, pitch_cents=2.0, level_db=0.5, corner_cents=80.0, pitch_s=0.5)
    steps = round(0.5 * RATE / QUANTUM)
    start = unit.walks.copy()
    assert start.std() == pytest.approx(1.0, abs=0.1)
    for _ in range(steps):
        unit.step()
    kept = np.mean(start[0] * unit.walks[0]) / np.mean(start[0] ** 2)
    assert kept == pytest.approx(math.exp(-1.0), abs=0.25)
    assert (1200.0 * unit.pitch_oct).std() == pytest.approx(2.0, rel=0.25)
    assert unit.gain_db.std() == pytest.approx(0.5, rel=0.25)
    assert (1200.0 * unit.corner_oct).std() == pytest.approx(80.0, rel=0.25)
    assert np.mean(start[2] * unit.walks[2]) > 0.7  # slower than the pitch


def test_drift_repeats_with_its_seed():
    first, again, other = (Drift(RATE, 8, seed) for seed in (1, 1, 2))
    for unit in (first, again, other):
        unit.step()
    assert np.array_equal(first.walks, again.walks) and not np.array_equal(first.walks, other.walks)
    start = Drift(RATE, 8, 1).walks
    assert not np.array_equal(first.walks, start)
    first.reset()
    assert np.array_equal(first.walks, start)


@pytest.mark.parametrize("rate", [22050, 192000])
def test_drift_stays_bounded_at_any_rate(rate):
    unit = Drift(rate, 8, 3, pitch_s=0.1)
    for _ in range(500):
        unit.step()
    assert np.isfinite(unit.walks).all() and np.abs(unit.walks).max() < 6.0
    with pytest.raises(ValueError, match="pitch_s = 0"):
        Drift(rate, 8, 3, pitch_s=0.0)
