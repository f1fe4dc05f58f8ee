"""What is done in a session at a quantum, by whomever, each with its line in the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from synth.controls import Request
from synth.engine import Engine
from synth.instruments.base import QUANTUM
from synth.preset import Phase, phase_to_dict, phases_from
from synth.session.ahead import Move
from synth.session.lines import commit_line
from synth.session.played import Playing
from synth.session.terms import Terms
from synth.session.thinking import Decision
from synth.steering.steering import Steering


class Deeds:
    """Done to `engine` and `steering` at `quantum`, the next to be rendered, and told to `note`.

    `steer` False: the record that is carried out again has what the plan did. `length_frames` is the session's, which a
    stop cuts short.
    """

    def __init__(
        self,
        engine: Engine,
        steering: Steering,
        terms: Terms,
        steer: bool,
        length_frames: float,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        self._engine, self._steering, self._terms, self._steer, self._note = engine, steering, terms, steer, note
        self.quantum = 0
        self.length_frames = length_frames
        self.panicked = False
        self.playing = Playing(engine, terms.bounds, terms.played, steer, note, self.commit, self.release)

    @property
    def now_s(self) -> float:
        """Session time of the quantum."""
        return self.quantum * QUANTUM / self._engine.sample_rate

    def tell(self, kind: str, **fields: Any) -> None:
        """A line of the record that is about this quantum."""
        self._note({"type": kind, "t_s": round(self.now_s, 4), **fields})

    def commit(self, request: Request, at_once: bool = False) -> None:
        """Take a control, as far as the bus lets."""
        commit = self._engine.bus.request(request, self.quantum, at_once=at_once)
        self.playing.noticed(request)
        self._note(commit_line(commit, self.now_s, at_once))

    def release(self, name: str, by: str = "safety") -> None:
        """Give a control back."""
        if self._engine.bus.release(name, by):
            self._note({"type": "release", "quantum": self.quantum, "t_s": self.now_s, "control": name})

    def verb(self, name: str) -> None:
        """A person's word."""
        self._note({"type": "verb", "quantum": self.quantum, "t_s": self.now_s, "verb": name})
        if name == "stop":
            self.stop()
        else:
            self._steering.say(name)

    def play(self, pitch: float, velocity: float, stem: str, by: str) -> None:
        """A person's note."""
        self.playing.play(self.quantum, pitch, velocity, stem, by)

    def edit(self, phases: Sequence[Phase]) -> None:
        """Another plan from now on."""
        tables = [phase_to_dict(phase) for phase in phases]
        self._note({"type": "edit", "quantum": self.quantum, "t_s": self.now_s, "phases": tables, "by": "hand"})
        self._steering.edit(phases)

    def stop(self) -> None:
        """Fade out and finish."""
        self._note({"type": "stop", "quantum": self.quantum, "t_s": self.now_s})
        self.playing.let_all_go(self.quantum)
        end_s = self._engine.expression.stop(self.now_s)
        self.length_frames = min(self.length_frames, round(end_s * self._engine.sample_rate))

    def panic(self) -> None:
        """Silence."""
        self.panicked = True
        self.playing.let_all_go(self.quantum)
        self._note({"type": "panic", "quantum": self.quantum, "t_s": self.now_s})
        if self._engine.audio:
            self._engine.output_guard.panic()

    def carry(self, decision: Decision) -> None:
        """Do what was decided, and say what the plan is."""
        for name in decision.releases:
            self.release(name)
        for request in decision.requests:
            self.commit(request)
        if decision.phase is not None:
            self._enter(decision.phase)
        arousal, valence, tension = self._steering.planned
        plan = {"phase": self._engine.transport.phase, "arousal": arousal, "valence": valence, "tension": tension}
        self._note({"type": "plan", "t_s": decision.t_s, **plan, "words": list(self._steering.words)})

    def carry_out(self, move: Move) -> None:
        """Do what a script or a record says is done at this quantum."""
        match move["type"]:
            case "commit":
                asked = (move["control"], move["requested"], move["by"], move["reason"], move["confidence"])
                self.commit(Request(*asked))
            case "release":
                self.release(move["control"])
            case "phase":
                self._enter(move["text"])
            case "verb" if self._steer and move["verb"] != "stop":  # a stop has a line of its own
                self.verb(move["verb"])
            case "edit" if self._steer:
                self.edit(phases_from(self._terms.preset, move["phases"], self._terms.bounds))
            case "played":
                self.play(move["pitch"], move["velocity"], move["stem"], move["by"])
            case "stop":
                self.stop()
            case "panic":
                self.panic()

    def _enter(self, phase: str) -> None:
        self._engine.transport.phase = phase
        self._engine.transport.mark("phase", phase)
        self._note({"type": "phase", "quantum": self.quantum, "t_s": self.now_s, "text": phase})
