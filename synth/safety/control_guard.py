"""The control guard: every request passes it inside the bus, whoever asks, and leaves within the limits.

It bounds the value (range of the table, limits of the profile, the person's constraints, loudness and dynamics
together) and the speed of the move. It keeps no clock; of the past it knows only the targets it let through for
loudness and dynamics, and where the controls started.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from synth.controls import TABLE, Control, Request, control
from synth.safety.bounds import Bounds
from synth.safety.limits import INTENSITY

_ASKERS = {"hand": "hand", "script": "hand", "safety": "safety"}  # anyone else is the loop
NO_BUILD = ("tension", "tonal_tension", "roughness")
_TOGETHER = {"dynamics_db": "loudness_lufs", "loudness_lufs": "dynamics_db"}


@dataclass(frozen=True, slots=True)
class Admission:
    """What a request may become: target `value`, `rate` of change a second in the control's curve (units, or octaves
    of a logarithmic control), and what was `repair`ed, in words."""

    value: float
    rate: float
    repair: str | None


class ControlGuard:
    """The `bounds` of a session (or of a profile, by name), applied to requests. ValueError on an unknown profile."""

    def __init__(self, bounds: Bounds | str = "default") -> None:
        self.bounds = Bounds(bounds) if isinstance(bounds, str) else bounds
        self.limits = self.bounds.limits
        self._targets: dict[str, float] = {}

    @property
    def output_limits(self) -> dict[str, float]:
        """The limits by name, for the guard behind the master."""
        return dict(self.limits)

    def admit(self, request: Request, values: Mapping[str, float]) -> Admission:
        """The nearest allowed move to `request` while the controls have `values`. ControlError on an unknown name."""
        row = control(request.control)
        now = values.get(row.name, row.default)
        by = _ASKERS.get(request.by.partition(":")[0], "loop")
        if math.isnan(request.value):
            return Admission(now, row.rate_loop, f"{row.name}: not a number was asked, {row.text(now)} stays")
        calming = by == "safety" and INTENSITY.get(row.name, 0) * (request.value - now) < 0
        if row.name in self.bounds.still and not calming:
            return Admission(now, row.rate_loop, f"{row.name} stays at {row.text(now)}: no changes are wanted")
        if by == "loop" and self._still(row.name, request.value, now):
            return Admission(now, row.rate_loop, f"{row.name} stays at {row.text(now)}: profile {self.bounds.profile}")
        low, high = self.bounds.range(row.name, "safety" if calming else "hand" if by == "hand" else "loop")
        high, why = self._together(row, high, values, now)
        value = min(max(row.clamp(request.value), min(low, high)), high)
        if row.name in _TOGETHER:
            self._targets[row.name] = value
        repair = None
        if value != request.value:
            asked = row.text(request.value) if math.isfinite(request.value) else f"{request.value}"
            why = why if value < request.value and why else self._range_text(row, low, high)
            repair = f"{row.name} {asked} was asked, {row.text(value)} is allowed: {why}"
        return Admission(value, self._rate(row, by, value, values), repair)

    def start(self, values: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
        """Starting `values` brought within the limits, and what was repaired, in words."""
        allowed = dict(values)
        for row in (control(name) for name in values):
            low, high = self.bounds.range(row.name)
            allowed[row.name] = min(max(row.clamp(values[row.name]), low), high)
        if {"dynamics_db", "loudness_lufs"} <= allowed.keys():
            headroom = self.limits["programme_lufs"] - allowed["loudness_lufs"]
            allowed["dynamics_db"] = min(allowed["dynamics_db"], headroom)
        changed = [TABLE[name] for name in allowed if allowed[name] != values[name]]
        return allowed, tuple(
            f"{c.name} starts at {c.text(allowed[c.name])}: {self._named(self.bounds.why(c.name))}" for c in changed
        )

    def _still(self, name: str, asked: float, now: float) -> bool:
        """Whether the loop may not make this move at all."""
        if name == "tempo_bpm":
            return self.limits["loop_tempo_per_beat"] == 0.0
        return name in NO_BUILD and asked > now and self.limits["loop_tension_per_s"] == 0.0

    def leap(self, now_bpm: float, wanted_bpm: float) -> float:
        """The tempo that may be reached at once from `now_bpm`, for a person and where the composer says no pulse would
        notice; `now_bpm` itself where it may not leap."""
        low, high = self.bounds.range("tempo_bpm", "hand")
        most = self.limits["tempo_leap_oct"]
        octaves = min(max(math.log2(min(max(wanted_bpm, low), high) / now_bpm), -most), most)
        return now_bpm * 2.0**octaves

    def _range_text(self, row: Control, low: float, high: float) -> str:
        return (
            row.range_text()
            if row.choices
            else f"{low:g} to {high:g} {row.unit}".rstrip() + f" ({self.bounds.why(row.name)})"
        )

    def _named(self, why: str) -> str:
        return f"profile {why}" if why == self.bounds.profile else why

    def _together(self, row: Control, high: float, values: Mapping[str, float], now: float) -> tuple[float, str]:
        """`high` as the other loudness control and the size of a crescendo lower it, and the reason."""
        why = ""
        if other := _TOGETHER.get(row.name):
            theirs = values.get(other, TABLE[other].default)
            most = self.limits["programme_lufs"]
            bounds = {
                most - max(theirs, self._targets.get(other, theirs)): f"with {other} it stays under {most:g} LUFS",
                now + self.limits["crescendo_lu"]: f"one crescendo is at most {self.limits['crescendo_lu']:g} LU",
            }
            if min(bounds) < high:
                high, why = max(min(bounds), row.low), bounds[min(bounds)]
        return high, why

    def _rate(self, row: Control, by: str, value: float, values: Mapping[str, float]) -> float:
        """The fastest allowed move: calmer is quick for anyone, livelier as the asker and the limits allow."""
        now = values.get(row.name, row.default)
        towards = INTENSITY.get(row.name, 0) * (value - now)
        if towards < 0:
            rate = row.rate_hand if row.rate_down is None else row.rate_down
            rate = max(rate, row.rate_hand) if by == "hand" else rate
        else:
            rate = row.rate_hand if by == "hand" else row.rate_loop
        return min(rate, self._fastest(row.name, by, min(value, now), values, rising=towards > 0))

    def _fastest(self, name: str, by: str, lower: float, values: Mapping[str, float], *, rising: bool) -> float:
        """What the limits alone allow; `lower` is the lower end of the move."""
        bounds = self.limits
        if name == "tempo_bpm":
            drift = bounds["loop_tempo_per_beat" if by == "loop" else "hand_tempo_per_beat"]
            return math.log2(1.0 + drift) * lower / 60.0
        if name == "breath_rate_bpm":
            return math.log2(1.0 + bounds["breath_change_per_min"]) / 60.0
        if name.startswith("level_") and (rising or by == "loop"):
            return bounds["hand_stem_rise_db_per_s" if by == "hand" else "stem_rise_db_per_s"]
        if not rising:
            return math.inf
        if name == "tension" and by == "loop":
            return bounds["loop_tension_per_s"]
        if name == "density_hz":
            return bounds["density_oct_per_beat"] * values.get("tempo_bpm", TABLE["tempo_bpm"].low) / 60.0
        if name in _TOGETHER:
            return bounds["crescendo_lu_per_s"]
        if name == "brightness_oct":
            return bounds["hand_brightening_oct_per_s" if by == "hand" else "brightening_oct_per_s"]
        return math.inf
