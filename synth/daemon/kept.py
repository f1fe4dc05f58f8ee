"""Sessions whose record is kept, told from their folders: those that play, and those of before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import islice
from pathlib import Path

from synth.api.records import RecordList, RecordRow
from synth.daemon import showing
from synth.daemon.hosted import About
from synth.daemon.renders.shelf import plain_file
from synth.record.lines import FILE_NAME, Line, number
from synth.record.reader import RecordError, read_header, read_last


def kept(sessions_dir: Path, limit: int, after: str | None = None, only: Collection[str] | None = None) -> RecordList:
    """At most `limit` of the sessions in `sessions_dir`, newest first, from behind the session `after` on; of those in
    `only` where that is given. KeyError when there is no session `after`. What cannot be read is left out."""
    found = sorted(_found(sessions_dir, only), reverse=True)
    if after is not None:
        places = [place for place, (_, id, _) in enumerate(found) if id == after]
        if not places:
            raise KeyError(after)
        found = found[places[0] + 1 :]
    rows = (_row(sessions_dir / id, about) for _, id, about in found)
    read = list(islice((row for row in rows if row is not None), limit + 1))
    return RecordList(records=read[:limit], more=len(read) > limit)


def _found(sessions_dir: Path, only: Collection[str] | None) -> list[tuple[datetime, str, About]]:
    found = []
    for folder in sessions_dir.iterdir():
        if only is not None and folder.name not in only:
            continue
        if folder.is_symlink() or plain_file(folder, FILE_NAME) is None:
            continue
        try:
            about = About.read(folder)
            found.append((datetime.fromisoformat(about.created).astimezone(), folder.name, about))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return found


def _row(folder: Path, about: About) -> RecordRow | None:
    try:
        header, last = read_header(folder), read_last(folder)
        preset = header["preset"]
        return RecordRow(
            id=folder.name,
            preset=about.preset,
            title=str(preset["title"]),
            goal=str(preset["goal"]),
            created=about.created,
            length_s=_length_s(header, last),
            ended=str(last["reason"]) if last["type"] == "end" else None,
            files=f"{showing.ROOT}/{folder.name}/files",
            report=showing.links(folder.name).report,
        )
    except (RecordError, ValueError, TypeError, KeyError):
        return None


def _length_s(header: Line, last: Line) -> float:
    if last["type"] == "end":
        return float(last["frames"] / header["sample_rate"])
    return max(number(last.get("t_s")) or 0.0, 0.0)
