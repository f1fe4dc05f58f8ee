"""From arousal, valence and tension to the controls that express them.

Cues add up nearly linearly in what listeners hear (Eerola, Friberg & Bresin 2013: linear terms explain 77 to 89 %,
interactions none), so the inverse is a linear one: the smallest change around the preset's own values that moves the
sum as asked. Arousal is served first, by the cues that carry it; then tension by cues of its own, on top of what
arousal did to it; then valence, the least certain (Korhonen 2004: 8 % of variance against 75 % for arousal), by its
own share alone, the few modes spread over the preset's range of valence. So each is monotone in its own aim, whatever
the ranges: more arousal never lowers loudness, tempo or density.

Weights are priors for listeners used to Western music, from the regressions of Gabrielsson & Lindström, Schubert
2004, Korhonen 2004 and Eerola 2013 brought to one scale of -1..1; loudness was fitted anew on Eerola's open film
music ratings (0.041 a dB).
"""

from __future__ import annotations

import math
from collections.abc import Mapping as Values
from dataclasses import dataclass

from synth.controls import TABLE, Request
from synth.preset import Preset, bounds_of
from synth.safety.bounds import Bounds
from synth.safety.control_guard import NO_BUILD

DEAD_BAND = 1 / 200  # of a control's whole span, in its curve
MODE_STEP = 0.75  # degrees of wanted change before the mode moves
LEVEL_DRIFT = 0.25 / 300.0  # of dynamic_range_lu a second: over 5 minutes the arc leaves the loudness range true
LEVEL_BY_HAND = 0.1  # dB a second: a person who moves arousal is to hear it within the minute


@dataclass(frozen=True, slots=True)
class Cue:
    """A control as a cue: `unit` is the change (octaves for a logarithmic control) that counts as 1, signed towards
    more arousal or brighter mood; the weights say how much 1 adds to arousal, valence and tension."""

    control: str
    unit: float
    arousal: float
    valence: float
    tension: float

    def size(self, value: float, neutral: float) -> float:
        """How far `value` is from `neutral`, in units."""
        return (_curve(self.control, value) - _curve(self.control, neutral)) / self.unit

    def value(self, size: float, neutral: float) -> float:
        """The value `size` units from `neutral`."""
        moved = _curve(self.control, neutral) + size * self.unit
        return 2.0**moved if TABLE[self.control].curve == "log" else moved


def _curve(control: str, value: float) -> float:
    return math.log2(value) if TABLE[control].curve == "log" else value


AROUSAL = (
    Cue("dynamics_db", 10.0, 0.40, 0.0, 0.20),
    Cue("tempo_bpm", 0.8, 0.30, 0.08, 0.08),
    Cue("density_hz", 3.0, 0.15, 0.05, 0.05),
    Cue("articulation", -0.6, 0.10, 0.03, 0.03),
    Cue("brightness_oct", 1.5, 0.12, 0.0, 0.12),
    Cue("attack_ms", -4.0, 0.08, 0.0, 0.10),
    Cue("percussiveness", 1.0, 0.12, 0.0, 0.10),
)
TENSION = (
    Cue("tonal_tension", 0.5, 0.05, -0.15, 0.30),
    Cue("roughness", 1.0, 0.05, -0.25, 0.35),
    Cue("regularity", 0.5, 0.08, 0.05, -0.10),
    Cue("predictability", 0.5, 0.0, 0.08, -0.15),
)
VALENCE = (
    Cue("mode", -3.0, -0.02, 0.45, -0.15),
    Cue("register_note", 15.0, 0.03, 0.12, 0.0),
)
CUES = AROUSAL + TENSION + VALENCE


def loop_range(preset: Preset, control: str, bounds: Bounds) -> tuple[float, float]:
    """Where the loop may move `control`: the preset's range within the session's bounds.

    A control without a range stays at the preset's value; arousal, valence, tension and the breath have the table's.
    """
    row, start = TABLE[control], preset.controls[control]
    planned = ("arousal", "valence", "tension", "breath_rate_bpm", "breath_depth_db")
    low, high = preset.ranges.get(control, (row.low, row.high) if control in planned else (start, start))
    if control in bounds.still or (control == "tempo_bpm" and bounds.limits["loop_tempo_per_beat"] == 0.0):
        low = high = start
    least, most = bounds.range(control)
    return min(max(low, least), most), max(min(high, most), least)


class CueMap:
    """The inverse map of one preset: its starting values express its starting arousal, valence and tension."""

    def __init__(self, preset: Preset, bounds: Bounds | None = None) -> None:
        bounds = bounds or bounds_of(preset)
        self._ranges = {cue.control: loop_range(preset, cue.control, bounds) for cue in CUES}
        self._neutral = {name: min(max(preset.controls[name], low), high) for name, (low, high) in self._ranges.items()}
        self._start = tuple(preset.controls[name] for name in ("arousal", "valence", "tension"))
        self._sizes = {cue.control: self._bounds(cue) for cue in CUES}
        self._moods = loop_range(preset, "valence", bounds)

    def wanted(self, arousal: float, valence: float, tension: float) -> dict[str, float]:
        """The value of each cue's control that expresses these, each in -1..1, as far as the ranges allow."""
        sizes = self._spread({cue.control: cue.arousal for cue in AROUSAL}, arousal - self._start[0])
        left = tension - self._start[2] - sum(cue.tension * sizes[cue.control] for cue in AROUSAL)
        sizes |= self._spread({cue.control: cue.tension for cue in TENSION}, left)
        change = valence - self._start[1]
        sizes |= self._clipped(_shares({cue.control: cue.valence for cue in VALENCE}, change))
        sizes["mode"] = self._spread_out(sizes["mode"], change)
        return {cue.control: self._value(cue, sizes[cue.control]) for cue in CUES}

    def _spread(self, weights: dict[str, float], total: float) -> dict[str, float]:
        """Sizes of least squares whose weighted sum is `total`; what a range cuts off is taken over by the others."""
        sizes: dict[str, float] = {}
        while weights:
            shares = _shares(weights, total)
            clipped = self._clipped(shares)
            cut = [name for name in weights if clipped[name] != shares[name]]
            if not cut:
                return sizes | shares
            for name in cut:
                sizes[name] = clipped[name]
                total -= weights.pop(name) * clipped[name]
        return sizes

    def _spread_out(self, mode: float, change: float) -> float:
        """The mode's size; where it has degrees to choose from, the last comes no sooner than valence's own bound."""
        low, high = self._ranges["mode"]
        room = abs(self._moods[int(change > 0.0)] - self._start[1])
        if high - low < 2.0 or not room:
            return mode
        most = abs(self._sizes["mode"][int(change > 0.0)]) * min(abs(change) / room, 1.0)
        return min(max(mode, -most), most)

    def _clipped(self, sizes: dict[str, float]) -> dict[str, float]:
        return {name: min(max(size, self._sizes[name][0]), self._sizes[name][1]) for name, size in sizes.items()}

    def _bounds(self, cue: Cue) -> tuple[float, float]:
        """Smallest and largest size within the control's range."""
        one, other = (cue.size(bound, self._neutral[cue.control]) for bound in self._ranges[cue.control])
        return min(one, other), max(one, other)

    def _value(self, cue: Cue, size: float) -> float:
        low, high = self._ranges[cue.control]
        return min(max(cue.value(size, self._neutral[cue.control]), low), high)


def _shares(weights: dict[str, float], total: float) -> dict[str, float]:
    """Sizes in proportion to their weights, whose weighted sum is `total`."""
    scale = total / sum(weight * weight for weight in weights.values())
    return {name: scale * weight for name, weight in weights.items()}


class Mapping:
    """Asks for the controls that express the committed arousal, valence and tension, when they moved enough.

    `start`: the controls as the session begins, the preset's own without it."""

    def __init__(self, preset: Preset, bounds: Bounds | None = None, start: Values[str, float] | None = None) -> None:
        bounds = bounds or bounds_of(preset)
        self._map = CueMap(preset, bounds)
        self._builds = bounds.limits["loop_tension_per_s"] > 0.0
        start = start or preset.controls
        self._sent = {cue.control: start[cue.control] for cue in CUES}
        self._level_db: float | None = start["dynamics_db"]

    def requests(
        self,
        values: Values[str, float],
        held: frozenset[str],
        seconds: float = 1.0,
        *,
        tempo_ratio: float = 1.0,
        most_db: float = math.inf,
    ) -> list[Request]:
        """Requests by "mapping" for what differs from the last one by more than a dead-band; none for `held`.

        What was held and is no longer is asked for again, at once. The mode moves one degree at a time, the playing
        level never over `most_db` and slowly, sooner where arousal is held; `seconds` have passed since the last call.
        `tempo_ratio` shifts the tempo.
        """
        moods = (values["arousal"], values["valence"], values["tension"])
        asked = []
        drift_db = LEVEL_BY_HAND if "arousal" in held else LEVEL_DRIFT * values["dynamic_range_lu"]
        if "dynamics_db" in held:
            self._level_db = None
        for name, value in self._map.wanted(*moods).items():
            if name in held:
                self._sent.pop(name, None)
                continue
            if name == "dynamics_db":
                self._level_db = value = self._drift(min(value, most_db), drift_db * seconds)
            elif name == "tempo_bpm":
                value *= tempo_ratio
            elif name in NO_BUILD and not self._builds:
                value = min(value, values[name])
            sent = self._sent.get(name)
            if name == "mode":
                value = _next_mode(value, values[name] if sent is None else sent)
            if sent is None or abs(_curve(name, value) - _curve(name, sent)) > DEAD_BAND * _span(name):
                self._sent[name] = value
                why = _reason(name, *moods)
                if name == "tempo_bpm" and tempo_ratio != 1.0:
                    why = f"a tempo shift of {100.0 * (tempo_ratio - 1.0):+.3g} %, as planned"
                asked.append(Request(name, value, "mapping", why))
        return asked

    def forget(self) -> None:
        """Ask for everything again: someone else moved the controls."""
        self._sent.clear()
        self._level_db = None

    def _drift(self, wanted_db: float, most_db: float) -> float:
        """The playing level, `most_db` nearer to the wanted one; all the way when someone else moved it."""
        level_db = wanted_db if self._level_db is None else self._level_db
        return level_db + min(max(wanted_db - level_db, -most_db), most_db)


def _next_mode(wanted: float, now: float) -> float:
    """One degree from `now` towards `wanted`, which must be well past half-way."""
    return now if abs(wanted - now) < MODE_STEP else now + math.copysign(1.0, wanted - now)


def _span(control: str) -> float:
    return _curve(control, TABLE[control].high) - _curve(control, TABLE[control].low)


def _reason(control: str, arousal: float, valence: float, tension: float) -> str:
    if any(cue.control == control for cue in AROUSAL):
        return f"expresses arousal {arousal:+.2f}"
    if any(cue.control == control for cue in TENSION):
        return f"expresses tension {tension:+.2f}"
    return f"expresses valence {valence:+.2f}"
