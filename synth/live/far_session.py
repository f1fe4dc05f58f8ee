"""A session that plays in another process, by the memory that it shares with us: what may be asked, and what it tells.

Satisfies `synth.control.hands.Hands`, as `synth.Session` does.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from synth.controls import control, defaults, rank
from synth.live.board import Board, Seen
from synth.live.ring import Ring
from synth.preset import Preset
from synth.session import VERBS, SessionError
from synth.session.gathering import Gathering
from synth.session.pulse import Pulse, first_pulse
from synth.wearables.packet import Packet
from synth.wearables.words import valence_of

KEPT = 200  # words that nobody has taken yet
SEVERAL = "several"  # that are asked together
MOST_TOGETHER = 64
Asked = tuple[str, tuple[Any, ...], dict[str, Any]]
Line = dict[str, Any]


class FarSession:
    """A session of `preset` behind a board and two rings.

    `record` is called with each line of its record. `on_midi` may be set: it is called with what came in through the
    device's own MIDI port, (session time, message); `on_send` with messages for another port, where the device has
    none. All three are called by whoever calls `take`. `words` are what is worth telling: a device lost and found, what
    was refused.
    """

    def __init__(
        self,
        parts: tuple[Board, Ring, Ring],
        preset: Preset,
        sample_rate: int,
        record: Callable[[Line], None] | None = None,
    ) -> None:
        self.words: deque[str] = deque(maxlen=KEPT)
        self.on_midi: Callable[[float, bytes], None] = lambda t_s, message: None
        self.on_send: Callable[[bytes], None] = lambda message: None
        self._board, self._inbox, self._outbox = parts
        self._preset, self._sample_rate = preset, sample_rate
        self._record = record or (lambda line: None)
        self._panicked = self._over = False
        self._gathering: Gathering[Asked] = Gathering()
        self._held: set[str] = set()
        self._phase, self._planned = "", (0.0, 0.0, 0.0)
        self._state_reasons: tuple[str, ...] = ()
        self._plan_words: tuple[str, ...] = ()

    # -- what hands may ask ----------------------------------------------------------------------------------------

    def request(self, name: str, value: float, by: str = "hand", reason: str = "asked for") -> None:
        """As `Session.request`."""
        self._send("request", control(name).name, float(value), by, reason)

    def release(self, name: str) -> None:
        """As `Session.release`."""
        self._send("release", control(name).name)

    def verb(self, name: str) -> None:
        """As `Session.verb`."""
        if name not in VERBS:
            raise SessionError(f"no verb called {name!r}: one of {', '.join(VERBS)}")
        self._send("verb", name)

    def feed(
        self,
        channel: str,
        value: float | Sequence[float],
        t_s: float | Sequence[float] | None = None,
        device: str | None = None,
    ) -> None:
        """As `Session.feed`."""
        self._send("feed", channel, value, t_s, device)

    def tell(self, text: str) -> float | None:
        """As `Session.tell`."""
        valence = valence_of(text)
        if valence is not None:
            self.feed("self_valence", valence)
        return valence

    def hear(self, packet: Packet) -> bool:
        """As `Session.hear`; whether there was room for it."""
        return self._send("hear", packet)

    def play(self, pitch: float, velocity: float, stem: str = "melody", by: str = "hand") -> None:
        """As `Session.play`."""
        self._send("play", float(pitch), float(velocity), stem, by)

    def edit(self, phases: Sequence[Mapping[str, Any]]) -> None:
        """As `Session.edit`."""
        self._send("edit", [dict(phase) for phase in phases])

    def stop(self) -> None:
        """Fade out over a few seconds and finish."""
        self._send("stop")

    def panic(self) -> None:
        """Silence within 250 ms; it waits for nothing that is asked together."""
        self._put("panic")

    def together(self) -> AbstractContextManager[None]:
        """As `Session.together`, for up to MOST_TOGETHER at a time."""
        return self._gathering.together(self._send_together)

    def _send_together(self, asked: Sequence[Asked]) -> None:
        for first in range(0, len(asked), MOST_TOGETHER):
            self._put(SEVERAL, *asked[first : first + MOST_TOGETHER])

    # -- what can be seen ------------------------------------------------------------------------------------------

    @property
    def seen(self) -> Seen:
        """The numbers of this moment (`synth.live.board.FIELDS`)."""
        return self._board.read()

    @property
    def time_s(self) -> float:
        """Session time handed to the device."""
        return self.seen.time_s

    def session_time(self, monotonic_s: float) -> float:
        """Session time of what is handed to the device at a moment of time.monotonic(); it is heard
        `seen.latency_frames` later."""
        seen = self.seen
        rate = seen.sample_rate or float(self._sample_rate)
        return (seen.frames - seen.block) / rate + (monotonic_s - seen.at_s)

    @property
    def controls(self) -> Mapping[str, float]:
        """Every control's value now; before the first sound those that the preset starts with."""
        seen = self.seen
        return seen.controls if seen.frames else {**defaults(), **self._preset.controls}

    @property
    def held(self) -> frozenset[str]:
        """Controls that a person or safety holds."""
        return frozenset(self._held)

    @property
    def phase(self) -> str:
        """The plan's phase."""
        return self._phase

    @property
    def planned(self) -> tuple[float, float, float]:
        """Arousal, valence and tension that the plan wants now."""
        return self._planned

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the music is as it is, in words."""
        return (*self._state_reasons, *self._plan_words)

    @property
    def pulse(self) -> Pulse:
        """The beat that is being rendered."""
        seen = self.seen
        return seen.pulse if seen.frames else first_pulse(self.controls)

    @property
    def finished(self) -> bool:
        """Whether the session is over."""
        return self._over

    # -- what comes and goes -----------------------------------------------------------------------------------------

    def _send(self, word: str, *args: Any, **kwargs: Any) -> bool:
        return self._gathering.keep((word, args, kwargs)) or self._put(word, *args, **kwargs)

    def _put(self, word: str, *args: Any, **kwargs: Any) -> bool:
        message = pickle.dumps((word, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)
        taken = self._inbox.put(message)
        if not taken:
            said = word if word != SEVERAL else ", ".join(dict.fromkeys(one for one, *_ in args))
            self.words.append(f"{said} was not taken: the live process has not answered for a while")
        return taken

    def take(self, most: int = 64) -> int:
        """Hear up to `most` messages that wait; how many there were."""
        messages = self._outbox.look(most)
        try:
            for message in messages:
                self._hear(*pickle.loads(message))
        finally:
            self._outbox.drop(messages)
        return len(messages)

    def _hear(self, kind: str, said: Any) -> None:
        match kind:
            case "line":
                self._take(said)
                self._record(said)
            case "midi":
                for t_s, message in said:
                    self.on_midi(t_s, message)
            case "send":
                for message in said:
                    self.on_send(message)
            case "device" | "refused":
                self.words.append(said)
            case "over":
                self._over = True

    def _take(self, line: Line) -> None:
        """Keep what is shown of a line of the record."""
        match line["type"]:
            case "session":
                self._held, self._panicked = set(), False
            case "panic":
                self._panicked = True
            case "commit" if line["accepted"] and rank(line["by"]) > 0:
                self._held.add(line["control"])
            case "release":
                self._held.discard(line["control"])
            case "phase":
                self._phase = line["text"]
            case "plan":
                self._planned = line["arousal"], line["valence"], line["tension"]
                self._plan_words = tuple(line["words"])
            case "state":
                self._state_reasons = tuple(line["reasons"])
