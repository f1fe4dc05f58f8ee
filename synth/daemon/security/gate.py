"""The gate: knows who calls, what they may, and gives out what they can show."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp

from synth.daemon.problems import Problem
from synth.daemon.security.buckets import Buckets
from synth.daemon.security.clock import SteadyClock
from synth.daemon.security.exposure import needs_sign_in
from synth.daemon.security.heads import MARK
from synth.daemon.security.keys import PREFIX, find_key
from synth.daemon.security.origins import comes_from_own_page
from synth.daemon.security.revoked import Revoked
from synth.daemon.security.roles import Caller, Role
from synth.daemon.security.secret import Secret
from synth.daemon.security.shield import Shield, too_often
from synth.daemon.security.tickets import Tickets
from synth.daemon.security.tokens import CHALLENGE, Grant, Tokens, refused
from synth.daemon.security.visits import Visits, visit_of

if TYPE_CHECKING:
    from synth.daemon.config import Config

HERE = Grant(Caller(Role.OPERATOR, None, "loopback"), "loopback")  # this machine's own programs
TRIES_HZ, TRIES = 1 / 12, 5  # sign-ins of one address: five at once, then five a minute
PAGE_S = 12 * 3600.0  # that a page stays signed in: a night
MISSES_HZ, MISSES = 1.0, 30  # calls of one address with what is not good
LARGEST_MESSAGE = 256 * 1024  # bytes that come in over a WebSocket


class Gate:
    """Of one daemon. `refused` counts what was not let in, by title of the problem; `visits` are the sockets open.

    ConfigError when the secret or the list of revoked tokens in the state folder cannot be read, or others can.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sign_in = needs_sign_in(config)
        self._is_tls = config.tls_cert is not None
        self._clock = SteadyClock()
        self._tickets, self._tries, self._misses = Tickets(), Buckets(), Buckets()
        self._asked = Buckets()
        self.visits = Visits()
        self.refused: Counter[str] = Counter()
        with _told():
            self._secret = Secret(config.state_dir / "token-secret")
            self._revoked = Revoked(config.state_dir / "revoked-tokens", self._clock)
        self._tokens = Tokens(self._secret, self._revoked, self._clock, lambda: config.keys)

    @property
    def sign_in(self) -> bool:
        """Whether callers must show who they are."""
        return self._sign_in

    @property
    def cookie(self) -> str:
        """Name of the page's cookie. Under TLS its prefix keeps other hosts and plain HTTP from setting it (RFC
        6265bis, section 4.1.3.2)."""
        return f"__Host-{MARK}" if self._is_tls else MARK

    def caller(self, connection: HTTPConnection) -> Caller:
        """Who calls, by a bearer key or token, a ticket, or the page's cookie. Problem 401, 403 or 429."""
        return self.grant(connection).caller

    def grant(self, connection: HTTPConnection) -> Grant:
        """What the caller showed. Problem 401, 403 or 429."""
        visit = visit_of(connection.scope)
        if visit.grant is None:
            grant = self._shown(connection) if self._sign_in else self._local(connection)
            visit.sign(grant, self.left_s(grant))
        assert visit.grant is not None
        return visit.grant

    def allow(self, caller: Caller, role: Role | None, session_id: str | None) -> None:
        """Problem 403 unless the caller may, as `role` or higher, and in that session when one is named."""
        if role is not None and caller.role < role:
            raise Problem(403, "Not your role", f"this takes the role {role.word} or higher")
        if session_id is not None and caller.session_id not in (None, session_id):
            raise Problem(403, "Not your session", "what you showed is for another session")

    def shield(self, app: ASGIApp) -> ASGIApp:
        """`app` behind every check that needs no caller."""
        return Shield(app, self._config, self.visits, self.cookie, self.refused)

    def token(self, connection: HTTPConnection, role: Role, session_id: str | None, life_s: float) -> tuple[str, Grant]:
        """A token no wider than what the caller showed. Problem 403."""
        maker = self.grant(connection)
        life_s = min(life_s, self._config.token_life_s)
        return self._tokens.make(maker, Caller(role, session_id, maker.caller.name), life_s)

    def ticket(self, connection: HTTPConnection, role: Role, session_id: str | None, path: str) -> tuple[str, float]:
        """A ticket to `path`, no wider than what the caller showed, and its life in seconds. Problem 403."""
        shown = self.grant(connection)
        if not shown.caller.covers(role, session_id):
            raise Problem(403, "More than your own", "a ticket can have no other session and no higher role than yours")
        grant = replace(shown, caller=Caller(role, session_id, shown.caller.name))
        return self._tickets.make(grant, path, self._config.ticket_life_s), self._config.ticket_life_s

    def admit(self, connection: HTTPConnection, text: str, response: Response) -> Caller:
        """Sign the page in with a key or token: puts its cookie into `response`. Problem 401 or 429."""
        if not self._sign_in:
            return self.caller(connection)
        if wait_s := self._tries.take(visit_of(connection.scope).address, TRIES_HZ, TRIES):
            raise too_often(wait_s)
        shown = self._read(text)
        token, grant = self._tokens.make(shown, shown.caller, PAGE_S, use="page")
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(self.left_s(grant)),
            path="/",
            secure=self._is_tls or connection.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return grant.caller

    def forget_cookie(self, response: Response) -> None:
        """Take the page's cookie back."""
        response.delete_cookie(self.cookie, path="/", secure=self._is_tls, httponly=True, samesite="strict")

    async def revoke(self, connection: HTTPConnection, token_id: str) -> None:
        """End the token, those made from it, and the sockets opened with them. Problem 403 unless it is the
        caller's own or made from it, or an operator asks; 503 when it could not be written down."""
        shown = self.grant(connection)
        if shown.caller.role < Role.OPERATOR and not shown.made(token_id):
            raise Problem(403, "Not your token", "you can revoke your own token and those made from it")
        self._revoked.add(token_id, self._clock.now_s() + max(PAGE_S, self._config.token_life_s))
        self._end_sockets()
        try:
            await asyncio.to_thread(self._revoked.keep, token_id)
        except OSError as error:
            detail = f"the token is refused from now on, but a restart would forget that ({error.strerror}): ask again"
            raise Problem(503, "Not written down", detail, headers={"Retry-After": "5"}) from None

    async def sign_out(self, connection: HTTPConnection) -> None:
        """Revoke what the caller showed; there is nothing to revoke of a key or without sign-in."""
        grant = self.grant(connection)
        if grant.expires_s is not None:
            await self.revoke(connection, grant.id)

    def left_s(self, grant: Grant) -> float:
        """Seconds that it is good for."""
        return math.inf if grant.expires_s is None else grant.expires_s - self._clock.now_s()

    def reload(self) -> None:
        """Take over secrets and keys as they are now, and end the sockets of those that are gone. ConfigError."""
        with _told():
            self._secret.reload()
        self._end_sockets()

    def server_settings(self) -> dict[str, Any]:
        """What uvicorn must be told, as arguments of its Config, so that what an ASGI app cannot see is bounded too.

        Only the proxies of the settings choose the address that limits count; without compression no message grows; the
        access log would hold tickets.
        """
        from synth.daemon.security.wire import guarded_protocol

        told: dict[str, Any] = {
            "http": guarded_protocol(self._config.limits),
            "ws_max_size": LARGEST_MESSAGE,
            "ws_per_message_deflate": False,
            "proxy_headers": bool(self._config.proxy_trusted),
            "forwarded_allow_ips": list(self._config.proxy_trusted),
            "server_header": False,
            "access_log": False,
            "timeout_keep_alive": 5,
        }
        if self._is_tls:
            told |= {"ssl_certfile": self._config.tls_cert, "ssl_keyfile": self._config.tls_key}
        return told

    def _end_sockets(self) -> None:
        """End sockets whose token was revoked, or whose key or secret is gone."""
        for visit, grant in self.visits.signed():
            if grant is not HERE and not self._tokens.is_good(grant):
                visit.end("signed out")

    def _local(self, connection: HTTPConnection) -> Grant:
        """Without sign-in everybody on this machine is the operator. Problem 403 to whom that is not."""
        if visit_of(connection.scope).heads.is_forwarded or not _is_local(connection):
            raise Problem(403, "From elsewhere", "behind a proxy set sign_in = true: without it this machine alone may")
        return HERE

    def _shown(self, connection: HTTPConnection) -> Grant:
        visit = visit_of(connection.scope)
        try:
            grant = self._first_shown(connection)
        except Problem as problem:
            wait_s = self._misses.take(visit.address, MISSES_HZ, MISSES)
            self.refused[problem.title] += 1
            raise too_often(wait_s) if wait_s else problem from None
        limits = self._config.limits
        if wait_s := self._asked.take(grant.id, limits.requests_per_s, limits.burst_requests):
            raise too_often(wait_s)
        return grant

    def _first_shown(self, connection: HTTPConnection) -> Grant:
        """By header, ticket or cookie, whichever is there first. Problem 401."""
        heads = visit_of(connection.scope).heads
        if heads.authorization is not None:
            scheme, _, text = heads.authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise refused("send `Authorization: Bearer` with a key or token")
            return self._read(text.strip())
        if tickets := connection.query_params.getlist("ticket"):
            return self._by_ticket(connection, tickets)
        if cookies := heads.cookies(self.cookie):
            return self._by_cookie(connection, cookies)
        raise Problem(401, "Not signed in", "sign in, or send a key or token as a Bearer", headers=CHALLENGE)

    def _read(self, text: str) -> Grant:
        if not text.startswith(PREFIX):
            return self._tokens.read(text)
        key = find_key(text, self._config.keys)
        if key is None:
            raise refused()
        return Grant(key.caller, key.id)

    def _by_ticket(self, connection: HTTPConnection, tickets: list[str]) -> Grant:
        scope = connection.scope
        if len(tickets) > 1 or (scope["type"] == "http" and scope["method"] != "GET"):
            raise refused("a ticket opens one stream: send a token as a Bearer for all else")
        grant = self._tickets.take(tickets[0], scope["path"])
        if not self._tokens.is_good(grant) or self.left_s(grant) <= 0.0:
            raise refused("the token that the ticket was made with is no longer good")
        return grant

    def _by_cookie(self, connection: HTTPConnection, cookies: list[str]) -> Grant:
        """Problem 401 where there are two, of which somebody else set one."""
        if len(cookies) > 1:
            raise refused("two cookies claim to be the page's: sign in again")
        scope, heads = connection.scope, visit_of(connection.scope).heads
        if scope["type"] == "websocket" and not comes_from_own_page(scope, heads):
            raise refused("a WebSocket with a cookie must say its Origin")
        return self._tokens.read(cookies[0], use="page")


def _is_local(connection: HTTPConnection) -> bool:
    """Whether the other end is on this machine. What is no number is a Unix socket or a test."""
    try:
        return connection.client is None or ipaddress.ip_address(connection.client.host.partition("%")[0]).is_loopback
    except ValueError:
        return True


class _told:
    """OSError and ValueError as ConfigError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | ValueError):
            from synth.daemon.config import ConfigError

            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ConfigError(f"state_dir: {said}: see to it that only the service can read its state folder") from None
