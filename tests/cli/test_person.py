"""`synth render --person FILE`: earlier sessions go in, this one's resting heart rate is added."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from synth.record import read_record
from synth.resources import assets_folder


def test_a_session_is_remembered_and_the_next_one_knows(run: Callable, tmp_path: Path) -> None:
    person = tmp_path / "person.jsonl"
    recording = assets_folder() / "recording"
    for name in ("first", "second"):
        result = run(
            "render", "settle", "--minutes", "1.6", "--no-stems", "--wearable", recording, "--person", person,
            "--out", tmp_path / name,
        )  # fmt: skip
        assert result.code == 0, result.err
    kept = [json.loads(line) for line in person.read_text().splitlines()]
    assert [set(line) for line in kept] == [{"hr_bpm", "hour"}] * 2
    assert 60.0 < kept[0]["hr_bpm"] < 110.0 and kept[0] == kept[1]
    assert read_record(tmp_path / "first").header["context"] == {"earlier": [], "hour": None}
    assert read_record(tmp_path / "second").header["context"] == {"earlier": kept[:1], "hour": None}
    again = run("replay", tmp_path / "second", "--no-stems", "--from", "sensors", "--out", tmp_path / "again")
    assert again.code == 0 and "every decision came out the same" in again.out


def test_a_file_that_holds_no_sessions_is_refused(run: Callable, tmp_path: Path) -> None:
    person = tmp_path / "person.jsonl"
    person.write_text("dear diary\n")
    result = run("render", "settle", "--minutes", "0.2", "--person", person, "--out", tmp_path / "out")
    assert result.code == 2 and "line 1: not an earlier session" in result.err
    assert person.read_text() == "dear diary\n" and not (tmp_path / "out").exists()


def test_without_a_sensor_nothing_is_added(run: Callable, tmp_path: Path) -> None:
    person = tmp_path / "person.jsonl"
    result = run("render", "settle", "--minutes", "0.2", "--no-stems", "--person", person, "--out", tmp_path / "out")
    assert result.code == 0 and not person.exists()
