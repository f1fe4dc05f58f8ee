"""Open Sound Control over UDP: a session's hands on a socket of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from synth.control.hands import Hands
from synth.control.osc.allowed import Allowed
from synth.control.osc.desk import Desk
from synth.control.osc.exchange import Exchange
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.control.osc.view import View
from synth.session import REPORTS

PORT = 9100


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
        self.on_tree: list[Callable[[str], None]] = []
        self._desk = Desk(hands, Tree(channels), preset, by)
        self._exchange = Exchange(self._desk, host, port, Allowed(host, allow))

    def start(self) -> None:
        """Listen. OscError when the port cannot be had."""
        self._exchange.start()

    def close(self) -> None:
        """Listen no more."""
        self._exchange.close()

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # -- what can be seen ------------------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._exchange.host

    @property
    def port(self) -> int:
        """The port it listens on, once it does."""
        return self._exchange.port

    @property
    def allowed(self) -> Allowed:
        """Who may send; may be set."""
        return self._exchange.allowed

    @allowed.setter
    def allowed(self, allowed: Allowed) -> None:
        self._exchange.allowed = allowed

    @property
    def refused(self) -> int:
        """Packets from those who may not send."""
        return self._exchange.refused

    @property
    def buffer_bytes(self) -> int:
        """How much may wait in the socket."""
        return self._exchange.buffer_bytes

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
        count = self._exchange.left_out
        left_out = {"packets that came faster than they could be done": count} if count else {}
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
        self._exchange.take(packet, sender)

    def listen(self, sender: Sender, address: str, rate_hz: float) -> None:
        """Tell `sender` of changes at `address`."""
        self._exchange.soon(lambda: self._desk.subscribers.add(sender, sender, address, rate_hz, time.monotonic()))

    def ignore(self, sender: Sender, address: str | None = None) -> None:
        """Tell `sender` no more of `address`, or of anything."""
        self._exchange.soon(lambda: self._desk.subscribers.remove(sender, address))

    def sense(self, channels: Iterable[str]) -> None:
        """List other sensor channels; those who look at the tree are told that it changed."""
        tree = Tree(channels)

        def replant() -> None:
            self._desk.replant(tree)
            for told in self.on_tree:
                told("/feed")

        self._exchange.soon(replant)
