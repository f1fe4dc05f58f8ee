"""Resident memory of the first session of a process, and of each further one."""

from __future__ import annotations

import gc
import statistics
from typing import Any

import psutil  # type: ignore[import-untyped]
from common import LONGEST, Options, main, session

from synth import Session

FURTHER = 8


def resident_mb() -> float:
    """Memory of this process that is in RAM."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


def measure(options: Options) -> dict[str, Any]:
    """Megabytes: with the package imported, with one session, and what each further one added."""
    imported = resident_mb()
    kept: list[Session] = []
    grown = []
    for seed in range(FURTHER + 1):
        kept.append(session(options.preset, options.seconds / 60.0 + 10.0, seed=seed))
        while kept[-1].time_s < options.seconds:
            kept[-1].render(LONGEST)
            kept[-1].render(options.block)
        grown.append(resident_mb())
    further = [later - earlier for earlier, later in zip(grown, grown[1:], strict=False)]
    return {
        "imported_mb": imported,
        "first_mb": grown[0],
        "further_mb": statistics.fmean(further),
        "further_most_mb": max(further),
        "further": FURTHER,
        "played_s": options.seconds,
    }


if __name__ == "__main__":
    main(measure)
