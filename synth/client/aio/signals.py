"""A socket for signals, for programs of an event loop."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Self

from websockets.asyncio.client import ClientConnection

from synth.api.signals import Signal, SignalsAnswer
from synth.client.aio.wire import Wire
from synth.client.breaks import LOST
from synth.client.talking import Talk


class AsyncSignalSocket:
    """Sends signals over one WebSocket after another; each is answered, and counted once."""

    def __init__(self, wire: Wire, path: str, talk: Talk) -> None:
        self._wire, self._path, self._talk = wire, path, talk
        self._open: AbstractAsyncContextManager[ClientConnection] | None = None
        self._socket: ClientConnection | None = None

    async def send(self, *signals: Signal) -> SignalsAnswer:
        """Hand over one run or several; what became of them. Waits while the daemon is busy or being restarted."""
        breaks, message = self._wire.breaks(), None
        while True:
            try:
                socket = await self._connected()
                message = message or self._talk.message(signals)
                await socket.send(message)
                answer = self._talk.answered(await socket.recv())
            except LOST as error:
                await self.close()
                answer = breaks.lost(error)
            if isinstance(answer, SignalsAnswer):
                return answer
            await asyncio.sleep(answer)

    async def _connected(self) -> ClientConnection:
        if self._socket is None:
            opening = self._wire.socket(self._path, self._talk.query)
            socket = await opening.__aenter__()
            self._open, self._socket = opening, socket
            self._talk.greeted(await socket.recv())
        return self._socket

    async def close(self) -> None:
        """Close the connection; the next signals open another."""
        if self._open is not None:
            await self._open.__aexit__(None, None, None)
        self._open = self._socket = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()
