"""How many live sessions does one machine serve, and what does each cost?

python bench/serve.py [--sessions N ...] [--minutes M] [--opus] [--workers W] [--presets P ...] [--json]

For each N: `synth serve` with a worker a core, N sessions over the presets, and as many clients that drain the PCM
WebSocket (with --opus also the Ogg Opus stream of each) from a process of their own on the same machine. A block is
late when it was rendered after its play time, or when a client has it after that time and the page's buffer of 40 ms.
Told apart: processor time of workers and API process, memory, and how many of the late blocks came while or just after
a core of the machine stood still (`stalls.py`). Figures move with the machine; nothing else may run on it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from stalls import Stalls

from synth.daemon.config import Config
from synth.daemon.stage.stage import run_dir
from synth.daemon.stage.worker_board import WorkerBoard

PRESETS = ("settle", "sleep", "focus", "energise")
BUFFER_S = 0.04  # of the page
LOOK_S = 0.02
HEADER = struct.Struct("<QII")  # first frame, microseconds until it plays, flags
CONFIG = """
max_sessions = 1000
[limits]
requests_per_s = 1000.0
burst_requests = 5000
max_sockets = 5000
max_sockets_per_caller = 5000
"""


@contextmanager
def served(workers: int) -> Iterator[tuple[str, psutil.Process, Path]]:
    """A daemon that is ready; its address, its process and its state folder."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "isotone.toml"
        config.write_text(CONFIG)
        state = Path(folder) / "state"
        command = [sys.executable, "-m", "synth", "serve", "--config", str(config), "--port", "0"]
        command += ["--state", str(state)]
        if workers:
            command += ["--workers", str(workers)]
        daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert daemon.stderr is not None
        url = ""
        for line in daemon.stderr:
            told = json.loads(line)
            url = told.get("url", url)
            if told["event"] == "ready":
                break
        try:
            yield url.rstrip("/"), psutil.Process(daemon.pid), state
        finally:
            daemon.terminate()
            daemon.terminate()
            daemon.wait(60.0)
            daemon.stderr.close()


def asked(url: str, path: str, body: Any = None) -> Any:
    """GET, or POST of `body`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120.0) as answer:
        return json.loads(answer.read())


class Drain(asyncio.Protocol):
    """One WebSocket that takes what comes and counts what came late; no more work than that, on purpose."""

    def __init__(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self._data = bytearray()
        self._open = False
        self.blocks = self.late = self.missed = 0
        self.closed = False
        self.latest_s = 0.0
        self.late_at_s: list[float] = []
        self._next = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._hello)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in self._data[:16]:
                raise RuntimeError(self._data.decode(errors="replace"))
            del self._data[: end + 4]
            self._open = True
        while self._frame():
            pass

    def _frame(self) -> bool:
        data = self._data
        if len(data) < 4:
            return False
        length, at = data[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(data[2:10], "big"), 10
        if len(data) < at + length:
            return False
        if data[0] & 0x0F == 2:
            self._block(data, at, length - HEADER.size)
        elif data[0] & 0x0F == 9:  # a ping: a pong without a payload that is worth masking
            self._transport.write(bytes([0x8A, 0x80 | length]) + bytes(4) + data[at : at + length])
        elif data[0] & 0x0F == 8:
            self.closed = True
        del data[: at + length]
        return True

    def _block(self, data: bytearray, at: int, size: int) -> None:
        first, lead_us, _ = HEADER.unpack_from(data, at)
        lead_s = (lead_us - (1 << 32) if lead_us >= 1 << 31 else lead_us) / 1e6
        now = time.monotonic()
        if self._next < 0:
            self._origin_s = now + lead_s - first / 48_000
        play_s = self._origin_s + first / 48_000
        self.missed += max(first - self._next, 0) // 1920 if self._next >= 0 else 0
        self._next = first + size // 4
        self.blocks += 1
        if now > play_s + BUFFER_S:
            self.late += 1
            self.late_at_s.append(now)
        self.latest_s = max(self.latest_s, now - play_s)


async def drain(url: str, paths: list[str], opus: list[str], seconds: float) -> dict[str, Any]:
    """Clients for so long."""
    import gc

    gc.disable()
    loop = asyncio.get_running_loop()
    host, _, port = url.removeprefix("http://").partition(":")
    drains = []
    for path in paths:
        _, one = await loop.create_connection(lambda path=path: Drain(f"{host}:{port}", path), host, int(port))
        drains.append(one)
    taking = [asyncio.create_task(_take(host, int(port), path)) for path in opus]
    await asyncio.sleep(seconds)
    taken = sum(task.result() if task.done() else task.get_name() and 0 for task in taking)
    return {
        "blocks": sum(one.blocks for one in drains),
        "late": sum(one.late for one in drains),
        "late_at_s": [at_s for one in drains for at_s in one.late_at_s],
        "missed": sum(one.missed for one in drains),
        "closed": sum(one.closed for one in drains),
        "latest_ms": 1000.0 * max(one.latest_s for one in drains),
        "opus_ended": sum(task.done() for task in taking) + taken,
    }


async def _take(host: str, port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    while await reader.read(65_536):
        pass
    return 0


class LateBlocks:
    """When the workers count late blocks: `at_s`, a time for each, read from their boards."""

    def __init__(self, state: Path) -> None:
        self.at_s: list[float] = []
        boards = sorted(path for path in run_dir(Config(state_dir=state)).glob("worker-*") if not path.suffix)
        self._boards = [WorkerBoard(path) for path in boards]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> LateBlocks:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        before = sum(board["late"] for board in self._boards)
        while not self._over.wait(LOOK_S):
            late = sum(board["late"] for board in self._boards)
            self.at_s += [time.monotonic()] * round(late - before)
            before = late


def measure(sessions: int, seconds: float, opus: bool, workers: int, presets: list[str]) -> dict[str, Any]:
    """One run."""
    with served(workers) as (url, daemon, state):
        before = {p.pid: p.memory_full_info().pss for p in daemon.children(recursive=True)}
        ids = []
        for number in range(sessions):
            body = {"preset": presets[number % len(presets)], "seed": number, "minutes": 240.0}
            ids.append(asked(url, "/api/v1/sessions", body)["session_id"])
        paths = [f"/api/v1/sessions/{id}/audio" for id in ids]
        ogg = [f"{path}.ogg" for path in paths] if opus else []
        told = json.dumps({"url": url, "paths": paths, "opus": ogg, "seconds": seconds})
        cpu, began = _cpu_s(daemon), time.monotonic()
        client = subprocess.Popen([sys.executable, __file__, "--drain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with Stalls() as stalls, LateBlocks(state) as late:
            out, _ = client.communicate(told.encode())
        took, later = time.monotonic() - began, _cpu_s(daemon)
        shown = metrics(url)
        grown = sum(
            p.memory_full_info().pss - before[p.pid] for p in daemon.children(recursive=True) if p.pid in before
        )
        share = {name: 100.0 * (later[name] - cpu[name]) / took for name in cpu}
        heard = json.loads(out)
        heard["late_by_stalls"] = stalls.explain(heard.pop("late_at_s"))
        return {
            "sessions": sessions,
            "stalls": len(stalls.seen),
            "longest_stall_ms": stalls.longest_ms,
            "rendered_late_by_stalls": stalls.explain(late.at_s),
            "minutes": seconds / 60.0,
            "opus": opus,
            "rendered": shown["blocks"],
            "rendered_late": shown["late"],
            "client": heard,
            "cpu_percent": share,
            "session_cpu_percent": share["workers"] / sessions,
            "session_mb": grown / sessions / 1e6,
        }


def metrics(url: str) -> dict[str, float]:
    """Blocks and late blocks, of all workers."""
    found = {"blocks": 0.0, "late": 0.0}
    with urllib.request.urlopen(url + "/metrics", timeout=30.0) as answer:
        for line in answer.read().decode().splitlines():
            name, _, value = line.rpartition(" ")
            for kind, metric in (("blocks", "isotone_worker_blocks_total"), ("late", "isotone_worker_late_total")):
                if name.partition("{")[0] == metric:
                    found[kind] += float(value)
    return found


def _cpu_s(daemon: psutil.Process) -> dict[str, float]:
    def of(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    return {"workers": sum(map(of, daemon.children(recursive=True))), "api": of(daemon)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--opus", action="store_true")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drain", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drain:
        told = json.loads(sys.stdin.read())
        print(json.dumps(asyncio.run(drain(told["url"], told["paths"], told["opus"], told["seconds"]))))
        return
    for sessions in options.sessions:
        found = measure(sessions, 60.0 * options.minutes, options.opus, options.workers, options.presets)
        if options.json:
            print(json.dumps(found))
            continue
        client, cpu = found["client"], found["cpu_percent"]
        print(
            f"{sessions} sessions{' with Opus' if options.opus else ''}, {found['minutes']:g} min: "
            f"{found['rendered_late']:.0f} of {found['rendered']:.0f} blocks rendered late; at the clients "
            f"{client['late']} of {client['blocks']} after their play time, {client['missed']} missed, "
            f"{client['closed']} closed, latest {client['latest_ms']:.0f} ms after the worker's play time\n"
            f"  a core stood still for 10 ms and more {found['stalls']} times, at most {found['longest_stall_ms']:.0f} "
            f"ms: then {found['rendered_late_by_stalls']} were rendered late, {client['late_by_stalls']} late there\n"
            f"  processor, % of a core: workers {cpu['workers']:.0f}, API {cpu['api']:.0f}; "
            f"a session {found['session_cpu_percent']:.2f} %, {found['session_mb']:.1f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
