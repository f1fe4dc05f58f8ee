"""The dose ledger: a file of a person's own that keeps seven days of what was heard, a line each.

JSON Lines, mode 0600: {"date": "2026-11-22", "hours_at_80_dba": 0.125, "seconds": 3600}. Energy is kept as the hours
at 80 dBA that carry it, so that it counts for whatever weekly level. It holds no names and nothing of the music.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard on a day: the hours at 80 dBA that carry as much energy, and how long it took."""

    day: date
    hours_at_80_dba: float
    seconds: float = 0.0


def in_week(entries: Iterable[Heard], today: date | None) -> list[Heard]:
    """The entries of the seven days that end with `today` (None: all). A day to come counts: clocks may be wrong."""
    first = None if today is None else today - timedelta(days=WEEK_DAYS - 1)
    return [entry for entry in entries if first is None or entry.day >= first]


def read_ledger(path: str | Path) -> tuple[list[Heard], tuple[str, ...]]:
    """The entries of a ledger, and in words what could not be read of it. A file that is not there is empty."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return [], ()
    except OSError as error:
        return [], (f"{path}: the dose of earlier sessions cannot be read ({error.strerror}); it counts from nothing",)
    entries, damaged = [], []
    for number, line in enumerate(data.splitlines(), 1):
        entry = _entry(line)
        if entry is not None:
            entries.append(entry)
        elif line.strip():
            damaged.append(str(number))
    if not damaged:
        return entries, ()
    return entries, (f"{path}: line {', '.join(damaged)} cannot be read and is left out; the dose may be higher",)


def append_ledger(path: str | Path, heard: Heard) -> None:
    """Add `heard` as one line, in one write; what is older than its week goes. OSError when it cannot be written."""
    path = Path(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # a last line that was cut off stays one of its own
        os.write(handle, (b"\n" if torn else b"") + _line(heard))
        os.fsync(handle)
    finally:
        os.close(handle)
    entries, _ = read_ledger(path)
    kept = in_week(entries, heard.day)
    if len(kept) < len(entries):
        _replace(path, kept)


def _line(heard: Heard) -> bytes:
    fields = {"date": heard.day.isoformat(), "hours_at_80_dba": heard.hours_at_80_dba, "seconds": heard.seconds}
    return json.dumps(fields, allow_nan=False).encode() + b"\n"


def _entry(line: bytes) -> Heard | None:
    try:
        fields = json.loads(line)
        entry = Heard(date.fromisoformat(fields["date"]), float(fields["hours_at_80_dba"]), float(fields["seconds"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    sound = (math.isfinite(x) and x >= 0.0 for x in (entry.hours_at_80_dba, entry.seconds))
    return entry if all(sound) else None


def _replace(path: Path, entries: Iterable[Heard]) -> None:
    """The file anew, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(_line(entry) for entry in entries)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
