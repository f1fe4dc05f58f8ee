"""`synth play`: what it says, what it leaves, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from synth.live import DeviceError, first_device
from synth.record.reader import read_record
from synth.wire.osc import encode

SYNTH = [sys.executable, "-m", "synth"]


@pytest.fixture
def playing():
    """Starts `synth play` with arguments; its lines come as they are printed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [*SYNTH, "play", *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, bufsize=1))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """The next line that holds `text`."""
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}")


def test_a_short_session_leaves_all_its_files_beside_one_that_is_there(playing, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "session.jsonl").write_text("somebody's\n")
    process = playing("settle", "--device", "null", "--minutes", "0.12", "--seed", "3", "--out", tmp_path / "s")
    told, out = process.stdout.read(), tmp_path / "s-2"
    assert process.wait(60) == 0 and str(out) in told
    assert (tmp_path / "s" / "session.jsonl").read_text() == "somebody's\n"
    assert "device=null" in told and "played 0.1 min" in told and "report.html" in told
    assert {"session.jsonl", "score.mid", "controls.csv", "report.html", "person.html"} <= set(os.listdir(out))
    record = read_record(out)
    assert not record.breaks and record.of("end")[0]["reason"] == "finished"
    again = tmp_path / "again"
    assert subprocess.run([*SYNTH, "replay", out, "--out", again, "--no-stems"], capture_output=True).returncode == 0
    assert (again / "mix.flac").stat().st_size > 10_000


def test_ctrl_c_fades_out_and_keeps_all(playing, tmp_path):
    process = playing("settle", "--device", "null", "--minutes", "30", "--out", tmp_path / "s")
    line_with(process, "device=null")
    process.send_signal(signal.SIGINT)
    line_with(process, "played")
    assert process.wait(30) == 0
    record = read_record(tmp_path / "s")
    assert record.of("stop") and record.of("end")


def test_twice_ends_at_once(playing, tmp_path):
    process = playing("settle", "--device", "null", "--minutes", "30", "--out", tmp_path / "s")
    line_with(process, "device=null")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert read_record(tmp_path / "s").of("stop")


def test_hands_come_over_osc(playing, tmp_path):
    process = playing("settle", "--device", "null", "--minutes", "5", "--osc", "0", "--out", tmp_path / "s")
    port = int(line_with(process, "OSC on 127.0.0.1:").split("127.0.0.1:")[1].split()[0])
    line_with(process, "device=null")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(10.0)
        out.sendto(encode("/control/level_pad_db", (-3.0,)), ("127.0.0.1", port))
        out.sendto(encode("/ping"), ("127.0.0.1", port))
        assert out.recv(1000).startswith(b"/pong")
        out.sendto(encode("/transport/stop"), ("127.0.0.1", port))
    line_with(process, "played")
    assert process.wait(30) == 0
    (commit,) = [x for x in read_record(tmp_path / "s").of("commit") if x["control"] == "level_pad_db"]
    assert commit["new"] == -3.0 and commit["by"] == "hand:osc" and commit["accepted"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-preset", "--device", "null"), "no-such-preset"),
        (("settle", "--device", "jack", "--output", "no-such-server"), "no JACK server called 'no-such-server'"),
        (("settle", "--device", "null", "--block", "3"), "give 32 to 8192 frames"),
        (("settle", "--device", "null", "--osc", "0", "--host", "0.0.0.0"), "say which may send"),
        (("settle", "--device", "null", "--wearable", "no-such-thing"), "no-such-thing"),
        (("settle", "--device", "null", "--minutes", "0.01"), "give 0.1 or more"),
    ],
)
def test_what_cannot_be_played_says_why(arguments, words, tmp_path):
    done = subprocess.run([*SYNTH, "play", *arguments, "--out", tmp_path / "s"], capture_output=True, text=True)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "s" / "report.html").exists()


def test_a_port_in_use_is_told(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        command = [*SYNTH, "play", "settle", "--device", "null", "--osc", port, "--out", str(tmp_path / "s")]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and port in done.stderr and "Traceback" not in done.stderr


def test_without_a_sound_card_it_says_what_to_do(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none-of-this-name")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with pytest.raises(DeviceError, match="no sound device here.*--device null"):
        first_device()


def test_jack_is_taken_where_it_runs(jack_server):
    assert first_device() == "jack"


def test_its_help_names_every_way_in(run):
    shown = run("play", "--help")
    for word in ("--device", "--osc", "--oscquery", "--midi-in", "--clock", "--wearable", "Ctrl-C"):
        assert word in shown.out
