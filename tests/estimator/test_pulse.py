"""Heart rate from a pulse wave by belief: right when it is clear, slow to be led astray, unsure when it should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.estimator.pulse import RATES, Pulse, shown

Floats = NDArray[np.float64]


def wave(bpm: Floats, rate_hz: float = 64.0) -> tuple[Floats, Floats]:
    """A pulse wave of the heart rates `bpm` (seconds,): a steep rise, a dicrotic second harmonic."""
    t = np.arange(int(bpm.size * rate_hz)) / rate_hz
    phase = 2.0 * np.pi * np.cumsum(np.interp(t, np.arange(bpm.size) + 0.5, bpm)) / 60.0 / rate_hz
    return t, np.sin(phase) + 0.45 * np.sin(2.0 * phase - 0.9) + 0.15 * np.sin(3.0 * phase - 1.8)


def followed(t: Floats, x: Floats, seconds: int) -> tuple[Floats, Floats, Pulse]:
    pulse, rates, widths = Pulse(), [], []
    for second in range(1, seconds + 1):
        now = (t >= second - 1) & (t < second)
        pulse.add(t[now], x[now])
        pulse.step(float(second))
        rates.append(pulse.rate_bpm)
        widths.append(pulse.deviation_bpm)
    return np.array(rates), np.array(widths), pulse


@pytest.mark.parametrize("rate_hz", [25.0, 64.0, 130.0])
@pytest.mark.parametrize("bpm", [48.0, 62.0, 75.0, 110.0, 155.0])
def test_a_clear_wave_tells_its_rate_whatever_it_is_sampled_at(bpm: float, rate_hz: float) -> None:
    t, x = wave(np.full(90, bpm), rate_hz)
    rates, widths, _ = followed(t, x, 90)
    assert np.abs(rates[60:] - bpm).max() < 1.5
    assert widths[60:].max() < 5.0


def test_a_rate_that_changes_is_followed_with_half_the_window_s_delay() -> None:
    bpm = np.concatenate((np.full(60, 65.0), np.linspace(65.0, 95.0, 60), np.full(60, 95.0)))
    rates, _, _ = followed(*wave(bpm), 180)
    late = np.abs(rates[100:118] - bpm[94:112])  # four seconds of window and some of belief
    assert late.max() < 3.0
    assert abs(rates[-1] - 95.0) < 1.5


def test_a_shaken_wave_widens_the_belief_and_does_not_lead_it_away() -> None:
    rng = np.random.default_rng(5)
    t, x = wave(np.full(180, 72.0))
    shaken = (t >= 80) & (t < 120)
    x = x + np.where(shaken, 6.0 * np.convolve(rng.normal(0, 1, t.size), np.ones(12) / 12, "same"), 0.0)
    rates, widths, _ = followed(t, x, 180)
    assert np.abs(rates[60:130] - 72.0).max() < 8.0
    assert widths[90:120].mean() > 1.5 * widths[60:79].mean()
    assert abs(rates[-1] - 72.0) < 1.0


def test_a_strong_slow_sway_is_not_taken_for_the_heart() -> None:
    t, x = wave(np.full(90, 66.0))
    rates, _, _ = followed(t, x + 4.0 * np.sin(2.0 * np.pi * 0.3 * t), 90)
    assert np.abs(rates[50:] - 66.0).max() < 2.0


def test_beats_help_where_the_wave_shows_nothing() -> None:
    rng = np.random.default_rng(2)
    t = np.arange(120 * 64) / 64.0
    x = rng.normal(0, 1, t.size)
    plain, _, _ = followed(t, x, 120)
    pulse = Pulse()
    for second in range(1, 121):
        now = (t >= second - 1) & (t < second)
        pulse.add(t[now], x[now])
        pulse.beat(60000.0 / 104.0)
        pulse.step(float(second))
    assert abs(pulse.rate_bpm - 104.0) < 3.0 < abs(plain[-1] - 104.0)


def test_gaps_are_no_evidence_and_the_belief_widens() -> None:
    t, x = wave(np.full(120, 70.0))
    keep = (t < 60) | (t > 100)
    pulse = Pulse()
    widths = []
    for second in range(1, 121):
        now = (t >= second - 1) & (t < second) & keep
        pulse.add(t[now], x[now])
        pulse.step(float(second))
        widths.append(pulse.deviation_bpm)
        if 61 < second <= 100:
            assert pulse.heard_s <= 61.0
    assert widths[98] > 2.5 * widths[58] and widths[-1] < 5.0


def test_a_step_is_a_second_however_often_it_is_asked_for() -> None:
    t, x = wave(np.full(40, 80.0))
    once, _, _ = followed(t, x, 40)
    often = Pulse()
    for tenth in range(1, 401):
        now = (t >= (tenth - 1) / 10) & (t < tenth / 10)
        often.add(t[now], x[now])
        often.step(tenth / 10)
    assert often.rate_bpm == pytest.approx(once[-1], abs=0.5)


def test_what_is_shown_is_of_the_slope_s_power() -> None:
    _, x = wave(np.full(8, 75.0), 32.0)
    found = shown(x)
    assert found.sum() <= 1.5 and abs(RATES[int(np.argmax(found[: int(np.searchsorted(RATES, 110.0))]))] - 75.0) < 2.0
    assert not shown(np.zeros(256)).any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(-1e12, 1e12)), max_size=40), min_size=1, max_size=15),
    st.lists(st.floats(300.0, 2000.0), max_size=10),
)
def test_whatever_comes_the_belief_is_a_belief(seconds: list[list[tuple[float, float]]], beats: list[float]) -> None:
    pulse = Pulse()
    for rr_ms in beats:
        pulse.beat(rr_ms)
    for second, samples in enumerate(seconds):
        ordered = sorted(samples)
        pulse.add(np.array([second + t for t, _ in ordered]), np.array([x for _, x in ordered]))
        pulse.step(second + 1.0)
        assert RATES[0] <= pulse.rate_bpm <= RATES[-1] and 0.0 <= pulse.deviation_bpm < 80.0
