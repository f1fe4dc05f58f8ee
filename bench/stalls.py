"""When a core of this machine stood still: what no program on it can help, as on a host that lends its cores twice.

A process on each core, before all others where the system allows it, sleeps for STEP_S again and again and notes when
it was woken much later.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import psutil

STEP_S = 0.002
STALL_S = 0.01
AFTER_S = 0.15  # so long a stall makes blocks late that were to be rendered meanwhile
PRIORITY = 90


class Stalls:
    """`seen`, at the end: (began_s, ended_s) by time.monotonic() of each stall of a core."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def __enter__(self) -> Stalls:
        cores = psutil.Process().cpu_affinity() or [0]
        self._watchers = [
            subprocess.Popen(
                [sys.executable, __file__, str(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for core in cores
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for watcher in self._watchers:
            self.seen += [(began, ended) for began, ended in json.loads(watcher.communicate()[0])]
        self.seen.sort()

    @property
    def longest_ms(self) -> float:
        """The longest of them."""
        return 1000.0 * max((ended - began for began, ended in self.seen), default=0.0)

    def explain(self, times_s: Iterable[float]) -> int:
        """How many of `times_s` fall into a stall or so soon after one that it may be why."""
        return sum(any(began <= t <= ended + AFTER_S for began, ended in self.seen) for t in times_s)


def watch(core: int) -> list[tuple[float, float]]:
    """The stalls of `core` until standard input ends."""
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    over: Any = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    found, before = [], time.monotonic()
    while not over.is_set():
        time.sleep(STEP_S)
        now = time.monotonic()
        if now - before - STEP_S > STALL_S:
            found.append((before + STEP_S, now))
        before = now
    return found


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]))))
