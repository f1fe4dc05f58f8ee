"""Who calls, signing in and out, and rights handed on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from synth.api.access import RoleWord, SignInAsked, TicketAsked, TicketMade, TokenAsked, TokenMade, WhoAmI
from synth.daemon.answers import answered
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role

_TOKEN_ID = re.compile(r"(?:[0-9a-f]{12}|loopback)(?:\.[0-9a-f]{16}){1,8}")
_SESSION = re.compile(r"/api/v1/sessions/([^/]+)/.+")


async def _whoami(house: House, caller: Caller, request: Request, body: None) -> WhoAmI:
    grant = house.gate.grant(request)
    return WhoAmI(
        role=_word(caller.role),
        session_id=caller.session_id,
        name=caller.name,
        sign_in=house.gate.sign_in,
        token_id=None if grant.expires_s is None else grant.id,
        expires=None if grant.expires_s is None else _moment(grant.expires_s),
    )


async def _sign_in(house: House, caller: Caller, request: Request, asked: SignInAsked) -> Response:
    response = answered(None)
    who = house.gate.admit(request, asked.credential, response)
    told = WhoAmI(role=_word(who.role), session_id=who.session_id, name=who.name, sign_in=house.gate.sign_in)
    return answered(told, headers=_cookies(response))


async def _sign_out(house: House, caller: Caller, request: Request, body: None) -> Response:
    """What is no longer good needs no signing out; the cookie is taken back all the same."""
    try:
        await house.gate.sign_out(request)
    except Problem as problem:
        if problem.status != 401:
            raise
    response = answered(None, 204)
    house.gate.forget_cookie(response)
    return response


async def _make_token(house: House, caller: Caller, request: Request, asked: TokenAsked) -> TokenMade:
    session_id = asked.session_id or caller.session_id
    life_s = asked.life_s or house.config.token_life_s
    token, grant = house.gate.token(request, Role.of(asked.role), session_id, life_s)
    assert grant.expires_s is not None
    return TokenMade(
        token=token,
        token_id=grant.id,
        role=asked.role,
        session_id=session_id,
        expires=_moment(grant.expires_s),
        life_s=round(max(0.0, house.gate.left_s(grant)), 3),
    )


async def _make_ticket(house: House, caller: Caller, request: Request, asked: TicketAsked) -> TicketMade:
    role = caller.role if asked.role is None else Role.of(asked.role)
    named = _SESSION.fullmatch(asked.path)
    session_id = named[1] if named else caller.session_id
    ticket, life_s = house.gate.ticket(request, role, session_id, asked.path)
    return TicketMade(ticket=ticket, path=asked.path, life_s=life_s)


async def _revoke(house: House, caller: Caller, request: Request, body: None) -> Response:
    token_id = request.path_params["token_id"]
    if not _TOKEN_ID.fullmatch(token_id):
        raise Problem(404, "No such token", "this is no token_id: give the one that came with the token")
    await house.gate.revoke(request, token_id)
    return answered(None, 204)


def _word(role: Role) -> RoleWord:
    words: dict[Role, Literal["listener", "therapist", "operator"]] = {
        Role.LISTENER: "listener",
        Role.THERAPIST: "therapist",
        Role.OPERATOR: "operator",
    }
    return words[role]


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


def _cookies(response: Response) -> dict[str, str]:
    return {"Set-Cookie": response.headers["set-cookie"]} if "set-cookie" in response.headers else {}


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/api/v1/whoami", _whoami, "Who calls, and what they may.", Role.LISTENER, "access", answer=WhoAmI),
    Endpoint(
        "POST", "/api/v1/sign-in", _sign_in, "Sign a page in with a key or token: sets its cookie.", None, "access",
        body=SignInAsked, answer=WhoAmI, errors=(401, 429),
    ),
    Endpoint(
        "POST", "/api/v1/sign-out", _sign_out, "Revoke what was shown, and take back the cookie.", None, "access",
        status=204, errors=(429, 503),
    ),
    Endpoint(
        "POST", "/api/v1/tokens", _make_token, "Make a token with rights no wider than one's own.", Role.THERAPIST,
        "access", body=TokenAsked, answer=TokenMade,
    ),
    Endpoint(
        "DELETE", "/api/v1/tokens/{token_id}", _revoke, "Revoke a token, those made from it and their sockets.",
        Role.LISTENER, "access", status=204, errors=(404, 503),
    ),
    Endpoint(
        "POST", "/api/v1/tickets", _make_ticket, "Make a ticket: opens one stream, once, without a header.",
        Role.LISTENER, "access", body=TicketAsked, answer=TicketMade,
    ),
)  # fmt: skip
