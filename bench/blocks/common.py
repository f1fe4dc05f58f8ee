"""What the measurements beside this file share: their command line, their sessions, and figures of many timings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from session import opened, pin, session

RATE = 48_000
LONGEST = 4096  # frames; blocks of this size are quickest where nothing is timed
PER_MILLE = {"p50": 500, "p99": 990, "p99_9": 999, "max": 1000}

__all__ = ["LONGEST", "RATE", "Options", "deadline_us", "main", "opened", "quantiles", "session", "warmed"]

Options = argparse.Namespace  # seconds, block, preset, and a program's own


def deadline_us(block: int) -> float:
    """How long `block` frames last."""
    return 1e6 * block / RATE


def quantiles(times_us: Sequence[float], deadline: float) -> dict[str, float]:
    """Quantiles of `times_us` by nearest rank, so each was measured; how many are `late`, over `deadline`; how many."""
    times = sorted(times_us)
    found = {name: times[-(-q * len(times) // 1000) - 1] for name, q in PER_MILLE.items()}
    return {**found, "late": sum(time > deadline for time in times), "count": len(times)}


def warmed(preset: str, *blocks: int) -> None:
    """Load or compile all that `preset` plays by a few seconds in blocks of each size."""
    for block in blocks:
        playing = session(preset, 1.0)
        while playing.time_s < 5.0:
            playing.render(block)


def main(measure: Callable[[Options], dict[str, Any]], *flags: str) -> None:
    """Run `measure` on one core and print what it found as a line of JSON; `flags` are switches of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--block", type=int, default=256)
    parser.add_argument("--preset", default="focus")
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    options = parser.parse_args()
    pin()
    print(json.dumps(measure(options)), flush=True)
