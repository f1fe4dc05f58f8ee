"""What is to be carried out at a quantum known beforehand: lines of a script, and lines of a record being replayed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from synth.controls import control, rank
from synth.session.played import BY as PLAYED

Move = Mapping[str, Any]
MOVES = ("commit", "release", "phase", "verb", "edit", "stop", "panic", "guest", "played")


def by_a_person(line: Move) -> bool:
    """Whether a line of a record tells what somebody did, which a session cannot decide again by itself."""
    if line["type"] not in MOVES or line["type"] == "phase" or line.get("at_once"):
        return False
    return line.get("by") != PLAYED and (line["type"] != "commit" or rank(line["by"]) == rank("hand"))


class Ahead:
    """Requests of `script`, (time_s, control, value), and `moves` of a record; `quantum_at` tells a time's quantum.

    ControlError on a control of the script that does not exist.
    """

    def __init__(
        self, script: Iterable[tuple[float, str, float]], moves: Iterable[Move], quantum_at: Callable[[float], int]
    ) -> None:
        lines = sorted((quantum_at(t_s), i, control(name).name, value) for i, (t_s, name, value) in enumerate(script))
        self._script: deque[Move] = deque(
            {
                "type": "commit",
                "quantum": quantum,
                "control": name,
                "requested": value,
                "by": "script",
                "reason": "script",
                "confidence": None,
            }
            for quantum, _, name, value in lines
        )
        self._moves: deque[Move] = deque(moves)

    def recall(self, lines: Iterable[Move]) -> None:
        """Also what hands did by `lines` of this session's record."""
        self._moves.extend(line for line in lines if by_a_person(line) and line.get("by") != "script")

    def next(self) -> list[int]:
        """The quanta at which something is next."""
        return [waiting[0]["quantum"] for waiting in (self._script, self._moves) if waiting]

    def take(self, quantum: int) -> list[Move]:
        """What is due at `quantum`, that of the record first."""
        due = []
        for waiting in (self._moves, self._script):
            while waiting and waiting[0]["quantum"] <= quantum:
                due.append(waiting.popleft())
        return due
