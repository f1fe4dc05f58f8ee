"""Open Sound Control over UDP: a socket, a thread that only decodes, and a thread that does what was asked."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from synth.control.hands import Hands
from synth.control.osc.allowed import Allowed
from synth.control.osc.desk import Desk
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.control.osc.udp import DATAGRAM_BYTES, POLL_S, buffer_bytes, listen, refusals
from synth.control.osc.view import View
from synth.session import REPORTS
from synth.wire.osc import Message, decode

PORT = 9100
MAX_QUEUED = 100_000  # packets
AT_A_TIME = 1_000
TRIES = 50
_Call: TypeAlias = Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Packet:
    messages: Sequence[Message]
    troubles: Sequence[str]
    sender: Sender


class OscServer:
    """A session's hands over OSC on `host` and `port` (0: any free one).

    On anything but this machine's own loopback, `allow` names the networks that may send; packets from elsewhere are
    only counted. `channels` are the sensor channels that OSCQuery lists, `preset` what `/session/preset` tells.
    """

    def __init__(
        self,
        hands: Hands,
        port: int = PORT,
        host: str = "127.0.0.1",
        allow: Iterable[str] = (),
        *,
        channels: Iterable[str] = REPORTS,
        preset: str | None = None,
        by: str = "hand:osc",
    ) -> None:
        self.host, self.port = host, port
        self.allowed = Allowed(host, allow)
        self.refused = 0
        self.buffer_bytes = 0
        self._left_out = 0
        self.on_tree: list[Callable[[str], None]] = []
        self._desk = Desk(hands, Tree(channels), preset, by)
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

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- what can be seen ------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """In one line, where it listens."""
        room = self.buffer_bytes / 2**20
        return f"OSC on {self.host}:{self.port} (UDP, {room:.1f} MiB for bursts)"

    @property
    def received(self) -> int:
        """Messages that came."""
        return self._desk.received

    @property
    def done(self) -> int:
        """What was passed on to the session: of values that came in a burst the newest."""
        return self._desk.done

    @property
    def preset(self) -> str | None:
        """What `/session/preset` tells; may be set."""
        return self._desk.preset

    @preset.setter
    def preset(self, name: str | None) -> None:
        self._desk.preset = name

    @property
    def subscribers(self) -> int:
        """How many are told of changes."""
        return len(self._desk.subscribers)

    @property
    def troubles(self) -> dict[str, int]:
        """What was wrong with what came, in words, and how often."""
        left_out = {"packets that came faster than they could be done": self._left_out} if self._left_out else {}
        return dict(self._desk.troubles) | left_out

    @property
    def tree(self) -> Tree:
        """The address space."""
        return self._desk.tree

    def look(self) -> View:
        """The session as it is, for those who read addresses of the tree."""
        return self._desk.look()

    # -- for those who come another way ------------------------------------------------------------------------------

    def take(self, packet: bytes, sender: Sender) -> None:
        """A packet of OSC that came by another way than this socket."""
        messages, troubles = decode(packet)
        if self._queue.qsize() < MAX_QUEUED:
            self._queue.put(_Packet(messages, troubles, sender))
        else:
            self._left_out += 1

    def listen(self, sender: Sender, address: str, rate_hz: float) -> None:
        """Tell `sender` of changes at `address`."""
        self._queue.put(lambda: self._desk.subscribers.add(sender, sender, address, rate_hz, time.monotonic()))

    def ignore(self, sender: Sender, address: str | None = None) -> None:
        """Tell `sender` no more of `address`, or of anything."""
        self._queue.put(lambda: self._desk.subscribers.remove(sender, address))

    def sense(self, channels: Iterable[str]) -> None:
        """List other sensor channels; those who look at the tree are told that it changed."""
        tree = Tree(channels)

        def replant() -> None:
            self._desk.replant(tree)
            for told in self.on_tree:
                told("/feed")

        self._queue.put(replant)

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
                self._queue.put(partial(self._desk.trouble, f"the socket: {error}"))
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
            if self._desk.subscribers.refused(host, port, time.monotonic()):
                self._desk.trouble(f"{host}:{port} listens no more and is told no more")

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
        self._desk.trouble(f"could not send to {host}")

    def _work(self) -> None:
        while True:
            now_s, next_s = time.monotonic(), self._desk.next_s
            items = self._waited(None if next_s is None else max(next_s - now_s, 0.0))
            for item in items:
                if item is None:
                    return
                try:
                    self._take(item)
                except Exception as error:  # one packet must not end all
                    self._desk.trouble(f"{type(error).__name__}: {error}")
            try:
                self._desk.turn(time.monotonic())
            except Exception as error:  # as above; a session that cannot be looked at now may be later
                self._desk.trouble(f"{type(error).__name__}: {error}")
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
            self._desk.trouble(trouble)
        self._desk.take(item.messages, item.sender, time.monotonic(), time.time())
