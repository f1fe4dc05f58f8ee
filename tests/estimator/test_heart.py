"""Heart rate: steps, garbage, frozen values and the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from synth.estimator.baseline import Baseline, Spread
from synth.estimator.heart import Heart


def fed(values: object) -> Heart:
    heart = Heart()
    for t, bpm in enumerate(np.asarray(values, dtype=np.float64)):
        heart.add(float(t), float(bpm))
    return heart


def steady(seconds: int, bpm: float = 70.0) -> np.ndarray:
    return bpm + np.random.default_rng(3).normal(0, 0.5, seconds)


@pytest.mark.parametrize("garbage", [0.0, -1.0, 300.0, 255.0, 29.9, 220.1, np.nan, np.inf])
def test_garbage_changes_nothing(garbage: float) -> None:
    clean = steady(120)
    dirty = clean.copy()
    dirty[[60, 80, 119]] = garbage
    heart = fed(dirty)
    assert heart.mean_bpm == pytest.approx(fed(clean).mean_bpm, abs=0.1)
    assert heart.rejected == 3


def test_a_single_spike_in_range_waits_for_agreement_and_goes() -> None:
    values = steady(120)
    values[100:102] = 120.0
    heart = fed(values)
    assert heart.mean_bpm == pytest.approx(70.0, abs=0.5)
    assert heart.swapped_s == -np.inf


def test_an_agreed_step_is_a_sensor_change_and_the_baseline_moves_along() -> None:
    heart = fed([*steady(200), *steady(100, 100.0)])
    assert heart.swapped_s == 202.0
    assert heart.shown_bpm() == pytest.approx(100.0, abs=1.0)
    assert heart.baseline.anchor == pytest.approx(100.0, abs=1.0)
    assert heart.baseline.mean == pytest.approx(100.0, abs=1.0)
    assert abs(heart.feature) < 0.7


def test_a_rise_over_seconds_is_the_persons() -> None:
    heart = fed([*steady(200), *np.linspace(70, 100, 20), *steady(40, 100.0)])
    assert heart.swapped_s == -np.inf
    assert heart.baseline.anchor == pytest.approx(70.0, abs=0.3)
    assert heart.feature > 1.5


def test_the_first_value_needs_agreement() -> None:
    heart = fed([180.0, 70.0, 71.0])
    assert heart.mean_bpm == 0.0 and heart.shown_bpm() is None
    heart.add(3.0, 70.0)
    assert heart.shown_bpm() == pytest.approx(70.33, abs=0.01)


def test_frozen_values_are_named_sooner_when_they_are_not_whole() -> None:
    heart = fed([*steady(100), *np.full(15, 71.3)])
    assert heart.trouble(108.0) == "" and heart.trouble(114.0) == "frozen"
    whole = fed([*np.round(steady(100) + np.arange(100) % 3), *np.full(40, 68.0)])
    assert whole.trouble(120.0) == "" and whole.trouble(139.0) == "frozen"


def test_silence_is_missing() -> None:
    heart = fed(steady(100))
    assert heart.trouble(103.0) == "" and heart.trouble(105.0) == "missing"
    assert heart.trouble(110.0, stale_s=20.0) == "frozen"
    assert Heart().trouble(0.0) == "missing"


def held(baseline: Baseline, value: float, seconds: int) -> None:
    for _ in range(seconds):
        baseline.add(value, 1.0)


def test_the_anchor_settles_and_stays() -> None:
    baseline = Baseline(600.0, 3.0)
    held(baseline, 70.0, 74)
    assert not baseline.ready and baseline.trust == 0.0 and baseline.warm_up_left_s == 1.0
    held(baseline, 70.0, 1)
    assert baseline.ready and baseline.trust == 0.5
    held(baseline, 80.0, 105)
    assert baseline.trust == 0.5
    settled = baseline.anchor
    assert settled == pytest.approx(70.0 + 10.0 * 105 / 170, abs=0.1) == baseline.mean
    held(baseline, 120.0, 1000)
    assert baseline.anchor == settled and baseline.trust == 1.0


def test_the_reference_rises_with_its_time_constant_once_that_is_filled() -> None:
    baseline = Baseline(600.0, 3.0)
    held(baseline, 0.0, 700)
    held(baseline, 1.0, 600)
    assert baseline.mean == pytest.approx(1.0 - np.exp(-1.0), abs=0.01)


def test_a_long_calm_is_not_taken_for_the_new_usual() -> None:
    baseline = Baseline(600.0, 3.0)
    held(baseline, 80.0, 300)
    held(baseline, 65.0, 7200)
    assert baseline.mean == pytest.approx(baseline.anchor - 3.0)
    heart = Heart()
    for t, bpm in enumerate([*steady(300, 80.0), *np.linspace(80, 68, 60), *steady(5400, 68.0)]):
        heart.add(float(t), float(bpm))
    assert heart.feature < -1.0


def test_spread_is_the_plain_deviation_at_first() -> None:
    x = np.random.default_rng(4).normal(5.0, 2.0, 300)
    spread = Spread(1e9)
    for value in x:
        spread.add(float(value), 1.0)
    assert spread.mean == pytest.approx(x.mean())
    assert spread.deviation == pytest.approx(x.std())
