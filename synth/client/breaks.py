"""Connections that break: how often they may, how long to wait, and which of them are a refusal."""

from __future__ import annotations

import httpx
from websockets.exceptions import InvalidStatus, WebSocketException

from synth.client.access import Access
from synth.client.errors import Unreachable, api_error
from synth.client.sending import NOT_TAKEN, unreachable

MOST = 8  # connections one after another on which nothing came
PAUSE_S = 0.5
LONGEST_S = 10.0
LOST = (OSError, TimeoutError, WebSocketException, httpx.TransportError, Unreachable)  # what ends a connection


class Breaks:
    """Counts those of one stream from `url`; `access` may renew what is shown."""

    def __init__(self, url: httpx.URL, access: Access) -> None:
        self._url, self._access = url, access
        self._count = 0
        self.pause_s = PAUSE_S

    def fine(self) -> None:
        """Something came."""
        self._count = 0

    def lost(self, error: Exception | None) -> float:
        """A connection broke, or none was made: how long to wait before the next. ApiError where it was refused,
        Unreachable when it has happened too often."""
        wait_s = self.pause_s
        if isinstance(error, InvalidStatus):
            response = error.response
            headers = list(response.headers.raw_items())
            wait_s = self.refused(
                httpx.Response(response.status_code, headers=headers, content=bytes(response.body or b""))
            )
        self._count += 1
        if self._count > MOST:
            raise unreachable(self._url, error) from error
        return wait_s

    def refused(self, response: httpx.Response) -> float:
        """A connection was refused by an answer, whose body was read: how long to wait. ApiError where asking again is
        of no use."""
        if response.status_code == 401 and self._access.refused():
            return 0.0
        error = api_error(response)
        if error.status not in NOT_TAKEN or error.retry_after_s is None:
            raise error
        return min(error.retry_after_s, LONGEST_S)
