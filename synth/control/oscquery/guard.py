"""Who may ask over HTTP: machines that may send, and web pages that come from where they say.

A page of a foreign site can be made to reach this machine by a name that its owner lets point here (DNS rebinding), and
may open a WebSocket anywhere. So the `Host` must be a number or a name that was told, and an `Origin`, which browsers
always send with a WebSocket, must be such a host too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from synth.addresses import is_address
from synth.control.osc.allowed import Allowed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Guard:
    """An ASGI app in front of `app` that refuses, with 403, who is not in `allowed` or comes by another name."""

    def __init__(self, app: ASGIApp, allowed: Allowed, names: Iterable[str] = ()) -> None:
        self._app, self._allowed = app, allowed
        self._names = {"localhost", *(name.lower().rstrip(".") for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan" or self.may(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse("not from there\n", status_code=403)(scope, receive, send)

    def may(self, scope: Scope) -> bool:
        """Whether the request of `scope` is let in."""
        client = scope.get("client")
        if client is None or client[0] not in self._allowed:
            return False
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [_host(f"//{value}") for name, value in headers if name == b"host"]
        origins = [_host(value) for name, value in headers if name == b"origin"]
        named = len(hosts) == 1 and (hosts[0] in self._names or is_address(hosts[0]))
        return named and all(origin in self._names or origin in self._allowed for origin in origins)


def _host(url: str) -> str:
    """The host of `url`, empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
