"""Once a second: what was sensed is taken up, what is believed is worked out, and what to do about it is decided.

Working it out is spread over the blocks that follow, so that none has much to do; the decision falls on a quantum of
its own, whatever the blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

import numpy as np

from synth.controls import Request
from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.instruments.base import QUANTUM
from synth.session.lines import samples_line, state_line
from synth.session.watch import Watch
from synth.steering.steering import Steering
from synth.wearables.incoming import Incoming

PART_QUANTA = 4  # rendered between two parts of the work
DECIDED_S = 0.04  # after the second's beginning
MET = {"self_arousal": "arousal", "self_valence": "valence"}  # what a plan may meet
Note = Callable[[dict[str, Any]], None]


class Decision(NamedTuple):
    """What is to be done for the second from `t_s` on: `requests` made, controls in `releases` given back; `phase`
    where another has begun."""

    t_s: float
    requests: list[Request]
    releases: list[str]
    phase: str | None


class Thinking:
    """The loop from sensors to requests. `note` takes lines of the record; `state` is what is believed."""

    def __init__(
        self,
        sample_rate: int,
        incoming: Incoming,
        estimator: Estimator,
        steering: Steering,
        watch: Watch,
        note: Note,
    ) -> None:
        self.state = State(0.0)
        self._sample_rate = sample_rate
        self._incoming, self._estimator, self._steering, self._watch = incoming, estimator, steering, watch
        self._note = note
        self._tick = 0
        self._working: Generator[None, None, State] | None = None
        self._believed: State | None = None
        self._deciding: int | None = None  # quantum
        self._entered = (-1, "")  # number and kind of the phase last told of

    @property
    def due(self) -> int:
        """The quantum at which a second begins or a decision falls."""
        return self.quantum_at(self._tick) if self._deciding is None else self._deciding

    @property
    def settled(self) -> bool:
        """Whether nothing is being worked out or to be decided."""
        return self._working is None and self._deciding is None

    def quantum_at(self, time_s: float) -> int:
        """The first quantum not before a time."""
        return math.ceil(round(time_s * self._sample_rate, 3) / QUANTUM)

    def step(
        self, quantum: int, quanta: int, values: Callable[[], Mapping[str, float]], held: Callable[[], frozenset[str]]
    ) -> Decision | None:
        """Go on at `quantum` while the next `quanta` are wanted; the decision where it is due."""
        if self._deciding is None and quantum >= self.quantum_at(self._tick):
            self._begin(quantum)
        if self._deciding is not None and quantum >= self._deciding:
            self._work(-1)
            return self._decide(quantum, values(), held())
        self._work(max(quanta // PART_QUANTA, 1))
        return None

    def _begin(self, quantum: int) -> None:
        """Take up what came until this second."""
        t_s = float(self._tick)
        for samples in self._incoming.take(t_s):
            self._note(samples_line(t_s, samples))
            self._estimator.feed(samples)
            if samples.channel in MET and (told := samples.value[np.isfinite(samples.value)]).size:
                self._steering.meet(**{MET[samples.channel]: float(np.clip(told[-1], -1.0, 1.0))})
        self._working = self._estimator.work(t_s)
        self._deciding = self.quantum_at(t_s + DECIDED_S) if self._tick else quantum

    def _work(self, parts: int) -> None:
        """So many parts of it, all that are left with -1."""
        while self._working is not None and parts:
            parts -= 1
            try:
                next(self._working)
            except StopIteration as done:
                self._working, self._believed = None, done.value

    def _decide(self, quantum: int, values: Mapping[str, float], held: frozenset[str]) -> Decision:
        assert self._believed is not None
        t_s, self.state = float(self._tick), self._believed
        self._tick, self._deciding = self._tick + 1, None
        sensed = self.state if self._incoming.sensed else None
        if sensed is not None:
            self._note(state_line(t_s, sensed))
        steering = self._steering
        requests = steering.tick(t_s, sensed, values, held)
        requests += self._watch.tick(t_s, sensed, values)
        for kind, text in steering.cues.told:
            self._note({"type": "cue", "quantum": quantum, "t_s": t_s, "kind": kind, "text": text})
        if steering.stopped:
            stopped = {"kind": "stop_rule", "by": "safety", "text": steering.stopped}
            self._note({"type": "incident", "t_s": t_s, **stopped})
        phase = None
        if (entered := (steering.phase_number, steering.phase)) != self._entered:
            self._entered, phase = entered, steering.phase
        return Decision(t_s, requests, list(steering.releases), phase)
