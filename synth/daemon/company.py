"""Who is with a session: those who listen, follow or play it, or asked about it of late; and sessions that are left."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.daemon.config import Config
    from synth.daemon.sessions import Sessions

LOOK_S = 0.5  # between two looks at who is there

log = logging.getLogger("isotone.sessions")


class Company:
    """Of one session. `is_needed`: it is to end when nobody is there any more."""

    def __init__(self, is_needed: bool = False) -> None:
        self.is_needed = is_needed
        self._staying = 0
        self._last_s = time.monotonic()

    def came(self) -> None:
        """Somebody asked something, just now; from any thread."""
        self._last_s = time.monotonic()

    @contextmanager
    def stays(self) -> Iterator[None]:
        """Somebody is there meanwhile; in the event loop."""
        self._staying += 1
        try:
            yield
        finally:
            self._staying -= 1
            self.came()

    @property
    def gone_s(self) -> float:
        """Seconds since the last of them left; 0 while somebody is there."""
        return 0.0 if self._staying else time.monotonic() - self._last_s


class Abandoned:
    """Ends those of `sessions` that need company and have had none for `sessions.abandoned_after_s`."""

    def __init__(self, sessions: Sessions, config: Config) -> None:
        self._sessions, self._config = sessions, config
        self._next_s = 0.0

    def look(self) -> None:
        """Once in a while; in the event loop."""
        now_s, after_s = time.monotonic(), self._config.sessions_abandoned_after_s
        if now_s < self._next_s or not after_s:
            return
        self._next_s = now_s + LOOK_S
        for hosted in tuple(self._sessions.all.values()):
            company = hosted.company
            if hosted.status == "playing" and company.is_needed and company.gone_s > after_s:
                company.is_needed = False  # it is asked to stop once
                log.info("session was left by everybody", extra={"session": hosted.id})
                hosted.stop(f"everybody had left {after_s:g} s before: the music faded out")
