"""Signals over real sockets into real sessions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from synth.daemon.app import application
from synth.daemon.config import Config
from synth.daemon.endpoints import signals as endpoints
from synth.daemon.events import Events
from synth.daemon.ingest import Ingest
from synth.daemon.ingest.channels import UnknownName
from tests.daemon.fakes import FakeSessions, Served, fake_house, serving


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ingest")
    config = Config(state_dir=folder)
    sessions = FakeSessions(config)
    ingest = Ingest(sessions, config)  # type: ignore[arg-type]
    return fake_house(folder, config=config, sessions=sessions, ingest=ingest, events=Events(sessions, config))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(house: Any) -> Iterator[Served]:
    with serving(application(house, endpoints.ENDPOINTS), house) as served:

        async def start() -> None:
            house.ingest.start()
            await house.sessions.create("settle", {"seed": 1, "minutes": 60.0}, name="s1")
            await house.sessions.create("settle", {"seed": 2, "minutes": 60.0}, name="s2")

        served.call(start(), 120.0)
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{served.url}/api/v1/sessions", timeout=30.0) as client:
        yield client


def until(found: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + 20.0
    while not (answer := found()):
        assert time.monotonic() < end_s, what
        time.sleep(0.02)
    return answer


def of_samples(house: Any, name: str, channel: str) -> list[float]:
    lines = list(house.sessions.all[name].lines)
    return [v for line in lines if line["type"] == "samples" and line["channel"] == channel for v in line["value"]]


def test_a_sample_is_in_the_record_a_second_later(client: httpx.Client, house: Any) -> None:
    answer = client.post("/s1/signals", json={"channel": "heart_rate", "value": 71.5, "quality": 0.9})
    assert answer.status_code == 202
    told = answer.json()
    assert told["outcome"] == "accepted" and told["runs"][0]["channel"] == "heart_rate" and told["late"] == 0
    until(lambda: 71.5 in of_samples(house, "s1", "hr"), "the sample did not reach the record")


def test_a_batch_of_two_hundred_runs_arrives_whole_and_in_order(client: httpx.Client, house: Any) -> None:
    runs = [{"channel": "eda", "value": [1.0 + i / 1000, 1.0005 + i / 1000]} for i in range(200)]
    told = client.post("/s1/signals/batch", json={"runs": runs}).json()
    assert told["accepted"] == 400 and len(told["runs"]) == 200
    wanted = [value for run in runs for value in run["value"]]  # type: ignore[attr-defined]
    until(lambda: len(of_samples(house, "s1", "eda")) >= 400, "not all reached the record")
    assert of_samples(house, "s1", "eda") == wanted


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"channel": "hrv", "value": 40.0}, 422, "beat intervals"),
        ({"channel": "hr", "value": 900.0}, 422, "30 to 220"),
        ({"channel": "hr", "value": None}, 422, "without a value"),
        ({"channel": "hr", "value": 70.0, "t_s": 1.0, "at": "2026-01-01T00:00:00Z"}, 422, "not both"),
        ({"channel": "hr", "value": [70.0, 71.0], "t_s": [1.0]}, 422, "t_s holds 1, value 2"),
        ({"channel": "hr", "value": 70.0, "at": "2026-01-01T00:00:00"}, 422, "timezone"),
        ({"channel": "hr", "value": 70.0, "at": "2001-01-01T00:00:00Z"}, 422, "behind the session"),
        ({"channel": "hr", "value": "70"}, 422, "body.value"),
        ({"channel": "hr", "value": 70.0, "user_id": "me"}, 422, "user_id"),
        ({"channel": "hr", "value": 70.0, "quality": 2.0}, 422, "less than or equal to 1"),
    ],
)
def test_what_is_not_taken_is_told_with_what_to_do(
    client: httpx.Client, body: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/s2/signals", json=body)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text


def test_a_batch_that_is_partly_right_is_taken_so_far(client: httpx.Client) -> None:
    runs = [{"channel": "hr", "value": 70.0}, {"channel": "mood ring", "value": 1.0}]
    answer = client.post("/s2/signals/batch", json={"runs": runs})
    assert answer.status_code == 202 and answer.json()["outcome"] == "partly"
    assert answer.json()["runs"][1]["reasons"][0].startswith("no channel called 'mood ring'")
    many = {"runs": [{"channel": "hr", "value": [70.0] * 10_001}] * 2}
    assert client.post("/s2/signals/batch", json=many).status_code == 422
    assert client.post("/nobody/signals", json={"channel": "hr", "value": 70.0}).status_code == 404


def test_what_became_of_them_can_be_asked(client: httpx.Client) -> None:
    before = client.get("/s2/signals").json()
    client.post("/s2/signals", json={"channel": "hr", "value": [70.0, 1.0]})
    after = client.get("/s2/signals").json()
    assert after["accepted"] == before["accepted"] + 1 and after["refused"] == before["refused"] + 1
    last = after["last"][-1]
    assert (last["channel"], last["outcome"], last["reason"], last["by"]) == ("hr", "refused", "out_of_range", "http")
    assert after["room"] > 0 and after["channels"]["hr"] >= 1


def test_a_full_queue_is_429_with_when_to_come_again(client: httpx.Client, house: Any) -> None:
    hosted = house.sessions.all["s2"]
    hosted.status = "resuming"
    try:
        big = {"channel": "bvp", "value": [1.0] * 15_000}
        assert client.post("/s2/signals", json=big).status_code == 202
        answer = client.post("/s2/signals", json=big)
        assert answer.status_code == 429 and answer.headers["retry-after"] == "2"
        assert client.post("/s1/signals", json=big).status_code == 202  # another session's way is free
    finally:
        hosted.status = "playing"
    until(lambda: client.get("/s2/signals").json()["waiting"] == 0, "what waited was not handed over")
    until(lambda: len(of_samples(house, "s2", "bvp")) == 15_000, "it did not reach the record")


@pytest.fixture
def socket(served: Served) -> Iterator[Callable[..., ClientConnection]]:
    with ExitStack() as opened:

        def open_one(name: str = "s1", query: str = "") -> ClientConnection:
            url = served.url.replace("http", "ws") + f"/api/v1/sessions/{name}/signals{query}"
            return opened.enter_context(connect(url))

        yield open_one


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=20.0))


def test_each_message_over_the_socket_is_answered_by_its_number(socket: Any, house: Any) -> None:
    one = socket()
    assert json.loads(one.recv(timeout=20.0)) == {"hello": "signals", "last_seq": None}
    answer = ask(one, {"seq": 41, "signal": {"channel": "temp", "value": 33.5}})
    assert (answer["seq"], answer["outcome"], answer["taken"]["accepted"]) == (41, "accepted", 1)
    answer = ask(one, {"seq": 42, "runs": [{"channel": "temp", "value": 33.6}, {"channel": "temp", "value": 99.0}]})
    assert answer["outcome"] == "partly" and "10 to 45" in answer["taken"]["runs"][1]["reasons"][0]
    assert ask(one, {"signal": {"channel": "temp", "value": 1.0}})["outcome"] == "refused"
    until(lambda: of_samples(house, "s1", "temp") == [33.5, 33.6], "not in the record")


def test_junk_over_the_socket_is_answered_and_in_the_end_closed(socket: Any) -> None:
    one = socket()
    one.recv(timeout=20.0)
    junk: list[Any] = [
        "{",
        b"\xff\xfe",
        '{"seq":1}',
        '{"signal":{"channel":"hr","value":NaN}}',
        "[]",
        "null",
        {"seq": -1},
    ]
    for message in junk:
        assert ask(one, message)["outcome"] == "malformed"
    assert ask(one, {"signal": {"channel": "hr", "value": 70.0}})["outcome"] == "accepted"
    for _ in range(endpoints.MOST_MALFORMED - len(junk)):
        ask(one, "junk")
    with pytest.raises(Exception, match="1008"):
        one.recv(timeout=20.0)


def test_a_stream_goes_on_over_connections_and_counts_each_message_once(socket: Any, house: Any) -> None:
    first = socket("s1", "?stream=belt")
    assert json.loads(first.recv(timeout=20.0))["last_seq"] is None
    for seq in range(5):
        assert ask(first, {"seq": seq, "signal": {"channel": "resp", "value": float(seq)}})["outcome"] == "accepted"
    assert ask(first, {"signal": {"channel": "resp", "value": 9.0}})["outcome"] == "malformed"
    first.close()
    second = socket("s1", "?stream=belt")
    assert json.loads(second.recv(timeout=20.0))["last_seq"] == 4
    outcomes = [ask(second, {"seq": s, "signal": {"channel": "resp", "value": float(s)}})["outcome"] for s in (3, 4, 5)]
    assert outcomes == ["repeated", "repeated", "accepted"]
    until(lambda: of_samples(house, "s1", "resp") == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "not each once")


def test_of_a_stream_nothing_overtakes_what_found_no_room(socket: Any, house: Any) -> None:
    one = socket("s2", "?stream=b")
    one.recv(timeout=20.0)
    hosted = house.sessions.all["s2"]
    hosted.status = "resuming"
    try:
        assert ask(one, {"seq": 1, "signal": {"channel": "resp", "value": [0.5] * 19_000}})["outcome"] == "accepted"
        busy = ask(one, {"seq": 2, "signal": {"channel": "resp", "value": [1.0] * 2000}})
        assert busy["outcome"] == "busy" and busy["retry_after_s"] == 2.0
        assert ask(one, {"seq": 3, "signal": {"channel": "resp", "value": 2.0}})["outcome"] == "busy"
    finally:
        hosted.status = "playing"
    until(lambda: not house.ingest.report(hosted).waiting, "what waited was not handed over")
    assert ask(one, {"seq": 2, "signal": {"channel": "resp", "value": [1.0] * 2000}})["outcome"] == "accepted"
    assert ask(one, {"seq": 3, "signal": {"channel": "resp", "value": 2.0}})["outcome"] == "accepted"


def test_a_session_that_ends_says_so_and_closes(client: httpx.Client, served: Served, house: Any, socket: Any) -> None:
    served.call(house.sessions.create("settle", {"seed": 3, "minutes": 60.0}, name="short"))
    one = socket("short")
    one.recv(timeout=20.0)
    house.sessions.all["short"].status = "finished"
    assert ask(one, {"seq": 1, "signal": {"channel": "hr", "value": 70.0}})["outcome"] == "over"
    with pytest.raises(Exception, match="1000"):
        one.recv(timeout=20.0)
    assert client.post("/short/signals", json={"channel": "hr", "value": 70.0}).status_code == 409


def test_samples_over_osc_go_the_same_way(served: Served, house: Any) -> None:
    house.ingest.feed("s1", "acc", [0.9, 1.1], "osc")
    house.ingest.feed("nobody", "acc", 0.9, "osc")
    with pytest.raises(UnknownName):
        house.ingest.feed("s1", "hrv", 1.0, "osc")
    until(lambda: of_samples(house, "s1", "acc") == [0.9, 1.1], "not in the record")
    assert np.isfinite(house.ingest.report(house.sessions.all["s1"]).last[-1].t_s)
