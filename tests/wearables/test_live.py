"""Live sources by name: each spec gives its source, what is none is told with all there are, and streams end."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.wearables.ble import BleHeartRate
from synth.wearables.live import SOURCES, has_ended, open_live
from synth.wearables.lsl import LslSource
from synth.wearables.osc import OscSource
from synth.wearables.packet import Live, Packet, SourceError

LINE = b'{"t": 1.0, "hr": 71}\n'


def clock() -> float:
    return 5.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def heard(live: Live, count: int) -> list[float]:
    """Values of heart rate until there are `count`."""
    values: list[float] = []
    until(lambda: len(values) >= count or bool(values.extend(rates(live.packets()))))
    return values


def rates(packets: list[Packet]) -> list[float]:
    return [value for packet in packets for run in packet.samples for value in run.value.tolist()]


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("ble", BleHeartRate), ("BLE:Polar H10", BleHeartRate), ("ble:00:11:22:33:44:55", BleHeartRate),
     ("lsl", LslSource), ("lsl: Muse ", LslSource), ("osc", OscSource), ("osc:9000", OscSource)],
)  # fmt: skip
def test_a_spec_gives_its_source(spec: str, kind: type) -> None:
    assert type(open_live(spec, clock)) is kind


def test_what_stands_after_the_colon_is_wanted() -> None:
    assert open_live("ble:00:11:22:33:44:55", clock)._wanted == "00:11:22:33:44:55"  # type: ignore[attr-defined]
    assert open_live("lsl: Muse ", clock)._wanted == "Muse"  # type: ignore[attr-defined]
    osc = open_live("osc:9000", clock, "muse", host="0.0.0.0")
    assert isinstance(osc, OscSource) and (osc.port, osc.host, osc.dialect.name) == (9000, "0.0.0.0", "muse")
    plain = open_live("osc", clock)
    assert isinstance(plain, OscSource) and plain.port == plain.dialect.port and plain.dialect.name == "generic"
    assert plain.host == "127.0.0.1"


@pytest.mark.parametrize(
    "spec", ["", "midi", "-:", "blue", "ble2:x", "tcp:9000", "http://x", "no/such/file.jsonl", "\x00"]
)
def test_an_unknown_spec_is_told_with_all_there_are(spec: str) -> None:
    with pytest.raises(SourceError) as error:
        open_live(spec, clock)
    assert all(name in str(error.value) and what in str(error.value) for name, what in SOURCES.items())


def test_a_folder_is_a_recording(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a folder is a recording"):
        open_live(str(tmp_path), clock)


@pytest.mark.parametrize("port", ["x", "-1", "65536", "9 000", "1e3", "\u0669\u0660\u0660\u0660"])
def test_what_is_no_port_is_told(port: str) -> None:
    with pytest.raises(SourceError, match="no port: write osc:PORT"):
        open_live(f"osc:{port}", clock)


def test_a_port_in_use_and_a_dialect_that_is_none_are_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match=f"cannot listen on 127.0.0.1:{port}"), open_live(f"osc:{port}", clock):
            pass
    for dialect in ("klingon", str(tmp_path / "none.toml")):
        with pytest.raises(SourceError, match="klingon|none.toml"):
            open_live("osc", clock, dialect)


@pytest.mark.parametrize("options", [{"dialect": "muse"}, {"host": "0.0.0.0"}])
@pytest.mark.parametrize("spec", ["-", "ble", "lsl", "oscar"])
def test_a_dialect_or_host_where_there_is_none_is_told(spec: str, options: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="are for osc"):
        open_live(spec, clock, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("spec", "module"), [("ble", "bleak"), ("lsl", "pylsl")])
def test_a_missing_extra_is_named(spec: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SourceError, match=rf"pip install 'isotone\[{spec}\]'"):
        open_live(spec, clock)


def test_standard_input_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as sender:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        with open_live("-", clock) as live:
            sender.write(LINE)
            assert heard(live, 1) == [71.0] and not has_ended(live)
            sender.write(b'{"hr": 72}')
            sender.close()
            until(lambda: has_ended(live))
            assert rates(live.packets()) == [72.0] and live.repairs == {}


def test_standard_input_from_a_file_or_memory_ends_too(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(LINE * 4000)
    with (tmp_path / "log.jsonl").open("rb") as file:
        for stream in (file, io.BytesIO(LINE * 4000)):
            with open_live("-", clock, stdin=stream) as live:
                until(lambda live=live: has_ended(live))
                assert len(rates(live.packets())) == 4000


def test_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        open_live("-", clock)


def test_a_source_not_begun_or_without_an_end_has_not_ended() -> None:
    assert not has_ended(open_live("-", clock, stdin=io.BytesIO(LINE)))
    with open_live("osc:0", clock) as live:
        assert not has_ended(live)


def test_a_pipe_waits_for_its_writer_and_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with open_live(str(path), clock) as live:
        for rate in (71, 72):
            with path.open("wb") as writer:
                writer.write(b'{"hr": %d}\n' % rate)
            assert heard(live, 1) == [rate]
        assert not has_ended(live)
    assert not [thread for thread in threading.enumerate() if thread.name == "json lines"]


def test_a_file_is_heard_from_its_last_whole_line_on(tmp_path: Path) -> None:
    path = tmp_path / "growing.jsonl"
    path.write_bytes(b'{"hr": 60}\n' * 200_000 + b'{"hr": ')
    with open_live(str(path), clock) as live, path.open("ab", buffering=0) as writer:
        writer.write(b"71}\n")
        assert heard(live, 1) == [71.0]
        writer.write(b'{"hr": 72}\n')
        assert heard(live, 1) == [72.0] and live.repairs == {}


def test_a_file_that_cannot_be_read_is_told_when_entered(tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    path.touch()
    live = open_live(str(path), clock)
    path.unlink()
    with pytest.raises(SourceError, match="gone.jsonl: cannot be read"), live:
        pass
