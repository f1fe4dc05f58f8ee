"""One session as the daemon holds it: its hands, its record, and those who follow it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from synth.daemon.company import Company
from synth.daemon.stage.remote import RemoteSession
from synth.daemon.stage.sound import Sound
from synth.record.lines import FILE_NAME
from synth.record.writer import RecordWriter

Line = dict[str, Any]
Status = Literal["starting", "playing", "resuming", "finished", "failed"]
ABOUT = "session.json"  # in a session's folder: what it is, to take it up again

log = logging.getLogger("isotone.sessions")


@dataclass(frozen=True, slots=True)
class About:
    """What a session is, as its folder keeps it; `created`: ISO 8601 with the offset from UTC; `end_when_left`: it ends
    when nobody is with it any more."""

    id: str
    preset: str
    created: str
    stems: tuple[str, ...] = ()
    end_when_left: bool = False

    def write(self, folder: Path) -> None:
        """Keep it in `folder`, readable by its owner only."""
        path = folder / ABOUT
        handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        path.with_suffix(".new").replace(path)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `folder` keeps; ValueError or OSError where that is nothing."""
        told = json.loads((folder / ABOUT).read_text())
        return cls(**{**told, "stems": tuple(told["stems"])})


class Hosted:
    """The session in `folder`. Its `hands` are set once it has a worker; `latest` holds the newest line of each type,
    `asked` what it was made from and is no personal data; `company` is who is with it. Belongs to the event loop."""

    hands: RemoteSession

    def __init__(self, about: About, folder: Path, asked: Mapping[str, Any]) -> None:
        self.about, self.folder, self.asked = about, folder, asked
        self.id, self.preset, self.created = about.id, about.preset, about.created
        self.status: Status = "starting"
        self.trouble = ""
        self.latest: dict[str, Line] = {}
        self.writer: RecordWriter | None = None
        self.disk_full = False
        self.company = Company(about.end_when_left)
        self._stop_text = ""
        self.lost_s: list[float] = []  # when its worker died, by time.monotonic()
        self._followers: list[Callable[[Line], None]] = []
        self._changed = asyncio.Condition()
        self._over = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def sound(self) -> Sound:
        """Its audio as rendered."""
        return self.hands.sound

    @property
    def record_path(self) -> Path:
        """Its record."""
        return self.folder / FILE_NAME

    def end_when_left(self) -> None:
        """Have it end once nobody is with it any more, also after a restart, unless the disk is full."""
        self.company.is_needed = True
        self.about = replace(self.about, end_when_left=True)
        with suppress(OSError):
            self.about.write(self.folder)

    def stop(self, text: str) -> None:
        """Fade out and finish; `text` tells the record why."""
        self._stop_text = text
        self.hands.stop()

    def follow(self, heard: Callable[[Line], None]) -> Callable[[], None]:
        """Call `heard` with each line of the record from now on, in the loop; what is given ends it."""
        self._followers.append(heard)
        return lambda: self._followers.remove(heard) if heard in self._followers else None

    async def next_line(self, wanted: Callable[[Line], bool], timeout_s: float) -> Line | None:
        """The next line of the record that is `wanted`; None when none comes in time."""
        found: asyncio.Future[Line] = asyncio.get_running_loop().create_future()

        def heard(line: Line) -> None:
            if not found.done() and wanted(line):
                found.set_result(line)

        leave = self.follow(heard)
        try:
            return await asyncio.wait_for(found, timeout_s)
        except TimeoutError:
            return None
        finally:
            leave()

    async def settled(self) -> None:
        """Wait until it plays, or is known not to."""
        await self._settled.wait()

    async def over(self) -> None:
        """Wait until it is finished or failed."""
        await self._over.wait()

    def become(self, status: Status, trouble: str = "") -> None:
        """Its status from now on; those who follow are told with a line of type "status", which no record holds."""
        if self._over.is_set() or status == self.status:
            return
        self.status, self.trouble = status, trouble
        if status != "starting":
            self._settled.set()
        if status in ("finished", "failed"):
            self._over.set()
        self._tell({"type": "status", "status": status, "text": trouble})

    def keep(self, line: Line) -> None:
        """A line that the session told: into the record first, then to those who follow."""
        if line["type"] == "stop" and self._stop_text:
            line = {**line, "text": self._stop_text}
        if self.writer is not None:
            self._write(lambda: self.writer.write(line))  # type: ignore[union-attr]
        self.latest[line["type"]] = line
        self._tell(line)

    def push(self) -> None:
        """Try again to write what the disk did not take."""
        if self.writer is not None and self.writer.pending:
            self._write(self.writer.push)

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            if not self.disk_full:
                log.error("the record waits for the disk", extra={"session": self.id, "why": error.strerror})
            self.disk_full = True
        else:
            if self.disk_full:
                log.info("the record is written again", extra={"session": self.id})
            self.disk_full = False

    def _tell(self, line: Line) -> None:
        for heard in tuple(self._followers):
            try:
                heard(line)
            except Exception:  # one follower's fault is not another's
                log.exception("a follower failed", extra={"session": self.id})

    def close(self) -> None:
        """Close the record, once nothing more is told."""
        if self.writer is not None:
            self.push()
            if self.writer.pending:
                log.error("lines of the record are lost", extra={"session": self.id, "bytes": self.writer.pending})
            self.writer.close()
            self.writer = None
