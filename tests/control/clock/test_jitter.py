"""The jitter filter: tempo and phase of ticks that come unevenly, are lost or doubled, stop, or jump."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.control.clock.jitter import JitterFilter


def fed(times: object) -> JitterFilter:
    clock = JitterFilter()
    for t_s in np.asarray(times):
        clock.tick(float(t_s))
    return clock


@pytest.mark.parametrize("bpm", [44.0, 72.0, 140.0])
@pytest.mark.parametrize("kind", ["gaussian", "uniform"])
def test_it_finds_phase_and_tempo_under_the_jitter(
    bpm: float, kind: str, clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    true = clock_ticks(bpm, 80, 5.0)
    clock, late_s, off = JitterFilter(), [], []
    for i, t_s in enumerate(jittered(true, kind=kind)):
        clock.tick(float(t_s))
        if i == 24:  # a beat was heard
            assert clock.usable and abs(clock.time_of(48) - true[48]) < 0.006
        if 16 * 24 <= i < 79 * 24:
            late_s.append(clock.time_of(i + 24) - true[i + 24])
            off.append(2.5 / clock.tick_s(i) / bpm - 1.0)
    assert np.quantile(np.abs(late_s), 0.99) < 0.0012
    assert np.quantile(np.abs(off), 0.99) < 0.0006
    assert clock.jitter_s == pytest.approx(2e-3 if kind == "gaussian" else 2e-3 / 3**0.5, rel=0.2)


def test_it_keeps_up_with_a_ramp(clock_ticks: Callable[..., np.ndarray]) -> None:
    true = clock_ticks(lambda beat: 66.0 * 1.001**beat, 60, 0.0)
    clock = fed(true[: 59 * 24])
    assert abs(clock.time_of(59 * 24 + 12) - true[59 * 24 + 12]) < 2e-4
    assert clock.tick_s(clock.number) == pytest.approx(true[-24] - true[-25], rel=1e-3)


@given(st.floats(44.0, 140.0), st.integers(0, 10_000), st.floats(0.0, 0.1), st.floats(0.0, 0.1))
@settings(max_examples=30)
def test_lost_and_doubled_ticks_never_shift_the_count(bpm: float, seed: int, losing: float, doubling: float) -> None:
    """After two beats ticks are lost, up to three in a row, others come twice; the numbers of all others stay right."""
    rng = np.random.default_rng(seed)
    true = 2.5 / bpm * np.arange(24 * 10)
    clock, run = JitterFilter(), 0
    for i, t_s in enumerate(true + rng.uniform(-1e-3, 1e-3, true.size)):
        lost, doubled = (rng.random(2) < (losing, doubling)) & (i > 48)
        run = run + 1 if lost else 0
        if 0 < run < 4:
            continue
        assert clock.tick(float(t_s)) and clock.number == i
        if doubled:
            assert not clock.tick(float(t_s) + 0.002)
            assert clock.number == i


def test_it_holds_over_two_seconds(clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]) -> None:
    true = clock_ticks(66.0, 60, 0.0)
    heard = jittered(true)
    clock = fed(heard[: 30 * 24])
    gap = 30 * 24 + round(2.0 * 66.0 * 24 / 60.0)
    assert abs(clock.time_of(gap) - true[gap]) < 0.004
    assert clock.tick(heard[gap]) and clock.number == gap and clock.relocks == 0


@pytest.mark.parametrize("to_bpm", [46.2, 62.0, 69.3, 72.6, 99.0, 132.0, 33.0])
def test_it_believes_a_jump_within_a_beat_and_counts_on(
    to_bpm: float, clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    """However the tempo jumps, half and double among it, no tick is miscounted for good."""
    true = clock_ticks(lambda beat: 66.0 if beat < 40 else to_bpm, 80, 0.0)
    heard = jittered(true)
    clock = fed(heard[: 42 * 24])
    assert 2.5 / clock.tick_s(clock.number) == pytest.approx(to_bpm, rel=0.02)
    for t_s in heard[42 * 24 : 60 * 24]:
        clock.tick(float(t_s))
    assert clock.number == 60 * 24 - 1
    assert 2.5 / clock.tick_s(clock.number) == pytest.approx(to_bpm, rel=0.002)


def test_ticks_are_counted_from_the_first_though_the_tempo_is_not_known_yet(
    clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    """At 140 bpm the first two ticks tell the tempo to a fifth, and the third may be half a tick off."""
    true = clock_ticks(140.0, 3, 0.5)
    assert all(fed(jittered(true, seed)).number == true.size - 1 for seed in (6, 140, *range(20)))


def test_a_late_tick_is_no_jump(clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]) -> None:
    true = clock_ticks(66.0, 40, 0.0)
    for late_s in (0.0185, 0.02, -0.0185):
        times = jittered(true, 2)
        times[700] += late_s
        clock = fed(np.maximum.accumulate(times))
        assert clock.number == true.size - 1 and clock.relocks == 0
        assert 2.5 / clock.tick_s(clock.number) == pytest.approx(66.0, rel=1e-3)


def test_a_shift_of_the_phase_is_taken(clock_ticks: Callable[..., np.ndarray]) -> None:
    true = clock_ticks(66.0, 40, 0.0)
    moved = np.where(np.arange(true.size) < 480, true, true + 0.015)
    clock = fed(moved[:500])
    assert abs(clock.time_of(510) - moved[510]) < 1e-3
    assert 2.5 / clock.tick_s(clock.number) == pytest.approx(66.0, rel=2e-3)


def test_times_that_go_back_and_bursts_do_no_harm() -> None:
    clock = fed([0.0, 0.0, 0.0, -5.0, 0.02, 0.01])
    for i in range(60):
        clock.tick(1.0 + i * 0.04)
    assert 2.5 / clock.tick_s(clock.number) == pytest.approx(62.5, rel=1e-3)


def test_after_a_long_silence_ticks_are_counted_on(clock_ticks: Callable[..., np.ndarray]) -> None:
    clock = fed(clock_ticks(66.0, 10, 0.0))
    later = clock_ticks(70.0, 3, 500.0)
    for t_s in later:
        clock.tick(float(t_s))
    assert clock.number == 10 * 24 + 3 * 24 - 1 and clock.relocks == 1
    assert 2.5 / clock.tick_s(clock.number) == pytest.approx(70.0, rel=1e-3)


def test_shifting_the_axis_moves_every_time(clock_ticks: Callable[..., np.ndarray]) -> None:
    one, other = fed(clock_ticks(66.0, 4, 0.0)), fed(clock_ticks(66.0, 4, 100.0))
    one.shift(100.0)
    assert one.time_of(200) == pytest.approx(other.time_of(200), abs=1e-9)
    assert one.last_s == pytest.approx(other.last_s)
