"""Events over real sockets: numbered, caught up on, bounded; what is personal is not in them."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from synth.api.events import KINDS, EventsAsked
from synth.daemon.app import application
from synth.daemon.config import Config
from synth.daemon.endpoints import events as endpoints
from synth.daemon.events import Event, Events, Row, follow, told
from tests.daemon.fakes import FakeSessions, Served, fake_house, serving

KEPT = 50
LATE = 20.0  # seconds that anything may take


# -- what is told of a line --------------------------------------------------------------------------------------------


def commit(**fields: Any) -> dict[str, Any]:
    line = {"type": "commit", "quantum": 1, "t_s": 1.0, "control": "key", "old": 0, "new": 1, "requested": 1}
    return {**line, "by": "plan", "reason": "the plan", "accepted": True, **fields}


@pytest.mark.parametrize(
    ("fields", "by", "reason"),
    [
        ({}, "plan", "the plan"),
        ({"by": "hand:mary", "reason": "she cries"}, "hand", "asked for"),
        ({"by": "hand", "reason": "she cries"}, "hand", "asked for"),
        ({"by": "hand:therapist", "reason": "she cries"}, "hand:therapist", "asked for"),
        ({"by": "hand:osc", "reason": "OSC /control/key from 10.1.2.3"}, "hand:osc", "OSC /control/key"),
        ({"by": "hand:midi", "reason": "knob 7"}, "hand:midi", "knob 7"),
        ({"by": "safety", "reason": "a limit"}, "safety", "a limit"),
    ],
)
def test_of_who_moved_a_control_is_told_what_is_not_personal(fields: Any, by: str, reason: str) -> None:
    data = told(commit(**fields, n=5, chain="x"))
    assert (data["by"], data["reason"], data["control"]) == (by, reason, "key")
    assert not {"type", "n", "chain"} & data.keys()


def test_neither_the_body_nor_words_of_a_person_are_in_events() -> None:
    state = {"type": "state", "t_s": 3.0, "arousal": 0.1, "confidence": 0.5, "p_elevated": 0.4, "hr_bpm": 71.0}
    data = told({**state, "rmssd_ms": 40.0, "valence": 0.3, "fits": None, "reasons": ["close to your baseline"]})
    assert data == {
        "t_s": 3.0,
        "arousal": 0.1,
        "confidence": 0.5,
        "p_elevated": 0.4,
        "reasons": ["close to your baseline"],
    }
    assert "text" not in told({"type": "incident", "t_s": 1.0, "kind": "harm", "by": "hand", "text": "it hurt"})
    refusal = told({"type": "refusal", "t_s": 1.0, "text": "self_valence 7.25: no number from -1 to 1"})
    assert "7.25" not in refusal["text"] and refusal["text"].startswith("self_valence: no number")
    assert {"samples", "feedback", "note", "scores", "session", "dose", "played", "guest"}.isdisjoint(KINDS)


# -- a row -------------------------------------------------------------------------------------------------------------


def row(count: int, most: int = 10) -> Row:
    made = Row("r", deque(maxlen=most))
    for i in range(count):
        made.add("plan" if i % 2 else "state", {"i": i + 1})
    return made


def collect(made: Row, place: int, kinds: set[str] = frozenset(), **more: Any) -> list[Event]:  # type: ignore[assignment]
    async def run() -> list[Event]:
        found: list[Event] = []
        async for batch in follow(made, place, kinds, 0.01):
            found += batch or []
        return found

    made.over = True
    return asyncio.run(run())


def test_a_row_is_read_from_any_place() -> None:
    assert [event.number for event in collect(row(5), 0)] == [1, 2, 3, 4, 5]
    assert [event.number for event in collect(row(5), 3)] == [4, 5]
    assert collect(row(5), 5) == []
    assert [event.number for event in collect(row(5), 0, {"plan"})] == [2, 4]


def test_what_is_kept_no_more_is_told_of() -> None:
    found = collect(row(25), 3)
    assert found[0].kind == "missed" and json.loads(found[0].text) == {
        "id": "r.15",
        "event": "missed",
        "data": {"missed": 12},
    }
    assert [event.number for event in found[1:]] == list(range(16, 26))


def test_who_falls_behind_is_let_go_with_a_last_word() -> None:
    async def run() -> list[str]:
        made, kinds = row(2), []
        async for batch in follow(made, 0, (), 0.01):
            kinds += [event.kind for event in batch or []]
            for i in range(30):  # while the listener was busy with what it got
                made.add("plan", {"i": i})
        return kinds

    assert asyncio.run(run()) == ["state", "plan", "slow"]


def test_all_listeners_share_what_was_written_once() -> None:
    made = row(3)
    one, other = collect(made, 0), collect(made, 0)
    assert all(a is b for a, b in zip(one, other, strict=True))
    assert one[0].sse == b'id: r.1\nevent: state\ndata: {"i":1}\n\n'


def test_kinds_that_there_are_not_are_refused() -> None:
    assert EventsAsked(types="phase,plan").kinds == {"phase", "plan"}
    assert EventsAsked().kinds == frozenset()
    with pytest.raises(ValueError, match="no kind of event called 'samples'"):
        EventsAsked(types="phase,samples")


# -- over real sockets -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("events")
    config = Config(state_dir=folder, kept_events=KEPT)
    config.limits.max_listeners = 4
    sessions = FakeSessions(config, record=False)
    return fake_house(folder, config=config, sessions=sessions, events=Events(sessions, config))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(house: Any) -> Iterator[Served]:
    with serving(application(house, endpoints.ENDPOINTS), house) as served:

        async def start() -> None:
            house.events.start()
            await house.sessions.create("settle", {"seed": 1, "minutes": 60.0}, name="s1")

        served.call(start(), 120.0)
        yield served


@pytest.fixture
def session(served: Served, house: Any) -> Iterator[Any]:
    """A session that only says what a test lets it say."""
    name = f"t{len(house.sessions.all)}"
    hosted = served.call(house.sessions.create("settle", {"seed": 2, "minutes": 60.0}, name=name), 60.0)
    until(lambda: hosted.latest.get("plan"), "no first lines")
    hosted.sound.begun_s = float("inf")  # and no more of its own
    yield hosted
    hosted.status = "finished"


def until(found: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + LATE
    while not (answer := found()):
        assert time.monotonic() < end_s, what
        time.sleep(0.01)
    return answer


class Stream:
    """An SSE client that knows the format and no more."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.comments = 0
        self.retry_ms = 0

    def next(self) -> tuple[str, str, Any]:
        """Id, kind and data of the next event; StopIteration at the end."""
        fields: dict[str, str] = {}
        end_s = time.monotonic() + LATE
        while True:
            line = next(self._lines)
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.comments += 1
                assert time.monotonic() < end_s, "nothing but heartbeats"
            elif name == "retry":
                self.retry_ms = int(value)
            elif line:
                fields[name] = value
            elif "data" in fields:
                return fields["id"], fields["event"], json.loads(fields["data"])

    def until(self, kind: str) -> tuple[str, str, Any]:
        while (event := self.next())[1] != kind:
            pass
        return event

    def rest(self) -> list[str]:
        kinds = []
        try:
            while True:
                kinds.append(self.next()[1])
        except StopIteration:
            return kinds


@pytest.fixture
def listen(served: Served) -> Iterator[Callable[..., Stream]]:
    with ExitStack() as opened:

        def open_one(name: str, query: str = "", **headers: str) -> Stream:
            client = opened.enter_context(httpx.Client(base_url=served.url, timeout=LATE))
            path = f"/api/v1/sessions/{name}/events{query}"
            return Stream(opened.enter_context(client.stream("GET", path, headers=headers)))

        yield open_one


@pytest.fixture
def socket(served: Served) -> Iterator[Callable[..., ClientConnection]]:
    with ExitStack() as opened:

        def open_one(name: str, query: str = "") -> ClientConnection:
            url = served.url.replace("http", "ws") + f"/api/v1/sessions/{name}/events{query}"
            return opened.enter_context(connect(url))

        yield open_one


def say(hosted: Any, type: str = "marker", **fields: Any) -> None:
    hosted.note({"type": type, "t_s": 1.0, "text": "x", **fields})


def test_a_stream_tells_what_is_and_what_comes(listen: Any, session: Any) -> None:
    stream = listen(session.id)
    assert stream.response.status_code == 200
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["cache-control"] == "no-store"
    first = stream.next()
    assert first[1:] == ("status", {"status": "playing"}) and stream.retry_ms == endpoints.RETRY_MS
    assert stream.until("phase")[2]["text"] and stream.until("plan")[2]["t_s"] == 0.0
    say(session, "cue", kind="breath", quantum=3)
    assert stream.until("cue")[2] == {"t_s": 1.0, "text": "x", "kind": "breath", "quantum": 3}


def test_a_real_session_tells_its_plan_each_second(listen: Any) -> None:
    stream = listen("s1", "?types=plan")
    first, second = stream.next(), stream.next()
    assert first[1] == second[1] == "plan" and second[2]["t_s"] > first[2]["t_s"]
    assert int(second[0].split(".")[1]) > int(first[0].split(".")[1])


def test_a_listener_that_comes_again_misses_nothing(listen: Any, session: Any) -> None:
    for i in range(5):
        say(session, i=i)
    stream = listen(session.id, "?types=marker")
    ids = [stream.next()[0] for _ in range(3)]
    stream.response.close()
    say(session, i=5)
    again = listen(session.id, "?types=marker", **{"Last-Event-ID": ids[-1]})
    assert [again.next()[2]["i"] for _ in range(3)] == [3, 4, 5]
    by_query = listen(session.id, f"?types=marker&after={ids[0]}")
    assert [by_query.next()[2]["i"] for _ in range(2)] == [1, 2]
    of_an_earlier_run = listen(session.id, "?types=marker", **{"Last-Event-ID": "0abc.99"})
    assert of_an_earlier_run.next()[2]["i"] == 0


def test_of_what_was_missed_the_number_is_told(listen: Any, session: Any, house: Any) -> None:
    for i in range(2 * KEPT):
        say(session, i=i)
    until(lambda: house.events.row(session).count >= 2 * KEPT, "not all came")
    stream = listen(session.id, "?types=marker")
    missed = stream.next()
    assert missed[1] == "missed" and missed[2]["missed"] == house.events.row(session).count - KEPT
    assert stream.next()[2]["i"] == KEPT


def test_silence_is_told_too(listen: Any, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "HEARTBEAT_S", 0.02)
    stream = listen(session.id, "?types=marker")
    threading.Timer(0.3, lambda: say(session)).start()
    assert stream.next()[1] == "marker" and stream.comments >= 1


def test_status_is_told_and_the_end_ends_it(listen: Any, session: Any, served: Served) -> None:
    stream = listen(session.id, "?types=status")
    assert stream.next()[2] == {"status": "playing"}
    session.status = "resuming"
    assert stream.next()[2] == {"status": "resuming"}
    session.trouble, session.status = "its worker broke\nTraceback of /somewhere/of/somebody", "failed"
    last = stream.next()
    assert last[2] == {"status": "failed", "trouble": "its worker broke"}
    assert stream.rest() == []
    answer = httpx.get(f"{served.url}/api/v1/sessions/{session.id}/events", headers={"Last-Event-ID": last[0]})
    assert answer.status_code == 204  # so that a browser does not come again


def test_the_socket_tells_the_same(socket: Any, listen: Any, session: Any) -> None:
    one, stream = socket(session.id, "?types=marker,status"), listen(session.id, "?types=marker,status")
    say(session, i=1)
    for _ in range(2):
        told_here, (number, kind, data) = json.loads(one.recv(timeout=LATE)), stream.next()
        assert told_here == {"id": number, "event": kind, "data": data}
    again = socket(session.id, f"?types=marker&after={number}")
    say(session, i=2)
    assert json.loads(again.recv(timeout=LATE))["data"]["i"] == 2
    session.status = "finished"
    assert json.loads(one.recv(timeout=LATE))["data"]["i"] == 2
    assert json.loads(one.recv(timeout=LATE))["data"] == {"status": "finished"}
    with pytest.raises(ConnectionClosed) as closed:
        one.recv(timeout=LATE)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1000


def test_strange_questions_are_refused(served: Served) -> None:
    ask = f"{served.url}/api/v1/sessions"
    assert "no kind of event" in httpx.get(f"{ask}/s1/events?types=samples").text
    assert httpx.get(f"{ask}/s1/events?after=../../etc").status_code == 422
    assert httpx.get(f"{ask}/nobody/events").status_code == 404


def test_listeners_are_counted_and_leave(listen: Any, session: Any, socket: Any, house: Any, served: Served) -> None:
    row = house.events.row(session)
    streams = [listen(session.id) for _ in range(3)]
    for stream in streams:
        stream.next()
    one = socket(session.id)
    until(lambda: row.listeners == 4, "not all listen")
    answer = httpx.get(f"{served.url}/api/v1/sessions/{session.id}/events")
    assert answer.status_code == 503 and answer.headers["retry-after"] == str(endpoints.BUSY_S)
    for stream in streams:
        stream.response.close()
    one.close()
    until(lambda: row.listeners == 0, "those who left still count")


def test_a_slow_client_holds_up_nobody_and_is_told(listen: Any, session: Any, house: Any, served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    quick = listen(session.id, "?types=marker")
    row = house.events.row(session)
    with sockets.socket() as slow:
        slow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(f"GET /api/v1/sessions/{session.id}/events?types=marker HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: row.listeners == 2, "it does not listen")
        heard = 0
        for i in range(40):  # megabytes, more than all buffers between
            for _ in range(10):
                say(session, i=i, text="x" * 20_000)
            for _ in range(10):
                assert quick.next()[2]["i"] == i
                heard += 1
        assert heard == 400 and len(row.kept) == KEPT
        slow.settimeout(LATE)
        received = b""
        while chunk := slow.recv(1 << 20):
            received += chunk
            if b"event: slow" in received and received.endswith(b"0\r\n\r\n"):
                break
    assert b"event: slow" in received
    until(lambda: row.listeners == 1, "it is still there")


def test_who_takes_nothing_at_all_is_let_go(session: Any, house: Any, served: Served, monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoints, "SEND_S", 0.2)
    host, port = served.url.removeprefix("http://").split(":")
    row = house.events.row(session)
    with sockets.socket() as stalled:
        stalled.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        stalled.connect((host, int(port)))
        stalled.sendall(f"GET /api/v1/sessions/{session.id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: row.listeners == 1, "it does not listen")

        def gone() -> bool:
            say(session, text="x" * 100_000)
            return row.listeners == 0

        until(gone, "it is still there")
        assert row.listeners == 0
