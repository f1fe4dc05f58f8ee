"""Event streams (HTML Living Standard, 9.2) that go on where they broke off; either client reads the lines."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

import httpx

from synth.client.breaks import LONGEST_S, Breaks

QUIET_S = 60.0  # the daemon says something every 15 s; after this the connection is held to be dead


class Told(NamedTuple):
    """One event of the stream."""

    id: str
    kind: str
    data: dict[str, Any]


class Following:
    """One stream over as many connections as it takes."""

    def __init__(self, breaks: Breaks, after: str | None = None) -> None:
        self.breaks = breaks
        self._last_id = after
        self._lines: list[tuple[str, str]] = []

    @property
    def headers(self) -> dict[str, str]:
        """What the next connection asks for."""
        known = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        return {"Accept": "text/event-stream", **known}

    def opened(self, response: httpx.Response) -> Literal["read", "over"] | float:
        """What to do with a connection: read it; know that nothing more will come (204); or open another after so many
        seconds. ApiError where it is refused; the body of such an answer must have been read."""
        self._lines = []
        if response.is_success:
            return "over" if response.status_code == 204 else "read"
        wait_s = self.breaks.refused(response)
        self.breaks.lost(None)
        return wait_s

    def take(self, line: str) -> Told | None:
        """A line of the stream; the event that it completes."""
        if line:
            if not line.startswith(":"):
                name, _, value = line.partition(":")
                self._lines.append((name, value.removeprefix(" ")))
            return None
        fields, self._lines = self._lines, []
        self.breaks.fine()
        told = dict(fields)
        if "id" in told:
            self._last_id = told["id"]
        if told.get("retry", "").isdigit():
            self.breaks.pause_s = min(int(told["retry"]) / 1000.0, LONGEST_S)
        data = "\n".join(value for name, value in fields if name == "data")
        return Told(told.get("id", ""), told.get("event", "message"), json.loads(data)) if data else None
