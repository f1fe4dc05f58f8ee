"""What happens in a session, told as it happens: over server-sent events and over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from synth.api.events import EventsAsked
from synth.daemon.endpoints.table import WEBSOCKET, Endpoint
from synth.daemon.events import Event, Row, follow
from synth.daemon.house import House
from synth.daemon.outcome import find
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role

EVENTS = "/api/v1/sessions/{session_id}/events"
HEARTBEAT_S = 15.0
SEND_S = 30.0  # for a listener to take what it is sent
RETRY_MS = 2000  # after which a browser comes again
BUSY_S = 5
SLOW = 1013  # close code: try again later
Batches = AsyncIterator[list[Event] | None]


async def _stream(house: House, caller: Caller, request: Request, body: None) -> Response:
    """HTML, section 9.2 (server-sent events): where there is nothing more to come, 204 tells a browser to stay away."""
    row = _row(house, request.path_params["session_id"])
    asked: EventsAsked = request.state.query
    place = house.events.place(row, asked.after or request.headers.get("last-event-id"))
    if row.over and place == row.count:
        return Response(None, 204, {"Cache-Control": "no-store"})
    return EventStream(row, follow(row, place, asked.kinds, HEARTBEAT_S))


async def _socket(house: House, caller: Caller, websocket: WebSocket) -> None:
    row = _row(house, websocket.path_params["session_id"])
    asked: EventsAsked = websocket.state.query
    place = house.events.place(row, asked.after)
    await websocket.accept()
    row.listeners += 1
    sending = asyncio.create_task(_send_all(websocket, follow(row, place, asked.kinds, HEARTBEAT_S)))
    leaving = asyncio.create_task(_until_gone(websocket))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not leaving.done():
            with suppress(TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
                code = SLOW if sending.exception() else sending.result()
                await asyncio.wait_for(websocket.close(code), SEND_S)
    finally:
        row.listeners -= 1
        await _end(sending, leaving)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _send_all(websocket: WebSocket, batches: Batches) -> int:
    """Send until the end; the code to close with."""
    last = ""
    async for batch in batches:
        for event in batch or ():
            await asyncio.wait_for(websocket.send_text(event.text), SEND_S)
            last = event.kind
    return SLOW if last == "slow" else 1000


async def _until_gone(websocket: WebSocket) -> None:
    """What comes in is passed over; nothing is to be said here."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass


def _row(house: House, session_id: str) -> Row:
    row = house.events.row(find(house, session_id))
    most = house.config.limits.max_listeners
    if row.listeners >= most:
        detail = f"{most} follow this session already"
        raise Problem(503, "Too many listeners", detail, headers={"Retry-After": str(BUSY_S)})
    return row


class EventStream(Response):
    """Events as they come. A listener that takes nothing for SEND_S is let go."""

    media_type = "text/event-stream"

    def __init__(self, row: Row, batches: Batches) -> None:
        super().__init__(None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._row, self._batches = row, batches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        self._row.listeners += 1
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_until_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                with suppress(TimeoutError, OSError):
                    sending.result()
        finally:
            self._row.listeners -= 1
            await _end(sending, leaving)

    async def _send(self, send: Send) -> None:
        async def say(chunk: bytes, more: bool = True) -> None:
            message = {"type": "http.response.body", "body": chunk, "more_body": more}
            await asyncio.wait_for(send(message), SEND_S)

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await say(b"retry: %d\n\n" % RETRY_MS)
        async for batch in self._batches:
            await say(b": still there\n\n" if batch is None else b"".join(event.sse for event in batch))
        await say(b"", more=False)


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


ENDPOINTS = (
    Endpoint(
        "GET", EVENTS, _stream, "Follow what happens in a session (server-sent events).", Role.LISTENER, "events",
        query=EventsAsked, media="text/event-stream", errors=(404, 503), endless=True,
    ),
    Endpoint(
        WEBSOCKET, EVENTS, _socket, "Follow what happens in a session over a WebSocket.", Role.LISTENER, "events",
        query=EventsAsked, errors=(404, 503),
    ),
)  # fmt: skip
