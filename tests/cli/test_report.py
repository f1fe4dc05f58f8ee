"""`synth report`: pages made again from record and controls, each error telling what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.controls import defaults
from synth.record import RecordWriter

Command = Callable[..., object]


def write_session(folder: Path, key: bytes | None = None) -> Path:
    """A minute of an open loop, by hand."""
    folder.mkdir()
    preset = {"name": "settle", "title": "Settle", "summary": "Slows down."}
    with RecordWriter(folder / "session.jsonl", key=key) as record:
        head = {"type": "session", "engine_version": "0.1.0", "preset": preset, "seed": 7, "sample_rate": 48_000}
        record.write({**head, "minutes": 1.0})
        for t in range(60):
            record.write({"type": "plan", "t_s": float(t), "arousal": 0.1, "valence": 0.1, "tension": 0.0, "words": []})
        commit = {"quantum": 9, "t_s": 9.0, "control": "tempo_bpm", "old": 66.0, "new": 60.0, "requested": 60.0}
        record.write({"type": "commit", **commit, "by": "plan", "reason": "leading on", "accepted": True})
        record.write({"type": "end", "t_s": 60.0, "frames": 60 * 48_000, "reason": "finished"})
    names = list(defaults())
    rows = [",".join(["t_s", *names])]
    rows += [",".join([str(t), *(f"{v:g}" for v in defaults().values())]) for t in range(60)]
    (folder / "controls.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write_session(tmp_path / "session")


def test_it_makes_the_pages_again(run: Command, session: Path, tmp_path: Path) -> None:
    done = run("report", session)
    assert done.code == 0 and done.out.splitlines() == [str(session / "report.html"), str(session / "person.html")]
    assert "Leading on" in (session / "report.html").read_text(encoding="utf-8")
    out = tmp_path / "new" / "folder"
    done = run("report", session, "--person", "--pdf", "--out", out)
    assert done.code == 0 and sorted(path.name for path in out.iterdir()) == ["person.html", "person.pdf"]
    assert (out / "person.pdf").read_bytes().startswith(b"%PDF-")


def test_a_record_with_a_key_is_proved_with_it(run: Command, tmp_path: Path) -> None:
    key = tmp_path / "record.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    session = write_session(tmp_path / "keyed", key.read_bytes())
    assert run("report", session).code == 0
    assert "cannot be told without the key" in (session / "report.html").read_text(encoding="utf-8")
    assert run("report", session, "--key-file", key).code == 0
    assert "the key shows that none was changed" in (session / "report.html").read_text(encoding="utf-8")
    key.chmod(0o644)
    assert "chmod 600" in run("report", session, "--key-file", key).err
    key.write_bytes(b"short")
    done = run("report", session, "--key-file", key)
    assert done.code == 2 and "16 or more" in done.err


def test_what_is_missing_is_said_with_what_to_do(run: Command, session: Path, tmp_path: Path) -> None:
    done = run("report", tmp_path / "nowhere")
    assert done.code == 2 and "no session record" in done.err and "synth render" in done.err
    (session / "controls.csv").unlink()
    done = run("report", session)
    assert done.code == 2 and "no controls.csv beside" in done.err
    assert not (session / "report.html").exists()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("plan", {"arousal": "high"}),
        ("commit", {"old": None}),
        ("commit", {"by": 7}),
        ("plan", {"words": 3}),
        ("end", {"frames": "many"}),
        ("session", {"preset": "settle"}),
        ("session", {"minutes": None}),
        ("session", {"sample_rate": 0}),
    ],
)
def test_a_record_that_cannot_be_told_is_an_error_a_person_can_use(
    run: Command, session: Path, kind: str, change: dict[str, object]
) -> None:
    path = session / "session.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line | change if line["type"] == kind else line) + "\n" for line in lines))
    done = run("report", session)
    assert done.code == 2 and "cannot be told" in done.err and "Traceback" not in done.err


def test_no_controls_worth_the_name(run: Command, session: Path) -> None:
    (session / "controls.csv").write_bytes(b"")
    done = run("report", session)
    assert done.code == 2 and "controls.csv" in done.err
    (session / "controls.csv").write_bytes(b"\xff\xfe\x00nonsense")
    assert run("report", session).code == 2


def test_pages_that_cannot_be_written(run: Command, session: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("report", session, "--out", tmp_path / "file")
    assert done.code == 2 and "file" in done.err
