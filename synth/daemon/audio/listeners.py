"""Those who listen, and the pump that brings them each block of the sessions they hear.

A session that nobody hears costs nothing; a block is read and encoded once for each stem and format that somebody
hears. Nobody is waited for: who is behind misses blocks (the frame numbers tell), and who stays behind is closed with
1013.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket

from synth.daemon.audio.broadcast import Broadcasts
from synth.daemon.audio.pcm import CHANNELS, RESUMED, Format, Message, message
from synth.daemon.audio.wire import Wire, wire_of

if TYPE_CHECKING:
    from synth.daemon.config import Config
    from synth.daemon.sessions import Hosted, Sessions
    from synth.daemon.stage.sound import Sound

BACKLOG_BLOCKS = 8  # that may wait for a client to take them
FORGIVEN = 0.25  # of a missed block, by each that is taken: missing one in five goes on, one in four does not
BEHIND_S = 5.0  # of missed music, after which a client is closed
CLOSING_S = 2.0
FINISHED, GOING_AWAY, NOTHING_TAKEN, BROKEN = 1000, 1001, 1003, 1011  # RFC 6455, section 7.4.1
TRY_AGAIN = 1013  # by IANA's registry of close codes
OVER = ("finished", "failed")


class Full(RuntimeError):
    """A session that has as many listeners as are allowed."""


@dataclass(slots=True)
class Counts:
    """What happened since the start: blocks that were sent to listeners, blocks they were too slow for, listeners who
    were closed for it, blocks that the pump itself came too late for, and Opus pages skipped."""

    sent: int = 0
    skipped: int = 0
    closed: int = 0
    missed: int = 0
    pages_skipped: int = 0


class Listener:
    """One client of the WebSocket; `over` is done, with a close code and why, when there is no more for it."""

    def __init__(self, wire: Wire, counts: Counts) -> None:
        self.wire = wire
        self.over: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._counts = counts
        self._debt_s = 0.0

    def take(self, block: Message, length_s: float) -> None:
        """Send a block of `length_s`, or skip it when too much waits already."""
        if self.wire.waiting_bytes <= BACKLOG_BLOCKS * len(block.frame):
            self.wire.write(block)
            self._counts.sent += 1
            if self._debt_s:
                self._debt_s = max(self._debt_s - FORGIVEN * length_s, 0.0)
            return
        self._counts.skipped += 1
        self._debt_s += length_s
        if self._debt_s > BEHIND_S and not self.over.done():
            self._counts.closed += 1
            self.end(TRY_AGAIN, "too slow for this stream")

    def end(self, code: int, why: str) -> None:
        """No more from now on."""
        if not self.over.done():
            self.over.set_result((code, why))


@dataclass(slots=True)
class Channel:
    """A stem (None: the mix) in one format, and who hears it."""

    stem: str | None
    form: Format
    listeners: list[Listener]


class Feed:
    """One session's blocks on their way to its listeners."""

    def __init__(self, hosted: Hosted, counts: Counts) -> None:
        self.hosted = hosted
        self.channels: dict[tuple[str | None, Format], Channel] = {}
        self._counts = counts
        self._sound = hosted.sound
        self._position = _latest_edge(hosted.sound)
        self._flags = 0

    @property
    def position(self) -> int:
        """The next frame to be sent."""
        return self._position

    def add(self, stem: str | None, form: Format, listener: Listener) -> None:
        """From now on; the latest block first, as it is still to be played."""
        channel = self.channels.setdefault((stem, form), Channel(stem, form, []))
        channel.listeners.append(listener)
        block = self._sound.block_frames
        if self._position >= block:
            self._send(channel, self._position - block, block, [listener])

    def remove(self, stem: str | None, form: Format, listener: Listener) -> bool:
        """Whether somebody is left."""
        channel = self.channels[stem, form]
        channel.listeners.remove(listener)
        if not channel.listeners:
            del self.channels[stem, form]
        return bool(self.channels)

    def pump(self) -> None:
        """Send each block that has been rendered since."""
        sound = self.hosted.sound
        head = sound.frames
        if sound is not self._sound or head < self._position:
            self._sound, self._position, self._flags = sound, _latest_edge(sound), RESUMED
        block = sound.block_frames
        if head - self._position > sound.capacity_frames - block:
            skipped = (head - self._position) // block - 1
            self._position += skipped * block
            self._counts.missed += skipped
        while self._position + block <= head:
            self._send_all(block)
        if self.hosted.status in OVER:
            self._finish(head - self._position)

    def _send_all(self, frames: int) -> None:
        for channel in tuple(self.channels.values()):
            self._send(channel, self._position, frames, channel.listeners)
        self._position += frames
        self._flags = 0

    def _send(self, channel: Channel, first: int, frames: int, listeners: list[Listener]) -> None:
        audio = self._sound.read(first, frames, channel.stem)
        if audio is None:
            self._counts.missed += 1
            return
        lead_s = self._sound.play_time_s(first) - time.monotonic()
        block = message(audio, channel.form, first, lead_s, self._flags)
        length_s = frames / self._sound.sample_rate
        for listener in listeners:
            listener.take(block, length_s)

    def _finish(self, rest: int) -> None:
        if 0 < rest < self._sound.block_frames:
            self._send_all(rest)
        failed = self.hosted.status == "failed"
        self.end(BROKEN if failed else FINISHED, f"the session has {self.hosted.status}")

    def end(self, code: int, why: str) -> None:
        """No more for anybody."""
        for channel in self.channels.values():
            for listener in channel.listeners:
                listener.end(code, why)


class Listeners:
    """All who listen. Everything here belongs to the event loop; Opus is encoded in threads beside it."""

    def __init__(self, config: Config, sessions: Sessions) -> None:
        self.counts = Counts()
        self._config, self._sessions = config, sessions
        self._feeds: dict[str, Feed] = {}
        self._stop_ticking: Callable[[], None] | None = None
        self._broadcasts = Broadcasts(self.counts)
        self._closed = False

    @property
    def count(self) -> int:
        """Listeners now, of both kinds."""
        return sum(map(self.of, {*self._feeds, *self._broadcasts.heard}))

    @property
    def encoders(self) -> int:
        """Opus encoders at work."""
        return self._broadcasts.encoders

    def of(self, session_id: str) -> int:
        """Listeners of one session."""
        feed = self._feeds.get(session_id)
        sockets = sum(len(channel.listeners) for channel in feed.channels.values()) if feed else 0
        return sockets + self._broadcasts.of(session_id)

    def check_room(self, hosted: Hosted) -> None:
        """Full when the session has as many listeners as `limits.max_listeners` allows."""
        most = self._config.limits.max_listeners
        if self.of(hosted.id) >= most or self._closed:
            raise Full(f"this session has {most} listeners already, and no more are allowed: try again later")

    async def listen(self, hosted: Hosted, websocket: WebSocket, stem: str | None, form: Format) -> None:
        """Serve one accepted WebSocket from its hello until the client leaves, the session is over, or it cannot
        follow."""
        listener = Listener(wire_of(websocket), self.counts)
        feed = self._feed(hosted)
        await websocket.send_text(json.dumps(_hello(hosted, feed, stem, form)))
        leaving = asyncio.create_task(_until_gone(websocket))
        waited: set[asyncio.Future[Any]] = {leaving, listener.over}
        feed.add(stem, form, listener)
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not feed.remove(stem, form, listener):
                self._forget(feed)
        if listener.over.done():
            await _close(websocket, listener)
        elif not leaving.cancelled() and leaving.result():
            await websocket.close(NOTHING_TAKEN, "this socket only tells")

    def opus(self, hosted: Hosted, stem: str | None, bitrate_bps: int) -> AsyncIterator[bytes]:
        """Ogg pages from now on, until the session is over or the listener stays behind. OpusError where there is no
        encoder for this session."""
        return self._broadcasts.pages(hosted, stem, bitrate_bps)

    async def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        for feed in self._feeds.values():
            feed.end(GOING_AWAY, "the service is stopping")
        await self._broadcasts.close()

    def _feed(self, hosted: Hosted) -> Feed:
        feed = self._feeds.get(hosted.id)
        if feed is None or feed.hosted is not hosted:
            feed = self._feeds[hosted.id] = Feed(hosted, self.counts)
        if self._stop_ticking is None:
            self._stop_ticking = self._sessions.ticking(self._pump)
        return feed

    def _forget(self, feed: Feed) -> None:
        if self._feeds.get(feed.hosted.id) is feed:
            del self._feeds[feed.hosted.id]
        if not self._feeds and self._stop_ticking is not None:
            self._stop_ticking()
            self._stop_ticking = None

    def _pump(self) -> None:
        for feed in tuple(self._feeds.values()):
            feed.pump()


def _latest_edge(sound: Sound) -> int:
    """The newest frame that a block ended with."""
    return sound.frames // sound.block_frames * sound.block_frames


def _hello(hosted: Hosted, feed: Feed, stem: str | None, form: Format) -> dict[str, Any]:
    """What a listener must know. Frame n is to be played at `play_origin_s` + n / sample_rate by the service's own
    clock, which shows `clock_s` now."""
    sound = hosted.sound
    return {
        "type": "hello",
        "session_id": hosted.id,
        "sample_rate": sound.sample_rate,
        "channels": CHANNELS,
        "block_frames": sound.block_frames,
        "format": form,
        "stem": stem or "mix",
        "stems": list(sound.stems),
        "next_frame": feed.position,
        "play_origin_s": round(sound.play_time_s(0), 6),
        "clock_s": round(time.monotonic(), 6),
    }


async def _until_gone(websocket: WebSocket) -> bool:
    """Wait until the client leaves (False) or says something (True), which is not asked of it."""
    said = await websocket.receive()
    return bool(said["type"] == "websocket.receive")


async def _close(websocket: WebSocket, listener: Listener) -> None:
    """Say why, and do not wait long for a client that takes nothing."""
    code, why = listener.over.result()
    try:
        async with asyncio.timeout(CLOSING_S):
            while listener.wire.waiting_bytes:
                await asyncio.sleep(0.02)
            with contextlib.suppress(RuntimeError):  # it left meanwhile
                await websocket.send_text(json.dumps({"type": "end", "code": code, "why": why}))
                await websocket.close(code, why)
    except TimeoutError:
        listener.wire.abort()
