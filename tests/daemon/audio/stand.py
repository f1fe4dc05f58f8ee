"""Sessions whose sound is known, kept and ticked as the daemon does, for listeners to hear."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray

from synth.daemon.app import application
from synth.daemon.audio import Listeners
from synth.daemon.audio.wire import AudioWebSockets
from synth.daemon.company import Company
from synth.daemon.config import Config
from synth.daemon.stage.sound import Sound
from tests.daemon.fakes import fake_house

RATE, BLOCK = 48_000, 1920
TICK_S = 0.005
HZ = {None: 440.0, "pad": 220.0, "bass": 110.0}


def tone(first: int, frames: int, stem: str | None = None, amplitude: float = 0.25) -> NDArray[np.float32]:
    """What the mix or a stem holds from `first` on: a sine, the right side a quarter of a turn later."""
    turns = 2.0 * np.pi * HZ[stem] * np.arange(first, first + frames) / RATE
    return (amplitude * np.stack((np.sin(turns), np.cos(turns)), axis=1)).astype(np.float32)


class Tone:
    """A session that plays `tone`."""

    def __init__(self, session_id: str, stems: tuple[str, ...] = (), rate: int = RATE) -> None:
        self.id, self.status, self.stems, self.rate = session_id, "playing", stems, rate
        self.sound = self.new_sound(0)
        self.company = Company()

    def new_sound(self, first: int) -> Sound:
        memory = memoryview(bytearray(Sound.size(BLOCK, len(self.stems))))
        sound = Sound(memory, self.rate, BLOCK, self.stems)
        sound.begin(first, time.monotonic() + BLOCK / self.rate)
        return sound

    def render(self) -> None:
        first = self.sound.frames
        self.sound.write(tone(first, BLOCK), {stem: tone(first, BLOCK, stem) for stem in self.stems})


class Tones:
    """The registry of them. While `running`, a block is rendered when it is due; else with `render`."""

    def __init__(self) -> None:
        self.all: dict[str, Tone] = {}
        self.ready = self.running = self.taken_up = True
        self.ticks: list[Callable[[], None]] = []

    def add(self, session_id: str, **given: Any) -> Tone:
        self.all[session_id] = Tone(session_id, **given)
        return self.all[session_id]

    def get(self, session_id: str) -> Tone:
        return self.all[session_id]

    def folder(self, session_id: str) -> Path:
        raise KeyError(session_id)

    def ticking(self, heard: Callable[[], None]) -> Callable[[], None]:
        self.ticks.append(heard)
        return lambda: self.ticks.remove(heard)

    async def run(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(TICK_S)

    def tick(self) -> None:
        for session in self.all.values():
            sound = session.sound
            while self.running and session.status == "playing" and sound.play_time_s(sound.frames) < _soon(sound):
                session.render()
        for tick in tuple(self.ticks):
            tick()


def _soon(sound: Sound) -> float:
    return time.monotonic() + sound.block_frames / sound.sample_rate


class Stand:
    """A server of `house`; `call` runs something in its loop."""

    def __init__(self, house: Any, server: uvicorn.Server, loop: asyncio.AbstractEventLoop) -> None:
        self.house, self.loop, self._server = house, loop, server
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        self.sessions: Tones = house.sessions
        self.listeners: Listeners = house.listeners

    @property
    def socket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")

    @property
    def connections(self) -> int:
        """That are open."""
        return len(self._server.server_state.connections)

    def call(self, work: Callable[[], Any]) -> Any:
        async def do() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(do(), self.loop).result(30.0)


@contextlib.contextmanager
def stand(folder: Path, ws: Any = AudioWebSockets, sessions: Any = None, **settings: Any) -> Iterator[Stand]:
    """Serve tones from a thread, on a free port."""
    config = Config(state_dir=folder, **settings)
    sessions = sessions or Tones()
    listeners = Listeners(config, sessions)
    house = fake_house(folder, config=config, sessions=sessions, listeners=listeners)
    given = uvicorn.Config(
        application(house), "127.0.0.1", 0, log_config=None, lifespan="off", ws=ws, ws_per_message_deflate=False
    )
    server = uvicorn.Server(given)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        ticking = asyncio.create_task(sessions.run())
        await server.serve()
        await listeners.close()
        ticking.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="stand", daemon=True)
    thread.start()
    until_s = time.monotonic() + 60.0
    while not server.started and thread.is_alive() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert server.started, "the server did not start"
    try:
        yield Stand(house, server, loops[0])
    finally:
        asyncio.run_coroutine_threadsafe(listeners.close(), loops[0]).result(30.0)
        server.should_exit = True
        thread.join(30.0)
