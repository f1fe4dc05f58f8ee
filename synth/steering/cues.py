"""Cues: the small interventions of a plan, each begun at its place and taken back after its seconds.

A cue asks like the plan itself does, through guard, rates and bus. While the plan stands still none of its own begins;
one that runs goes on to its end. Where several move one control the last begun has it, and it goes back when the last
has ended. What a person holds is left to them.
"""

from __future__ import annotations

from collections.abc import Mapping

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
_HANDED_BACK = ("rest", "landmark")  # what the plan has a value for when people let it go


class Cues:
    """The cues of one session of `preset`. `landmark_every_s`: a grounding motif each so many seconds besides, also
    while the plan stands still.

    After each `step`, `told` holds what began or ended then: its kind, and words.
    """

    def __init__(self, preset: Preset, landmark_every_s: float | None = None) -> None:
        self._start = preset.controls
        self._every_s = landmark_every_s
        self._next_landmark_s = landmark_every_s or 0.0
        self.told: list[tuple[str, str]] = []
        self._running: list[tuple[float, Cue]] = []  # each with its end
        self._begun: set[tuple[int, int]] = set()
        self._sent: dict[str, float] = {}  # controls that are not where the plan has them
        self._whys: dict[str, tuple[str, str]] = {}  # who asks for them, and why

    @property
    def breath_depth_db(self) -> float:
        """How deep running cues want the breath wave at least."""
        return max((cue.amount for _, cue in self._running if cue.kind == "breath"), default=0.0)

    @property
    def tempo_ratio(self) -> float:
        """By what running cues shift the tempo."""
        ratio = 1.0
        for _, cue in self._running:
            ratio *= 1.0 + cue.amount / 100.0 if cue.kind == "tempo" else 1.0
        return ratio

    def step(
        self,
        t_s: float,
        plan: Plan,
        place: tuple[int, float],
        still: bool,
        people: frozenset[str],
        grounded: bool = False,
    ) -> list[Request]:
        """Requests for what begins or ends at `t_s`, with the plan at `place` (phase, seconds).

        While `grounded` there is a motif to hold on to.
        """
        self.told = []
        for run in [run for run in self._running if t_s >= run[0]]:
            self._running.remove(run)
            _, cue = run
            self.told.append((cue.kind, f"{_SAYS[cue.kind]} ends"))
            self._whys[_control(cue)[0]] = "plan", f"{_SAYS[cue.kind]} ends, as planned"
        for cue in [] if still else self._due(plan, place):
            self._begin(t_s, cue, people)
        if self._every_s and t_s >= self._next_landmark_s:
            self._next_landmark_s = t_s + self._every_s
            self._begin(t_s, Cue("ground", 0.0, LANDMARK_S), people)
        return self._requests(people, grounded)

    def take_up(self, names: frozenset[str], values: Mapping[str, float]) -> None:
        """People let go of `names`: what is not where cues or plan have it goes back there from `values`."""
        for name in names & {*_HANDED_BACK, *self._sent}:
            self._sent[name] = values[name]
            self._whys[name] = "plan", "handed back"

    def replan(self, plan: Plan, place: tuple[int, float]) -> None:
        """Go on through another plan: of its running phase only cues that lie ahead will begin."""
        index, elapsed_s = place
        cues = plan.phases[index].cues
        self._begun = {(index, i) for i, cue in enumerate(cues) if cue.at_minutes * 60.0 <= elapsed_s}

    def _begin(self, t_s: float, cue: Cue, people: frozenset[str]) -> None:
        name, _ = _control(cue)
        if name in people:
            self.told.append((cue.kind, f"{_SAYS[cue.kind]} is left out: someone holds {name}"))
            return
        self._running.append((t_s + cue.seconds, cue))
        self._whys[name] = "plan", _why(cue)
        self.told.append((cue.kind, _why(cue)))

    def _requests(self, people: frozenset[str], grounded: bool) -> list[Request]:
        """Requests for each control that is not where running cues, or the plan without them, have it."""
        moved = {name: value for name, value in (_control(cue) for _, cue in self._running) if name}
        if grounded:
            moved["landmark"] = 1.0
            self._whys.setdefault("landmark", ("policy", "a motif to hold on to"))
        requests = []
        for name in sorted({*moved, *self._sent} - people):
            value, why = moved.get(name, self._start[name]), self._whys.pop(name, ("policy", "going on"))
            if value != self._sent.pop(name, self._start[name]):
                requests.append(Request(name, value, *why))
            if name in moved:
                self._sent[name] = value
        return requests

    def _due(self, plan: Plan, place: tuple[int, float]) -> list[Cue]:
        index, elapsed_s = place
        due = []
        for i, cue in enumerate(plan.phases[index].cues):
            if (index, i) not in self._begun and elapsed_s >= cue.at_minutes * 60.0:
                self._begun.add((index, i))
                due.append(cue)
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


def _why(cue: Cue) -> str:
    told = {"breath": f" of {cue.amount:g} dB", "tempo": f" of {cue.amount:+g} %"}.get(cue.kind, "")
    stem = f" ({cue.stem})" if cue.stem else ""
    return f"{_SAYS[cue.kind]}{told}{stem} for {cue.seconds:g} s, as planned"
