"""Breathing rate from a belt, from beats, from the pulse wave and as told: right, or None."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.estimator.ppg import Ppg, Pulses
from synth.estimator.respiration import (
    Belt,
    PulseBreath,
    ToldRate,
    breaths_per_min,
    combined,
    counted_breaths_per_min,
    from_beats,
)
from synth.estimator.rr import Beats, Window

RECORDINGS = np.load(Path(__file__).parent / "data" / "recordings.npz")


def beats(per_min: float, swing_ms: float, seconds: float = 90.0, noise_ms: float = 5.0) -> Window:
    rng = np.random.default_rng(5)
    held = Beats()
    t = 0.0
    while t < seconds:
        rr_ms = 900.0 + 0.5 * swing_ms * np.sin(2 * np.pi * per_min / 60.0 * t) + rng.normal(0, noise_ms)
        t += rr_ms / 1000.0
        held.add(t, float(rr_ms), 1.0)
    return held.window(seconds, 60.0)


@pytest.mark.parametrize(("per_min", "swing_ms"), [(4.5, 200.0), (6.0, 160.0), (9.0, 60.0), (14.0, 50.0), (18.0, 50.0)])
def test_the_rate_is_in_the_beats(per_min: float, swing_ms: float) -> None:
    assert from_beats(beats(per_min, swing_ms)) == pytest.approx(per_min, abs=0.6)


def test_a_small_slow_wave_is_not_taken_for_breath() -> None:
    assert from_beats(beats(6.0, 40.0)) is None


def test_noise_gives_no_rate() -> None:
    scattered = []
    for seed in range(60):
        rr = 900.0 + np.random.default_rng(seed).normal(0, 40, 67)
        kept = np.ones(67, bool)
        scattered.append(from_beats(Window(np.cumsum(rr) / 1000.0, rr, kept, kept, 60.0)))
    assert sum(rate is not None for rate in scattered) <= 4
    told = [breaths_per_min(np.random.default_rng(seed).normal(0, 1, 240), 0.5) for seed in range(40)]
    assert sum(rate is not None for rate in told) <= 2


def test_gaps_give_no_rate() -> None:
    whole = beats(14.0, 60.0)
    keep = (whole.t_s % 20) < 10
    assert from_beats(Window(whole.t_s[keep], whole.rr_ms[keep], whole.kept[keep], whole.follows[keep], 60.0)) is None


def test_beats_half_of_which_are_not_believed_give_no_rate() -> None:
    whole = beats(14.0, 60.0)
    every_other = whole.kept & (np.arange(whole.kept.size) % 2 == 0)
    assert from_beats(whole) is not None
    assert from_beats(Window(whole.t_s, whole.rr_ms, every_other, whole.follows, 60.0)) is None


def test_a_belt_that_is_silent_half_of_the_time_gives_no_rate() -> None:
    t = np.arange(0, 70, 0.1)
    x = np.sin(2 * np.pi * 0.1 * t)
    for silent_s, told in ((2.4, True), (4.0, False)):
        keep = t % 10.0 >= silent_s
        belt = Belt()
        belt.add(t[keep], x[keep])
        assert (belt.rate(70.0) is not None) is told


@pytest.mark.parametrize("per_min", [5.0, 8.0, 12.0, 16.0, 24.0])
@pytest.mark.parametrize("rate_hz", [10.0, 100.0])
def test_a_belt_tells_its_rate(per_min: float, rate_hz: float) -> None:
    belt = Belt()
    t = np.arange(0, 90, 1 / rate_hz)
    x = 300 + 20 * np.sin(2 * np.pi * per_min / 60 * t) + 0.1 * t + np.random.default_rng(1).normal(0, 4, t.size)
    for second in range(90):
        due = (t >= second) & (t < second + 1)
        belt.add(t[due], x[due])
    assert belt.rate(90.0) == pytest.approx(per_min, abs=0.4)
    assert belt.rate(101.0) is None


def test_a_belt_that_does_not_move_gives_no_rate() -> None:
    belt = Belt()
    belt.add(np.arange(0, 70, 0.1), np.full(700, 3.0))
    assert belt.rate(70.0) is None
    belt = Belt()
    belt.add(np.arange(5.0), np.array([np.nan, 1, 2, 1, 2]))
    assert belt.rate(5.0) is None


@pytest.mark.parametrize("per_min", [8, 15, 22])
def test_a_belt_agrees_with_neurokit(per_min: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        x = nk.rsp_simulate(
            duration=90, sampling_rate=50, respiratory_rate=per_min, method="sinusoidal", noise=0.05, random_state=4
        )
        cleaned = nk.rsp_clean(x, sampling_rate=50)
        theirs = float(np.mean(nk.rsp_rate(cleaned, sampling_rate=50)[-60 * 50 :]))
    belt = Belt()
    belt.add(np.arange(x.size) / 50.0, x)
    assert belt.rate(90.0) == pytest.approx(theirs, abs=0.6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e300])
def test_a_belts_garbage_is_passed_over(garbage: float) -> None:
    t = np.arange(0, 80, 0.1)
    x = np.sin(2 * np.pi * 0.25 * t)
    dirty = x.copy()
    dirty[::37] = garbage
    belt = Belt()
    belt.add(t, dirty)
    assert belt.rate(80.0) == pytest.approx(15.0, abs=0.4)


def test_a_belt_of_noise_gives_no_rate() -> None:
    told = []
    for seed in range(40):
        belt = Belt()
        belt.add(np.arange(0, 70, 0.1), np.random.default_rng(seed).normal(0, 1, 700))
        told.append(belt.rate(70.0))
    assert sum(rate is not None for rate in told) <= 1


def test_uneven_breath_is_counted() -> None:
    rng = np.random.default_rng(6)
    lengths = rng.uniform(3.0, 6.0, 40)
    phase = np.interp(np.arange(0, 90, 0.25), np.concatenate(([0.0], np.cumsum(lengths))), np.arange(41))
    series = np.sin(2 * np.pi * phase)[120:]
    whole = np.cumsum(lengths)
    inside = np.diff(whole)[(whole[:-1] > 30.0) & (whole[1:] < 90.0)]
    assert counted_breaths_per_min(series, (0.5, 0.3)) == pytest.approx(60.0 / inside.mean(), rel=0.05)
    assert counted_breaths_per_min(series, (0.5, 0.1)) is None
    belt = Belt()
    belt.add(np.arange(series.size) / 4.0, series)
    assert belt.rate(60.0) == pytest.approx(60.0 / inside.mean(), rel=0.06)
    assert counted_breaths_per_min(np.zeros(240), (0.5, 0.3)) is None


def recorded_rates() -> tuple[Belt, list[tuple[float, ...]]]:
    """The belt, and the rates by belt, pulse and beats at 66, 76 and 86 s of the recorded breath, NaN for None."""
    belt, breath, ppg, held = Belt(), PulseBreath(), Ppg(), Beats()
    t = np.arange(6000) / 50.0
    beat_s = RECORDINGS["beats_s"].astype(np.float64)
    rates = []
    for second in range(120):
        due = (t >= second) & (t < second + 1)
        belt.add(t[due], RECORDINGS["belt"][due] / 1e4)
        ppg.add(t[due], RECORDINGS["finger_ppg"][due] / 1e4)
        breath.add(ppg.take())
        for i in np.flatnonzero((beat_s[1:] >= second) & (beat_s[1:] < second + 1)):
            held.add(float(beat_s[i + 1]), 1000.0 * float(beat_s[i + 1] - beat_s[i]), 1.0)
        if second in (65, 75, 85):
            now_s = second + 1.0
            found = (belt.rate(now_s), breath.rate(now_s), from_beats(held.window(now_s, 60.0)))
            rates.append(tuple(np.nan if rate is None else rate for rate in found))
    return belt, rates


def test_recorded_breath_is_told_alike_by_belt_pulse_and_beats() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        peaks = nk.rsp_peaks(nk.rsp_clean(RECORDINGS["belt"] / 1e4, sampling_rate=50), sampling_rate=50)[1]["RSP_Peaks"]
    belt, rates = recorded_rates()
    for now_s, (from_belt, from_pulse, from_rr) in zip((66.0, 76.0, 86.0), rates, strict=True):
        inside = peaks[(peaks > 50 * (now_s - 60)) & (peaks <= 50 * now_s)] / 50.0
        truth = 60.0 * (inside.size - 1) / (inside[-1] - inside[0])
        assert from_belt == pytest.approx(truth, abs=1.0)
        assert np.isnan(from_pulse) or from_pulse == pytest.approx(truth, abs=1.5)
        assert np.isnan(from_rr) or from_rr == pytest.approx(truth, abs=1.5)
    assert np.isfinite(rates).sum(axis=0).min() >= 1
    assert belt.rate(131.0) is None


def pulses(interval: float, height: float, level: float, seconds: float = 70.0) -> Pulses:
    """Beats that breath moves at so many a minute each."""
    rng = np.random.default_rng(7)
    t = np.cumsum(0.85 + rng.normal(0, 0.005, int(seconds / 0.85)))
    swing = [np.sin(2 * np.pi * per_min / 60.0 * t) for per_min in (interval, height, level)]
    noise = rng.normal(0, 0.1, (3, t.size))
    return Pulses(t, 850 + 40 * (swing[0] + noise[0]), 1 + 0.2 * (swing[1] + noise[1]), swing[2] + noise[2], 0 * t + 1)


def test_the_pulses_rates_count_when_they_agree() -> None:
    def rate(*rates: float, quality: float = 1.0) -> float | None:
        breath = PulseBreath()
        each = pulses(*rates)
        breath.add(each._replace(quality=each.quality * quality))
        return breath.rate(70.0)

    assert rate(14.0, 14.0, 14.0) == pytest.approx(14.0, abs=0.4)
    assert rate(12.0, 14.0, 13.0) == pytest.approx(13.0, abs=0.4)
    assert rate(8.0, 14.0, 21.0) is None
    assert rate(14.0, 14.0, 14.0, quality=0.4) is None
    assert PulseBreath().rate(0.0) is None
    alone = pulses(14.0, 14.0, 14.0)
    breath = PulseBreath()
    breath.add(alone._replace(amplitude=alone.quality, level=alone.quality))
    assert breath.rate(70.0) is None


def test_a_told_rate_counts_for_half_a_minute() -> None:
    told = ToldRate()
    assert told.rate(0.0) is None
    told.add(np.array([1.0, 2.0, 3.0, 4.0]), np.array([14.0, 15.0, 400.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert told.rate(10.0) == 15.0
    told.add(np.array([5.0]), np.array([20.0]), np.array([0.1]))
    assert told.rate(32.0) == 15.0 and told.rate(33.0) is None


def test_sources_together() -> None:
    assert combined() is None
    alone = combined(belt=12.0)
    both = combined(belt=12.0, pulse=13.0)
    torn = combined(belt=12.0, pulse=20.0)
    assert alone is not None and both is not None and torn is not None
    assert alone.bpm == pytest.approx(12.0) and alone.sources == ("belt",) and alone.agreement == pytest.approx(0.8)
    assert 12.0 < both.bpm < 12.6 and both.sources == ("belt", "pulse") and both.agreement == pytest.approx(0.92)
    assert torn.bpm == pytest.approx(12.0) and torn.sources == ("belt",)
    assert torn.agreement < alone.agreement < both.agreement
    assert combined(pulse=12.0, beats=20.0) is None
    told = combined(device=12.0, pulse=20.0, beats=12.0)
    assert told is not None and told.sources == ("device", "beats") and told.bpm == pytest.approx(12.0)


RATES = st.none() | st.floats(2.0, 60.0)


@given(RATES, RATES, RATES, RATES)
def test_any_rates_together(belt: float | None, device: float | None, pulse: float | None, beat: float | None) -> None:
    found = combined(belt, device, pulse, beat)
    there = [rate for rate in (belt, device, pulse, beat) if rate is not None]
    if found is not None:
        assert min(there) - 1e-9 <= found.bpm <= max(there) + 1e-9
        assert 0.0 < found.agreement <= 1.0 and found.sources


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=30),
    st.lists(st.floats(-1e300, 1e300), min_size=0, max_size=400),
)
def test_any_samples_give_a_rate_or_none(wild: list[tuple[float, float, float]], values: list[float]) -> None:
    belt, breath, told = Belt(), PulseBreath(), ToldRate()
    t, x, quality = np.array(wild, dtype=np.float64).reshape(-1, 3).T
    even_s = np.arange(len(values)) * 0.2
    for times, numbers, trust in ((t, x, quality), (even_s, np.array(values), np.ones(even_s.size))):
        belt.add(times, numbers, trust)
        told.add(times, numbers, trust)
    breath.add(Pulses(even_s, np.abs(values), np.array(values), np.array(values), np.ones(even_s.size)))
    for rate in (belt.rate(80.0), breath.rate(80.0), told.rate(80.0), breaths_per_min(values, 0.3)):
        assert rate is None or 1.9 < rate < 61.0
