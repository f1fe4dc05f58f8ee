"""Sessions, for programs that wait for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from synth.api.events import Event
from synth.api.files import SessionFiles
from synth.api.hands import ControlTaken, ControlView, Done, FeedbackAsked, FeedbackTaken, NoteAsked, Verb
from synth.api.new_session import NewSession
from synth.api.plan import PhaseAsked
from synth.api.records import RecordList
from synth.api.renders import NewExport
from synth.api.signals import Signal, SignalsOutcome, SignalsReport
from synth.api.views import SessionSummary, SessionView, Started, StateView
from synth.client import calls
from synth.client.breaks import LOST
from synth.client.calls import SESSIONS, asked, event_query
from synth.client.pcm import Block, Format, Heard, Hello
from synth.client.sync.render import Render
from synth.client.sync.signals import SignalSocket
from synth.client.sync.wire import Wire
from synth.client.talking import Talk


class Sessions:
    """Sessions of the daemon."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def create(self, body: NewSession | None = None, **fields: Any) -> Session:
        """Start a session; `fields` are those of NewSession. Its `started` tells how to play it."""
        started = self._wire.call(calls.create_session(asked(NewSession, body, fields)))
        return Session(self._wire, started.session_id, started)

    def get(self, session_id: str) -> Session:
        """The session of this id. Nothing is asked of the daemon yet."""
        return Session(self._wire, session_id)

    def list(self, status: str | None = None, limit: int | None = None) -> list[SessionSummary]:
        """Sessions that the caller may reach, newest first."""
        return self._wire.call(calls.list_sessions(status, limit)).sessions

    def kept(self, limit: int | None = None, after: str | None = None) -> RecordList:
        """Sessions whose record is kept, those of before too, newest first; older ones `after` the session of that
        id."""
        return self._wire.call(calls.list_records(limit, after))


class Session:
    """One session; `started` is what was told when it was created here."""

    def __init__(self, wire: Wire, session_id: str, started: Started | None = None) -> None:
        self.id, self.started = session_id, started
        self._wire, self._here = wire, f"{SESSIONS}/{session_id}"

    def view(self) -> SessionView:
        """What plays, and why."""
        return self._wire.call(calls.session(self._here))

    def state(self) -> StateView:
        """What is believed of the listener, what the plan wants, and why the music is as it is."""
        return self._wire.call(calls.state(self._here))

    def reasons(self) -> list[str]:
        """Why the music is as it is."""
        return self.state().reasons

    def controls(self) -> dict[str, ControlView]:
        """All controls now, by name."""
        return {one.name: one for one in self._wire.call(calls.controls(self._here)).controls}

    def request(self, name: str, value: float | str) -> ControlTaken:
        """Take a control and hold it; out of range is clamped."""
        return self._wire.call(calls.take(self._here, name, value))

    def request_all(self, values: Mapping[str, float | str]) -> list[ControlTaken]:
        """Take several controls at once."""
        return self._wire.call(calls.take_all(self._here, values)).controls

    def release(self, name: str) -> Done:
        """Give a control back to the plan."""
        return self._wire.call(calls.release(self._here, name))

    def verb(self, word: Verb) -> Done:
        """Say a word to the music: more, less, hold, advance, pull_back, ground, like, skip, stop."""
        return self._wire.call(calls.verb(self._here, word))

    def feedback(self, **fields: Any) -> FeedbackTaken:
        """What the person says: `valence`, `arousal`, `liked` (-1 to 1), `words`."""
        return self._wire.call(calls.feedback(self._here, asked(FeedbackAsked, None, fields)))

    def plan(self, phases: Sequence[PhaseAsked]) -> Done:
        """Go on by other phases."""
        return self._wire.call(calls.plan(self._here, phases))

    def play(self, *notes: NoteAsked) -> Done:
        """Play notes now; the music goes along."""
        return self._wire.call(calls.notes(self._here, notes))

    def feed(self, *signals: Signal) -> SignalsOutcome:
        """Hand over signals, one run or several."""
        return self._wire.call(calls.feed(self._here, signals))

    def signals_report(self) -> SignalsReport:
        """What became of the signals of this session."""
        return self._wire.call(calls.signals_report(self._here))

    def signals(self, stream: str | None = None) -> SignalSocket:
        """A socket for signals, for many a second; a context manager. `stream`: a name, to go on with one of before."""
        return SignalSocket(self._wire, f"{self._here}/signals", Talk(stream))

    def stop(self) -> Done:
        """Fade out over a few seconds and finish."""
        return self._wire.call(calls.stop(self._here))

    def panic(self) -> Done:
        """Silence within 250 ms."""
        return self._wire.call(calls.panic(self._here))

    def events(self, *types: str, after: str | None = None) -> Iterator[Event]:
        """What happens, as it happens, to the session's end: those kinds alone (`synth.api.events.KINDS`), all without.
        `after`: the id of the last one that was heard."""
        for told in self._wire.follow(f"{self._here}/events", event_query(types), after):
            yield Event(id=told.id, event=told.kind, data=told.data)

    def audio(
        self, stem: str = "mix", format: Format = "s16", on_hello: Callable[[Hello], None] = lambda hello: None
    ) -> Iterator[Block]:
        """What is heard, from now to the session's end: (first frame, float32 samples (frames, 2)), a block before it
        is to be played. Frames are missing where this was too slow, or the connection broke. `format`: how samples
        travel. StreamEnded when the daemon ends it before."""
        heard, breaks = Heard(format), self._wire.breaks()
        while not heard.over:
            try:
                with self._wire.socket(f"{self._here}/audio", {"stem": stem, "format": format}) as socket:
                    for message in socket:
                        said = heard.take(message)
                        if isinstance(said, Hello):
                            on_hello(said)
                        elif said is not None:
                            breaks.fine()
                            yield said
                return
            except LOST as error:
                if heard.is_past(error):
                    return
                wait_s = breaks.lost(error)
            time.sleep(wait_s)

    def files(self) -> SessionFiles:
        """What files there are of it."""
        return self._wire.call(calls.files(self._here))

    def report(self) -> str:
        """The report, HTML; of a session that plays, so far."""
        return self._wire.call(calls.report(self._here))

    def person(self) -> str:
        """The page for the person, HTML."""
        return self._wire.call(calls.person(self._here))

    def score(self) -> bytes:
        """The notes, a MIDI file."""
        return self._wire.call(calls.score(self._here))

    def record(self) -> str:
        """The record, a line of JSON for each thing that happened; operators only."""
        return self._wire.call(calls.record(self._here))

    def export(self, body: NewExport | None = None, **fields: Any) -> Render:
        """Hand it to a DAW, as far as it has got: a render. `fields` are those of NewExport."""
        return Render(self._wire, self._wire.call(calls.export(self._here, asked(NewExport, body, fields))))
