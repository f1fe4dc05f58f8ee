"""Do simulated listeners come to rest better by a loop than by a plan alone, and is anyone worse off than in silence?

    python bench/closed_loop.py [--listeners 400] [--seed 58] [--json FILE]

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
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from listening import ALIKE, FIXED, LOOPS, SECONDS, Heard, Setting, fixed_logs, heard, loop_in, silence
from numpy.typing import NDArray

from synth.simulate.body import Body
from synth.simulate.felt import REPORT_SD, Estimating, Felt
from synth.simulate.people import WORLDS, Floats, People, World, draw_people

WORSE = 0.05
LEARNT_ON = 11
RESAMPLES = 2000
CHUNK = 50


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
    means = of_each[rng.integers(0, of_each.size, (RESAMPLES, of_each.size))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def play(pool: Executor, setting: Setting, loop: str, seed: int, count: int) -> list[Future[Heard]]:
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
    pool: Executor,
    setting: Setting,
    loops: Sequence[str],
    seed: int,
    count: int,
    known: Mapping[str, NDArray[np.float32]] | None = None,
) -> dict[str, Heard]:
    """Every policy in one world, by name; "L2 yoked" beside "L2"; `known` are logs that are the same in all worlds."""
    people = draw_people(seed, count, setting.world)
    quiet = silence(people)
    known = known or {}
    going = {loop: play(pool, setting, loop, seed, count) for loop in loops if loop not in known}
    found = {
        policy: heard(people, log, quiet, sound=float(policy != "silence")) for policy, log in fixed_logs().items()
    }
    found |= {loop: heard(people, log, quiet) for loop, log in known.items()}
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
        Over(policy, means[policy], means[policy] / best + 0.0, max(r.regret for r in rows), max(r.worse for r in rows))
        for policy, rows in by_policy.items()
    ]


def settings(worlds: Sequence[World] = WORLDS) -> Iterator[tuple[str, tuple[Setting, ...]]]:
    """What is tried beside the main comparison, by name."""
    usual = Estimating()
    wilder = replace(usual, bias_sd=2.0 * usual.bias_sd, noise_sd=2.0 * usual.noise_sd)
    engine = Estimating(bias_sd=0.04, noise_sd=0.045, about_baseline=True, gain=0.18, confidence=0.8)
    yield "bias and noise of the estimate doubled", tuple(Setting(w, wilder) for w in worlds)
    yield "an estimate like the engine's own on these bodies", tuple(Setting(w, engine) for w in worlds)
    yield "report twice as noisy", tuple(Setting(w, report_sd=2.0 * REPORT_SD) for w in worlds)
    yield "start matched to heart rate alone", tuple(Setting(w, report_by_heart=True) for w in worlds)


def open_loop_rates(seed: int) -> dict[str, float]:
    """Whole sessions a second of processor time where the music is given, drawing the people included: felt arousal
    alone, and with heart beats, breath and skin."""

    def felt(count: int) -> None:
        Felt(draw_people(seed, count), SECONDS).hear(np.zeros((SECONDS, 1)))

    def whole(count: int) -> None:
        for first in range(0, count, CHUNK):
            people = draw_people(seed, min(CHUNK, count), first=first)
            Body(people, SECONDS).live(Felt(people, SECONDS).hear(np.zeros((SECONDS, 1))))

    rates = {}
    for name, job, count in (("felt arousal", felt, 2000), ("whole bodies", whole, 400)):
        job(2)
        began = time.process_time()
        job(count)
        rates[name] = count / (time.process_time() - began)
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


def run(pool: Executor, seed: int, count: int, some: int) -> dict[str, Any]:
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
    parser.add_argument("--seed", type=int, default=58)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.seed == LEARNT_ON:
        parser.error(f"seed {LEARNT_ON}: policies were chosen on these listeners; give another")
    if arguments.listeners < 2:
        parser.error("--listeners: give 2 or more")
    rates = open_loop_rates(arguments.seed)
    for name, rate in rates.items():
        print(f"{rate:.0f} sessions of 20 minutes a second of one core where the music is given: {name} (simulated)")
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        figures = run(pool, arguments.seed, arguments.listeners, max(arguments.listeners // 4, 2))
    if arguments.json:
        arguments.json.write_text(json.dumps({**figures, "open_loop_sessions_per_s": rates}, indent=1) + "\n")


if __name__ == "__main__":
    main()
