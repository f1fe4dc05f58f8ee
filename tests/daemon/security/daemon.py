"""A small daemon for these tests: the real app, gate and server, with endpoints that stand for those of sessions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response, StreamingResponse
from websockets.sync.client import ClientConnection, connect

from synth.daemon.app import application
from synth.daemon.config import Config, Limits
from synth.daemon.endpoints.access import ENDPOINTS
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.security import Gate, Key, Role, new_key

DEADLINE_S = 20.0
LARGE = 32 << 20  # bytes: more than lies between two ends


class Told(BaseModel):
    """An answer, and a body."""

    said: str


async def _state(house: Any, caller: Any, request: Any, body: None) -> Told:
    return Told(said=f"{caller.role.word} {caller.name} {request.path_params['session_id']}")


async def _set(house: Any, caller: Any, request: Any, body: Told) -> Told:
    return body


async def _events(house: Any, caller: Any, request: Any, body: None) -> Response:
    async def forever() -> Any:
        for number in range(100_000):
            yield f"id: {number}\n\n"
            await house.pause()

    return StreamingResponse(forever(), media_type="text/event-stream")


async def _audio(house: Any, caller: Any, websocket: Any) -> None:
    await websocket.accept()
    await websocket.send_text(f"{caller.role.word} {caller.name}")
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def _silent(house: Any, caller: Any, websocket: Any) -> None:
    await websocket.accept()
    await websocket.receive_text()


async def _page(house: Any, caller: Any, request: Any, body: None) -> Response:
    return HTMLResponse("<!doctype html><title>isotone</title>", headers={"Cache-Control": "no-cache"})


async def _upload(house: Any, caller: Any, request: Any, body: None) -> Told:
    return Told(said=str(len(await request.body())))


async def _large(house: Any, caller: Any, request: Any, body: None) -> Response:
    parts = (b"x" * 65_536 for _ in range(LARGE // 65_536))
    return StreamingResponse(parts, headers={"Content-Length": str(LARGE)}, media_type="audio/flac")


async def _ignore(house: Any, caller: Any, request: Any, body: None) -> Told:
    return Told(said="whatever it was")


ONE = "/api/v1/sessions/{session_id}"
OWN = (
    Endpoint("GET", f"{ONE}/state", _state, "", Role.LISTENER, "test", answer=Told),
    Endpoint("POST", f"{ONE}/controls", _set, "", Role.THERAPIST, "test", body=Told, answer=Told),
    Endpoint("GET", f"{ONE}/events", _events, "", Role.LISTENER, "test", media="text/event-stream", endless=True),
    Endpoint(WEBSOCKET, f"{ONE}/audio", _audio, "", Role.LISTENER, "test"),
    Endpoint(WEBSOCKET, "/silent", _silent, "", None, "test"),
    Endpoint("GET", "/", _page, "", None, "test", media="text/html"),
    Endpoint("POST", "/upload", _upload, "", None, "test", answer=Told),
    Endpoint("GET", "/large", _large, "", None, "test", media="audio/flac"),
    Endpoint("POST", "/ignore", _ignore, "", None, "test", answer=Told),
)


async def _pause() -> None:
    await asyncio.sleep(0.02)


@dataclass
class Daemon:
    """One that runs. `keys` are the texts of its keys by role."""

    port: int
    scheme: str
    gate: Gate
    config: Config
    keys: dict[Role, str]
    verify: Any = False
    loops: list[asyncio.AbstractEventLoop] = field(default_factory=list)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The one that serves."""
        return self.loops[0]

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def client(self, credential: str | None = None, **headers: str) -> httpx.Client:
        """A client that sends `credential` as a bearer."""
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE_S, verify=self.verify, trust_env=False)

    def ask(self, method: str, path: str, credential: str | None = None, **given: Any) -> httpx.Response:
        headers = {
            **given.pop("headers", {}),
            **({} if credential is None else {"Authorization": f"Bearer {credential}"}),
        }
        self.asker.cookies.clear()
        return self.asker.request(method, path, headers=headers, **given)

    def opened(self, path: str, **headers: str) -> int:
        """The status that a stream begins with."""
        self.asker.cookies.clear()
        with self.asker.stream("GET", path, headers=headers) as stream:
            return stream.status_code

    @functools.cached_property
    def asker(self) -> httpx.Client:
        """What `ask` asks with."""
        return self.client()

    def token(self, credential: str, **asked: Any) -> str:
        made = self.ask("POST", "/api/v1/tokens", credential, json=asked)
        assert made.status_code == 200, made.text
        return str(made.json()["token"])

    def socket(self, path: str, credential: str | None = None, **given: Any) -> ClientConnection:
        headers = dict(given.pop("headers", {}))
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        url = f"{self.scheme.replace('http', 'ws')}://127.0.0.1:{self.port}{path}"
        return connect(url, additional_headers=headers, open_timeout=DEADLINE_S, **given)

    def raw(self, source: str = "127.0.0.1") -> socket.socket:
        """A TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_S, source_address=(source, 0))

    def exchange(self, *parts: bytes) -> bytes:
        """All that the daemon answers to these bytes until it closes the connection."""
        with self.raw() as wire:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    wire.sendall(part)
            return read_all(wire)


def read_all(wire: socket.socket) -> bytes:
    """What comes until the other end closes."""
    told = b""
    with contextlib.suppress(ConnectionError):
        while part := wire.recv(65_536):
            told += part
    return told


def until(true: Any, what: str) -> None:
    """Wait for it."""
    by_s = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < by_s, f"in vain waited for: {what}"
        time.sleep(0.01)


def three_keys() -> tuple[dict[Role, str], tuple[Key, ...]]:
    """A key of each role."""
    made = {role: new_key(role, f"the-{role.word}") for role in Role}
    return {role: text for role, (text, _) in made.items()}, tuple(key for _, key in made.values())


FREE = dict(requests_per_s=1e6, burst_requests=1_000_000)


def config_of(folder: Path, keys: tuple[Key, ...] = (), limits: dict[str, Any] | None = None, **others: Any) -> Config:
    """Settings with no rate limit unless one is asked for."""
    limited = Limits(**{**FREE, **(limits or {})})
    return Config(state_dir=folder / "state", sign_in=bool(keys), keys=keys, limits=limited, **others)


@contextlib.contextmanager
def running(config: Config, keys: dict[Role, str] | None = None, verify: Any = False) -> Iterator[Daemon]:
    """Serve until left."""
    gate = Gate(config)
    house: Any = SimpleNamespace(config=config, gate=gate, sessions=SimpleNamespace(all={}), pause=_pause)
    loops: list[asyncio.AbstractEventLoop] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        loops.append(asyncio.get_running_loop())
        yield

    app = application(house, [*ENDPOINTS, *OWN], lifespan=lifespan)
    told = gate.server_settings()
    settings = uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="on", loop="uvloop", **told)
    settings.timeout_graceful_shutdown = 1
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, name="daemon", daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), "the daemon")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        daemon = Daemon(port, "https" if config.tls_cert else "http", gate, config, keys or {}, verify, loops)
        yield daemon
    finally:
        daemon.asker.close()
        server.should_exit = True
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
