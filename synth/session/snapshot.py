"""A session put away as bytes, and taken up where it was: by those, by its record, or by both.

What was put away sounds on as it would have, bit for bit. What the record tells after that, or all of it where nothing
was put away, is done once more: a session decides the same from the same sensors and hands, so that it comes to where
it was, and to the lines of the record that were lost on the way.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from synth import __version__
from synth.session.session import Session

HEAD = b"isotone session 1"
BLOCK = 4096
UNTOLD = ("feedback", "refusal")  # lines about what was asked, which are not told again


class SnapshotError(ValueError):
    """Bytes that are no session of this version; the record has it all."""


def put_away(session: Session) -> bytes | None:
    """All of `session` but who listens to it; None while something is half worked out, which the next blocks end.

    To be called between two blocks, by the thread that renders.
    """
    if not session.settled:
        return None
    body = pickle.dumps(session, protocol=5)
    return b"%b %b %08x\n%b" % (HEAD, __version__.encode(), zlib.crc32(body), body)


def take_up(data: bytes, tell: Callable[[dict[str, Any]], None]) -> Session:
    """The session in `data`, whose record's lines go to `tell`. SnapshotError where it is torn or of another version.

    Only for bytes that this program wrote itself: to read them is to run what they say.
    """
    head, _, body = data.partition(b"\n")
    if head != b"%b %b %08x" % (HEAD, __version__.encode(), zlib.crc32(body)):
        raise SnapshotError("it is torn, or was put away by another version")
    session: Session = pickle.loads(body)
    session.tell_to(tell)
    return session


def catch_up(
    session: Session,
    lines: Iterable[Mapping[str, Any]],
    frames: int,
    tell: Callable[[dict[str, Any]], None],
) -> None:
    """Do again what `lines` of its record tell after where `session` is, until `frames` are rendered; from then on its
    lines go to `tell`, and those at once that the record lacks."""
    lines = list(lines)
    again: list[dict[str, Any]] = []
    session.tell_to(again.append)
    session.recall(lines)
    while session.position < frames:
        session.render(min(BLOCK, frames - session.position))
    session.tell_to(tell)
    for line in again[sum(line["type"] not in UNTOLD for line in lines) :]:
        tell(line)
