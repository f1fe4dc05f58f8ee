"""The client for programs that wait for each answer."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from synth.api.access import TokenAsked, TokenMade, WhoAmI
from synth.api.hands import ControlRow, PresetRow
from synth.client import calls
from synth.client.calls import Call, asked
from synth.client.connecting import Verify
from synth.client.sync.render import Renders
from synth.client.sync.session import Sessions
from synth.client.sync.wire import Wire

T = TypeVar("T")
LOOPBACK = "http://127.0.0.1:8080"


class Client:
    """A daemon at `url`.

    `key` or `token`: who calls (neither on loopback without sign-in). `verify`: what its certificate is checked with
    (`synth.client.connecting.tls`). `timeout_s` bounds each answer; `patience_s` is how long a call may be told to wait
    (Retry-After) before that is an ApiError. A context manager; methods may be called from several threads.
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
        self.sessions, self.renders = Sessions(self._wire), Renders(self._wire)

    def close(self) -> None:
        """Close what is open."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def call(self, call: Call[T]) -> T:
        """Send one call of `synth.client.calls`, or one of your own; its result. ApiError or Unreachable."""
        return self._wire.call(call)

    def whoami(self) -> WhoAmI:
        """Who calls, and what they may."""
        return self._wire.call(calls.whoami())

    def make_token(self, body: TokenAsked | None = None, **fields: Any) -> TokenMade:
        """A token for somebody else, with rights no wider than one's own; `fields` are those of TokenAsked."""
        return self._wire.call(calls.make_token(asked(TokenAsked, body, fields)))

    def presets(self) -> list[PresetRow]:
        """Every preset."""
        return self._wire.call(calls.presets()).presets

    def control_table(self) -> list[ControlRow]:
        """Every control, with its unit and range."""
        return self._wire.call(calls.control_table()).controls
