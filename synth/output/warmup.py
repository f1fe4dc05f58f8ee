"""Compiles the kernels of presets ahead of their first sound."""

from __future__ import annotations

from collections.abc import Iterable

from synth.preset import load_preset
from synth.session.warm import warm_up as warm_up_one


def warm_up(preset_names: Iterable[str]) -> None:
    """Make every sound of each preset once, so that its kernels are compiled and cached."""
    for name in preset_names:
        warm_up_one(load_preset(name))
