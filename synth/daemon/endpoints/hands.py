"""Hands on a session: controls, verbs, feedback, another plan, notes."""

from __future__ import annotations

import asyncio
import difflib
from typing import get_args

from starlette.requests import Request

from synth.api.hands import (
    ControlAsked,
    ControlsAsked,
    ControlsTaken,
    ControlsView,
    ControlTaken,
    ControlView,
    Done,
    FeedbackAsked,
    FeedbackTaken,
    NotesAsked,
    PlayedStem,
    VerbAsked,
)
from synth.api.plan import PlanAsked
from synth.api.problem import Wrong
from synth.controls import TABLE
from synth.daemon import showing
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.outcome import Line, find, find_playing, outcome, outcomes
from synth.daemon.problems import Problem
from synth.daemon.security import Caller, Role
from synth.daemon.sessions import Hosted
from synth.daemon.starting import refused, value_of
from synth.preset import Preset, bounds_of, phases_from, preset_from_dict
from synth.safety.screening import Gates
from synth.wearables.packet import SourceError

ONE = showing.ROOT + "/{session_id}"
CONTROLS, CONTROL = ONE + "/controls", ONE + "/controls/{control}"
REASON = "asked for over the API"
READ_S = 5.0  # for reading words, the first time with the list of them


async def _controls(house: House, caller: Caller, request: Request, body: None) -> ControlsView:
    return ControlsView(controls=showing.control_views(find(house, request.path_params["session_id"])))


async def _control(house: House, caller: Caller, request: Request, body: None) -> ControlView:
    return showing.control_view(find(house, request.path_params["session_id"]), _name(request))


async def _set_one(house: House, caller: Caller, request: Request, asked: ControlAsked) -> ControlTaken:
    hosted, name = find_playing(house, request.path_params["session_id"]), _name(request)
    return (await _take(hosted, caller, {name: value_of(name, asked.value, "body.value")}))[0]


async def _set_many(house: House, caller: Caller, request: Request, asked: ControlsAsked) -> ControlsTaken:
    hosted = find_playing(house, request.path_params["session_id"])
    values = {name: value_of(name, value, f"body.controls.{name}") for name, value in asked.controls.items()}
    return ControlsTaken(controls=await _take(hosted, caller, values))


async def _take(hosted: Hosted, caller: Caller, values: dict[str, float]) -> list[ControlTaken]:
    """Take controls, and say what became of it once the record does."""
    by = f"hand:{caller.role.word}"

    def ask() -> None:
        with hosted.hands.together():
            for name, value in values.items():
                hosted.hands.request(name, value, by=by, reason=REASON)

    def key_of(line: Line) -> str | None:
        mine = line["type"] == "commit" and line["by"] == by and line["requested"] == values.get(line["control"])
        return line["control"] if mine else None

    lines = await outcomes(hosted, ask, values, key_of)
    return [_taken(name, value, lines.get(name)) for name, value in values.items()]


def _taken(name: str, asked: float, line: Line | None) -> ControlTaken:
    row = TABLE[name]
    if line is None:
        why = "the session has not answered yet: look at its controls"
        return ControlTaken(
            name=name, asked=asked, taken=None, text="", unit=row.unit, clamped=False, accepted=False, why=why, t_s=None
        )
    taken, accepted = float(line["new"]), bool(line["accepted"])
    why = line["repair"] or ("" if accepted else "safety holds this control")
    return ControlTaken(
        name=name,
        asked=asked,
        taken=taken,
        text=row.text(taken),
        unit=row.unit,
        clamped=accepted and taken != asked,
        accepted=accepted,
        why=why,
        t_s=line["t_s"],
    )


async def _release(house: House, caller: Caller, request: Request, body: None) -> Done:
    hosted, name = find_playing(house, request.path_params["session_id"]), _name(request)
    if name not in hosted.hands.held:
        return Done(asked=f"release {name}", done=True)
    line = await outcome(
        hosted,
        lambda: hosted.hands.release(name),
        lambda line: line["type"] == "release" and line["control"] == name,
    )
    return Done(asked=f"release {name}", done=line is not None, t_s=line["t_s"] if line else None)


async def _verb(house: House, caller: Caller, request: Request, asked: VerbAsked) -> Done:
    hosted = find_playing(house, request.path_params["session_id"])
    line = await outcome(
        hosted,
        lambda: hosted.hands.verb(asked.verb),
        lambda line: line["type"] == "verb" and line["verb"] == asked.verb,
    )
    return Done(asked=asked.verb, done=line is not None, t_s=line["t_s"] if line else None)


async def _feedback(house: House, caller: Caller, request: Request, asked: FeedbackAsked) -> FeedbackTaken:
    hosted = find_playing(house, request.path_params["session_id"])
    taken = {}
    channels = {"valence": "self_valence", "arousal": "self_arousal", "liked": "feedback"}
    for name, channel in channels.items():
        value = getattr(asked, name)
        if value is not None:
            hosted.hands.feed(channel, value)
            taken[name] = value
    if asked.words is None:
        return FeedbackTaken(taken=taken)
    valence = await _read(hosted, asked.words)
    if valence is None:
        return FeedbackTaken(taken=taken, note="no word in it tells how you feel")
    return FeedbackTaken(taken={**taken, "words": valence})


async def _read(hosted: Hosted, words: str) -> float | None:
    """The valence of what the person says; reading it may load a list of words, so it is done beside the loop."""
    try:
        async with asyncio.timeout(READ_S):
            return await asyncio.to_thread(hosted.hands.tell, words)
    except SourceError as error:
        raise Problem(501, "Words cannot be read", str(error)) from None
    except TimeoutError:
        raise Problem(503, detail="the words could not be read in time", headers={"Retry-After": "1"}) from None


async def _plan(house: House, caller: Caller, request: Request, asked: PlanAsked) -> Done:
    hosted = find_playing(house, request.path_params["session_id"])
    preset, head = _played(hosted)
    try:
        bounds = bounds_of(preset, Gates.kept(head["gates"]), head["constraints"])
        tables = [phase.table() for phase in asked.phases]
        phases_from(preset, tables, bounds)
    except ValueError as error:
        raise refused(error, "body.phases") from None
    line = await outcome(hosted, lambda: hosted.hands.edit(tables), lambda line: line["type"] == "edit")
    return Done(asked="plan", done=line is not None, t_s=line["t_s"] if line else None)


async def _notes(house: House, caller: Caller, request: Request, asked: NotesAsked) -> Done:
    hosted = find_playing(house, request.path_params["session_id"])
    preset, _ = _played(hosted)
    what = f"give one of {', '.join(stem for stem in get_args(PlayedStem) if stem in preset.stems)}"
    absent = [i for i, note in enumerate(asked.notes) if note.stem not in preset.stems]
    if absent:
        errors = [Wrong(where=f"body.notes.{i}.stem", what=what) for i in absent]
        raise Problem(422, detail=f"{preset.name} has no such stem to play", errors=errors)

    def ask() -> None:
        for note in asked.notes:
            hosted.hands.play(note.pitch, note.velocity, note.stem, by=f"hand:{caller.role.word}")

    line = await outcome(hosted, ask, lambda line: line["type"] in ("played", "refusal"))
    played = line is not None and line["type"] == "played"
    return Done(asked="notes", done=played, t_s=line["t_s"] if line else None)


def _played(hosted: Hosted) -> tuple[Preset, Line]:
    """The preset as it is played, and the head of its record. Problem 409 before there is one."""
    head = hosted.latest.get("session")
    if head is None:
        raise Problem(409, "Not yet", "the session is being prepared: try again in a second")
    return preset_from_dict(head["preset"]), head


def _name(request: Request) -> str:
    name: str = request.path_params["control"]
    if name not in TABLE:
        near = ", ".join(difflib.get_close_matches(name, TABLE, 3))
        raise Problem(404, "No such control", f"near it: {near}" if near else "GET /api/v1/controls lists all")
    return name


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", CONTROLS, _controls, "All controls of a session now.", Role.LISTENER, "hands", answer=ControlsView),
    Endpoint(
        "PATCH", CONTROLS, _set_many, "Take several controls at once.", Role.THERAPIST, "hands", body=ControlsAsked,
        answer=ControlsTaken, errors=(409,),
    ),
    Endpoint("GET", CONTROL, _control, "A control of a session now.", Role.LISTENER, "hands", answer=ControlView),
    *(
        Endpoint(
            method, CONTROL, _set_one, "Take a control and hold it; out of range is clamped.", Role.THERAPIST,
            "hands", body=ControlAsked, answer=ControlTaken, errors=(409,),
        )
        for method in ("PUT", "PATCH")
    ),
    Endpoint(
        "DELETE", CONTROL, _release, "Give a control back to the plan.", Role.THERAPIST, "hands", answer=Done,
        errors=(409,),
    ),
    Endpoint(
        "POST", ONE + "/verbs", _verb, "Say a word to the music: more, less, hold and the like.", Role.LISTENER,
        "hands", body=VerbAsked, answer=Done, errors=(409,),
    ),
    Endpoint(
        "POST", ONE + "/feedback", _feedback, "Say how you feel, or how you like it.", Role.LISTENER, "hands",
        body=FeedbackAsked, answer=FeedbackTaken, errors=(409, 501, 503),
    ),
    Endpoint(
        "PUT", ONE + "/plan", _plan, "Go on by other phases.", Role.THERAPIST, "hands", body=PlanAsked, answer=Done,
        errors=(409,), most_bytes=512 * 1024,
    ),
    Endpoint(
        "POST", ONE + "/notes", _notes, "Play notes; the music goes along.", Role.LISTENER, "hands", body=NotesAsked,
        answer=Done, errors=(409,),
    ),
)  # fmt: skip
