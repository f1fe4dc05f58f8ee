"""The plan: phases scaled to the session's length, and the walk through them at the policy's pace.

A phase moves from where the plan stands when it begins to its own targets, along a raised cosine. Gradual change
after the iso principle (Davis, Gfeller & Thaut 2008): no step of mood is steeper than `synth.safety.limits` allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from synth.controls import TABLE
from synth.preset import Phase, Preset
from synth.safety.limits import limits

BASELINE_S = 75.0  # time to learn the listener's own values, with sound already on
BASELINE_SHARE = 0.2  # of a short session
STEEPEST = math.pi / 2  # of a raised cosine, against its mean slope
RISING = 0.02  # arousal in a phase, under which it counts as level
_FALL_PER_S = TABLE["arousal"].rate_loop  # quicker than a plan: a person may hand back from any height
_BREATH = TABLE["breath_depth_db"]


class Target(NamedTuple):
    """What the plan wants at one moment."""

    arousal: float
    valence: float
    tension: float
    breath_depth_db: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Phases of a session; `start` is where it begins, `notes` say what had to change, in words.

    A closing return begins when just the time for it is left, whatever the pace was; in an open-ended plan
    (`duration_s` None) when someone advances to it.
    """

    start: Target
    phases: tuple[Phase, ...]
    duration_s: float | None
    notes: tuple[str, ...]
    per_min: tuple[float, float, float]  # steepest arousal, valence, tension

    @property
    def returns_at(self) -> int:
        """Index of the first phase of the closing return; the number of phases when there is none."""
        index = len(self.phases)
        while index and self.phases[index - 1].kind == "return":
            index -= 1
        return index

    @property
    def aims_up(self) -> bool:
        """Whether the session ends its way no calmer than it began: only then may signals ask for more arousal."""
        return self.phases[self.returns_at - 1].arousal >= self.start.arousal - RISING


def make_plan(preset: Preset, duration_s: float | None) -> Plan:
    """The phases of `preset` over `duration_s` seconds (None: its own length, with an open end).

    A baseline keeps at least BASELINE_S, or BASELINE_SHARE of a short session. Phases too short for their arc take
    time from those that can spare it; when none can, the arc goes only as far as there is time for, and `notes` say so.
    """
    bounds = limits(preset.profile)
    per_min = (bounds["arousal_per_min"], bounds["valence_per_min"], bounds["tension_per_min"])
    c = preset.controls
    start = Target(c["arousal"], c["valence"], c["tension"], c["breath_depth_db"])
    wanted = [p.minutes * 60.0 for p in preset.phases]
    total = sum(wanted) if duration_s is None else duration_s
    needed = _needed_s(start, preset.phases, per_min)
    seconds = _scaled(preset.phases, wanted, total)
    given = _spared(preset.phases, seconds, needed)
    reach = min([1.0, *(g / n for g, n in zip(given, needed, strict=True) if n > 0.0)])
    notes = [
        f"the {phase.kind} phase takes {_lasting(after)}, as its arc needs, not {_lasting(before)}"
        for phase, before, after in zip(preset.phases, seconds, given, strict=True)
        if after > before + 0.5
    ]
    if reach < 0.999:
        notes.append(f"{_lasting(total)} is too short for the whole arc: it goes {100 * reach:.0f} % of the way")
    phases = tuple(
        replace(
            phase,
            minutes=s / 60.0,
            arousal=start.arousal + reach * (phase.arousal - start.arousal),
            valence=start.valence + reach * (phase.valence - start.valence),
            tension=start.tension + reach * (phase.tension - start.tension),
        )
        for phase, s in zip(preset.phases, given, strict=True)
    )
    return Plan(start, phases, duration_s, tuple(notes), per_min)


def _needed_s(start: Target, phases: Sequence[Phase], per_min: Sequence[float]) -> list[float]:
    """The shortest time in which each phase can make its move."""
    needed, at = [], start[:3]
    for phase in phases:
        to = (phase.arousal, phase.valence, phase.tension)
        steps = (abs(b - a) / limit for a, b, limit in zip(at, to, per_min, strict=True))
        needed.append(60.0 * STEEPEST * max(steps))
        at = to
    return needed


def _least_baseline_s(total_s: float) -> float:
    return min(BASELINE_S, BASELINE_SHARE * total_s)


def _scaled(phases: Sequence[Phase], wanted: Sequence[float], total_s: float) -> list[float]:
    """`wanted` seconds scaled to `total_s`; a baseline is neither stretched nor cut under what it needs."""
    if phases[0].kind != "baseline" or len(phases) == 1:
        return [w * total_s / sum(wanted) for w in wanted]
    baseline = max(min(wanted[0], wanted[0] * total_s / sum(wanted)), _least_baseline_s(total_s))
    rest = (total_s - baseline) / sum(wanted[1:])
    return [baseline, *(w * rest for w in wanted[1:])]


def _spared(phases: Sequence[Phase], seconds: Sequence[float], needed: Sequence[float]) -> list[float]:
    """`seconds` after phases with time to spare (down to half of theirs) gave some to those with too little."""
    lack = [max(n - s, 0.0) for s, n in zip(seconds, needed, strict=True)]
    spare = [
        0.0 if phase.kind == "baseline" else max(s - max(n, s / 2.0), 0.0)
        for phase, s, n in zip(phases, seconds, needed, strict=True)
    ]
    moved = min(sum(lack), sum(spare))
    if moved <= 0.0:
        return list(seconds)
    take, give = moved / sum(lack), moved / sum(spare)
    return [s + lacking * take - sparing * give for s, lacking, sparing in zip(seconds, lack, spare, strict=True)]


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60.0:.1f} minutes"


class Walk:
    """Where a session stands in its plan. `now` is the plan's target; it never moves faster than the limits."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = plan.start
        self._index = 0
        self._elapsed_s = 0.0
        self._origin = plan.start
        self._origin_s = 0.0

    @property
    def phase(self) -> Phase:
        """The phase that is running."""
        return self.plan.phases[self._index]

    @property
    def heading(self) -> int:
        """Where the running phase takes arousal: 1 up, -1 down, 0 nowhere."""
        move = self.phase.arousal - self.now.arousal
        return 0 if abs(move) < RISING else int(math.copysign(1, move))

    def step(self, seconds: float, speed: float, remaining_s: float = math.inf) -> Target:
        """Walk on for `seconds` at `speed`, with `remaining_s` of the session left: the return begins in time."""
        returns_at = self.plan.returns_at
        return_s = 60.0 * sum(phase.minutes for phase in self.plan.phases[returns_at:])
        last = len(self.plan.phases) - 1
        if self._index < returns_at <= last and remaining_s <= return_s:
            self._enter(returns_at, 0.0)
        elif self._index < returns_at:
            last = returns_at - 1
        self._elapsed_s += seconds * speed
        while self._index < last and self._elapsed_s >= self._length_s:
            self._enter(self._index + 1, self._elapsed_s - self._length_s, _targets(self.phase))
        self.now = self._slewed(self._wanted(), seconds)
        return self.now

    def advance(self) -> None:
        """Begin the next phase from where the plan stands; in the last one, nothing."""
        if self._index + 1 < len(self.plan.phases):
            self._enter(self._index + 1, 0.0)

    def pull_back(self) -> None:
        """Begin the phase before again, from where the plan stands; in the first one, this one."""
        self._enter(max(self._index - 1, 0), 0.0)

    def aim_from(self, **now: float) -> None:
        """Go on towards the running phase's targets from these values, for someone else moved the music there."""
        self.now = self.now._replace(**now)
        self._origin, self._origin_s = self.now, self._elapsed_s

    @property
    def _length_s(self) -> float:
        return self.phase.minutes * 60.0

    def _enter(self, index: int, elapsed_s: float, origin: Target | None = None) -> None:
        self._index, self._elapsed_s = index, elapsed_s
        self._origin, self._origin_s = origin or self.now, 0.0

    def _wanted(self) -> Target:
        left_s = self._length_s - self._origin_s
        x = min((self._elapsed_s - self._origin_s) / left_s, 1.0) if left_s > 0.0 else 1.0
        weight = 0.5 - 0.5 * math.cos(math.pi * x)
        return Target(*(a + (b - a) * weight for a, b in zip(self._origin, _targets(self.phase), strict=True)))

    def _slewed(self, wanted: Target, seconds: float) -> Target:
        arousal, _, tension = (limit / 60.0 for limit in self.plan.per_min)
        up = (arousal, _FALL_PER_S, tension, _BREATH.rate_loop)
        down = (_FALL_PER_S, _FALL_PER_S, _FALL_PER_S, _BREATH.rate_down or _BREATH.rate_hand)
        return Target(
            *(
                min(max(w, a - fall * seconds), a + rise * seconds)
                for a, w, rise, fall in zip(self.now, wanted, up, down, strict=True)
            )
        )


def _targets(phase: Phase) -> Target:
    return Target(phase.arousal, phase.valence, phase.tension, phase.breath_depth_db)
