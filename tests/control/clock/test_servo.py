"""The servo: beats come together as fast as the tempo may move, without overshoot, from wherever they start."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.clock.servo import MARGIN, TempoLimits, braked, braking, quicker, way
from synth.controls import Request
from synth.safety.control_guard import ControlGuard


def run(late: float, fast: float, most: float, beats: int, slowest: float = -0.3, fastest: float = 0.3) -> list[float]:
    """How late each beat is when the tempo may move by `most` a beat, and is asked for by the servo."""
    lates, left, planned = [], 0.0, MARGIN * most
    for _ in range(beats):
        left = way(late, fast, planned, slowest, fastest, left)
        wanted = quicker(braked(fast, planned) + left, planned)
        wanted = min(max(wanted, slowest), fastest)
        fast += min(max(wanted - fast, -most), most)
        late -= fast
        lates.append(late)
    return lates


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.004))
def test_from_any_phase_it_is_in_phase_in_the_least_time_and_stays(late: float, most: float) -> None:
    least = 2.0 * math.sqrt(abs(late) / most)
    lates = run(late, 0.0, most, round(least * 1.25) + 30)
    assert abs(lates[round(least * 1.15) + 8]) < 0.003  # 3 ms of a beat of a second
    assert abs(lates[-1]) < 3e-4
    overshoot = max(-math.copysign(1.0, late) * one for one in lates)
    assert overshoot < 1e-6 or abs(late) > 0.49  # half a beat off, either way round is as good


@given(st.floats(-0.5, 0.5), st.floats(-0.4, 0.4))
def test_from_any_tempo_it_lands_on_a_beat(late: float, fast: float) -> None:
    beats = round(abs(fast) / 0.003) + 60
    lates = run(late, fast, 0.003, beats, -0.5, 0.5)
    assert all(abs(one - round(one)) < 5e-4 for one in lates[-5:])
    assert abs(lates[-1] - lates[-2]) < 3e-4


def test_near_the_end_of_the_range_it_goes_the_other_way_round() -> None:
    """A beat that is a quarter late and cannot go faster lets three quarters of a beat go by instead."""
    lates = run(0.25, 0.0, 0.003, 120, fastest=0.0)
    assert lates[-1] == pytest.approx(1.0, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(lates, lates[1:], strict=False)) < 0.06


@given(st.lists(st.floats(-0.004, 0.004), min_size=60, max_size=60))
def test_half_a_beat_off_it_makes_up_its_mind(noise: list[float]) -> None:
    """However the phase is misread about the middle, it goes one way and never turns back."""
    late, fast, left, most = 0.5, 0.0, 0.0, 0.0025
    for off in (0.002, -0.004, 0.004, *noise):
        before, left = left, way(late + off, fast, most, -0.3, 0.3, left)
        assert before * left >= 0.0 or abs(left) < 0.1
        wanted = quicker(braked(fast, most) + left, most)
        fast += min(max(wanted - fast, -most), most)
        late -= fast
    assert abs(late - round(late)) < 0.02


def test_it_is_smooth_where_curve_and_line_meet() -> None:
    most = 0.003
    meet = (most / 0.25 - most / 2.0) / 0.25
    slopes = [(quicker(meet + d + 1e-6, most) - quicker(meet + d, most)) / 1e-6 for d in (-1e-4, 1e-4)]
    assert slopes[0] == pytest.approx(0.25, rel=1e-3) and slopes[1] == pytest.approx(0.25, rel=0.01)


def test_braking_is_what_slowing_beat_by_beat_runs_through() -> None:
    assert braking(0.006, 0.002) == pytest.approx(0.006 + 0.004 + 0.002)
    assert braking(-0.006, 0.002) == -braking(0.006, 0.002)


@pytest.mark.parametrize("profile", ["default", "relax", "sensitive"])
@pytest.mark.parametrize("bpm", [44.0, 66.0, 90.0])
@pytest.mark.parametrize("towards", [0.98, 1.02])
def test_it_knows_what_the_guard_lets_through(profile: str, bpm: float, towards: float) -> None:
    guard = ControlGuard(profile)
    low, high = guard.bounds.range("tempo_bpm", "hand")
    limits = TempoLimits(low, high, guard.limits["hand_tempo_per_beat"])
    allowed = guard.admit(Request("tempo_bpm", bpm * towards, "hand:clock", ""), {"tempo_bpm": bpm})
    assert limits.octaves_per_s(min(bpm, allowed.value)) == pytest.approx(allowed.rate)
