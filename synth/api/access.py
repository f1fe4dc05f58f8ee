"""Signing in, and rights handed on: tokens and tickets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from synth.api.model import Asks, SessionName, Told

RoleWord = Literal["listener", "therapist", "operator"]
StreamPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@/-]{1,255}$")]


class SignInAsked(Asks):
    """What is shown to be let in: a key, or a token."""

    credential: str = Field(min_length=1, max_length=2048)


class TokenAsked(Asks):
    """A token for somebody else, with rights no wider than one's own. Without `session_id` it is for one's own session,
    or for any where one may reach any. `life_s` is at most what the settings of the service allow, and that if not
    given; a token never outlives that which it was made from."""

    role: RoleWord = "listener"
    session_id: SessionName | None = None
    life_s: float | None = Field(default=None, ge=1.0, le=86_400.0)


class TokenMade(Told):
    """A token, to be sent as `Authorization: Bearer`. `expires` is a time in ISO 8601; `token_id` revokes it."""

    token: str
    token_id: str
    role: RoleWord
    session_id: str | None
    expires: str
    life_s: float


class TicketAsked(Asks):
    """A ticket for the stream at `path` (without query), where no header can be sent. `role` None: one's own."""

    path: StreamPath
    role: RoleWord | None = None


class TicketMade(Told):
    """A ticket: add it to the path as `?ticket=`, within `life_s` seconds. It is good once."""

    ticket: str
    path: str
    life_s: float


class WhoAmI(Told):
    """Who calls. `session_id` is the one session that they may reach, null for any; `sign_in` tells whether the service
    asks who calls at all; `token_id` and `expires` (ISO 8601) are those of the token that was shown, if one was."""

    role: RoleWord
    session_id: str | None
    name: str
    sign_in: bool
    token_id: str | None = None
    expires: str | None = None
