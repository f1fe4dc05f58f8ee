"""Files of a session."""

from __future__ import annotations

from pydantic import Field

from synth.api.model import Told


class SessionFile(Told):
    """A file of a session that the caller may have. `made` False: it is made when it is asked for, which takes seconds.
    `size_bytes` None: not known before it is made."""

    name: str
    media_type: str
    made: bool
    size_bytes: int | None = Field(None, ge=0)
    href: str


class SessionFiles(Told):
    """What there is of a session; exports that were asked for are renders (`renders` are their paths)."""

    files: list[SessionFile]
    renders: list[str]
