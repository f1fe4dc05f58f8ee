"""`synth serve` as a process of its own, with its log read line by line and a service manager's socket to speak to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

START_S = 240.0  # the first start on a machine compiles the kernels
END_S = 60.0


class Running:
    """A daemon on a free port with one worker and its state in `folder`. `raw` has the lines of its log so far, `told`
    what it told its service manager."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        self.raw: list[str] = []
        self.told: list[str] = []
        self._taken: set[int] = set()
        self._over = False
        self._more = threading.Condition()
        name = f"isotone-{uuid.uuid4().hex}"
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind("\0" + name)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("WATCHDOG_", "NOTIFY_"))}
        command = [sys.executable, "-m", "synth", "serve", "--port", "0", "--workers", "1"]
        self.process = subprocess.Popen(
            [*command, "--state", str(folder / "state"), *arguments],
            env={**kept, "NOTIFY_SOCKET": f"@{name}", "ISOTONE_LOG__FORMAT": "json", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._hear)]
        for thread in self._threads:
            thread.start()
        self.url = ""
        try:
            self.url = self.event("listening")["url"].rstrip("/")
        except BaseException:
            self.end()
            raise

    def event(self, name: str, timeout_s: float = START_S) -> dict[str, Any]:
        """The first line of the log that tells of `name` and was not asked for yet, as soon as there is one."""
        until_s = time.monotonic() + timeout_s
        with self._more:
            while True:
                for place, raw in enumerate(self.raw):
                    if place not in self._taken and json.loads(raw)["event"] == name:
                        self._taken.add(place)
                        return dict(json.loads(raw))
                if self._over or time.monotonic() > until_s:
                    raise AssertionError(f"no {name!r} in the log: {self.raw}")
                self._more.wait(max(until_s - time.monotonic(), 0.01))

    def ready(self) -> Running:
        """Wait until it is."""
        self.event("ready")
        return self

    def hears(self, wanted: Callable[[str], bool], timeout_s: float = END_S) -> str:
        """What it told its service manager that is `wanted`, as soon as it did."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            found = next((message for message in list(self.told) if wanted(message)), None)
            if found is not None:
                return found
            time.sleep(0.02)
        raise AssertionError(f"the service manager was not told: {self.told[-5:]}")

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer to one request."""
        return httpx.request(method, self.url + path, timeout=START_S, verify=False, **sent)

    def signal(self, number: signal.Signals) -> None:
        """Send it one."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(END_S)
        for thread in self._threads[:1]:
            thread.join(END_S)
        return code

    def end(self) -> None:
        """Kill it, if it still lives."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(END_S)
        self._threads[0].join(END_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(OSError):
            self._manager.shutdown(socket.SHUT_RD)
        self._threads[1].join(END_S)
        self._manager.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            with self._more:
                self.raw.append(raw.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._over = True
            self._more.notify_all()

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            while message := self._manager.recv(4096):
                self.told.append(message.decode())


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    """A daemon that is killed when this is left."""
    daemon = Running(folder, *arguments, **environment)
    try:
        yield daemon
    finally:
        daemon.end()
