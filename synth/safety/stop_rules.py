"""Rules that take the music back when the listener's signals rise against the plan.

Three signs count: heart rate 25 a minute over the listener's own at rest, skin conductance responses at three
times their own rate, and an arousal estimate that rises within 90 s of a change in the music while the plan asks for
no rise. The thresholds stand in `synth.safety.limits`.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth.estimator.state import State
from synth.safety.limits import LEAST_CONFIDENCE, REST_MOTION_G, STALE_S, limits

AROUSAL_WINDOW_S = 90.0  # after a change
AROUSAL_TAU_S = 20.0  # an estimate shakes; this much of it is smoothed away
AROUSAL_LASTS_S = 15.0  # that the rise must last
ROLL_BACK_S = 8.0
HOLD_S = 120.0


@dataclass(frozen=True, slots=True)
class Stop:
    """What to do now: `action` is "roll_back" (to the last safe state, then hold) or "ground"; `reason` in words."""

    rule: str
    action: str
    reason: str


class _Sustained:
    """Whether a condition has held for `least_s`; not knowing (None) pauses it, and STALE_S of that ends it."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._held_s = 0.0
        self._unknown_s = 0.0

    def after(self, seconds: float, condition: bool | None) -> bool:
        """The answer `seconds` later, now that the condition is `condition`."""
        if condition is None:
            self._unknown_s += seconds
            if self._unknown_s > STALE_S:
                self._held_s = 0.0
            return False
        self._unknown_s = 0.0
        self._held_s = self._held_s + seconds if condition else 0.0
        return self._held_s >= self._least_s


class StopRules:
    """Watches the state, a tick at a time; after a stop it is silent while the roll-back and its hold last."""

    def __init__(self, profile: str = "default") -> None:
        self._limits = limits(profile)
        self._stops = 0
        self._t_s = 0.0
        self._quiet_until_s = 0.0
        self._forget()

    def _forget(self) -> None:
        self._heart = _Sustained(self._limits["signs_s"])
        self._skin = _Sustained(self._limits["signs_s"])
        self._near: float | None = None
        self._least: float | None = None  # smoothed arousal since the latest change, at its lowest
        self._changed_s = -AROUSAL_WINDOW_S
        self._risen = _Sustained(AROUSAL_LASTS_S)

    def tick(self, t_s: float, state: State | None, planned_rise: bool, changed: bool = False) -> Stop | None:
        """A stop that is due at `t_s`, if any.

        `planned_rise`: the plan or a person asks for more arousal now; `changed`: the music changed in a way that may
        stir, since the last tick.
        """
        seconds, self._t_s = t_s - self._t_s, t_s
        if t_s < self._quiet_until_s:
            return None
        if changed:
            self._changed_s, self._least = t_s, self._near
        rule, sign = self._broken(t_s, seconds, state, planned_rise)
        if not rule:
            return None
        self._stops += 1
        self._quiet_until_s = t_s + ROLL_BACK_S + HOLD_S
        self._forget()
        return Stop(rule, "roll_back" if self._stops == 1 else "ground", sign)

    def _broken(self, t_s: float, seconds: float, state: State | None, planned_rise: bool) -> tuple[str, str]:
        """The rule that is broken and its sign in words, or two empty texts."""
        heart = self._heart.after(seconds, None if state is None else self._heart_is_high(state))
        skin = self._skin.after(seconds, None if state is None else self._skin_is_high(state))
        rise = self._arousal_rise(t_s, seconds, state, planned_rise)
        risen = self._risen.after(seconds, None if rise is None else rise > self._limits["arousal_rise"])
        if heart:
            return "heart_rate", f"heart rate over {self._limits['hr_rise_bpm']:g} a minute above its own resting rate"
        if skin:
            return (
                "skin_conductance",
                f"skin conductance responses at over {self._limits['scr_ratio']:g} times their own rate",
            )
        if risen:
            return "arousal_rise", f"arousal rose by {rise:.2f} after a change while the plan asks for no rise"
        return "", ""

    def _heart_is_high(self, state: State) -> bool | None:
        if state.hr_bpm is None or state.hr_baseline_bpm is None:
            return None
        at_rest = state.motion is None or state.motion < REST_MOTION_G
        return at_rest and state.hr_bpm > state.hr_baseline_bpm + self._limits["hr_rise_bpm"]

    def _skin_is_high(self, state: State) -> bool | None:
        if state.scr_per_min is None or state.scr_baseline_per_min is None:
            return None
        many = state.scr_per_min >= self._limits["scr_least_per_min"]
        return many and state.scr_per_min > self._limits["scr_ratio"] * state.scr_baseline_per_min

    def _arousal_rise(self, t_s: float, seconds: float, state: State | None, planned_rise: bool) -> float | None:
        """How far arousal rose since the latest change, if that was lately; None where it is not known."""
        if state is None or state.confidence < LEAST_CONFIDENCE:
            return None
        near = state.arousal if self._near is None else self._near
        self._near = near + (state.arousal - near) * min(seconds / AROUSAL_TAU_S, 1.0)
        if planned_rise or t_s - self._changed_s >= AROUSAL_WINDOW_S:
            self._least = None
            return 0.0
        self._least = self._near if self._least is None else min(self._least, self._near)
        return self._near - self._least
