"""A simulated person with sensors: samples as real ones send them, and a whole loop through the real estimator."""

from __future__ import annotations

import numpy as np
import pytest

from synth.bus import Bus
from synth.estimator.estimator import Estimator
from synth.preset import bounds_of, load_preset
from synth.safety.control_guard import ControlGuard
from synth.simulate.people import WORLDS, draw_people
from synth.simulate.wearer import Wearer
from synth.steering.lead import Lead
from synth.steering.meeting import meet
from synth.wearables.samples import Samples

CALM = {"arousal": -0.3, "breath_rate_bpm": 9.0, "breath_depth_db": 3.0}


def worn(sensor: str, seconds: int, index: int = 0, others: tuple[str, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of one sensor's channel."""
    wearer = Wearer(draw_people(6, index + 1).among([index]), seconds, (*others, sensor))
    channel = {"chest": "rr_ms", "wrist": "hr", "skin": "eda", "belt": "resp"}[sensor]
    found = [s for _ in range(seconds) for s in wearer.hear(CALM) if s.channel == channel]
    return np.concatenate([s.t_s for s in found]), np.concatenate([s.value for s in found])


def test_a_chest_strap_tells_intervals_that_add_up_to_time() -> None:
    t, rr = worn("chest", 300)
    assert np.sum(rr[1:]) / 1000.0 == pytest.approx(t[-1] - t[0], abs=0.2)
    gaps = np.diff(t) * 1000.0 - rr[1:]
    assert np.std(gaps) == pytest.approx(2.0, abs=0.3)


def test_a_few_beats_of_many_come_early_and_the_next_makes_up() -> None:
    early = 0
    for index in range(8):
        t, rr = worn("chest", 1200, index)
        found = np.flatnonzero(rr[1:-1] < 0.75 * np.median(rr)) + 1
        early += found.size
        assert (rr[found] + rr[found + 1]) == pytest.approx(2.0 * np.median(rr), rel=0.25)
        assert (np.diff(t) > 0.0).all()
    assert 3 <= early <= 30


def test_a_wrist_is_late_noisy_and_sometimes_gone() -> None:
    t, hr = worn("wrist", 1200)
    assert np.diff(t).max() > 5.0 and np.isin(np.diff(t), np.arange(1, 120)).all()
    steps = np.abs(np.diff(hr))
    assert np.median(steps) == pytest.approx(0.95 * 2.0, abs=0.4)
    assert 0.005 < np.mean(np.abs(hr - np.median(hr)) > 18.0) < 0.05


def test_skin_is_sampled_four_times_a_second_with_little_noise() -> None:
    t, us = worn("skin", 300)
    assert np.diff(t) == pytest.approx(0.25)
    assert np.std(np.diff(us, 2)) / np.sqrt(6.0) == pytest.approx(0.01, abs=0.003)


def test_a_sensor_says_the_same_whatever_else_is_worn() -> None:
    assert np.array_equal(worn("wrist", 100)[1], worn("wrist", 100, others=("chest", "skin", "belt"))[1])


def test_a_belt_shows_the_breath() -> None:
    t, breath = worn("belt", 120)
    rate = np.sum((breath[:-1] <= 0.0) & (breath[1:] > 0.0)) / 2.0
    assert rate == pytest.approx(draw_people(6, 1).breath_bpm[0], abs=3.0)
    assert t.size == 120 * 8


def test_another_sensor_is_refused() -> None:
    with pytest.raises(ValueError, match="no sensor called 'ring': one of chest, wrist, skin, belt"):
        Wearer(draw_people(1, 1), 10, ("ring",))


def closed_loop(seconds: int) -> tuple[list[float], list[float], Estimator]:
    """Felt arousal and music of a listener who is estimated from their signals, steered and heard again."""
    preset = load_preset("settle")
    people = draw_people(6, 1, WORLDS[1])
    wearer, estimator = Wearer(people, seconds), Estimator()
    bounds = bounds_of(preset)
    start = meet(preset, bounds, float(people.start[0]), None)
    assert start is not None
    lead = Lead(preset, 1200.0, policy="L2", bounds=bounds, start=start)
    bus = Bus(48_000, 64, ControlGuard(preset.profile), {**preset.controls, **start._asdict()})
    felt, music = [], []
    for t in range(seconds):
        values = bus.values(750 * t)
        for samples in wearer.hear(values):
            assert isinstance(samples, Samples)
            estimator.feed(samples)
        state = estimator.tick(t + 1.0)
        for request in lead.tick(t + 1.0, state, values, bus.held):
            bus.request(request, 750 * t)
        for name in lead.releases:
            bus.release(name)
        felt.append(wearer.arousal)
        music.append(values["arousal"])
    return felt, music, estimator


def test_the_loop_closes_through_the_real_estimator() -> None:
    felt, music, estimator = closed_loop(420)
    state = estimator.tick(421.0)
    assert state.confidence > 0.5 and state.heart_trouble == state.skin_trouble == ""
    assert state.hr_bpm == pytest.approx(draw_people(6, 1).heart_bpm[0], abs=20.0)
    assert music[0] == pytest.approx(draw_people(6, 1).start[0]) and music[-1] < music[100] - 0.02
    assert closed_loop(120)[:2] == (felt[:120], music[:120])
