"""A socket for signals, for programs that wait for each answer."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Self

from websockets.sync.client import ClientConnection

from synth.api.signals import Signal, SignalsAnswer
from synth.client.breaks import LOST
from synth.client.sync.wire import Wire
from synth.client.talking import Talk


class SignalSocket:
    """Sends signals over one WebSocket after another; each is answered, and counted once."""

    def __init__(self, wire: Wire, path: str, talk: Talk) -> None:
        self._wire, self._path, self._talk = wire, path, talk
        self._open: AbstractContextManager[ClientConnection] | None = None
        self._socket: ClientConnection | None = None

    def send(self, *signals: Signal) -> SignalsAnswer:
        """Hand over one run or several; what became of them. Waits while the daemon is busy or being restarted."""
        breaks, message = self._wire.breaks(), None
        while True:
            try:
                socket = self._connected()
                message = message or self._talk.message(signals)
                socket.send(message)
                answer = self._talk.answered(socket.recv())
            except LOST as error:
                self.close()
                answer = breaks.lost(error)
            if isinstance(answer, SignalsAnswer):
                return answer
            time.sleep(answer)

    def _connected(self) -> ClientConnection:
        if self._socket is None:
            opening = self._wire.socket(self._path, self._talk.query)
            socket = opening.__enter__()
            self._open, self._socket = opening, socket
            self._talk.greeted(socket.recv())
        return self._socket

    def close(self) -> None:
        """Close the connection; the next signals open another."""
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open = self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
