"""Sessions that were kept long enough go, others stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from synth.daemon.hosted import About
from synth.daemon.retention import remove_old

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_session(folder: Path, id: str, days: float) -> Path:
    place = folder / id
    place.mkdir()
    (place / "session.jsonl").write_text("{}\n")
    (place / "exports").mkdir()
    (place / "exports" / "stems.zip").write_bytes(b"PK")
    About(id, "settle", (NOW - timedelta(days=days)).isoformat()).write(place)
    return place


def test_what_is_old_goes_whole(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    linked = a_session(elsewhere, "linked", 99.0)
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    for id, days in (("old", 31.0), ("young", 29.0), ("playing", 40.0)):
        a_session(sessions, id, days)
    (sessions / "strange").mkdir()
    (sessions / "link").symlink_to(linked)
    assert remove_old(sessions, {"playing"}, NOW, 30.0) == ["old"]
    assert sorted(path.name for path in sessions.iterdir()) == ["link", "playing", "strange", "young"]
    assert linked.exists()
