"""Estimates of a whole recording, second by second, as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.recording import Recording, open_recording

COLUMNS = ("arousal", "confidence", "p_elevated", "hr_bpm", "rmssd_ms", "scr_per_min", "resp_bpm", "motion")


def estimates(recording: Recording) -> Iterator[State]:
    """One state a second of the recording, each from nothing later than its time."""
    estimator = Estimator()
    for now_s, batch in recording.batches(1.0):
        for samples in batch:
            estimator.feed(samples)
        yield estimator.tick(now_s)


def write_estimates(recording: Recording, path: str | Path) -> int:
    """Write one row a second to a CSV file, empty where a measure is not known; the number of rows."""
    rows = 0
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("t_s", *COLUMNS))
        for state in estimates(recording):
            values = (getattr(state, name) for name in COLUMNS)
            writer.writerow((f"{state.t_s:g}", *("" if value is None else f"{value:.4f}" for value in values)))
            rows += 1
    return rows


def estimate_recording(path: str | Path, out: str | Path) -> Recording:
    """Read the recording at `path`, write its estimates to `out` as CSV; the recording, with its repairs to tell.

    Raises RecordingError when the recording cannot be read and OSError when `out` cannot be written.
    """
    recording = open_recording(path)
    write_estimates(recording, out)
    return recording
