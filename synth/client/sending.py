"""How a call is sent, without sending it: steps that either client carries out.

A step is an httpx.Request, answered with its response or with the httpx.TransportError it met, or a number of seconds
to wait. So signing in, renewing, waiting and trying again are written once.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import httpx

from synth.client.access import Access
from synth.client.calls import Call
from synth.client.errors import Unreachable, api_error, retry_after_s

T = TypeVar("T")
Step = httpx.Request | float
Came = httpx.Response | httpx.TransportError | None

TRIES = 4
FIRST_PAUSE_S = 0.25  # doubled with each try
NOT_TAKEN = (429, 503)  # with Retry-After: the daemon did nothing yet


class Sender:
    """Makes steps of calls to the daemon at `url`. `patience_s`: how long it may be told to wait, in all of a call."""

    def __init__(self, url: str, access: Access, timeout_s: float, patience_s: float) -> None:
        self.url = httpx.URL(url.rstrip("/"))
        self.access = access
        self.timeout_s, self._patience_s = timeout_s, patience_s

    def send(self, call: Call[T]) -> Generator[Step, Came, T]:
        """The steps of `call`; its result. ApiError or Unreachable."""
        return call.read((yield from self._answered(call)))

    def headers(self) -> Generator[Step, Came, dict[str, str]]:
        """Steps to what a stream's request must say of who calls."""
        bearer = yield from self._bearer()
        return _shown(bearer)

    def _answered(self, call: Call[T]) -> Generator[Step, Came, httpx.Response]:
        waited_s, renewed = 0.0, False
        for attempt in range(1, TRIES + 1):
            bearer = yield from self._bearer()
            came = yield self.request(call, bearer)
            last = attempt == TRIES
            if not isinstance(came, httpx.Response):
                if last or not _may_repeat(call, came):
                    raise unreachable(self.url, came) from came
                yield FIRST_PAUSE_S * 2 ** (attempt - 1)
                continue
            if came.is_success:
                return came
            if came.status_code == 401 and not renewed and self.access.refused():
                renewed = True
                continue
            wait_s = retry_after_s(came) if came.status_code in NOT_TAKEN else None
            if last or wait_s is None or waited_s + wait_s > self._patience_s:
                raise api_error(came)
            waited_s += wait_s
            yield wait_s
        raise AssertionError("the last try ends the call")

    def _bearer(self) -> Generator[Step, Came, str | None]:
        steps = self.access.bearer()
        try:
            ask = next(steps)
            while True:
                came = yield self.request(ask.call, ask.bearer)
                if not isinstance(came, httpx.Response):
                    raise unreachable(self.url, came) from came
                if not came.is_success:
                    raise api_error(came)
                ask = steps.send(came)
        except StopIteration as done:
            bearer: str | None = done.value
            return bearer

    def request(self, call: Call[T], bearer: str | None) -> httpx.Request:
        """One request."""
        content = None if call.body is None else call.body.model_dump_json(exclude_unset=True)
        headers = {**call.headers, **_shown(bearer)}
        if content is not None:
            headers["Content-Type"] = "application/json"
        timeout = httpx.Timeout(call.timeout_s or self.timeout_s, connect=self.timeout_s)
        return httpx.Request(
            call.method,
            self.address(call.path),
            params=dict(call.query) or None,
            headers=headers,
            content=content,
            extensions={"timeout": timeout.as_dict()},
        )

    def address(self, path: str) -> httpx.URL:
        """A path of the daemon as a URL."""
        return httpx.URL(f"{self.url}{path}")

    def socket_address(self, path: str, query: dict[str, str]) -> str:
        """A path of the daemon as the URL of a WebSocket."""
        address = self.address(path).copy_merge_params(query)
        return str(address.copy_with(scheme="wss" if address.scheme == "https" else "ws"))


def unreachable(url: httpx.URL, error: BaseException | None) -> Unreachable:
    """Told where nothing was answered."""
    why = f"{type(error).__name__}: {error}" if error is not None and str(error) else type(error).__name__
    return Unreachable(f"{url} does not answer ({why}): does the daemon run there?")


def _may_repeat(call: Call[T], error: Came) -> bool:
    """Whether it can be sent again: where it cannot have arrived, or may arrive twice."""
    return call.again or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _shown(bearer: str | None) -> dict[str, str]:
    return {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
