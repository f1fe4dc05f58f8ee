"""Requests and sockets that are being served: how many there are, whose, and how to end them."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import Counter
from functools import lru_cache

from starlette.types import Scope

from synth.daemon.problems import Problem
from synth.daemon.security.heads import Heads
from synth.daemon.security.tokens import Grant

IN_SCOPE = "isotone.visit"
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013  # close codes (RFC 6455, section 7.4.1, and the IANA registry)
GREET_S = 5.0  # for a WebSocket to show who calls
RETRY_S = 5


class Visit:
    """A request or socket while it is served. `grant` is what its caller showed; `ended` the reason when the shield
    ended it. What stays open ends with the token that opened it."""

    __slots__ = ("address", "heads", "grant", "ended", "is_open", "_until_s", "_task", "_timer")

    def __init__(self, scope: Scope, heads: Heads) -> None:
        self.address, self.heads = address_of(scope), heads
        self.grant: Grant | None = None
        self.ended = ""
        self.is_open = False
        self._until_s = math.inf  # by the loop's clock
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None

    def sign(self, grant: Grant, left_s: float) -> None:
        """Whose visit it is was found out, and for how many seconds what they showed is good."""
        self.grant, self._until_s = grant, asyncio.get_running_loop().time() + left_s
        if self.is_open:
            self.watch()

    def watch(self) -> None:
        """End it when nobody signs in, or once what was shown has expired."""
        self.rest()
        loop = asyncio.get_running_loop()
        if self.grant is None:
            self._timer = loop.call_later(GREET_S, self.end, "sign in")
        elif self._until_s < math.inf:
            self._timer = loop.call_at(self._until_s, self.end, "the token has expired")

    def rest(self) -> None:
        """No timer any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self, reason: str) -> None:
        """Stop serving it."""
        if not self.ended and self._task is not None:
            self.ended = reason
            self._task.cancel()

    def ours(self) -> bool:
        """Whether the cancellation that just came was `end`; if so the task may go on."""
        if self.ended and self._task is not None:
            self._task.uncancel()
        return bool(self.ended)


class Visits:
    """WebSockets and streams that are open, of all addresses and of each."""

    def __init__(self) -> None:
        self._open: set[Visit] = set()
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, visit: Visit, most: int, most_of_one: int) -> None:
        """Count a socket. Problem 503 when there are as many as there may be."""
        if len(self._open) >= most:
            raise _full("as many connections are open as the service takes")
        if self._of[visit.address] >= most_of_one:
            raise _full("as many connections are open from your address as one may have")
        self._open.add(visit)
        self._of[visit.address] += 1
        visit.is_open = True
        visit.watch()

    def close(self, visit: Visit) -> None:
        """It is over."""
        visit.rest()
        if visit in self._open:
            self._open.discard(visit)
            self._of[visit.address] -= 1
            if not self._of[visit.address]:
                del self._of[visit.address]

    def signed(self) -> list[tuple[Visit, Grant]]:
        """Those whose caller is known, with what was shown."""
        return [(visit, visit.grant) for visit in self._open if visit.grant is not None]


def visit_of(scope: Scope) -> Visit:
    """The visit that a connection belongs to; a new one where no shield made it."""
    visit: Visit | None = scope.get(IN_SCOPE)
    if visit is None:
        visit = scope[IN_SCOPE] = Visit(scope, Heads(scope))
    return visit


def address_of(scope: Scope) -> str:
    """Whom limits count: the address, of IPv6 the network of 64 bits, as one subscriber has all of it."""
    client = scope.get("client")
    return _counted(client[0]) if client else "local"


@lru_cache(maxsize=4096)
def _counted(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _full(detail: str) -> Problem:
    return Problem(503, "Too many connections", f"{detail}: try again later", headers={"Retry-After": str(RETRY_S)})
