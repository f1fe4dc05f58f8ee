"""OSCQuery over real HTTP and WebSockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from synth.control.osc import OscError, OscServer
from synth.control.oscquery import OscQuery, OscQueryServer
from synth.control.oscquery.guard import Guard
from synth.controls import CONTROLS, MODES
from synth.wire.osc import Message, bundle, decode, encode

Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def osc(hands: Any) -> Iterator[OscServer]:
    with OscServer(hands, 0, preset="settle") as server:
        yield server


@pytest.fixture
def query(osc: OscServer) -> Iterator[OscQueryServer]:
    with OscQueryServer(osc, 0, name="a room") as server:
        yield server


@pytest.fixture
def get(query: OscQueryServer) -> Callable[..., tuple[int, Any]]:
    """A function that asks for a path: status and what the answer holds."""

    def ask(path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", query.port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            is_json = answer.headers.get("content-type") == "application/json"
            return answer.status, json.loads(body) if is_json else body.decode()
        finally:
            connection.close()

    return ask


@pytest.fixture
def ws(query: OscQueryServer) -> Iterator[ClientConnection]:
    with connect(f"ws://127.0.0.1:{query.port}/") as connected:
        yield connected


def hear(ws: ClientConnection) -> Message:
    packet = ws.recv(timeout=10)
    assert isinstance(packet, bytes)
    ((message,), troubles) = decode(packet)
    assert not troubles
    return message


def test_the_whole_tree_holds_every_control(get: Any, hands: Any) -> None:
    status, tree = get("/")
    assert status == 200 and tree["FULL_PATH"] == "/" and tree["ACCESS"] == 0 and "TYPE" not in tree
    controls = tree["CONTENTS"]["control"]["CONTENTS"]
    assert list(controls) == [row.name for row in CONTROLS]
    for row in CONTROLS:
        node = controls[row.name]
        assert node["FULL_PATH"] == row.osc and node["ACCESS"] == 3 and node["DESCRIPTION"] == row.help
        if row.choices:
            assert node["TYPE"] == "s" and node["RANGE"] == [{"VALS": list(row.choices)}]
            assert node["OVERLOADS"][0]["RANGE"] == [{"MIN": row.low, "MAX": row.high}]
        else:
            assert node["RANGE"] == [{"MIN": row.low, "MAX": row.high}] and node["CLIPMODE"] == ["both"]
            assert node["VALUE"] == [hands.controls[row.name]]
    assert controls["level_pad_db"]["UNIT"] == ["gain.db"] and controls["tempo_bpm"]["UNIT"] == ["time.bpm"]
    for path in ("stem/pad/mute", "session/phase", "transport/panic", "verb/more", "feedback/self_valence"):
        node = tree
        for name in path.split("/"):
            node = node["CONTENTS"][name]
        assert node["FULL_PATH"] == f"/{path}"


def test_a_node_is_the_same_by_itself_as_in_the_tree(get: Any) -> None:
    stem = get("/stem/pad")[1]
    assert stem == get("/")[1]["CONTENTS"]["stem"]["CONTENTS"]["pad"] == get("/stem/pad/")[1]
    assert set(stem["CONTENTS"]) == {"level_db", "pan", "mute", "solo"}


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/control/tempo_bpm?VALUE", 200, {"VALUE": [66.0]}),
        ("/control/mode?RANGE", 200, {"RANGE": [{"VALS": list(MODES)}]}),
        ("/control/tempo_bpm?VALUE&TYPE", 200, {"VALUE": [66.0], "TYPE": "f"}),
        ("/session/beat?VALUE", 200, {"VALUE": [7, 4, 4]}),
        ("/control?TYPE", 200, {}),
        ("/verb/more?ACCESS", 200, {"ACCESS": 2}),
        ("/verb/more?VALUE", 204, ""),
        ("/control?VALUE", 204, ""),
        ("/control/tempo_bpm?HTML", 204, ""),
        ("/control/tempo_bpm?COLOUR", 400, {"error": "no attribute called COLOUR"}),
        ("/control/nothing", 404, {"error": "nothing at /control/nothing"}),
        ("/control/nothing?VALUE", 404, {"error": "nothing at /control/nothing"}),
        ("/control/*", 404, {"error": "nothing at /control/*"}),
    ],
)
def test_attributes_and_errors(path: str, status: int, body: Any, get: Any) -> None:
    assert get(path) == (status, body)


def test_only_get_is_answered(get: Any) -> None:
    assert get("/control/tempo_bpm", "POST")[0] == 405


def test_host_info_says_where_osc_is_taken(get: Any, osc: OscServer, query: OscQueryServer) -> None:
    for path in ("/?HOST_INFO", "/nothing/there?HOST_INFO"):
        status, told = get(path)
        assert status == 200 and told["NAME"] == "a room"
        assert (told["OSC_IP"], told["OSC_PORT"], told["OSC_TRANSPORT"]) == ("127.0.0.1", osc.port, "UDP")
        assert told["WS_PORT"] == query.port
        assert told["EXTENSIONS"]["LISTEN"] and told["EXTENSIONS"]["CLIPMODE"] and "HTML" not in told["EXTENSIONS"]


def test_listen_and_ignore(ws: ClientConnection, hands: Any) -> None:
    ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/control/space"}))
    assert hear(ws)[1:3] == ("/control/space", (0.5,))
    hands.request("space", 0.75, "hand:midi")
    assert hear(ws)[1:3] == ("/control/space", (0.75,))
    ws.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/control/space"}))
    ws.send(encode("/control/motion"))
    assert hear(ws)[1:3] == ("/control/motion", (pytest.approx(0.3),))
    hands.request("space", 0.25, "hand:midi")
    ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/control/motion"}))
    assert hear(ws)[1] == "/control/motion"


def test_osc_goes_both_ways(ws: ClientConnection, hands: Any, until: Until) -> None:
    ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/control/space"}))
    assert hear(ws).args == (0.5,)
    ws.send(bundle([encode("/control/space", (0.75,)), encode("/control/key", ("A",))]))
    ws.send(encode("/nothing"))
    assert hear(ws)[1] == "/error"
    until(lambda: len(hands.asked) == 2)
    assert hands.asked == [("space", 0.75), ("key", 9.0)]
    ws.send(encode("/ping", (1,)))
    assert hear(ws)[1] == "/pong"  # and no echo of space


def test_another_tree_is_told_of(ws: ClientConnection, osc: OscServer, get: Any) -> None:
    ws.send(encode("/ping"))
    hear(ws)
    osc.sense(["hr", "eda"])
    assert json.loads(ws.recv(timeout=10)) == {"COMMAND": "PATH_CHANGED", "DATA": "/feed"}
    assert list(get("/feed")[1]["CONTENTS"]) == ["hr", "eda"]


JUNK = ("", "{", "[]", "7", '{"COMMAND": 3}', '{"COMMAND": "LISTEN", "DATA": "/verb/more"}',
        '{"COMMAND": "LISTEN", "DATA": ["/"]}', "[" * 20_000, b"", b"\xff" * 300)  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_junk_disturbs_nothing(junk: str | bytes, ws: ClientConnection, hands: Any) -> None:
    ws.send(junk)
    ws.send(encode("/ping", (1,)))
    while hear(ws).address != "/pong":
        pass
    assert hands.calls == []


def test_who_hangs_up_is_told_no_more(query: OscQueryServer, osc: OscServer, until: Until) -> None:
    with connect(f"ws://127.0.0.1:{query.port}/") as ws:
        ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/session/time_s"}))
        hear(ws)
        assert osc.subscribers == 1 and query.query.clients == 1
    until(lambda: osc.subscribers == 0 and query.query.clients == 0)


def test_pages_of_foreign_sites_get_nothing(get: Any, query: OscQueryServer) -> None:
    ours = f"127.0.0.1:{query.port}"
    for host in ("evil.example", f"evil.example:{query.port}", "localhost.evil.example", "", "127.0.0.1.evil.example"):
        assert get("/", Host=host)[0] == 403, host
    for origin in ("http://evil.example", "null", "http://203.0.113.5", "http://localhost.evil.example"):
        assert get("/", Host=ours, Origin=origin)[0] == 403, origin
        with pytest.raises(InvalidStatus):
            connect(f"ws://{ours}/", origin=origin)  # type: ignore[arg-type]
    for host, origin in (
        (ours, f"http://{ours}"),
        ("localhost", "http://localhost:8080"),
        ("LOCALHOST", "http://[::1]"),
    ):
        assert get("/", Host=host, Origin=origin)[0] == 200, (host, origin)


def test_other_machines_must_be_allowed(osc: OscServer) -> None:
    guard = Guard(None, osc.allowed, ["studio.local"])  # type: ignore[arg-type]

    def scope(client: str, host: str) -> dict[str, Any]:
        return {"type": "http", "client": (client, 5), "headers": [(b"host", host.encode())]}

    assert guard.may(scope("127.0.0.1", "studio.local:9101"))
    assert not guard.may(scope("192.168.1.2", "127.0.0.1"))
    ours, theirs = (b"host", b"127.0.0.1"), (b"host", b"evil.example")
    for headers in ([], [ours, theirs], [theirs, ours]):
        assert not guard.may({"type": "http", "client": ("127.0.0.1", 5), "headers": headers})
    assert not guard.may({"type": "http", "client": None, "headers": [ours]})


def test_it_can_be_mounted_in_another_app(osc: OscServer) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/space", app=OscQuery(osc).asgi(["studio.local"]))])
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    path = "/space/control/space"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"VALUE",
             "root_path": "", "headers": [(b"host", b"studio.local")], "client": ("127.0.0.1", 5), "scheme": "http",
             "server": ("127.0.0.1", 80), "http_version": "1.1"}  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200 and json.loads(sent[1]["body"]) == {"VALUE": [0.5]}


def test_a_port_in_use_is_told_plainly(osc: OscServer, query: OscQueryServer) -> None:
    with pytest.raises(OscError, match=rf"127\.0\.0\.1:{query.port} .*end the program that has this port"):
        OscQueryServer(osc, query.port).start()


def test_it_can_be_closed_twice(osc: OscServer) -> None:
    server = OscQueryServer(osc, 0)
    server.start()
    assert str(server.port) in server.words
    server.close()
    server.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_it_is_found_by_name_when_it_is_announced(osc: OscServer) -> None:
    from zeroconf import Zeroconf

    with OscQueryServer(osc, 0, announce=True, name=f"room {osc.port}") as query:
        looking = Zeroconf(interfaces=["127.0.0.1"])
        try:
            for kind, port in (("_oscjson._tcp.local.", query.port), ("_osc._udp.local.", osc.port)):
                found = looking.get_service_info(kind, f"room {osc.port}.{kind}", 10_000)
                assert found is not None and found.port == port
                assert found.parsed_addresses() == ["127.0.0.1"]
        finally:
            looking.close()
