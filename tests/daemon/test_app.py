"""The app in front of its endpoints: what is let through, and what is answered to everything else."""

from __future__ import annotations

import json
import socket

import httpx
import pytest
from pydantic import BaseModel, ConfigDict
from starlette.responses import StreamingResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from synth.api.problem import PROBLEM_MEDIA, ProblemDetails
from synth.daemon.app import application
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.outcome import find
from synth.daemon.problems import MOST_WRONG, Problem
from synth.daemon.security import Caller, Role
from tests.daemon.fakes import OpenGate, fake_house, serving

ECHO = "/api/v1/echo"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = ""


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    number: float
    inner: list[Inner] = []


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")
    times: int = 1


async def echo(house, caller, request, body):
    return body


async def times(house, caller, request, body):
    return Said(number=request.state.query.times)


async def who(house, caller, request, body):
    return Inner(text=f"{caller.name} {caller.role.name}")


async def broken(house, caller, request, body):
    raise RuntimeError("the secret words of a person")


async def stream(house, caller, request, body):
    async def parts():
        while True:
            yield b"sound"

    return StreamingResponse(parts(), media_type="audio/ogg")


async def session(house, caller, request, body):
    return Inner(text=find(house, request.path_params["session_id"]).id)


async def lost(house, caller, request, body):
    return house.sessions.get(request.path_params["session_id"])


async def talk(house, caller, websocket):
    await websocket.accept()
    while (text := await websocket.receive_text()) != "break":
        await websocket.send_text(text)
    raise RuntimeError("the secret words of a person")


async def refuse(house, caller, websocket):
    raise Problem(409, "Not now", "come back later", headers={"Retry-After": "3"})


ENDPOINTS = (
    Endpoint("POST", ECHO, echo, "Echo.", None, "test", body=Said, answer=Said, most_bytes=4096),
    Endpoint("GET", ECHO, times, "Times.", None, "test", query=Query, answer=Said),
    Endpoint("GET", "/api/v1/who", who, "Who.", Role.LISTENER, "test", answer=Inner),
    Endpoint("POST", "/api/v1/who", who, "Who.", Role.OPERATOR, "test", answer=Inner),
    Endpoint("GET", "/api/v1/broken", broken, "Breaks.", None, "test"),
    Endpoint("GET", "/api/v1/open", who, "Open.", None, "test", answer=Inner),
    Endpoint("GET", "/", who, "A page.", None, "test", answer=Inner),
    Endpoint("GET", "/api/v1/sessions/{session_id}", session, "One.", Role.LISTENER, "test", answer=Inner),
    Endpoint("GET", "/api/v1/sessions/{session_id}/lost", lost, "Lost.", Role.LISTENER, "test", answer=Inner),
    Endpoint(
        "GET", "/api/v1/sessions/{session_id}/sound", stream, "Sound.", Role.LISTENER, "test", media="audio/ogg",
        endless=True,
    ),
    Endpoint(WEBSOCKET, "/api/v1/talk", talk, "Talk.", None, "test", query=Query),
    Endpoint(WEBSOCKET, "/api/v1/refuse", refuse, "No.", None, "test"),
    Endpoint(WEBSOCKET, "/api/v1/sessions/{session_id}/talk", talk, "Talk.", Role.LISTENER, "test"),
)  # fmt: skip
CALLERS = {
    "mine": Caller(Role.LISTENER, "mine", "a listener"),
    "all": Caller(Role.OPERATOR, None, "an operator"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    house = fake_house(tmp_path_factory.mktemp("state"), gate=OpenGate(CALLERS))
    with serving(application(house, ENDPOINTS), house) as served:
        yield served


@pytest.fixture(scope="module")
def api(served):
    with httpx.Client(base_url=served.url, timeout=30.0) as client:
        yield client


def problem(answer: httpx.Response, status: int) -> ProblemDetails:
    """What was answered, which is a problem as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_MEDIA
    details = ProblemDetails.model_validate_json(answer.content, strict=True)
    assert details.status == status and details.title
    return details


def post(api, body: bytes | str, **headers: str) -> httpx.Response:
    return api.post(ECHO, content=body, headers={"Content-Type": "application/json", **headers})


def test_a_body_is_read_and_an_answer_is_json_that_nobody_keeps(api):
    answer = post(api, '{"number": 1, "inner": [{"text": "gr\\u00fc\\u00df"}]}')
    assert answer.json() == {"number": 1.0, "inner": [{"text": "grüß"}]}
    assert answer.headers["content-type"] == "application/json" and answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "send a JSON object"),
        ("   ", "send a JSON object"),
        ("{", "line 1, column 2"),
        ('{"number": 1}{', "column 14"),
        ('{"number": NaN}', "NaN is no number"),
        ('{"number": -Infinity}', "-Infinity is no number"),
        ('{"number": 1e999}', "no double has"),
        ('{"number": -1.5E+0309}', "no double has"),
        ('{"number": ' + "9" * 250 + "e99}", "no double has"),
        ('{"number": ' + "9" * 400 + ".5}", "no double has"),
        ('{"number": 1' + "0" * 3000 + "}", ""),
        ('{"number": 1, "number": 2}', "'number' is said twice"),
        ('{"number": 1, "inner": [{"text": "a", "text": "b"}]}', "'text' is said twice"),
        ("[" * 2000 + "]" * 2000, "nested too deeply"),
        (b'{"number": "\xff"}', "not UTF-8"),
        ("\ufeff{}", ""),
    ],
)
def test_what_is_no_json_is_told(api, body, says):
    details = problem(post(api, body), 422 if "0" * 3000 in str(body) else 400)
    assert says in details.detail


def test_all_that_does_not_fit_is_told_with_its_place_and_without_what_was_said(api):
    details = problem(post(api, '{"number": "secret", "inner": [{"text": 5}, {"txt": "secret"}], "x": 1}'), 422)
    assert [wrong.where for wrong in details.errors] == [
        "body.number",
        "body.inner.0.text",
        "body.inner.1.txt",
        "body.x",
    ]
    assert "secret" not in details.model_dump_json()
    assert details.detail == "4 things are wrong with the body"


@pytest.mark.parametrize("body", ["null", "5", '"x"', "[]", "true", '{"number": null}', '{"number": true}'])
def test_what_is_no_such_object_is_told(api, body):
    assert problem(post(api, body), 422).errors


def test_half_a_letter_does_not_break_the_answer(api):
    assert problem(post(api, '{"number": 1, "\\ud800": 1}'), 422).errors or True
    assert problem(post(api, '{"number": 1, "inner": [{"text": "\\udfff"}]}'), 422).errors


def test_no_more_is_told_than_anybody_reads(api):
    body = {"number": 1, **{f"{i:03d}": 0 for i in range(300)}}
    details = problem(post(api, json.dumps(body, separators=(",", ":"))), 422)
    assert len(details.errors) == MOST_WRONG and "300 things" in details.detail


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_media_type_is_refused(api, media):
    answer = post(api, '{"number": 1}', **{"Content-Type": media})
    assert problem(answer, 415) and answer.headers["accept"] == "application/json"


def test_json_is_said_in_utf_8_and_not_compressed(api):
    assert post(api, '{"number": 1}', **{"Content-Type": "Application/JSON; charset=UTF-8"}).status_code == 200
    problem(post(api, '{"number": 1}', **{"Content-Type": "application/json; charset=latin-1"}), 415)
    assert post(api, b"x", **{"Content-Encoding": "gzip"}).headers["accept-encoding"] == "identity"


def test_too_much_is_refused_whether_or_not_its_length_is_told(api):
    problem(post(api, b" " * 5000), 413)
    problem(api.post(ECHO, content=iter([b" " * 3000] * 9), headers={"Content-Type": "application/json"}), 413)
    assert post(api, b'{"number": 1' + b" " * 3000 + b"}").status_code == 200


def test_a_query_is_checked(api):
    assert api.get(ECHO, params={"times": "3"}).json()["number"] == 3.0
    assert api.get(ECHO, params={"times": "3", "ticket": "x"}).status_code == 200
    for query, where in (("times=x", "query.times"), ("time=3", "query.time"), ("times=1&times=2", "query.times")):
        assert problem(api.get(f"{ECHO}?{query}"), 422).errors[0].where == where
    assert problem(api.get("/api/v1/open?a=1"), 422).errors[0].where == "query.a"
    assert api.get("/?utm=1").status_code == 200


def test_head_is_get_without_its_body(api):
    whole, head = api.get(ECHO), api.head(ECHO)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_head_of_a_stream_ends(served, api):
    headers = {"Authorization": "Bearer all"}
    served.call(served.house.sessions.create("gentle", {}, name="mine"))
    answer = api.head("/api/v1/sessions/mine/sound", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/ogg"
    assert api.head("/api/v1/sessions/none/sound", headers=headers).status_code == 404


def test_options_and_strange_methods_tell_what_there_is(api):
    options = api.options(ECHO)
    assert options.status_code == 204 and options.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    for method in ("DELETE", "PUT", "TRACE", "PATCH"):
        answer = api.request(method, ECHO)
        assert problem(answer, 405) and answer.headers["allow"] == options.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/v1",
        "/api/v1/echo/",
        "/api/v2/echo",
        "/nowhere",
        "/api/v1/sessions/a%2Fb",
        "/api/v1/sessions/../echo/x",
    ],
)
def test_a_path_with_nothing_at_it_is_a_problem(api, path):
    assert problem(api.get(path, headers={"Authorization": "Bearer all"}), 404).title


def test_who_calls_is_asked_where_it_matters(api):
    answer = api.get("/api/v1/who")
    assert problem(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
    mine, everything = ({"Authorization": f"Bearer {token}"} for token in ("mine", "all"))
    assert api.get("/api/v1/who", headers=mine).json()["text"] == "a listener LISTENER"
    problem(api.post("/api/v1/who", headers=mine), 403)
    assert api.post("/api/v1/who", headers=everything).status_code == 200
    assert api.get("/api/v1/open").json()["text"] == "nobody LISTENER"
    problem(api.get("/api/v1/sessions/yours", headers=mine), 403)
    problem(api.get("/api/v1/sessions/none", headers=everything), 404)
    problem(api.get("/api/v1/sessions/none/lost", headers=everything), 404)


def test_a_session_that_may_still_be_taken_up_again_is_not_said_to_be_none(api, served, monkeypatch):
    monkeypatch.setattr(served.house.sessions, "taken_up", False)
    headers = {"Authorization": "Bearer all"}
    for path in ("/api/v1/sessions/none", "/api/v1/sessions/none/lost"):
        answer = api.get(path, headers=headers)
        assert problem(answer, 503) and answer.headers["retry-after"] == "1"


def test_nobody_is_asked_for_a_body_before_they_are_known(api):
    answer = api.post("/api/v1/who", content=b"{", headers={"Content-Type": "application/json"})
    assert problem(answer, 401).errors is None


def test_a_fault_is_answered_and_logged_without_what_was_said(api, caplog):
    details = problem(api.get("/api/v1/broken"), 500)
    assert "secret" not in details.model_dump_json()
    (line,) = [record for record in caplog.records if record.name == "synth.daemon.app"]
    assert line.fields["error"] == "RuntimeError" and line.fields["path"] == "/api/v1/broken"
    assert "test_app.py" in line.fields["place"] and "secret" not in caplog.text + str(vars(line))


def test_a_websocket_talks_and_its_query_is_checked(served, api):
    url = served.url.replace("http", "ws")
    with connect(f"{url}/api/v1/talk?times=2") as talk:
        talk.send("hello")
        assert talk.recv(10.0) == "hello"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url}/api/v1/talk?time=2")
    assert refused.value.response.status_code == 422
    answer = api.get("/api/v1/talk")
    assert problem(answer, 426) and answer.headers["upgrade"] == "websocket"
    assert api.options("/api/v1/talk").headers["allow"] == "GET, OPTIONS"
    problem(api.post("/api/v1/talk"), 405)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/refuse", 409), ("/nowhere", 404), ("/api/v1/echo", 404), ("/api/v1/sessions/mine/talk", 401)],
)
def test_a_websocket_that_may_not_open_gets_a_problem(served, path, status):
    with pytest.raises(InvalidStatus) as refused:
        connect(served.url.replace("http", "ws") + path)
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["content-type"] == PROBLEM_MEDIA
    assert ProblemDetails.model_validate_json(refused.value.response.body).status == status


def test_a_fault_in_a_websocket_closes_it(served, caplog):
    with connect(served.url.replace("http", "ws") + "/api/v1/talk") as talk:
        talk.send("break")
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(10.0)
    assert closed.value.rcvd.code == 1011
    (line,) = [record for record in caplog.records if record.name == "synth.daemon.app"]
    assert line.fields["error"] == "RuntimeError" and "secret" not in caplog.text + str(vars(line))


def test_whoever_leaves_amid_a_body_breaks_nothing(served, api, caplog):
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10.0) as client:
        head = f"POST {ECHO} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        client.sendall(head.encode() + b'{"number"')
    assert post(api, '{"number": 1}').status_code == 200
    assert caplog.records == []


def test_a_title_of_its_own_is_a_kind_of_its_own():
    assert Problem(404).details.type == "about:blank"
    assert Problem(409, "Name is taken").details.type == "urn:problem-type:isotone:name-is-taken"
