"""L2, the usual policy: the plan drives, signals of the body pace it and trim arousal a little.

Following the estimate itself latches: in a simulated listener, stepping on from the estimated state left 13 to 16 %
worse off than silence, a timed arc none. So a hold is short, the pace stays between half and one and a half, the trim
within 0.15, and when signals are missing the plan goes on and nothing is raised.
"""

from __future__ import annotations

from collections import deque

from synth.estimator.state import State
from synth.safety.limits import LEAST_CONFIDENCE, STALE_S
from synth.steering.policy import Pace

SAMPLE_S = 15.0
DEAD_BAND = 0.1
SLOWEST, FASTEST = 0.5, 1.5
PACE_PER_AROUSAL = 2.0  # change of pace for each unit of error past the dead-band
TRIM_MOST = 0.15
TRIM_P, TRIM_I_PER_MIN = 0.25, 0.02
TRIM_RISE_PER_S, TRIM_FALL_PER_S = 0.0025, 0.01
HOLD_ERROR, HOLD_RISE, HOLD_WINDOW_S = 0.4, 0.2, 60.0
HOLD_LONGEST_S, HOLD_AGAIN_S = 120.0, 600.0  # a listener who stays away must not stop the arc


class Responsive:
    """Slows, holds or quickens the arc and trims arousal by a PI rule, sampled every SAMPLE_S.

    `may_raise`: the plan aims up or level, so the trim may also be positive. Where the plan rises it is never
    quickened. Its start meets the person's report, as L1's does.
    """

    name, meets = "L2", True

    def __init__(self, may_raise: bool) -> None:
        self._most = TRIM_MOST if may_raise else 0.0
        self._speed = 1.0
        self._integral = 0.0
        self._wanted_trim = 0.0
        self._trim = 0.0
        self._next_sample_s = 0.0
        self._held_since_s: float | None = None
        self._no_hold_before_s = 0.0
        self._arousal: deque[tuple[float, float]] = deque()
        self._said = "as planned"
        self._blind = True

    def step(self, t_s: float, seconds: float, planned: float, heading: int, state: State | None) -> Pace:
        """The pace now; a state that is missing, old or of little confidence counts as none."""
        words: list[str] = []
        if state is None or state.confidence < LEAST_CONFIDENCE or t_s - state.t_s > STALE_S:
            self._go_on_blind(heading, words)
        else:
            self._see(t_s, planned, heading, state, words)
        rise, fall = TRIM_RISE_PER_S * seconds, TRIM_FALL_PER_S * seconds
        self._trim = min(max(self._wanted_trim, self._trim - fall), self._trim + rise)
        return Pace(self._speed, self._trim, tuple(words))

    def forget_trim(self) -> None:
        """Begin without a trim: the music was moved by someone else."""
        self._integral = self._wanted_trim = self._trim = 0.0

    def replan(self, may_raise: bool) -> None:
        """The plan was changed: a trim that it does not allow goes."""
        self._most = TRIM_MOST if may_raise else 0.0
        self._integral, self._wanted_trim = min(self._integral, self._most), min(self._wanted_trim, self._most)

    def _go_on_blind(self, heading: int, words: list[str]) -> None:
        """No signals: a trim that raised goes, one that calmed stays; a rise is not quickened."""
        if not self._blind:
            words.append("no clear signals: the arc goes on as planned and nothing is raised")
        self._blind = True
        self._wanted_trim = min(self._trim, 0.0)
        self._integral = min(self._integral, 0.0)
        self._speed = min(max(self._speed, SLOWEST), 1.0) if heading > 0 else 1.0
        self._arousal.clear()
        self._held_since_s = None
        self._said = "as planned"

    def _see(self, t_s: float, planned: float, heading: int, state: State, words: list[str]) -> None:
        if self._blind:
            words.append("signals are clear")
            self._blind, self._next_sample_s = False, t_s
        self._arousal.append((t_s, state.arousal))
        while self._arousal[0][0] < t_s - HOLD_WINDOW_S:
            self._arousal.popleft()
        if t_s < self._next_sample_s:
            return
        self._next_sample_s = t_s + SAMPLE_S
        above = state.arousal - planned
        self._set_trim(-above)
        self._set_speed(t_s, above, heading)
        done = _pace_in_words(self._speed)
        if done != self._said:
            self._said = done
            words.append(f"{done}: {_cause(state, above)}")

    def _set_trim(self, error: float) -> None:
        """PI with a dead-band; the integral stands still while the sum is at its bound (anti-windup)."""
        if abs(error) < DEAD_BAND:
            error = 0.0
        trim = TRIM_P * error + self._integral
        if -TRIM_MOST < trim < self._most or trim * error < 0.0:
            self._integral += TRIM_I_PER_MIN * error * SAMPLE_S / 60.0
        self._wanted_trim = min(max(TRIM_P * error + self._integral, -TRIM_MOST), self._most)

    def _set_speed(self, t_s: float, above: float, heading: int) -> None:
        past = max(abs(above) - DEAD_BAND, 0.0) * PACE_PER_AROUSAL
        slower = max(1.0 - past, SLOWEST)
        if self._must_hold(t_s, above, heading):
            self._speed = 0.0
        elif heading > 0:
            self._speed = slower
        elif heading < 0:
            self._speed = slower if above > 0.0 else min(1.0 + past, FASTEST)
        else:
            self._speed = 1.0

    def _must_hold(self, t_s: float, above: float, heading: int) -> bool:
        """Whether to wait here: far above the plan, or rising fast against it, but never for long."""
        rise = self._arousal[-1][1] - min(arousal for _, arousal in self._arousal)
        wish = heading != 0 and (above > HOLD_ERROR or (heading < 0 and rise > HOLD_RISE))
        if not wish:
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
