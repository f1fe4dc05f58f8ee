"""Sessions from the command line: the files are there, and Ctrl-C loses nothing that was made."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mido
import soundfile

from synth.estimator.run import COLUMNS
from synth.record import read_record
from synth.resources import assets_folder


def test_render_writes_a_whole_session(run: Callable, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = tmp_path / "script.csv"
    script.write_text("time_s,control,value\n2,space,7\n")
    result = run(
        "render", "settle", "--minutes", "0.2", "--seed", "5", "--set", "key=G", "--controls", script, "--out", out
    )
    assert result.code == 0, result.err
    assert "repaired: script.csv, line 2" in result.err and str(out / "report.html") in result.out
    for name in ("mix.flac", "score.mid", "controls.csv", "session.jsonl", "report.html"):
        assert str(out / name) in result.out and (out / name).stat().st_size > 0
    record = read_record(out)
    assert record.header["seed"] == 5 and record.end is not None and record.end["reason"] == "finished"
    assert any("line 2: space = 7" in line["text"] for line in record.of("repair"))
    assert not record.sensed
    assert str(tmp_path) not in (out / "session.jsonl").read_text()
    assert "No recording: the plan ran open-loop" in (out / "report.html").read_text(encoding="utf-8")
    assert abs(soundfile.info(out / "mix.flac").duration - 12.0) < 0.1


def test_render_follows_the_shipped_recording_and_replays(run: Callable, tmp_path: Path) -> None:
    recording = assets_folder() / "recording"
    first = ("render", "settle", "--minutes", "0.2", "--no-stems", "--wearable", recording, "--out", tmp_path / "a")
    assert run(*first).code == 0
    assert read_record(tmp_path / "a").sensed
    result = run("replay", tmp_path / "a", "--no-stems", "--out", tmp_path / "b")
    assert result.code == 0
    assert (tmp_path / "a" / "mix.flac").read_bytes() == (tmp_path / "b" / "mix.flac").read_bytes()
    again = run("replay", tmp_path / "a" / "session.jsonl", "--no-stems", "--from", "sensors", "--out", tmp_path / "c")
    assert again.code == 0 and "every decision came out the same" in again.out
    refused = run(*first)
    assert refused.code == 2 and "--overwrite" in refused.err
    assert run(*first, "--overwrite").code == 0


def test_compose_writes_a_score(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / "score.mid"
    result = run("compose", "settle", "--minutes", "1", "--out", path)
    assert result.code == 0 and "1:00 of music" in result.out
    assert 50 < mido.MidiFile(path).length < 75


def test_estimate_writes_a_row_a_second(run: Callable, tmp_path: Path) -> None:
    path = tmp_path / "state.csv"
    result = run("estimate", assets_folder() / "recording", "--out", path)
    assert result.code == 0, result.err
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == ("t_s", *COLUMNS)
    assert [float(row["t_s"]) for row in rows] == [k + 1.0 for k in range(len(rows))] and len(rows) > 60
    assert all(-1 <= float(row["arousal"]) <= 1 and 0 <= float(row["confidence"]) <= 1 for row in rows)
    assert sum(row["hr_bpm"] != "" for row in rows) > len(rows) / 2


def test_warmup_compiles_and_doctor_sees_it(run: Callable) -> None:
    result = run("warmup", "settle")
    assert result.code == 0 and result.out.startswith("warm: settle")
    assert "kernels        warm:" in run("doctor").out


def test_ctrl_c_closes_the_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "synth", "render", "settle", "--minutes", "60", "--no-stems", "--out", str(out)]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        deadline = time.monotonic() + 300
        mix = out / "mix.flac"
        while not (mix.exists() and mix.stat().st_size > 500_000) and process.poll() is None:
            assert time.monotonic() < deadline, "no audio came"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in err
    assert f"stopped. The files in {out} are closed and valid up to there." in err
    audio, rate = soundfile.read(mix)
    record = read_record(out)
    assert len(audio) > rate and record.end is not None and record.end["reason"] == "interrupted" and not record.cut
    assert mido.MidiFile(out / "score.mid").length > 1
    with (out / "controls.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) > 10
