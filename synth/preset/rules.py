"""What a session of a preset may do: its profile, what the safety questions closed, and the person's constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synth.preset.model import Preset, Scene
from synth.safety.bounds import Bounds
from synth.safety.constraints import Constraint, parse
from synth.safety.screening import Gates, gates, stricter_profile


def bounds_of(preset: Preset, gate: Gates | None = None, constraints: Iterable[str] = ()) -> Bounds:
    """The bounds of a session of `preset`; no `gate` is nothing answered. ConstraintError on a constraint that is not
    understood or leaves a control nowhere to be."""
    gate = gate or gates()
    asked = [*_asked(preset, constraints), *(parse(f"level_{stem}_db at most 0") for stem in _kept_down(preset))]
    silent = {
        stem: constraint.text
        for constraint in (*asked, *_closed(gate))
        for stem, setting in preset.stems.items()
        if _refuses(constraint, stem, setting.instrument)
    }
    profile = stricter_profile(preset.profile, gate.profile)
    return Bounds(profile, screened=gate.slow_breath, constraints=asked, silent=silent)


def allowed(preset: Preset, gate: Gates, constraints: Iterable[str] = ()) -> Preset:
    """`preset` without the instruments of its scenes that may not sound: the stem's own goes on in their place."""
    given = (*_asked(preset, constraints), *_closed(gate))
    return preset.without(lambda stem, name: any(_refuses(constraint, stem, name) for constraint in given))


def sliding_stems(preset: Preset, scene: Scene) -> frozenset[str]:
    """Stems whose instruments in `scene` can glide from tone to tone."""
    from synth.instruments import CATALOGUE

    played = {stem: scene.instruments.get(stem, setting.instrument) for stem, setting in preset.stems.items()}
    return frozenset(stem for stem, name in played.items() if name in CATALOGUE and CATALOGUE[name].slides)


def haptic_closed(preset: Preset, gate: Gates | None = None, constraints: Iterable[str] = ()) -> str:
    """Why nothing may shake in a session of `preset`, in words; "" when it may. What may not pulse may not shake."""
    given = (*_asked(preset, constraints), *_closed(gate or gates()))
    return next((constraint.text for constraint in given if {"haptic", "pulse"} & set(constraint.silent)), "")


def _kept_down(preset: Preset) -> list[str]:
    """Stems that nobody may turn up over the preset's level: those of instruments that must stay under one."""
    bound = ((stem, name) for scene in preset.scenes for stem, name in scene.instruments.items())
    played = (*((stem, setting.instrument) for stem, setting in preset.stems.items()), *bound)
    return list(dict.fromkeys(stem for stem, name in played if "level_lu" in mix_of(name)))


def mix_of(instrument: str) -> Mapping[str, tuple[float, float]]:
    """Lowest and highest of a stem's numbers in the mix, where `instrument` must be kept to them."""
    from synth.instruments import CATALOGUE

    return CATALOGUE[instrument].mix if instrument in CATALOGUE else {}


def _asked(preset: Preset, constraints: Iterable[str]) -> list[Constraint]:
    from synth.instruments import CATALOGUE

    return [parse(text, tuple(CATALOGUE)) for text in dict.fromkeys((*preset.constraints, *constraints))]


def _closed(gate: Gates) -> list[Constraint]:
    return [Constraint(why, silent=(kind,)) for kind, why in gate.silent.items()]


def _refuses(constraint: Constraint, stem: str, instrument: str) -> bool:
    return bool(set(constraint.silent) & {stem, instrument, *_sounds(instrument)})


def _sounds(instrument: str) -> tuple[str, ...]:
    from synth.instruments import CATALOGUE

    return CATALOGUE[instrument].sounds if instrument in CATALOGUE else ()
