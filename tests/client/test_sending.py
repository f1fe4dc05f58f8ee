"""How calls are sent: again where that is safe, never where it is not, waiting where the daemon says so."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from synth.client import ApiError, Client, Unreachable
from synth.client.calls import Call
from tests.daemon.fakes import Served, serving

Answer = Callable[[Scope, Receive, Send], Awaitable[None]]


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
        told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": b"" if body is None else json.dumps(body).encode()})

    return send_it


async def cut(scope: Scope, receive: Receive, send: Send) -> None:
    """The connection breaks in the middle of the answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError


class Script:
    """A server that answers as it is told, one after the other, and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.came: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            body = b""
            while (message := await receive()).get("more_body") or message.get("body"):
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            told = {"method": scope["method"], "path": scope["path"], "headers": headers, "body": body}
            self.came.append({**told, "query": scope["query_string"].decode()})
            await self.answers.pop(0)(scope, receive, send)


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def served(script: Script) -> Iterator[Served]:
    with serving(script) as served:
        yield served


@pytest.fixture
def client(script: Script, served: Served) -> Iterator[Client]:
    script.came.clear()
    script.answers.clear()
    with Client(served.url, patience_s=5.0) as client:
        yield client


PRESETS = answer(200, {"presets": []})
DONE = answer(200, {"asked": "more", "done": True})


def test_what_may_be_done_twice_is_sent_again(client: Client, script: Script) -> None:
    script.answers = [cut, cut, PRESETS]
    assert client.presets() == [] and len(script.came) == 3


def test_what_may_not_is_sent_once(client: Client, script: Script) -> None:
    script.answers = [cut, DONE]
    with pytest.raises(Unreachable, match="does not answer"):
        client.sessions.get("ann").verb("more")
    assert len(script.came) == 1


def test_a_render_is_sent_again_with_the_same_key(client: Client, script: Script) -> None:
    view = {"id": f"r-{'0' * 24}", "status": "queued", "progress": 0, "seconds": 0, "total_s": 0, "words": "waiting"}
    more = {"begun": 0, "created": "", "started": None, "ended": None, "formats": [], "exports": [], "href": "/x"}
    script.answers = [cut, answer(202, {**view, **more})]
    assert client.renders.create(preset="settle").view.status == "queued"
    keys = [one["headers"]["idempotency-key"] for one in script.came]
    assert len(keys) == 2 and keys[0] == keys[1]
    assert json.loads(script.came[0]["body"]) == {"preset": "settle"}


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_it_is_told(client: Client, script: Script, status: int) -> None:
    script.answers = [answer(status, retry_after="1"), DONE]
    begun_s = time.monotonic()
    assert client.sessions.get("ann").verb("more").done  # nothing had been done yet, so a verb may be sent again
    assert time.monotonic() - begun_s >= 1.0 and len(script.came) == 2


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (503, {"retry_after": "600"}), (500, {"retry_after": "1"}), (409, {})]
)
def test_it_does_not_wait_otherwise(client: Client, script: Script, status: int, headers: dict[str, str]) -> None:
    problem = {"title": "No room", "status": status, "detail": "stop one", "errors": [{"where": "body.x", "what": "y"}]}
    script.answers = [answer(status, problem, **headers), PRESETS]
    with pytest.raises(ApiError, match=f"{status} No room: stop one; body.x: y") as caught:
        client.presets()
    assert len(script.came) == 1 and caught.value.status == status and caught.value.errors[0].where == "body.x"


def test_an_answer_that_is_no_problem_is_told_too(client: Client, script: Script) -> None:
    script.answers = [answer(502, "a proxy's own words")]
    with pytest.raises(ApiError, match="502 Bad Gateway: .*a proxy's own words"):
        client.presets()


def test_a_daemon_that_is_not_there(served: Served) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(Unreachable, match="does the daemon run there"):
        client.presets()


def test_what_is_asked_wrongly_is_told_before_it_is_sent(client: Client, script: Script) -> None:
    with pytest.raises(ValueError, match="minutes"):
        client.sessions.create(minutes=-1)
    with pytest.raises(TypeError, match="not both"):
        client.renders.create(__import__("synth.api.renders", fromlist=["NewRender"]).NewRender(goal="settle"), seed=1)
    assert not script.came


def test_a_query_is_added(client: Client, script: Script) -> None:
    script.answers = [answer(200, {"sessions": []})]
    assert client.sessions.list("playing", 3) == []
    assert script.came[0]["query"] == "status=playing&limit=3"


def stream(*events: str, status: int = 200, breaks: bool = True) -> Answer:
    async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for event in events:
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        if breaks:
            raise ConnectionResetError
        await send({"type": "http.response.body", "body": b""})

    return send_it


def test_events_go_on_where_they_broke_off(client: Client, script: Script) -> None:
    script.answers = [
        stream("retry: 10\n\n", "id: 7\nevent: phase\nda", 'ta: {"text":\ndata: "one"}\n\n', "id: 8\nevent: pl"),
        stream(": still there\n\n", 'id: 8\nevent: plan\ndata: {"text":"two"}\r\n\r\n', breaks=False),
        answer(503, retry_after="0"),
        answer(204),
    ]
    heard = list(client.sessions.get("ann").events("phase", "plan"))
    assert [(event.id, event.event, event.data["text"]) for event in heard] == [
        ("7", "phase", "one"),
        ("8", "plan", "two"),
    ]
    assert [one["headers"].get("last-event-id") for one in script.came] == [None, "7", "8", "8"]
    assert {one["query"] for one in script.came} == {"types=phase%2Cplan"}


def test_events_that_are_refused_are_an_error(client: Client, script: Script) -> None:
    script.answers = [answer(404, {"title": "No such session", "status": 404, "detail": "gone"})]
    with pytest.raises(ApiError, match="404 No such session"):
        next(iter(client.sessions.get("ann").events()))


def test_a_stream_that_breaks_again_and_again_is_given_up(client: Client, script: Script) -> None:
    script.answers = [stream("retry: 1\n\n"), *([stream()] * 20)]
    with pytest.raises(Unreachable):
        next(iter(client.sessions.get("ann").events()))


def test_a_call_of_ones_own(client: Client, script: Script) -> None:
    script.answers = [answer(200, {"name": "isotone"})]
    version = client.call(Call("GET", "/api/v1/version", lambda response: response.json()["name"]))
    assert version == "isotone"
