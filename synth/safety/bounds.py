"""What one session may do: the limits of its profile, narrowed by screening and by the person's constraints.

Everything here only narrows. Whoever needs to know how far a control may go asks `Bounds.range`.
"""

from __future__ import annotations

from collections.abc import Sequence

from synth.controls import TABLE
from synth.safety.constraints import Constraint, ConstraintError
from synth.safety.limits import BREATH_RATE_SCREENED_BPM, control_range, limits


class Bounds:
    """The bounds of a session.

    `screened`: the safety questions allow a hand to take the breath below 6 a minute. `silent` are stems that may not
    sound, by the words of the constraint that says so. ValueError on an unknown profile, ConstraintError when
    constraints leave a control nowhere to be.
    """

    def __init__(
        self,
        profile: str = "default",
        *,
        screened: bool = False,
        constraints: Sequence[Constraint] = (),
        silent: dict[str, str] | None = None,
    ) -> None:
        self.profile = profile
        self.screened = screened
        self.constraints = tuple(constraint.text for constraint in constraints)
        self.limits = limits(profile)
        self.still = frozenset(name for constraint in constraints for name in constraint.still)
        self._ranges = {row.name: control_range(row.name, row.low, row.high, self.limits) for row in TABLE.values()}
        self._profile_ranges = dict(self._ranges)
        self._slowest_breath_bpm = BREATH_RATE_SCREENED_BPM if screened else self._ranges["breath_rate_bpm"][0]
        self._whys: dict[str, str] = {}
        for constraint in constraints:
            for name, span in constraint.spans.items():
                self._narrow(name, span, constraint.text)
        for stem, text in (silent or {}).items():
            level = f"level_{stem}_db"
            self._narrow(level, (TABLE[level].low, TABLE[level].low), text)

    def range(self, control: str, by: str = "loop") -> tuple[float, float]:
        """Lowest and highest value of `control` for the "loop", a "hand", or "safety" on its way to something calmer,
        which nothing but the profile stops."""
        if by == "safety":
            return self._profile_ranges[control]
        low, high = self._ranges[control]
        if control == "breath_rate_bpm" and by == "hand":
            low = min(low, self._slowest_breath_bpm)
        return low, high

    def why(self, control: str) -> str:
        """What narrows `control`: the profile, or a constraint in the person's words."""
        return self._whys.get(control, self.profile)

    def _narrow(self, name: str, span: tuple[float, float], text: str) -> None:
        low, high = self._ranges[name]
        if span[0] > high or span[1] < low:
            allowed = f"{low:g} to {high:g} {TABLE[name].unit}".rstrip()
            raise ConstraintError(f"{text!r} leaves {name} nowhere to be: {self.why(name)} allows {allowed}")
        if name == "breath_rate_bpm" and span[0] > self._slowest_breath_bpm:
            self._slowest_breath_bpm, self._whys[name] = span[0], text
        narrower = max(low, span[0]), min(high, span[1])
        if narrower != (low, high):
            self._ranges[name], self._whys[name] = narrower, text
        if name == "loudness_lufs":
            self.limits["programme_lufs"] = min(self.limits["programme_lufs"], span[1])
