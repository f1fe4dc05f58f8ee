"""Beat intervals: which are believed under planted faults, and where late arrivals belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator import hrv
from synth.estimator.rr import Beats, accepted, adjacent, timeline

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")
CLEAN = {name: RECORDINGS[name].astype(np.float64) for name in ("rr_rest_ms", "rr_slow_breathing_ms", "rr_8min_ms")}


def heart(seed: int, beats: int = 400) -> NDArray[np.float64]:
    """Intervals in ms with breath and slow drift in them."""
    rng = np.random.default_rng(seed)
    n = np.arange(beats)
    return 850 + 40 * np.sin(n / 2.2) + 25 * np.sin(n / 17) + rng.normal(0, 15, beats)


def with_faults(clean: NDArray[np.float64], fault: str, share: float, seed: int) -> NDArray[np.float64]:
    """Missed beats, extra beats or beats a quarter of the interval early, at `share` of the places."""
    rng = np.random.default_rng(seed)
    planted = np.zeros(clean.size, dtype=bool)
    planted[rng.choice(np.arange(1, clean.size - 1), round(share * clean.size), replace=False)] = True
    rr: list[float] = []
    for i, interval in enumerate(clean.tolist()):
        if not planted[i]:
            rr.append(interval)
        elif fault == "missed":
            rr[-1] += interval
        elif fault == "extra":
            first = rng.uniform(0.3, 0.7) * interval
            rr += [first, interval - first]
        else:
            early = 0.25 * float(clean[i - 1])
            rr[-1] -= early
            rr.append(interval + early)
    return np.array(rr)


def believed_rmssd(rr: NDArray[np.float64]) -> float:
    value = hrv.rmssd_ms(rr, adjacent(np.cumsum(rr) / 1000.0, rr, accepted(rr)))
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("fault", "share", "within", "raw"),
    [
        ("missed", 0.05, 0.03, 3.5),
        ("missed", 0.10, 0.09, 5.5),
        ("extra", 0.05, 0.05, 1.5),
        ("early", 0.01, 0.03, 0.3),
        ("early", 0.05, 0.08, 1.1),
        ("early", 0.10, 0.16, 1.6),
    ],
)
def test_rmssd_survives_faulty_beats(fault: str, share: float, within: float, raw: float) -> None:
    for clean in CLEAN.values():
        truth = hrv.rmssd_ms(clean)
        faulty = [with_faults(clean, fault, share, seed) for seed in range(4)]
        assert np.mean([abs(believed_rmssd(rr) / truth - 1.0) for rr in faulty]) < within
        assert np.mean([hrv.rmssd_ms(rr) / truth - 1.0 for rr in faulty]) > raw


@pytest.mark.parametrize("name", CLEAN)
def test_clean_hearts_are_kept_nearly_whole(name: str) -> None:
    assert accepted(CLEAN[name]).mean() > 0.996
    assert believed_rmssd(CLEAN[name]) == pytest.approx(hrv.rmssd_ms(CLEAN[name]), rel=0.03)


def test_the_swing_of_slow_breathing_is_no_fault() -> None:
    n = np.arange(200)
    assert accepted(950 + 200 * np.sin(2 * np.pi * n / 16)).all()


def test_a_sudden_level_waits_for_the_median() -> None:
    rr = np.concatenate((np.full(30, 1000.0), np.full(30, 700.0)))
    kept = accepted(rr)
    assert kept[:30].all() and not kept[30:35].any() and kept[40:].all()


def test_impossible_intervals_are_refused_and_do_not_move_the_median() -> None:
    rr = np.full(40, 800.0)
    rr[[5, 9, 20]] = [0.0, 5000.0, np.nan]
    np.testing.assert_array_equal(accepted(rr), np.isfinite(rr) & (rr == 800.0))


def test_an_early_beat_and_its_pause_both_go() -> None:
    rr = np.full(30, 800.0)
    rr[15], rr[16] = 680.0, 920.0  # each within 20 % of the median
    kept = accepted(rr)
    assert not kept[15] and not kept[16] and kept.sum() == 28


def test_a_gap_breaks_adjacency() -> None:
    rr = np.full(6, 800.0)
    t = np.cumsum(rr) / 1000.0
    t[3:] += 4.0
    np.testing.assert_array_equal(adjacent(t, rr, np.ones(6, bool)), [False, True, True, False, True, True])


def test_beats_that_arrive_late_and_in_pairs_are_put_in_their_places() -> None:
    rr = heart(4, 200)
    beat_s = 10.0 + np.cumsum(rr) / 1000.0
    arrival_s = np.repeat(beat_s[1::2], 2) + np.tile([0.0, 0.001], 100)
    np.testing.assert_allclose(timeline(arrival_s, rr), beat_s, atol=0.0011)
    assert adjacent(arrival_s, rr, np.ones(200, bool))[1:].all()
    arrival_s[100:] += 5.0
    np.testing.assert_array_equal(np.flatnonzero(~adjacent(arrival_s, rr, np.ones(200, bool))), [0, 100])
    assert timeline(arrival_s, rr)[100] == pytest.approx(beat_s[100] + 5.0, abs=0.0011)


def test_beats_one_at_a_time_are_judged_as_all_at_once() -> None:
    rr = heart(5, 60)
    rr[[10, 11, 30]] = [700.0, 1000.0, 1700.0]  # an early beat within 20 %, a missed one
    t = np.cumsum(rr) / 1000.0
    beats = Beats()
    for moment, interval in zip(t, rr, strict=True):
        beats.add(float(moment), float(interval), 1.0)
    window = beats.window(float(t[-1]), 1000.0)
    np.testing.assert_array_equal(window.kept, accepted(rr))
    np.testing.assert_array_equal(window.follows, adjacent(t, rr, accepted(rr)))
    times, lengths = window.kept_series()
    np.testing.assert_allclose(times, t[window.kept])
    np.testing.assert_array_equal(lengths, rr[window.kept])


def test_a_beat_of_poor_quality_is_not_believed_nor_what_it_stands_beside_helped() -> None:
    beats = Beats()
    for i in range(20):
        beats.add(0.8 * i, 800.0, 1.0)
    beats.add(16.0, 700.0, 1.0)
    beats.add(16.6, 620.0, 0.2)
    beats.add(17.2, 610.0, 1.0)  # more than 20 % from the median, and no step from a kept one
    window = beats.window(18.0, 60.0)
    np.testing.assert_array_equal(window.kept[-3:], [True, False, False])
    assert window.corrected == pytest.approx(2 / 23)


def test_a_long_run_keeps_only_what_is_recent() -> None:
    beats = Beats()
    for i in range(5000):
        beats.add(i * 0.8, 800.0, 1.0)
    assert beats.window(4000.0, 60.0).kept.sum() == pytest.approx(75, abs=1)
    assert beats.window(4000.0, 1e6).kept.size < 400
    assert beats.last_s == pytest.approx(4999 * 0.8)


@given(st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(), st.floats(0.0, 1.0)), max_size=60))
def test_any_input_gives_windows_that_make_sense(beats: list[tuple[float, float, float]]) -> None:
    held = Beats()
    for t_s, rr_ms, quality in sorted(beats, key=lambda beat: beat[0]):
        held.add(t_s, rr_ms, quality)
    window = held.window(1e4, 1e4)
    assert ((window.rr_ms >= 300.0) & (window.rr_ms <= 2000.0)).all()
    assert 0.0 <= window.coverage <= 1.0 and 0.0 <= window.corrected <= 1.0
    assert (np.diff(window.kept_series()[0]) > 0.0).all()
    assert not (window.follows & ~window.kept).any()
    for value in (hrv.window_rmssd_ms(window), hrv.window_sdnn_ms(window), hrv.window_pnn50(window)):
        assert value is None or np.isfinite(value)
    powers = hrv.window_bands(window)
    assert powers is None or np.isfinite([powers.lf_ms2, powers.hf_ms2, powers.lf_hf]).all()
