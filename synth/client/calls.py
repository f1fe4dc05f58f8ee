"""Every call of the API as plain data: what is sent, and what becomes of the answer. Both clients send these."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx
from pydantic import BaseModel

from synth.api.access import TokenAsked, TokenMade, WhoAmI
from synth.api.files import SessionFiles
from synth.api.hands import (
    ControlAsked,
    ControlsAsked,
    ControlsTaken,
    ControlsView,
    ControlTable,
    ControlTaken,
    Done,
    FeedbackAsked,
    FeedbackTaken,
    NoteAsked,
    NotesAsked,
    PresetList,
    Verb,
    VerbAsked,
)
from synth.api.new_session import NewSession
from synth.api.plan import PhaseAsked, PlanAsked
from synth.api.records import RecordList
from synth.api.renders import NewExport, NewRender, RenderList, RenderView
from synth.api.signals import Signal, SignalBatch, SignalsOutcome, SignalsReport
from synth.api.views import SessionList, SessionView, Started, StateView

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

API = "/api/v1"
SESSIONS, RENDERS = f"{API}/sessions", f"{API}/renders"
IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")  # RFC 9110, section 9.2.2
PAGE_S = 300.0  # a page or score is made when it is asked for


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call. `read` makes its result of a good answer. `again`: it may be sent twice without being done twice.
    `timeout_s`: None is the client's own."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    body: BaseModel | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    timeout_s: float | None = None


def _call(method: str, path: str, answer: type[Model], body: BaseModel | None = None, **more: Any) -> Call[Model]:
    again = more.pop("again", method in IDEMPOTENT)

    def read(response: httpx.Response) -> Model:
        return answer.model_validate_json(response.content)

    return Call(method, path, read, body, again=again, **more)


def _text(path: str) -> Call[str]:
    return Call("GET", path, lambda response: response.text, again=True, timeout_s=PAGE_S)


def _bytes(path: str) -> Call[bytes]:
    return Call("GET", path, lambda response: response.content, again=True, timeout_s=PAGE_S)


def asked(model: type[Model], given: Model | None, fields: Mapping[str, Any]) -> Model:
    """`given`, or a request of `fields`; pydantic.ValidationError (a ValueError) tells what is wrong with them."""
    if given is not None and fields:
        raise TypeError(f"give a {model.__name__}, or its fields, not both")
    return given if given is not None else model(**fields)


# -- the service ----------------------------------------------------------------------------------------------------


def whoami() -> Call[WhoAmI]:
    """Who calls."""
    return _call("GET", f"{API}/whoami", WhoAmI)


def make_token(body: TokenAsked) -> Call[TokenMade]:
    """A token with rights no wider than one's own. One too many does no harm."""
    return _call("POST", f"{API}/tokens", TokenMade, body, again=True)


def presets() -> Call[PresetList]:
    """Every preset."""
    return _call("GET", f"{API}/presets", PresetList)


def control_table() -> Call[ControlTable]:
    """Every control."""
    return _call("GET", f"{API}/controls", ControlTable)


# -- sessions -------------------------------------------------------------------------------------------------------


def create_session(body: NewSession) -> Call[Started]:
    """Start a session."""
    return _call("POST", SESSIONS, Started, body)


def list_sessions(status: str | None, limit: int | None) -> Call[SessionList]:
    """Sessions, newest first."""
    query = {name: str(value) for name, value in (("status", status), ("limit", limit)) if value is not None}
    return _call("GET", SESSIONS, SessionList, query=query)


def list_records(limit: int | None, after: str | None) -> Call[RecordList]:
    """Sessions whose record is kept, newest first."""
    query = {name: str(value) for name, value in (("limit", limit), ("after", after)) if value is not None}
    return _call("GET", f"{API}/records", RecordList, query=query)


def session(here: str) -> Call[SessionView]:
    """A session; `here` is its path in this and those below."""
    return _call("GET", here, SessionView)


def state(here: str) -> Call[StateView]:
    """What is believed, planned, and why."""
    return _call("GET", f"{here}/state", StateView)


def controls(here: str) -> Call[ControlsView]:
    """All controls now."""
    return _call("GET", f"{here}/controls", ControlsView)


def take(here: str, name: str, value: float | str) -> Call[ControlTaken]:
    """Take a control."""
    return _call("PUT", f"{here}/controls/{name}", ControlTaken, ControlAsked(value=value))


def take_all(here: str, values: Mapping[str, float | str]) -> Call[ControlsTaken]:
    """Take several."""
    return _call("PATCH", f"{here}/controls", ControlsTaken, ControlsAsked(controls=dict(values)), again=True)


def release(here: str, name: str) -> Call[Done]:
    """Give a control back."""
    return _call("DELETE", f"{here}/controls/{name}", Done)


def verb(here: str, word: Verb) -> Call[Done]:
    """A word for the music."""
    return _call("POST", f"{here}/verbs", Done, VerbAsked(verb=word))


def feedback(here: str, body: FeedbackAsked) -> Call[FeedbackTaken]:
    """What the person says."""
    return _call("POST", f"{here}/feedback", FeedbackTaken, body)


def plan(here: str, phases: Sequence[PhaseAsked]) -> Call[Done]:
    """Other phases."""
    return _call("PUT", f"{here}/plan", Done, PlanAsked(phases=list(phases)))


def notes(here: str, played: Sequence[NoteAsked]) -> Call[Done]:
    """Notes of a person."""
    return _call("POST", f"{here}/notes", Done, NotesAsked(notes=list(played)))


def feed(here: str, signals: Sequence[Signal]) -> Call[SignalsOutcome]:
    """Signals, one run or several."""
    if len(signals) == 1:
        return _call("POST", f"{here}/signals", SignalsOutcome, signals[0])
    return _call("POST", f"{here}/signals/batch", SignalsOutcome, SignalBatch(runs=list(signals)))


def signals_report(here: str) -> Call[SignalsReport]:
    """What became of the signals."""
    return _call("GET", f"{here}/signals", SignalsReport)


def stop(here: str) -> Call[Done]:
    """Fade out; stopping twice is no error."""
    return _call("POST", f"{here}/stop", Done, again=True)


def panic(here: str) -> Call[Done]:
    """Silence at once; asking twice is no error."""
    return _call("POST", f"{here}/panic", Done, again=True)


# -- files ----------------------------------------------------------------------------------------------------------


def files(here: str) -> Call[SessionFiles]:
    """The files of a session."""
    return _call("GET", f"{here}/files", SessionFiles)


def report(here: str) -> Call[str]:
    """The report, HTML."""
    return _text(f"{here}/report.html")


def person(here: str) -> Call[str]:
    """The person's page, HTML."""
    return _text(f"{here}/person.html")


def score(here: str) -> Call[bytes]:
    """The notes, a MIDI file."""
    return _bytes(f"{here}/score.mid")


def record(here: str) -> Call[str]:
    """The record, JSON lines."""
    return _text(f"{here}/record")


def export(here: str, body: NewExport) -> Call[RenderView]:
    """A render of the session for a DAW."""
    return _call("POST", f"{here}/exports", RenderView, body, headers=_key(), again=True)


# -- renders --------------------------------------------------------------------------------------------------------


def create_render(body: NewRender) -> Call[RenderView]:
    """Ask for a render; by its key it is asked for once, however often it is sent."""
    return _call("POST", RENDERS, RenderView, body, headers=_key(), again=True)


def list_renders(limit: int | None) -> Call[RenderList]:
    """Renders, newest first."""
    return _call("GET", RENDERS, RenderList, query={} if limit is None else {"limit": str(limit)})


def render(here: str) -> Call[RenderView]:
    """A render; `here` is its path."""
    return _call("GET", here, RenderView)


def end_render(here: str) -> Call[None]:
    """End it, or remove it. Twice is both, so it is not sent again by itself."""
    return Call("DELETE", here, lambda response: None)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_urlsafe(18)}


def event_query(types: Iterable[str]) -> dict[str, str]:
    """The query of an event stream that tells these kinds alone, all without any."""
    wanted = ",".join(types)
    return {"types": wanted} if wanted else {}
