"""How soon does the music go on after the service, or one of its workers, was killed?

python bench/restart.py [--sessions N ...] [--seconds S] [--json]

`synth serve` with N sessions that have played for S seconds is killed (SIGKILL) and started again at once, as systemd
would: seconds from its start until the first and the last session is rendered on, and until that is seen over HTTP.
Then a worker is killed: seconds until its sessions sound again. Figures move with the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

CONFIG = "max_sessions = 1000\n[limits]\nrequests_per_s = 100000.0\nburst_requests = 100000\n"


class Daemon:
    """`synth serve` on `state`; `url` once it listens, `ready` once it is."""

    def __init__(self, folder: Path, port: int) -> None:
        config = folder / "isotone.toml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "synth", "serve", "--config", str(config), "--port", str(port)]
        self.began_s = time.monotonic()
        self.process = subprocess.Popen([*command, "--state", str(folder / "state")], stderr=subprocess.PIPE, text=True)
        self.began_wall_s = time.time()
        self.goes_on_s: list[float] = []  # of sessions taken up again, since the start
        self.url, self.listening, self.ready = "", threading.Event(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not line.startswith("{"):
                print(line, end="", file=sys.stderr)
                continue
            told = json.loads(line)
            if told["event"] == "listening":
                self.url = told["url"].rstrip("/")
                self.listening.set()
            elif told["event"] == "session goes on":
                at = datetime.fromisoformat(told["time"]).timestamp()
                self.goes_on_s.append(at - self.began_wall_s)
            elif told["event"] == "ready":
                self.ready.set()

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120.0) as answer:
            return json.loads(answer.read())

    def times(self) -> dict[str, float]:
        """Session time of each session that plays."""
        found = self.ask("/api/v1/sessions?limit=500")
        return {one["id"]: one["time_s"] for one in found["sessions"] if one["status"] == "playing"}

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def until_sound(daemon: Daemon, before: dict[str, float]) -> dict[str, float]:
    """When, by time.monotonic(), each session played on from where it was `before`."""
    heard: dict[str, float] = {}
    while len(heard) < len(before):
        for id, time_s in daemon.times().items():
            if time_s > before.get(id, 0.0) and id not in heard:
                heard[id] = time.monotonic()
        time.sleep(0.01)
    return heard


def measure(sessions: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        first = Daemon(Path(folder), 0)
        first.ready.wait(300.0)
        for number in range(sessions):
            first.ask("/api/v1/sessions", {"preset": "settle", "seed": number, "minutes": 240.0})
        time.sleep(seconds)
        before = first.times()
        first.kill()
        again = Daemon(Path(folder), 0)
        again.listening.wait(60.0)
        heard = until_sound(again, before)
        service = sorted(at_s - again.began_s for at_s in heard.values())
        sound = sorted(again.goes_on_s)
        again.ready.wait(300.0)
        time.sleep(2.0)
        workers = [p for p in psutil.Process(again.process.pid).children(recursive=True) if p.children() == []]
        worker = max(workers, key=lambda p: p.cpu_times().user)
        before, killed_s = again.times(), time.monotonic()
        os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.1)
        lost = {id: t for id, t in before.items() if id not in again.times()}
        back = until_sound(again, lost)
        again.process.terminate()
        again.process.wait(60.0)
        return {
            "sessions": sessions,
            "played_s": seconds,
            "sound_first_s": sound[0],
            "sound_last_s": sound[-1],
            "service_first_s": service[0],
            "service_last_s": service[-1],
            "worker_last_s": max((at_s - killed_s for at_s in back.values()), default=float("nan")),
            "worker_sessions": len(lost),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for sessions in options.sessions:
        found = measure(sessions, options.seconds)
        if options.json:
            print(json.dumps(found))
        else:
            print(
                f"{sessions} sessions of {found['played_s']:g} s: the service killed and started, rendered on after "
                f"{found['sound_first_s']:.2f} s (first) to {found['sound_last_s']:.2f} s (last), seen over HTTP after "
                f"{found['service_first_s']:.2f} to {found['service_last_s']:.2f} s; a worker killed, "
                f"its {found['worker_sessions']} sessions sound after {found['worker_last_s']:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
