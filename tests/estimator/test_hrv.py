"""Heart rate variability: the measures against NeuroKit2, SciPy, known figures and by hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal
from scipy.interpolate import CubicSpline

from synth.estimator import hrv
from synth.estimator.rr import Beats, Window, accepted, adjacent, timeline

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")
RECORDED = ("rr_rest_ms", "rr_slow_breathing_ms", "rr_8min_ms", "rr_5min_ms")


def heart(seed: int, beats: int = 400) -> NDArray[np.float64]:
    """Intervals in ms with breath and slow drift in them."""
    rng = np.random.default_rng(seed)
    n = np.arange(beats)
    return 850 + 40 * np.sin(n / 2.2) + 25 * np.sin(n / 17) + rng.normal(0, 15, beats)


def series(name: str) -> NDArray[np.float64]:
    return RECORDINGS[name].astype(np.float64) if name in RECORDED else heart(int(name))


def window_of(rr: NDArray[np.float64], keep: NDArray[np.bool_] | None = None) -> Window:
    t = np.cumsum(rr) / 1000.0
    kept = np.ones(rr.size, bool) if keep is None else keep
    return Window(t, rr, kept, adjacent(t, rr, kept), float(t[-1]))


@pytest.mark.parametrize("name", [*RECORDED, "1", "2", "3"])
def test_the_measures_are_those_of_neurokit(name: str) -> None:
    rr = series(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        reference = nk.hrv_time({"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000.0}).iloc[0]
    assert hrv.sdnn_ms(rr) == pytest.approx(reference["HRV_SDNN"], rel=1e-3)
    assert hrv.rmssd_ms(rr) == pytest.approx(reference["HRV_RMSSD"], rel=1e-3)
    assert hrv.pnn50(rr) == pytest.approx(reference["HRV_pNN50"], rel=1e-3)
    assert hrv.mean_hr_bpm(rr) == pytest.approx(60000.0 / reference["HRV_MeanNN"], rel=1e-3)


def test_the_measures_by_hand() -> None:
    rr = [800.0, 860.0, 800.0, 790.0]
    assert hrv.rmssd_ms(rr) == pytest.approx(np.sqrt((60**2 + 60**2 + 10**2) / 3))
    assert hrv.sdnn_ms(rr) == pytest.approx(np.std(rr, ddof=1))
    assert hrv.pnn50(rr) == pytest.approx(50.0)
    assert hrv.rmssd_ms(rr, [False, True, False, True]) == pytest.approx(np.sqrt((60**2 + 10**2) / 2))
    assert (hrv.mean_hr_bpm([]), hrv.sdnn_ms([800.0]), hrv.rmssd_ms([800.0]), hrv.pnn50([800.0])) == (None,) * 4


def test_sdnn_and_rmssd_are_of_different_types() -> None:
    spread, neighbours = (get_type_hints(measure)["return"] for measure in (hrv.sdnn_ms, hrv.rmssd_ms))
    assert spread == hrv.Sdnn | None and neighbours == hrv.Rmssd | None and hrv.Sdnn is not hrv.Rmssd
    assert hrv.sdnn_ms(heart(1)) != pytest.approx(hrv.rmssd_ms(heart(1)), rel=0.01)


@pytest.mark.parametrize("name", [*RECORDED, "1", "2"])
def test_the_powers_are_those_of_scipys_spline_and_welch(name: str) -> None:
    rr = series(name)
    t = np.cumsum(rr) / 1000.0
    even = signal.detrend(CubicSpline(t, rr)(np.arange(t[0], t[-1], 0.25)))
    hz, density = signal.welch(even, 4.0, "hann", 256, 128, nfft=1024)
    powers = hrv.bands(t, rr)
    assert powers is not None
    for ours, lo, hi in ((powers.lf_ms2, 0.04, 0.15), (powers.hf_ms2, 0.15, 0.40)):
        inside = (hz >= lo) & (hz <= hi)
        assert ours == pytest.approx(np.trapezoid(density[inside], hz[inside]), rel=5e-3)
    assert powers.lf_hf == pytest.approx(powers.lf_ms2 / powers.hf_ms2)
    assert powers.total_ms2 == pytest.approx(powers.lf_ms2 + powers.hf_ms2)


@pytest.mark.parametrize(
    ("name", "lf_hf"),
    [("rr_rest_ms", 0.93), ("rr_slow_breathing_ms", 38.2), ("rr_8min_ms", 1.95), ("rr_5min_ms", 0.74)],
)
def test_the_ratios_of_recorded_hearts(name: str, lf_hf: float) -> None:
    rr = series(name)
    powers = hrv.bands(np.cumsum(rr) / 1000.0, rr)
    assert powers is not None
    assert powers.lf_hf == pytest.approx(lf_hf, rel=0.01)


@pytest.mark.parametrize(("hz", "band"), [(0.1, "lf_ms2"), (0.25, "hf_ms2")])
def test_a_wave_puts_its_power_into_its_band(hz: float, band: str) -> None:
    rr, t, times = [], 0.0, []
    while t < 300.0:
        rr.append(800.0 + 30.0 * np.sin(2 * np.pi * hz * t))
        t += rr[-1] / 1000.0
        times.append(t)
    powers = hrv.bands(times, rr)
    assert powers is not None
    assert getattr(powers, band) == pytest.approx(30.0**2 / 2, rel=0.06)
    assert getattr(powers, band) > 0.97 * powers.total_ms2


def test_a_drift_is_no_power() -> None:
    t = np.cumsum(np.linspace(0.7, 1.2, 320))
    still, drifting = (hrv.bands(t, rise * t + 3.0 * np.sin(2 * np.pi * 0.25 * t)) for rise in (0.0, 1.6))
    assert still is not None and drifting is not None
    assert drifting.lf_ms2 < 0.05 and drifting.hf_ms2 == pytest.approx(still.hf_ms2, rel=0.01)


def test_powers_need_two_minutes_without_a_gap_and_some_variation() -> None:
    rr = heart(6, 180)
    t = np.cumsum(rr) / 1000.0
    assert hrv.bands(t, rr) is not None
    assert hrv.bands(t[:120], rr[:120]) is None
    gap = t + np.where(np.arange(180) >= 90, 5.0, 0.0)
    assert hrv.bands(gap, rr) is None
    assert hrv.bands(0.8 * np.arange(1.0, 200.0), np.full(199, 800.0)) is None
    assert hrv.bands([], []) is None


@pytest.mark.parametrize("name", ["rr_rest_ms", "rr_8min_ms"])
def test_powers_survive_missed_beats(name: str) -> None:
    rr = series(name)[:320]
    truth = hrv.bands(np.cumsum(rr) / 1000.0, rr)
    missed = np.arange(20, 300, 20)
    faulty = rr.copy()
    faulty[missed] += faulty[missed + 1]
    faulty = np.delete(faulty, missed + 1)
    powers = hrv.window_bands(window_of(faulty, accepted(faulty)))
    assert truth is not None and powers is not None
    assert powers.lf_ms2 == pytest.approx(truth.lf_ms2, rel=0.1)
    assert powers.hf_ms2 == pytest.approx(truth.hf_ms2, rel=0.25)  # straighter where a beat is missing


def test_powers_of_beats_that_arrive_in_pairs_are_those_of_the_beats() -> None:
    rr = series("rr_slow_breathing_ms")[:400]
    t = np.cumsum(rr) / 1000.0
    truth = hrv.bands(t, rr)
    arrival_s = np.repeat(t[1::2], 2) + np.tile([0.0, 0.001], 200)
    placed = hrv.bands(timeline(arrival_s, rr), rr)
    assert truth is not None and placed is not None
    assert placed.hf_ms2 == pytest.approx(truth.hf_ms2, rel=0.01)
    as_it_came = hrv.bands(arrival_s, rr)
    assert as_it_came is not None and as_it_came.hf_ms2 > 10.0 * truth.hf_ms2


@pytest.mark.parametrize("fault", ["missed", "early"])
def test_faulty_beats_are_no_worse_than_after_neurokits_correction(fault: str) -> None:
    clean = heart(8)
    rr = clean.copy()
    planted = np.arange(25, 390, 40)
    if fault == "missed":
        rr[planted] += rr[planted + 1]
        rr = np.delete(rr, planted + 1)
    else:
        rr[planted] *= 0.72
        rr[planted + 1] += 0.28 * clean[planted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        peaks = np.concatenate(([0], np.round(np.cumsum(rr)).astype(int)))
        _, mended = nk.signal_fixpeaks(peaks, sampling_rate=1000, iterative=True, method="Kubios")
        theirs = nk.hrv_time(mended, sampling_rate=1000).iloc[0]
    kept = accepted(rr)
    follows = adjacent(np.cumsum(rr) / 1000.0, rr, kept)
    for ours, name, truth, within in (
        (hrv.sdnn_ms(rr[kept]), "HRV_SDNN", hrv.sdnn_ms(clean), 0.03),
        (hrv.rmssd_ms(rr, follows), "HRV_RMSSD", hrv.rmssd_ms(clean), 0.06),
    ):
        assert ours == pytest.approx(truth, rel=within)
        assert abs(ours - truth) <= abs(theirs[name] - truth) + 0.01 * truth
    assert hrv.pnn50(rr, follows) == pytest.approx(hrv.pnn50(clean), abs=1.5)


def test_measures_of_a_window_need_most_of_it_covered() -> None:
    rr = heart(2, 100)
    t = np.cumsum(rr) / 1000.0
    whole, half = Beats(), Beats()
    for i, (moment, interval) in enumerate(zip(t, rr, strict=True)):
        whole.add(float(moment), float(interval), 1.0)
        if i % 20 < 10:
            half.add(float(moment), float(interval), 1.0)
    now_s = float(t[-1])
    last = rr[t > now_s - 60.0]
    window = whole.window(now_s, 60.0)
    assert hrv.window_rmssd_ms(window) == pytest.approx(hrv.rmssd_ms(last), rel=0.05)
    assert hrv.window_sdnn_ms(window) == pytest.approx(hrv.sdnn_ms(last), rel=0.05)
    assert hrv.window_pnn50(window) == pytest.approx(hrv.pnn50(last), abs=3.0)
    gappy = half.window(now_s, 60.0)
    assert hrv.window_rmssd_ms(gappy) is hrv.window_sdnn_ms(gappy) is hrv.window_pnn50(gappy) is None
    assert hrv.window_bands(half.window(now_s, 120.0)) is None
