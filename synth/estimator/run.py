"""Estimates of a whole recording, second by second, as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.recording import Recorded, open_recording

COLUMNS = tuple(field.name for field in fields(State) if field.name != "t_s")


def estimates(recording: Recorded, estimator: Estimator | None = None) -> Iterator[State]:
    """One state a second of the recording, each from nothing later than its time; `estimator` None is a new one."""
    estimator = estimator or Estimator()
    for now_s, batch in recording.batches(1.0):
        for samples in batch:
            estimator.feed(samples)
        yield estimator.tick(now_s)


def write_states(states: Iterable[State], path: str | Path) -> int:
    """Write one row a state to a CSV file, empty where a measure is not known, 1 or 0 for `fits`; the number of rows.

    Raises OSError when it cannot be written.
    """
    rows = 0
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("t_s", *COLUMNS))
        for state in states:
            writer.writerow((f"{state.t_s:g}", *(_cell(getattr(state, name)) for name in COLUMNS)))
            rows += 1
    return rows


def _cell(value: float | bool | str | tuple[str, ...] | None) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case tuple():
            return "; ".join(value)
        case bool():
            return str(int(value))
    return f"{value:.4f}"


def write_estimates(recording: Recorded, path: str | Path) -> int:
    """Write one row a second of the recording, as `write_states` does."""
    return write_states(estimates(recording), path)


def estimate_recording(path: str | Path, out: str | Path) -> Recorded:
    """Read the recording at `path`, write its estimates to `out` as CSV; the recording, with its repairs to tell.

    Raises RecordingError when the recording cannot be read and OSError when `out` cannot be written.
    """
    recording = open_recording(path)
    write_estimates(recording, out)
    return recording
