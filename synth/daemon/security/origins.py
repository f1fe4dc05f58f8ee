"""Where a request comes from, as a browser tells it, and by which name.

A page of a foreign site can reach this machine by a name that its owner lets point here (DNS rebinding), may open a
WebSocket anywhere, and may post forms anywhere. So `Host` must be a number, localhost or a name of the settings; an
`Origin`, which browsers send with WebSockets and whatever changes things, must be that host or one of the settings; and
`Sec-Fetch-Site`, which they send with all else, must not be foreign but where somebody follows a link (W3C Fetch
Metadata Request Headers).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Scope

from synth.addresses import is_address
from synth.daemon.problems import Problem
from synth.daemon.security.heads import Heads

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
SAFE = ("GET", "HEAD", "OPTIONS")
OWN_SITES = ("same-origin", "none")


def check_host(heads: Heads, names: Collection[str]) -> None:
    """Problem 400 or 421 when `Host` is none that this service goes by."""
    if heads.host is None:
        raise Problem(400, detail="send a Host header")
    host = _split(heads.host)[0]
    is_known = host == "localhost" or any(host == name.lower().rstrip(".") for name in names)
    if not is_known and not is_address(host):
        raise Problem(
            421, "Another host", "this service does not go by that name: its own are set as `hosts` in its settings"
        )


def check_origin(scope: Scope, heads: Heads, origins: Collection[str]) -> None:
    """Problem 403 when a page of another site sent it."""
    if heads.origin is not None:
        is_foreign = heads.origin not in origins and not is_own_origin(scope, heads)
    else:
        is_foreign = heads.site not in (None, *OWN_SITES) and not _is_link(scope, heads)
    if is_foreign:
        raise Problem(
            403, "Foreign page", "a web page of another site asked for this: those that may are set as `origins`"
        )


def is_own_origin(scope: Scope, heads: Heads) -> bool:
    """Whether a page of this service sent it: `Origin` has the host and port of `Host`, and under TLS its scheme."""
    scheme, _, place = (heads.origin or "").partition("://")
    if scheme not in PORTS or (scope["scheme"] in ("https", "wss") and scheme != "https"):
        return False
    origin_host, origin_port = _split(place)
    host, port = _split(heads.host or "")
    usual = PORTS[scheme]
    return bool(host) and (origin_host, origin_port or usual) == (host, port or usual)


def comes_from_own_page(scope: Scope, heads: Heads) -> bool:
    """Whether a browser says that a page of this service sent it."""
    return is_own_origin(scope, heads) if heads.origin is not None else heads.site == "same-origin"


def _is_link(scope: Scope, heads: Heads) -> bool:
    """Whether somebody followed a link to here, in a window of its own."""
    navigated = heads.mode == "navigate" and heads.dest == "document"
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and navigated


@lru_cache(maxsize=256)
def _split(place: str) -> tuple[str, int | None]:
    """Host in lower case and port of "host:port"; "" where it is neither."""
    try:
        split = urlsplit(f"//{place}")
        if split.netloc != place or "@" in place:
            return "", None
        return (split.hostname or "").rstrip("."), split.port
    except ValueError:
        return "", None
