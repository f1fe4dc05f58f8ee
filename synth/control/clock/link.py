"""Ableton Link: a tempo and a beat shared with everyone on the network.

A session follows it by the servo that follows a MIDI clock, or leads it: then its tempo is set to the session's at each
beat, with a small correction that keeps the beats together; beats that are far apart are moved at once.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from synth.control.clock.follower import Follower
from synth.control.clock.servo import TempoLimits
from synth.control.hands import Hands

STEP_S = 0.01
READINGS = 3  # of Link's clock, of which the quickest counts
LEADING_GAIN = 0.2  # of a phase error, taken back in a beat where the session leads
FAR = 0.05  # beats


class LinkError(RuntimeError):
    """Link cannot be joined; the message says what to do."""


class LinkBeat:
    """Link's beat in seconds of session time: even between one reading and the next.

    Link tells each peer the same beats modulo its quantum of 4; where they are is always told.
    """

    told = True

    def __init__(self) -> None:
        self.peers = 0
        self._at_s, self._beats, self._beat_s = 0.0, 0.0, 0.0

    def read(self, t_s: float, beats: float, bpm: float, peers: int) -> None:
        """At `t_s` it was `beats`, at `bpm`."""
        self._at_s, self._beats, self._beat_s, self.peers = t_s, beats, 60.0 / bpm, peers

    def alive(self, now_s: float) -> bool:
        """Whether someone else is there."""
        return self.peers > 0

    def beats_at(self, t_s: float) -> float:
        """Link's beat at a time."""
        return self._beats + (t_s - self._at_s) / self._beat_s

    def beat_s(self, t_s: float) -> float:
        """How long its beat lasts."""
        return self._beat_s


class LinkFollower:
    """Joins Link and follows its tempo and beat, or with `leads` sets Link's tempo to the session's.

    `session_time`, `limits` and `latency_s` are as for `synth.control.clock.clock_in.ClockIn`. Link finds its peers by
    multicast on all networks, so it is only ever started on request. `peers` and `bpm` are as read last. LinkError
    without the extra `link`.
    """

    def __init__(
        self,
        hands: Hands,
        session_time: Callable[[float], float],
        limits: TempoLimits | None = None,
        latency_s: float = 0.0,
        *,
        leads: bool = False,
    ) -> None:
        self._aalink = _load()
        self.beat = LinkBeat()
        self.follower = Follower(self.beat, limits or TempoLimits(), latency_s, by="hand:link", name="Link")
        self.troubles: deque[str] = deque(maxlen=20)
        self.bpm = 0.0
        self._hands, self._session_time, self._latency_s, self._leads = hands, session_time, latency_s, leads
        self._led = -1  # number of the beat that was led last
        self._inbox: deque[Mapping[str, Any]] = deque()
        self._closing = threading.Event()
        self._joined = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def peers(self) -> int:
        """How many others there are."""
        return self.beat.peers

    @property
    def words(self) -> str:
        """What it does, in words."""
        if not self.peers:
            return "Link: nobody else is there"
        others = f"{self.peers} other{'s' if self.peers > 1 else ''} on Link"
        return f"{others}, leading at {self.bpm:.1f} bpm" if self._leads else f"{others}, {self.follower.words}"

    def start(self) -> None:
        """Join. LinkError when that does not come about."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="link", daemon=True)
            self._thread.start()
            if not self._joined.wait(5.0) or self.troubles:
                raise LinkError(f"Link could not be joined: {', '.join(self.troubles) or 'no answer within 5 s'}")

    def close(self) -> None:
        """Leave, and let go of the tempo."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.follower.release(self._hands)

    def hear(self, line: Mapping[str, Any]) -> None:
        """A line of the session's record: tells when another hand takes the tempo."""
        if line.get("control") == "tempo_bpm":
            self._inbox.append(line)

    def _run(self) -> None:
        try:
            asyncio.run(self._follow())
        except Exception as error:
            self.troubles.append(f"{type(error).__name__}: {error}")
        self._joined.set()

    async def _follow(self) -> None:
        link = self._aalink.Link(self._hands.controls["tempo_bpm"])
        link.enabled = True
        self._joined.set()
        try:
            while not self._closing.is_set() and not self._hands.finished:
                self._read(link)
                while self._inbox:
                    self.follower.hear(self._inbox.popleft())
                if self._leads:
                    self._lead(link)
                else:
                    self.follower.step(self._hands)
                await asyncio.sleep(STEP_S)
        finally:
            link.enabled = False

    def _read(self, link: Any) -> None:
        """Where Link's beat is; of some readings the one that was not held up."""
        readings = []
        for _ in range(READINGS):
            before_s, beats, after_s = time.monotonic(), link.beat, time.monotonic()
            readings.append((after_s - before_s, (before_s + after_s) / 2.0, beats))
        _, at_s, beats = min(readings)
        self.bpm = link.tempo
        self.beat.read(self._session_time(at_s), beats, self.bpm, link.num_peers)

    def _lead(self, link: Any) -> None:
        """Give Link the tempo of the session's beat, once it is heard, and take back how far Link is ahead of it."""
        pulse, now_s = self._hands.pulse, self._session_time(time.monotonic())
        begun_s = now_s - pulse.start_s - self._latency_s
        if pulse.number == self._led or begun_s < 0.0:
            return
        self._led = pulse.number
        ahead = (self.beat.beats_at(now_s - begun_s) + 0.5) % 1.0 - 0.5
        if abs(ahead) > FAR:
            link.force_beat(pulse.number + begun_s / pulse.length_s)
            ahead = 0.0
        link.tempo = pulse.bpm * (1.0 - LEADING_GAIN * ahead)


def _load() -> Any:
    try:
        return importlib.import_module("aalink")
    except ImportError:
        raise LinkError("Ableton Link needs aalink, which is GPL: pip install 'isotone[link]'") from None
