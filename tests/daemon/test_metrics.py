"""Figures for Prometheus: counted as things happen, looked up when somebody asks, read by its own parser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from synth.daemon.app import application
from synth.daemon.audio import Counts
from synth.daemon.endpoints.service import ENDPOINTS
from synth.daemon.health import missing, sound, standing
from synth.daemon.metrics import Metrics
from synth.daemon.security import Caller, Role
from tests.daemon.asking import until
from tests.daemon.fakes import OpenGate, Served, fake_house, serving


def figures(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name with its labels."""
    text, _ = metrics.text()
    samples = (sample for family in families(text.decode()) for sample in family.samples)
    return {_named(sample.name, sample.labels): sample.value for sample in samples}


def _named(name: str, labels: dict[str, str]) -> str:
    told = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{told}}}" if told else name


class Heard:
    """A session that tells lines when it is told to."""

    def __init__(self, status: str = "playing") -> None:
        self.status = status
        self.heard: list[Callable[[dict[str, Any]], None]] = []

    def follow(self, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        self.heard.append(heard)
        return lambda: self.heard.remove(heard)

    def tell(self, **line: Any) -> None:
        for heard in list(self.heard):
            heard(line)


def worker(number: int, alive: bool = True, load: float = 0.25) -> Any:
    told = {"sessions": 3, "blocks": 100, "late": 2, "restarts": 1, "rss_bytes": 5_000_000}
    return SimpleNamespace(number=number, alive=alive, load=load, **told)


@pytest.fixture
def house(tmp_path: Path) -> Any:
    sessions = SimpleNamespace(all={"a": Heard(), "b": Heard("finished"), "c": Heard()}, ready=True)
    listeners = SimpleNamespace(count=4, encoders=1, counts=Counts(sent=10, skipped=3))
    metrics = Metrics()
    found = fake_house(tmp_path, sessions=sessions, listeners=listeners, metrics=metrics)
    found.stage = SimpleNamespace(ready=True, workers=(worker(0), worker(1, load=0.5)))
    metrics.look_at(found)
    return found


def test_how_things_stand_is_looked_up(house: Any) -> None:
    told = figures(house.metrics)
    assert told['isotone_sessions{status="playing"}'] == 2 and told['isotone_sessions{status="finished"}'] == 1
    assert told['isotone_sessions{status="failed"}'] == 0, "those there are none of are told too"
    assert told['isotone_worker_load{worker="1"}'] == 0.5 and told['isotone_worker_late_total{worker="0"}'] == 2
    assert told["isotone_listeners"] == 4 and told["isotone_listener_skipped_total"] == 3
    assert told["isotone_ready"] == 1 and told["process_resident_memory_bytes"] > 1e6
    house.sessions.all.clear()
    house.stage.ready = False
    told = figures(house.metrics)
    assert told['isotone_sessions{status="playing"}'] == 0 and told["isotone_ready"] == 0


def test_what_sessions_tell_is_counted_once_each_and_no_more_when_they_are_gone(house: Any) -> None:
    metrics, sessions = house.metrics, house.sessions.all
    for _ in range(3):
        metrics.follow(sessions)
    one = sessions["a"]
    one.tell(type="state", confidence=0.55)
    one.tell(type="state", confidence=1.0)
    for line in (
        {"type": "incident", "kind": "guard"},
        {"type": "incident", "kind": "of no known kind"},
        {"type": "safety", "text": "held"},
        {"type": "refusal", "text": "no"},
        {"type": "panic"},
        {"type": "commit", "control": "tempo_bpm"},
    ):
        sessions["c"].tell(**line)
    told = figures(metrics)
    assert told["isotone_estimator_confidence_count"] == 2 and told["isotone_estimator_confidence_sum"] == 1.55
    assert told['isotone_estimator_confidence_bucket{le="0.6"}'] == 1
    for kind in ("guard", "other", "intervention", "refusal", "panic"):
        assert told[f'isotone_safety_events_total{{kind="{kind}"}}'] == 1, kind
    assert told['isotone_safety_events_total{kind="harm"}'] == 0
    metrics.follow({"c": sessions["c"]})
    assert not one.heard and len(sessions["c"].heard) == 1


def test_signals_are_counted_by_what_became_of_them(house: Any) -> None:
    house.metrics.count_signals("accepted", 40)
    house.metrics.count_signals("refused", 2)
    told = figures(house.metrics)
    assert told['isotone_ingest_samples_total{outcome="accepted"}'] == 40
    assert told['isotone_ingest_samples_total{outcome="refused"}'] == 2


def test_openmetrics_is_given_to_those_who_ask_for_it(house: Any) -> None:
    text, media = house.metrics.text("application/openmetrics-text; version=1.0.0")
    assert media.startswith("application/openmetrics-text") and text.endswith(b"# EOF\n")
    assert {"isotone_sessions", "isotone_safety_events"} <= {family.name for family in openmetrics(text.decode())}
    assert house.metrics.text("*/*")[1].startswith("text/plain; version=")


def test_what_it_is_not_ready_without_is_said(house: Any) -> None:
    assert missing(house) == [] and sound(house)
    house.stage.workers = (worker(0), worker(3, alive=False))
    house.stage.ready = False
    assert missing(house) == ["render workers not alive: 3 of 2", "render workers are warming up"] and not sound(house)
    house.stage.workers, house.stage.ready, house.sessions.ready = (), True, False
    assert missing(house) == ["sessions of before are being resumed"]
    house.metrics.health.ending = True
    assert len(missing(house)) == 1 and "ending" in missing(house)[0]


def test_it_stands_in_one_line(house: Any) -> None:
    assert standing(house) == "2 sessions playing on 2 workers, busiest worker 50 %"
    house.stage.workers = ()
    assert standing(house) == "2 sessions playing on 0 workers"


# -- over HTTP ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Any]]:
    callers = {"boss": Caller(Role.OPERATOR, None, "boss"), "guest": Caller(Role.LISTENER, None, "guest")}
    metrics = Metrics()
    listeners = SimpleNamespace(count=0, encoders=0, counts=Counts())
    found = fake_house(tmp_path_factory.mktemp("s"), gate=OpenGate(callers), metrics=metrics, listeners=listeners)
    metrics.look_at(found)
    with serving(metrics.watch(application(found, ENDPOINTS)), found) as one:
        yield one, found


def settled(metrics: Metrics) -> dict[str, float]:
    """The figures once every request was counted, which is after it was answered."""
    return until(lambda: found if (found := figures(metrics))['isotone_http_open{kind="http"}'] == 0 else None)


def ask(served: tuple[Served, Any], path: str, token: str = "boss", method: str = "GET") -> httpx.Response:
    return httpx.request(method, served[0].url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60.0)


def test_figures_are_for_operators(served: tuple[Served, Any]) -> None:
    assert ask(served, "/metrics").headers["content-type"].startswith("text/plain; version=")
    assert ask(served, "/metrics", "guest").status_code == 403
    assert ask(served, "/metrics", "nobody").status_code == 401
    for path in ("/healthz", "/readyz", "/api/v1/version"):
        assert ask(served, path, "nobody").status_code == 200, "open to all"


def test_requests_are_counted_by_route_and_status(served: tuple[Served, Any]) -> None:
    before = settled(served[1].metrics)
    for path in ("/healthz", "/nothing/here", "/nothing/there"):
        ask(served, path)
    ask(served, "/healthz", method="DELETE")
    ask(served, "/healthz", method="PROPFIND")
    after = settled(served[1].metrics)
    counted = {name: value - before.get(name, 0.0) for name, value in after.items() if "http_requests_total" in name}
    assert {name: n for name, n in counted.items() if n} == {
        'isotone_http_requests_total{method="GET",route="/healthz",status="200"}': 1,
        'isotone_http_requests_total{method="GET",route="(none)",status="404"}': 2,
        'isotone_http_requests_total{method="DELETE",route="/healthz",status="405"}': 1,
        'isotone_http_requests_total{method="other",route="/healthz",status="405"}': 1,
    }
    assert after["isotone_http_request_seconds_count"] == before["isotone_http_request_seconds_count"] + 5


def test_readiness_changes_as_the_stage_does(served: tuple[Served, Any]) -> None:
    served[1].stage.ready = False
    answer = ask(served, "/readyz")
    assert answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"where": "service", "what": "render workers are warming up"}]
    served[1].stage.ready = True
    assert ask(served, "/readyz").status_code == 200


def test_a_socket_and_a_broken_request_are_counted_too() -> None:
    metrics = Metrics()
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        match scope["path"]:
            case "/broken":
                raise ValueError
            case "/open":
                await send({"type": "websocket.accept"})
            case "/shut":
                await send({"type": "websocket.close", "code": 1008})
            case "/denied":
                await send({"type": "websocket.http.response.start", "status": 401, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def all_of_them() -> None:
        watched = metrics.watch(app)
        for path in ("/open", "/shut", "/denied"):
            await watched({"type": "websocket", "path": path}, None, send)  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            await watched({"type": "http", "method": "GET", "path": "/broken"}, None, send)  # type: ignore[arg-type]
        await watched({"type": "lifespan", "path": ""}, None, send)  # type: ignore[arg-type]

    asyncio.run(all_of_them())
    told = figures(metrics)
    for method, status in (("WEBSOCKET", 101), ("WEBSOCKET", 403), ("WEBSOCKET", 401), ("GET", 500)):
        assert told[f'isotone_http_requests_total{{method="{method}",route="(none)",status="{status}"}}'] == 1
    assert told['isotone_http_open{kind="websocket"}'] == 0 == told['isotone_http_open{kind="http"}']
    assert len(sent) == 3
