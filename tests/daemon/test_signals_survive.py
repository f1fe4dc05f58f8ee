"""Signals of a real daemon whose processes are killed while they come: each is in the record, and once."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.daemon.running import Running

LATE = 120.0
EACH_S = 0.02


class Wearable:
    """Sends a rising number each EACH_S; `accepted` are those that were."""

    def __init__(self, url: str, first: float) -> None:
        self.accepted: list[float] = []
        self._url, self._next = url, first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        with httpx.Client(timeout=60.0) as client:
            while not self._stop.wait(EACH_S):
                try:
                    answer = client.post(self._url, json={"channel": "resp", "value": self._next})
                except httpx.TransportError:
                    return  # the daemon is no more; what it did not answer was not accepted
                if answer.status_code == 202:
                    self.accepted.append(self._next)
                self._next += 1.0

    def end(self) -> list[float]:
        self._stop.set()
        self._thread.join(LATE)
        return self.accepted


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    made: list[Running] = []

    def start() -> Running:
        made.append(Running(tmp_path))
        return made[-1]

    yield start
    for one in made:
        one.end()


def until(found: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + LATE
    while not (answer := found()):
        assert time.monotonic() < end_s, what
        time.sleep(0.05)
    return answer


def in_record(folder: Path, name: str) -> list[float]:
    text = (folder / "state" / "sessions" / name / "session.jsonl").read_text()
    return [v for line in text.splitlines() if '"type":"samples"' in line for v in json.loads(line)["value"]]


def test_each_sample_that_was_accepted_is_in_the_record_once(running: Any, tmp_path: Path) -> None:
    daemon = running().ready()
    created = daemon.ask("POST", "/api/v1/sessions", json={"preset": "settle", "seed": 5, "name": "s", "minutes": 30})
    assert created.status_code == 201
    path = "/api/v1/sessions/s"
    wearable = Wearable(f"{daemon.url}{path}/signals", 1.0)
    until(lambda: len(in_record(tmp_path, "s")) > 20, "nothing came into the record")
    worker = int(daemon.ask("GET", path).json().get("worker_pid") or _worker_of(daemon))
    psutil.Process(worker).kill()
    count = len(wearable.accepted)
    until(lambda: len(wearable.accepted) > count + 20, "nothing was accepted while it resumed")
    sent = list(wearable.accepted)
    until(lambda: set(sent) <= set(in_record(tmp_path, "s")), "a sample was lost with the worker")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    sent = wearable.end()
    again = running().ready()
    until(lambda: again.ask("GET", path).json()["status"] == "playing", "it was not taken up again")
    until(lambda: set(sent) <= set(in_record(tmp_path, "s")), "a sample was lost with the daemon")
    found = in_record(tmp_path, "s")
    assert len(found) == len(set(found)) and set(found) - set(sent) <= {sent[-1] + 1.0}


def _worker_of(daemon: Running) -> int:
    """The worker: the child of the process that workers are forked from."""
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    parents = {child.ppid() for child in children}
    (worker,) = (child.pid for child in children if child.ppid() != daemon.process.pid and child.pid not in parents)
    return worker
