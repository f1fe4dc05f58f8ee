"""Sessions that end when everybody has left them, and those that go on."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from synth.daemon.app import application
from synth.daemon.audio import Listeners
from synth.daemon.company import Abandoned
from synth.daemon.config import Config
from synth.daemon.endpoints import events, listen, sessions
from synth.daemon.events import Events
from tests.daemon.asking import ALL, until
from tests.daemon.fakes import FakeSessions, Served, fake_house, serving
from tests.daemon.running import running

AFTER_S = 1.5


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    config = Config(state_dir=tmp_path_factory.mktemp("company"), sessions_abandoned_after_s=AFTER_S)
    made = FakeSessions(config, record=False)
    house = fake_house(
        config.state_dir,
        config=config,
        sessions=made,
        events=Events(made, config),  # type: ignore[arg-type]
        listeners=Listeners(config, made),  # type: ignore[arg-type]
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        house.events.start()
        leave = made.ticking(Abandoned(made, config).look)  # type: ignore[arg-type]
        yield
        leave()
        house.events.stop()

    endpoints = (*sessions.ENDPOINTS, *events.ENDPOINTS, *listen.ENDPOINTS)
    with serving(application(house, endpoints, lifespan=lifespan), house) as served:
        yield served


def begin(served: Served, name: str, **asked: Any) -> Any:
    answer = httpx.post(served.url + ALL, json={"preset": "settle", "name": name, **asked}, timeout=60.0)
    assert answer.status_code == 201, answer.text
    return served.house.sessions.get(name)


def is_stopped(hosted: Any) -> bool:
    return any(line["type"] == "stop" for line in hosted.lines)


def test_only_who_is_left_ends_and_only_where_that_was_asked_for(served: Served) -> None:
    by_api = begin(served, "by-api")
    mine = {name: begin(served, name, end_when_left=True) for name in ("heard", "followed", "asked", "left")}
    here = served.url + ALL
    socket = here.replace("http", "ws", 1)
    with (
        connect(f"{socket}/heard/audio", max_queue=None) as heard,
        httpx.stream("GET", f"{here}/followed/events") as followed,
    ):
        assert json.loads(heard.recv(20.0))["type"] == "hello" and followed.status_code == 200

        def ended() -> bool:
            httpx.get(f"{here}/asked")
            return is_stopped(mine["left"])

        until(ended)
        until(lambda: by_api.company.gone_s > 1.2 * AFTER_S and not httpx.get(f"{here}/asked").is_error)
        assert [name for name, hosted in mine.items() if is_stopped(hosted)] == ["left"]
    until(lambda: all(map(is_stopped, mine.values())))
    assert not is_stopped(by_api) and by_api.status == "playing"


def test_who_comes_back_in_time_goes_on_and_zero_is_never(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.house.config, "sessions_abandoned_after_s", 0.0)
    hosted = begin(served, "kept", end_when_left=True)
    until(lambda: hosted.company.gone_s > 1.2 * AFTER_S)
    assert not is_stopped(hosted)
    with connect(f"{served.url.replace('http', 'ws', 1)}{ALL}/kept/audio", max_queue=None) as back:
        back.recv(20.0)
        monkeypatch.undo()
        assert hosted.company.gone_s == 0.0
    assert hosted.company.gone_s < AFTER_S and not is_stopped(hosted)
    until(lambda: is_stopped(hosted))


def test_the_record_tells_why_also_after_the_service_was_killed(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        daemon.ready()
        for name, is_page in (("page", True), ("app", False)):
            asked = {"preset": "settle", "name": name, "end_when_left": is_page}
            assert daemon.ask("POST", ALL, json=asked).status_code == 201
        daemon.signal(signal.SIGKILL)
        daemon.wait()
    with running(tmp_path, ISOTONE_SESSIONS__ABANDONED_AFTER_S="0.5") as daemon:
        assert daemon.event("session was left by everybody")["session"] == "page"
        until(lambda: _stops(tmp_path, "page") == ["everybody had left 0.5 s before: the music faded out"])
        assert daemon.ask("GET", f"{ALL}/app").json()["status"] == "playing"
    assert _stops(tmp_path, "app") == []


def _stops(folder: Path, name: str) -> list[str | None]:
    """What the record of a session says of its stops."""
    told = (folder / "state" / "sessions" / name / "session.jsonl").read_text()
    lines = [json.loads(line) for line in told.splitlines(keepends=True) if line.endswith("\n")]
    return [line.get("text") for line in lines if line["type"] == "stop"]
