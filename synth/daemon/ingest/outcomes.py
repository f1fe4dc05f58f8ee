"""The outcome log: what became of samples, counted, the last of it at hand and all of it in a file. No values, no names
but those of channels."""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE_NAME = "signals.log.jsonl"
MOST_BYTES = 256 * 1024  # of the file; the one before it is kept too
LAST = 100
MOST_UNWRITTEN = 1000  # entries; beyond that the oldest are left out of the file
ACCEPTED, LATE, REFUSED, BUSY = OUTCOMES = ("accepted", "late", "refused", "busy")


class Outcomes:
    """Counts and entries of one session, whose folder is `folder`. Late samples are among the accepted."""

    def __init__(self, folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.channels: Counter[str] = Counter()
        self.last: deque[dict[str, Any]] = deque(maxlen=LAST)
        self.troubles = 0
        self._path = folder / FILE_NAME
        self._unwritten: deque[dict[str, Any]] = deque(maxlen=MOST_UNWRITTEN)

    def note(self, t_s: float, by: str, channel: str, outcome: str, samples: int, reason: str | None = None) -> None:
        """Count `samples`, and keep an entry for the file."""
        if not samples:
            return
        self.counts[outcome] += samples
        if outcome == ACCEPTED:
            self.channels[channel] += samples
        entry: dict[str, Any] = {"t_s": round(t_s, 3), "by": by, "channel": channel, "outcome": outcome}
        entry |= {"samples": samples} if reason is None else {"samples": samples, "reason": reason}
        self.last.append(entry)
        self._unwritten.append(entry)

    def write(self) -> None:
        """Append to the file what is not in it yet. What cannot be written is left out, and counted: signals go on
        where a disk is full."""
        if not self._unwritten:
            return
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in self._unwritten)
        self._unwritten.clear()
        try:
            self._append(lines.encode())
        except OSError:
            self.troubles += 1

    def _append(self, lines: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        file = os.open(self._path, flags, 0o600)
        try:
            os.write(file, lines)
            full = os.fstat(file).st_size > MOST_BYTES
        finally:
            os.close(file)
        if full:
            with suppress(OSError):
                os.replace(self._path, self._path.with_name(FILE_NAME + ".1"))
