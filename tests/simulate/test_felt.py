"""Felt arousal follows its equations: settling, pull, gate, pace, startle; the estimate is off as it is said to be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from synth.simulate.felt import (
    DRIFT_S,
    DRIFT_SD,
    STARTLE_PER_DB,
    STARTLE_S,
    WARM_UP_S,
    Estimating,
    Felt,
    Listeners,
    startles,
)
from synth.simulate.people import FOLLOW_S, SETTLE_S, WORLDS, Floats, People, draw_people, generator

STRONG, WEAK, NONE, PACE = WORLDS


def listen(people: People, arousal: object, sound: float = 1.0, seconds: int = 1200) -> Floats:
    music = np.broadcast_to(np.asarray(arousal, dtype=np.float64).reshape(-1, 1), (seconds, 1))
    return Felt(people, seconds).hear(music, sound)


def change(people: People, arousal: object, seconds: int = 1200) -> Floats:
    """What music does (seconds, n): against the same people in silence."""
    return listen(people, arousal, seconds=seconds) - listen(people, 0.0, 0.0, seconds)


def arc(minutes: float, begin: float = 0.3, end: float = -0.5) -> Floats:
    share = np.minimum(np.arange(1200) / (60.0 * minutes), 1.0)
    return begin + (end - begin) * (0.5 - 0.5 * np.cos(np.pi * share))


def by_hand(people: People, arousal: Floats, loudness_jump_db: Floats) -> list[float]:
    """The equations as they are written, for the first of `people`, in plain Python."""
    rng = generator(people.seed, int(people.index[0]), "felt")
    drift = DRIFT_SD * rng.standard_normal()
    noise = rng.standard_normal(arousal.size)
    start, trait, pull, width = people.start[0], people.trait[0], people.pull[0], people.width[0]
    felt = core = centre = start
    startle, out = 0.0, []
    for t, music in enumerate(arousal):
        gate = math.exp(-(((music - centre) / width) ** 2))
        alone = trait + (start - trait) * math.exp(-(t + 1) / (SETTLE_S * people.pace[0]))
        keep = math.exp(-1.0 / DRIFT_S)
        drift = keep * drift + DRIFT_SD * math.sqrt(1.0 - keep * keep) * noise[t]
        goal = (alone + drift + pull * gate * music) / (1.0 + pull * gate)
        tau = people.up_s[0] if goal > core else people.down_s[0]
        core += (goal - core) * (1.0 - math.exp(-1.0 / tau))
        startle = startle * math.exp(-1.0 / STARTLE_S) + STARTLE_PER_DB * loudness_jump_db[t]
        led = gate * music + (1.0 - gate) * felt
        felt_before, felt = felt, min(max(core + startle, -1.0), 1.0)
        if people.own_pace[0]:
            assert led == pytest.approx(felt_before + gate * (music - felt_before))
            centre += (led - centre) * (1.0 - math.exp(-1.0 / (FOLLOW_S * people.pace[0])))
        else:
            centre = felt
        out.append(felt)
    return out


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_kernel_does_what_the_equations_say(world: object) -> None:
    people = draw_people(3, 1, world)  # type: ignore[arg-type]
    music = 0.2 + 0.5 * np.sin(np.arange(400) / 30.0)
    jumps = np.where(np.arange(400) % 90 == 50, 6.0, 0.0)
    felt = Felt(people, 400).hear(music[:, None], 1.0, jumps[:, None])
    assert felt[:, 0] == pytest.approx(by_hand(people, music, jumps), abs=1e-9)


def test_alone_people_settle_to_where_they_are_usually() -> None:
    people = draw_people(1, 500)
    people = replace(people, up_s=people.down_s)  # otherwise quick rises lift the mean of the drift
    felt = listen(people, 0.0, sound=0.0)
    for t in (200, 600, 1199):
        late = t - people.down_s
        alone = people.trait + (people.start - people.trait) * np.exp(-late / SETTLE_S)
        assert np.mean(felt[t] - alone) == pytest.approx(0.0, abs=0.02)
    end = people.trait + (people.start - people.trait) * math.exp(-1200.0 / SETTLE_S)
    assert np.std(felt[-1] - end) == pytest.approx(DRIFT_SD * math.sqrt(DRIFT_S / (DRIFT_S + 45.0)), abs=0.02)


def test_without_a_gate_music_pulls_as_much_as_it_weighs() -> None:
    people = replace(draw_people(1, 400, NONE), pull=np.full(400, 0.5))
    moved = change(people, -0.6)[-300:].mean(axis=0)
    alone = listen(people, 0.0, 0.0)[-300:].mean(axis=0)
    assert moved == pytest.approx(0.5 / 1.5 * (-0.6 - alone), abs=0.06)


def test_a_person_of_no_pull_feels_the_same_whatever_sounds() -> None:
    people = replace(draw_people(1, 5, STRONG), pull=np.zeros(5))
    assert np.array_equal(listen(people, 0.8), listen(people, -0.8))


def test_a_few_are_moved_the_other_way() -> None:
    people = replace(draw_people(1, 50, NONE), pull=np.full(50, -0.2))
    assert (change(people, -0.6)[-300:].mean(axis=0) > 0.0).mean() > 0.95


def test_arousal_rises_faster_than_it_falls() -> None:
    people = replace(draw_people(1, 400, NONE), start=np.zeros(400), trait=np.zeros(400))

    def time_s(music: float) -> int:
        mean = change(people, music, 400).mean(axis=1)
        return int(np.argmax(np.abs(mean) > 0.63 * abs(mean[-100:].mean())))

    up, down = time_s(0.9), time_s(-0.9)
    assert 12 <= up <= 25 and 35 <= down <= 60


def test_music_far_away_loses_its_pull_where_there_is_a_gate() -> None:
    pulls = {}
    for world in (STRONG, WEAK, NONE):
        moved = change(draw_people(1, 300, world), -0.9)[-300:].mean()
        pulls[world.name] = moved / change(draw_people(1, 300, NONE), -0.9)[-300:].mean()
    assert pulls["strong gating"] < 0.1 < pulls["weak gating"] < pulls["no gating"] == 1.0


def test_slow_people_are_lost_by_music_that_runs_ahead_and_quick_ones_are_not() -> None:
    everyone = replace(draw_people(1, 200, PACE), start=np.full(200, 0.6), trait=np.full(200, -0.1))
    reached = {}
    for pace in (0.3, 2.5):
        people = replace(everyone, pace=np.full(200, pace))
        early, late = (change(people, arc(minutes))[-300:].mean() for minutes in (2.0, 15.0))
        reached[pace] = early / late
    assert reached[0.3] == pytest.approx(1.0, abs=0.05)
    assert reached[2.5] < 0.7


def test_a_sudden_loudness_startles_and_fades() -> None:
    people = draw_people(1, 1)
    jump = np.zeros((60, 1))
    jump[30] = 8.0
    kick = Felt(people, 60).hear(np.zeros((60, 1)), 0.0, jump) - Felt(people, 60).hear(np.zeros((60, 1)), 0.0)
    assert not kick[:30].any()
    assert kick[30, 0] == pytest.approx(0.16)
    assert kick[30 + 8, 0] == pytest.approx(0.16 / math.e)


def test_only_quick_rises_in_loudness_startle() -> None:
    level = np.array([-30.0, -29.2, -25.0, -25.0, -31.0, -30.5])
    assert startles(level).tolist() == pytest.approx([0.0, 0.0, 3.2, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_second_by_second_is_the_same_as_at_once_and_alone_as_among_others(world: object) -> None:
    people = draw_people(2, 6, world)  # type: ignore[arg-type]
    music = arc(10.0)[:200, None]
    at_once = Felt(people, 200).hear(music)
    by_second = Felt(people, 200)
    assert np.array_equal(np.vstack([by_second.hear(music[t : t + 1]) for t in range(200)]), at_once)
    assert np.array_equal(by_second.now, at_once[-1])
    alone = Felt(people.among([4]), 200).hear(music)
    assert np.array_equal(alone[:, 0], at_once[:, 4])


def test_asking_for_more_than_was_made_is_told() -> None:
    felt = Felt(draw_people(1, 2), 10)
    felt.hear(np.zeros((8, 1)))
    with pytest.raises(ValueError, match="3 s were asked for, 2 are left"):
        felt.hear(np.zeros((3, 1)))


# -- the estimate ------------------------------------------------------------------------------------------------------


def estimates(how: Estimating, count: int = 60, seconds: int = 900) -> tuple[Floats, Floats, Floats]:
    """Estimate, confidence and what was felt, (seconds, n)."""
    listeners = Listeners(draw_people(4, count, WEAK), seconds, how)
    rows = []
    for t in range(seconds):
        felt = listeners.hear(np.array([[0.4 * math.sin(t / 60.0)]]))
        states = listeners.states()
        assert states[0].t_s == t + 1.0
        rows.append(([s.arousal for s in states], [s.confidence for s in states], felt))
    arousal, confidence, felt = (np.array(rows)[:, k] for k in range(3))
    return arousal, confidence, felt


def test_the_estimate_is_off_by_a_bias_of_the_persons_own() -> None:
    arousal, confidence, felt = estimates(Estimating())
    off = (arousal - felt)[200:].mean(axis=0)
    assert np.std(off) == pytest.approx(0.15, abs=0.04)
    assert not confidence[: int(WARM_UP_S)].any()
    assert confidence[300:].max() == pytest.approx(0.7, abs=0.01)
    assert 0.01 < np.mean(confidence[200:] < 0.6) < 0.15
    assert np.abs(arousal).max() <= 1.0


def test_the_estimate_lags_by_about_half_a_minute() -> None:
    arousal, _, felt = estimates(Estimating(bias_sd=0.0, noise_sd=0.0), count=20)
    a, f = arousal[200:], felt
    fits = [np.mean([np.corrcoef(a[:, i], f[200 - lag : 900 - lag, i])[0, 1] for i in range(20)]) for lag in range(80)]
    assert 15 <= int(np.argmax(fits)) <= 45


def test_an_estimate_about_the_own_baseline_forgets_where_a_person_came_from() -> None:
    arousal, _, felt = estimates(Estimating(0.0, 0.0, about_baseline=True, gain=0.2))
    began = felt[: int(WARM_UP_S)].mean(axis=0)
    assert np.abs(arousal[int(WARM_UP_S) + 5]).max() < 0.2
    assert (arousal - 0.2 * (felt - began))[300:].mean(axis=0) == pytest.approx(0.0, abs=0.03)


def test_a_report_is_noisy_and_the_same_noise_scales() -> None:
    listeners = Listeners(draw_people(4, 2000), 1)
    off = listeners.told(0.15) - listeners.felt.people.start
    assert np.std(off) == pytest.approx(0.15, abs=0.01)
    assert np.corrcoef(off, listeners.told(0.3) - listeners.felt.people.start)[0, 1] > 0.98
    assert np.array_equal(listeners.told(0.0), listeners.felt.people.start)


def test_estimates_are_the_same_every_time_and_in_any_batch() -> None:
    def last(which: list[int]) -> list[object]:
        listeners = Listeners(draw_people(4, 6, PACE).among(which), 150)
        for _ in range(150):
            listeners.hear(0.1)
        return list(listeners.states())

    assert last([0, 1, 2, 3, 4, 5])[3] == last([3])[0] == last([5, 3])[1]
