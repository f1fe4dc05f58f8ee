"""A session in a worker, as the API process sees it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

from synth.daemon.stage.memory import SessionMemory
from synth.daemon.stage.part import Part
from synth.live.far_session import FarSession, Line
from synth.live.ring import Ring

ALL = 1 << 30


def unheard(inbox: Ring) -> tuple[bytes, ...]:
    """What a worker that died had not read, but for samples: who took them in hands them over again."""
    return tuple(message for message in inbox.look(ALL) if pickle.loads(message)[0] != "hear")


class RemoteSession(FarSession):
    """Plays `part` in a worker; satisfies `synth.control.hands.Hands`. `take` hears what it tells.

    `on_status` is called with "playing", "refused", "failed" or "over", and a word about it.
    """

    def __init__(
        self,
        part: Part,
        memory: SessionMemory,
        record: Callable[[Line], None],
        on_status: Callable[[str, str], None],
    ) -> None:
        super().__init__(memory.parts, part.preset, memory.sound.sample_rate, record)
        self.part, self.sound = part, memory.sound
        self._memory, self._on_status = memory, on_status
        self._ready = False

    def end(self) -> None:
        """End at once, without a fade."""
        self._send("quit")

    def move(self, part: Part, memory: SessionMemory) -> None:
        """Go on in other memory, after the worker that used this one has died; what it had not read goes along."""
        unread = unheard(self._inbox)
        self.forget()
        self.part, self.sound, self._memory, self._ready = part, memory.sound, memory, False
        self._board, self._inbox, self._outbox = memory.parts
        self.ask_again(unread)

    def ask_again(self, unread: Iterable[bytes]) -> None:
        """Ask what a worker that died had not read."""
        for message in unread:
            self._inbox.put(message)

    def remember(self, line: Line) -> None:
        """A line of the record from before this process held the session."""
        self._take(line)

    def forget(self) -> None:
        """Take the shared file away."""
        self._memory.forget()

    def _hear(self, kind: str, said: Any) -> None:
        super()._hear(kind, said)
        if kind == "ready":
            self._ready = True
            self._on_status("playing", "")
        elif kind == "failed" or (kind == "refused" and not self._ready):
            self._on_status(kind, said)
        elif kind == "over":
            self._on_status("over", "")
