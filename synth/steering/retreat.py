"""Retreats: a bounded move to a calmer place over a few seconds, asked for by safety.

Rolling back returns arousal and tension to what they were before the signals rose. Grounding leaves tonic and
fifth, darker and softer. Neither makes anything more intense than it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from synth.controls import TABLE, Request
from synth.safety.limits import INTENSITY

GROUND_S = 6.0
STAGE = 0.1  # of arousal and tension, the least a roll-back takes away
_GROUND_TO = {
    "arousal": -0.5, "tension": -0.6, "tonal_tension": 0.0, "roughness": 0.0, "percussiveness": 0.0,
    "density_hz": 0.3, "breath_depth_db": 0.0,
}  # fmt: skip
_GROUND_BY = {"dynamics_db": -6.0, "brightness_oct": -0.75}


class Retreat:
    """A move of the controls in `goal` from `start` over `seconds` from `began_s`, by requests once a second."""

    def __init__(
        self, start: Mapping[str, float], goal: Mapping[str, float], began_s: float, seconds: float, reason: str
    ) -> None:
        self._start = {name: start[name] for name in goal}
        self.goal = dict(goal)
        self._began_s, self._seconds, self._reason = began_s, seconds, reason

    @property
    def controls(self) -> frozenset[str]:
        """What it moves."""
        return frozenset(self.goal)

    def over(self, t_s: float) -> bool:
        """Whether the goal was asked for."""
        return t_s > self._began_s + self._seconds

    def requests(self, t_s: float) -> list[Request]:
        """Where the move should be a second from `t_s`, so that it runs on between the ticks."""
        share = min((t_s + 1.0 - self._began_s) / self._seconds, 1.0)
        return [
            Request(name, (1.0 - share) * self._start[name] + share * goal, "safety", self._reason)
            for name, goal in self.goal.items()
        ]


def roll_back(
    now: Mapping[str, float], then: Mapping[str, float], held: frozenset[str], t_s: float, seconds: float, reason: str
) -> Retreat:
    """Back to the arousal and tension of `then`, and a stage under those of `now` at least."""
    goal = {name: min(then[name], now[name] - STAGE) for name in ("arousal", "tension") if name not in held}
    return Retreat(now, {name: TABLE[name].clamp(value) for name, value in goal.items()}, t_s, seconds, reason)


def ground(now: Mapping[str, float], held: frozenset[str], t_s: float, reason: str) -> Retreat:
    """To tonic and fifth, 6 dB softer and darker."""
    goal = _GROUND_TO | {name: now[name] + by for name, by in _GROUND_BY.items()}
    calmer = {
        name: TABLE[name].clamp(value)
        for name, value in goal.items()
        if name not in held and INTENSITY[name] * (value - now[name]) < 0
    }
    return Retreat(now, calmer, t_s, GROUND_S, reason)
