"""One HTTP request behind the shield: its body counted and timed, its answer given our headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from starlette.types import Message, Receive, Scope, Send

from synth.daemon.problems import Problem
from synth.daemon.security.headers import secured
from synth.daemon.security.visits import Visit, Visits

if TYPE_CHECKING:
    from synth.daemon.config import Limits

LONG_BYTES = 64 * 1024  # an answer so long may have to wait for who reads it
LINGER_S, LINGER_BYTES = 1.0, 4 << 20  # what is still taken of a body that was refused, so that the answer is read


class Exchange:
    """`receive` and `send` for the app. What breaks a limit is answered here, whatever the app makes of it then.

    `send` is no coroutine, and after the start of an answer no more than a call of the server's own.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        visit: Visit,
        visits: Visits,
        limits: Limits,
        origin: str | None,
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._visit, self._visits, self._limits, self._origin = visit, visits, limits, origin
        self._bytes = 0
        self._is_whole = not visit.heads.has_body
        self._until_s = asyncio.get_running_loop().time() + limits.header_timeout_s
        self._is_started = self.is_answered = False

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI."""
        return self._send(message) if self._is_started else self._start(message)

    async def receive(self) -> Message:
        """ASGI. Problem 408 or 413 when the body is too slow or too long."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until_s):
                message = await self._receive()
        except TimeoutError:
            raise await self._broken(_too_slow(self._limits.header_timeout_s)) from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
            if self._bytes > self._limits.max_body_bytes:
                raise await self._broken(too_long(self._limits.max_body_bytes))
        return message

    async def answer(self, problem: Problem) -> None:
        """Answer in the app's place. Nothing that the app sends goes out after this."""
        if self._is_started or self.is_answered:
            return
        self.is_answered = True
        must_close = not self._is_whole
        if must_close:
            problem.headers["Connection"] = "close"
        await problem.response()(self._scope, self._receive, self._lingering if must_close else self._secure)

    async def finish(self) -> None:
        """End an answer that was begun and then cut."""
        if self._is_started:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, message: Message) -> None:
        if self.is_answered:
            return
        if message["type"] == "http.response.start":
            if _lasts(message):
                try:
                    self._visits.open(self._visit, self._limits.max_sockets, self._limits.max_sockets_per_caller)
                except Problem as problem:
                    await self.answer(problem)
                    raise
            self._is_started = True
            await self._secure(message)
        else:
            await self._send(message)

    async def _secure(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = secured(message, self._scope["scheme"] == "https", self._origin)
        await self._send(message)

    async def _lingering(self, message: Message) -> None:
        """Send, but leave the connection open a while for what still comes: closed at once, it would be reset and the
        answer lost."""
        if message["type"] != "http.response.body":
            await self._secure(message)
            return
        await self._send({**message, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drain(self) -> None:
        left, coming = LINGER_BYTES, True
        try:
            async with asyncio.timeout(LINGER_S):
                while coming and left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    coming = message["type"] == "http.request" and message.get("more_body", False)
        except TimeoutError:
            pass

    async def _broken(self, problem: Problem) -> Problem:
        await self.answer(problem)
        self._is_whole = True
        return problem


def too_long(most_bytes: int) -> Problem:
    """Answered to a body that is longer than any may be."""
    return Problem(413, detail=f"send at most {most_bytes} bytes")


def _too_slow(most_s: float) -> Problem:
    return Problem(408, detail=f"the body did not come whole within {most_s:g} s")


def _lasts(start: Message) -> bool:
    """Whether an answer has no end that is known from its start, or one that a slow reader can put off."""
    if start["status"] in (204, 304):
        return False
    lengths = [value for name, value in start.get("headers", ()) if name.lower() == b"content-length"]
    return not lengths or int(lengths[0]) > LONG_BYTES
