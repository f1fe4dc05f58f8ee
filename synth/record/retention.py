"""How long sessions are kept: each record's header says for how many days, and older ones can be removed.

A session is removed file by file, only what a render writes and the record last of all, so that a folder that holds
somebody's other files keeps them, and an interrupted removal can be taken up again.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from synth.record.lines import FILE_NAME, Line, RecordError, number
from synth.record.reader import read_header

WRITTEN = (
    "mix.flac",
    "mix.wav",
    "score.mid",
    "score.pb",
    "controls.csv",
    "report.html",
    "report.pdf",
    "person.html",
    "person.pdf",
)
STEMS = "stems"
AUDIO = (".flac", ".wav")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became, or with a dry run would become, of a session's `folder`, and in words why.

    `failed`: it should have been removed, and could not be.
    """

    folder: Path
    removed: bool
    words: str
    failed: bool = False


def prune(folder: str | Path, now: datetime, *, days: float | None = None, dry_run: bool = False) -> list[Pruned]:
    """Remove the sessions in `folder` (itself one, or with sessions in it) that are older than their own retention.

    `now` is a time with its offset from UTC. `days` counts in place of what the records say; a record that says nothing
    is then removed too. A session's age is from `started` in its header, else from when its record was last written.
    Symbolic links are not followed. Folders without a record are not told of. RecordError for a folder that is none.
    """
    top = Path(folder)
    if days is not None and not (math.isfinite(days) and days >= 0.0):
        raise RecordError(f"{days:g} days: give 0 or more")
    if top.is_symlink():
        raise RecordError(f"{top} is a symbolic link: give the folder itself")
    if not top.is_dir():
        raise RecordError(f"there is no folder {top}")
    folders = [top] if _holds(top) else sorted(top.iterdir())
    return [_prune(path, now, days, dry_run) for path in folders if _holds(path)]


def _holds(folder: Path) -> bool:
    """Whether it is, or a link leads to, a folder with something called as a record is."""
    return folder.is_dir() and os.path.lexists(folder / FILE_NAME)


def _prune(folder: Path, now: datetime, days: float | None, dry_run: bool) -> Pruned:
    if link := next(_links(folder), None):
        return Pruned(folder, False, f"kept: {link} is a symbolic link")
    try:
        header = read_header(folder)
        limit = _limit(header, days)
    except RecordError as error:
        return Pruned(folder, False, f"kept: {error}")
    if limit is None:
        return Pruned(folder, False, "kept: its record sets no retention")
    age = (now - _started(header, folder / FILE_NAME, now)) / timedelta(days=1)
    if age <= limit:
        return Pruned(folder, False, f"kept: {max(age, 0.0):.1f} of {limit:g} days old")
    words = f"{age:.1f} days old, to be kept {limit:g}"
    if dry_run:
        return Pruned(folder, True, f"would be removed: {words}")
    try:
        left = _remove(folder)
    except OSError as error:
        return Pruned(folder, False, f"not all of it could be removed: {error.filename}: {error.strerror}", True)
    return Pruned(folder, True, f"removed: {words}" + (f"; left there: {', '.join(left)}" if left else ""))


def _links(folder: Path) -> Iterator[Path]:
    """The folder, its record or its stems where they are symbolic links."""
    return (path for path in (folder, folder / FILE_NAME, folder / STEMS) if path.is_symlink())


def _limit(header: Line, days: float | None) -> float | None:
    own = header.get("retention_days")
    if days is not None or own is None:
        return days
    limit = number(own)
    if limit is None or limit <= 0.0:
        raise RecordError("its retention is no number of days above 0")
    return limit


def _started(header: Line, record: Path, now: datetime) -> datetime:
    try:
        started = datetime.fromisoformat(header["started"])
    except (KeyError, TypeError, ValueError):
        return datetime.fromtimestamp(record.lstat().st_mtime, now.tzinfo)
    return started if started.tzinfo else started.replace(tzinfo=now.tzinfo)


def _remove(folder: Path) -> list[str]:
    """Remove a session's files and what folders are empty then; the names that are left."""
    stems = folder / STEMS
    if stems.is_dir():
        for path in sorted(stems.iterdir()):
            if path.suffix in AUDIO and _plain(path):
                path.unlink()
        if not any(stems.iterdir()):
            stems.rmdir()
    for name in (*WRITTEN, FILE_NAME):
        if _plain(folder / name):
            (folder / name).unlink()
    left = sorted(path.name for path in folder.iterdir())
    if not left:
        folder.rmdir()
    return left


def _plain(path: Path) -> bool:
    """Whether it is a file, and not a link to one."""
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)
