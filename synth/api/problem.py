"""Errors as they are answered: "Problem Details for HTTP APIs" (RFC 9457)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_MEDIA = "application/problem+json"


class Wrong(BaseModel):
    """One thing that is wrong with a request: where it stands, as `body.phases.0.minutes`, and what to give instead."""

    model_config = ConfigDict(extra="forbid")

    where: str
    what: str


class ProblemDetails(BaseModel):
    """`type` names the kind of problem ("about:blank": what the status says), `title` says it in a few words, `detail`
    what to do about it; `errors` are everything that is wrong with the request (RFC 9457, section 3)."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = ""
    errors: list[Wrong] | None = None
