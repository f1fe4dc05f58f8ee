"""Sessions, for programs of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
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
from synth.client.aio.render import AsyncRender
from synth.client.aio.signals import AsyncSignalSocket
from synth.client.aio.wire import Wire
from synth.client.breaks import LOST
from synth.client.calls import SESSIONS, asked, event_query
from synth.client.pcm import Block, Format, Heard, Hello
from synth.client.talking import Talk


class AsyncSessions:
    """Sessions of the daemon."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def create(self, body: NewSession | None = None, **fields: Any) -> AsyncSession:
        """Start a session; `fields` are those of NewSession. Its `started` tells how to play it."""
        started = await self._wire.call(calls.create_session(asked(NewSession, body, fields)))
        return AsyncSession(self._wire, started.session_id, started)

    def get(self, session_id: str) -> AsyncSession:
        """The session of this id. Nothing is asked of the daemon yet."""
        return AsyncSession(self._wire, session_id)

    async def list(self, status: str | None = None, limit: int | None = None) -> list[SessionSummary]:
        """Sessions that the caller may reach, newest first."""
        return (await self._wire.call(calls.list_sessions(status, limit))).sessions

    async def kept(self, limit: int | None = None, after: str | None = None) -> RecordList:
        """Sessions whose record is kept, those of before too, newest first; older ones `after` the session of that
        id."""
        return await self._wire.call(calls.list_records(limit, after))


class AsyncSession:
    """One session; `started` is what was told when it was created here."""

    def __init__(self, wire: Wire, session_id: str, started: Started | None = None) -> None:
        self.id, self.started = session_id, started
        self._wire, self._here = wire, f"{SESSIONS}/{session_id}"

    async def view(self) -> SessionView:
        """What plays, and why."""
        return await self._wire.call(calls.session(self._here))

    async def state(self) -> StateView:
        """What is believed of the listener, what the plan wants, and why the music is as it is."""
        return await self._wire.call(calls.state(self._here))

    async def reasons(self) -> list[str]:
        """Why the music is as it is."""
        return (await self.state()).reasons

    async def controls(self) -> dict[str, ControlView]:
        """All controls now, by name."""
        return {one.name: one for one in (await self._wire.call(calls.controls(self._here))).controls}

    async def request(self, name: str, value: float | str) -> ControlTaken:
        """Take a control and hold it; out of range is clamped."""
        return await self._wire.call(calls.take(self._here, name, value))

    async def request_all(self, values: Mapping[str, float | str]) -> list[ControlTaken]:
        """Take several controls at once."""
        return (await self._wire.call(calls.take_all(self._here, values))).controls

    async def release(self, name: str) -> Done:
        """Give a control back to the plan."""
        return await self._wire.call(calls.release(self._here, name))

    async def verb(self, word: Verb) -> Done:
        """Say a word to the music: more, less, hold, advance, pull_back, ground, like, skip, stop."""
        return await self._wire.call(calls.verb(self._here, word))

    async def feedback(self, **fields: Any) -> FeedbackTaken:
        """What the person says: `valence`, `arousal`, `liked` (-1 to 1), `words`."""
        return await self._wire.call(calls.feedback(self._here, asked(FeedbackAsked, None, fields)))

    async def plan(self, phases: Sequence[PhaseAsked]) -> Done:
        """Go on by other phases."""
        return await self._wire.call(calls.plan(self._here, phases))

    async def play(self, *notes: NoteAsked) -> Done:
        """Play notes now; the music goes along."""
        return await self._wire.call(calls.notes(self._here, notes))

    async def feed(self, *signals: Signal) -> SignalsOutcome:
        """Hand over signals, one run or several."""
        return await self._wire.call(calls.feed(self._here, signals))

    async def signals_report(self) -> SignalsReport:
        """What became of the signals of this session."""
        return await self._wire.call(calls.signals_report(self._here))

    def signals(self, stream: str | None = None) -> AsyncSignalSocket:
        """A socket for signals, for many a second; a context manager. `stream`: a name, to go on with one of before."""
        return AsyncSignalSocket(self._wire, f"{self._here}/signals", Talk(stream))

    async def stop(self) -> Done:
        """Fade out over a few seconds and finish."""
        return await self._wire.call(calls.stop(self._here))

    async def panic(self) -> Done:
        """Silence within 250 ms."""
        return await self._wire.call(calls.panic(self._here))

    async def events(self, *types: str, after: str | None = None) -> AsyncIterator[Event]:
        """What happens, as it happens, to the session's end: those kinds alone (`synth.api.events.KINDS`), all without.
        `after`: the id of the last one that was heard."""
        async for told in self._wire.follow(f"{self._here}/events", event_query(types), after):
            yield Event(id=told.id, event=told.kind, data=told.data)

    async def audio(
        self, stem: str = "mix", format: Format = "s16", on_hello: Callable[[Hello], None] = lambda hello: None
    ) -> AsyncIterator[Block]:
        """What is heard, from now to the session's end: (first frame, float32 samples (frames, 2)), a block before it
        is to be played. Frames are missing where this was too slow, or the connection broke. `format`: how samples
        travel. StreamEnded when the daemon ends it before."""
        heard, breaks = Heard(format), self._wire.breaks()
        while not heard.over:
            try:
                async with self._wire.socket(f"{self._here}/audio", {"stem": stem, "format": format}) as socket:
                    async for message in socket:
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
            await asyncio.sleep(wait_s)

    async def files(self) -> SessionFiles:
        """What files there are of it."""
        return await self._wire.call(calls.files(self._here))

    async def report(self) -> str:
        """The report, HTML; of a session that plays, so far."""
        return await self._wire.call(calls.report(self._here))

    async def person(self) -> str:
        """The page for the person, HTML."""
        return await self._wire.call(calls.person(self._here))

    async def score(self) -> bytes:
        """The notes, a MIDI file."""
        return await self._wire.call(calls.score(self._here))

    async def record(self) -> str:
        """The record, a line of JSON for each thing that happened; operators only."""
        return await self._wire.call(calls.record(self._here))

    async def export(self, body: NewExport | None = None, **fields: Any) -> AsyncRender:
        """Hand it to a DAW, as far as it has got: a render. `fields` are those of NewExport."""
        return AsyncRender(self._wire, await self._wire.call(calls.export(self._here, asked(NewExport, body, fields))))
