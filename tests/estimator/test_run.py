"""A whole recording estimated: the one that is shipped, and the table written of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.estimator.run import COLUMNS, estimate_recording, estimates, write_estimates
from synth.estimator.state import State
from synth.wearables.recording import Recording, RecordingError, open_recording

DEMO = Path(__file__).parents[2] / "assets" / "recording"
WORDS = ("fits", "heart_trouble", "skin_trouble", "reasons")
Column = Callable[[Iterable[State], str], NDArray[np.float64]]


@pytest.fixture(scope="module")
def demo() -> Recording:
    return open_recording(DEMO)


@pytest.fixture(scope="module")
def states(demo: Recording) -> list[State]:
    return list(estimates(demo))


def test_the_shipped_recording_rises_in_its_task_and_falls_in_the_rest_after(
    demo: Recording, states: list[State], column: Column
) -> None:
    rest, task, relax = demo.segments
    assert [segment.task for segment in demo.segments] == ["baseline", "stroop", "relax1"]
    t = column(states, "t_s")
    for name in ("arousal", "p_elevated"):
        x = column(states, name)
        before = x[(t >= rest.start_s) & (t < rest.end_s)].mean()
        first_minutes = x[(t >= task.start_s) & (t < task.start_s + 180.0)].mean()
        whole_task = x[(t >= task.start_s) & (t < task.end_s)].mean()
        after = x[(t >= relax.start_s + 60.0) & (t < relax.end_s)].mean()
        assert first_minutes > before + 0.25 and whole_task > before + 0.15
        assert after < whole_task - 0.1
        assert x[-30:].mean() < before + 0.05
    assert column(states, "p_elevated")[(t > 200) & (t < 330)].min() > 0.6


def test_it_waits_for_the_baseline_and_then_grows_sure(states: list[State], column: Column) -> None:
    arousal, confidence = column(states, "arousal"), column(states, "confidence")
    assert (arousal[:75] == 0.0).all() and (confidence[:75] == 0.0).all()
    assert confidence[:240].max() <= 0.5
    assert confidence[300:].min() > 0.7


def test_its_measures_are_a_bodys(states: list[State], column: Column) -> None:
    ranges = {"hr_bpm": (60, 120), "rmssd_ms": (10, 80), "scr_per_min": (0, 25), "scl_us": (0.05, 5), "motion": (0, 1)}
    for name, (low, high) in ranges.items():
        x = column(states, name)
        known = x[np.isfinite(x)]
        assert known.size > 0.5 * x.size and known.min() >= low and known.max() <= high, name


def test_the_table_has_a_row_a_second(demo: Recording, states: list[State], tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_estimates(demo, path) == len(states) == 735
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["t_s", *COLUMNS]
    for row, state in zip(rows, states, strict=True):
        assert float(row["t_s"]) == state.t_s
        for name in COLUMNS:
            value = getattr(state, name)
            value = "; ".join(value) if isinstance(value, tuple) else value
            number = value is not None and name not in WORDS
            assert row[name] == (f"{value:.4f}" if number else {None: "", False: "0", True: "1"}.get(value, value))


def test_from_a_path_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "hr.csv").write_text("t,hr\n0,70\n1,x\n2,71\n")
    recording = estimate_recording(tmp_path, tmp_path / "out.csv")
    assert any("'x'" in repair for repair in recording.repairs)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + 3
    with pytest.raises(RecordingError, match="no such file or folder"):
        estimate_recording(tmp_path / "nowhere", tmp_path / "out.csv")
    with pytest.raises(OSError):
        estimate_recording(tmp_path, tmp_path / "no" / "out.csv")
