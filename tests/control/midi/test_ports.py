"""Real ports of a real JACK server; a second client, mido in a process of its own, is the DAW."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.jack_here import jack_server as jack_here
from synth.control.midi import MidiError, MidiHands, MidiMap, MidiPorts
from synth.control.midi.ports import matching, port_names
from synth.wire.midi import control_change

API = "UNIX_JACK"
DAW = """
import sys, mido
midi = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
out = midi.open_output("faders", virtual=True, client_name="daw")
into = midi.open_input("lights", virtual=True, client_name="lamps", callback=lambda m: print(m.hex(), flush=True))
into._rt.ignore_types(False, False, False)
print("ready", flush=True)
for line in sys.stdin:
    out.send(mido.Message.from_hex(line))
out.close(), into.close()
"""


class Daw:
    """Another program with an output "faders" and an input "lights"; `heard` is what came in."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DAW],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"
        os.set_blocking(self.process.stdout.fileno(), False)
        self._heard = ""

    def send(self, *messages: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{message}\n" for message in messages))
        self.process.stdin.flush()

    @property
    def heard(self) -> list[str]:
        assert self.process.stdout is not None
        with contextlib.suppress(BlockingIOError):
            self._heard += os.read(self.process.stdout.fileno(), 65536).decode()
        return self._heard.splitlines()

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(10.0)
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.close()


@pytest.fixture
def impatient_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A JACK server that goes on without a client that was killed."""
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with jack_here() as name:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
        yield name


@pytest.fixture
def daw() -> Iterator[Callable[[], Daw]]:
    """Starts other programs, on the server of the test."""
    made: list[Daw] = []

    def make() -> Daw:
        made.append(Daw())
        return made[-1]

    yield make
    for one in made:
        one.close()


def until(true: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def connect(source: str, to: str) -> None:
    subprocess.run(["jack_connect", source, to], check=True, capture_output=True)


def test_hands_over_real_ports(jack_server: str, daw: Callable[[], Daw], hands) -> None:
    other = daw()
    clocks: list[tuple[bytes, float]] = []
    midi = MidiHands(hands, MidiMap(takeover="jump"))
    ports = MidiPorts(
        midi,
        inputs=["FADERS"],
        outputs=["lights"],
        api=API,
        client="engine",
        on_clock=lambda data, now_s: clocks.append((data, now_s)),
    )
    before = time.monotonic()
    ports.start()
    try:
        assert set(ports.connected) == {"daw:faders", "lamps:lights"}
        until(lambda: other.send("B0 5B 7F") or hands.asked("space"), "the connection carries")
        other.send("F8", "FA", "F2 05 01", "F0 01 02 F7", "93 3C 40", "FC", "83 3C 00")
        until(lambda: len(hands.calls) == 3 and len(clocks) == 4, "all is heard")
        assert hands.asked("space") == [1.0]
        assert [velocity for _, velocity, _ in hands.played()] == [0.504, 0.0]
        assert [data for data, _ in clocks] == [b"\xf8", b"\xfa", b"\xf2\x05\x01", b"\xfc"]
        stamps = [now_s for _, now_s in clocks]
        assert stamps == sorted(stamps) and before <= stamps[0] <= time.monotonic()
        assert ports.received >= 8 and midi.troubles == 0
        until(lambda: ports.send(b"\x90\x3c\x40") or other.heard, "the DAW hears")
        ports.send(b"\xf8")
        until(lambda: "F8" in other.heard, "and the clock")
        assert set(other.heard) == {"90 3C 40", "F8"}, "and no feedback, which goes to controllers only"
        other.send("90 30 40")
        until(lambda: midi.sounding == 1, "a key is held")
    finally:
        ports.close()
    ports.close()
    assert ports.connected == () and midi.sounding == 0


def test_a_port_that_vanishes_ends_its_notes_and_is_taken_up_again(
    impatient_server: str, daw: Callable[[], Daw], hands
) -> None:
    midi = MidiHands(hands, MidiMap(takeover="jump"))
    ports = MidiPorts(midi, inputs=["faders"], feedback=["lights"], api=API)
    ports.start()
    try:
        assert ports.connected == () and "it is waited for" in ports.words[0]
        first = daw()
        until(lambda: len(ports.connected) == 2, "it is found")
        until(lambda: first.send("90 3C 40") or midi.sounding == 1, "a note is held")
        until(lambda: len(first.heard) > 30, "faders are shown where controls are")
        first.kill()
        until(lambda: midi.sounding == 0, "the note ends")
        assert hands.played()[-1] == (60.0, 0.0, "pad")
        until(lambda: ports.connected == (), "both are gone")
        assert any("daw:faders has gone" in line for line in ports.words) and ports.troubles >= 2
        second = daw()
        until(lambda: len(ports.connected) == 2, "it is back")
        assert any("daw:faders is back" in line for line in ports.words)
        until(lambda: second.send("B0 5B 00") or hands.asked("space") == [0.0], "and heard")
    finally:
        ports.close()


def test_virtual_ports_are_connected_by_others(jack_server: str, daw: Callable[[], Daw], hands) -> None:
    other = daw()
    ports = MidiPorts(MidiHands(hands, MidiMap(takeover="jump")), virtual="isotone", api=API, client="engine")
    ports.start()
    try:
        inputs, outputs = port_names(API)
        into = next(name for name in outputs if name.endswith(":isotone"))
        out_of = next(name for name in inputs if name.endswith(":isotone"))
        connect("daw:faders", into), connect(out_of, "lamps:lights")
        until(lambda: other.send("B0 01 7F") or hands.asked("motion") == [1.0], "it is heard")
        until(lambda: ports.send(control_change(3, 74, 5)) or other.heard[:1] == ["B3 4A 05"], "it hears")
        time.sleep(0.7)
        assert len(ports.connected) == 2
    finally:
        ports.close()


SERVER_ENDS = """
import os, subprocess, sys, time, uuid
from synth.control.midi.ports import MidiPorts, port_names

name = "test" + uuid.uuid4().hex[:12]
os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}
command = ["jackd", "--name", name, "-r", "-d", "dummy", "-r", "48000", "-p", "256"]
ask = [sys.executable, "-c", "import jack; jack.Client('probe', no_start_server=True).close()"]


def start():
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while subprocess.run(ask, capture_output=True).returncode:
        time.sleep(0.05)
    return server


def until(true):
    end = time.monotonic() + 15.0
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true(), (ports.connected, list(ports.words))


server = start()
ports = MidiPorts(virtual="isotone", outputs=["isotone", "nowhere"], api="UNIX_JACK")
ports.start()
try:
    until(lambda: len(ports.connected) == 3)
    server.terminate(), server.wait()
    until(lambda: ports.connected == ())
    ports.send(bytes([248]))
    time.sleep(0.8)
    server = start()
    until(lambda: len(ports.connected) == 3)
    print(*ports.words, sep="|")
finally:
    ports.close()
    server.terminate(), server.wait()
"""


def test_the_end_of_the_server_is_survived() -> None:
    done = subprocess.run([sys.executable, "-c", SERVER_ENDS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    words = done.stdout.strip().split("|")
    assert "input isotone has gone; it is taken up again when it comes back" in words
    assert "input isotone is back" in words and "output isotone is back" in words


def test_what_hears_may_fail(jack_server: str, daw: Callable[[], Daw]) -> None:
    class Failing:
        heard = 0

        def hear(self, message: bytes, now_s: float, port: str = "") -> None:
            self.heard += 1
            raise RuntimeError("no")

        def tick(self, now_s: float) -> list[bytes]:
            raise RuntimeError("never")

        def lost(self, port: str) -> None:
            pass

        show = lost

    other, failing = daw(), Failing()
    ports = MidiPorts(failing, inputs=["faders"], api=API)
    ports.start()
    try:
        until(lambda: other.send("B0 01 7F") or failing.heard >= 2, "the second is heard after the first failed")
        until(lambda: any("RuntimeError: never" in line for line in ports.words), "and it is told of")
        assert ports.connected and ports.troubles >= 2
    finally:
        ports.close()


def test_the_first_system_that_works_is_taken(jack_server: str, daw: Callable[[], Daw]) -> None:
    daw()
    assert "daw:faders" in port_names(API)[0]
    assert "daw:faders" in port_names()[0] or Path("/dev/snd/seq").exists()


def test_no_midi_is_told_with_a_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none-of-that-name")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    for api in (API, "ATARI"):
        with pytest.raises(MidiError, match="JACK"):
            MidiPorts(inputs=["faders"], api=api).start()


def test_names_match_by_a_part() -> None:
    names = ["Midi Through:0 14:0", "nanoKONTROL2:nanoKONTROL2 CTRL 20:0", "KeyStep 24:0"]
    assert matching("nanokontrol", names) == names[1]
    assert matching("KeyStep 28:0", names) == names[2], "ALSA counts anew"
    assert matching("launchpad", names) is None
