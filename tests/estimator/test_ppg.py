"""Beats of the pulse wave: synthetic ones in their places, recorded ones as NeuroKit2, the ECG and an E4 tell them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator.ppg import BAND_HZ, RATE_HZ, Ppg, Pulses, band_pass

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")
Array = NDArray[np.float64]


def fed(t: Array, x: Array, step_s: float = 1.0, quality: Array | float = 1.0) -> tuple[Pulses, Ppg]:
    """Beats of a wave handed over `step_s` at a time."""
    ppg, found = Ppg(), []
    all_quality = np.broadcast_to(np.asarray(quality, dtype=np.float64), t.shape)
    for begin in np.arange(np.floor(t[0]), t[-1] + step_s, step_s):
        due = (t >= begin) & (t < begin + step_s)
        ppg.add(t[due], x[due], all_quality[due])
        found.append(ppg.take())
    return Pulses(*(np.concatenate(column) for column in zip(*found, strict=True))), ppg


def pulse_wave(
    beat_s: Array, rate_hz: float, amplitude: Array | float = 1.0, dicrotic: float = 0.25
) -> tuple[Array, Array]:
    """A wave with its systolic peaks at `beat_s`, a dicrotic one of a share of their height later, and breath."""
    t = np.arange(0.0, beat_s[-1] + 1.0, 1.0 / rate_hz)
    height = np.broadcast_to(np.asarray(amplitude, dtype=np.float64), beat_s.shape)
    x = 0.5 * np.sin(2 * np.pi * 0.25 * t)
    for moment, high in zip(beat_s.tolist(), height.tolist(), strict=True):
        late = t - moment
        x += high * (np.exp(-0.5 * (late / 0.07) ** 2) + dicrotic * np.exp(-0.5 * ((late - 0.36) / 0.07) ** 2))
    return t, x


def steady_beats(seconds: float = 60.0, seed: int = 1, mean_ms: float = 850.0) -> Array:
    rng = np.random.default_rng(seed)
    n = np.arange(int(seconds * 1000 / mean_ms))
    return 1.0 + np.cumsum(mean_ms + 30 * np.sin(n / 2.0) + rng.normal(0, 10, n.size)) / 1000.0


def offsets(found: Array, truth: Array) -> Array:
    """Time from each of `truth` to the nearest found, s."""
    return found[np.argmin(np.abs(found[:, None] - truth), axis=0)] - truth


@pytest.mark.parametrize("rate_hz", [25.0, 64.0, 100.0, 250.0])
def test_beats_are_found_in_their_places(rate_hz: float) -> None:
    beat_s = steady_beats()
    found, _ = fed(*pulse_wave(beat_s, rate_hz))
    inner = beat_s[(beat_s > 4.0) & (beat_s < beat_s[-1] - 3.0)]
    late = offsets(found.t_s, inner)
    assert np.abs(late - late.mean()).max() < 0.012 and abs(late.mean()) < 0.005
    rr = 1000.0 * np.diff(beat_s)
    lengths = found.rr_ms[np.argmin(np.abs(found.t_s[:, None] - inner), axis=0)]
    assert np.abs(lengths - rr[np.searchsorted(beat_s, inner) - 1]).max() < 15.0
    assert (found.quality[found.t_s > 10.0] > 0.8).all()
    assert found.t_s.size == pytest.approx(((beat_s > 2.0) & (beat_s < beat_s[-1] - 2.0)).sum(), abs=2)


@pytest.mark.parametrize("mean_ms", [1500.0, 1000.0, 600.0, 400.0])
def test_slow_and_quick_hearts(mean_ms: float) -> None:
    beat_s = steady_beats(mean_ms=mean_ms)
    found, ppg = fed(*pulse_wave(beat_s, 64.0))
    assert np.nanmedian(found.rr_ms) == pytest.approx(mean_ms, rel=0.02)
    assert ppg.hr_bpm(float(found.t_s[-1])) == pytest.approx(60000.0 / mean_ms, rel=0.05)
    assert ppg.hr_bpm(float(found.t_s[-1]) + 10.0) is None


def test_a_large_dicrotic_wave_is_no_beat() -> None:
    beat_s = steady_beats()
    found, _ = fed(*pulse_wave(beat_s, 64.0, dicrotic=0.45))
    assert np.nanmin(found.rr_ms) > 700.0


def test_height_follows_the_pulse() -> None:
    beat_s = steady_beats(90.0)
    height = np.where(beat_s < 45.0, 2.0, 1.0)
    found, _ = fed(*pulse_wave(beat_s, 64.0, height))
    before, after = found.amplitude[(found.t_s > 20) & (found.t_s < 40)], found.amplitude[found.t_s > 60]
    assert np.median(after) / np.median(before) == pytest.approx(0.5, abs=0.12)


def test_the_recorded_finger_gives_neurokits_peaks_and_the_ecgs_intervals() -> None:
    x = RECORDINGS["finger_ppg"] / 1e4
    t = np.arange(x.size) / 50.0
    found, _ = fed(t, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        theirs = nk.ppg_findpeaks(nk.ppg_clean(x, sampling_rate=50), sampling_rate=50)["PPG_Peaks"] / 50.0
    theirs = theirs[(theirs > 3.0) & (theirs < 116.0)]
    assert np.abs(offsets(found.t_s, theirs)).max() < 0.02
    assert found.t_s[(found.t_s > 2.9) & (found.t_s < 116.1)].size == theirs.size
    ecg_s = RECORDINGS["beats_s"][3:-5].astype(np.float64)
    late = offsets(found.t_s, ecg_s + 0.43)
    assert np.abs(late).max() < 0.1 and late.std() < 0.025
    assert (found.quality >= 0.5).mean() > 0.95


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_recorded_wrist_is_read_at_its_feet_either_way_up(side: float) -> None:
    x = side * RECORDINGS["wrist_bvp"] / 100.0
    found, _ = fed(np.arange(x.size) / 64.0, x)
    told_s, told_ms = RECORDINGS["wrist_beats_s"].astype(np.float64), RECORDINGS["wrist_rr_ms"].astype(np.float64)
    late = (told_s > 25.0) & (told_s < 86.0)
    nearest = np.argmin(np.abs(found.t_s[:, None] - told_s[late]), axis=0)
    assert np.abs(found.t_s[nearest] - told_s[late]).max() < 0.05
    assert np.median(np.abs(found.rr_ms[nearest] - told_ms[late])) < 8.0  # the device rounds to 15.6 ms
    assert (found.quality[found.t_s > 25.0] >= 0.5).mean() > 0.9
    assert np.nanmax(np.abs(found.rr_ms / np.median(told_ms) - 1.0)) < 0.25  # also where the wave is turned over


def test_beats_are_the_same_however_samples_are_split() -> None:
    t, x = pulse_wave(steady_beats(30.0), 64.0)
    once, _ = fed(t, x)
    for step_s in (0.1, 0.7, 40.0):
        again, _ = fed(t, x, step_s)
        for ours, theirs in zip(again, once, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_beat_shows_within_three_seconds() -> None:
    t, x = pulse_wave(steady_beats(30.0), 64.0)
    ppg, waits = Ppg(), []
    for second in range(30):
        due = (t >= second) & (t < second + 1)
        ppg.add(t[due], x[due])
        waits += (second + 1 - ppg.take().t_s).tolist()
    assert len(waits) > 25 and max(waits[2:]) < 3.0


def test_noise_and_shaking_are_not_believed() -> None:
    rng = np.random.default_rng(2)
    t = np.arange(0.0, 120.0, 1.0 / 64.0)
    noise, _ = fed(t, rng.normal(0, 1, t.size))
    assert (noise.quality >= 0.5).mean() < 0.12
    clean_t, clean = pulse_wave(steady_beats(), 64.0)
    shaking = np.where((clean_t > 25) & (clean_t < 35), rng.normal(0, 6, clean_t.size), 0.0)
    found, _ = fed(clean_t, clean + np.convolve(shaking, np.ones(8) / 8, "same"))
    within = (found.t_s > 25.5) & (found.t_s < 34.5)
    assert (found.quality[within] >= 0.5).mean() < 0.3
    assert (found.quality[(found.t_s > 40)] >= 0.5).mean() > 0.9


def test_a_gap_gives_no_interval() -> None:
    t, x = pulse_wave(steady_beats(), 64.0)
    keep = (t < 30.0) | (t > 31.2)
    found, _ = fed(t[keep], x[keep])
    across = np.flatnonzero(found.t_s > 30.5)[0]
    assert np.isnan(found.rr_ms[across]) and np.isfinite(found.rr_ms[across + 1 :]).all()
    bad, _ = fed(t, x, quality=np.where(keep, 1.0, 0.0))
    np.testing.assert_allclose(bad.t_s, found.t_s)


def test_a_flat_wave_has_no_beats() -> None:
    t = np.arange(0.0, 30.0, 1.0 / 64.0)
    found, ppg = fed(t, np.full(t.size, 7.0))
    assert found.t_s.size == 0 and ppg.hr_bpm(30.0) is None


@pytest.mark.parametrize(("hz", "low", "high"), [(0.1, 0, 0.05), (1.0, 0.97, 1.01), (3.0, 0.8, 0.95), (16.0, 0, 0.01)])
def test_the_band(hz: float, low: float, high: float) -> None:
    t = np.arange(60 * RATE_HZ) / RATE_HZ
    _, wave = band_pass(np.sin(2 * np.pi * hz * t))
    assert low <= wave.std() * np.sqrt(2) <= high
    for edge in BAND_HZ:
        _, half = band_pass(np.sin(2 * np.pi * edge * t))
        assert half.std() * np.sqrt(2) == pytest.approx(0.5, abs=0.04)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=30),
    st.lists(st.tuples(st.floats(-5.0, 400.0), st.floats(-1e9, 1e9)), max_size=30),
    st.integers(0, 2**32 - 1),
)
def test_any_samples_give_beats_that_make_sense(
    wild: list[tuple[float, float, float]], sparse: list[tuple[float, float]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ppg = Ppg()
    t, x, quality = np.array(wild, dtype=np.float64).reshape(-1, 3).T
    ppg.add(t, x, quality)
    t, x = np.array(sorted(sparse), dtype=np.float64).reshape(-1, 2).T
    ppg.add(t, x)
    ppg.add(np.empty(0), np.empty(0))
    ppg.add(400.0 + np.arange(640) / 64.0, rng.choice([0.0, 1e9, -1e9, np.nan, 1e-300], 640))
    found = ppg.take()
    assert (np.diff(found.t_s) > 0.29).all()
    assert np.isfinite(found.amplitude).all() and (found.amplitude >= 0.0).all()
    assert ((found.quality >= 0.0) & (found.quality <= 1.0)).all()
    rr = found.rr_ms[np.isfinite(found.rr_ms)]
    assert ((rr > 290.0) & (rr <= 2000.0)).all()
