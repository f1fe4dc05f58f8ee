"""Batch renders: asked for, followed, fetched, ended."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from synth.api.new_session import NewSession
from synth.api.problem import Wrong
from synth.api.renders import NewRender, RenderFile, RenderFiles, RenderList, RendersAsked, RenderView
from synth.daemon.answers import answered
from synth.daemon.choosing import choose, presets
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.problems import Problem
from synth.daemon.renders import Job, KeyTaken, QueueFull, ShelfFull
from synth.daemon.renders.asking import check
from synth.daemon.renders.queue import RETRY_AFTER_S
from synth.daemon.renders.sending import sent_file
from synth.daemon.security import Caller, Role
from synth.daemon.starting import refused
from synth.record.lines import FILE_NAME

ROOT = "/api/v1/renders"
BEAT_S = 15.0  # a comment so often keeps an event stream open through proxies
EVENTS_MEDIA = "text/event-stream"
MOST_BYTES = 8 << 20
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def _create(house: House, caller: Caller, request: Request, body: NewRender) -> Response:
    if caller.session_id is not None:
        raise Problem(403, detail="your token is for one session: a render is none; ask for an export of the session")
    key, digest = keyed(request, caller), digest_of(body)
    session = body.session()
    try:
        session["preset"] = choose(NewSession(preset=body.preset, goal=body.goal)).preset.name
        await asyncio.to_thread(check, session)
    except KeyError:
        errors = [Wrong(where="body.preset", what=f"give one of {', '.join(presets())}")]
        raise Problem(422, "No such preset", "there is no preset of this name", errors=errors) from None
    except ValueError as error:
        raise refused(error) from None
    asked = {"session": session, "formats": _once(body.formats), "exports": _once(body.exports), "stems": body.stems}
    return accepted(await queued(house, key=key, body=digest, **asked))


async def queued(house: House, **asked: Any) -> Job:
    """A render that was asked for with these fields of `Asked`. Problem 422, 429 or 507 says why not."""
    try:
        return await house.renders.ask(**asked)
    except KeyTaken as error:
        raise Problem(422, "Idempotency-Key taken", str(error)) from None
    except QueueFull as error:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(429, "Too many renders", str(error), headers=headers) from None
    except ShelfFull as error:
        raise Problem(507, detail=str(error)) from None


def accepted(job: Job) -> Response:
    """202 (RFC 9110, section 15.3.3): where to look how far it is."""
    return answered(shown(job), 202, {"Location": f"{ROOT}/{job.id}"})


def keyed(request: Request, caller: Caller) -> str:
    """A digest of who asks and their Idempotency-Key (draft-ietf-httpapi-idempotency-key-header); "" without one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Problem(400, detail="Idempotency-Key: give 1 to 255 visible ASCII characters")
    return _digest(f"{caller.name}\0{caller.session_id}\0{request.url.path}\0{key}")


def digest_of(body: BaseModel) -> str:
    """Tells whether two bodies ask for the same."""
    return _digest(body.model_dump_json())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


async def _list(house: House, caller: Caller, request: Request, body: None) -> RenderList:
    query: RendersAsked = request.state.query
    mine = (job for job in reversed(list(house.renders.all.values())) if sees(caller, job))
    return RenderList(renders=[shown(job) for job in islice(mine, query.limit)])


async def _show(house: House, caller: Caller, request: Request, body: None) -> RenderView:
    return shown(_job(house, caller, request))


async def _files(house: House, caller: Caller, request: Request, body: None) -> RenderFiles:
    return RenderFiles(files=shown(_job(house, caller, request)).files)


async def _file(house: House, caller: Caller, request: Request, body: None) -> Response:
    job = _job(house, caller, request)
    file = job.file(request.path_params["name"])
    path = None if file is None else await asyncio.to_thread(house.renders.shelf.path, job.id, file)
    if file is None or path is None:
        raise Problem(
            404, "No such file", "there is no such file in this render: its list of files tells what there is"
        )
    if file.name == FILE_NAME and caller.role < Role.OPERATOR:
        raise Problem(403, detail="a record holds what was measured of a person: it is for operators")
    return sent_file(path, file.media_type, tag=file.sha256)


async def _end(house: House, caller: Caller, request: Request, body: None) -> None:
    await house.renders.cancel(_job(house, caller, request))


async def _follow(house: House, caller: Caller, request: Request, body: None) -> Response:
    job = _job(house, caller, request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(job), headers=headers, media_type=EVENTS_MEDIA)


async def _events(job: Job) -> AsyncIterator[str]:
    """Its view whenever that changes, to its end (HTML Living Standard, 9.2 Server-sent events)."""
    while True:
        over = job.over
        yield f"event: render\ndata: {shown(job).model_dump_json()}\n\n"
        if over:
            return
        while not await job.change(BEAT_S):
            yield ": still at it\n\n"


def _job(house: House, caller: Caller, request: Request) -> Job:
    """The render of the path. Problem 404 for what the caller may not see, too."""
    try:
        job = house.renders.get(request.path_params["render_id"])
    except KeyError:
        job = None
    if job is None or not sees(caller, job):
        raise Problem(404, "No such render", "there is no render of this id, or it is not kept any more")
    return job


def sees(caller: Caller, job: Job) -> bool:
    """Whether the caller may know of a render: with a token for one session of that session's exports only."""
    return caller.session_id is None or caller.session_id == job.asked.of_session


def shown(job: Job) -> RenderView:
    """A render as it is told."""
    asked, made, here = job.asked, job.made, f"{ROOT}/{job.id}"
    files = [
        RenderFile(
            name=file.name,
            size_bytes=file.size_bytes,
            media_type=file.media_type,
            sha256=file.sha256,
            href=f"{here}/files/{file.name}",
        )
        for file in made.files
    ]
    return RenderView(
        id=job.id,
        status=made.status,
        progress=made.progress,
        seconds=made.seconds,
        total_s=made.total_s,
        words=made.words,
        begun=made.begun,
        created=asked.created,
        started=made.started,
        ended=made.ended,
        session_id=asked.of_session,
        formats=list(asked.formats),
        exports=list(asked.exports),
        cause=made.cause,
        trouble=made.trouble,
        files=files,
        href=here,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST", ROOT, _create, "Render a session into files.", Role.THERAPIST, "renders", body=NewRender,
        answer=RenderView, status=202, errors=(422, 429, 507), most_bytes=MOST_BYTES,
    ),
    Endpoint(
        "GET", ROOT, _list, "The renders there are, newest first.", Role.THERAPIST, "renders", query=RendersAsked,
        answer=RenderList,
    ),
    Endpoint(
        "GET", f"{ROOT}/{{render_id}}", _show, "How far a render is, and its files.", Role.THERAPIST, "renders",
        answer=RenderView, errors=(404,),
    ),
    Endpoint(
        "DELETE", f"{ROOT}/{{render_id}}", _end, "End a render; remove one that is over.", Role.THERAPIST, "renders",
        status=204, errors=(404,),
    ),
    Endpoint(
        "GET", f"{ROOT}/{{render_id}}/events", _follow, "Follow a render to its end.", Role.THERAPIST, "renders",
        media=EVENTS_MEDIA, errors=(404,), endless=True,
    ),
    Endpoint(
        "GET", f"{ROOT}/{{render_id}}/files", _files, "The files of a render.", Role.THERAPIST, "renders",
        answer=RenderFiles, errors=(404,),
    ),
    Endpoint(
        "GET", f"{ROOT}/{{render_id}}/files/{{name:path}}", _file, "A file of a render, whole or in parts.",
        Role.THERAPIST, "renders", media="application/octet-stream", errors=(403, 404, 416),
    ),
)  # fmt: skip
