"""What an endpoint is: a row of the table that routes, checks and documents are made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from synth.daemon.security import Role

WEBSOCKET = "WEBSOCKET"
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    `call` is `async (house, caller, request, body)` and gives a model of type `answer`, or a Response where headers,
    streams or files are wanted (`synth.daemon.answers` has help); for a WEBSOCKET it is `async (house, caller,
    websocket)`. The checked query is `request.state.query` (`websocket.state.query`), a model of type `query`. `role`
    is the least that may call, None for everybody; a path with {session_id} is checked against the caller's scope.
    `answer` None: no JSON, and `media` says what comes; `status` 204: nothing. `errors` are statuses of its own beside
    those that every endpoint has. `most_bytes` bound the body. `endless`: it streams until somebody leaves, so HEAD
    answers without a call.
    """

    method: str
    path: str
    call: Callable[..., Awaitable[Any]]
    summary: str
    role: Role | None
    tag: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    media: str = "application/json"
    errors: tuple[int, ...] = ()
    most_bytes: int = MOST_BYTES
    endless: bool = False
