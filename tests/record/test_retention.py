"""Old sessions are removed when they have been kept long enough, and nothing else ever is."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from synth.record import RecordError, RecordWriter
from synth.record.retention import STEMS, WRITTEN, prune

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HEADER = {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 48_000, "minutes": 1.0}


def session(
    folder: Path, days_old: float | None = None, retention_days: float | None = None, odd: dict[str, Any] | None = None
) -> Path:
    """A session's folder; `odd` stands in its header as no writer would put it there."""
    folder.mkdir(parents=True)
    started = None if days_old is None else (NOW - timedelta(days=days_old)).isoformat()
    with RecordWriter(
        folder / "session.jsonl", header={"started": started, "retention_days": retention_days}
    ) as record:
        record.write(HEADER | (odd or {}))
    for name in WRITTEN:
        (folder / name).write_text("made by a render")
    (folder / STEMS).mkdir()
    (folder / STEMS / "pad.flac").write_text("made by a render")
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_each_session_is_kept_as_long_as_its_record_says(tmp_path: Path) -> None:
    old, young, forever = (
        session(tmp_path / "old", 30.1, 30),
        session(tmp_path / "young", 29.9, 30),
        session(tmp_path / "forever", 10_000),
    )
    found = {pruned.folder: pruned for pruned in prune(tmp_path, NOW)}
    assert {folder: pruned.removed for folder, pruned in found.items()} == {old: True, young: False, forever: False}
    assert not old.exists() and young.exists() and forever.exists()
    assert found[old].words == "removed: 30.1 days old, to be kept 30"
    assert found[young].words == "kept: 29.9 of 30 days old"
    assert found[forever].words == "kept: its record sets no retention"


def test_days_count_in_place_of_what_the_records_say(tmp_path: Path) -> None:
    for name, retention in (("a", 365), ("b", None), ("c", 1)):
        session(tmp_path / name, 8, retention)
    assert [pruned.removed for pruned in prune(tmp_path, NOW, days=9)] == [False] * 3
    assert [pruned.removed for pruned in prune(tmp_path, NOW, days=7.5)] == [True] * 3
    assert files(tmp_path) == set()


def test_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    session(tmp_path / "old", 40, 30)
    was = files(tmp_path)
    (pruned,) = prune(tmp_path, NOW, dry_run=True)
    assert pruned.removed and pruned.words.startswith("would be removed") and files(tmp_path) == was


def test_a_session_that_does_not_say_when_it_began_is_as_old_as_its_record(tmp_path: Path) -> None:
    folder = session(tmp_path / "old", None, 30)
    for days, removed in ((29, False), (31, True)):
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(folder / "session.jsonl", (at, at))
        assert [pruned.removed for pruned in prune(tmp_path, NOW)] == [removed]


def test_the_start_counts_and_not_the_file(tmp_path: Path) -> None:
    folder = session(tmp_path / "copied", 31, 30)
    at = NOW.timestamp()
    os.utime(folder / "session.jsonl", (at, at))
    assert prune(tmp_path, NOW)[0].removed


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    folder = session(tmp_path / "home", 40, 30)
    theirs = ["letter.txt", "stems/voice.mp3", "photos/one.jpg", "mix.flac.bak", "score.xml"]
    for name in theirs:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("theirs")
    (pruned,) = prune(tmp_path, NOW)
    assert files(folder) == {*theirs, "stems", "photos"}
    assert pruned.removed and pruned.words.endswith("left there: letter.txt, mix.flac.bak, photos, score.xml, stems")
    assert prune(tmp_path, NOW) == [], "without its record it is no session any more"


def test_what_is_no_session_is_not_touched(tmp_path: Path) -> None:
    session(tmp_path / "deeper" / "down", 40, 30)
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "mix.flac").write_text("theirs")
    (tmp_path / "mix.flac").write_text("theirs")
    for name, text in (("empty", ""), ("other", '{"type": "dance"}\n'), ("torn", '{"type":"session"'), ("text", "a\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "session.jsonl").write_text(text)
        (tmp_path / name / "mix.flac").write_text("theirs")
    (tmp_path / "folder" / "session.jsonl").mkdir(parents=True)
    was = files(tmp_path)
    found = prune(tmp_path, NOW, days=0)
    assert {pruned.folder.name for pruned in found} == {"empty", "other", "torn", "text", "folder"}
    assert not any(pruned.removed for pruned in found) and files(tmp_path) == was


def test_links_are_not_followed(tmp_path: Path) -> None:
    real = session(tmp_path / "elsewhere" / "real", 40, 30)
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    (sessions / "folder").symlink_to(real)
    (sessions / "record").mkdir()
    (sessions / "record" / "session.jsonl").symlink_to(real / "session.jsonl")
    stems = session(sessions / "stems", 40, 30)
    (stems / STEMS / "pad.flac").unlink()
    (stems / STEMS).rmdir()
    (stems / STEMS).symlink_to(real / STEMS)
    was = files(tmp_path)
    found = prune(sessions, NOW)
    assert len(found) == 3 and all("symbolic link" in pruned.words and not pruned.removed for pruned in found)
    assert files(tmp_path) == was
    with pytest.raises(RecordError, match="symbolic link"):
        prune(sessions / "folder", NOW)


def test_a_linked_file_in_a_session_stays_and_so_does_what_it_leads_to(tmp_path: Path) -> None:
    mine = tmp_path / "mine.flac"
    mine.write_text("mine")
    folder = session(tmp_path / "sessions" / "old", 40, 30)
    (folder / "mix.flac").unlink()
    (folder / "mix.flac").symlink_to(mine)
    prune(tmp_path / "sessions", NOW)
    assert mine.read_text() == "mine" and files(folder) == {"mix.flac"}


def test_one_session_may_be_given_itself(tmp_path: Path) -> None:
    folder = session(tmp_path / "old", 40, 30)
    inner = session(folder / "inner", 40, 30)
    assert [pruned.folder for pruned in prune(folder, NOW)] == [folder]
    assert inner.exists() and not (folder / "session.jsonl").exists()


@pytest.mark.parametrize("retention", ["soon", [], -1, 0, True, "NaN", 10**400, {"days": 1}], ids=lambda v: f"{v}"[:8])
def test_a_retention_that_cannot_be_read_keeps_the_session(tmp_path: Path, retention: object) -> None:
    session(tmp_path / "odd", 10_000, odd={"retention_days": retention})
    (pruned,) = prune(tmp_path, NOW)
    assert not pruned.removed and "retention" in pruned.words and (tmp_path / "odd" / "mix.flac").exists()
    assert prune(tmp_path, NOW, days=1)[0].removed, "said on the command line it is clear"


@pytest.mark.parametrize("started", ["", "2026", 5, None, "9999-99-99"])
def test_a_start_that_cannot_be_read_is_none(tmp_path: Path, started: object) -> None:
    folder = session(tmp_path / "odd", None, 30, {"started": started})
    at = (NOW - timedelta(days=31)).timestamp()
    os.utime(folder / "session.jsonl", (at, at))
    assert prune(tmp_path, NOW)[0].removed


def test_a_start_without_an_offset_or_in_the_future_is_taken(tmp_path: Path) -> None:
    session(tmp_path / "local", None, 30, {"started": "2026-10-01T12:00:00"})
    session(tmp_path / "future", -3, 30)
    assert {pruned.folder.name: pruned.removed for pruned in prune(tmp_path, NOW)} == {"local": True, "future": False}


def test_what_cannot_be_removed_is_told_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = session(tmp_path / "old", 40, 30)
    unlink = Path.unlink

    def stuck(path: Path, missing_ok: bool = False) -> None:
        if path.name == "report.html":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", stuck)
    (pruned,) = prune(tmp_path, NOW)
    assert pruned.failed and not pruned.removed and "report.html: Permission denied" in pruned.words
    assert (folder / "session.jsonl").exists(), "the record goes last"
    monkeypatch.undo()
    assert prune(tmp_path, NOW)[0].removed and not folder.exists()


def test_impossible_folders_and_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no folder"):
        prune(tmp_path / "none", NOW)
    for days in (-1.0, float("nan"), float("inf")):
        with pytest.raises(RecordError, match="give 0 or more"):
            prune(tmp_path, NOW, days=days)
