"""Records: the sessions whose record is kept, also long after they ended and over a restart."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from synth.api.records import RecordList, RecordsAsked
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.kept import kept
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role


async def _list(house: House, caller: Caller, request: Request, body: None) -> RecordList:
    query: RecordsAsked = request.state.query
    only = None if caller.session_id is None else (caller.session_id,)
    try:
        return await asyncio.to_thread(kept, house.config.sessions_dir, query.limit, query.after, only)
    except KeyError:
        raise Problem(
            404, "No such session", "there is no session of the id `after`, or it is not kept any more"
        ) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/api/v1/records", _list, "Sessions whose record is kept, those of before too, newest first.",
        Role.THERAPIST, "files", query=RecordsAsked, answer=RecordList, errors=(404,),
    ),
)  # fmt: skip
