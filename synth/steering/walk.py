"""The walk through a plan at the policy's pace.

A phase moves from where the plan stands when it begins to its own targets, along a raised cosine or in stages.
"""

from __future__ import annotations

import math

from synth.controls import TABLE
from synth.preset import Phase
from synth.preset.arc import stages
from synth.steering.plan import RISING, Plan, Target

_FALL_PER_S = TABLE["arousal"].rate_loop  # quicker than a plan: a person may hand back from any height
_QUICKENED = 1.5  # as much faster than planned a policy may let moods fall
_BREATH = TABLE["breath_depth_db"]


class Walk:
    """Where a session stands in its plan. `now` is the plan's target; it never moves faster than the limits."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = plan.start
        self._index = 0
        self._elapsed_s = 0.0
        self._origin = plan.start
        self._origin_s = 0.0
        self._handed_back = False

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
        self._handed_back = True
        self._origin, self._origin_s = self.now, self._elapsed_s

    def replan(self, plan: Plan) -> None:
        """Go on through another plan from where the moods are, at the same time since the plan's beginning."""
        left_s = 60.0 * sum(phase.minutes for phase in self.plan.phases[: self._index]) + self._elapsed_s
        self.plan, self._index, self._handed_back = plan, 0, False
        while left_s > self._length_s and self._index < len(plan.phases) - 1:
            left_s -= self._length_s
            self._index += 1
        self._elapsed_s = min(left_s, self._length_s)
        self._origin, self._origin_s = self.now, self._elapsed_s

    @property
    def place(self) -> tuple[int, float]:
        """Index of the running phase, and seconds of plan time since it began."""
        return self._index, self._elapsed_s

    @property
    def _length_s(self) -> float:
        return self.phase.minutes * 60.0

    def _enter(self, index: int, elapsed_s: float, origin: Target | None = None) -> None:
        self._index, self._elapsed_s = index, elapsed_s
        self._origin, self._origin_s = origin or self.now, 0.0

    def _wanted(self) -> Target:
        left_s = self._length_s - self._origin_s
        x = min((self._elapsed_s - self._origin_s) / left_s, 1.0) if left_s > 0.0 else 1.0
        weight = self._weight(x, left_s)
        return Target(*(a + (b - a) * weight for a, b in zip(self._origin, _targets(self.phase), strict=True)))

    def _weight(self, x: float, left_s: float) -> float:
        """How much of the phase's move is made at `x` 0..1 of its `left_s`: all in one arc, or stage after stage."""
        count = stages(self.phase.arousal - self._origin.arousal, self.phase.step)
        made = min(math.floor(x * count), count - 1)
        moving_s = max(left_s / count - (self.phase.dwell_s if self.phase.step else 0.0), 1.0)
        within = min((x * count - made) * left_s / count / moving_s, 1.0)
        return (made + 0.5 - 0.5 * math.cos(math.pi * within)) / count

    def _slewed(self, wanted: Target, seconds: float) -> Target:
        arousal, _, tension = (limit / 60.0 for limit in self.plan.per_min)
        falls = (_FALL_PER_S,) * 2 if self._handed_back else (_QUICKENED * arousal, _QUICKENED * tension)
        up = (arousal, _FALL_PER_S, tension, _BREATH.rate_loop)
        down = (falls[0], _FALL_PER_S, falls[1], _BREATH.rate_down or _BREATH.rate_hand)
        return Target(
            *(
                min(max(w, a - fall * seconds), a + rise * seconds)
                for a, w, rise, fall in zip(self.now, wanted, up, down, strict=True)
            )
        )


def _targets(phase: Phase) -> Target:
    return Target(phase.arousal, phase.valence, phase.tension, phase.breath_depth_db)
