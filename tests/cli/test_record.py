"""`synth record`: what it says of sound and damaged records, and that it removes only what it should."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.record import RecordWriter

KEY = b"a key of twenty-four byte"
HEADER = {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 48_000, "minutes": 1.0}
LINES = ({"type": "panic", "t_s": 61.0}, {"type": "end", "frames": 48_000 * 62, "reason": "finished"})


def session(folder: Path, *lines: dict[str, Any], **options: Any) -> Path:
    folder.mkdir()
    with RecordWriter(folder / "session.jsonl", **options) as record:
        for line in (HEADER, *(lines or LINES)):
            record.write(line)
    return folder


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "record.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path


def test_a_sound_record_is_said_to_be_sound(run: Callable, tmp_path: Path, key_file: Path) -> None:
    plain, keyed = session(tmp_path / "plain"), session(tmp_path / "keyed", key=KEY)
    told = run("record", "check", plain)
    assert told.code == 0 and told.err == "" and "3 lines" in told.out and "by accident" in told.out
    told = run("record", "check", keyed, keyed / "session.jsonl", "--key-file", key_file)
    assert told.code == 0 and told.err == "" and told.out.count("none changed; the session was closed") == 2


def test_a_record_that_is_not_closed_is_said_to_be_open(run: Callable, tmp_path: Path) -> None:
    folder = session(tmp_path / "open", {"type": "panic", "t_s": 1.0})
    told = run("record", "check", folder)
    assert told.code == 0 and "not closed" in told.out and "torn" not in told.out
    with (folder / "session.jsonl").open("ab") as file:
        file.write(b'{"type":"pan')
    assert "torn; not closed" in run("record", "check", folder).out


@pytest.mark.parametrize("keyed", [False, True])
def test_a_changed_record_is_found_with_its_line(run: Callable, tmp_path: Path, key_file: Path, keyed: bool) -> None:
    folder = session(tmp_path / "changed", key=KEY if keyed else None)
    path = folder / "session.jsonl"
    path.write_bytes(path.read_bytes().replace(b"61.0", b"60.0"))
    told = run("record", "check", session(tmp_path / "sound", key=KEY if keyed else None), folder, *(
        ("--key-file", key_file) if keyed else ()
    ))  # fmt: skip
    assert told.code == 2 and told.err == f"{folder}: line 2 was changed, or does not belong behind line 1\n"
    assert "sound: 3 lines" in told.out and "changed:" not in told.out


def test_what_cannot_be_checked_is_not_called_sound(run: Callable, tmp_path: Path, key_file: Path) -> None:
    keyed, plain = session(tmp_path / "keyed", key=KEY), session(tmp_path / "plain")
    told = run("record", "check", keyed)
    assert told.code == 2 and "--key-file" in told.err and told.out == ""
    told = run("record", "check", plain, "--key-file", key_file)
    assert told.code == 2 and "without a key" in told.err
    told = run("record", "check", tmp_path / "none", plain)
    assert told.code == 2 and "no session record" in told.err and "plain: 3 lines" in told.out


def test_key_files_that_keep_nobody_out(run: Callable, tmp_path: Path, key_file: Path) -> None:
    folder = session(tmp_path / "keyed", key=KEY)
    key_file.chmod(0o644)
    told = run("record", "check", folder, "--key-file", key_file)
    assert (
        told.code == 0
        and told.err == f"synth: others than its owner may use the key file {key_file}: chmod 600 {key_file}\n"
    )
    key_file.write_bytes(b"short")
    told = run("record", "check", folder, "--key-file", key_file)
    assert told.code == 2 and "5 bytes: give 16 or more" in told.err and told.out == ""


def test_incidents_of_many_sessions(run: Callable, tmp_path: Path) -> None:
    a, b, quiet = (
        session(tmp_path / "a"),
        session(tmp_path / "b", {"type": "incident", "t_s": 5.0, "kind": "guard", "text": "a rise, held"}),
        session(tmp_path / "quiet", {"type": "marker", "t_s": 1.0, "text": "A"}),
    )
    told = run("record", "incidents", a, b, quiet)
    lines = told.out.splitlines()
    assert told.code == 0 and len(lines) == 3
    assert "1:01  panic" in lines[1] and "silence in 250 ms" in lines[1] and "a rise, held" in lines[2]
    rows = list(csv.DictReader(io.StringIO(run("record", "incidents", a, b, "--csv").out, newline="")))
    assert [(row["session"], row["t_s"], row["kind"]) for row in rows] == [
        (str(a), "61.0", "panic"),
        (str(b), "5.0", "guard"),
    ]
    assert run("record", "incidents", quiet).out == "no incidents\n"


def test_incidents_of_a_damaged_record_are_told_with_a_warning(run: Callable, tmp_path: Path) -> None:
    folder = session(tmp_path / "a")
    path = folder / "session.jsonl"
    path.write_bytes(path.read_bytes().replace(b"61.0", b"60.0"))
    told = run("record", "incidents", folder)
    assert told.code == 0 and "1:00  panic" in told.out and "line 2 was changed" in told.err


def test_prune_says_what_it_would_do_and_does_it(run: Callable, tmp_path: Path) -> None:
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    old = session(sessions / "old", header={"started": "2020-01-01T12:00:00+00:00", "retention_days": 30})
    new = session(sessions / "new", header={"retention_days": 30})
    told = run("record", "prune", sessions, "--dry-run")
    assert told.code == 0 and told.out.endswith("1 of 2 sessions would be removed\n") and old.exists()
    told = run("record", "prune", sessions)
    assert told.code == 0 and told.out.endswith("1 of 2 sessions removed\n") and not old.exists() and new.exists()
    assert f"{new}: kept: 0.0 of 30 days old" in told.out
    assert run("record", "prune", sessions, "--days", "0").code == 0 and not new.exists()


def test_what_cannot_be_pruned_says_so(run: Callable, tmp_path: Path) -> None:
    for arguments, words in (([tmp_path / "none"], "no folder"), ([tmp_path, "--days", "-1"], "0 or more")):
        told = run("record", "prune", *arguments)
        assert told.code == 2 and words in told.err and told.out == ""


def test_a_setting_is_made_filled_in_and_checked(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / "setting.toml"
    assert run("record", "setting", "new", path).code == 0
    told = run("record", "setting", "check", path)
    assert told.code == 0 and "  Content: who chose the music" in told.out and "what the music is" not in told.out
    text = path.read_text()
    told = run("record", "setting", "new", path)
    assert told.code == 2 and "there already" in told.err and path.read_text() == text
    path.write_text(text.replace('chosen_by = ""', 'chosen_by = "me"'))
    told = run("record", "setting", "check", path, tmp_path / "none.toml")
    assert (
        told.code == 2
        and "chosen_by: 'me' does not fit here" in told.err
        and "none.toml" in told.err
        and told.out == ""
    )


@pytest.mark.parametrize("arguments", [[], ["check"], ["incidents"], ["prune"], ["setting"], ["dance"]])
def test_what_is_left_out_is_asked_for(run: Callable, arguments: list[str]) -> None:
    told = run("record", *arguments)
    assert told.code == 2 and "--help" in told.err and told.out == ""
