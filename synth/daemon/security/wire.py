"""The server's side of a connection before there is a request: how long and how large a head may be, and how many wait.

uvicorn's httptools protocol has no bound on a head (h11's `h11_max_incomplete_event_size` is not its own) and none on
the time that one takes, and an ASGI app sees neither. So this stands where uvicorn takes `http=`.
"""

from __future__ import annotations

import asyncio
import socket
from functools import cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from synth.daemon.config import Limits

MOST_HEAD_BYTES = 32 * 1024
MOST_HEADERS = 100
MOST_WAITING = 512  # connections on which no whole head came yet; beyond, the oldest makes room
UNREAD_S = 60.0  # that an answer may wait for who does not read it (TCP_USER_TIMEOUT, RFC 5482)
BODY_GRACE_S = 5.0  # beyond the app's own limit, for those who let a body trickle that nobody reads


class _Refused(Exception):
    """The head is not to be read further."""


def guarded_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """uvicorn's protocol for HTTP/1.1, which answers 431 to a large head and 408 to a late one."""
    waiting: dict[Guarded, None] = {}  # in the order in which they came

    class Bound(Guarded):
        _limits, _waiting = limits, waiting

    return Bound


class Guarded(HttpToolsProtocol):
    """One connection."""

    _limits: Limits
    _waiting: dict[Guarded, None]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._late: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._refusal = 400
        sockets: Any = self.ws_protocol_class
        self.ws_protocol_class = _quiet(sockets)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        _give_up_on_who_does_not_read(transport)
        self._await_head()
        while len(self._waiting) > MOST_WAITING:
            next(iter(self._waiting))._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        if self in self._waiting:
            self._head_bytes += len(data)
        super().data_received(data)
        if self in self._waiting and self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431)

    def on_message_begin(self) -> None:
        """httptools."""
        super().on_message_begin()
        if self not in self._waiting:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools."""
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            self._refusal = 431
            raise _Refused

    def on_headers_complete(self) -> None:
        """httptools."""
        self._rest()
        if sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD_BYTES:
            self._refusal = 431
            raise _Refused
        self._late = self.loop.call_later(self._limits.header_timeout_s + BODY_GRACE_S, self._drop)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """httptools."""
        self._rest()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """uvicorn: another protocol takes the connection over."""
        self._rest()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """uvicorn: what it answers to a head that it cannot read."""
        self._refuse(self._refusal)

    def _await_head(self) -> None:
        self._rest()
        self._head_bytes = 0
        self._waiting[self] = None
        self._late = self.loop.call_later(self._limits.header_timeout_s, self._refuse, 408)

    def _rest(self) -> None:
        self._waiting.pop(self, None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: int) -> None:
        """Say why, unless an answer to an earlier request is under way, and close."""
        self._rest()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _drop(self) -> None:
        self._rest()
        self.transport.close()


def _give_up_on_who_does_not_read(transport: asyncio.Transport) -> None:
    """Have the system end the connection, as a server that has sent all it had cannot (Linux)."""
    option, connection = getattr(socket, "TCP_USER_TIMEOUT", None), transport.get_extra_info("socket")
    if option is not None and connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, option, round(UNREAD_S * 1000.0))


@cache
def _quiet(protocol: Any) -> Any:
    """uvicorn's protocol for WebSockets, or one made from it, that does not log each refusal as an error of the app:
    anybody could fill the log with those."""
    if protocol is None or not issubclass(protocol, WebSocketsSansIOProtocol):
        return protocol
    base: Any = protocol

    class Quiet(base):
        async def run_asgi(self: Any) -> None:
            app = self.app

            async def refusing(scope: Any, receive: Any, send: Any) -> None:
                await app(scope, receive, send)
                self.handshake_complete = self.handshake_complete or self.initial_response is not None

            self.app = refusing
            await super().run_asgi()

    return Quiet
