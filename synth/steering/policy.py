"""Policies: what a person's word and their body's signals may change in the plan.

Each is a rung of one ladder behind one interface. The plan always drives; a policy says whether its start meets the
person's own report, and second by second how fast it goes on and how far arousal is trimmed. What it asks for goes
through guard, rates and bus like any request. A policy that learns takes its place here and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from synth.estimator.state import State


class Pace(NamedTuple):
    """What a policy asks for: `speed` of plan time, `trim` added to arousal, and in `words` what changed and why."""

    speed: float
    trim: float
    words: tuple[str, ...] = ()


class Policy(Protocol):
    """One way of letting a listener into the plan."""

    name: str
    meets: bool  # whether the start is matched to what the person reports

    def step(self, t_s: float, seconds: float, planned: float, heading: int, state: State | None) -> Pace:
        """The pace for the `seconds` up to `t_s`; `planned` is the plan's arousal, `heading` 1, 0 or -1."""

    def forget_trim(self) -> None:
        """Begin without a trim: the music was moved by someone else."""

    def replan(self, may_raise: bool) -> None:
        """The plan was changed; it aims up or level if signals `may_raise`."""


class TimedArc:
    """L0: the plan as it stands, on time."""

    name, meets = "L0", False

    def step(self, t_s: float, seconds: float, planned: float, heading: int, state: State | None) -> Pace:
        """Always the plan's own pace."""
        return Pace(1.0, 0.0)

    def forget_trim(self) -> None:
        """There is none."""

    def replan(self, may_raise: bool) -> None:
        """It asks nobody."""


class MatchedArc(TimedArc):
    """L1: on time, from a start that meets the person's report."""

    name, meets = "L1", True


def make_policy(name: str, may_raise: bool) -> Policy:
    """The policy called `name` (`synth.preset.POLICIES`); `may_raise`: the plan aims up or level."""
    from synth.steering.responsive import Responsive

    policies = {"L0": TimedArc, "L1": MatchedArc}
    return Responsive(may_raise) if name == "L2" else policies[name]()
