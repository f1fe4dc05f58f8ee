"""Sessions: start one, list them, see one, stop it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from synth.api.hands import Done
from synth.api.model import Asks
from synth.api.new_session import NewSession
from synth.api.problem import Wrong
from synth.api.signals import Signal
from synth.api.views import SessionList, SessionView, Started, StateView, Status
from synth.daemon import showing
from synth.daemon.answers import answered
from synth.daemon.choosing import Chosen, choose, presets
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.ingest import Over
from synth.daemon.outcome import find, outcome
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role
from synth.daemon.sessions import Hosted, NoRoom, SessionTaken
from synth.daemon.starting import first_confidence, keywords, planned, refused, sensed

ROOT = showing.ROOT
ONE = ROOT + "/{session_id}"
RETRY_S = 10
MOST_LISTED = 1000


class ListAsked(Asks):
    """Which sessions, and how many at most."""

    status: Status | None = None
    limit: int = Field(default=200, ge=1, le=MOST_LISTED)


async def _create(house: House, caller: Caller, request: Request, asked: NewSession) -> Response:
    if caller.session_id not in (None, asked.asked_name):
        raise Problem(403, detail=f"your token is for the session {caller.session_id}: give that as its name")
    chosen = await _chosen(asked)
    latest = sensed(asked.signals, chosen.preset)
    hosted, session = await _hosted(house, chosen, asked)
    if asked.end_when_left:
        hosted.end_when_left()
    if latest:
        with suppress(Over):
            house.ingest.put(hosted, [Signal(channel=name, value=value) for name, value in latest.items()], "http")
    minutes = session.get("minutes", sum(phase.minutes for phase in asked.plan or ()) or chosen.preset.minutes)
    confidence, reasons = first_confidence(latest, asked)
    started = Started(
        session_id=hosted.id,
        preset=hosted.preset,
        title=chosen.preset.title,
        goal=chosen.preset.goal,
        chosen=asked.preset is None,
        seed=session["seed"],
        status=hosted.status,
        playback=showing.playback(hosted, request, minutes),
        confidence=confidence,
        reasons=[*chosen.reasons, *reasons],
        links=showing.links(hosted.id),
    )
    return answered(started, 201, {"Location": started.links.session})


async def _chosen(asked: NewSession) -> Chosen:
    await asyncio.to_thread(presets)  # the first time they are read from files
    try:
        return choose(asked)
    except KeyError:
        errors = [Wrong(where="body.preset", what=f"give one of {', '.join(presets())}")]
        raise Problem(422, "No such preset", "there is no preset of this name", errors=errors) from None


async def _hosted(house: House, chosen: Chosen, asked: NewSession) -> tuple[Hosted, dict[str, Any]]:
    """The session, and the keywords it was made with."""
    session = keywords(asked)
    try:
        preset = planned(chosen.preset, asked)
        return await house.sessions.create(preset, session, name=asked.asked_name, stems=asked.stems), session
    except SessionTaken:
        raise Problem(409, "Name is taken", "there is a session of this name: give another one, or none") from None
    except NoRoom as error:
        raise Problem(503, "No room", str(error), headers={"Retry-After": str(RETRY_S)}) from None
    except ValueError as error:
        raise refused(error) from None


async def _list(house: House, caller: Caller, request: Request, body: None) -> SessionList:
    query: ListAsked = request.state.query
    mine = [hosted for hosted in house.sessions.all.values() if caller.session_id in (None, hosted.id)]
    wanted = [hosted for hosted in mine if query.status in (None, hosted.status)]
    newest = sorted(wanted, key=lambda hosted: hosted.created, reverse=True)
    return SessionList(sessions=[showing.summary(hosted) for hosted in newest[: query.limit]])


async def _see(house: House, caller: Caller, request: Request, body: None) -> SessionView:
    return showing.view(find(house, request.path_params["session_id"]))


async def _state(house: House, caller: Caller, request: Request, body: None) -> StateView:
    return showing.state(find(house, request.path_params["session_id"]))


async def _stop(house: House, caller: Caller, request: Request, body: None) -> Done:
    return await _end(house, request, "stop")


async def _panic(house: House, caller: Caller, request: Request, body: None) -> Done:
    return await _end(house, request, "panic")


async def _end(house: House, request: Request, how: str) -> Done:
    """Stopping what is over already is no error: it is what was wanted."""
    hosted = find(house, request.path_params["session_id"])
    if hosted.status in ("finished", "failed"):
        return Done(asked=how, done=True)
    line = await outcome(hosted, getattr(hosted.hands, how), lambda line: line["type"] == how)
    return Done(asked=how, done=line is not None, t_s=line["t_s"] if line else None)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST", ROOT, _create, "Start a session, of a preset or one chosen from goal, time of day and signals.",
        Role.THERAPIST, "sessions", body=NewSession, answer=Started, status=201, errors=(409, 503),
        most_bytes=512 * 1024,
    ),
    Endpoint(
        "GET", ROOT, _list, "The sessions that you may reach, newest first.", Role.LISTENER, "sessions",
        query=ListAsked, answer=SessionList,
    ),
    Endpoint("GET", ONE, _see, "A session: what plays, and why.", Role.LISTENER, "sessions", answer=SessionView),
    Endpoint(
        "GET", ONE + "/state", _state, "What is believed of the listener, and what the plan wants.", Role.LISTENER,
        "sessions", answer=StateView,
    ),
    Endpoint(
        "POST", ONE + "/stop", _stop, "Fade out over a few seconds and finish.", Role.LISTENER, "sessions",
        answer=Done,
    ),
    Endpoint(
        "POST", ONE + "/panic", _panic, "Silence within 250 ms.", Role.LISTENER, "sessions", answer=Done,
    ),
)  # fmt: skip
