"""The shield: what stands before the app, and sees every request and socket first."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synth.daemon.problems import Problem
from synth.daemon.security.buckets import Buckets
from synth.daemon.security.exchange import Exchange, too_long
from synth.daemon.security.headers import preflight, secured
from synth.daemon.security.heads import Heads
from synth.daemon.security.origins import SAFE, check_host, check_origin, comes_from_own_page
from synth.daemon.security.visits import IN_SCOPE, POLICY_VIOLATION, TRY_AGAIN_LATER, Visit, Visits

if TYPE_CHECKING:
    from synth.daemon.config import Config

LONGEST_PATH, LONGEST_QUERY = 2048, 4096  # bytes
_TRICK = re.compile(rb"%(?:2f|5c|00)|[\x00-\x20\x7f\\]|(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Shield:
    """An ASGI app around `app`. `cookie` is the name of the page's. `refused` counts what was not let in, by title."""

    def __init__(self, app: ASGIApp, config: Config, visits: Visits, cookie: str, refused: Counter[str]) -> None:
        self._app, self._config, self._visits = app, config, visits
        self._cookie, self._refused = cookie, refused
        self._asked = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        heads = Heads(scope)
        visit = scope[IN_SCOPE] = Visit(scope, heads)
        origin = heads.origin if heads.origin in self._config.origins else None
        exchange = Exchange(scope, receive, send, visit, self._visits, self._config.limits, origin)
        try:
            self._check(scope, visit)
            if origin is not None and scope["method"] == "OPTIONS":
                response = Response(None, 204)
                response.raw_headers += preflight(origin)
                await response(scope, receive, _secure(send, scope))
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except Problem as problem:
            self._refused[problem.title] += 1
            await exchange.answer(problem)
        except asyncio.CancelledError:
            if not visit.ours():
                raise
            await exchange.finish()
        except Exception:
            if not exchange.is_answered:
                raise
        finally:
            self._visits.close(visit)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = scope[IN_SCOPE] = Visit(scope, Heads(scope))
        limits = self._config.limits
        try:
            self._check(scope, visit)
            self._visits.open(visit, limits.max_sockets, limits.max_sockets_per_caller)
        except Problem as problem:
            self._refused[problem.title] += 1
            await _deny(scope, receive, send, problem)
            return
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not visit.ours():
                raise
            with contextlib.suppress(Exception):  # it may be closed, or not open yet
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": visit.ended})
        finally:
            self._visits.close(visit)

    def _check(self, scope: Scope, visit: Visit) -> None:
        """Problem when the request is not let in."""
        heads, config = visit.heads, self._config
        limits = config.limits
        if wait_s := self._asked.take(visit.address, limits.requests_per_s, limits.burst_requests):
            raise too_often(wait_s)
        _check_shape(scope, heads)
        check_host(heads, (config.host, *config.hosts))
        check_origin(scope, heads, config.origins)
        if heads.length is not None and int(heads.length) > limits.max_body_bytes:
            raise too_long(limits.max_body_bytes)
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            self._check_cookie(scope, heads)

    def _check_cookie(self, scope: Scope, heads: Heads) -> None:
        """Problem 403 when something is to change by the page's cookie alone, and the page does not say that it asked.

        A foreign page cannot send a header of its own without a preflight, which is answered to pages of the settings
        only. A WebSocket cannot have such a header; its Origin is enough.
        """
        if heads.authorization is not None or not heads.cookies(self._cookie):
            return
        told = scope["type"] == "websocket" or bool(heads.asked_with)
        if not told or not comes_from_own_page(scope, heads):
            raise Problem(
                403, "Not from the page", "with a cookie, send Origin and the header X-Requested-With as the page does"
            )


def too_often(wait_s: float) -> Problem:
    """Answered to those who ask too often."""
    return Problem(
        429, detail="you ask too often: wait as Retry-After says", headers={"Retry-After": str(int(wait_s) + 1)}
    )


def _check_shape(scope: Scope, heads: Heads) -> None:
    """Problem 400 or 414 when the request is not as any honest one is."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    if len(raw) > LONGEST_PATH or len(scope.get("query_string", b"")) > LONGEST_QUERY:
        raise Problem(414, detail=f"a path has at most {LONGEST_PATH} bytes, a query {LONGEST_QUERY}")
    if _TRICK.search(raw):
        raise Problem(400, "Strange path", "the path has dots, slashes or control characters where none belong")
    if heads.is_twice or (heads.length is not None and heads.coding is not None):
        raise Problem(
            400, "Ambiguous request", "a header that may be there once is there twice, or contradicts another"
        )
    if heads.length is not None and not (heads.length.isascii() and heads.length.isdigit() and len(heads.length) < 20):
        raise Problem(400, detail="Content-Length is no number")


def _secure(send: Send, scope: Scope) -> Send:
    async def sending(message: Message) -> None:
        if message["type"].endswith("http.response.start"):
            message = secured(message, scope["scheme"] in ("https", "wss"), None)
        await send(message)

    return sending


async def _deny(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Refuse a WebSocket: as an HTTP answer where the server can (ASGI's WebSocket Denial Response), else by a code."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await problem.response()(scope, receive, _secure(send, scope))
    else:
        code = TRY_AGAIN_LATER if problem.status in (429, 503) else POLICY_VIOLATION
        await send({"type": "websocket.close", "code": code, "reason": problem.title})
