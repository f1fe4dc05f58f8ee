"""A house without workers: its sessions are real `synth.Session`s that one thread of this process renders in real time.

`fake_house(folder)` makes one; `serving(app)` serves an app on a free port of 127.0.0.1 with uvicorn, as the daemon
does. What a test does not hand over (`events=`, `ingest=`...) is None.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import uvicorn

from synth import Session, load_preset
from synth.daemon.company import Company
from synth.daemon.config import Config
from synth.daemon.hosted import About
from synth.daemon.security import Caller, Role
from synth.daemon.sessions import NoRoom, Sessions, SessionTaken
from synth.live.board import PLACE, Seen
from synth.record.writer import RecordWriter

TICK_S = 0.005
KEPT_FRAMES = 48_000
HANDS = ("request", "release", "verb", "feed", "tell", "hear", "play", "edit", "stop", "panic", "together")
SHOWN = ("time_s", "controls", "held", "phase", "planned", "reasons", "pulse", "finished")


class FakeHands:
    """A session as LiveSession shows it. Whatever is asked or seen is so between two blocks."""

    def __init__(self, session: Session) -> None:
        self.session, self.lock = session, threading.RLock()
        self.blocks = 0

    def __getattr__(self, name: str) -> Any:
        if name in HANDS or name in SHOWN:
            with self.lock:
                return getattr(self.session, name)
        raise AttributeError(name)

    @property
    def seen(self) -> Seen:
        numbers = np.zeros(len(PLACE))
        told = {"frames": self.session.position, "block": 1920, "sample_rate": self.session.sample_rate, "load": 0.015}
        for name, value in {**told, "at_s": time.monotonic(), "blocks": self.blocks, "playing": 1.0}.items():
            numbers[PLACE[name]] = value
        with self.lock:
            return Seen([*numbers, *self.session.controls.values()])


class FakeSound:
    """The last second that was rendered."""

    def __init__(self, sample_rate: int, stems: tuple[str, ...] = ()) -> None:
        self.sample_rate, self.block_frames, self.stems = sample_rate, 1920, stems
        self.capacity_frames, self.frames = KEPT_FRAMES, 0
        self._kept = {stem: np.zeros((KEPT_FRAMES, 2), np.float32) for stem in (None, *stems)}
        self.begun_s = time.monotonic()

    def write(self, audio: Mapping[str | None, np.ndarray]) -> None:
        count = len(audio[None])
        places = np.arange(self.frames, self.frames + count) % KEPT_FRAMES
        for stem, samples in audio.items():
            self._kept[stem][places] = samples
        self.frames += count

    def read(self, start: int, frames: int, stem: str | None = None) -> np.ndarray | None:
        if start + frames > self.frames or start < self.frames - KEPT_FRAMES or start < 0:
            return None
        return self._kept[stem][np.arange(start, start + frames) % KEPT_FRAMES]

    def play_time_s(self, frame: int) -> float:
        return self.begun_s + 0.04 + frame / self.sample_rate


@dataclass
class FakeHosted:
    """One session as the daemon holds it; while `paused` nothing is rendered."""

    id: str
    preset: str
    folder: Path
    asked: Mapping[str, Any]
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    status: str = "playing"
    trouble: str = ""
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    hands: Any = None
    sound: Any = None
    writer: RecordWriter | None = None
    paused: bool = False
    company: Company = field(default_factory=Company)

    def __post_init__(self) -> None:
        self._heard: list[Callable[[dict[str, Any]], None]] = []
        self._told: deque[dict[str, Any]] = deque()
        self._over = asyncio.Event()

    def end_when_left(self) -> None:
        self.company.is_needed = True

    def stop(self, text: str) -> None:
        self.hands.stop()

    def note(self, line: dict[str, Any]) -> None:
        self._told.append(line)

    def pass_on(self) -> None:
        """In the loop: lines to those who follow."""
        while self._told:
            line = self._told.popleft()
            self.latest[line["type"]] = line
            self.lines.append(line)
            for heard in list(self._heard):
                heard(line)
        if self.status == "playing" and self.hands and self.hands.finished:
            self.status = "finished"
        if self.status in ("finished", "failed"):
            self._over.set()

    def follow(self, heard: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        self._heard.append(heard)
        return lambda: self._heard.remove(heard)

    async def next_line(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float) -> dict[str, Any] | None:
        found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        leave = self.follow(lambda line: found.set_result(line) if not found.done() and wanted(line) else None)
        try:
            return await asyncio.wait_for(found, timeout_s)
        except TimeoutError:
            return None
        finally:
            leave()

    async def over(self) -> None:
        await self._over.wait()


class FakeSessions:
    """The registry. `audio` False renders silence, which is quick, in all stems; `record` writes session.jsonl."""

    folder = Sessions.folder

    def __init__(self, config: Config, audio: bool = False, record: bool = True) -> None:
        self._config, self._audio, self._record = config, audio, record
        self.ready = self.taken_up = True
        self.all: dict[str, FakeHosted] = {}
        self._ticks: list[Callable[[], None]] = []
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def create(
        self, preset: Any, session: Mapping[str, Any], *, name: str | None = None, stems: bool = False
    ) -> FakeHosted:
        name = name or uuid.uuid4().hex[:12]
        if name in self.all:
            raise SessionTaken(f"there is a session called {name}")
        if sum(one.status == "playing" for one in self.all.values()) >= self._config.max_sessions:
            raise NoRoom(f"{self._config.max_sessions} sessions play, and that is all there may be")
        preset = load_preset(preset) if isinstance(preset, str) else preset
        hosted = FakeHosted(name, preset.name, self._config.sessions_dir / name, dict(session))
        if self._record:
            hosted.folder.mkdir(parents=True, exist_ok=True)
            About(name, preset.name, hosted.created).write(hosted.folder)
        writer = RecordWriter(hosted.folder / "session.jsonl") if self._record else None

        def note(line: dict[str, Any]) -> None:
            if writer is not None:
                hosted.folder.mkdir(parents=True, exist_ok=True)
                writer.write(line)
            hosted.note(line)

        rate = self._config.sample_rate
        played = Session(
            preset, sample_rate=rate, record=note, stems=stems and self._audio, audio=self._audio, **session
        )
        hosted.hands = FakeHands(played)
        hosted.writer = writer
        hosted.sound = FakeSound(rate, tuple(played.engine.stems) if stems else ())
        self.all[name] = hosted
        self._begin()
        return hosted

    def get(self, session_id: str) -> FakeHosted:
        return self.all[session_id]

    def ticking(self, heard: Callable[[], None]) -> Callable[[], None]:
        self._ticks.append(heard)
        return lambda: self._ticks.remove(heard)

    async def close(self, fade: bool = True) -> None:
        self._quit.set()
        if self._ticker is not None:
            self._ticker.cancel()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        for hosted in self.all.values():
            if hosted.writer is not None:
                hosted.writer.close()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._render, name="fake stage", daemon=True)
            self._thread.start()
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            for hosted in list(self.all.values()):
                hosted.pass_on()
            for tick in list(self._ticks):
                tick()
            await asyncio.sleep(TICK_S)

    def _render(self) -> None:
        """Each session a block ahead of its time; one that came late is not caught up with."""
        while not self._quit.wait(0.01):
            for hosted in list(self.all.values()):
                sound, hands = hosted.sound, hosted.hands
                due = (time.monotonic() - sound.begun_s) * sound.sample_rate + sound.block_frames
                if hosted.status == "playing" and not (hosted.paused or hands.finished) and sound.frames < due:
                    self._block(hands, sound)

    def _block(self, hands: FakeHands, sound: FakeSound) -> None:
        with hands.lock:
            if not (sound.stems and self._audio):
                sound.write({None: hands.session.render(sound.block_frames)})
            else:
                audio = hands.session.render_audio(sound.block_frames)
                mastered = {stem: audio.stems[stem] * audio.gain[:, None] for stem in sound.stems}
                sound.write({None: audio.mix, **mastered})
        hands.blocks += 1


class OpenGate:
    """Lets everybody in; or, where `callers` maps bearer tokens to callers, only those."""

    def __init__(self, callers: Mapping[str, Caller] | None = None) -> None:
        self.callers = callers

    def caller(self, connection: Any) -> Caller:
        from synth.daemon.problems import Problem

        if self.callers is None:
            return Caller(Role.OPERATOR, None, "loopback")
        token = connection.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.callers:
            raise Problem(401, detail="sign in", headers={"WWW-Authenticate": "Bearer"})
        return self.callers[token]

    def allow(self, caller: Caller, role: Role | None, session_id: str | None) -> None:
        from synth.daemon.problems import Problem

        if role is not None and caller.role < role:
            raise Problem(403, detail="this is not for your role")
        if session_id is not None and caller.session_id not in (None, session_id):
            raise Problem(403, detail="this is not your session")

    def shield(self, app: Any) -> Any:
        return app


def fake_house(folder: Path, *, audio: bool = False, gate: Any = None, **others: Any) -> Any:
    """A house of fakes with its state in `folder`."""
    config = others.pop("config", None) or Config(state_dir=folder)
    stage = SimpleNamespace(ready=True, workers=())
    parts = dict.fromkeys(("events", "ingest", "renders", "listeners", "metrics"))
    sessions = others.pop("sessions", None) or FakeSessions(config, audio)
    from synth.daemon.house import House

    return House(config=config, stage=stage, sessions=sessions, gate=gate or OpenGate(), **{**parts, **others})


@contextlib.contextmanager
def fake_service(folder: Path, endpoints: Any, **others: Any) -> Iterator[Served]:
    """A fake house that takes signals too, with `endpoints` on a free port."""
    from synth.daemon.app import application
    from synth.daemon.ingest import Ingest

    house = fake_house(folder, **others)
    house.ingest = Ingest(house.sessions, house.config)

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        house.ingest.start()
        yield
        house.ingest.stop()

    with serving(application(house, endpoints, lifespan=lifespan), house) as served:
        yield served


@dataclass
class Served:
    """A server that runs: `url` as http://127.0.0.1:PORT; `call` runs a coroutine in its loop for its result."""

    url: str
    loop: asyncio.AbstractEventLoop
    house: Any = None

    def call(self, coroutine: Any, timeout_s: float = 60.0) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)


@contextlib.contextmanager
def serving(app: Any, house: Any = None) -> Iterator[Served]:
    """Serve `app` in a thread until left; the sessions of `house` end with it."""
    config = uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="auto", ws="websockets-sansio")
    server, loops = uvicorn.Server(config), []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()
        if house is not None:
            await house.sessions.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server", daemon=True)
    thread.start()
    until_s = time.monotonic() + 60.0
    while not server.started and thread.is_alive() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert server.started, "the server did not start"
    try:
        yield Served(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", loops[0], house)
    finally:
        server.should_exit = True
        thread.join(30.0)
