"""What is told of a machine that stands still."""

from __future__ import annotations

import os
import signal
import time

import pytest

from bench.stalls import AFTER_S, STALL_S, Stalls


def test_a_process_that_is_held_up_is_noticed_and_when() -> None:
    with Stalls() as stalls:
        time.sleep(0.5)
        watcher = stalls._watchers[0]
        began_s = time.monotonic()
        os.kill(watcher.pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(watcher.pid, signal.SIGCONT)
        time.sleep(0.1)
    found = [(began, ended) for began, ended in stalls.seen if began <= began_s + 0.1 <= ended]
    assert len(found) == 1 and found[0][1] - found[0][0] > 0.15
    assert stalls.longest_ms >= 150.0 and all(ended - began > STALL_S for began, ended in stalls.seen)


@pytest.mark.parametrize(
    ("at_s", "explained"), [(0.9, 0), (1.0, 1), (1.05, 1), (1.1 + AFTER_S, 1), (1.11 + AFTER_S, 0)]
)
def test_what_comes_soon_after_a_stall_is_laid_to_it(at_s: float, explained: int) -> None:
    stalls = Stalls()
    assert stalls.explain([at_s]) == 0 and stalls.longest_ms == 0.0
    stalls.seen = [(1.0, 1.1)]
    assert stalls.explain([at_s, 5.0]) == explained
