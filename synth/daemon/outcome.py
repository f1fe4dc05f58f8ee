"""What came of what was asked of a session: the lines of its record that say so, waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from synth.daemon.problems import Problem

if TYPE_CHECKING:
    from synth.daemon.house import House
    from synth.daemon.sessions import Hosted

WAIT_S = 1.0  # a block is 40 ms; a session that is resumed takes longer
Line = dict[str, Any]
Key = TypeVar("Key", bound=Hashable)


async def outcomes(
    hosted: Hosted, ask: Callable[[], None], wanted: Iterable[Key], key_of: Callable[[Line], Key | None]
) -> dict[Key, Line]:
    """Ask, and wait WAIT_S for a line of each key that is `wanted`; those that came."""
    missing, found, whole = set(wanted), {}, asyncio.Event()

    def heard(line: Line) -> None:
        key = key_of(line)
        if key is not None and key in missing:
            missing.discard(key)
            found[key] = line
            if not missing:
                whole.set()

    leave = hosted.follow(heard)
    try:
        ask()
        async with asyncio.timeout(WAIT_S):
            await whole.wait()
    except TimeoutError:
        pass
    finally:
        leave()
    return found


async def outcome(hosted: Hosted, ask: Callable[[], None], is_it: Callable[[Line], bool]) -> Line | None:
    """Ask, and wait for one line; None when it did not come in time."""
    return (await outcomes(hosted, ask, [True], lambda line: is_it(line) or None)).get(True)


def find(house: House, session_id: str) -> Hosted:
    """The session of that id. Problem 404 when there is none."""
    try:
        return house.sessions.get(session_id)
    except KeyError:
        raise no_session(house, session_id) from None


def find_playing(house: House, session_id: str) -> Hosted:
    """The session of that id, if something can still be asked of it. Problem 404, or 409 when it is over."""
    hosted = find(house, session_id)
    if hosted.status in ("finished", "failed"):
        raise Problem(409, "Session is over", f"this session has {hosted.status}: nothing can be asked of it any more")
    return hosted


def no_session(house: House, session_id: str = "") -> Problem:
    """Answered where there is no session of that id, or may be one that is not taken up again yet, or is one of which
    only the record is left."""
    if not house.sessions.taken_up:
        return Problem(503, detail="sessions of before are being resumed: ask again soon", headers={"Retry-After": "1"})
    with suppress(KeyError):
        house.sessions.folder(session_id)
        return Problem(404, "Session is over", f"its record is kept: see /api/v1/sessions/{session_id}/files")
    return Problem(404, "No such session", "there is no session of this id, or it is not kept any more")
