"""How calls, streams and sockets go over the network, for programs of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect

from synth.client.access import Access
from synth.client.breaks import LOST, Breaks
from synth.client.calls import Call
from synth.client.connecting import Verify, http_options, socket_options, tls
from synth.client.following import QUIET_S, Following, Told
from synth.client.sending import Came, Sender, Step

T = TypeVar("T")


class Wire:
    """To the daemon at `url`; see `AsyncClient`."""

    def __init__(
        self, url: str, key: str | None, token: str | None, verify: Verify, timeout_s: float, patience_s: float
    ) -> None:
        self._sender = Sender(url, Access(key, token), timeout_s, patience_s)
        self._tls = tls(verify)
        self._http = httpx.AsyncClient(timeout=timeout_s, **http_options(self._sender.url, self._tls))

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def call(self, call: Call[T]) -> T:
        """Send one call of `synth.client.calls`; its result. ApiError or Unreachable."""
        return await self._carry_out(self._sender.send(call))

    async def _carry_out(self, steps: Generator[Step, Came, T]) -> T:
        came: Came = None
        try:
            while True:
                step = steps.send(came)
                came = None
                if isinstance(step, httpx.Request):
                    try:
                        came = await self._http.send(step)
                    except httpx.TransportError as error:
                        came = error
                else:
                    await asyncio.sleep(step)
        except StopIteration as done:
            result: T = done.value
            return result

    def breaks(self) -> Breaks:
        """A count for one stream."""
        return Breaks(self._sender.url, self._sender.access)

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; the body of one that is no success is read already."""
        shown = await self._carry_out(self._sender.headers())
        timeout = httpx.Timeout(self._sender.timeout_s, read=QUIET_S)
        async with self._http.stream(
            "GET", self._sender.address(path), params=dict(query), headers={**shown, **headers}, timeout=timeout
        ) as response:
            if not response.is_success:
                await response.aread()
            yield response

    @asynccontextmanager
    async def socket(self, path: str, query: Mapping[str, str]) -> AsyncIterator[ClientConnection]:
        """A WebSocket. One of LOST when there is none."""
        shown = await self._carry_out(self._sender.headers())
        options = socket_options(self._sender.url, self._tls, shown)
        async with connect(self._sender.socket_address(path, dict(query)), **options) as socket:
            yield socket

    async def follow(self, path: str, query: Mapping[str, str], after: str | None = None) -> AsyncIterator[Told]:
        """The events at `path`, over as many connections as it takes."""
        following = Following(self.breaks(), after)
        while True:
            try:
                async with self.stream(path, following.headers, query) as response:
                    how = following.opened(response)
                    if how == "over":
                        return
                    if how == "read":
                        async for line in response.aiter_lines():
                            if told := following.take(line):
                                yield told
                wait_s = how if isinstance(how, float) else following.breaks.lost(None)
            except LOST as error:
                wait_s = following.breaks.lost(error)
            await asyncio.sleep(wait_s)
