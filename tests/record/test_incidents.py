"""The incident log: every safety event and every harm told of, once, in order, on paper and for programs."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import pytest

from synth.record import RecordWriter, read_record
from synth.record.incidents import HARM_SOURCES, KINDS, Incident, as_csv, as_table, harm, incidents

HEADER = {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 48_000, "minutes": 1.0}
LINES: list[dict[str, Any]] = [
    {"type": "incident", "t_s": 130.0, "kind": "stop_rule", "text": "heart rate 25 bpm up", "done": "rolled back"},
    {"type": "incident", "t_s": 60.0, "kind": "dose"},
    {"type": "panic", "t_s": 200.0},
    {"type": "incident", "t_s": 200.5, "kind": "panic"},
    {"type": "panic", "t_s": 300.0},
    {"type": "stop", "t_s": 310.0},
    {"type": "refusal", "t_s": 20.0, "text": "72 bpm: nothing above 70 bpm"},
    harm(250.0, "ecology", text="the door banged", done="closed it"),
]


def log(folder: Path, lines: list[dict[str, Any]] = LINES, **options: Any) -> list[Incident]:
    folder.mkdir(exist_ok=True)
    with RecordWriter(folder / "session.jsonl", **options) as record:
        record.write(HEADER)
        for line in lines:
            record.write(line)
    return incidents(read_record(folder), folder.name)


def test_each_is_told_once_in_order_of_time(tmp_path: Path) -> None:
    rows = log(tmp_path / "a", header={"started": "2026-11-22T09:30:00+01:00"})
    assert [(row.t_s, row.kind) for row in rows] == [
        (20.0, "refusal"),
        (60.0, "dose"),
        (130.0, "stop_rule"),
        (200.5, "panic"),
        (250.0, "harm"),
        (300.0, "panic"),
        (310.0, "stop"),
    ]
    told = {row.t_s: row for row in rows}
    assert (told[130.0].what, told[130.0].done) == ("heart rate 25 bpm up", "rolled back")
    assert (told[300.0].what, told[300.0].done) == ("silence was asked for at once", "silence in 250 ms")
    assert told[60.0].what == KINDS["dose"] and told[60.0].done == ""
    assert all(row.session == "a" and row.started == "2026-11-22T09:30:00+01:00" for row in rows)


def test_harm_is_told_by_its_source_and_in_words_only_where_those_are_kept(tmp_path: Path) -> None:
    (row,) = (row for row in log(tmp_path / "a") if row.kind == "harm")
    assert row.source == "ecology" and row.what == f"a person reported harm, from {HARM_SOURCES['ecology']}"
    assert row.done == ""
    (row,) = (row for row in log(tmp_path / "b", free_text=True) if row.kind == "harm")
    assert row.what.startswith("the door banged, from the surroundings") and row.done == "closed it"
    assert set(HARM_SOURCES) == {"music", "deliverer", "application", "relationship", "associations", "ecology"}


def test_harm_that_nobody_could_place_is_refused() -> None:
    with pytest.raises(ValueError, match="'fate' is no source of harm: give one of music"):
        harm(1.0, "fate")
    for t_s in (math.nan, math.inf):
        with pytest.raises(ValueError, match="in seconds"):
            harm(t_s, "music")


def test_a_kind_of_a_later_version_or_an_odd_time_is_still_told(tmp_path: Path) -> None:
    rows = log(tmp_path / "a", [{"type": "incident", "t_s": "NaN", "kind": 7}, {"type": "stop", "t_s": [1]}])
    assert [(row.t_s, row.kind) for row in rows] == [(0.0, "7"), (0.0, "stop")]


def test_the_table_lines_up_and_cannot_move_the_cursor() -> None:
    rows = [Incident("a", "", 59.6, "stop", "x\x1b[2J\ny", ""), Incident("longer", "", 3600.0, "panic", "z", "done")]
    lines = as_table(rows).splitlines()
    assert lines[0].split() == ["session", "time", "kind", "what", "happened", "what", "was", "done"]
    assert (
        lines[1].startswith("a        1:00   stop   x [2J y")
        and lines[2].split() == "longer 60:00 panic z done".split()
    )
    assert len(lines) == 3


def test_csv_comes_back_as_it_was_and_holds_no_formula() -> None:
    rows = [Incident("a, b", "2026", 1.5, "harm", 'said "no"\nand left', "=1+1", "music")]
    (read,) = csv.DictReader(io.StringIO(as_csv(rows), newline=""))
    assert read == {
        "session": "a, b",
        "started": "2026",
        "t_s": "1.5",
        "kind": "harm",
        "what": 'said "no"\nand left',
        "done": "'=1+1",
        "source": "music",
    }
