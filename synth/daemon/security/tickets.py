"""Tickets: for what cannot send a header and must not have a token in its URL. Good once, for one address, at once."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from synth.daemon.security.tokens import Grant, refused

LONGEST = 100  # characters
MOST = 16_384  # that wait


@dataclass(frozen=True, slots=True)
class _Ticket:
    grant: Grant
    path: str
    until_s: float


class Tickets:
    """Those that wait to be shown, by hash: how long looking one up takes tells nothing of the others."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, _Ticket] = OrderedDict()

    def make(self, grant: Grant, path: str, life_s: float) -> str:
        """A ticket to `path` with the rights of `grant`, good for `life_s`."""
        now = time.monotonic()
        while self._waiting and (len(self._waiting) >= MOST or self._first_until() < now):
            self._waiting.popitem(last=False)
        text = secrets.token_urlsafe(24)
        self._waiting[_hash(text)] = _Ticket(grant, path, now + life_s)
        return text

    def take(self, text: str, path: str) -> Grant:
        """What the ticket grants at `path`. It is void from now on, whatever it was. Problem 401."""
        ticket = self._waiting.pop(_hash(text), None) if len(text) <= LONGEST and text.isascii() else None
        if ticket is None or ticket.path != path or ticket.until_s < time.monotonic():
            raise refused("the ticket was used, is too old or for another address: ask for another")
        return ticket.grant

    def __len__(self) -> int:
        return len(self._waiting)

    def _first_until(self) -> float:
        return next(iter(self._waiting.values())).until_s


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
