"""Files of a session: its pages, its score, its record, and exports."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from synth.api.files import SessionFile, SessionFiles
from synth.api.renders import NewExport, RenderView
from synth.daemon.endpoints.renders import ROOT as RENDERS
from synth.daemon.endpoints.renders import accepted, digest_of, keyed, queued
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.problems import Problem
from synth.daemon.renders.afterwards import NotMade, is_fresh
from synth.daemon.renders.sending import HTML, sent_file
from synth.daemon.renders.shelf import plain_file
from synth.daemon.security import Caller, Role
from synth.record.lines import FILE_NAME

ROOT = "/api/v1/sessions/{session_id}"
MIDI, JSONL = "audio/midi", "application/jsonl"
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the files: its `name` in the folder, what it is, who may have it, and the end of its path."""

    name: str
    media_type: str
    role: Role
    path: str


KINDS = (
    _Kind("person.html", HTML, Role.LISTENER, "person.html"),
    _Kind("report.html", HTML, Role.THERAPIST, "report.html"),
    _Kind("score.mid", MIDI, Role.THERAPIST, "score.mid"),
    _Kind(FILE_NAME, JSONL, Role.OPERATOR, "record"),
)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a session is kept, and whether it is over."""

    folder: Path
    over: bool


def _found(house: House, request: Request) -> _Found:
    """The session of the path: one that the daemon holds, or one of before, by its folder. KeyError without any."""
    session_id = request.path_params["session_id"]
    folder = house.sessions.folder(session_id)
    hosted = house.sessions.all.get(session_id)
    return _Found(Path(folder), hosted is None or hosted.status in ("finished", "failed"))


async def _person(house: House, caller: Caller, request: Request, body: None) -> Response:
    return await _made(house, request, "person.html", HTML)


async def _report(house: House, caller: Caller, request: Request, body: None) -> Response:
    return await _made(house, request, "report.html", HTML)


async def _score(house: House, caller: Caller, request: Request, body: None) -> Response:
    return await _made(house, request, "score.mid", MIDI)


async def _made(house: House, request: Request, name: str, media_type: str) -> Response:
    """A file that is made from the record: of a session that plays, as far as it has got."""
    found = _found(house, request)
    try:
        path = await house.renders.afterwards.page(found.folder, name, found.over)
    except FileNotFoundError:
        raise _no_record() from None
    except NotMade as error:
        status = 507 if error.cause == "disk" else 503
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(status, "Not made", f"{name} could not be made: {error}", headers=headers) from None
    return sent_file(path, media_type, name="" if media_type == HTML else None)


async def _record(house: House, caller: Caller, request: Request, body: None) -> Response:
    """The record up to its last whole line, while it may grow."""
    path = plain_file(_found(house, request).folder, FILE_NAME)
    if path is None:
        raise _no_record()
    return sent_file(path, JSONL, most=await asyncio.to_thread(_whole_lines, path))


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last line that is whole."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end:
            start = max(0, end - 65_536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _no_record() -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(
        404, "No record yet", "the session has not begun, or its record is not kept any more", headers=headers
    )


async def _files(house: House, caller: Caller, request: Request, body: None) -> SessionFiles:
    found, here = _found(house, request), ROOT.format(**request.path_params)
    files = await asyncio.to_thread(_listed, found.folder, here, caller)
    renders = [
        f"{RENDERS}/{job.id}"
        for job in house.renders.all.values()
        if job.asked.of_session == request.path_params["session_id"] and caller.role >= Role.THERAPIST
    ]
    return SessionFiles(files=files, renders=renders)


def _listed(folder: Path, here: str, caller: Caller) -> list[SessionFile]:
    if plain_file(folder, FILE_NAME) is None:
        return []
    listed = []
    for kind in KINDS:
        if caller.role < kind.role:
            continue
        path = plain_file(folder, kind.name)
        made = path is not None and (kind.name == FILE_NAME or is_fresh(folder, kind.name))
        size = path.stat().st_size if path is not None and made else None
        href = f"{here}/{kind.path}"
        listed.append(SessionFile(name=kind.name, media_type=kind.media_type, made=made, size_bytes=size, href=href))
    return listed


async def _export(house: House, caller: Caller, request: Request, body: NewExport) -> Response:
    found, session_id = _found(house, request), request.path_params["session_id"]
    if plain_file(found.folder, FILE_NAME) is None:
        raise _no_record()
    formats = tuple(dict.fromkeys(body.formats))
    key, digest = keyed(request, caller), digest_of(body)
    return accepted(
        await queued(house, key=key, body=digest, of_session=session_id, exports=(body.to,), formats=formats)
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", f"{ROOT}/files", _files, "The files of a session.", Role.LISTENER, "files", answer=SessionFiles,
        errors=(404,),
    ),
    Endpoint(
        "GET", f"{ROOT}/person.html", _person, "The session's page for the person.", Role.LISTENER, "files",
        media=HTML, errors=(404, 503, 507),
    ),
    Endpoint(
        "GET", f"{ROOT}/report.html", _report, "The session's report, so far while it plays.", Role.THERAPIST, "files",
        media=HTML, errors=(404, 503, 507),
    ),
    Endpoint(
        "GET", f"{ROOT}/score.mid", _score, "Its notes, so far while it plays.", Role.THERAPIST, "files", media=MIDI,
        errors=(404, 503, 507),
    ),
    Endpoint(
        "GET", f"{ROOT}/record", _record, "Its record: what was measured, decided and played.", Role.OPERATOR, "files",
        media=JSONL, errors=(404,),
    ),
    Endpoint(
        "POST", f"{ROOT}/exports", _export, "Hand it to a DAW, as far as it has got: a render.", Role.THERAPIST,
        "files", body=NewExport, answer=RenderView, status=202, errors=(404, 422, 429, 507),
    ),
)  # fmt: skip
