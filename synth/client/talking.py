"""Signals over a WebSocket: numbered, answered one by one, sent again after a break, and counted once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from synth.api.signals import Signal, SignalMessage, SignalsAnswer, SignalsHello
from synth.client.errors import ClientError

BUSY_S = 0.2


class Talk:
    """One row of messages over as many connections as it takes. `stream` names it; a daemon that knows the name goes on
    behind what it took last."""

    def __init__(self, stream: str | None = None) -> None:
        self.stream = stream or secrets.token_hex(8)
        self._seq = 0

    @property
    def query(self) -> dict[str, str]:
        """Of the socket's URL."""
        return {"stream": self.stream}

    def greeted(self, said: str | bytes) -> None:
        """The daemon's first message on a connection."""
        last = SignalsHello.model_validate_json(said).last_seq
        self._seq = max(self._seq, 0 if last is None else last)

    def message(self, signals: Sequence[Signal]) -> str:
        """The next message; it is sent until it is answered."""
        self._seq += 1
        body = SignalMessage(seq=self._seq, runs=list(signals))
        return body.model_dump_json(exclude_unset=True)

    def answered(self, said: str | bytes) -> SignalsAnswer | float:
        """What became of the message, or how long to wait before it is sent again. ClientError when it was not
        understood."""
        answer = SignalsAnswer.model_validate_json(said)
        if answer.outcome == "busy":
            return answer.retry_after_s or BUSY_S
        if answer.outcome == "malformed":
            raise ClientError(f"the daemon did not understand the signals: {answer.detail}")
        return answer
