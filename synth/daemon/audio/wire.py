"""The way from a block to a listener's socket, with as little in between as can be.

What a server sends over a WebSocket is not masked (RFC 6455, section 5.1), so all listeners of a block get the same
bytes. `AudioWebSockets` is uvicorn's own protocol that leaves the connection in the scope, for these bytes to be
written straight to the transport: 13.8 us a block and client in place of 22.5 us through a task and the ASGI messages
(7.7 kB, 100 clients, uvloop, one core of 2.1 GHz), and how far a client is behind can be seen. Give it to uvicorn as
`ws`. Under any other server the messages go the usual way.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from synth.daemon.audio.pcm import Message

EXTENSION = "isotone.wire"
UNSENT_BYTES = 16_384  # that the system keeps of what it could not send yet; more waits where it is seen


class Wire(Protocol):
    """One listener's socket."""

    @property
    def waiting_bytes(self) -> int:
        """Written, but not sent yet."""

    def write(self, message: Message) -> None:
        """Send a message, or let it wait; never blocks."""

    def abort(self) -> None:
        """End the connection at once, with whatever waits."""


class AudioWebSockets(WebSocketsSansIOProtocol):
    """uvicorn's WebSockets, reachable from the scope."""

    def handle_connect(self, event: Request) -> None:
        """A request to open: as uvicorn does it, then the way to the transport is left in the scope."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: Any = self.scope["extensions"]
            extensions[EXTENSION] = StraightWire(self)


class StraightWire:
    """Writes to the transport of an open WebSocket."""

    def __init__(self, protocol: AudioWebSockets) -> None:
        self._protocol = protocol

    @property
    def waiting_bytes(self) -> int:
        """As the transport counts."""
        return self._protocol.transport.get_write_buffer_size()

    def write(self, message: Message) -> None:
        """Nothing is written after the connection began to close."""
        protocol = self._protocol
        if not protocol.close_sent and not protocol.transport.is_closing():
            protocol.transport.write(message.frame)

    def abort(self) -> None:
        """Without waiting for what the client does not take."""
        self._protocol.transport.abort()

    def keep_little(self) -> None:
        """Have the system take no more than it can send: what lies there can be neither seen nor skipped."""
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        connection = self._protocol.transport.get_extra_info("socket")
        if option is not None and connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)


class AsgiWire:
    """Sends by ASGI messages, one after the other."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._queue: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting_bytes(self) -> int:
        """In the queue."""
        return self._waiting_bytes

    def write(self, message: Message) -> None:
        """Queued; a task sends it."""
        payload = message.payload
        self._queue.append(payload)
        self._waiting_bytes += len(payload)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it closed meanwhile
            while self._queue:
                payload = self._queue.popleft()
                await self._websocket.send_bytes(payload)
                self._waiting_bytes -= len(payload)

    def abort(self) -> None:
        """What waits is forgotten; the server ends the connection when the call returns."""
        self._queue.clear()
        self._waiting_bytes = 0
        if self._task is not None:
            self._task.cancel()


def wire_of(websocket: WebSocket) -> Wire:
    """The shortest way to the client of an accepted `websocket`."""
    found: StraightWire | None = websocket.scope.get("extensions", {}).get(EXTENSION)
    if found is None:
        return AsgiWire(websocket)
    found.keep_little()
    return found
