"""Cues: the small interventions of a plan, each begun at its place and taken back after its seconds.

A cue asks like the plan itself does, through guard, rates and bus. While the plan stands still none begins; one that
runs goes on to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth.controls import TABLE, Request
from synth.preset import Cue, Preset
from synth.steering.plan import Plan

LANDMARK_S = 12.0
_SAYS = {
    "breath": "a breathing cue",
    "ground": "a grounding motif",
    "tempo": "a tempo shift",
    "stem_in": "a stem comes in",
    "stem_out": "a stem goes out",
    "silence": "a silence",
}


@dataclass(slots=True)
class _Running:
    cue: Cue
    ends_s: float
    back: float  # value of its control when it ends


class Cues:
    """The cues of one session of `preset`. `landmark_every_s`: a grounding motif each so many seconds besides.

    After each `step`, `told` holds what began or ended then: its kind, and words.
    """

    def __init__(self, preset: Preset, landmark_every_s: float | None = None) -> None:
        self._start = preset.controls
        self._every_s = landmark_every_s
        self._next_landmark_s = landmark_every_s or 0.0
        self.told: list[tuple[str, str]] = []
        self._running: list[_Running] = []
        self._begun: set[tuple[int, int]] = set()

    @property
    def breath_depth_db(self) -> float:
        """How deep running cues want the breath wave at least."""
        return max((run.cue.amount for run in self._running if run.cue.kind == "breath"), default=0.0)

    @property
    def tempo_ratio(self) -> float:
        """By what running cues shift the tempo."""
        ratio = 1.0
        for run in self._running:
            ratio *= 1.0 + run.cue.amount / 100.0 if run.cue.kind == "tempo" else 1.0
        return ratio

    def step(
        self,
        t_s: float,
        plan: Plan,
        place: tuple[int, float],
        still: bool,
        people: frozenset[str],
    ) -> list[Request]:
        """Requests for what begins or ends at `t_s`, with the plan at `place` (phase, seconds)."""
        requests: list[Request] = []
        self.told = []
        for run in [run for run in self._running if t_s >= run.ends_s]:
            self._running.remove(run)
            requests += _request(run.cue, run.back, people, f"{_SAYS[run.cue.kind]} ends, as planned")
            self.told.append((run.cue.kind, f"{_SAYS[run.cue.kind]} ends"))
        if still:
            return requests
        for cue in self._due(t_s, plan, place):
            name, value = _control(cue)
            self._running.append(_Running(cue, t_s + cue.seconds, self._start.get(name, 0.0)))
            requests += _request(cue, value, people, _why(cue))
            self.told.append((cue.kind, _why(cue)))
        return requests

    def replan(self, plan: Plan, place: tuple[int, float]) -> None:
        """Go on through another plan: of its running phase only cues that lie ahead will begin."""
        index, elapsed_s = place
        cues = plan.phases[index].cues
        self._begun = {(index, i) for i, cue in enumerate(cues) if cue.at_minutes * 60.0 <= elapsed_s}

    def _due(self, t_s: float, plan: Plan, place: tuple[int, float]) -> list[Cue]:
        index, elapsed_s = place
        due = []
        for i, cue in enumerate(plan.phases[index].cues):
            if (index, i) not in self._begun and elapsed_s >= cue.at_minutes * 60.0:
                self._begun.add((index, i))
                due.append(cue)
        if self._every_s and t_s >= self._next_landmark_s:
            self._next_landmark_s = t_s + self._every_s
            due.append(Cue("ground", 0.0, LANDMARK_S))
        return due


def _control(cue: Cue) -> tuple[str, float]:
    """The control that a cue moves by itself, and where to; "" when it colours what the plan asks for."""
    match cue.kind:
        case "silence":
            return "rest", 1.0
        case "ground":
            return "landmark", 1.0
        case "stem_in":
            return f"level_{cue.stem}_db", 0.0
        case "stem_out":
            return f"level_{cue.stem}_db", TABLE[f"level_{cue.stem}_db"].low
    return "", 0.0


def _request(cue: Cue, value: float, people: frozenset[str], reason: str) -> list[Request]:
    name, _ = _control(cue)
    return [Request(name, value, "plan", reason)] if name and name not in people else []


def _why(cue: Cue) -> str:
    told = {"breath": f" of {cue.amount:g} dB", "tempo": f" of {cue.amount:+g} %"}.get(cue.kind, "")
    stem = f" ({cue.stem})" if cue.stem else ""
    return f"{_SAYS[cue.kind]}{told}{stem} for {cue.seconds:g} s, as planned"
