"""OSCQuery as an ASGI app: the address space over HTTP, and values both ways over a WebSocket.

After the OSCQuery proposal (github.com/Vidvox/OSCQueryProposal, revision 3): GET of an address is its description, with
`?VALUE` and the like one attribute of it; 404 for an address that there is not, 400 for an attribute that the proposal
does not know, 204 for one that is not served or for the value of what cannot be read. Over a WebSocket LISTEN and
IGNORE come as JSON, OSC packets go both ways as binary messages, PATH_CHANGED tells of another address space.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from synth.control.osc.allowed import Allowed
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.control.osc.view import View
from synth.control.oscquery.guard import Guard
from synth.control.oscquery.nodes import NOT_HERE, Described, host_info, unknown

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

RATE_HZ = 30.0  # of values that are listened to
MAX_WAITING = 1_000  # packets for a client that does not read
MAX_LISTENED = 1_000
_TEXT, _BINARY, _GONE = "text", "bytes", "websocket.disconnect"


class Space(Protocol):
    """An address space that is served over OSC, as `synth.control.osc.OscServer` does."""

    on_tree: list[Callable[[str], None]]

    @property
    def host(self) -> str:
        """Where it listens."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    @property
    def allowed(self) -> Allowed:
        """Who may send."""

    @property
    def tree(self) -> Tree:
        """Its addresses."""

    def look(self) -> View:
        """The session as it is."""

    def take(self, packet: bytes, sender: Sender) -> None:
        """A packet of OSC."""

    def listen(self, sender: Sender, address: str, rate_hz: float) -> None:
        """Tell `sender` of changes at `address`."""

    def ignore(self, sender: Sender, address: str | None = None) -> None:
        """Tell `sender` no more of `address`, or of anything."""


class OscQuery:
    """The address space of `osc` for those who look. `name` is what people see of it.

    `asgi(names)` is the app, to be served; `names` are names of this machine, besides numbers and localhost.
    `unguarded()` is the same for a server that looks itself at who asks.
    """

    def __init__(self, osc: Space, name: str = "isotone") -> None:
        self.osc, self.name = osc, name
        self.http_port: int | None = None
        self._described = Described(osc.tree)
        self._ends = itertools.count(1)
        self._clients: set[_Client] = set()
        osc.on_tree.append(self._changed)

    def asgi(self, names: Iterable[str] = ()) -> ASGIApp:
        """The app."""
        return Guard(self.unguarded(), self.osc.allowed, names)

    def unguarded(self) -> ASGIApp:
        """The app, to be mounted behind a guard."""
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        routes = [
            Route("/{path:path}", self._get, methods=["GET"]),
            WebSocketRoute("/{path:path}", self._converse),
        ]
        return Starlette(routes=routes)

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    async def _get(self, request: Request) -> Response:
        from starlette.responses import JSONResponse, Response

        attributes = [part.partition("=")[0] for part in request.url.query.split("&") if part]
        if "HOST_INFO" in attributes:
            return JSONResponse(host_info(self.name, self.osc.host, self.osc.port, self.http_port))
        path = "/" + request.path_params["path"].strip("/")
        described, view = self._described, self.osc.look()
        if path not in described:
            return JSONResponse({"error": f"nothing at {path}"}, status_code=404)
        if strange := unknown(attributes):
            return JSONResponse({"error": f"no attribute called {strange[0]}"}, status_code=400)
        if not attributes:
            return JSONResponse(described.whole(path, view))
        if any(name in NOT_HERE for name in attributes) or ("VALUE" in attributes and not described.is_readable(path)):
            return Response(status_code=204)
        found = {name: described.attribute(path, name, view) for name in attributes}
        return JSONResponse({name: value for name, value in found.items() if value is not None})

    async def _converse(self, socket: WebSocket) -> None:
        await socket.accept()
        client = _Client(socket, next(self._ends))
        self._clients.add(client)
        sending = asyncio.create_task(client.send())
        try:
            while (message := await socket.receive())["type"] != _GONE:
                if (packet := message.get(_BINARY)) is not None:
                    self.osc.take(packet, client.sender)
                elif (text := message.get(_TEXT)) is not None:
                    self._obey(client, text)
        finally:
            self._clients.discard(client)
            self.osc.ignore(client.sender)
            sending.cancel()

    def _obey(self, client: _Client, text: str) -> None:
        """A command; what is none is passed over, as the proposal has no answer for it."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return
        command, path = (told.get("COMMAND"), told.get("DATA")) if isinstance(told, dict) else (None, None)
        if not isinstance(path, str) or not self._described.is_readable(path):
            return
        if command == "LISTEN" and len(client.listened) < MAX_LISTENED:
            client.listened.add(path)
            self.osc.listen(client.sender, path, RATE_HZ)
        elif command == "IGNORE":
            client.listened.discard(path)
            self.osc.ignore(client.sender, path)

    def _changed(self, path: str) -> None:
        self._described = Described(self.osc.tree)
        for client in list(self._clients):
            client.tell(json.dumps({"COMMAND": "PATH_CHANGED", "DATA": path}))


class _Client:
    """One WebSocket. What is posted from any thread is sent in the loop that serves it."""

    def __init__(self, socket: WebSocket, number: int) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[str | bytes] = asyncio.Queue(MAX_WAITING)
        self.listened: set[str] = set()
        host = socket.client.host if socket.client else "?"
        self.sender = Sender(f"{host} (OSCQuery)", number, lambda packet, host, port: self.tell(packet), fixed=True)

    def tell(self, what: str | bytes) -> None:
        """Send, soon; a client that does not read loses what is new."""
        try:
            self._loop.call_soon_threadsafe(self._put, what)
        except RuntimeError:
            pass  # the loop is closed, and the client gone

    def _put(self, what: str | bytes) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(what)

    async def send(self) -> None:
        """Send what was posted, until cancelled."""
        while True:
            what = await self._waiting.get()
            try:
                await (self._socket.send_text(what) if isinstance(what, str) else self._socket.send_bytes(what))
            except (RuntimeError, OSError):
                return  # gone in the meantime
