"""What a batch render is: what was asked, and how far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["queued", "running", "finished", "failed", "cancelled"]
Cause = Literal["", "refused", "disk", "broken"]
OVER: tuple[Status, ...] = ("finished", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Asked:
    """One render as it was asked for; all of it is plain JSON.

    `session`: what `synth.daemon.renders.asking` makes keywords of `render_session` out of; for an export it is empty,
    and `of_session` names the live session whose record is rendered again. `formats` of the audio, `exports` for DAWs.
    `created`: ISO 8601. `key` and `body`: digests of an Idempotency-Key and of what came with it, or "".
    """

    id: str
    created: str
    session: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("flac",)
    stems: bool = True
    exports: tuple[str, ...] = ()
    of_session: str | None = None
    key: str = ""
    body: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Asked:
        """What `as_dict` gave. TypeError or KeyError when it is something else."""
        lists = {name: tuple(kept[name]) for name in ("formats", "exports")}
        return cls(**{**kept, **lists})


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file that a render made: its `name` under the render ("stems/pad.flac"), and what it is."""

    name: str
    size_bytes: int
    media_type: str
    sha256: str


@dataclass(slots=True)
class Made:
    """How far a render has come, as kept beside what was asked.

    `progress` 0 to 1, `seconds` of music done of `total_s`, `words` what is being done. `begun`: how many times it was
    begun, more than once where the daemon died meanwhile. `trouble` says why it failed, for people; `cause` of which
    kind that is.
    """

    status: Status = "queued"
    progress: float = 0.0
    seconds: float = 0.0
    total_s: float = 0.0
    words: str = "waiting"
    begun: int = 0
    started: str | None = None
    ended: str | None = None
    trouble: str = ""
    cause: Cause = ""
    files: tuple[ResultFile, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Made:
        """What `as_dict` gave. TypeError or KeyError when it is something else."""
        return cls(**{**kept, "files": tuple(ResultFile(**file) for file in kept["files"])})


class Job:
    """A render in the queue: what was `asked`, what is `made` of it so far."""

    def __init__(self, asked: Asked, made: Made | None = None) -> None:
        self.asked = asked
        self.made = made or Made()
        self._changed = asyncio.Event()

    @property
    def id(self) -> str:
        """Its name in paths."""
        return self.asked.id

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.made.status in OVER

    def file(self, name: str) -> ResultFile | None:
        """The result called exactly `name`."""
        return next((file for file in self.made.files if file.name == name), None)

    def tell(self) -> None:
        """Wake those who wait for a change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self, timeout_s: float) -> bool:
        """Wait for the next change; False when none came within `timeout_s`."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return False
        return True
