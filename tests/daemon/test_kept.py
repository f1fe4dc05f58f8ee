"""Sessions whose record is kept are told from their folders, whatever became of the service."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from synth.daemon.hosted import About
from synth.daemon.kept import kept
from synth.preset import load_preset
from synth.preset.model import preset_to_dict
from synth.record.lines import FILE_NAME
from synth.record.writer import RecordWriter

SETTLE = load_preset("settle")
BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_session(sessions_dir: Path, id: str, minute: int, *lines: dict[str, object]) -> Path:
    folder = sessions_dir / id
    folder.mkdir(parents=True)
    header = {"engine_version": "1", "seed": 1, "sample_rate": 48_000, "minutes": 10.0}
    with RecordWriter(folder / FILE_NAME) as record:
        for line in ({"type": "session", "preset": preset_to_dict(SETTLE), **header}, *lines):
            record.write(line)
    About(id, "settle", (BEGAN + timedelta(minutes=minute)).isoformat()).write(folder)
    return folder


def test_newest_first_with_what_became_of_each(tmp_path: Path) -> None:
    a_session(
        tmp_path, "whole", 1, {"type": "note", "t_s": 3.0}, {"type": "end", "frames": 96_000, "reason": "finished"}
    )
    a_session(tmp_path, "plays", 3, {"type": "repair", "t_s": 7.5, "text": "x" * 9000})
    a_session(tmp_path, "begun", 2)
    told = kept(tmp_path, 10)
    assert [(row.id, row.length_s, row.ended) for row in told.records] == [
        ("plays", 7.5, None),
        ("begun", 0.0, None),
        ("whole", 2.0, "finished"),
    ]
    row = told.records[-1]
    assert not told.more and (row.title, row.goal) == (SETTLE.title, SETTLE.goal)
    assert row.files == "/api/v1/sessions/whole/files" and row.report == "/api/v1/sessions/whole/report.html"


def test_a_line_that_is_being_written_is_not_told(tmp_path: Path) -> None:
    folder = a_session(tmp_path, "torn", 0, {"type": "note", "t_s": 4.0})
    with (folder / FILE_NAME).open("a") as record:
        record.write('{"type":"end","frames":96000,"rea')
    (row,) = kept(tmp_path, 1).records
    assert (row.length_s, row.ended) == (4.0, None)


def test_page_after_page_tells_each_once(tmp_path: Path) -> None:
    for number in range(7):
        a_session(tmp_path, f"s{number}", number // 3)  # some in the same instant
    seen: list[str] = []
    while True:
        page = kept(tmp_path, 3, seen[-1] if seen else None)
        seen += [row.id for row in page.records]
        if not page.more:
            break
    assert seen == [f"s{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    with pytest.raises(KeyError):
        kept(tmp_path, 3, "nobody")


def test_who_may_reach_one_sees_one(tmp_path: Path) -> None:
    for number, name in enumerate(("ann", "ben")):
        a_session(tmp_path, name, number)
    assert [row.id for row in kept(tmp_path, 9, only=("ann",)).records] == ["ann"]
    with pytest.raises(KeyError):
        kept(tmp_path, 9, "ben", only=("ann",))


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    sessions = tmp_path / "sessions"
    a_session(sessions, "good", 0)
    for name, file, text in (
        ("no-json", FILE_NAME, "torn"),
        ("no-newline", FILE_NAME, json.dumps({"type": "session"})),
        ("no-record", FILE_NAME, None),
        ("no-about", "session.json", None),
        ("odd-about", "session.json", "[]"),
        ("no-time", "session.json", json.dumps({"id": "no-time", "preset": "settle", "created": "soon", "stems": []})),
    ):
        path = a_session(sessions, name, 1) / file
        path.unlink() if text is None else path.write_text(text)
    (sessions / "a-file").write_text("")
    (sessions / "link").symlink_to(a_session(tmp_path / "elsewhere", "linked", 2))
    assert [row.id for row in kept(sessions, 10).records] == ["good"]
    first = kept(sessions, 1)  # though what is newer cannot be read
    assert [row.id for row in first.records] == ["good"] and not first.more
