"""Ogg Opus for those who only listen: one encoder for each session, stem and bit rate, shared by all who hear it.

Encoders work in threads, a fifth of a second at a time, so the event loop is never held. Seconds of delay are usual on
this way: players fill their buffers first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.daemon.audio import libopus
from synth.daemon.audio.ogg import RATE_HZ

if TYPE_CHECKING:
    from synth.daemon.audio.listeners import Counts
    from synth.daemon.sessions import Hosted

CHUNK_S = 0.2
WAIT_S = 0.01  # after a chunk should be there
STALLED_S = 0.1  # between looks at a session that does not go on
QUEUED_PAGES = 25  # five seconds, beside what the connection itself holds
MOST_SKIPPED = 50  # of which none was taken in between: ten seconds
THREADS = max(2, min(4, os.cpu_count() or 1))
_serials = itertools.count(int.from_bytes(os.urandom(3), "little"))


class OpusError(ValueError):
    """A session whose sound cannot be had as Opus; the message says why and what to do."""


class Encoder(Protocol):
    """An endless Ogg Opus stream."""

    headers: bytes

    def encode(self, audio: NDArray[np.float32], last: bool = False) -> bytes:
        """Pages of what came since."""

    def close(self) -> None:
        """Let go of it."""


def encoder(bitrate_bps: int) -> Encoder:
    """The system's libopus; where there is none, libsndfile's."""
    if libopus.library() is not None:
        return libopus.LibOpus(bitrate_bps, next(_serials))
    from synth.daemon.audio.sndfile import SndfileOpus

    return SndfileOpus(bitrate_bps)


class Passive:
    """One listener: pages that wait, oldest first; None at the end."""

    def __init__(self, counts: Counts) -> None:
        self._pages: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._over = False
        self._skipped = 0
        self._counts = counts

    @property
    def lost(self) -> bool:
        """Whether it has taken nothing for so long that it is given up."""
        return self._skipped > MOST_SKIPPED

    def put(self, pages: bytes) -> None:
        """Whoever is behind misses the oldest pages."""
        if len(self._pages) >= QUEUED_PAGES:
            self._pages.popleft()
            self._counts.pages_skipped += 1
            self._skipped += 1
        self._pages.append(pages)
        self._more.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        self._more.set()

    async def take(self) -> bytes | None:
        """The next pages; None when it is over."""
        while not self._pages and not self._over:
            self._more.clear()
            await self._more.wait()
        self._skipped = 0
        return self._pages.popleft() if self._pages else None


class Broadcast:
    """One encoder and its listeners."""

    def __init__(
        self, hosted: Hosted, stem: str | None, bitrate_bps: int, threads: ThreadPoolExecutor, counts: Counts
    ) -> None:
        self.listeners: set[Passive] = set()
        self.hosted = hosted
        self.ended = False
        self._encoding = threading.Lock()
        self._stem, self._threads, self._counts = stem, threads, counts
        self._encoder = encoder(bitrate_bps)
        self.headers = self._encoder.headers
        self._sound = hosted.sound
        self._position = max(hosted.sound.frames - self._chunk, 0)

    @property
    def _chunk(self) -> int:
        return round(CHUNK_S * self._sound.sample_rate)

    async def run(self) -> None:
        """Encode as long as somebody listens and the session goes on."""
        loop = asyncio.get_running_loop()
        over = False
        try:
            while self.listeners and not over:
                over = self.hosted.status in ("finished", "failed")
                frames = await self._wait() if not over else self._rest()
                pages = await loop.run_in_executor(self._threads, self._encode, frames, over)
                if pages:
                    self._share(pages)
        finally:
            self.ended = True
            for listener in self.listeners:
                listener.end()
            await loop.run_in_executor(self._threads, self._close)

    def _share(self, pages: bytes) -> None:
        for listener in tuple(self.listeners):
            listener.put(pages)
            if listener.lost:
                self.listeners.discard(listener)
                listener.end()
                self._counts.closed += 1

    async def _wait(self) -> int:
        """Until a chunk is there, or the session is over; its frames."""
        while self.hosted.status not in ("finished", "failed") and self.listeners:
            sound = self.hosted.sound
            head = sound.frames
            if sound is not self._sound or head < self._position:
                self._sound, self._position = sound, head
            if head - self._position > sound.capacity_frames * 3 // 4:
                self._position = head - self._chunk
            missing = self._chunk - (head - self._position)
            if missing <= 0:
                return self._chunk
            await asyncio.sleep(min(missing / sound.sample_rate, STALLED_S) + WAIT_S)
        return 0

    def _rest(self) -> int:
        return min(max(self._sound.frames - self._position, 0), self._sound.capacity_frames // 2)

    def _encode(self, frames: int, last: bool) -> bytes:
        """In a thread. What the ring has no more, for a stall of this machine, is silence."""
        audio = self._sound.read(self._position, frames, self._stem) if frames else None
        if audio is None:
            audio = np.zeros((frames, 2), np.float32)
        self._position += frames
        with self._encoding:
            return b"" if self.ended else self._encoder.encode(audio, last)

    def _close(self) -> None:
        with self._encoding:
            self._encoder.close()


Key = tuple[str, str | None, int]


class Broadcasts:
    """All encoders at work."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="opus")
        self._running: dict[Key, tuple[Broadcast, asyncio.Task[None]]] = {}

    @property
    def encoders(self) -> int:
        """How many."""
        return len(self._running)

    @property
    def heard(self) -> set[str]:
        """Sessions that somebody hears this way."""
        return {session_id for session_id, _, _ in self._running}

    def of(self, session_id: str) -> int:
        """Listeners of one session."""
        return sum(len(broadcast.listeners) for key, (broadcast, _) in self._running.items() if key[0] == session_id)

    def pages(self, hosted: Hosted, stem: str | None, bitrate_bps: int) -> AsyncIterator[bytes]:
        """Header pages, then what is encoded from now on."""
        if hosted.sound.sample_rate != RATE_HZ:
            raise OpusError(
                f"Opus is made of sound at {RATE_HZ} Hz, and this has {hosted.sound.sample_rate} Hz: "
                f"set sample_rate = {RATE_HZ}, or listen over the WebSocket"
            )
        listener = Passive(self._counts)
        broadcast = self._join(hosted, stem, bitrate_bps, listener)
        return self._stream(broadcast, listener)

    def _join(self, hosted: Hosted, stem: str | None, bitrate_bps: int, listener: Passive) -> Broadcast:
        key = (hosted.id, stem, bitrate_bps)
        broadcast = self._running[key][0] if key in self._running else None
        if broadcast is None or broadcast.ended or broadcast.hosted is not hosted:
            broadcast = Broadcast(hosted, stem, bitrate_bps, self._threads, self._counts)
            broadcast.listeners.add(listener)
            task = asyncio.create_task(broadcast.run())
            self._running[key] = broadcast, task
            task.add_done_callback(lambda done: self._forget(key, done))
        broadcast.listeners.add(listener)
        return broadcast

    def _forget(self, key: Key, task: asyncio.Task[None]) -> None:
        if key in self._running and self._running[key][1] is task:
            del self._running[key]

    async def _stream(self, broadcast: Broadcast, listener: Passive) -> AsyncIterator[bytes]:
        try:
            yield broadcast.headers
            while (pages := await listener.take()) is not None:
                yield pages
        finally:
            broadcast.listeners.discard(listener)

    async def close(self) -> None:
        """End every stream."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False)
