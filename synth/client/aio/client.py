"""The client for programs of an event loop."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from synth.api.access import TokenAsked, TokenMade, WhoAmI
from synth.api.hands import ControlRow, PresetRow
from synth.client import calls
from synth.client.aio.render import AsyncRenders
from synth.client.aio.session import AsyncSessions
from synth.client.aio.wire import Wire
from synth.client.calls import Call, asked
from synth.client.connecting import Verify

T = TypeVar("T")
LOOPBACK = "http://127.0.0.1:8080"


class AsyncClient:
    """A daemon at `url`.

    `key` or `token`: who calls (neither on loopback without sign-in). `verify`: what its certificate is checked with
    (`synth.client.connecting.tls`). `timeout_s` bounds each answer; `patience_s` is how long a call may be told to wait
    (Retry-After) before that is an ApiError. An asynchronous context manager; belongs to one event loop.
    """

    def __init__(
        self,
        url: str = LOOPBACK,
        *,
        key: str | None = None,
        token: str | None = None,
        verify: Verify = True,
        timeout_s: float = 30.0,
        patience_s: float = 60.0,
    ) -> None:
        self._wire = Wire(url, key, token, verify, timeout_s, patience_s)
        self.sessions, self.renders = AsyncSessions(self._wire), AsyncRenders(self._wire)

    async def close(self) -> None:
        """Close what is open."""
        await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def call(self, call: Call[T]) -> T:
        """Send one call of `synth.client.calls`, or one of your own; its result. ApiError or Unreachable."""
        return await self._wire.call(call)

    async def whoami(self) -> WhoAmI:
        """Who calls, and what they may."""
        return await self._wire.call(calls.whoami())

    async def make_token(self, body: TokenAsked | None = None, **fields: Any) -> TokenMade:
        """A token for somebody else, with rights no wider than one's own; `fields` are those of TokenAsked."""
        return await self._wire.call(calls.make_token(asked(TokenAsked, body, fields)))

    async def presets(self) -> list[PresetRow]:
        """Every preset."""
        return (await self._wire.call(calls.presets())).presets

    async def control_table(self) -> list[ControlRow]:
        """Every control, with its unit and range."""
        return (await self._wire.call(calls.control_table())).controls
