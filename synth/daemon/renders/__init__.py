"""Batch renders: whole sessions into files, beside live ones and never in their way.

A render is asked for, waits its turn, and runs in a process of its own at low priority. What was asked stands in
`state_dir/renders/<id>/asked.json` before the caller hears of it, so that a daemon that was killed takes it up again.
`Renders` is the queue; `jobs` what it holds; `shelf` how it is kept; `worker` the process; `afterwards` makes the pages
of live sessions in a process of the same kind.
"""

from __future__ import annotations

from synth.daemon.renders.jobs import OVER, Asked, Job, Made, ResultFile, Status
from synth.daemon.renders.queue import KeyTaken, QueueFull, Renders, ShelfFull

__all__ = [
    "OVER",
    "Asked",
    "Job",
    "KeyTaken",
    "Made",
    "QueueFull",
    "Renders",
    "ResultFile",
    "ShelfFull",
    "Status",
]
