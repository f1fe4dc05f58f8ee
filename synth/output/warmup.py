"""Compiles the kernels of presets ahead of their first sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from synth.instruments.base import MAX_QUANTA, QUANTUM
from synth.preset import load_preset
from synth.session import Session


def warm_up(
    preset_names: Iterable[str], progress: Callable[[str, int, int], None] = lambda what, done, all: None
) -> None:
    """Render a moment of each preset, so that its kernels are compiled and cached; `progress(name, done, all)`."""
    names = list(preset_names)
    for done, name in enumerate(names):
        progress(name, done, len(names))
        session = Session(load_preset(name), minutes=0.2)
        session.render(QUANTUM * MAX_QUANTA)
    progress("", len(names), len(names))
