"""Figures for Prometheus (text format 0.0.4, or OpenMetrics where it is asked for); none tells one session or person
from another.

What happens is counted as it happens; how things stand is looked up when somebody asks.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from synth import __version__
from synth.daemon.health import Health, missing
from synth.record.incidents import KINDS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from synth.daemon.house import House
    from synth.daemon.sessions import Hosted

STATUSES = ("starting", "playing", "resuming", "finished", "failed")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
TENTHS = tuple(i / 10 for i in range(1, 11))
ELSEWHERE = "(none)"  # the route of what no endpoint took
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The daemon's figures, counted from its start."""

    def __init__(self, health: Health | None = None) -> None:
        self.health = health or Health()
        disable_created_metrics()
        self.registry = CollectorRegistry()
        kept: dict[str, Any] = {"registry": self.registry, "namespace": "isotone"}
        Info("build", "what runs", **kept).info({"version": __version__})
        ProcessCollector(registry=self.registry)
        self.requests = Counter("http_requests", "answered, by route", ["method", "route", "status"], **kept)
        self.request_s = Histogram("http_request_seconds", "until the head of the answer", buckets=SECONDS, **kept)
        self.in_flight = Gauge("http_open", "requests and sockets that are open", ["kind"], **kept)
        self.ingested = Counter("ingest_samples", "that came in, by what became of them", ["outcome"], **kept)
        self.safety = Counter("safety_events", "by kind", ["kind"], **kept)
        self.confidence = Histogram(
            "estimator_confidence", "of each estimate, once a second and session", buckets=TENTHS, **kept
        )
        for kind in (*KINDS, "intervention", "other"):
            self.safety.labels(kind)
        self._followed: dict[str, Callable[[], None]] = {}

    def look_at(self, house: House) -> None:
        """Show also how `house` stands, from now on."""
        self.registry.register(_Standing(house))

    def follow(self, sessions: Mapping[str, Hosted]) -> None:
        """Count what the records of `sessions` tell; to be called again, often, as they come and go."""
        if sessions.keys() == self._followed.keys():
            return
        for gone in self._followed.keys() - sessions.keys():
            self._followed.pop(gone)()
        for name in sessions.keys() - self._followed.keys():
            self._followed[name] = sessions[name].follow(self.hear)

    def hear(self, line: Mapping[str, Any]) -> None:
        """Count a line of a record."""
        match line["type"]:
            case "state":
                self.confidence.observe(line["confidence"])
            case "incident":
                self.safety.labels(line["kind"] if line["kind"] in KINDS else "other").inc()
            case "safety":
                self.safety.labels("intervention").inc()
            case "refusal" | "panic" as kind:
                self.safety.labels(kind).inc()

    def count_signals(self, outcome: str, samples: int) -> None:
        """Count samples that came in, by what became of them."""
        self.ingested.labels(outcome).inc(samples)

    def count(self, method: str, route: str, status: int) -> None:
        """An answered request of `route`, as the endpoint has it; not the path, which names a session."""
        self.requests.labels(method if method in METHODS else "other", route, str(status)).inc()

    def watch(self, app: ASGIApp) -> ASGIApp:
        """`app`, counted."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in ("http", "websocket"):
                await app(scope, receive, send)
                return
            seen = _Seen(send)
            with self.in_flight.labels(scope["type"]).track_inprogress():
                try:
                    await app(scope, receive, seen.send)
                finally:
                    method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
                    self.count(method, getattr(scope.get("route"), "path", ELSEWHERE), seen.status)
                    if seen.head_s is not None and scope["type"] == "http":
                        self.request_s.observe(seen.head_s)

        return watched

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """All figures and their media type, as `accept` (RFC 9110, section 12.5.1) wants them."""
        encode, media = choose_encoder(accept)
        return encode(self.registry), media


class _Seen:
    """What went out in answer to one request."""

    def __init__(self, send: Send) -> None:
        self._send, self._began_s = send, time.monotonic()
        self.status = 500
        self.head_s: float | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Look at a message and pass it on, without a coroutine of its own: streams send many."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status, self.head_s = message["status"], time.monotonic() - self._began_s
            case "websocket.accept":
                self.status = 101
            case "websocket.close" if self.head_s is None and self.status == 500:
                self.status = 403  # closed before it was opened
        return self._send(message)


class _Standing(Collector):
    """How a house stands when somebody looks."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        house = self._house
        yield GaugeMetricFamily("isotone_ready", "1 when it takes sessions", value=float(not missing(house)))
        statuses: Tally[str] = Tally(hosted.status for hosted in house.sessions.all.values())
        sessions = GaugeMetricFamily("isotone_sessions", "by status", labels=["status"])
        for status in STATUSES:
            sessions.add_metric([status], statuses[status])
        yield sessions
        yield GaugeMetricFamily("isotone_sessions_limit", "live at once", value=house.config.max_sessions)
        yield from self._workers()
        yield from self._listeners()

    def _workers(self) -> Iterator[Metric]:
        gauges = {
            "alive": "1 while the render worker lives",
            "sessions": "it renders",
            "load": "share of its core that rendering takes, 0 to 1",
            "rss_bytes": "memory it holds",
        }
        counts = {"blocks": "rendered", "late": "blocks that came after their play time", "restarts": "since the start"}
        workers = list(self._house.stage.workers)
        for name, about in gauges.items():
            gauge = GaugeMetricFamily(f"isotone_worker_{name}", about, labels=["worker"])
            for worker in workers:
                gauge.add_metric([str(worker.number)], float(getattr(worker, name)))
            yield gauge
        for name, about in counts.items():
            count = CounterMetricFamily(f"isotone_worker_{name}", about, labels=["worker"])
            for worker in workers:
                count.add_metric([str(worker.number)], float(getattr(worker, name)))
            yield count

    def _listeners(self) -> Iterator[Metric]:
        listeners = self._house.listeners
        yield GaugeMetricFamily("isotone_listeners", "of all sessions", value=listeners.count)
        yield GaugeMetricFamily("isotone_opus_encoders", "at work", value=listeners.encoders)
        counts = {
            "sent": "blocks that were sent",
            "skipped": "blocks that they were too slow for",
            "closed": "who were closed for being too slow",
            "missed": "blocks that the daemon came too late for",
            "pages_skipped": "pages of Opus that they were too slow for",
        }
        for name, about in counts.items():
            yield CounterMetricFamily(f"isotone_listener_{name}", about, value=getattr(listeners.counts, name))
