"""The server through real sockets, with the programs that people use."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from synth.control.osc import OscError, OscServer
from synth.wire.osc import Message, bundle, encode
from tests.control.osc.client import Client

Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def osc(hands: Any) -> Iterator[OscServer]:
    with OscServer(hands, 0) as server:
        yield server


@pytest.fixture
def client(osc: OscServer) -> Iterator[Client]:
    client = Client(osc.port)
    yield client
    client.socket.close()


def test_five_thousand_messages_in_a_burst_all_arrive_and_the_newest_wins(
    osc: OscServer, client: Client, hands: Any, until: Until
) -> None:
    packets = [encode("/control/tempo_bpm", (50.0 + i / 100,)) for i in range(5000)]
    for packet in packets:
        client.socket.sendto(packet, client.to)
    until(lambda: osc.received == 5000 and hands.asked[-1][1] == pytest.approx(99.99))
    assert len(hands.asked) == osc.done < 2500
    assert osc.troubles == {} and "MiB" in osc.words


def test_the_preset_may_change(osc: OscServer, client: Client) -> None:
    assert client.ask("/session/preset") == ("",)
    osc.preset = "sleep"
    assert client.ask("/session/preset") == ("sleep",) and osc.preset == "sleep"


def test_python_osc_speaks_and_hears(osc: OscServer, client: Client, hands: Any, until: Until) -> None:
    python_osc = SimpleUDPClient("127.0.0.1", osc.port)
    try:
        python_osc.send_message("/control/key", "F#")
        python_osc.send_message("/stem/pad/mute", True)
        message = OscMessageBuilder("/control/space")
        message.add_arg(0.75)
        built = OscBundleBuilder(time.time() + 0.1)  # type: ignore[arg-type]
        built.add_content(message.build())
        python_osc.send(built.build())
        until(lambda: len(hands.asked) == 3)
        assert hands.asked == [("key", 6.0), ("level_pad_db", -60.0), ("space", 0.75)]
        python_osc.send_message("/session/beat", [])
        answer = next(python_osc.get_messages(10))
        assert (answer.address, answer.params) == ("/session/beat", [7, 4, 4])
    finally:
        python_osc._sock.close()


def test_a_bundle_a_year_ahead_disturbs_nothing(osc: OscServer, client: Client, hands: Any, until: Until) -> None:
    begun_s = time.monotonic()
    client.socket.sendto(bundle([encode("/verb/more", (1,))], time.time() + 3.15e7), client.to)
    assert client.hear().args[0] == "#bundle"
    client.say("/ping", 1)
    assert client.hear()[1:3] == ("/pong", (1,))
    assert hands.calls == []
    until(lambda: hands.calls == [("verb", "more")])
    assert time.monotonic() - begun_s >= 1.0


def test_junk_disturbs_nothing(osc: OscServer, client: Client, hands: Any) -> None:
    rng = random.Random(1)
    for packet in (
        rng.randbytes(65_507),
        b"/" * 65_507,
        b"#bundle\0" + b"\0" * 65_000,
        encode("/" + "x" * 60_000),
        encode("/control/space", ["y" * 60_000]),
        encode("/{" + "a," * 3000 + "b}", (1.0,)),
        b"",
        b"\0",
        b"#reply\0\0,i\0\0\0\0\0\1",
        b"/control/space\0\0,q\0\0",
        *(struct.pack(">8sQi", b"#bundle\0", 1, size) + b"/x" for size in (-1, 2**31 - 1, 3)),
    ):
        client.socket.sendto(packet, client.to)
        client.say("/ping", len(packet))
        while (heard := client.hear()).address == "/error":
            pass
        assert heard.args == (len(packet),)
    assert hands.calls == [] and osc.troubles


@settings(max_examples=200)
@given(
    st.lists(
        st.binary(max_size=80) | st.binary(max_size=40).map(lambda tail: b"/control/space\0\0," + tail), max_size=5
    )
)
def test_whatever_bytes_come_it_goes_on(packets: list[bytes]) -> None:
    server, mine = _fuzzed()
    for packet in packets:
        mine.socket.sendto(packet, mine.to)
    mine.say("/ping", "on")
    while (heard := mine.hear()).address != "/pong":
        pass
    assert heard == Message(None, "/pong", ("on",), "s")
    assert not any("Error" in trouble for trouble in server.troubles)


_kept: list[tuple[OscServer, Client]] = []


def _fuzzed() -> tuple[OscServer, Client]:
    """One server for all examples."""
    if not _kept:
        from synth.controls import defaults

        class Still:
            controls, held = defaults(), frozenset()

            def request(self, *asked: object) -> None:
                pass

            release = verb = request
            together = contextlib.nullcontext

        server = OscServer(Still(), 0)  # type: ignore[arg-type]
        server.start()
        _kept.append((server, Client(server.port)))
    return _kept[0]


@pytest.fixture(scope="module", autouse=True)
def _closing() -> Iterator[None]:
    yield
    for server, mine in _kept:
        server.close()
        mine.socket.close()
    _kept.clear()


def test_who_listens_no_more_is_told_no_more(osc: OscServer, client: Client, hands: Any, until: Until) -> None:
    gone = Client(osc.port)
    gone.say("/subscribe", "/control/space", 50.0)
    assert gone.hear().args == (0.5,)
    client.say("/subscribe", "/control/space", 50.0)
    assert client.hear().args == (0.5,)
    until(lambda: osc.subscribers == 2)
    gone.socket.close()
    hands.controls["space"] = 0.75
    assert client.hear().args == (0.75,)
    until(lambda: osc.subscribers == 1)
    hands.controls["space"] = 0.25
    assert client.hear().args == (0.25,)
    assert osc.troubles == {f"127.0.0.1:{gone.port} listens no more and is told no more": 1}


def test_a_port_in_use_is_told_plainly(osc: OscServer, hands: Any) -> None:
    with pytest.raises(OscError, match=rf"127\.0\.0\.1:{osc.port} .*end the program that has this port"):
        OscServer(hands, osc.port).start()
    with pytest.raises(OscError, match="no address of this machine"):
        OscServer(hands, 0, "no.such.host.invalid", ["10.0.0.0/8"]).start()


def test_packets_from_elsewhere_are_only_counted(hands: Any, until: Until) -> None:
    with OscServer(hands, 0, "0.0.0.0", ["192.0.2.0/24"]) as osc:
        loopback = osc.allowed
        client = Client(osc.port)
        osc.allowed = _nobody()  # as if this machine were another
        client.say("/verb/more")
        until(lambda: osc.refused == 1)
        osc.allowed = loopback
        client.say("/ping", 2)
        assert client.hear()[1:3] == ("/pong", (2,))
        client.socket.close()
    assert hands.calls == [] and osc.received == 1


def _nobody() -> Any:
    class Nobody:
        def __contains__(self, host: object) -> bool:
            return False

    return Nobody()


def test_it_can_be_closed_twice_and_its_port_is_free_then(hands: Any) -> None:
    osc = OscServer(hands, 0)
    osc.close()
    osc.start()
    osc.close()
    osc.close()
    with OscServer(hands, osc.port) as again:
        assert again.port == osc.port


# -- programs of other people ------------------------------------------------------------------------------------------


def run(*command: str | Path, seconds: float = 20.0, **environment: str) -> None:
    subprocess.run(
        list(map(str, command)), check=True, timeout=seconds, env=os.environ | environment, capture_output=True
    )


def test_oscsend_speaks(osc: OscServer, hands: Any, until: Until) -> None:
    port = str(osc.port)
    run("oscsend", "127.0.0.1", port, "/control/tempo_bpm", "f", "60.5")
    run("oscsend", "127.0.0.1", port, "/control/tempo_bpm", "d", "61.5")
    run("oscsend", "127.0.0.1", port, "/control/key", "s", "Eb")
    run("oscsend", "127.0.0.1", port, "/control/landmark", "T")
    run("oscsend", "127.0.0.1", port, "/stem/{pad,bass}/level_db", "h", "-12")
    run("oscsend", "127.0.0.1", port, "/verb/more", "I")
    until(lambda: hands.calls and hands.calls[-1][0] == "verb")
    assert hands.asked == [
        ("tempo_bpm", 60.5), ("tempo_bpm", 61.5), ("key", 3.0), ("landmark", 1.0),
        ("level_pad_db", -12.0), ("level_bass_db", -12.0),
    ]  # fmt: skip
    assert osc.troubles == {}


def test_oscdump_is_told_of_changes(osc: OscServer, hands: Any, tmp_path: Path, until: Until) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = tmp_path / "heard"
    with out.open("wb") as file:
        dump = subprocess.Popen(["stdbuf", "-oL", "oscdump", str(port)], stdout=file, stderr=subprocess.DEVNULL)
    try:
        subscribe = (
            "oscsend",
            "127.0.0.1",
            str(osc.port),
            "/subscribe",
            "sif",
            "/control/{space,key}",
            str(port),
            "40",
        )

        def told() -> bool:
            if "space" not in out.read_text():  # it may not listen yet
                run(*subscribe)
                time.sleep(0.1)
            return "space" in out.read_text()

        until(told)
        hands.request("space", 0.875, "hand:midi")
        hands.request("key", 9, "hand:midi")
        until(lambda: '/control/key s "A"' in out.read_text())
        lines = [line.split(" ", 1)[1] for line in out.read_text().splitlines()]
        assert {"/control/space f 0.500000", "/control/space f 0.875000", '/control/key s "A"'} <= set(lines)
    finally:
        dump.terminate()
        dump.wait(5.0)


PATCH = """#N canvas 0 0 450 300 12;
#X obj 20 20 loadbang;
#X obj 20 50 t b b b;
#X msg 200 80 connect 127.0.0.1 {port};
#X msg 90 110 0.25;
#X msg 20 140 1;
#X obj 90 150 oscformat control space;
#X obj 20 180 oscformat verb less;
#X obj 90 220 list prepend send;
#X obj 90 245 list trim;
#X obj 90 270 netsend -u -b;
#X connect 0 0 1 0;
#X connect 1 2 2 0;
#X connect 1 1 3 0;
#X connect 1 0 4 0;
#X connect 2 0 9 0;
#X connect 3 0 5 0;
#X connect 4 0 6 0;
#X connect 5 0 7 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
"""


def test_pure_data_speaks(osc: OscServer, hands: Any, tmp_path: Path, until: Until) -> None:
    patch = tmp_path / "speak.pd"
    patch.write_text(PATCH.format(port=osc.port))
    pd = subprocess.Popen(
        ["pd", "-nogui", "-noaudio", "-nomidi", str(patch)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: hands.calls and hands.calls[-1] == ("verb", "less"))
    finally:
        pd.terminate()
        pd.wait(5.0)
    assert hands.asked == [("space", 0.25)] and osc.troubles == {}


SCRIPT = """(
var there = NetAddr("127.0.0.1", {port});
OSCFunc({{ |message|
    there.sendMsg("/control/tempo_bpm", message[1]);
    there.sendBundle(0.3, ["/verb/like"], ["/control/space", 0.125]);
    there.sendMsg("/verb/skip");
    {{ 0.exit }}.defer(1.0);
}}, "/control/tempo_bpm");
there.sendMsg("/control/tempo_bpm");
)
"""


def test_supercollider_asks_sets_and_sends_ahead_of_time(
    osc: OscServer, hands: Any, tmp_path: Path, until: Until
) -> None:
    script = tmp_path / "speak.scd"
    script.write_text(SCRIPT.format(port=osc.port))
    run(
        "sclang", script, seconds=120.0, QT_QPA_PLATFORM="offscreen", QTWEBENGINE_DISABLE_SANDBOX="1",
        QTWEBENGINE_CHROMIUM_FLAGS="--no-sandbox", HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path),
    )  # fmt: skip
    until(lambda: len(hands.calls) == 4)
    assert [call[:3] for call in hands.calls] == [
        ("request", "tempo_bpm", 66.0), ("verb", "skip"), ("verb", "like"), ("request", "space", 0.125),
    ]  # fmt: skip
