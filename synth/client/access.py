"""How the client shows who calls: with tokens made from a key and renewed in time, or with a token as it is."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import httpx

from synth.api.access import TokenAsked
from synth.client.calls import Call, make_token, whoami

RENEW_AT = 0.25  # of its life is left when a token is renewed
MAKES_TOKENS = ("therapist", "operator")


@dataclass(frozen=True, slots=True)
class Ask:
    """A step: send `call` with this header, and come back with its answer."""

    call: Call[Any]
    bearer: str


class Access:
    """With a `key`, a `token` or neither. A key of a listener, which may make no tokens, is shown itself."""

    def __init__(self, key: str | None, token: str | None) -> None:
        if key and token:
            raise ValueError("give a key or a token, not both")
        self._key, self._bearer = key, token
        self._renew_s = 0.0

    def bearer(self) -> Generator[Ask, httpx.Response, str | None]:
        """What to show now; the steps it takes to get that are yielded, and want good answers."""
        if self._key is None or (self._bearer is not None and time.monotonic() < self._renew_s):
            return self._bearer
        me = whoami().read((yield Ask(whoami(), self._key)))
        if not me.sign_in or me.role not in MAKES_TOKENS:
            self._bearer, self._renew_s = self._key, float("inf")
            return self._bearer
        call = make_token(TokenAsked(role=me.role, session_id=me.session_id))
        asked_s = time.monotonic()
        made = call.read((yield Ask(call, self._key)))
        self._bearer, self._renew_s = made.token, asked_s + made.life_s * (1.0 - RENEW_AT)
        return self._bearer

    def refused(self) -> bool:
        """What was shown is no longer good; whether there is something else to show."""
        can_renew = self._key is not None and self._bearer != self._key
        if can_renew:
            self._bearer = None
        return can_renew
