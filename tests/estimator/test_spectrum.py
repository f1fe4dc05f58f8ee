"""Even sampling and spectra: against SciPy, and the same however samples come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal
from scipy.interpolate import CubicSpline

from synth.estimator.spectrum import Even, band_power, cubic, density, integral, welch, without_line


def test_the_spline_is_scipys() -> None:
    rng = np.random.default_rng(3)
    t = np.cumsum(rng.uniform(0.4, 1.6, 60))
    x = rng.normal(0, 1, 60)
    at = np.linspace(t[0], t[-1], 500)
    np.testing.assert_allclose(cubic(t, x, at), CubicSpline(t, x)(at), atol=1e-9)
    np.testing.assert_allclose(cubic(t[:4], t[:4] ** 3, t[:4]), t[:4] ** 3)


def test_welch_and_the_line_are_scipys() -> None:
    x = np.random.default_rng(4).normal(0, 1, 1000) + np.arange(1000) / 100.0
    np.testing.assert_allclose(without_line(x), signal.detrend(x), atol=1e-9)
    for size in (256, 1024):
        hz, density = welch(x, 4.0, 256, size)
        theirs_hz, theirs = signal.welch(x, 4.0, "hann", 256, 128, nfft=size)
        np.testing.assert_allclose(hz, theirs_hz)
        np.testing.assert_allclose(density, theirs, atol=1e-9)


def test_the_integral_is_exact_between_the_points() -> None:
    t = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(integral(t, np.array([0.0, 2.0, 2.0]), np.array([0.5, 1.0, 2.5])), [0.25, 1.0, 4.0])


def test_the_density_of_a_wave_holds_its_power() -> None:
    t = np.arange(512) / 256.0
    hz, power = density(np.stack((10.0 * np.sin(2 * np.pi * 20 * t), np.full(512, 3.0))), 256.0)
    within, outside = band_power(hz, power, (15.0, 25.0, 40.0))[0]
    assert within == pytest.approx(50.0, rel=1e-3) and outside < 1e-6
    assert power[1].sum() * hz[1] == pytest.approx(9.0, rel=0.01)


def held(even: Even, t: np.ndarray, x: np.ndarray, cuts: list[int]) -> np.ndarray:
    for part_t, part_x in zip(np.split(t, cuts), np.split(x, cuts), strict=True):
        even.add(part_t, part_x)
    return even.cells


@pytest.mark.parametrize("rate_hz", [25.0, 64.0, 250.0])
def test_cells_are_means_of_the_signal(rate_hz: float) -> None:
    t = np.arange(0.0, 12.0, 1.0 / rate_hz)
    even = Even(64.0, 8.0, 0.25)
    cells = held(even, t, np.sin(2 * np.pi * 1.2 * t), [])
    assert even.end == np.floor(t[-1] * 64.0)
    centre = (even.end - np.arange(cells.size, 0, -1) + 0.5) / 64.0
    np.testing.assert_allclose(cells, np.sin(2 * np.pi * 1.2 * centre), atol=0.012)


@given(st.lists(st.integers(0, 700), max_size=12))
def test_cells_are_the_same_however_samples_are_split(cuts: list[int]) -> None:
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.uniform(0.005, 0.03, 700))
    t[400:] += 0.8
    x = rng.normal(0, 1, 700)
    once = held(Even(64.0, 8.0, 0.25), t, x, [])
    np.testing.assert_allclose(held(Even(64.0, 8.0, 0.25), t, x, sorted(cuts)), once, atol=1e-9)
    assert 50 <= np.isnan(once).sum() <= 56


def test_a_pause_between_chunks_leaves_no_cells() -> None:
    even = Even(4.0, 60.0, 2.0)
    for begin in (0.0, 30.0, 1e6):
        even.add(begin + np.arange(0.0, 10.0, 0.1), np.ones(100))
    assert np.isnan(even.cells[:-39]).all()
    np.testing.assert_allclose(even.cells[-39:], 1.0)
    even = Even(4.0, 60.0, 2.0)
    for begin in (0.0, 30.0):
        even.add(begin + np.arange(0.0, 10.0, 0.1), np.ones(100))
    assert np.isfinite(even.cells).sum() == pytest.approx(79, abs=1) and np.isnan(even.cells[-100:-50]).all()


def test_quick_sensors_do_not_fold_the_mains_into_the_band() -> None:
    t = np.arange(0.0, 10.0, 1.0 / 256.0)
    cells = held(Even(64.0, 8.0, 0.25), t, np.sin(2 * np.pi * 60.0 * t), [])
    assert np.abs(cells).max() < 0.09


def test_what_is_bad_late_or_twice_is_passed_over() -> None:
    t = np.arange(0.0, 10.0, 1.0 / 64.0)
    x = np.sin(t)
    clean = held(Even(64.0, 8.0, 0.25), t, x, [])
    dirty_t, dirty_x = np.repeat(t, 2), np.repeat(x, 2)
    dirty_x[::2][[100, 101, 200]] = [np.nan, np.inf, 1e300]
    dirty_x[1::2][[100, 101, 200]] = x[[100, 101, 200]]
    dirty_t[300] = 0.5
    np.testing.assert_allclose(held(Even(64.0, 8.0, 0.25), dirty_t, dirty_x, [77]), clean, atol=1e-3)
    even = Even(64.0, 8.0, 0.25)
    even.add(t, x, np.arange(t.size) % 64 < 32)
    assert np.isnan(even.cells).mean() == pytest.approx(0.5, abs=0.05)


@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=40),
    st.lists(st.tuples(st.floats(-1e11, 1e11), st.floats(-1e9, 1e9)), max_size=40),
)
def test_any_samples_leave_numbers_or_nothing(wild: list[tuple[float, float]], tame: list[tuple[float, float]]) -> None:
    even = Even(4.0, 60.0, 2.0)
    for samples in (wild, sorted(tame), []):
        t, x = np.array(samples, dtype=np.float64).reshape(-1, 2).T
        assert 0 <= even.add(t, x)
        assert even.cells.size == 240
        assert not np.isinf(even.cells).any() and np.nanmax(np.abs(even.cells), initial=0.0) <= 1.001e9
