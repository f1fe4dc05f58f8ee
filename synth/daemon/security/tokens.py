"""Tokens: rights for a short time, signed, which can be made narrower but never wider (RFC 7519, RFC 8725)."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import jwt

from synth.daemon.problems import Problem
from synth.daemon.security.clock import SteadyClock
from synth.daemon.security.keys import Key
from synth.daemon.security.revoked import Revoked
from synth.daemon.security.roles import Caller, Role
from synth.daemon.security.secret import ALGORITHM, Secret

Use = Literal["call", "page"]
ISSUER = "isotone"
AUDIENCES: dict[Use, str] = {"call": "isotone-calls", "page": "isotone-page"}
LONGEST = 2048  # characters
KNOWN = 1024  # tokens whose signature is remembered to be good
DEEPEST = 4  # a token made from a token made from...
EARLY_S = 60.0  # the clock of an earlier run may have been ahead so much
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="isotone"'}
_ID = re.compile(r"[0-9a-f]{12}(\.[0-9a-f]{16})+")
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CLAIMS = ("iss", "aud", "sub", "jti", "iat", "nbf", "exp", "role")


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights as somebody showed them. `id` is that of the token or key, "KEY" or "KEY.TOKEN.TOKEN"; `expires_s` is by
    the daemon's clock, None for a key; `head` is that of the token, which tells the secret that signed it."""

    caller: Caller
    id: str
    expires_s: float | None = None
    head: str | None = None

    def made(self, token_id: str) -> bool:
        """Whether the token of this id is this one's, or was made from it."""
        return token_id == self.id or token_id.startswith(self.id + ".")


class Tokens:
    """Makes and reads tokens. `keys` gives those of the settings as they are now: a token dies with its key."""

    def __init__(self, secret: Secret, revoked: Revoked, clock: SteadyClock, keys: Callable[[], Iterable[Key]]) -> None:
        self._secret, self._revoked, self._clock, self._keys = secret, revoked, clock, keys
        self._read = lru_cache(maxsize=KNOWN)(self._verified)

    def make(self, maker: Grant, caller: Caller, life_s: float, use: Use = "call") -> tuple[str, Grant]:
        """A token for `caller`, no wider than `maker` and no longer. Problem 403 when it would be."""
        if not maker.caller.covers(caller.role, caller.session_id):
            raise Problem(403, "More than your own", "a token can have no other session and no higher role than yours")
        if maker.id.count(".") >= DEEPEST:
            raise Problem(403, "Made too often", f"a token can be made from a token {DEEPEST} times over, no more")
        now_s = self._clock.now_s()
        expires_s = math.floor(min(now_s + life_s, maker.expires_s or math.inf))
        token_id = f"{maker.id}.{secrets.token_hex(8)}"
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCES[use],
            "sub": caller.name,
            "jti": token_id,
            "iat": int(now_s),
            "nbf": int(now_s),
            "exp": expires_s,
            "role": caller.role.word,
        }
        if caller.session_id is not None:
            claims["session"] = caller.session_id
        text = self._secret.sign(claims)
        return text, Grant(caller, token_id, expires_s, _head(text))

    def read(self, text: str, use: Use = "call") -> Grant:
        """What the token grants. Problem 401 says why it grants nothing."""
        if len(text) > LONGEST or self._secret.of(_head(text)) is None:
            raise refused()
        grant, expires_s = self._read(text, use)
        if expires_s <= self._clock.now_s():
            raise refused("the token has expired: ask for another")
        if grant.id in self._revoked:
            raise refused("the token was revoked: ask for another")
        if not self.has_key(grant):
            raise refused("the key that the token was made with is no longer good: ask for another")
        return grant

    def is_good(self, grant: Grant) -> bool:
        """Whether what was granted is not revoked, nor its key or secret gone; its age is not asked."""
        is_signed = grant.head is None or self._secret.of(grant.head) is not None
        return is_signed and grant.id not in self._revoked and self.has_key(grant)

    def has_key(self, grant: Grant) -> bool:
        """Whether the settings still have the key behind it, with rights so wide."""
        root = grant.id.partition(".")[0]
        role, session_id = grant.caller.role, grant.caller.session_id
        return any(key.id == root and key.caller.covers(role, session_id) for key in self._keys())

    def _verified(self, text: str, use: Use) -> tuple[Grant, int]:
        """What a token of ours grants and when it expires; Problem 401 when it is none of ours. What was verified once
        stays so, and verifying takes a while: so it is remembered."""
        claims = self._claims(text, use)
        grant, soon_s = _grant(claims, _head(text)), self._clock.now_s() + EARLY_S
        if grant is None or claims["nbf"] > soon_s or claims["iat"] > soon_s:
            raise refused()
        return grant, claims["exp"]

    def _claims(self, text: str, use: Use) -> dict[str, Any]:
        """What a token of ours says, whenever that was; Problem 401 when it is none."""
        signed_with = self._secret.of(_head(text))
        if signed_with is None or not _SHAPE.fullmatch(text):
            raise refused()
        options: Any = {"require": list(_CLAIMS), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:  # times are asked of the daemon's own clock, which PyJWT cannot
            return jwt.decode(
                text, signed_with, algorithms=[ALGORITHM], audience=AUDIENCES[use], issuer=ISSUER, options=options
            )
        except (jwt.PyJWTError, ValueError):
            raise refused() from None


def refused(detail: str = "this is no key, token or ticket of this service, or it is none any more") -> Problem:
    """What is answered to those who show nothing good."""
    return Problem(401, "Not signed in", detail, headers=CHALLENGE)


def _head(text: str) -> str:
    return text.partition(".")[0]


def _grant(claims: dict[str, Any], head: str) -> Grant | None:
    """The claims as rights, None when they are not as `Tokens.make` says them."""
    role, session_id = claims["role"], claims.get("session")
    times_fit = all(type(claims[name]) is int for name in ("iat", "nbf", "exp"))
    words_fit = all(isinstance(word, str) for word in (role, claims["sub"], claims["jti"]))
    if not times_fit or not words_fit or not isinstance(session_id, str | None) or not _ID.fullmatch(claims["jti"]):
        return None
    try:
        return Grant(Caller(Role.of(role), session_id, claims["sub"]), claims["jti"], claims["exp"], head)
    except ValueError:
        return None
