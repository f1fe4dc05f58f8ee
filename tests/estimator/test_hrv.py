"""Beat intervals: the screen against planted faults, the measures against NeuroKit2 and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.estimator import hrv
from synth.estimator.rr import Beats, accepted, adjacent


def heart(seed: int, beats: int = 400) -> NDArray[np.float64]:
    """Intervals in ms with breath and slow drift in them."""
    rng = np.random.default_rng(seed)
    n = np.arange(beats)
    return 850 + 40 * np.sin(n / 2.2) + 25 * np.sin(n / 17) + rng.normal(0, 15, beats)


def rmssd_of(t: NDArray[np.float64], rr: NDArray[np.float64]) -> float:
    value = hrv.rmssd_ms(rr, adjacent(t, rr, accepted(rr)))
    assert value is not None
    return value


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_measures_are_those_of_neurokit(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        rr = heart(seed)
        peaks = {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000.0}
        reference = nk.hrv_time(peaks).iloc[0]
    assert hrv.sdnn_ms(rr) == pytest.approx(reference["HRV_SDNN"], rel=1e-3)
    assert hrv.rmssd_ms(rr) == pytest.approx(reference["HRV_RMSSD"], rel=1e-3)
    assert hrv.pnn50(rr) == pytest.approx(reference["HRV_pNN50"], rel=1e-3)
    assert hrv.mean_hr_bpm(rr) == pytest.approx(60000.0 / reference["HRV_MeanNN"], rel=1e-3)


def test_the_measures_by_hand() -> None:
    rr = [800.0, 860.0, 800.0, 790.0]
    assert hrv.rmssd_ms(rr) == pytest.approx(np.sqrt((60**2 + 60**2 + 10**2) / 3))
    assert hrv.pnn50(rr) == pytest.approx(50.0)
    assert hrv.rmssd_ms(rr, [False, True, False, True]) == pytest.approx(np.sqrt((60**2 + 10**2) / 2))
    assert (hrv.mean_hr_bpm([]), hrv.sdnn_ms([800.0]), hrv.rmssd_ms([800.0]), hrv.pnn50([800.0])) == (None,) * 4


def test_a_clean_heart_is_kept_whole() -> None:
    assert accepted(heart(1)).all()


@pytest.mark.parametrize("fault", ["missed", "extra", "early"])
@pytest.mark.parametrize("share", [0.02, 0.05])
def test_faulty_beats_hardly_move_rmssd(fault: str, share: float) -> None:
    errors = []
    for seed in range(4):
        rng = np.random.default_rng(100 + seed)
        clean = heart(seed)
        rr: list[float] = []
        planted = rng.random(clean.size) < share
        for i, interval in enumerate(clean):
            if planted[i] and fault == "missed" and rr:
                rr[-1] += interval
            elif planted[i] and fault == "extra":
                rr += [0.4 * interval, 0.6 * interval]
            elif planted[i] and fault == "early" and rr:
                rr[-1] *= 0.75
                rr.append(interval + 0.25 * clean[i - 1])
            else:
                rr.append(float(interval))
        faulty = np.array(rr)
        truth = hrv.rmssd_ms(clean)
        errors.append(abs(rmssd_of(np.cumsum(faulty) / 1000.0, faulty) / truth - 1.0))
        raw = hrv.rmssd_ms(faulty)
        assert raw is not None and raw > 1.4 * truth
    assert max(errors) < 0.12


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


def test_beats_one_at_a_time_are_judged_as_all_at_once() -> None:
    rr = heart(5, 60)
    rr[[10, 11, 30]] = [600.0, 1100.0, 1700.0]
    t = np.cumsum(rr) / 1000.0
    beats = Beats()
    for moment, interval in zip(t, rr, strict=True):
        beats.add(float(moment), float(interval), 1.0)
    window = beats.window(float(t[-1]), 1000.0)
    np.testing.assert_array_equal(window.kept, accepted(rr))
    np.testing.assert_array_equal(window.follows, adjacent(t, rr, accepted(rr)))


def test_rmssd_of_a_window_needs_most_of_it_covered() -> None:
    rr = heart(2, 100)
    t = np.cumsum(rr) / 1000.0
    whole, half = Beats(), Beats()
    for i, (moment, interval) in enumerate(zip(t, rr, strict=True)):
        whole.add(float(moment), float(interval), 1.0)
        if i % 20 < 10:
            half.add(float(moment), float(interval), 1.0)
    now_s = float(t[-1])
    assert hrv.window_rmssd_ms(whole.window(now_s, 60.0)) == pytest.approx(hrv.rmssd_ms(rr[t > now_s - 60.0]), rel=0.05)
    assert hrv.window_rmssd_ms(half.window(now_s, 60.0)) is None


def test_a_long_run_keeps_only_what_is_recent() -> None:
    beats = Beats()
    for i in range(5000):
        beats.add(i * 0.8, 800.0, 1.0)
    assert beats.window(4000.0, 60.0).kept.sum() == pytest.approx(75, abs=1)
    assert beats.window(4000.0, 1e6).kept.size < 400
    assert beats.last_s == pytest.approx(4999 * 0.8)
