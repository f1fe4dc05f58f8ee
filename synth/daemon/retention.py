"""Sessions that have been kept long enough are removed, whole, with all that was made from them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from synth.daemon.hosted import About

log = logging.getLogger("isotone.sessions")


def remove_old(sessions_dir: Path, kept: Collection[str], now: datetime, days: float) -> list[str]:
    """Remove the folders in `sessions_dir` of sessions that were made more than `days` before `now` (with its offset
    from UTC), but for those in `kept`, which still play; their ids. A folder that does not say what it is stays."""
    removed = []
    for folder in sorted(sessions_dir.iterdir()):
        if folder.name in kept or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            made = datetime.fromisoformat(About.read(folder).created)
            old = now - made > timedelta(days=days)
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    if removed:
        log.info("sessions were kept long enough", extra={"removed": len(removed)})
    return removed
