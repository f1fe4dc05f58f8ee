"""MIDI clock in: takes the clock's messages from wherever they come, and follows them in a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from synth.control.clock.clock_follower import ClockFollower
from synth.control.clock.servo import TempoLimits
from synth.control.hands import Hands

STEP_S = 0.005
JUMP_S = 0.5  # by which session time moves against the machine's where another session has begun


class ClockIn:
    """Lets a session follow a MIDI clock.

    `session_time` tells session seconds as handed out at a time.monotonic(). `limits` are the session's for the tempo,
    `latency_s` is how much later than its frame a beat is heard: the session's look-ahead and the device's latency.
    `rest_on_stop` as for ClockFollower. With `armed` nothing is asked of the session until `began`: `begin_s` tells
    when it should be heard to begin.

    `received` counts messages, `words` say what is being done; `troubles` is what went wrong.
    """

    def __init__(
        self,
        hands: Hands,
        session_time: Callable[[float], float],
        limits: TempoLimits | None = None,
        latency_s: float = 0.0,
        *,
        rest_on_stop: bool = True,
        armed: bool = False,
    ) -> None:
        self.follower = ClockFollower(limits, latency_s, rest_on_stop=rest_on_stop)
        self.received = 0
        self.troubles: deque[str] = deque(maxlen=20)
        self._hands = hands
        self._session_time: Callable[[float], float] = (lambda at_s: at_s) if armed else session_time
        self._armed = armed
        self._inbox: deque[Callable[[], object]] = deque()
        self._ahead_s = math.nan  # of the machine's time: the session's, at the message before
        self._lock = threading.Lock()  # for the follower; never held by whoever hands a message over
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def words(self) -> str:
        """What it does, in words."""
        return "armed: waiting for the outside's start" if self._armed else self.follower.words

    @property
    def bpm(self) -> float | None:
        """The outside's tempo; None while it is not known."""
        clock = self.follower.clock.filter
        with self._lock:
            return 60.0 / (24 * clock.tick_s(clock.number)) if clock.usable else None

    def start(self) -> None:
        """Begin to follow."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="clock in", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let go of the tempo, and end."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.follower.release(self._hands)

    # -- what comes in; from any thread ------------------------------------------------------------------------------

    def on_clock(self, message: int | bytes, now_s: float) -> None:
        """A message (a status byte, or all bytes of a song position) that came at `now_s` by time.monotonic()."""
        self._place(bytes((message,)) if isinstance(message, int) else message, self._session_time(now_s), now_s)

    def heard(self, message: bytes, t_s: float) -> None:
        """A message whose session time is known to the frame, as JACK tells it."""
        self._place(message, t_s, time.monotonic())

    def hear(self, line: Mapping[str, Any]) -> None:
        """A line of the session's record: tells when another hand takes the tempo."""
        if line.get("control") == "tempo_bpm":
            self._inbox.append(lambda: self.follower.hear(line))

    def _place(self, message: bytes, t_s: float, now_s: float) -> None:
        before_s, self._ahead_s = self._ahead_s, t_s - now_s
        jump_s = self._ahead_s - before_s
        if abs(jump_s) > JUMP_S:
            self._inbox.append(lambda: self.follower.clock.shift(jump_s))
        self.received += 1
        self._inbox.append(lambda: self.follower.message(message, t_s))

    # -- an armed start ----------------------------------------------------------------------------------------------

    def begin_s(self, from_s: float) -> float | None:
        """When a session that waits should be heard to begin: the outside's first beat from `from_s` on, both by
        time.monotonic(). None until the outside has started and a beat of its clock was heard."""
        self._take()
        with self._lock:
            return self.follower.clock.next_beat_s(from_s)

    def began(self, session_time: Callable[[float], float], now_s: float) -> None:
        """The session that waited has begun; `session_time` holds from `now_s` by time.monotonic() on."""
        self._take()
        with self._lock:
            self._ahead_s = session_time(now_s) - now_s
            self.follower.clock.shift(self._ahead_s)
            self._session_time = session_time
            self._armed = False

    # -- the thread --------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Take what came in, and ask for what is due."""
        self._take()
        if not self._armed:
            with self._lock:
                self.follower.step(self._hands)

    def _take(self) -> None:
        with self._lock:
            while self._inbox:
                self._inbox.popleft()()

    def _run(self) -> None:
        while not self._closing.wait(STEP_S) and not self._hands.finished:
            try:
                self.step()
            except Exception as error:  # one bad step must not end the following
                told = f"{type(error).__name__}: {error}"
                if told not in self.troubles:
                    self.troubles.append(told)
