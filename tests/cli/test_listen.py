"""Listening to a live source: what is shown and kept of it is what a session would hear."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from synth.cli.listen import bar, follow, plain, printable, screen
from synth.cli.listening import MOST_METERS, Listening, Meter
from synth.estimator.run import estimates
from synth.estimator.state import State
from synth.wearables.live import has_ended, open_live
from synth.wearables.packet import Packet
from synth.wearables.recording import open_recording
from synth.wearables.samples import Samples

ARCHIVE = Path(__file__).parents[1] / "estimator" / "data" / "faults.tar.xz"
SECONDS = 200


@pytest.fixture(scope="module")
def clean() -> list[bytes]:
    """The lines of the first minutes of a real wrist, as received."""
    with tarfile.open(ARCHIVE) as archive:
        lines = archive.extractfile("clean.jsonl").read().splitlines(keepends=True)  # type: ignore[union-attr]
    return [line for line in lines if json.loads(line)["recv"] < SECONDS]


class Sender:
    """Standard input on which lines come when a clock made of nothing gets to the time at which they were received."""

    def __init__(self, lines: list[bytes]) -> None:
        self.now_s = 0.0
        self._lines = deque((float(json.loads(line)["recv"]), line) for line in lines)
        self._handed: bytes | None = None
        self._reading = False
        self._change = threading.Condition()

    def clock(self) -> float:
        return self.now_s

    def readline(self, size: int) -> bytes:
        """Called by the thread that reads, when it is done with the line before."""
        with self._change:
            self._reading = True
            self._change.notify_all()
            assert self._change.wait_for(lambda: self._handed is not None, 30.0)
            line, self._handed, self._reading = self._handed, None, False
            assert line is not None
            return line

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self._lines and self._lines[0][0] <= end_s:
            self.now_s, line = self._lines.popleft()
            self._hand(line)
        if not self._lines:
            self._hand(b"")
            next(thread for thread in threading.enumerate() if thread.name == "json lines").join(30.0)
        self.now_s = end_s

    def _hand(self, line: bytes) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._reading, 30.0)
            self._handed = line
            self._change.notify_all()
            if line:
                assert self._change.wait_for(lambda: self._reading and self._handed is None, 30.0)


class Heard(Listening):
    """Keeps every state."""

    def tick(self) -> State:
        self.states = [*getattr(self, "states", []), super().tick()]
        return self.states[-1]


def test_what_is_heard_live_is_what_the_log_says_and_what_is_saved_says_it_again(
    clean: list[bytes], tmp_path: Path
) -> None:
    (tmp_path / "sent.jsonl").write_bytes(b"".join(clean))
    sender, shown = Sender(clean), []
    live = open_live("-", sender.clock, stdin=sender)  # type: ignore[arg-type]
    with live, open(tmp_path / "saved.jsonl", "w") as file:
        heard = Heard(live, file.write)
        follow(heard, sender.clock, sender.wait, lambda listening: shown.append(listening.seconds))
        heard.finish()
    assert has_ended(live) and heard.repairs == {}
    assert len(heard.states) == SECONDS and shown == [0, *range(SECONDS + 1)]
    assert heard.states[-1].confidence > 0.3 and heard.states[-1].hr_bpm is not None
    assert heard.states == list(estimates(open_recording(tmp_path / "sent.jsonl")))
    assert heard.states == list(estimates(open_recording(tmp_path / "saved.jsonl")))
    assert heard.lines == len((tmp_path / "saved.jsonl").read_text().splitlines()) == len(clean)


class Fed:
    """A live source of packets made here."""

    def __init__(self, *packets: Packet, status: str = "fed") -> None:
        self.waiting = list(packets)
        self.status = status
        self.repairs: dict[str, int] = {}

    def __enter__(self) -> Fed:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def packets(self) -> list[Packet]:
        packets, self.waiting = self.waiting, []
        return packets


def packet(
    received_s: float, channel: str = "hr", value: object = 70.0, device: str = "strap", **more: object
) -> Packet:
    t_s = received_s - 0.1 * np.arange(np.size(value))[::-1]
    run = Samples.of(channel, t_s, value, more.pop("quality", 1.0))
    return Packet(device, received_s, (run,), **more)  # type: ignore[arg-type]


def heard(*packets: Packet, seconds: int = 1, status: str = "fed") -> Listening:
    listening = Listening(Fed(*packets, status=status))
    listening.hear()
    for _ in range(seconds):
        listening.tick()
    return listening


def on_screen(listening: Listening, **options: bool) -> list[str]:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(screen(listening, **options))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_device_without_a_clock_is_saved_as_it_was_heard(tmp_path: Path) -> None:
    """Beats whose packets jitter, some told ahead of their arrival, beside lines with times of a clock of their own."""
    rng = np.random.default_rng(5)
    packets, beat_s = [], 1000.0
    for second in range(SECONDS):
        received_s = 1000.3 + second + rng.uniform(0.0, 0.4)
        rr_ms = rng.normal(800.0, 30.0, 1 if second % 4 else 2)
        beats = Samples.of("rr_ms", beat_s + np.cumsum(rr_ms) / 1000.0, rr_ms)
        beat_s = float(beats.t_s[-1])
        rate = Samples.of("hr", received_s, 75.0 + rng.normal(), float(second % 50 > 2))
        packets.append(Packet("strap", received_s, (rate, beats), timed=False))
        packets.append(Packet("strap", received_s, (Samples.of("eda", 7e8 + second, 2.0 + 0.01 * rng.normal()),)))
    with (tmp_path / "saved.jsonl").open("w") as file:
        listening = Heard(Fed(*packets), file.write)
        listening.finish()
    assert listening.states == list(estimates(open_recording(tmp_path / "saved.jsonl")))
    assert listening.states[-1].hr_bpm is not None and listening.states[-1].scl_us is not None
    assert listening.repairs.keys() == {"hr: 12 samples set aside as not from a body"}
    assert {device for _, device in listening.meters} == {"strap", "strap, as received"}


def test_packets_received_at_once_are_one_live_as_in_the_log(tmp_path: Path) -> None:
    packets = [
        Packet("ring", 0.25 + t, (Samples.of("hr", 7e8 + t - late, 70.0),)) for t in range(5) for late in (0.9, 0)
    ]
    with (tmp_path / "saved.jsonl").open("w") as file:
        listening = Listening(Fed(*packets), file.write)
        listening.finish()
    times = [run.t_s.tolist() for _, batch in open_recording(tmp_path / "saved.jsonl").batches() for run in batch]
    assert times[0] == pytest.approx([-0.9, 0.0], abs=1e-6) and len(times) == 5
    assert listening.meters["hr", "ring"].last_s == times[-1][-1]
    assert listening.repairs == {}


def test_a_meter_tells_rate_quality_and_value_of_ten_seconds() -> None:
    meter = Meter()
    for second in range(15):
        meter.second()
        quality = [1.0, 0.4] if second >= 12 else [0.0, 0.0]
        meter.add(Samples.of("hr", [second, second + 0.5], [60.0 + second, np.nan], quality))
    assert (meter.rate_hz, meter.good, meter.value, meter.last_s) == (2.0, 0.15, 74.0, 14.5)
    assert (meter.samples, meter.used) == (30, 3)
    for _ in range(10):
        assert meter.good is not None
        meter.second()
    assert meter.good is None and meter.rate_hz == 0.0 and meter.value == 74.0


def test_a_second_takes_what_was_received_in_it_and_no_more() -> None:
    listening = heard(packet(50.0), packet(50.9), packet(51.0), packet(52.5, "eda", 2.0))
    assert listening.meters["hr", "strap"].samples == 2 and listening.next_s == 52.0
    listening.tick()
    assert listening.meters["hr", "strap"].samples == 3 and ("eda", "strap") not in listening.meters
    listening.finish()
    assert listening.seconds == 3 and listening.meters["eda", "strap"].samples == 1


def test_a_flood_of_devices_is_bounded() -> None:
    assert len(heard(*(packet(0.0, device=f"d{i}") for i in range(3 * MOST_METERS))).meters) == MOST_METERS


def test_no_packet_no_work() -> None:
    """Nothing is estimated before something was heard, and each look costs one second's wait."""
    live, waited, now = Fed(), [], [0.0]

    def wait(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    listening = Listening(live)
    follow(listening, lambda: now[0], wait, lambda listening: None, seconds=5.0)
    assert waited == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0] and listening.state is None and listening.seconds == 0


def test_seconds_that_were_missed_are_made_up_for_and_shown_once() -> None:
    live, now, shown = Fed(packet(0.0)), [0.0], []

    def wait(seconds: float) -> None:
        now[0] += 7.5 if seconds else 0.0  # the machine slept

    listening = Listening(live)
    follow(listening, lambda: now[0], wait, lambda listening: shown.append(listening.seconds), seconds=7.0)
    assert shown == [0, 7] and listening.next_s == 8.0


def test_a_plain_line_is_read_by_scripts() -> None:
    listening = heard(
        packet(0.0, value=70.0), packet(0.5, "eda", [2.0, 2.1], quality=[1.0, 0.0]), packet(0.2, "hr", 64.25, 'a "b"\n')
    )
    listening.live.repairs["lines that are not JSON; left out"] = 3
    words = dict(word.split("=", 1) for word in shlex.split(plain(listening)))
    assert words["t_s"] == "1" and words["arousal"] == "+0.00" and words["hr_bpm"] == words["resp_bpm"] == "-"
    assert words["heart"] == words["skin"] == "missing" and words["status"] == "fed" and words["repairs"] == "3"
    assert words["hr@strap"] == "70,1.0/s,100%,1.0s" and words["eda"] == "2.1,2.0/s,50%,0.5s"
    assert words['hr@a "b"?'] == "64.25,1.0/s,100%,0.8s"
    assert words["why"] == "no signal from heart or skin"
    assert len(plain(listening).splitlines()) == 1


def test_the_table_tells_quality_and_state() -> None:
    packets = [packet(float(t), "hr", 70.0 + t % 3) for t in range(100)]
    packets += [packet(float(t), "eda", 2.0 + 0.01 * (t % 7), quality=float(t < 97)) for t in range(100)]
    packets += [packet(float(t), "self_valence", 0.5) for t in range(0, 100, 30)]
    lines = on_screen(heard(*sorted(packets, key=lambda p: p.received_s), seconds=100))
    assert lines[0].split() == ["channel", "device", "samples/s", "age", "good", "last", "value"]
    assert lines[1].split() == ["hr", "strap", "1.0", "1.0s", "100%", "70", "bpm"]
    assert lines[2].split() == ["eda", "strap", "1.0", "1.0s", "70%", "2.01", "uS"]
    told = {line[:15].strip(): line[15:].strip() for line in lines[4:]}
    assert told["arousal"].endswith("about the baseline") and "\u2502" in told["arousal"]
    assert told["heart rate"].startswith("71.1 bpm, baseline 71") and told["breathing"] == "not known"
    assert 0.0 < float(told["confidence"]) < 1.0 and 0.0 < float(told["chance elevated"]) < 1.0
    assert told["skin"] == "set aside: disturbed" and told["mood as told"].startswith("+0.")
    assert "skin conductance disturbed" in told["because"] and told["connection"] == "fed"
    assert any(line.startswith("repaired: eda: ") for line in lines)


def test_many_channels_and_repairs_are_cut_short() -> None:
    listening = heard(*(packet(0.0, device=f"d{i:02}") for i in range(30)))
    listening.live.repairs = {f"trouble {i}": i + 1 for i in range(9)}
    lines = on_screen(listening)
    assert "and 10 more" in lines and "and 6 more" in lines and sum(" bpm" in line for line in lines) == 20
    repaired = [line for line in lines if line.startswith("repaired")]
    assert repaired == [f"repaired: trouble {i} ({i + 1})" for i in (8, 7, 6, 5)]


def test_before_anything_is_heard_the_connection_is_told() -> None:
    assert on_screen(Listening(Fed(status="looking for a strap"))) == ["looking for a strap"]


def test_what_devices_call_themselves_cannot_steer_the_terminal() -> None:
    nasty = "\x1b[31m[bold]x\r\n\x9b2J"
    listening = heard(packet(0.0, device=nasty), status=nasty)
    listening.live.repairs = {nasty: 1}
    for text in ("\n".join(on_screen(listening)), plain(listening)):
        assert not {"\x1b", "\r", "\x9b"} & set(text) and "[bold]x" in text
    assert printable("a\u202eb\x00" + "c" * 500) == "a?b?" + "c" * 196


@pytest.mark.parametrize(
    ("arousal", "filled"),
    [(0.0, (0, 0)), (0.4, (0, 6)), (-0.4, (6, 0)), (1.0, (0, 15)), (-1.0, (15, 0)), (-0.01, (0, 0))],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_bar_grows_from_the_middle(arousal: float, filled: tuple[int, int], ascii_only: bool) -> None:
    fill, middle = ("#", "|") if ascii_only else ("\u2588", "\u2502")
    below, above = bar(arousal, ascii_only).split(middle)
    assert len(below) == len(above) == 15 and (below.count(fill), above.count(fill)) == filled
    assert below.endswith(fill * filled[0]) and above.startswith(fill * filled[1])
    assert not ascii_only or (below + above).isascii()


# -- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Puts bytes on standard input, which then ends."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe, os.fdopen(writing, "wb") as sender:
        monkeypatch.setattr(sys, "stdin", pipe)

        def typed(text: bytes) -> None:
            sender.write(text)
            sender.close()

        yield typed


def test_the_command_ends_with_its_stream_and_tells_what_it_came_to(
    run: Callable, typed: Callable, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.jsonl"
    typed(b'{"hr": 71, "eda": 80}\nwhat?\n')
    result = run("listen", "-", "--save", saved)
    assert result.code == 0
    assert result.err == "synth: repaired: lines that are not JSON; left out\n"
    assert "0.0 minutes, mean confidence 0.00; set aside: heart 1 s (missing 1 s), skin 1 s (missing 1 s)" in result.out
    assert "  eda of json, as received: 1 samples, 0 % good" in result.out
    assert f"{saved}: 2 lines" in result.out and len(saved.read_text().splitlines()) == 2
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    again = run("estimate", saved, "--out", tmp_path / "state.csv")
    assert again.code == 0 and len((tmp_path / "state.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"what\xff\x00?\n[1, 2]\n3\n" * 100, b"{" * 300_000, b'{"t": 1, "hr": "x"}']
)
def test_garbage_is_survived(run: Callable, typed: Callable, text: bytes) -> None:
    threading.Thread(target=typed, args=(text,)).start()
    result = run("listen", "-", "--plain")
    assert result.code == 0 and "nothing was heard; the stream has ended" in result.out
    assert all(line.startswith("synth: repaired: ") for line in result.err.splitlines())
    assert bool(result.err) == bool(text.strip())


def test_a_recording_sent_at_once_is_told_from_a_live_stream(
    run: Callable, typed: Callable, clean: list[bytes]
) -> None:
    threading.Thread(target=typed, args=(b"".join(clean),)).start()
    result = run("listen", "-")
    assert result.code == 0 and "faster than it was sensed" in result.out and "`synth estimate`" in result.out


def test_it_ends_when_the_time_is_over(run: Callable) -> None:
    began_s = time.monotonic()
    result = run("listen", "osc:0", "--seconds", "0.3")
    assert time.monotonic() - began_s >= 0.3
    assert result.code == 0 and result.out.startswith('status="listening for generic on 127.0.0.1:')
    assert "nothing was heard" in result.out


def refused(result: object, *words: str) -> None:
    assert result.code == 2 and "Traceback" not in result.err and result.out == ""  # type: ignore[attr-defined]
    assert all(word in result.err for word in words), result.err  # type: ignore[attr-defined]


def test_what_cannot_be_heard_is_said(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(run("listen"), "SOURCE", "--help")
    refused(run("listen", "strap"), "'strap'", "ble:NAME", "osc:PORT", "lsl:NAME", "PATH")
    refused(run("listen", tmp_path), "a folder is a recording")
    refused(run("listen", "osc", "--dialect", "klingon"), "klingon", "muse")
    refused(run("listen", "ble", "--dialect", "muse"), "for osc")
    for seconds in ("0", "-1", "nan", "soon"):
        refused(run("listen", "osc:0", "--seconds", seconds), "--seconds", seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        refused(run("listen", f"osc:{taken.getsockname()[1]}", "--seconds", "1"), "cannot listen")
    monkeypatch.setitem(sys.modules, "bleak", None)
    refused(run("listen", "ble"), "isotone[ble]")
    assert not list(tmp_path.iterdir())


def test_what_was_saved_is_never_written_over(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text("mine")
    refused(run("listen", "osc:0", "--save", tmp_path / "old.jsonl"), "there already")
    assert (tmp_path / "old.jsonl").read_text() == "mine"
    refused(run("listen", "osc:0", "--save", tmp_path / "log.csv"), "log.csv", ".jsonl")
    refused(run("listen", "osc:0", "--save", tmp_path / "no" / "log.jsonl"), "No such file")
    refused(run("listen", "strap", "--save", tmp_path / "new.jsonl"), "strap")
    assert not (tmp_path / "new.jsonl").exists(), "a source that is refused leaves no file"


def test_in_a_terminal_a_table_is_drawn(run: Callable, typed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    for options, table in (((), True), (("--plain",), False)):
        if table:
            typed(b'{"hr": 71}\n')
        result = run("listen", "-" if table else "osc:0", "--seconds", "0.2", *options)
        assert result.code == 0 and ("samples/s" in result.out) == table and ("\x1b[" in result.out) == table


def test_ctrl_c_ends_it_with_a_summary(tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    command = [sys.executable, "-m", "synth", "listen", "-", "--save", str(saved)]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, text=True, bufsize=1)
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write('{"hr": 71}\n')
        while not process.stdout.readline().startswith("t_s=1 "):
            assert process.poll() is None
        process.stdin.write('{"hr": 72}\n')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0 and err == ""
    assert "minutes, mean confidence 0.00" in out and "  hr of json, as received: " in out
    assert f"{saved}: " in out and saved.read_text().endswith("\n")
