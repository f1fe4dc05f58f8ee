"""What may be asked of a render, as keywords of `synth.output.render.render_session`; checked before it is queued.

What was asked came over the network: no name in it is ever taken for a path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synth.controls import control
from synth.output.spatial import KINDS
from synth.preset import Preset, PresetError, bounds_of, load_preset, phases_from, preset_names
from synth.safety.screening import gates
from synth.session import TermsError
from synth.wearables.recording import Recording
from synth.wearables.samples import CHANNELS, REPORTS, Samples

TERMS = (
    "policy",
    "palette",
    "constraints",
    "screening",
    "self_report",
    "supervised",
    "calibration",
    "delivery",
    "haptic",
    "played",
)
PLAIN = ("minutes", "seed", "sample_rate", "spatial", "mastered_stems")


def keywords(session: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of `render_session` for what `Asked.session` holds. ValueError says what is wrong with it."""
    asked: dict[str, Any] = {name: session[name] for name in (*PLAIN, *TERMS) if session.get(name) is not None}
    asked["preset"] = preset_of(session)
    asked["settings"] = dict(_request(name, value) for name, value in session.get("settings", {}).items())
    asked["script"] = [(at_s, *_request(name, value)) for at_s, name, value in session.get("script", ())]
    if session.get("signals"):
        asked["wearable"] = recording_of(session["signals"])
    return asked


def check(session: Mapping[str, Any]) -> None:
    """Raise now, in words for the caller, what the render would be refused for: ValueError."""
    from synth.session import agree  # with the engine behind it

    asked = keywords(session)
    for name, value in asked["settings"].items():
        control(name).check(value)
    minutes = asked.get("minutes", asked["preset"].minutes)
    if not math.isfinite(minutes):
        raise PresetError(f"{asked['preset'].name} has no end of its own: give its minutes")
    if asked.get("spatial") and (asked["spatial"] not in KINDS or asked.get("delivery")):
        raise TermsError(f"spatial: one of {', '.join(KINDS)}, and without delivery, which is for one kind of device")
    recording = asked.get("wearable")
    sensed = recording is not None and not set(recording.channels) <= set(REPORTS)
    agree(asked["preset"], minutes, wearable=sensed, **{name: asked[name] for name in TERMS if name in asked})


def preset_of(session: Mapping[str, Any]) -> Preset:
    """The shipped preset that was named, with the plan that was asked for in place of its own, as long as that is.
    PresetError, ConstraintError or ScreeningError."""
    name, plan = session["preset"], session.get("plan")
    if name not in preset_names():
        raise PresetError(f"there is no preset called {name!r}: one of {', '.join(preset_names())}")
    preset = load_preset(name)
    if plan is None:
        return preset
    bounds = bounds_of(preset, gates(session.get("screening")), session.get("constraints", ()))
    phases = phases_from(preset, plan, bounds)
    return replace(preset, phases=phases, minutes=sum(phase.minutes for phase in phases))


def recording_of(signals: Sequence[Mapping[str, Any]]) -> Recording:
    """A recording of inline samples: a mapping with channel, t_s, value and perhaps quality for each channel.
    ValueError."""
    runs: dict[str, list[Samples]] = {}
    for run in signals:
        runs.setdefault(run["channel"], []).append(_samples(run))
    return Recording(Path("asked"), {"id": "asked"}, {name: _joined(name, parts) for name, parts in runs.items()}, ())


def _samples(run: Mapping[str, Any]) -> Samples:
    samples = Samples.of(run["channel"], run["t_s"], run["value"], _quality(run))
    if not (np.isfinite(samples.t_s).all() and np.isfinite(samples.value).all()):
        raise ValueError(f"{run['channel']}: times and values must be finite numbers")
    return samples


def _quality(run: Mapping[str, Any]) -> Any:
    quality = run.get("quality")
    if quality is None:
        return 1.0
    if len(quality) != len(run["t_s"]) or not all(0.0 <= value <= 1.0 for value in quality):
        raise ValueError(f"{run['channel']}: give a quality from 0 to 1 for each sample, or none at all")
    return quality


def _joined(channel: str, parts: Sequence[Samples]) -> Samples:
    assert channel in CHANNELS
    t_s, value, quality = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("t_s", "value", "quality")
    )
    order = np.argsort(t_s, kind="stable")
    return Samples(channel, t_s[order], value[order], quality[order])


def _request(name: str, value: float | str) -> tuple[str, float]:
    """A control and its value; a mode or key may be given by name. What is out of range the session clamps, and records
    that. ControlError."""
    row = control(name)
    return row.name, row.parse(value) if isinstance(value, str) else float(value)
