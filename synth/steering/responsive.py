"""L2, the usual policy: the plan drives, signals of the body pace it and trim arousal a little.

Two things are known not to work. Music that follows the estimate itself latches on to it; music that runs far ahead of
a person loses them (the iso principle: Davis, Gfeller & Thaut 2008). So on the way down the music leads by REACH and
no more: the arc slows where the person stays behind, and the music waits for them a bounded way above the plan, or
goes a little ahead of it. A plan that is level or rises is regulated about, and only waited for. A hold is short, the
pace stays between half and one and a half, and when signals are missing the plan goes on and nothing is raised.
"""

from __future__ import annotations

from collections import deque

from synth.estimator.state import State
from synth.safety.limits import LEAST_CONFIDENCE, STALE_S
from synth.steering.policy import Pace

SAMPLE_S = 15.0
NEAR_S = 60.0  # over which an estimate counts
SLOWEST, FASTEST = 0.5, 1.5
PACE_PER_AROUSAL = 2.0  # change of pace for each unit of error
REACH = 0.33  # how far ahead of the listener the music leads, arousal
WAIT_MOST, AHEAD_MOST = 0.3, 0.15  # of arousal above the plan and below it, on the way down
TRIM_MOST = 0.15  # about a plan that is level or rises
DEAD_BAND = 0.1
TRIM_P, TRIM_I_PER_MIN = 0.25, 0.02
TRIM_RISE_PER_S, TRIM_FALL_PER_S = 0.0025, 0.01
HOLD_RISE, HOLD_WINDOW_S = 0.2, 60.0
HOLD_LONGEST_S, HOLD_AGAIN_S = 120.0, 600.0  # a listener who stays away must not stop the arc


class Responsive:
    """Slows, holds or quickens the arc and trims arousal, sampled every SAMPLE_S.

    `may_raise`: the plan aims up or level. Where the plan rises it is never quickened; on the way down no trim makes
    the music livelier than the plan was at its highest. Its start meets the person's report, as L1's does.
    """

    name, meets = "L2", True

    def __init__(self, may_raise: bool) -> None:
        self._calming = not may_raise
        self._speed = 1.0
        self._integral = 0.0
        self._wanted_trim = 0.0
        self._trim = 0.0
        self._near: float | None = None
        self._highest = -1.0  # of the plan so far
        self._next_sample_s = 0.0
        self._held_since_s: float | None = None
        self._no_hold_before_s = 0.0
        self._lately: deque[tuple[float, float]] = deque()
        self._said = "as planned"
        self._blind = True

    def step(self, t_s: float, seconds: float, planned: float, heading: int, state: State | None) -> Pace:
        """The pace now; a state that is missing, old or of little confidence counts as none."""
        words: list[str] = []
        if state is None or state.confidence < LEAST_CONFIDENCE or t_s - state.t_s > STALE_S:
            self._go_on_blind(heading, words)
        else:
            self._see(t_s, seconds, planned, heading, state, words)
        if heading >= 0:
            self._speed = min(self._speed, 1.0)
        rise, fall = TRIM_RISE_PER_S * seconds, TRIM_FALL_PER_S * seconds
        self._trim = min(max(self._wanted_trim, self._trim - fall), self._trim + rise)
        self._highest = max(self._highest, planned)
        if self._calming:
            self._trim = min(self._trim, self._highest - planned)
        return Pace(self._speed, self._trim, tuple(words))

    def forget_trim(self) -> None:
        """Begin without a trim: the music was moved by someone else."""
        self._integral = self._wanted_trim = self._trim = 0.0

    def replan(self, may_raise: bool) -> None:
        """The plan was changed, and with it perhaps its way."""
        if self._calming == may_raise:
            self._calming = not may_raise
            self._integral, self._wanted_trim = 0.0, min(self._wanted_trim, 0.0)

    def _go_on_blind(self, heading: int, words: list[str]) -> None:
        """No signals: the trim goes no higher than it is, on the way down it stays; a rise is not quickened."""
        if not self._blind:
            words.append("no clear signals: the arc goes on as planned and nothing is raised")
        self._blind = True
        self._wanted_trim = self._trim if self._calming else min(self._trim, 0.0)
        self._integral = min(self._integral, 0.0)
        self._speed = min(max(self._speed, SLOWEST), 1.0) if heading > 0 else 1.0
        self._lately.clear()
        self._near = self._held_since_s = None
        self._said = "as planned"

    def _see(self, t_s: float, seconds: float, planned: float, heading: int, state: State, words: list[str]) -> None:
        if self._blind:
            words.append("signals are clear")
            self._blind, self._next_sample_s = False, t_s
        near = state.arousal if self._near is None else self._near
        self._near = near + (state.arousal - near) * min(seconds / NEAR_S, 1.0)
        self._lately.append((t_s, self._near))
        while self._lately[0][0] < t_s - HOLD_WINDOW_S:
            self._lately.popleft()
        if t_s < self._next_sample_s:
            return
        self._next_sample_s = t_s + SAMPLE_S
        above = self._near - planned
        if self._calming:
            self._wanted_trim = min(max(above - REACH, -AHEAD_MOST), WAIT_MOST)
        else:
            self._regulate(-above)
        self._speed = 0.0 if self._must_hold(t_s, heading) else self._paced(above, heading)
        done = _pace_in_words(self._speed)
        if done != self._said:
            self._said = done
            words.append(f"{done}: {_cause(state, above)}")

    def _regulate(self, error: float) -> None:
        """PI with a dead-band; the integral stands still while the sum is at its bound (anti-windup)."""
        if abs(error) < DEAD_BAND:
            error = 0.0
        trim = TRIM_P * error + self._integral
        if -TRIM_MOST < trim < TRIM_MOST or trim * error < 0.0:
            self._integral += TRIM_I_PER_MIN * error * SAMPLE_S / 60.0
        self._wanted_trim = min(max(TRIM_P * error + self._integral, -TRIM_MOST), TRIM_MOST)

    def _paced(self, above: float, heading: int) -> float:
        """Speed of the arc for a listener who is `above` the plan."""
        if heading < 0:
            return min(max(1.0 + PACE_PER_AROUSAL * (REACH - above), SLOWEST), FASTEST)
        if heading > 0:
            return max(1.0 - PACE_PER_AROUSAL * max(abs(above) - DEAD_BAND, 0.0), SLOWEST)
        return 1.0

    def _must_hold(self, t_s: float, heading: int) -> bool:
        """Whether to wait here: the listener rises fast while the plan goes down, but never for long."""
        rise = self._lately[-1][1] - min(near for _, near in self._lately)
        if heading >= 0 or rise <= HOLD_RISE:
            self._held_since_s = None
            return False
        if self._held_since_s is None:
            if t_s < self._no_hold_before_s:
                return False
            self._held_since_s = t_s
            self._no_hold_before_s = t_s + HOLD_AGAIN_S
        if t_s - self._held_since_s >= HOLD_LONGEST_S:
            self._held_since_s = None
            return False
        return True


def _pace_in_words(speed: float) -> str:
    if speed == 0.0:
        return "holding here for a while"
    if speed < 0.95:
        return "slowed the arc"
    return "quickened the arc" if speed > 1.05 else "as planned"


def _cause(state: State, above: float) -> str:
    """The first reason the estimator gives, or how the listener compares with the plan."""
    if state.reasons:
        return state.reasons[0].rstrip(".")
    if abs(above) < DEAD_BAND:
        return "the listener is where the plan is"
    return f"arousal {abs(above):.2f} {'above' if above > 0 else 'below'} the plan"
