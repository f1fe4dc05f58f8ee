"""Every session's OSC addresses on one real socket, and its OSCQuery behind the sign-in."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Mount
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from synth.control.osc import OscError
from synth.controls import CONTROLS
from synth.daemon.app import application
from synth.daemon.config import Config
from synth.daemon.ingest import Ingest
from synth.daemon.osc import OscHub, query_app
from synth.daemon.security import Caller, Role
from synth.wire.osc import Message, bundle, decode, encode
from tests.control.osc.client import Client
from tests.daemon.asking import until
from tests.daemon.fakes import FakeSessions, OpenGate, Served, fake_house, serving

CALLERS = {
    "listener-one": Caller(Role.LISTENER, "one", "l"),
    "therapist-one": Caller(Role.THERAPIST, "one", "t"),
    "therapist": Caller(Role.THERAPIST, None, "t"),
}
LATE = 20.0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    config = Config(state_dir=tmp_path_factory.mktemp("osc"), osc_port=0)
    sessions = FakeSessions(config, record=False)
    ingest = Ingest(sessions, config)  # type: ignore[arg-type]
    return fake_house(config.state_dir, config=config, sessions=sessions, ingest=ingest, gate=OpenGate(CALLERS))


@pytest.fixture(scope="module")
def hub(house: Any) -> Iterator[OscHub]:
    hub = OscHub(house.sessions, house.config, house.ingest)
    hub.start()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def served(house: Any, hub: OscHub) -> Iterator[Served]:
    mount = Mount("/osc/{session_id}", query_app(house, hub))
    with serving(application(house, (), [mount]), house) as served:

        async def start() -> None:
            house.ingest.start()
            for seed, name in enumerate(("one", "two", "three")):
                await house.sessions.create("settle", {"seed": seed, "minutes": 60.0}, name=name)

        served.call(start(), 120.0)
        yield served


@pytest.fixture
def client(hub: OscHub, served: Served) -> Iterator[Client]:
    assert hub.port
    client = Client(hub.port)
    yield client
    client.socket.close()


def lines(house: Any, name: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in list(house.sessions.all[name].lines) if line["type"] == kind]


def moved(house: Any, name: str, control: str) -> list[float]:
    return [
        line["requested"]
        for line in lines(house, name, "commit")
        if line["control"] == control and line["by"] == "hand:osc"
    ]


def test_each_session_has_the_whole_tree_below_its_own_address(client: Client, house: Any) -> None:
    assert client.ask("/session/one/session/preset") == ("settle",)
    for row in CONTROLS:
        assert len(client.ask(f"/session/two{row.osc}")) == 1
    client.say("/session/one/control/brightness_oct", 0.5)
    client.say("/session/two/control/brightness_oct", -0.5)
    until(lambda: moved(house, "one", "brightness_oct") and moved(house, "two", "brightness_oct"))
    assert moved(house, "one", "brightness_oct") == [0.5] and moved(house, "two", "brightness_oct") == [-0.5]
    assert moved(house, "three", "brightness_oct") == []


def test_the_sessions_are_listed(client: Client) -> None:
    told = client.ask("/sessions")
    assert told[:9] == ("one", "settle", "playing", "two", "settle", "playing", "three", "settle", "playing")
    client.say("/ping", 7)
    assert client.hear()[1:3] == ("/pong", (7,))
    client.say("/session/two/ping", 8)
    assert client.hear()[1:3] == ("/session/two/pong", (8,))


@pytest.mark.parametrize(
    ("address", "answered", "about", "words"),
    [
        ("/session/nobody/control/key", "/error", "/session/nobody/control/key", "no such session"),
        ("/session/no*/control/key", "/error", "/session/no*/control/key", "no such session"),
        ("/control/key", "/error", "/control/key", "sessions are at /session/<id>"),
        ("/session", "/error", "/session", "sessions are at"),
        ("/session/one", "/session/one/error", "/", "no such address"),
        ("/session/one/controls/key", "/session/one/error", "/controls/key", "no such address"),
        (
            "/session/one/transport/play",
            "/session/one/error",
            "/transport/play",
            'POST /api/v1/sessions {"preset": "settle"}',
        ),
        ("/session/one/feed/hrv", "/session/one/error", "/feed/hrv", "beat intervals"),
    ],
)
def test_what_there_is_not_is_answered(client: Client, address: str, answered: str, about: str, words: str) -> None:
    client.say(address, *([40.0] if "feed" in address else []))
    message = client.hear()
    assert message.address == answered and message.args[0] == about and words in str(message.args[1])


def test_a_subscriber_is_told_by_whole_addresses(client: Client, house: Any) -> None:
    client.say("/session/two/subscribe", "/control/space", 50.0)
    assert client.hear().address == "/session/two/control/space"
    house.sessions.all["two"].hands.request("space", 0.875, "hand:midi")
    house.sessions.all["one"].hands.request("space", 0.25, "hand:midi")
    addresses = set()
    while True:
        message = client.hear()
        addresses.add(message.address)
        if message.args == (0.875,):
            break
    assert addresses == {"/session/two/control/space"}
    client.say("/session/two/unsubscribe")


def test_a_pattern_means_many_sessions_but_presses_nothing_by_itself(client: Client, house: Any) -> None:
    client.say("/session/{one,three}/control/key")
    assert {client.hear().address, client.hear().address} == {"/session/one/control/key", "/session/three/control/key"}
    client.say("/session/*/verb/like")  # asks, of what cannot be asked
    client.say("/session/t*/verb/less", 1)
    until(lambda: lines(house, "two", "verb") and lines(house, "three", "verb"))
    assert [line["verb"] for name in ("two", "three") for line in lines(house, name, "verb")] == ["less", "less"]
    assert lines(house, "one", "verb") == []


def test_what_a_bundle_holds_for_a_session_is_done_together(client: Client, house: Any) -> None:
    elements = [
        encode("/session/one/control/motion", (0.25,)), encode("/session/three/control/motion", (0.75,)),
        encode("/session/one/control/density_hz", (1.5,)), encode("/nowhere", (1,)),
    ]  # fmt: skip
    client.socket.sendto(bundle(elements, time.time() + 0.1), client.to)
    assert client.hear().address == "/error"
    until(lambda: moved(house, "one", "density_hz") and moved(house, "three", "motion"))
    found = [line for line in lines(house, "one", "commit") if line["control"] in ("motion", "density_hz")]
    found = [line for line in found if line["by"] == "hand:osc"]
    assert [line["control"] for line in found] == ["motion", "density_hz"] and found[0]["quantum"] == found[1][
        "quantum"
    ]


def test_oscsend_speaks(client: Client, house: Any) -> None:
    port = str(client.to[1])
    for told in (["/session/three/control/tempo_bpm", "f", "60.5"], ["/session/three/stem/pad/mute", "i", "1"]):
        subprocess.run(["oscsend", "127.0.0.1", port, *told], check=True, timeout=20)
    until(lambda: moved(house, "three", "tempo_bpm") == [60.5] and moved(house, "three", "level_pad_db") == [-60.0])


def test_who_plays_a_session_is_with_it(client: Client, house: Any) -> None:
    company = house.sessions.all["three"].company
    until(lambda: company.gone_s > 0.2)
    client.ask("/session/three/control/key")
    assert company.gone_s < 0.2


def test_samples_go_by_the_ingest(client: Client, house: Any) -> None:
    client.say("/session/one/feed/hr", 71.25)
    until(lambda: any(line["value"] == [71.25] for line in lines(house, "one", "samples")))
    report = house.ingest.report(house.sessions.all["one"])
    assert report.channels == {"hr": 1} and report.last[0].by == "osc"


def test_two_threads_serve_all(hub: OscHub, client: Client) -> None:
    client.ask("/session/one/control/key"), client.ask("/session/three/control/key")
    assert sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("OSC")) == [
        "OSC desk",
        "OSC in",
    ]


def test_junk_and_bursts_disturb_nothing(hub: OscHub, client: Client, house: Any) -> None:
    for packet in (
        b"",
        b"\0",
        b"#bundle\0",
        b"/session/" + b"\xff" * 3000,
        encode("/session/one/" + "x" * 9000),
        b"/" * 60_000,
    ):
        client.socket.sendto(packet, client.to)
    for i in range(2000):
        client.say("/session/two/control/density_hz", 1.0 + i / 2000)
    until(lambda: moved(house, "two", "density_hz")[-1:] == [pytest.approx(1.0 + 1999 / 2000)])
    client.socket.setblocking(False)
    try:
        while True:
            client.socket.recv(65535)
    except BlockingIOError:
        client.socket.settimeout(LATE)
    until(lambda: client.ask("/session/two/session/finished") == (0,))
    assert hub.troubles["messages that asked for what there is not"] >= 1


def test_a_desk_goes_with_its_session(hub: OscHub, client: Client, house: Any, served: Served) -> None:
    hosted = served.call(house.sessions.create("settle", {"seed": 9, "minutes": 60.0}, name="gone"))
    assert client.ask("/session/gone/session/finished") == (0,)
    assert "gone" in hub._spaces
    hosted.status = "finished"
    del house.sessions.all["gone"]
    hub._sweep_s = 0.0
    client.say("/ping")
    client.hear()
    until(lambda: "gone" not in hub._spaces)
    client.say("/session/gone/control/key")
    assert client.hear().address == "/error"


def test_off_loopback_it_is_told_who_may_send(house: Any) -> None:
    def host(**told: Any) -> str:
        return OscHub(house.sessions, Config(osc_port=0, **told), house.ingest).exchange.host

    assert host() == host(host="0.0.0.0") == "127.0.0.1"
    assert host(osc_allow=("192.0.2.0/24",)) == "0.0.0.0"
    assert host(osc_allow=("192.0.2.0/24",), host="192.0.2.7") == "192.0.2.7"
    with pytest.raises(OscError, match="is no network"):
        host(osc_allow=("room 4",))
    off = OscHub(house.sessions, Config(), house.ingest)
    off.start()
    assert off.port is None
    off.close()


# -- OSCQuery ----------------------------------------------------------------------------------------------------------


def get(served: Served, path: str, token: str = "listener-one") -> httpx.Response:
    return httpx.get(f"{served.url}/osc{path}", headers={"Authorization": f"Bearer {token}"}, timeout=LATE)


def test_oscquery_tells_of_a_session_by_its_whole_addresses(served: Served, hub: OscHub) -> None:
    tree = get(served, "/one/").json()
    controls = tree["CONTENTS"]["session"]["CONTENTS"]["one"]["CONTENTS"]["control"]["CONTENTS"]
    assert list(controls) == [row.name for row in CONTROLS]
    assert controls["key"]["FULL_PATH"] == "/session/one/control/key"
    transport = tree["CONTENTS"]["session"]["CONTENTS"]["one"]["CONTENTS"]["transport"]["CONTENTS"]
    assert list(transport) == ["stop", "panic"]  # none begins again, so there is no play
    assert get(served, "/one/session/one/transport/play").status_code == 404
    assert get(served, "/one/session/one/control/space?VALUE").json()["VALUE"]
    info = get(served, "/one/?HOST_INFO").json()
    assert info["OSC_PORT"] == hub.port and info["OSC_IP"] == "127.0.0.1"
    assert get(served, "/one/session/two/control/key").status_code == 404


def test_oscquery_is_behind_the_sign_in(served: Served) -> None:
    assert httpx.get(f"{served.url}/osc/one/").status_code == 401
    assert get(served, "/two/").status_code == 403
    assert get(served, "/two/", "therapist").status_code == 200
    assert get(served, "/nobody/", "therapist").status_code == 404
    url = served.url.replace("http", "ws") + "/osc/one/"
    for token, status in (("listener-one", 403), ("nobody", 401)):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(url, additional_headers={"Authorization": f"Bearer {token}"}),
        ):
            pass
        assert refused.value.response.status_code == status


def test_oscquerys_socket_reaches_its_own_session_only(served: Served, house: Any) -> None:
    url = served.url.replace("http", "ws") + "/osc/one/"
    with connect(url, additional_headers={"Authorization": "Bearer therapist-one"}) as ws:

        def hear() -> Message:
            packet = ws.recv(timeout=LATE)
            assert isinstance(packet, bytes)
            ((message,), _) = decode(packet)
            return message

        ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/session/one/control/attack_ms"}))
        assert hear().address == "/session/one/control/attack_ms"
        ws.send(encode("/session/one/control/space", (0.5,)))
        until(lambda: moved(house, "one", "space"))
        ws.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/session/one/control/attack_ms"}))
        for address in ("/session/two/transport/panic", "/session/*/control/space", "/sessions"):
            ws.send(encode(address, (0.25,)))
        assert hear().args[0] == "/session/two/transport/panic"
        assert hear().args[0] == "/sessions"
        until(lambda: len(moved(house, "one", "space")) == 2)
    assert lines(house, "two", "panic") == [] and moved(house, "two", "space") == []
