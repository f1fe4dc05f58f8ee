"""Takes signals for every session, within bounds, and hands them over in order.

Belongs to the API process's loop. Nothing here waits: what finds no room is told to come again, and what a session
cannot take now waits for it without holding up another.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synth.api.signals import RunOutcome, Signal, SignalsOutcome, SignalsReport, Taken, ToldOutcome
from synth.daemon.ingest.channels import channel_named
from synth.daemon.ingest.errors import Busy, Over, TooMany
from synth.daemon.ingest.journal import Journal, taken_up
from synth.daemon.ingest.outcomes import ACCEPTED, BUSY, LATE, REFUSED, Outcomes
from synth.daemon.ingest.reading import Now, Read, packets, read
from synth.daemon.ingest.waiting import MOST_DEVICES, Waiting, sent_bytes
from synth.daemon.security.clock import SteadyClock
from synth.session import TermsError
from synth.wearables.packet import Packet
from synth.wearables.samples import REPORTS

if TYPE_CHECKING:
    from synth.daemon.config import Config
    from synth.daemon.sessions import Hosted, Sessions

BLOCK_S = 0.04  # about as often a worker looks at what it was sent
BYTES_A_BLOCK = 24 * 1024  # of one session, so that there is room for hands and little to do in any block
LOOK_S = 1.0  # between two looks at logs, journals and sessions that are gone
RETRY_S, RETRY_RESUMING_S = 1.0, 2.0
MOST_STREAMS = 64
OVER = ("finished", "failed")
NOTHING: Callable[[str, int], None] = lambda outcome, samples: None  # noqa: E731


class _Door:
    """One session as its signals see it."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted
        self.waiting = Waiting()
        self.outcomes = Outcomes(hosted.folder)
        self.journal = Journal(hosted.folder)
        self.streams: dict[str, int] = {}
        self.time_s = 0.0
        self.block_s, self.bytes_left = -math.inf, 0
        self.leave = hosted.follow(self._heard)
        self._restore()

    @property
    def over(self) -> bool:
        return self.hosted.status in OVER

    def now_s(self) -> float:
        """Session time; while it cannot be told, what it was last."""
        if self.hosted.status in ("playing", *OVER):
            self.time_s = float(self.hosted.hands.time_s)
        return self.time_s

    def takes_the_body(self) -> bool:
        """Whether the preset does."""
        header = self.hosted.latest.get("session") or {}
        preset: Any = header.get("preset") or {}
        return bool(preset.get("wearable") != "refused")

    def _heard(self, line: Any) -> None:
        if line["type"] == "samples":
            self.waiting.taken_up(line)

    def _restore(self) -> None:
        """Take what an earlier process left: all of it was handed over as far as anyone knows."""
        found = self.journal.read()
        for packet in found:
            self.waiting.keep(packet, sum(len(run) for one in found for run in one.samples))
        if found:
            for line in taken_up(self.hosted.folder):
                self.waiting.taken_up(line)


class Ingest:
    """The signals of all `sessions`. `counted` is told of every sample, by what became of it."""

    def __init__(self, sessions: Sessions, config: Config, counted: Callable[[str, int], None] = NOTHING) -> None:
        self._sessions, self._config, self._counted = sessions, config, counted
        self._wall = SteadyClock()
        self._doors: dict[str, _Door] = {}
        self._busy: dict[str, _Door] = {}  # those with something to hand over
        self._stop: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look_s = 0.0

    def start(self) -> None:
        """Hand over from now on what comes; in the loop."""
        self._loop = asyncio.get_running_loop()
        self._stop = self._sessions.ticking(self._tick)
        self._sessions.on_resumed = self.resumed

    def stop(self) -> None:
        """Hand over nothing more. Logs are written out; what waits stays in the sessions' folders."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        for door in self._doors.values():
            self._close(door)
        self._doors.clear()
        self._busy.clear()

    # -- what comes in -----------------------------------------------------------------------------------------------

    def put(self, hosted: Hosted, signals: Sequence[Signal], by: str) -> SignalsOutcome:
        """Take `signals`, which came by way of `by` ("http", "websocket", "osc"); what became of them.

        Busy, with nothing kept, where they find no room now, TooMany where they never would; Over when the session is.
        """
        door = self._door(hosted)
        if door.over:
            self._count(door, by, REFUSED, sum(map(len, signals)), "session_over")
            raise Over
        now = Now(door.now_s(), self._wall.now_s())
        takes_the_body = door.takes_the_body()
        runs = [self._known_device(door, read(signal, now, takes_the_body)) for signal in signals]
        found = packets(runs, now.session_s)
        samples = sum(run.accepted for run in runs)
        most = self._config.limits.max_queued_samples
        if samples > most:
            raise TooMany(f"{samples} samples at once: give {most} at most")
        if door.waiting.samples + samples > most:
            self._count(door, by, BUSY, samples)
            raise Busy(RETRY_RESUMING_S if hosted.status == "resuming" else RETRY_S)
        if found:
            door.journal.add(found)
            door.waiting.put(found)
            self._busy[hosted.id] = door
        self._account(door, by, runs, now.session_s)
        return _outcome(runs, door.waiting.samples)

    def feed(self, session_id: str, channel: str, value: float | Sequence[float], by: str) -> None:
        """Take samples of now, from any thread: what became of them is in the log only. UnknownName for a channel that
        there is not."""
        channel_named(channel)
        if self._loop is None:
            return
        given: Any = value if isinstance(value, float | int) else list(value)
        signal = Signal(channel=channel, value=given)

        def put() -> None:
            try:
                self.put(self._sessions.get(session_id), [signal], by)
            except (Busy, Over, TooMany, KeyError):
                pass

        self._loop.call_soon_threadsafe(put)

    def last_of(self, hosted: Hosted, stream: str) -> int | None:
        """The number of the last message that was taken of `stream`."""
        return self._door(hosted).streams.get(stream)

    def took(self, hosted: Hosted, stream: str, number: int) -> None:
        """Message `number` of `stream` was taken; of the streams those that were quiet longest are forgotten."""
        streams = self._door(hosted).streams
        streams.pop(stream, None)
        streams[stream] = number
        if len(streams) > MOST_STREAMS:
            del streams[next(iter(streams))]

    # -- what can be seen --------------------------------------------------------------------------------------------

    def report(self, hosted: Hosted) -> SignalsReport:
        """Counts, and the last entries of the outcome log."""
        door = self._door(hosted)
        counts, waiting = door.outcomes.counts, door.waiting.samples
        return SignalsReport(
            accepted=counts[ACCEPTED],
            late=counts[LATE],
            refused=counts[REFUSED],
            busy=counts[BUSY],
            waiting=waiting,
            room=max(self._config.limits.max_queued_samples - waiting, 0),
            channels=dict(door.outcomes.channels),
            last=[ToldOutcome(**entry) for entry in door.outcomes.last],
        )

    def since(self, hosted: Hosted, t_s: float = math.inf) -> list[Packet]:
        """Packets that were handed over and are not in the record up to its second `t_s`, oldest first; also those that
        an earlier process of the daemon took."""
        return self._door(hosted).waiting.since(t_s)

    def resumed(self, hosted: Hosted, since_s: float = math.inf) -> None:
        """A session goes on from its record, all of it: what it was given and is not in there goes to it again, before
        what waits. `Sessions.on_resumed`; as the whole record is carried out again, `since_s` does not matter."""
        door = self._door(hosted)
        door.waiting.again()
        if door.waiting.queue:
            self._busy[hosted.id] = door

    # -- handing over ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        for door in list(self._busy.values()):
            self._hand_over(door)
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._look()

    def _hand_over(self, door: _Door) -> None:
        """As much as it may take now."""
        hosted, waiting = door.hosted, door.waiting
        if door.over:
            self._count(door, "daemon", REFUSED, waiting.drop(), "session_over")
        if not waiting.queue:
            self._busy.pop(hosted.id, None)
            return
        if hosted.status != "playing":
            return
        if (now_s := time.monotonic()) - door.block_s >= BLOCK_S:
            door.block_s, door.bytes_left = now_s, BYTES_A_BLOCK
        hear: Callable[[Packet], object] = hosted.hands.hear
        while waiting.queue and door.bytes_left > 0:
            packet = waiting.queue[0]
            try:
                taken = hear(packet)
            except TermsError:
                self._refuse_the_body(door)
                continue
            except (OSError, RuntimeError):  # its worker is gone, or has no room: it waits
                return
            if taken is False:
                return
            waiting.handed_over(self._config.limits.max_queued_samples)
            door.bytes_left -= sent_bytes(packet)

    def _refuse_the_body(self, door: _Door) -> None:
        """What was taken before the preset was known that does not want it."""
        waiting = door.waiting
        before, kept = waiting.samples, []
        for packet in list(waiting.queue):
            runs = tuple(run for run in packet.samples if run.channel in REPORTS)
            kept += [Packet(packet.device, packet.received_s, runs, packet.timed)] if runs else []
        waiting.drop()
        waiting.put(kept)
        self._count(door, "daemon", REFUSED, before - waiting.samples, "not_taken_by_preset")

    def _look(self) -> None:
        for name, door in list(self._doors.items()):
            door.outcomes.write()
            if door.hosted is not self._sessions.all.get(name):
                self._close(self._doors.pop(name))
                self._busy.pop(name, None)
            elif door.over:
                door.journal.remove()
            else:
                door.journal.settle(door.waiting.unsettled)

    # -- doors -------------------------------------------------------------------------------------------------------

    def _door(self, hosted: Hosted) -> _Door:
        door = self._doors.get(hosted.id)
        if door is None or door.hosted is not hosted:
            if door is not None:
                self._close(door)
            door = self._doors[hosted.id] = _Door(hosted)
        return door

    def _close(self, door: _Door) -> None:
        door.leave()
        door.outcomes.write()
        door.journal.close()

    def _known_device(self, door: _Door, run: Read) -> Read:
        """Of devices with clocks of their own only so many are followed."""
        devices = door.waiting.devices
        if run.timed and run.accepted and run.device not in devices:
            if len(devices) >= MOST_DEVICES:
                run.refuse("too_many_devices", run.accepted, f"more than {MOST_DEVICES} devices")
                run.samples, run.late = None, 0
            else:
                devices.add(run.device)
        return run

    # -- accounts ----------------------------------------------------------------------------------------------------

    def _account(self, door: _Door, by: str, runs: Sequence[Read], t_s: float) -> None:
        total: Counter[str] = Counter()
        for run in runs:
            door.outcomes.note(t_s, by, run.channel, ACCEPTED, run.accepted)
            door.outcomes.note(t_s, by, run.channel, LATE, run.late)
            for code, samples in run.refused.items():
                door.outcomes.note(t_s, by, run.channel, REFUSED, samples, code)
            total += Counter({ACCEPTED: run.accepted, LATE: run.late, REFUSED: run.refused.total()})
        for outcome, samples in total.items():
            self._counted(outcome, samples)

    def _count(self, door: _Door, by: str, outcome: str, samples: int, reason: str | None = None) -> None:
        if samples:
            door.outcomes.note(door.time_s, by, "(all)", outcome, samples, reason)
            self._counted(outcome, samples)


def _outcome(runs: Sequence[Read], waiting: int) -> SignalsOutcome:
    told = []
    for run in runs:
        refused = run.refused.total()
        words = _word(run.accepted, refused)
        told.append(
            RunOutcome(
                channel=run.asked,
                outcome=words,
                accepted=run.accepted,
                late=run.late,
                refused=refused,
                reasons=run.words,
            )
        )
    accepted, refused = sum(run.accepted for run in told), sum(run.refused for run in told)
    late = sum(run.late for run in told)
    outcome = _word(accepted, refused)
    return SignalsOutcome(outcome=outcome, accepted=accepted, late=late, refused=refused, waiting=waiting, runs=told)


def _word(accepted: int, refused: int) -> Taken:
    if not refused:
        return "accepted"
    return "partly" if accepted else "refused"
