"""What a session of a preset may do: its profile, what the safety questions closed, and the person's constraints."""

from __future__ import annotations

from collections.abc import Iterable

from synth.preset.model import Preset
from synth.safety.bounds import Bounds
from synth.safety.constraints import Constraint, parse
from synth.safety.screening import Gates, gates, stricter_profile


def bounds_of(preset: Preset, gate: Gates | None = None, constraints: Iterable[str] = ()) -> Bounds:
    """The bounds of a session of `preset`; no `gate` is nothing answered. ConstraintError on a constraint that is not
    understood or leaves a control nowhere to be."""
    from synth.instruments import CATALOGUE

    gate = gate or gates()
    asked = [parse(text, tuple(CATALOGUE)) for text in dict.fromkeys((*preset.constraints, *constraints))]
    closed = [Constraint(why, silent=(kind,)) for kind, why in gate.silent.items()]
    silent = {
        stem: constraint.text
        for constraint in (*asked, *closed)
        for stem, setting in preset.stems.items()
        if set(constraint.silent) & {stem, setting.instrument, *_sounds(setting.instrument)}
    }
    profile = stricter_profile(preset.profile, gate.profile)
    return Bounds(profile, screened=gate.slow_breath, constraints=asked, silent=silent)


def _sounds(instrument: str) -> tuple[str, ...]:
    from synth.instruments import CATALOGUE

    return CATALOGUE[instrument].sounds if instrument in CATALOGUE else ()
