"""The bank: a steady tempo is averaged for long, a ramp or a step is seen soon, neither is taken for the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synth.control.clock.tempo_bank import MOST, TempoBank

JITTER_S = 2e-3


def heard(times: np.ndarray, bank: TempoBank | None = None) -> tuple[TempoBank, np.ndarray]:
    """A bank that heard such ticks, and its mean after each."""
    if bank is None:
        bank = TempoBank()
        tick_s = times[1] - times[0]
        bank.begin(np.array([times[0], tick_s, 0.0]), np.diag([JITTER_S**2, (0.1 * tick_s) ** 2, (4e-5 * tick_s) ** 2]))
    means = []
    for t_s in times[1:]:
        bank.step(1, JITTER_S**2)
        bank.update(float(t_s), JITTER_S**2)
        means.append(bank.mean.copy())
    return bank, np.array(means)


@pytest.mark.parametrize("bpm", [60.0, 110.0, 140.0])
def test_a_steady_tempo_is_known_to_six_parts_in_ten_thousand(
    bpm: float, clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    _, means = heard(jittered(clock_ticks(bpm, 100, 0.0)))
    off = 2.5 / means[20 * 24 :, 1] / bpm - 1.0
    assert np.quantile(np.abs(off), 0.99) < 6e-4


@pytest.mark.parametrize("a_beat", [0.001, -0.001, 0.003])
def test_a_ramp_is_seen_within_four_beats_and_its_end_too(
    a_beat: float, clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    true = clock_ticks(lambda beat: 66.0 * (1.0 + a_beat) ** min(max(beat - 40, 0), 30), 90, 0.0)
    _, means = heard(jittered(true))
    a_tick = np.diff(np.log(np.diff(true)))
    slope = means[:, 2] / means[:, 1]
    ramp, after = slice(44 * 24, 70 * 24), slice(76 * 24, 88 * 24)
    assert np.median(slope[ramp]) == pytest.approx(np.median(a_tick[ramp]), rel=0.15)
    assert abs(np.mean(slope[44 * 24 : 46 * 24])) > 0.5 * abs(a_beat) / 24
    assert abs(np.median(slope[after])) < 0.05 * abs(a_beat) / 24
    late_s = means[:, 0] - true[1:]
    assert np.max(np.abs(late_s[20 * 24 :])) < 0.004


def test_a_step_is_taken_within_three_beats(
    clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    _, means = heard(jittered(clock_ticks(lambda beat: 66.0 if beat < 40 else 66.7, 60, 0.0)))
    assert abs(2.5 / means[40 * 24 - 2, 1] - 66.0) < 0.05
    assert np.max(np.abs(2.5 / means[44 * 24 :, 1] - 66.7)) < 0.15


def test_placed_anew_it_keeps_a_tempo_that_goes_on_and_drops_one_that_does_not(
    clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    first = jittered(clock_ticks(66.0, 60, 0.0))
    for bpm, within in ((66.0, 0.05), (65.0, 0.25)):
        bank, _ = heard(first)
        later = jittered(clock_ticks(bpm, 8, 70.0), 2)
        bank.step(1, 0.0)
        bank.place(float(later[0]), JITTER_S**2)
        _, means = heard(later, bank)
        assert np.max(np.abs(2.5 / means[4 * 24 :, 1] - bpm)) < within


def test_what_is_ruled_out_leaves_the_rest_sound(clock_ticks: Callable[..., np.ndarray]) -> None:
    """Ticks that no account comes near, one after another: weights stay numbers, and their sum one."""
    bank, _ = heard(clock_ticks(66.0, 10, 0.0))
    for t_s in (20.0, 500.0, 500.1, 9000.0):
        bank.step(1, 1e-8)
        bank.update(t_s, 1e-8)
        assert np.all(np.isfinite(bank.mean)) and np.all(np.isfinite(bank.spread))
        assert np.sum(bank._weights) == pytest.approx(1.0)


def test_it_stays_small_and_tells_the_same_of_the_same(
    clock_ticks: Callable[..., np.ndarray], jittered: Callable[..., np.ndarray]
) -> None:
    ticks = jittered(clock_ticks(66.0, 60, 0.0))
    (one, first), (_, second) = heard(ticks), heard(ticks)
    assert np.array_equal(first, second)
    assert len(one._weights) <= MOST + 3
    assert np.all(np.linalg.eigvalsh(one.spread) > -1e-15)


def test_shifted_it_goes_on_on_another_axis(clock_ticks: Callable[..., np.ndarray]) -> None:
    true = clock_ticks(66.0, 10, 0.0)
    bank, _ = heard(true[:120])
    bank.shift(100.0)
    _, means = heard(true[119:] + 100.0, bank)
    assert means[-1, 0] == pytest.approx(true[-1] + 100.0, abs=1e-6)
