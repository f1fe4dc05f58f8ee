"""What happens in each session, numbered, the last of it kept: one row of events that any number of listeners reads.

A listener is a place in the row and nothing more, so that a slow one costs nothing; when the row has gone on without
it, it is told so and let go. An event is written as JSON once, for all.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from synth.api.events import KINDS
from synth.record.free_text import ASKED, by_a_person, without_free_text
from synth.record.lines import encode
from synth.wearables.samples import REPORTS

if TYPE_CHECKING:
    from synth.daemon.config import Config
    from synth.daemon.sessions import Hosted, Sessions

LOOK_S = 0.1  # between two looks at how they are
AT_A_TIME = 64  # events handed to a listener at once
OVER = ("finished", "failed")
OURS = ("hand:clock", "hand:link", "hand:midi", "hand:osc", "hand:played")  # hands whose reasons we word ourselves
HANDS = ("hand", "hand:listener", "hand:therapist", "hand:operator", *OURS)
_STATE = ("t_s", "arousal", "confidence", "p_elevated", "fits", "heart_trouble", "skin_trouble", "reasons")


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its id, its kind and its data as JSON, ready to be sent either way."""

    number: int
    kind: str
    sse: bytes
    text: str


@dataclass(slots=True)
class Row:
    """The events of one session. `over`: there will be none after these."""

    run: str
    kept: deque[Event]
    count: int = 0
    over: bool = False
    listeners: int = 0
    _woken: set[asyncio.Future[None]] = field(default_factory=set)

    def add(self, kind: str, data: Mapping[str, Any]) -> None:
        """One more."""
        self.count += 1
        self.kept.append(event_of(self.run, self.count, kind, encode(data)))
        self.wake()

    def wake(self) -> None:
        """Let those who wait look again."""
        woken, self._woken = self._woken, set()
        for future in woken:
            if not future.done():
                future.set_result(None)

    def after(self, number: int) -> list[Event]:
        """The next few after `number`."""
        first = self.count - len(self.kept) + 1
        start = max(number + 1 - first, 0)
        return list(islice(self.kept, start, start + AT_A_TIME))

    @property
    def lost(self) -> int:
        """The newest number that is kept no more."""
        return self.count - len(self.kept)

    async def more(self, timeout_s: float) -> None:
        """Wait for more, but no longer than that."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._woken.add(future)
        try:
            await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            pass
        finally:
            self._woken.discard(future)


class Events:
    """The events of all `sessions`."""

    def __init__(self, sessions: Sessions, config: Config) -> None:
        self._sessions, self._config = sessions, config
        self._run = f"{time.time_ns() // 1_000_000:x}{os.urandom(1).hex()}"
        self._rows: dict[str, _Followed] = {}
        self._look_s = 0.0
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        """Follow sessions from now on; in the loop."""
        self._stop = self._sessions.ticking(self._tick)

    def stop(self) -> None:
        """Follow no more; whoever listens is let go."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        for followed in self._rows.values():
            followed.close()
        self._rows.clear()

    def row(self, hosted: Hosted) -> Row:
        """The events of a session."""
        followed = self._rows.get(hosted.id)
        if followed is None or followed.hosted is not hosted:
            if followed is not None:
                followed.close()
            row = Row(self._run, deque(maxlen=self._config.kept_events))
            followed = self._rows[hosted.id] = _Followed(hosted, row)
        return followed.row

    def place(self, row: Row, after: str | None) -> int:
        """The number of the event that `after` is the id of; 0 for one of an earlier run of the daemon, or None."""
        run, _, number = (after or "").rpartition(".")
        if not number.isdecimal() or run not in ("", self._run):
            return 0
        return min(int(number), row.count)

    def _tick(self) -> None:
        everyone = self._sessions.all
        if everyone.keys() != self._rows.keys():
            for name in self._rows.keys() - everyone.keys():
                self._rows.pop(name).close()
            for name in everyone.keys() - self._rows.keys():
                self.row(everyone[name])
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            for hosted in everyone.values():
                self.row(hosted)
                self._rows[hosted.id].look()


class _Followed:
    """A session whose lines become events."""

    def __init__(self, hosted: Hosted, row: Row) -> None:
        self.hosted, self.row = hosted, row
        self._status = ""
        self.look()
        for line in sorted(hosted.latest.values(), key=lambda line: float(line.get("t_s", 0.0))):
            self._hear(line)
        self._leave = hosted.follow(self._hear)

    def look(self) -> None:
        """See whether its status is another."""
        status = self.hosted.status
        if status != self._status:
            self._status = status
            told = {"trouble": self.hosted.trouble.partition("\n")[0]} if status == "failed" else {}
            self.row.add("status", {"status": status, **told})
            self.row.over = status in OVER
            self.row.wake()

    def close(self) -> None:
        """Follow it no more."""
        self._leave()
        self.row.over = True
        self.row.wake()

    def _hear(self, line: Mapping[str, Any]) -> None:
        if line["type"] == "status":  # no line of the record
            self.look()
        elif line["type"] in KINDS:
            self.row.add(line["type"], told(line))


def event_of(run: str, number: int, kind: str, data: str) -> Event:
    """An event as both ways of listening send it. `data` is JSON, which has no line ends within."""
    sse = f"id: {run}.{number}\nevent: {kind}\ndata: {data}\n\n".encode()
    return Event(number, kind, sse, f'{{"id":"{run}.{number}","event":"{kind}","data":{data}}}')


def told(line: Mapping[str, Any]) -> dict[str, Any]:
    """What others may know of a line of the record: nothing that a person wrote or that was measured at their body."""
    kind = line["type"]
    if kind == "state":
        return {name: line[name] for name in _STATE if line.get(name) is not None}
    found = {name: value for name, value in without_free_text(line).items() if name not in ("type", "n", "chain")}
    if "by" in found and by_a_person(line) and found["by"] not in HANDS:
        found["by"] = "hand"  # whose it is may be a name
    match kind:
        case "commit" if found["by"] == "hand:osc":
            found["reason"] = str(found["reason"]).partition(" from ")[0]  # and where they sit an address
        case "commit" if found["by"].startswith("hand") and found["by"] not in OURS:
            found["reason"] = ASKED
        case "refusal" if (channel := str(found["text"]).partition(" ")[0]) in REPORTS:
            found["text"] = f"{channel}: no number from -1 to 1, so it was not taken"  # nor told which
    return found


async def follow(row: Row, place: int, kinds: Collection[str], heartbeat_s: float) -> AsyncIterator[list[Event] | None]:
    """Events of `kinds` (empty: all) after number `place`; None where nothing came for `heartbeat_s`.

    Ends when there will be none any more. Events that are kept no more are told of by one of kind "missed", at the
    beginning; later they mean that the listener is too slow: the last event is of kind "slow" then.
    """
    if place < row.lost:
        yield [_notice(row, "missed", row.lost, row.lost - place)]
        place = row.lost
    while True:
        if place < row.lost:
            yield [_notice(row, "slow", place, row.lost - place)]
            return
        if found := row.after(place):
            place = found[-1].number
            if wanted := [event for event in found if not kinds or event.kind in kinds]:
                yield wanted
        elif row.over:
            return
        else:
            await row.more(heartbeat_s)
            if row.count == place and not row.over:
                yield None


def _notice(row: Row, kind: str, number: int, missed: int) -> Event:
    return event_of(row.run, number, kind, encode({"missed": missed}))
