"""A UDP socket, a thread that only decodes, and a thread that does what was asked: for one desk or for many."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

from synth.control.osc.allowed import Allowed
from synth.control.osc.sender import Sender
from synth.control.osc.udp import DATAGRAM_BYTES, POLL_S, buffer_bytes, listen, refusals
from synth.wire.osc import Message, decode

MAX_QUEUED = 100_000  # packets
AT_A_TIME = 1_000
TRIES = 50
_Call: TypeAlias = Callable[[], object]


class Taker(Protocol):
    """Who takes what comes, as `synth.control.osc.desk.Desk` does. All of it is called from one thread, `trouble` from
    any."""

    def take(self, messages: Iterable[Message], sender: Sender, now_s: float, now_unix_s: float) -> None:
        """Do what a packet asks, or keep it until it is due."""

    def turn(self, now_s: float) -> None:
        """Do what is due."""

    @property
    def next_s(self) -> float | None:
        """When `turn` has something to do next, None when only a message can bring it."""

    def gone(self, host: str, port: int, now_s: float) -> None:
        """Nobody listens there."""

    def trouble(self, what: str) -> None:
        """Count something that went wrong."""


@dataclass(frozen=True, slots=True)
class _Packet:
    messages: Sequence[Message]
    troubles: Sequence[str]
    sender: Sender


class Exchange:
    """Brings `taker` what comes to `host` and `port` (0: any free one) from those who are `allowed`; packets from
    elsewhere are only counted, in `refused`. `left_out` counts packets that came faster than they could be done."""

    def __init__(self, taker: Taker, host: str, port: int, allowed: Allowed) -> None:
        self.host, self.port, self.allowed = host, port, allowed
        self.refused = self.left_out = self.buffer_bytes = 0
        self._taker = taker
        self._queue: queue.SimpleQueue[_Packet | _Call | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen. OscError when the port cannot be had."""
        self._socket = opened = listen(self.host, self.port)
        self.port = opened.getsockname()[1]
        self.buffer_bytes = buffer_bytes(opened)
        self._stop.clear()
        self._threads = [
            threading.Thread(target=self._receive, args=(opened,), name="OSC in", daemon=True),
            threading.Thread(target=self._work, name="OSC desk", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._stop.set()
        self._queue.put(None)
        for thread in self._threads:
            thread.join(2.0)
        self._threads = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def take(self, packet: bytes, sender: Sender) -> None:
        """A packet of OSC, from this socket or from elsewhere."""
        messages, troubles = decode(packet)
        if self._queue.qsize() < MAX_QUEUED:
            self._queue.put(_Packet(messages, troubles, sender))
        else:
            self.left_out += 1

    def soon(self, call: _Call) -> None:
        """Do `call` in the thread of the taker."""
        self._queue.put(call)

    # -- threads -----------------------------------------------------------------------------------------------------

    def _receive(self, opened: socket.socket) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(opened, selectors.EVENT_READ)
            while not self._stop.is_set():
                if waiting.select(POLL_S):
                    self._receive_one(opened)

    def _receive_one(self, opened: socket.socket) -> None:
        try:
            packet, address = opened.recvfrom(DATAGRAM_BYTES)
        except OSError as error:
            if not self._hear_refusals(opened) and not isinstance(error, ConnectionError | BlockingIOError):
                self._queue.put(partial(self._taker.trouble, f"the socket: {error}"))
                self._stop.wait(POLL_S)
            return
        if address[0] in self.allowed:
            self.take(packet, Sender(address[0], address[1], self._post))
        else:
            self.refused += 1

    def _hear_refusals(self, opened: socket.socket) -> bool:
        """See who has gone; whether anybody has. An error is told to whoever uses the socket next, in either thread."""
        gone = refusals(opened)
        if gone:
            self._queue.put(lambda: self._forget(gone))
        return bool(gone)

    def _forget(self, gone: Sequence[tuple[str, int]]) -> None:
        for host, port in gone:
            self._taker.gone(host, port, time.monotonic())

    def _post(self, packet: bytes, host: str, port: int) -> None:
        opened = self._socket
        if opened is None:
            return
        for _ in range(TRIES):  # some may only tell that earlier packets met nobody
            try:
                opened.sendto(packet, (host, port))
                return
            except ConnectionError:
                self._hear_refusals(opened)
            except (OSError, OverflowError):
                break
        self._taker.trouble(f"could not send to {host}")

    def _work(self) -> None:
        while True:
            now_s, next_s = time.monotonic(), self._taker.next_s
            items = self._waited(None if next_s is None else max(next_s - now_s, 0.0))
            for item in items:
                if item is None:
                    return
                try:
                    self._take(item)
                except Exception as error:  # one packet must not end all
                    self._taker.trouble(f"{type(error).__name__}: {error}")
            try:
                self._taker.turn(time.monotonic())
            except Exception as error:  # as above; a session that cannot be looked at now may be later
                self._taker.trouble(f"{type(error).__name__}: {error}")
                self._stop.wait(0.05)

    def _waited(self, longest_s: float | None) -> list[_Packet | _Call | None]:
        """What came, waiting no longer than that for the first."""
        items: list[_Packet | _Call | None] = []
        try:
            items.append(self._queue.get(timeout=longest_s) if longest_s != 0.0 else self._queue.get_nowait())
            while len(items) < AT_A_TIME:
                items.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return items

    def _take(self, item: _Packet | _Call) -> None:
        if callable(item):
            item()
            return
        for trouble in item.troubles:
            self._taker.trouble(trouble)
        self._taker.take(item.messages, item.sender, time.monotonic(), time.time())
