"""The comparison of policies on simulated listeners: pairing, yoking, rates, and the figures it makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from synth.preset import load_preset
from synth.simulate.people import WORLDS, draw_people

Program = Callable[[str], ModuleType]
SEED, FEW = 5, 4


class Here(Executor):
    """Runs everything at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.fixture
def listening(program: Program) -> ModuleType:
    return program("listening")


@pytest.fixture
def bench(program: Program) -> ModuleType:
    return program("closed_loop")


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_silence_brings_no_relief_at_all(listening: ModuleType) -> None:
    people = draw_people(SEED, FEW, WORLDS[1])
    quiet = listening.silence(people)
    fare = listening.heard(people, listening.fixed_log("silence", load_preset("settle")), quiet, sound=0.0)
    assert not fare.relief.any() and not fare.whole.any()


def test_listeners_and_noise_are_the_same_in_every_policy(listening: ModuleType) -> None:
    """One whom music does not pull fares exactly alike whatever sounds."""
    setting = listening.Setting(WORLDS[1])
    deaf = next(i for i in range(400) if draw_people(1, 1, WORLDS[1], i).pull[0] < -0.15)
    people = draw_people(1, 1, WORLDS[1], deaf)
    people.pull[:] = 0.0
    quiet = listening.silence(people)
    for policy in listening.FIXED:
        assert not listening.heard(people, listening.fixed_log(policy, load_preset("settle")), quiet).relief.any()
    assert listening.loop_in(setting, "L1", 1, deaf, 1).relief[0] > 0.0


@pytest.mark.parametrize("loop", ["L2", "follow, step 0.4"])
def test_a_run_is_the_same_every_time_and_in_any_group(listening: ModuleType, loop: str) -> None:
    setting = listening.Setting(WORLDS[3])
    whole = listening.loop_in(setting, loop, SEED, 0, 3)
    assert same(whole, listening.loop_in(setting, loop, SEED, 0, 3))
    apart = [listening.loop_in(setting, loop, SEED, first, count) for first, count in ((0, 1), (1, 2))]
    assert np.array_equal(whole.log, np.hstack([one.log for one in apart]))
    assert np.array_equal(whole.relief, np.concatenate([one.relief for one in apart]))
    assert not np.array_equal(whole.log, listening.loop_in(setting, loop, SEED + 1, 0, 3).log)


def test_without_sensors_the_second_rung_is_the_first_in_any_world(listening: ModuleType) -> None:
    logs = [
        listening.loop_in(listening.Setting(world), loop, SEED, 0, 3).log
        for world, loop in ((WORLDS[0], "L1"), (WORLDS[3], "L1"), (WORLDS[0], "L2 without sensors"))
    ]
    assert np.array_equal(logs[0], logs[1]) and np.array_equal(logs[0], logs[2])
    seen = listening.loop_in(listening.Setting(WORLDS[0]), "L2", SEED, 0, 3).log
    assert not np.array_equal(seen, logs[0])


@pytest.mark.parametrize("loop", ["L1", "L2", "follow, step 0.2"])
def test_rates_and_ranges_are_the_engines_own(listening: ModuleType, loop: str) -> None:
    log = listening.loop_in(listening.Setting(WORLDS[2]), loop, SEED, 0, FEW).log
    steps = np.diff(log, axis=0)
    assert steps.max() <= 0.01 + 1e-6 and steps.min() >= -0.1 - 1e-6
    low, high = load_preset("settle").ranges["arousal"]
    if not loop.startswith("follow"):
        assert log.min() >= low - 1e-6 and log.max() <= high + 1e-6


def test_an_arc_takes_its_time_and_stays(listening: ModuleType) -> None:
    log = listening.fixed_log("arc of 10 min", load_preset("settle"))[:, 0]
    assert not log[:85].any() and log[-1] == pytest.approx(-0.55, abs=0.01)
    half_s = int(np.argmax(log < -0.275))
    assert half_s == pytest.approx(90 + 300, abs=15)
    assert np.ptp(log[700:]) < 0.01


def test_a_start_matched_to_heart_rate_is_a_worse_guess_than_a_report(listening: ModuleType) -> None:
    people = draw_people(SEED, 300, WORLDS[0])
    off = [
        listening.report(listening.Setting(WORLDS[0], report_by_heart=heart), people) - people.start
        for heart in (False, True)
    ]
    assert off[0].std() == pytest.approx(0.15, abs=0.02)
    assert off[1].std() > 0.2 and off[1].mean() > 0.05


def test_everyone_gets_the_music_of_another(bench: ModuleType) -> None:
    for count in (2, 3, 10, 57):
        other = bench.derangement(count, SEED)
        assert sorted(other) == list(range(count))
        assert not (other == np.arange(count)).any()
    with pytest.raises(ValueError, match="two listeners"):
        bench.derangement(1, SEED)


def test_the_yoked_hear_what_a_loop_made_for_another(bench: ModuleType) -> None:
    found = bench.compare(Here(), bench.Setting(WORLDS[3]), ("L2",), SEED, FEW)
    other = bench.derangement(FEW, SEED)
    assert np.array_equal(found["L2 yoked"].log, found["L2"].log[:, other])
    assert not np.array_equal(found["L2 yoked"].relief, found["L2"].relief)
    assert not found["silence"].relief.any()


def test_groups_are_put_together_in_order(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = bench.Setting(WORLDS[0])
    at_once = bench.gather(bench.play(Here(), setting, "L1", SEED, FEW))
    monkeypatch.setattr(bench, "CHUNK", 3)
    assert same(bench.gather(bench.play(Here(), setting, "L1", SEED, FEW)), at_once)


def heard_as(bench: ModuleType, *relief: float) -> Any:
    values = np.array(relief)
    return bench.Heard(np.zeros((1, values.size), np.float32), values, 2.0 * values, np.array([0, 1, 2, 0]))


def test_figures_are_of_the_listeners_and_regret_is_of_the_best_fixed_policy(bench: ModuleType) -> None:
    people = draw_people(SEED, 4, WORLDS[0])
    people.pull[:] = [-0.2, 0.3, 0.3, 0.3]
    found = {name: heard_as(bench, 0.0, 0.0, 0.0, 0.0) for name in bench.FIXED}
    found["fixed calm"] = heard_as(bench, -0.2, -0.2, -0.2, -0.2)
    found["L2"] = heard_as(bench, 0.06, 0.06, -0.4, 0.04)
    row = {row.policy: row for row in bench.rows_of(found, people)}["L2"]
    assert row.relief == pytest.approx(-0.06) and row.whole == pytest.approx(-0.12)
    assert (row.worse, row.worse_others, row.stopped) == (0.5, 0.25, 0.5)
    assert row.regret == pytest.approx(0.14)
    assert row.interval[0] < -0.06 < row.interval[1]


def test_over_worlds_the_single_best_fixed_policy_counts(bench: ModuleType) -> None:
    def row(policy: str, relief: float, regret: float, worse: float) -> Any:
        return bench.Row(policy, relief, (0.0, 0.0), 0.0, worse, 0.0, regret, 0.0)

    def world(calm: float, arc: float, loop: float, worse: float) -> list[Any]:
        idle = [row(name, 0.0, 0.2, 0.0) for name in bench.FIXED if name not in ("fixed calm", "L0")]
        best = min(calm, arc)
        return [
            *idle,
            row("fixed calm", calm, calm - best, 0.0),
            row("L0", arc, arc - best, 0.0),
            row("L2", loop, loop - best, worse),
        ]

    over = {
        one.policy: one
        for one in bench.over_worlds({"a": world(-0.2, -0.1, -0.15, 0.01), "b": world(0.0, -0.08, -0.06, 0.03)})
    }
    assert over["L0"].share == pytest.approx(0.9) and over["fixed calm"].share == 1.0
    assert over["L2"].relief == pytest.approx(-0.105) and over["L2"].share == pytest.approx(1.05)
    assert over["L2"].worst_regret == pytest.approx(0.05) and over["L2"].most_worse == 0.03


def test_an_interval_holds_the_mean_and_narrows(bench: ModuleType) -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, 1600)
    low, high = bench.bootstrap(values)
    assert high - low == pytest.approx(2 * 1.96 / 40, rel=0.1)
    assert bench.bootstrap(values[:100])[1] - bench.bootstrap(values[:100])[0] > 3.0 * (high - low)


def test_everything_printed_and_written_says_simulated(
    bench: ModuleType, listening: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (bench, listening):
        monkeypatch.setattr(module, "SECONDS", 360)
    figures = bench.run(Here(), SEED, 2, 2)
    printed = capsys.readouterr().out
    tables = [line for line in printed.splitlines() if line and not line.startswith(" ")]
    assert len(tables) == len(WORLDS) + 1 + len(list(bench.settings()))
    assert all("(simulated)" in line for line in tables)
    assert json.loads(json.dumps(figures))["simulated"] is True
    assert set(figures["worlds"]) == {world.name for world in WORLDS}
    policies = {row["policy"] for row in figures["worlds"]["own pace"]}
    assert policies == {*bench.FIXED, *bench.LOOPS, "L2 yoked"}


def test_listeners_that_policies_were_chosen_on_are_not_reported(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["closed_loop.py", "--seed", str(bench.LEARNT_ON)])
    with pytest.raises(SystemExit):
        bench.main()
    assert "give another" in capsys.readouterr().err
