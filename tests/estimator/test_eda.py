"""Skin conductance: what is invalid, what is counted, what is slow and what is quick."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pytest

from synth.estimator.eda import GUARD_S, TREND_LIMIT_PER_S, Eda, Split


def fed(values: Iterable[float], rate_hz: float = 4.0) -> Eda:
    eda = Eda()
    for i, us in enumerate(values):
        eda.add(i / rate_hz, float(us))
    return eda


def steady(seconds: float, us: float = 2.0, rate_hz: float = 4.0) -> np.ndarray:
    return us + np.random.default_rng(1).normal(0, 5e-4, int(seconds * rate_hz))


@pytest.mark.parametrize("responses", [2, 5, 10, 18])
@pytest.mark.parametrize("rate_hz", [8, 32])
def test_responses_are_counted_as_simulated(responses: int, rate_hz: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        us = 2.0 + nk.eda_simulate(
            duration=100, sampling_rate=rate_hz, scr_number=responses, noise=0, drift=0, random_state=3
        )
    ending = np.full(6 * rate_hz, us[-1])  # what is measured is five seconds old
    eda = fed([*us, *ending], rate_hz)
    assert len(eda.responses.onsets_s) == responses
    assert eda.scr_per_min == pytest.approx(60 * responses / 100, abs=2)


def test_responses_are_those_neurokit_finds() -> None:
    rng = np.random.default_rng(11)
    t = np.arange(0, 150, 1 / 100)
    onsets = np.cumsum(rng.uniform(5.0, 14.0, 14))
    us = 3.0 + 0.1 * np.sin(t / 60.0)
    for onset in onsets:
        late = np.maximum(t - onset, 0.0)
        us += rng.uniform(0.1, 0.5) * 2.0 * (np.exp(-late / 4.0) - np.exp(-late / 0.8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        _, info = nk.eda_process(us, sampling_rate=100)
    theirs = len(info["SCR_Peaks"])
    ours = fed([*us[::25], *np.full(24, us[-1])])
    assert theirs == len(onsets)
    assert len(ours.responses.onsets_s) == theirs
    assert np.abs(np.array(ours.responses.onsets_s) - onsets).max() < 1.5


def test_noise_and_slow_drift_are_no_responses() -> None:
    drift = 2.0 + 0.002 * np.arange(480) / 4 + np.random.default_rng(2).normal(0, 0.001, 480)
    assert len(fed(drift).responses.onsets_s) == 0


@pytest.mark.parametrize("us", [0.0, 0.04, 61.0, -1.0])
def test_values_out_of_range_are_off_at_once_and_for_five_seconds_after(us: float) -> None:
    eda = fed([*steady(100), us])
    now_s = 100.0
    assert eda.trouble(now_s) in ("off", "disturbed")
    for i in range(int(GUARD_S * 4) - 1):
        eda.add(now_s + (i + 1) / 4, 2.0 + 1e-4 * (i % 2))
    assert eda.trouble(now_s + GUARD_S - 0.25) != ""
    back_s = now_s + 0.25  # the way back may be too steep in its turn
    eda.add(back_s + GUARD_S - 0.25, 2.0)
    eda.add(back_s + GUARD_S, 2.0)
    assert eda.trouble(back_s + GUARD_S) == ""


def test_a_spike_is_cut_out_with_the_seconds_around_it() -> None:
    clean = steady(200)
    spiked = clean.copy()
    spiked[400:404] = [6.0, 4.5, 2.2, 4.7]
    spiked[397:400] += [0.3, 0.6, 0.9]  # the lead-in that a shifted electrode shows
    a, b = fed(clean), fed(spiked)
    assert len(b.responses.onsets_s) == 0
    assert b.split.tonic == pytest.approx(a.split.tonic, abs=1e-3)
    assert b.recent.feature == pytest.approx(a.recent.feature, abs=0.02)
    assert b.rejected >= 4


def test_what_is_missing_is_no_breach() -> None:
    values = steady(120)
    values[[300, 340, 380]] = [np.nan, np.inf, -np.inf]
    eda = fed(values)
    assert eda.trouble(119.75) == "" and eda.rejected == 0


def test_silence_and_stillness_are_named() -> None:
    eda = fed(steady(100))
    assert eda.trouble(104.0) == "" and eda.trouble(106.0) == "missing"
    for i in range(140):
        eda.add(100.0 + i / 4, 2.0)
    assert eda.trouble(128.0) == "" and eda.trouble(134.75) == "frozen"


def test_the_split_gives_back_the_signal_and_is_causal() -> None:
    split = Split()
    split.start(2.0)
    for i in range(400):
        split.add(2.0 + (i >= 200), 0.25)
        if i < 200:
            assert (split.smooth, split.tonic, split.phasic) == (2.0, 2.0, 0.0)
        if i == 207:
            assert split.smooth == pytest.approx(3.0, abs=0.03)
            assert split.phasic > 0.75  # two seconds in, the rise is nearly all quick
    assert split.tonic == pytest.approx(3.0, abs=0.02)
    assert split.phasic == pytest.approx(0.0, abs=0.02)


def test_the_trend_is_bounded_signed_and_fades() -> None:
    ramp = np.linspace(2.0, 6.0, 40)
    up = fed([*steady(200, 2.0), *ramp, *steady(40, 6.0)])
    assert up.rejected == 0
    assert 0.05 < up.recent._sum < 50 * TREND_LIMIT_PER_S + 0.02
    assert up.recent.feature > 0.75
    down = fed([*steady(200, 6.0), *ramp[::-1], *steady(40, 2.0)])
    assert down.recent.feature < -0.75
    later = fed([*steady(200, 2.0), *ramp, *steady(900, 6.0)])
    assert abs(later.recent.feature) < 0.4


def test_the_level_is_about_the_first_minutes_and_drifts_slowly() -> None:
    eda = fed([*steady(200, 2.0), *steady(120, 4.0)])
    usual = np.log(2.0) * 105 / 305  # the plain mean up to now, as the drift is not filled yet
    assert eda.level_feature == pytest.approx(np.tanh(np.log(2.0) - usual), abs=0.03)
    assert fed([*steady(200, 2.0), *steady(7200, 4.0)]).level_feature < 0.05
    assert fed([*steady(200, 4.0), *steady(7200, 2.0)]).level_feature < -0.3  # a long calm is not cancelled


def test_the_longer_trend_remembers_longer() -> None:
    eda = fed([*steady(300, 2.0), *np.linspace(2.0, 2.6, 240), *steady(150, 2.6)])
    kept = [trend._sum / 0.26 for trend in (eda.recent, eda.longer)]
    assert kept[1] > 1.5 * kept[0] > 0.1


def test_no_jump_after_a_gap() -> None:
    eda = fed(steady(200, 2.0))
    before = eda.recent.feature
    for i in range(60):
        eda.add(300.0 + i / 4, 5.0 + 1e-3 * (i % 2))
    assert abs(eda.recent.feature - before) < 0.1
    assert len(eda.responses.onsets_s) == 0
