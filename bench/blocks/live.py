"""Every block of a session timed from its first on, in turns with a loop that does nothing for as long.

What the loop takes beyond its usual time is the host's doing: it interrupts both alike. `--freeze` sets all objects
aside from garbage collection before the first block; `--clock` waits for each block's time, as a sound card does.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections import defaultdict
from typing import Any

from common import RATE, Options, deadline_us, main, quantiles, session, warmed

from synth import Session
from synth.instruments.base import ON

TURN_S = 5.0  # of music
SLOWEST = 8
Timing = tuple[float, float]  # wall and CPU microseconds


class Watch:
    """Tells what has happened in a session since it was last asked."""

    def __init__(self, watched: Session) -> None:
        self._session = watched
        self._events: list[tuple[str, list[Any]]] = []
        self._collected: list[int] = []
        self._seen: tuple[Any, ...] = ()
        self._marks = 0
        take = watched.engine.transport.take

        def counted(end_frame: int) -> dict[str, list[Any]]:
            taken = take(end_frame)
            self._events.extend(taken.items())
            return taken

        setattr(watched.engine.transport, "take", counted)  # noqa: B010 (a method)
        gc.callbacks.append(lambda when, about: self._collected.append(about["generation"]) if when == "stop" else None)
        self.since()

    def since(self) -> dict[str, str]:
        """What happened, and more about it."""
        engine, happened = self._session.engine, {}
        beat = engine.transport.beat if self._session.position else None
        now = (self._session.state, beat, beat and beat.bar, *map(id, engine.instruments.values()))
        state, last_beat, last_bar, *instruments = self._seen or (None,) * len(now)
        if now[0] is not state:
            happened["second tick"] = ""
        if beat is not None and beat is not last_beat and (last_beat is None or beat.index == beat.bar.beats - 1):
            happened["bar composed"] = ""
        if now[2] is not last_bar:
            happened["bar starts"] = ""
        if [*now[3:]] != instruments:
            happened["other instruments"] = ""
        for marker in engine.score.markers[self._marks :]:
            if marker.kind not in ("chord", "cadence"):
                happened[marker.kind] = marker.text
        notes = {stem: sum(event.kind == ON for event in events) for stem, events in self._events}
        if started := {stem: count for stem, count in notes.items() if count}:
            happened["notes start"] = ", ".join(f"{count} {stem}" for stem, count in started.items())
        if len(started) < len(notes):
            happened["notes end"] = ""
        if self._collected:
            happened["garbage collected"] = f"generation {max(self._collected)}"
        self._seen, self._marks = now, len(engine.score.markers)
        self._events.clear()
        self._collected.clear()
        return happened


def spin(turns: int) -> None:
    """Do nothing `turns` times."""
    for _ in range(turns):
        pass


def turns_for(cpu_us: float) -> int:
    """How many turns of `spin` take `cpu_us`."""
    trial, taken = 20_000, []
    for _ in range(9):
        start = time.thread_time_ns()
        spin(trial)
        taken.append((time.thread_time_ns() - start) / 1e3)
    return max(round(trial * cpu_us / min(taken)), 1)


class Clock:
    """Says when the next block may begin: at once, or when it is due."""

    def __init__(self, block: int, real: bool) -> None:
        self._period_s, self._real = block / RATE, real
        self._due_s = 0.0

    def wait(self) -> None:
        """Sleep until the next block is due; one that is overdue begins at once, and those after it a period later."""
        if self._real:
            self._due_s = max(self._due_s + self._period_s, time.perf_counter())
            time.sleep(max(self._due_s - time.perf_counter(), 0.0))


def measure(options: Options) -> dict[str, Any]:
    """Quantiles of both, the slowest blocks by name, and the blocks by what happened in them."""
    block, blocks = options.block, max(round(options.seconds * RATE / options.block), 1)
    turn = max(round(TURN_S * RATE / block), 1)
    warmed(options.preset, block)
    playing = session(options.preset, options.seconds / 60.0 + 10.0)
    watch, clock = Watch(playing), Clock(block, options.clock)
    times: list[Timing] = []
    control: list[Timing] = []
    happened: list[dict[str, str]] = []
    gc.collect()
    if options.freeze:
        gc.freeze()
    before = [generation["collections"] for generation in gc.get_stats()]
    watch.since()
    while len(times) < blocks:
        count = min(turn, blocks - len(times))
        for _ in range(count):
            clock.wait()
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            playing.render(block)
            cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
            times.append((wall / 1e3, cpu / 1e3))
            happened.append(watch.since())
        idle = turns_for(statistics.median(cpu for _, cpu in times[-count:]))
        for _ in range(count):
            clock.wait()
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            spin(idle)
            cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
            control.append((wall / 1e3, cpu / 1e3))

    def slowest(clock: int) -> list[dict[str, Any]]:
        order = sorted(range(blocks), key=lambda n: -times[n][clock])[:SLOWEST]
        return [
            {"at_s": n * block / RATE, "wall_us": times[n][0], "cpu_us": times[n][1], "happened": named(happened[n])}
            for n in order
        ]

    return {
        "session": both(times, block),
        "control": both(control, block),
        "collections": [g["collections"] - b for g, b in zip(gc.get_stats(), before, strict=True)],
        "slowest": {"wall": slowest(0), "cpu": slowest(1)},
        "by_event": by_event([cpu for _, cpu in times], happened, block),
    }


def both(times: list[Timing], block: int) -> dict[str, dict[str, float]]:
    """Quantiles in wall and in CPU time."""
    wall, cpu = zip(*times, strict=True)
    return {"wall": quantiles(wall, deadline_us(block)), "cpu": quantiles(cpu, deadline_us(block))}


def named(happened: dict[str, str]) -> str:
    """What happened, in words."""
    words = (f"{what} ({more})" if more else what for what, more in happened.items())
    return ", ".join(words) or "nothing in particular"


def by_event(cpu_us: list[float], happened: list[dict[str, str]], block: int) -> dict[str, dict[str, float]]:
    """Quantiles of the blocks in which each thing happened; a block counts for each."""
    groups: dict[str, list[float]] = defaultdict(list)
    for used, what in zip(cpu_us, happened, strict=True):
        for name in what or ("nothing in particular",):
            groups[name].append(used)
    return {name: quantiles(group, deadline_us(block)) for name, group in groups.items()}


if __name__ == "__main__":
    main(measure, "freeze", "clock")
