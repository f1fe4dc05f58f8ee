"""What can go wrong, as the client tells it."""

from __future__ import annotations

import json

import httpx
from pydantic import ValidationError

from synth.api.problem import ProblemDetails, Wrong
from synth.api.renders import RenderView


class ClientError(Exception):
    """Something the client could not do."""


class Unreachable(ClientError):
    """The daemon does not answer; the message says how it went."""


class StreamEnded(ClientError):
    """A stream that the daemon ended before the session was over; `code` is the WebSocket's (RFC 6455, 7.4)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"the stream was ended ({code}): {why}")
        self.code = code


class RenderFailed(ClientError):
    """A render that failed or was cancelled; `view` tells all of it."""

    def __init__(self, view: RenderView) -> None:
        super().__init__(f"render {view.id} {view.status}" + (f": {view.trouble}" if view.trouble else ""))
        self.view = view


class ApiError(ClientError):
    """What the daemon refused (RFC 9457): `status`, `title`, `detail`, and in `errors` what is wrong where.
    `retry_after_s`: when to ask again, where it said so."""

    def __init__(
        self, status: int, title: str, detail: str, errors: tuple[Wrong, ...] = (), retry_after_s: float | None = None
    ) -> None:
        listed = "".join(f"; {one.where}: {one.what}" for one in errors)
        super().__init__(f"{status} {title}: {detail}{listed}" if detail or listed else f"{status} {title}")
        self.status, self.title, self.detail, self.errors = status, title, detail, errors
        self.retry_after_s = retry_after_s


def api_error(response: httpx.Response) -> ApiError:
    """The error that `response`, whose body was read, tells."""
    wait_s = retry_after_s(response)
    try:
        told = ProblemDetails.model_validate_json(response.content)
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError):
        return ApiError(response.status_code, response.reason_phrase, response.text[:200], (), wait_s)
    return ApiError(told.status, told.title, told.detail, tuple(told.errors or ()), wait_s)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds of Retry-After (RFC 9110, section 10.2.3); None without one, or where it is a date."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
