"""Bad input: exit code 2, a line or two that say what, where and what to do, and never a traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synth.resources import assets_folder

HEADER = "time_s,control,value\n"


def refused(result: Any, *words: str, lines: int = 2) -> None:
    assert result.code == 2, result
    assert 1 <= len(result.err.strip().splitlines()) <= lines, result.err
    assert "Traceback" not in result.err and result.out == ""
    for word in words:
        assert word in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dance"], ["dance", "render"]),
        (["render"], ["PRESET", "--help"]),
        (["render", "setle"], ["setle", "settle"]),
        (["render", "missing.toml"], ["missing.toml"]),
        (["render", "settle", "--set", "tempo_bpm=400"], ["tempo_bpm", "44 to 140"]),
        (["render", "settle", "--set", "tempo_bpm=nan"], ["tempo_bpm", "44 to 140"]),
        (["render", "settle", "--set", "tempo_bpm=fast"], ["fast", "not a number"]),
        (["render", "settle", "--set", "temp_bpm=60"], ["temp_bpm", "tempo_bpm"]),
        (["render", "settle", "--set", "mode=jazz"], ["jazz", "dorian"]),
        (["render", "settle", "--set", "tempo_bpm"], ["CONTROL=VALUE"]),
        (["render", "settle", "--minutes", "long"], ["long", "minutes"]),
        (["render", "settle", "--minutes", "-3"], ["-3", "more than 0"]),
        (["render", "settle", "--minutes", "0.01"], ["0.01", "0.1"]),
        (["render", "settle", "--block", "0"], ["block", "1"]),
        (["render", "settle", "--sample-rate", "800"], ["800", "Hz"]),
        (["render", "settle", "--format", "mp3"], ["mp3", "flac"]),
        (["render", "settle", "--mastered-stems", "--no-stems"], ["--mastered-stems", "--no-stems"]),
        (["compose", "setle", "--out", "score.mid"], ["settle"]),
        (["compose", "settle", "--minutes", "nan"], ["nan", "more than 0"]),
        (["compose", "settle", "--out", "nowhere/score.mid"], ["nowhere"]),
        (["replay", "nothing", "--out", "again"], ["session.jsonl", "synth render"]),
        (["estimate", "nothing", "--out", "state.csv"], ["nothing"]),
        (["preset", "check", "mine.toml"], ["mine.toml"]),
        (["preset"], ["ACTION"]),
        (["warmup", "setle"], ["settle"]),
        (["controls", "--json", "--markdown"], ["--markdown"]),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run(*arguments), *words)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("", ["line 1", "time_s,control,value"]),
        ("time,control\n1,tempo_bpm\n", ["line 1", "time,control"]),
        (HEADER + "0,tempo_bpm,60\n1,tempo_bpm\n", ["line 3", "2 values"]),
        (HEADER + "soon,tempo_bpm,60\n", ["line 2", "soon"]),
        (HEADER + "-1,tempo_bpm,60\n", ["line 2", "-1"]),
        (HEADER + "nan,tempo_bpm,60\n", ["line 2", "nan"]),
        (HEADER + "1,temp_bpm,60\n", ["line 2", "tempo_bpm"]),
        (HEADER + "1,tempo_bpm,nan\n", ["line 2", "nan"]),
        (HEADER + "1,mode,jazz\n", ["line 2", "jazz", "dorian"]),
    ],
)
@pytest.mark.parametrize("command", ["render", "compose"])
def test_a_bad_script_is_refused_with_its_line(
    run: Callable, tmp_path: Path, command: str, script: str, words: list[str]
) -> None:
    path = tmp_path / "script.csv"
    path.write_text(script)
    refused(run(command, "settle", "--controls", path, "--out", tmp_path / "out"), "script.csv", *words)
    assert not (tmp_path / "out").exists()


def test_a_script_that_is_not_there_or_not_text(run: Callable, tmp_path: Path) -> None:
    refused(run("render", "settle", "--controls", tmp_path / "none.csv"), "none.csv", "time_s,control,value")
    (tmp_path / "noise.csv").write_bytes(bytes(range(128, 256)))
    refused(run("render", "settle", "--controls", tmp_path / "noise.csv"), "noise.csv", "text")
    assert (tmp_path / "noise.csv").read_bytes() == bytes(range(128, 256)), "what cannot be read is left as it is"


@pytest.mark.parametrize("made", ["nothing", "empty", "file"])
@pytest.mark.parametrize("command", ["render", "estimate"])
def test_a_recording_that_cannot_be_read(run: Callable, tmp_path: Path, command: str, made: str) -> None:
    path = tmp_path / "recording"
    if made == "empty":
        path.mkdir()
    elif made == "file":
        path.write_text("what is this")
    if command == "render":
        refused(run("render", "settle", "--wearable", path, "--out", tmp_path / "out"), str(path))
        assert not list(tmp_path.glob("out/*"))
    else:
        refused(run("estimate", path, "--out", tmp_path / "state.csv"), str(path))
        assert not (tmp_path / "state.csv").exists()


def test_a_folder_that_cannot_be_written(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(run("render", "settle", "--out", tmp_path / "file"), "file", "--out")
    refused(run("render", "settle", "--out", tmp_path / "file" / "deeper"), "cannot be made", "--out")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "session.jsonl").write_text("")
    refused(run("render", "settle", "--out", tmp_path / "old"), "holds a session", "--overwrite")
    state = tmp_path / "none" / "state.csv"
    refused(run("estimate", assets_folder() / "recording", "--out", state), f"{state}: No such file or directory")
    assert (tmp_path / "file").read_text() == "" and (tmp_path / "old" / "session.jsonl").read_text() == ""


def test_a_full_disk(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10**12, used=10**12, free=1000))
    refused(run("render", "settle", "--out", tmp_path / "out"), "MB", "free")
    assert not list(tmp_path.rglob("*.*")), "nothing was begun"


def test_a_preset_file_that_is_wrong_says_where(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text in ("name = ", 'name = "mine"\n', "schema = 1\nname = 'mine'\n[controls]\ntempo_bpm = 400\n"):
        path.write_text(text)
        refused(run("preset", "check", path), "mine.toml", lines=20)
        refused(run("render", path, "--out", tmp_path / "out"), "mine.toml", lines=20)


def test_a_record_that_is_broken_says_where(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "session.jsonl").write_text('{"type": "dance"}\n')
    refused(run("replay", tmp_path, "--out", tmp_path / "again"), "session.jsonl", "line 1", "dance")
    assert not (tmp_path / "again").exists()


def test_an_interrupt_is_not_a_crash(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        (tmp_path / "out").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("synth.output.render.render_session", interrupted)
    result = run("render", "settle", "--out", tmp_path / "out")
    assert result.code == 130
    assert result.err == f"synth: stopped. The files in {tmp_path / 'out'} are closed and valid up to there.\n"


def test_a_fault_of_ours_says_how_to_report_it(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("synth.output.compose.compose_score", fault)
    result = run("compose", "settle", "--out", "x.mid")
    assert result.code == 1 and "ZeroDivisionError: oh" in result.err and "--debug" in result.err
    with pytest.raises(ZeroDivisionError):
        run("--debug", "compose", "settle", "--out", "x.mid")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m synth controls | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and done.stdout.startswith("control")
