"""Do simulated listeners come to rest better by a loop than by a plan alone, and is anyone worse off than in silence?

    python bench/closed_loop.py [--listeners 400] [--seed 20] [--json FILE]

EVERY FIGURE IS SIMULATED. The listeners (`synth.simulate`) are assumptions; this finds faults of the software and of
policies, and tells nothing about people. Each policy is heard by the same listeners with the same noise, in worlds
that differ in how music pulls; each loop is the engine's own: policy, guard, rates, bus. Fixed before running:

- relief: mean felt arousal of the last 5 of 20 minutes, less that of the same listener in silence (negative: calmer);
- worse off: a listener whose relief is above +0.05; a few are moved the wrong way by any music, which no policy can
  know, so those of the others are told apart;
- regret: relief less that of the world's best fixed policy, one that hears nothing from the listener;
- yoked: each hears the music that the loop made for another listener, so that only the answering is taken away;
- beside it, the mean over the whole session. Intervals are 95 % bootstrap over listeners.

`LEARNT_ON` is the seed of the listeners on which defaults of policies were chosen; they are not reported on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.bus import Bus
from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Preset, bounds_of, load_preset
from synth.safety.control_guard import ControlGuard
from synth.simulate.body import Body
from synth.simulate.felt import REPORT_SD, Estimating, Felt, Listeners
from synth.simulate.people import WORLDS, Floats, People, World, draw_people, generator
from synth.steering.lead import Lead
from synth.steering.meeting import meet

PRESET = "settle"
SECONDS, LAST_S = 1200, 300
WORSE = 0.05
LEARNT_ON = 11
RESAMPLES = 2000
CHUNK = 50
SAMPLE_RATE, QUANTUM = 48_000, 64
QUANTA = SAMPLE_RATE // QUANTUM  # a second
FOLLOW_EVERY_S = 30
HEART_DAY_BPM = 3.0  # how far a resting heart rate may be from what is known of it
FIXED = ("fixed calm", "arc of 5 min", "arc of 10 min", "arc of 15 min", "L0")
ALIKE = ("L1", "L2 without sensors")  # loops that nothing from the listener reaches after the start
LOOPS = (*ALIKE, "L2", "follow, step 0.2", "follow, step 0.4")


class Steers(Protocol):
    """What makes the requests of a session: the engine's own lead, or a rival."""

    releases: tuple[str, ...]

    def tick(self, t_s: float, state: State | None, values: Mapping[str, float], held: frozenset[str]) -> list[Request]:
        """Requests for the second from `t_s` on."""


class Follow:
    """A warning, no policy of the engine: music a `step` calmer than the listener is believed to be."""

    def __init__(self, step: float) -> None:
        self._step = step
        self.releases: tuple[str, ...] = ()

    def tick(self, t_s: float, state: State | None, values: Mapping[str, float], held: frozenset[str]) -> list[Request]:
        """A request every half minute."""
        if state is None or t_s % FOLLOW_EVERY_S or state.confidence < 0.3:
            return []
        return [Request("arousal", max(state.arousal - self._step, -1.0), "policy", "where the listener is")]


@dataclass(frozen=True)
class Setting:
    """Whom a loop meets and what it knows: `estimating`, deviation of the report, or a start matched to heart rate."""

    world: World
    estimating: Estimating = Estimating()
    report_sd: float = REPORT_SD
    report_by_heart: bool = False


class Heard(NamedTuple):
    """What a group heard and how it fared: `log` (SECONDS, n) arousal of the music, `relief` and `whole` (n,) against
    silence, `stopped` (n,) how often a stop rule acted."""

    log: NDArray[np.float32]
    relief: Floats
    whole: Floats
    stopped: NDArray[np.int64]


def arc(preset: Preset, minutes: float) -> Preset:
    """`preset` with a baseline and nothing but one arc of so many minutes to where its plateau ends."""
    baseline = preset.phases[0]
    goal = next(phase for phase in preset.phases if phase.kind == "plateau")
    stay = preset.minutes - baseline.minutes - minutes
    return replace(preset, phases=(baseline, replace(goal, kind="lead", minutes=minutes), replace(goal, minutes=stay)))


def report(setting: Setting, people: People) -> Floats:
    """What each says of their arousal when they come, or what their heart rate seems to say."""
    if not setting.report_by_heart:
        return Listeners(people, 1, setting.estimating).told(setting.report_sd)
    day = np.array([generator(people.seed, int(i), "day").standard_normal() for i in people.index])
    answer = people.slow_bpm + people.quick_bpm
    return np.clip((answer * people.start + people.music_bpm + HEART_DAY_BPM * day) / np.mean(answer), -1.0, 1.0)


def make(loop: str, preset: Preset, told: float | None) -> tuple[Steers, Bus]:
    """A loop for a listener who `told` how they are, and the bus it steers."""
    values = dict(preset.controls)
    bounds = bounds_of(preset)
    steers: Steers
    if loop.startswith("follow"):
        steers = Follow(float(loop.split()[-1]))
    else:
        policy = loop[:2]
        start = None if told is None or policy == "L0" else meet(preset, bounds, told, None)
        steers = Lead(preset, float(SECONDS), policy=policy, bounds=bounds, start=start)
        values |= {} if start is None else start._asdict()
    return steers, Bus(SAMPLE_RATE, QUANTUM, ControlGuard(preset.profile), values)


class Run:
    """One loop, second by second."""

    def __init__(self, loop: str, preset: Preset, told: float | None = None) -> None:
        self._steers, self._bus = make(loop, preset, told)
        self._values = self._bus.values(0)
        self.stopped = 0

    def step(self, t: int, state: State | None) -> float:
        """Arousal of the music after the second from `t` on."""
        for request in self._steers.tick(float(t), state, self._values, self._bus.held):
            self._bus.request(request, t * QUANTA)
        for name in self._steers.releases:
            self._bus.release(name)
        self.stopped += bool(getattr(self._steers, "stopped", ""))
        self._values = self._bus.values((t + 1) * QUANTA)
        return self._values["arousal"]


def fixed_log(policy: str, preset: Preset) -> Floats:
    """Arousal of the music (SECONDS, 1) of a policy that hears nothing from the listener."""
    if policy == "fixed calm":
        return np.full((SECONDS, 1), next(p.arousal for p in preset.phases if p.kind == "plateau"))
    run = Run("L0", preset if policy == "L0" else arc(preset, float(policy.split()[2])))
    return np.array([[run.step(t, None)] for t in range(SECONDS)])


def silence(people: People) -> Floats:
    """Felt arousal (SECONDS, n) without music."""
    return Felt(people, SECONDS).hear(np.zeros((SECONDS, 1)), sound=0.0)


def heard(people: People, log: Floats | NDArray[np.float32], quiet: Floats | None = None) -> Heard:
    """How `people` fare who hear `log`, whatever made it."""
    felt = Felt(people, SECONDS).hear(log)
    return _heard(np.asarray(log), felt, silence(people) if quiet is None else quiet, np.zeros(len(people), np.int64))


def _heard(log: NDArray[Any], felt: Floats, quiet: Floats, stopped: NDArray[np.int64]) -> Heard:
    gain = felt - quiet
    return Heard(log.astype(np.float32), gain[-LAST_S:].mean(axis=0), gain.mean(axis=0), stopped)


def loop_in(setting: Setting, loop: str, seed: int, first: int, count: int) -> Heard:
    """A group of listeners, each with a loop of their own."""
    preset = load_preset(PRESET)
    people = draw_people(seed, count, setting.world, first)
    listeners = Listeners(people, SECONDS, setting.estimating)
    runs = [Run(loop, preset, float(told)) for told in report(setting, people)]
    seeing = loop not in ALIKE
    log, felt = np.empty((SECONDS, count), np.float32), np.empty((SECONDS, count))
    states: Sequence[State | None] = listeners.states() if seeing else [None] * count
    for t in range(SECONDS):
        log[t] = [run.step(t, state) for run, state in zip(runs, states, strict=True)]
        felt[t] = listeners.hear(log[t])
        states = listeners.states() if seeing else states
    return _heard(log, felt, silence(people), np.array([run.stopped for run in runs]))


def derangement(count: int, seed: int) -> NDArray[np.int64]:
    """For each listener another one, each of them once. ValueError for fewer than two."""
    if count < 2:
        raise ValueError("a yoked control needs two listeners or more")
    order = np.random.default_rng(seed).permutation(count)
    other = np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other


def bootstrap(of_each: Floats) -> tuple[float, float]:
    """95 % interval of the mean over listeners."""
    rng = np.random.default_rng(1)
    means = [rng.choice(of_each, of_each.size).mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def play(pool: ProcessPoolExecutor, setting: Setting, loop: str, seed: int, count: int) -> list[Future[Heard]]:
    """Set the groups going."""
    starts = range(0, count, CHUNK)
    return [pool.submit(loop_in, setting, loop, seed, first, min(CHUNK, count - first)) for first in starts]


def gather(groups: Sequence[Future[Heard]]) -> Heard:
    """All groups as one."""
    each = [group.result() for group in groups]
    return Heard(
        np.hstack([one.log for one in each]),
        np.concatenate([one.relief for one in each]),
        np.concatenate([one.whole for one in each]),
        np.concatenate([one.stopped for one in each]),
    )


def compare(
    pool: ProcessPoolExecutor, setting: Setting, loops: Sequence[str], seed: int, count: int
) -> dict[str, Heard]:
    """Every policy in one world, by name; "L2 yoked" beside "L2"."""
    preset = load_preset(PRESET)
    people = draw_people(seed, count, setting.world)
    quiet = silence(people)
    going = {loop: play(pool, setting, loop, seed, count) for loop in loops}
    found = {policy: heard(people, fixed_log(policy, preset), quiet) for policy in FIXED}
    for loop, groups in going.items():
        found[loop] = gather(groups)
        if loop == "L2":
            found["L2 yoked"] = heard(people, found[loop].log[:, derangement(count, seed)], quiet)
    return found


@dataclass(frozen=True)
class Row:
    """Figures of one policy in one world; `worse` is the share worse off than in silence, `worse_others` that of all
    but those whom any music moves the wrong way, `stopped` the share with a stop."""

    policy: str
    relief: float
    interval: tuple[float, float]
    whole: float
    worse: float
    worse_others: float
    regret: float
    stopped: float


def rows_of(found: Mapping[str, Heard], people: People) -> list[Row]:
    """The figures of a world."""
    best = min(float(found[policy].relief.mean()) for policy in FIXED)
    rows = []
    for policy, one in found.items():
        worse, relief = one.relief > WORSE, float(one.relief.mean())
        others = float((worse & (people.pull >= 0.0)).mean())
        whole, stopped = float(one.whole.mean()), float((one.stopped > 0).mean())
        rows.append(
            Row(policy, relief, bootstrap(one.relief), whole, float(worse.mean()), others, relief - best, stopped)
        )
    return rows


@dataclass(frozen=True)
class Over:
    """Figures of one policy over all worlds: mean relief, its share of the best single fixed policy's, worst regret."""

    policy: str
    relief: float
    share: float
    worst_regret: float
    most_worse: float


def over_worlds(worlds: Mapping[str, Sequence[Row]]) -> list[Over]:
    """The figures over worlds, policies in the order of the first."""
    by_policy = {row.policy: [row] for row in next(iter(worlds.values()))}
    for rows in list(worlds.values())[1:]:
        for row in rows:
            by_policy[row.policy].append(row)
    means = {policy: float(np.mean([row.relief for row in rows])) for policy, rows in by_policy.items()}
    best = min(means[policy] for policy in FIXED)
    return [
        Over(policy, means[policy], means[policy] / best, max(r.regret for r in rows), max(r.worse for r in rows))
        for policy, rows in by_policy.items()
    ]


def settings(seed_world: Sequence[World] = WORLDS) -> Iterator[tuple[str, tuple[Setting, ...]]]:
    """What is tried beside the main comparison, by name."""
    usual = Estimating()
    wilder = replace(usual, bias_sd=2.0 * usual.bias_sd, noise_sd=2.0 * usual.noise_sd)
    engine = Estimating(bias_sd=0.04, noise_sd=0.045, about_baseline=True, gain=0.18, confidence=0.8)
    yield "bias and noise of the estimate doubled", tuple(Setting(w, wilder) for w in seed_world)
    yield "an estimate like the engine's own on these bodies", tuple(Setting(w, engine) for w in seed_world)
    yield "report twice as noisy", tuple(Setting(w, report_sd=2.0 * REPORT_SD) for w in seed_world)
    yield "start matched to heart rate alone", tuple(Setting(w, report_by_heart=True) for w in seed_world)


def open_loop_rates(seed: int) -> dict[str, float]:
    """Whole sessions a second on one core where the music is given, drawing the people included: of felt arousal alone,
    and with heart beats, breath and skin."""

    def felt(count: int) -> None:
        Felt(draw_people(seed, count), SECONDS).hear(np.zeros((SECONDS, 1)))

    def whole(count: int) -> None:
        for first in range(0, count, CHUNK):
            people = draw_people(seed, min(CHUNK, count), first=first)
            Body(people, SECONDS).live(Felt(people, SECONDS).hear(np.zeros((SECONDS, 1))))

    rates = {}
    for name, job, count in (("felt arousal", felt, 2000), ("whole bodies", whole, 400)):
        job(2)
        began = time.perf_counter()
        job(count)
        rates[name] = count / (time.perf_counter() - began)
    return rates


def print_world(name: str, rows: Sequence[Row]) -> None:
    """The table of a world."""
    print(f"\n{name} (simulated)")
    print("  policy               relief  95 %               whole    worse off (others)   regret  stopped")
    for row in rows:
        low, high = row.interval
        print(
            f"  {row.policy:18}  {row.relief:+.3f}  [{low:+.3f}, {high:+.3f}]  {row.whole:+.3f}   "
            f"{100 * row.worse:5.1f} %  ({100 * row.worse_others:4.1f} %)    {row.regret:+.3f}    "
            f"{100 * row.stopped:3.0f} %"
        )


def print_over(title: str, table: Sequence[Over]) -> None:
    """The table over worlds."""
    print(f"\n{title} (simulated)")
    print("  policy               relief   of the best fixed   worst regret   most worse off")
    for one in table:
        print(
            f"  {one.policy:18}  {one.relief:+.4f}        {100 * one.share:4.0f} %         {one.worst_regret:+.3f}"
            f"          {100 * one.most_worse:4.1f} %"
        )


def gain_over_yoked(found: Mapping[str, Heard]) -> tuple[float, tuple[float, float]]:
    """By how much L2 calms more than another listener's L2 music, and its interval."""
    gain = found["L2 yoked"].relief - found["L2"].relief
    return float(gain.mean()), bootstrap(gain)


def run(pool: ProcessPoolExecutor, seed: int, count: int, some: int) -> dict[str, Any]:
    """Print every table; all figures as plain values."""
    tables: dict[str, list[Row]] = {}
    yoked: dict[str, Any] = {}
    known: dict[str, NDArray[np.float32]] = {}
    for world in WORLDS:
        found = compare(pool, Setting(world), LOOPS, seed, count, known)
        known = {loop: found[loop].log for loop in ALIKE}
        tables[world.name] = rows_of(found, draw_people(seed, count, world))
        print_world(world.name, tables[world.name])
        mean, interval = gain_over_yoked(found)
        yoked[world.name] = {"gain": mean, "interval": interval}
        print(f"  L2 beyond its yoked control: {mean:+.4f} [{interval[0]:+.4f}, {interval[1]:+.4f}]")
    over = over_worlds(tables)
    print_over(f"over worlds, {count} listeners", over)
    others: dict[str, Any] = {}
    for name, tried in settings():
        rows = {
            s.world.name: rows_of(compare(pool, s, ("L2",), seed, some), draw_people(seed, some, s.world))
            for s in tried
        }
        others[name] = [one for one in over_worlds(rows) if one.policy in ("L0", "L2", "L2 yoked")]
        print_over(f"{name}, {some} listeners", others[name])
    return {
        "simulated": True,
        "seed": seed,
        "listeners": count,
        "worlds": {name: [asdict(row) for row in rows] for name, rows in tables.items()},
        "yoked": yoked,
        "over_worlds": [asdict(one) for one in over],
        "sensitivity": {name: [asdict(one) for one in table] for name, table in others.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.seed == LEARNT_ON:
        parser.error(f"seed {LEARNT_ON}: policies were chosen on these listeners; give another")
    if arguments.listeners < 2:
        parser.error("--listeners: give 2 or more")
    rates = open_loop_rates(arguments.seed)
    for name, rate in rates.items():
        print(f"{rate:.0f} sessions of 20 minutes a second where the music is given, one core: {name} (simulated)")
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        figures = run(pool, arguments.seed, arguments.listeners, max(arguments.listeners // 4, 2))
    if arguments.json:
        arguments.json.write_text(json.dumps({**figures, "open_loop_sessions_per_s": rates}, indent=1) + "\n")


if __name__ == "__main__":
    main()
