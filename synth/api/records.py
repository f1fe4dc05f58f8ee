"""Sessions whose record is kept: those that play, and those of before."""

from __future__ import annotations

from pydantic import Field

from synth.api.model import SESSION_NAME, Asks, SessionName, Told


class RecordsAsked(Asks):
    """How many at most, and `after` which session the list goes on."""

    limit: int = Field(100, ge=1, le=1000)
    after: SessionName | None = None


class RecordRow(Told):
    """A session whose record is kept. `length_s` was played so far; `ended` is why it ended, None while it has not.
    `files` is the path of what there is of it."""

    id: str = Field(pattern=SESSION_NAME)
    preset: str
    title: str
    goal: str
    created: str
    length_s: float = Field(ge=0.0)
    ended: str | None
    files: str
    report: str


class RecordList(Told):
    """Newest first. `more`: there are older ones; ask for those `after` the last of these."""

    records: list[RecordRow]
    more: bool
