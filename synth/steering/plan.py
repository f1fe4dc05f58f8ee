"""The plan: phases scaled to the session's length, each with time enough for its arc.

Gradual change after the iso principle (Davis, Gfeller & Thaut 2008): no step of mood is steeper than
`synth.safety.limits` allows. What has to change for that is told, never done in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from synth.preset import Cue, Phase, Preset, bounds_of
from synth.preset.arc import stage_minutes
from synth.safety.bounds import Bounds

BASELINE_S = 75.0  # time to learn the listener's own values, with sound already on
BASELINE_SHARE = 0.2  # of a short session
RISING = 0.02  # arousal in a phase, under which it counts as level


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


def make_plan(
    preset: Preset, duration_s: float | None, bounds: Bounds | None = None, start: Target | None = None
) -> Plan:
    """The phases of `preset` over `duration_s` seconds (None: its own length, with an open end).

    `start` is where the session begins, the preset's own values without it; baseline and match then stay there.
    A baseline keeps at least BASELINE_S, or BASELINE_SHARE of a short session. Phases too short for their arc take
    time from those that can spare it; when none can, the arc goes only as far as there is time for, and `notes` say so.
    """
    bounds = bounds or bounds_of(preset)
    rows = bounds.limits
    per_min = (rows["arousal_per_min"], rows["valence_per_min"], rows["tension_per_min"])
    c = preset.controls
    own = Target(c["arousal"], c["valence"], c["tension"], c["breath_depth_db"])
    phases = preset.phases if start is None else _meeting(preset.phases, own, start)
    start = own if start is None else start
    wanted = [p.minutes * 60.0 for p in phases]
    total = sum(wanted) if duration_s is None else duration_s
    needed = _needed_s(start, phases, per_min)
    seconds = _scaled(phases, wanted, total)
    given = _spared(phases, seconds, needed)
    reach = min([1.0, *(g / n for g, n in zip(given, needed, strict=True) if n > 0.0)])
    notes = [
        f"the {phase.kind} phase takes {_lasting(after)}, as its arc needs, not {_lasting(before)}"
        for phase, before, after in zip(phases, seconds, given, strict=True)
        if after > before + 0.5
    ]
    if reach < 0.999:
        notes.append(f"{_lasting(total)} is too short for the whole arc: it goes {100 * reach:.0f} % of the way")
    notes += [
        f"the {phase.kind} phase has no room for its {cue.kind} cue"
        for phase, s in zip(phases, given, strict=True)
        for cue in phase.cues
        if cue.seconds > s
    ]
    scaled = tuple(
        replace(
            phase,
            minutes=s / 60.0,
            arousal=start.arousal + reach * (phase.arousal - start.arousal),
            valence=start.valence + reach * (phase.valence - start.valence),
            tension=start.tension + reach * (phase.tension - start.tension),
            dwell_s=reach * phase.dwell_s,
            cues=_cues(phase, s),
        )
        for phase, s in zip(phases, given, strict=True)
    )
    notes += _breath_notes(c["breath_rate_bpm"], scaled, rows["breath_change_per_min"])
    return Plan(start, scaled, duration_s, tuple(notes), per_min)


def _meeting(phases: Sequence[Phase], own: Target, start: Target) -> tuple[Phase, ...]:
    """`phases` up to the first lead or plateau moved as far as `start` lies from the preset's `own` beginning."""
    moved = list(phases)
    for i, phase in enumerate(phases):
        if phase.kind not in ("baseline", "match"):
            break
        by = {name: getattr(start, name) - getattr(own, name) for name in ("arousal", "valence", "tension")}
        moved[i] = replace(
            phase, **{name: min(max(getattr(phase, name) + change, -1.0), 1.0) for name, change in by.items()}
        )
    return tuple(moved)


def _cues(phase: Phase, seconds: float) -> tuple[Cue, ...]:
    """The cues of `phase` over `seconds`: each at its scaled place, or as late as lets it end within the phase."""
    scale = seconds / (60.0 * phase.minutes)
    return tuple(
        replace(cue, at_minutes=min(cue.at_minutes * scale, (seconds - cue.seconds) / 60.0))
        for cue in phase.cues
        if cue.seconds <= seconds
    )


def _needed_s(start: Target, phases: Sequence[Phase], per_min: Sequence[float]) -> list[float]:
    """The shortest time in which each phase can make its move."""
    needed, at = [], start[:3]
    for phase in phases:
        to = (phase.arousal, phase.valence, phase.tension)
        minutes = (
            stage_minutes(b - a, most, phase.step, phase.dwell_s) for a, b, most in zip(at, to, per_min, strict=True)
        )
        needed.append(60.0 * max(minutes))
        at = to
    return needed


def _breath_notes(rate: float, phases: Sequence[Phase], per_min: float) -> list[str]:
    """Where a phase has too little time for its breath rate, coming from `rate`."""
    notes = []
    for phase in phases:
        if phase.breath_rate_bpm is None:
            continue
        wanted, most = math.log2(phase.breath_rate_bpm / rate), math.log2(1.0 + per_min) * phase.minutes
        rate *= 2.0 ** min(max(wanted, -most), most)
        if abs(wanted) > most + 0.01:
            aim = f"{phase.breath_rate_bpm:g} breaths a minute"
            notes.append(f"the {phase.kind} phase is too short for {aim}: the wave comes to {rate:.1f}")
    return notes


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
