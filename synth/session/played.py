"""What hands play in a session: notes taken and let go, in the record as in the score, and the key they lead to.

A hand's note sounds through its stem's own instrument from the next quantum on, so that levels, limits and guards are
behind it as behind the composer's. Notes lead key and mode as a hand's request does: where a person holds `key` or
`mode` otherwise, theirs stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synth.composer.played import KeyFound, KeySense
from synth.controls import Request, rank
from synth.engine import Engine
from synth.instruments.base import QUANTUM
from synth.safety.bounds import Bounds
from synth.session.terms import IN_SCALE

BY = "hand:played"
STEMS = ("pad", "drone", "bass", "melody", "percussion", "bells")  # that can be played
LONGEST_S = 30.0  # a note that is not let go ends after this
MOST_HELD = 32  # notes at a time; the oldest gives way
MOST_AT_ONCE = 32  # that may begin in one quantum
HAND_BACK_S = 60.0  # after the last note key and mode go back to the plan
_EVERY_S = 1.0  # the key is looked for
_COUNTS_S = 3.0  # of a note, at most, for its key
_UNPITCHED = ("percussion",)
_LOWEST, _HIGHEST = 0.0, 127.0
_SILENT_DB = -60.0

Key = tuple[str, str, float]  # stem, by, pitch


@dataclass(slots=True)
class _Note:
    number: int
    stem: str
    pitch: float
    quantum: int
    heard: int  # up to this quantum the key was looked for in it


class Playing:
    """The notes of hands in `engine`. `way`: one of `synth.session.terms.PLAYED`. `leads`: they may lead the key."""

    def __init__(
        self,
        engine: Engine,
        bounds: Bounds,
        way: str,
        leads: bool,
        note: Callable[[dict[str, Any]], None],
        commit: Callable[[Request], None],
        release: Callable[[str], None],
    ) -> None:
        self.stems = tuple(stem for stem in STEMS if stem in engine.stems)
        self._engine, self._bounds, self._way, self._leads = engine, bounds, way, leads
        self._note, self._commit, self._release = note, commit, release
        self._seconds = QUANTUM / engine.sample_rate
        self._held: dict[Key, _Note] = {}
        self._told: set[str] = set()  # stems of which it was said that they are silent
        self._burst = (-1, 0)  # a quantum, and the notes that began in it
        self._sense = KeySense()
        self._looks: int | None = None  # the quantum at which the key is looked for next
        self._last = 0  # quantum of the last note
        self._mine: set[str] = set()  # controls taken for what is played
        self._asked: tuple[int, int] | None = None

    @property
    def due(self) -> list[int]:
        """The quanta at which `step` has something to do next."""
        ends = [note.quantum + self._quanta(LONGEST_S) for note in self._held.values()]
        return [*ends, *([] if self._looks is None else [self._looks])]

    def play(self, quantum: int, pitch: float, velocity: float, stem: str, by: str) -> None:
        """A note of a hand: it begins, or ends where `velocity` is 0."""
        if self._bounds.range(f"level_{stem}_db")[1] <= _SILENT_DB:
            self._refuse(quantum, stem)
            return
        if not (math.isfinite(pitch) and math.isfinite(velocity)):
            self._repair(quantum, f"played: {pitch} at {velocity} is no note, so nothing sounds")
            return
        key, loud = min(max(pitch, _LOWEST), _HIGHEST), min(max(velocity, 0.0), 1.0)
        if (key, loud) != (pitch, velocity):
            self._repair(quantum, f"played: {pitch:g} at {velocity:g} was asked, {key:g} at {loud:g} is played")
        if loud > 0.0 and not self._room(quantum):
            return
        if loud == 0.0 and (stem, by, key) not in self._held:
            return
        line = {"type": "played", "quantum": quantum, "t_s": round(quantum * self._seconds, 4)}
        self._note({**line, "pitch": key, "velocity": loud, "stem": stem, "by": by})
        self._let_go(quantum, (stem, by, key))
        if loud > 0.0:
            self._strike(quantum, (stem, by, key), loud)

    def step(self, quantum: int) -> None:
        """What is due at `quantum`: notes that last too long end, and the key is looked for."""
        for key, note in list(self._held.items()):
            if quantum >= note.quantum + self._quanta(LONGEST_S):
                self._repair(quantum, f"played: {note.pitch:g} was held for {LONGEST_S:g} s, and is let go")
                self._let_go(quantum, key)
        if self._looks is not None and quantum >= self._looks:
            self._look(quantum)

    def let_all_go(self, quantum: int) -> None:
        """Everything that is held ends."""
        for key in list(self._held):
            self._let_go(quantum, key)

    def noticed(self, request: Request) -> None:
        """A request was taken: a control that a person takes is no longer led by what is played."""
        if request.by != BY and rank(request.by) >= rank("hand"):
            self._mine.discard(request.control)

    # -- notes -----------------------------------------------------------------------------------------------------

    def _strike(self, quantum: int, key: Key, velocity: float) -> None:
        if len(self._held) >= MOST_HELD:
            self._let_go(quantum, next(iter(self._held)))
        stem, _, pitch = key
        if self._way == IN_SCALE and stem not in _UNPITCHED:
            pitch = self._engine.in_scale(pitch)
        number = self._engine.transport.play(stem, pitch, velocity, quantum * QUANTUM)
        self._held[key] = _Note(number, stem, pitch, quantum, quantum)
        self._last = quantum
        if self._looks is None:
            self._looks = quantum + self._quanta(_EVERY_S)

    def _let_go(self, quantum: int, key: Key) -> None:
        note = self._held.pop(key, None)
        if note is not None:
            self._hear(note, quantum)
            self._last = max(self._last, quantum)
            end = max(quantum, note.quantum + 1)  # so that it is heard at all
            self._engine.transport.lift(note.number, note.stem, note.pitch, end * QUANTUM)

    def _room(self, quantum: int) -> bool:
        """Whether another note may begin; told once where none may."""
        count = self._burst[1] + 1 if self._burst[0] == quantum else 1
        self._burst = quantum, count
        if count == MOST_AT_ONCE + 1:
            self._repair(quantum, f"played: more than {MOST_AT_ONCE} notes at once, the others are left out")
        return count <= MOST_AT_ONCE

    # -- key -------------------------------------------------------------------------------------------------------

    def _look(self, quantum: int) -> None:
        for note in self._held.values():
            self._hear(note, quantum)
        now_s, resting = quantum * self._seconds, not self._held and quantum - self._last
        self._looks = quantum + self._quanta(_EVERY_S)
        if resting and resting >= self._quanta(HAND_BACK_S):
            self._looks = None
            self._sense.forget()
            self._hand_back()
            return
        found = self._sense.find(self._engine.scale, now_s)
        if found is None:
            self._asked = None
        elif self._leads and (found.key, found.mode) != self._asked:
            self._asked = found.key, found.mode
            self._ask(found, quantum)

    def _ask(self, found: KeyFound, quantum: int) -> None:
        """Ask for the key that was found, and its mode, unless a person holds them."""
        bus = self._engine.bus
        others = bus.held - self._mine
        if "key" in others:
            return
        now = bus.values(quantum)
        for name, value in (("key", float(found.key)), ("mode", float(found.mode))):
            if name not in others and now[name] != value:
                self._commit(Request(name, value, BY, found.reason, round(found.fit, 3)))
                self._mine.add(name)

    def _hand_back(self) -> None:
        for name in sorted(self._mine & self._engine.bus.held):
            if self._leads:
                self._release(name)
        self._mine.clear()

    def _hear(self, note: _Note, quantum: int) -> None:
        if note.stem not in _UNPITCHED:
            until = min(quantum, note.quantum + self._quanta(_COUNTS_S))
            self._sense.hear(note.pitch, max(until - note.heard, 0) * self._seconds, quantum * self._seconds)
        note.heard = max(quantum, note.heard)

    # -- words -----------------------------------------------------------------------------------------------------

    def _quanta(self, seconds: float) -> int:
        return math.ceil(seconds / self._seconds)

    def _refuse(self, quantum: int, stem: str) -> None:
        if stem not in self._told:
            self._told.add(stem)
            text = f"{stem} is not played: {self._bounds.why(f'level_{stem}_db')}"
            self._note({"type": "refusal", "t_s": round(quantum * self._seconds, 4), "text": text})

    def _repair(self, quantum: int, text: str) -> None:
        self._note({"type": "repair", "t_s": round(quantum * self._seconds, 4), "text": text})
