"""From what was asked over HTTP to a session: its preset with the plan given, and the keywords of `Session`."""

from __future__ import annotations

import math
import re
import secrets
from dataclasses import replace
from typing import Any

from synth.api.new_session import NewSession, Signals
from synth.api.problem import Wrong
from synth.controls import TABLE, ControlError
from synth.daemon.problems import Problem
from synth.preset import Preset, bounds_of, phases_from
from synth.safety.screening import gates

SEEDS = 2**31
LOW_CONFIDENCE = 0.1  # something was sensed, and nothing is known yet of how this body answers


def value_of(name: str, given: float | str, where: str) -> float:
    """A control's value as it was asked for. Problem 422 on a word that it does not have."""
    row = TABLE[name]
    if not isinstance(given, str):
        return float(given)
    if not row.choices:
        raise Problem(422, detail=f"{name} takes a number", errors=[Wrong(where=where, what=row.range_text())])
    try:
        return row.parse(given)
    except ControlError:
        what = f"give {row.range_text()}"
        raise Problem(422, detail=f"{name} has no such value", errors=[Wrong(where=where, what=what)]) from None


def keywords(asked: NewSession) -> dict[str, Any]:
    """The keywords of `synth.Session`."""
    feeling = asked.self_report.model_dump(exclude_none=True) if asked.self_report else None
    context = {"earlier": [one.model_dump() for one in asked.context.earlier], "hour": asked.context.local_hour}
    known = context["earlier"] or context["hour"] is not None
    chosen: dict[str, Any] = {
        "minutes": math.inf if asked.minutes == "endless" else asked.minutes,
        "context": context if known else None,
        "settings": {name: value_of(name, v, f"body.settings.{name}") for name, v in asked.settings.items()} or None,
        "constraints": asked.constraints or None,
        "screening": asked.screening,
        "self_report": feeling or None,
        "supervised": asked.supervised or None,
        "policy": asked.policy,
        "palette": asked.palette,
        "delivery": asked.delivery,
        "calibration": asked.calibration_db_spl,
        "played": None if asked.played == "as_played" else asked.played,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return {"seed": secrets.randbelow(SEEDS) if asked.seed is None else asked.seed, **given}


def planned(preset: Preset, asked: NewSession) -> Preset:
    """The preset with the plan that was asked for in place of its own, as long as that is. PresetError, ConstraintError
    or ScreeningError with what is wrong."""
    if asked.plan is None:
        return preset
    bounds = bounds_of(preset, gates(asked.screening), asked.constraints)
    phases = phases_from(preset, [phase.table() for phase in asked.plan], bounds)
    return replace(preset, phases=phases, minutes=sum(phase.minutes for phase in phases))


def refused(error: ValueError, phases: str = "body.plan") -> Problem:
    """What the engine says against what was asked, a line each; what it says of a plan stands at `phases`."""
    errors = [_wrong(line.strip(), phases) for line in str(error).splitlines() if line.strip()]
    return Problem(422, "Not possible", "the engine does not take this: see errors", errors=errors)


def _wrong(line: str, phases: str) -> Wrong:
    """The engine counts from 1, as people do: "plan: phases 1 cues 2 kind: ..." is at body.plan.0.cues.1.kind."""
    found = re.fullmatch(r"plan: phases((?: \w+)*):? (.*)", line)
    if found is None:
        return Wrong(where="body", what=line)
    steps = (str(int(step) - 1) if step.isdigit() else step for step in found[1].split())
    return Wrong(where=".".join([phases, *steps]), what=found[2])


def sensed(signals: Signals, preset: Preset) -> dict[str, float]:
    """The latest of each signal, by channel of the session. Problem 422 where the preset takes none of the body."""
    given = {"hr": signals.hr_bpm, "acc": signals.lengths_g}
    latest = {channel: values[-1] for channel, values in given.items() if values}
    if latest and preset.wearable == "refused":
        what = f"{preset.name} listens to what the person says, not to their body: leave them out"
        raise Problem(422, "Not possible", what, errors=[Wrong(where="body.signals", what=what)])
    return latest


def first_confidence(latest: dict[str, float], asked: NewSession) -> tuple[float, list[str]]:
    """How sure the service can be before the session has listened, and why."""
    reasons = []
    if asked.signals.rmssd_ms:
        reasons.append("heart rate variability was read; send rr_ms to the session's signals, as it works from beats")
    if not latest:
        return 0.0, [*reasons, "nothing is sensed yet, so nothing is believed: confidence is 0"]
    return LOW_CONFIDENCE, [
        *reasons,
        "confidence is low: a session must listen for a minute or more before it knows how this body is at rest",
    ]
