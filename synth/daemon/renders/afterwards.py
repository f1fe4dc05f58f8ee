"""Pages of live sessions: made from their records when somebody asks for them, in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from synth.daemon.logs import say
from synth.daemon.renders.process import work
from synth.daemon.renders.shelf import plain_file
from synth.daemon.renders.told import Failed
from synth.record.lines import FILE_NAME

FRESH_S = 30.0  # a page of a session that plays may be behind it by so much
PAGES_MOST_S = 300.0

log = logging.getLogger(__name__)


class NotMade(RuntimeError):
    """A page that cannot be made; the message says why, `cause` of which kind that is."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.text)
        self.cause = failed.cause


class Afterwards:
    """Makes pages, of one session at a time; those who ask for the same at the same time share it."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._making: dict[Path, asyncio.Task[Failed | None]] = {}

    async def page(self, session: Path, name: str, over: bool) -> Path:
        """The page `name` of the session in the folder `session`, which is `over` or may go on. NotMade, or
        FileNotFoundError without a record."""
        if not await asyncio.to_thread(is_fresh, session, name, 0.0 if over else FRESH_S):
            making = self._making.get(session)
            if making is None:
                making = self._making[session] = asyncio.create_task(self._make(session))
                making.add_done_callback(lambda task: self._making.pop(session, None))
            failed = await asyncio.shield(making)
            if failed is not None:
                raise NotMade(failed)
        path = await asyncio.to_thread(plain_file, session, name)
        if path is None:
            raise NotMade(Failed("broken", f"{name} was not made"))
        return path

    async def _make(self, session: Path) -> Failed | None:
        async with self._turn:
            told = await work("pages", session, stalled_s=PAGES_MOST_S)
        if isinstance(told, Failed):
            say(log, "warning", "pages were not made", session=session.name, cause=told.cause, place=told.place)
            return told
        return None

    async def stop(self) -> None:
        """End what is being made."""
        for task in list(self._making.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def is_fresh(session: Path, name: str, behind_s: float = 0.0) -> bool:
    """Whether the page is there and tells of the record as it is, or was `behind_s` before: its time of change is that
    of the record it was made from. FileNotFoundError without a record."""
    record = plain_file(session, FILE_NAME)
    if record is None:
        raise FileNotFoundError(FILE_NAME)
    page = plain_file(session, name)
    return page is not None and 0 <= record.stat().st_mtime_ns - page.stat().st_mtime_ns <= behind_s * 1e9
