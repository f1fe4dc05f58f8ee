"""Every session's OSC address space on one UDP socket: what a session has at `/control/key` of a port of its own is at
`/session/<id>/control/key` here, and so are its answers and what subscribers are told.

Two threads serve all sessions (`synth.control.osc.exchange`). Who may send is told by network, not by sign-in: this
machine, and the networks of `osc.allow`; each of them may play every session whose id it has. OSCQuery describes a
session under `/osc/<id>/` of the HTTP server, and takes OSC there too, behind the sign-in.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from synth.addresses import is_loopback
from synth.control.hands import Hands
from synth.control.osc.allowed import Allowed
from synth.control.osc.desk import MAX_TOLD, MAX_TROUBLES, Desk
from synth.control.osc.exchange import Exchange
from synth.control.osc.limiter import Limiter
from synth.control.osc.pattern import is_pattern, meant
from synth.control.osc.sender import Sender
from synth.control.osc.tree import READ, Tree
from synth.control.osc.view import View
from synth.control.oscquery import OscQuery
from synth.daemon.problems import Problem
from synth.daemon.security import Role
from synth.session import SessionError
from synth.wearables.samples import CHANNELS
from synth.wire.osc import Message, encode

if TYPE_CHECKING:
    from synth.daemon.config import Config
    from synth.daemon.house import House
    from synth.daemon.ingest import Ingest
    from synth.daemon.sessions import Hosted, Sessions

SWEEP_S = 10.0
OVER = ("finished", "failed")


@dataclass(frozen=True, slots=True)
class _Confined(Sender):
    """A sender who was let in to one session only."""

    session_id: str = ""


class SessionHands:
    """A session's hands as OSC has them: whoever has them now, and its samples by way of the ingest."""

    def __init__(self, hosted: Hosted, ingest: Ingest) -> None:
        self._hosted, self._ingest = hosted, ingest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hosted.hands, name)

    def feed(self, channel: str, value: Any, t_s: Any = None, device: str | None = None) -> None:
        """Samples of now."""
        self._ingest.feed(self._hosted.id, channel, value, "osc")

    def again(self) -> None:
        """SessionError: a session of the service ends with a panic, and its record is closed by then."""
        raise SessionError(
            "a session of the service does not begin again: start a new one with POST /api/v1/sessions "
            f'{{"preset": "{self._hosted.preset}"}}'
        )


class SessionSpace:
    """One session's address space: its desk, and what OSCQuery wants to know of it."""

    def __init__(self, hub: OscHub, hosted: Hosted, tree: Tree, ingest: Ingest) -> None:
        self.hosted = hosted
        self.prefix = f"/session/{hosted.id}"
        self.desk = Desk(cast(Hands, SessionHands(hosted, ingest)), tree, hosted.preset)
        self.on_tree: list[Callable[[str], None]] = []
        self._hub = hub
        self._tree: Tree | None = None
        self._query: ASGIApp | None = None

    @property
    def host(self) -> str:
        """Where OSC is taken."""
        return self._hub.exchange.host

    @property
    def port(self) -> int:
        """And at which port."""
        return self._hub.exchange.port

    @property
    def allowed(self) -> Allowed:
        """Who may send there."""
        return self._hub.exchange.allowed

    @property
    def tree(self) -> Tree:
        """The addresses as they are sent, but for what no session of the service can do."""
        if self._tree is None:
            self._tree = Tree(self.desk.tree.channels, self.prefix)
            self._tree.nodes = {where: node for where, node in self._tree.nodes.items() if node.kind != "again"}
        return self._tree

    @property
    def query(self) -> ASGIApp:
        """OSCQuery of this session, to be mounted behind a guard."""
        if self._query is None:
            self._query = OscQuery(self, f"isotone {self.hosted.id}").unguarded()
        return self._query

    def look(self) -> View:
        """The session as it is."""
        return self.desk.look()

    def take(self, packet: bytes, sender: Sender) -> None:
        """A packet for this session, and no other."""
        confined = _Confined(sender.host, sender.port, sender.post, sender.fixed, self.hosted.id)
        self._hub.exchange.take(packet, confined)

    def listen(self, sender: Sender, address: str, rate_hz: float) -> None:
        """Tell `sender` of changes at `address`."""
        below, to = address.removeprefix(self.prefix), self.prefixed(sender)
        self._soon(lambda: self.desk.subscribers.add(to, to, below, rate_hz, time.monotonic()))

    def ignore(self, sender: Sender, address: str | None = None) -> None:
        """Tell `sender` no more of `address`, or of anything."""
        below, to = None if address is None else address.removeprefix(self.prefix), self.prefixed(sender)
        self._soon(lambda: self.desk.subscribers.remove(to, below))

    def prefixed(self, sender: Sender) -> Sender:
        """`sender`, who is told everything by its whole address."""
        return Sender(sender.host, sender.port, partial(_post_below, self.prefix, sender.post), sender.fixed)

    def _soon(self, call: Callable[[], object]) -> None:
        def do() -> None:
            call()
            self._hub.touched(self)

        self._hub.exchange.soon(do)


class OscHub:
    """OSC of all `sessions`, at the port of the settings (None: none). OscError when it cannot be had."""

    def __init__(self, sessions: Sessions, config: Config, ingest: Ingest) -> None:
        allow = config.osc_allow
        host = "127.0.0.1" if not allow else "0.0.0.0" if is_loopback(config.host) else config.host
        self._sessions, self._ingest = sessions, ingest
        self._tree = Tree(CHANNELS)
        self._spaces: dict[str, SessionSpace] = {}
        self._lock = threading.Lock()  # of the spaces, which the loop and the desk's thread make
        self._next_s: dict[str, float] = {}
        self._touched: set[str] = set()
        self._sweep_s = 0.0
        self._limiter = Limiter()
        self.troubles: Counter[str] = Counter()
        self.on = config.osc_port is not None
        self.exchange = Exchange(self, host, config.osc_port or 0, Allowed(host, allow))

    def start(self) -> None:
        """Listen, if that is wanted. OscError when the port cannot be had."""
        if self.on:
            self.exchange.start()

    def close(self) -> None:
        """Listen no more."""
        if self.on:
            self.exchange.close()

    @property
    def port(self) -> int | None:
        """Where it listens."""
        return self.exchange.port if self.on else None

    def space(self, hosted: Hosted) -> SessionSpace:
        """The address space of a session."""
        with self._lock:
            space = self._spaces.get(hosted.id)
            if space is None or space.hosted is not hosted:
                space = self._spaces[hosted.id] = SessionSpace(self, hosted, self._tree, self._ingest)
            return space

    def touched(self, space: SessionSpace) -> None:
        """Its desk has something to do, perhaps; in the desk's thread."""
        self._touched.add(space.hosted.id)

    # -- synth.control.osc.exchange.Taker --------------------------------------------------------------------------

    def take(self, messages: Iterable[Message], sender: Sender, now_s: float, now_unix_s: float) -> None:
        """Bring each message to the sessions that it means; those of one session stay together."""
        found: dict[str, list[Message]] = {}
        for message in messages:
            address = "/" + message.address.strip("/")
            head, session_id, below = [*address[1:].split("/", 2), "", ""][:3]
            if head == "session" and session_id:
                names = self._named(session_id, sender)
                if not names:
                    self._refuse(address, "there is no such session; /sessions tells which there are", sender, now_s)
                for name in names:
                    found.setdefault(name, []).append(message._replace(address=f"/{below}"))
                    if is_pattern(session_id) and not message.args and not self._may_ask(f"/{below}"):
                        found[name].pop()  # a pattern alone asks, so that it cannot press a button
            else:
                self._answer(address, message, sender, now_s)
        for name, own in found.items():
            self._give(name, own, sender, now_s, now_unix_s)

    def turn(self, now_s: float) -> None:
        """Do what is due at the desks."""
        due = self._touched | {name for name, next_s in self._next_s.items() if next_s <= now_s}
        self._touched = set()
        for name in due:
            space = self._spaces.get(name)
            if space is not None:
                space.desk.turn(now_s)
                self._note_next(name, space)
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_S
            self._sweep()

    @property
    def next_s(self) -> float | None:
        """When a desk has something to do next."""
        return 0.0 if self._touched else min(self._next_s.values(), default=None)

    def gone(self, host: str, port: int, now_s: float) -> None:
        """Nobody listens there."""
        for space in list(self._spaces.values()):
            space.desk.gone(host, port, now_s)

    def trouble(self, what: str) -> None:
        """Count something that went wrong."""
        known = what in self.troubles or len(self.troubles) < MAX_TROUBLES
        self.troubles[what if known else "other troubles"] += 1

    # -- what is meant -----------------------------------------------------------------------------------------------

    def _named(self, session_id: str, sender: Sender) -> Sequence[str]:
        names: Sequence[str] = [sender.session_id] if isinstance(sender, _Confined) else list(self._sessions.all)
        if is_pattern(session_id):
            return meant(session_id, names)
        return [session_id] if session_id in names else []

    def _may_ask(self, below: str) -> bool:
        return is_pattern(below) or any(node.access & READ for node in self._tree.find(below))

    def _give(self, name: str, messages: list[Message], sender: Sender, now_s: float, now_unix_s: float) -> None:
        try:
            space = self.space(self._sessions.get(name))
        except KeyError:
            return
        space.hosted.company.came()
        space.desk.take(messages, space.prefixed(sender), now_s, now_unix_s)
        self.touched(space)

    def _answer(self, address: str, message: Message, sender: Sender, now_s: float) -> None:
        """What is asked of the daemon itself."""
        if address == "/ping":
            sender.send(encode("/pong", message.args))
        elif address == "/sessions" and not isinstance(sender, _Confined):
            told = [part for one in list(self._sessions.all.values()) for part in (one.id, one.preset, one.status)]
            sender.send(encode("/sessions", told))
        else:
            self._refuse(address, "there is no such address; sessions are at /session/<id>", sender, now_s)

    def _refuse(self, address: str, reason: str, sender: Sender, now_s: float) -> None:
        self.trouble("messages that asked for what there is not")
        if self._limiter.may(sender.host, now_s):
            sender.send(encode("/error", (address[:MAX_TOLD], reason)))

    # -- what is kept ------------------------------------------------------------------------------------------------

    def _note_next(self, name: str, space: SessionSpace) -> None:
        next_s = space.desk.next_s
        if next_s is None:
            self._next_s.pop(name, None)
        else:
            self._next_s[name] = next_s

    def _sweep(self) -> None:
        """Forget sessions that are no more, and those that are over and that nobody follows."""
        for name, space in list(self._spaces.items()):
            over = space.hosted.status in OVER and not len(space.desk.subscribers)
            if over or self._sessions.all.get(name) is not space.hosted:
                with self._lock:
                    self._spaces.pop(name, None)
                self._next_s.pop(name, None)


def query_app(house: House, hub: OscHub) -> ASGIApp:
    """OSCQuery of every session, to be mounted at `/osc/{session_id}`. Who may listen to a session may read it here;
    the WebSocket, over which controls are moved, is for therapists."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            space = _admitted(house, hub, HTTPConnection(scope))
        except Problem as problem:
            await _refuse(scope, receive, send, problem)
            return
        with space.hosted.company.stays():
            await space.query(scope, receive, send)

    return app


def _admitted(house: House, hub: OscHub, connection: HTTPConnection) -> SessionSpace:
    session_id = connection.path_params["session_id"]
    caller = house.gate.caller(connection)
    role = Role.THERAPIST if connection.scope["type"] == "websocket" else Role.LISTENER
    house.gate.allow(caller, role, session_id)
    if not hub.on:
        raise Problem(404, "OSC is off", "set osc.port to have the sessions' OSC addresses")
    try:
        return hub.space(house.sessions.get(session_id))
    except KeyError:
        raise Problem(404, "No such session", "there is no session of this id, or it is not kept any more") from None


async def _refuse(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    response: Response = problem.response()
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _post_below(prefix: str, post: Callable[[bytes, str, int], None], packet: bytes, host: str, port: int) -> None:
    """Send a message with `prefix` before its address."""
    end = packet.index(0)
    address = prefix.encode() + packet[:end]
    post(address + bytes(4 - len(address) % 4) + packet[end + 4 - end % 4 :], host, port)
