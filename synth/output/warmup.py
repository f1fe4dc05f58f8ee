"""Compiles the kernels of presets ahead of their first sound."""

from __future__ import annotations

from collections.abc import Iterable

from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.preset import load_preset
from synth.session import Session


def warm_up(preset_names: Iterable[str]) -> None:
    """Render a moment of each preset, so that its kernels are compiled and cached."""
    for name in preset_names:
        Session(load_preset(name), minutes=0.2).render(QUANTUM * MAX_QUANTA)
