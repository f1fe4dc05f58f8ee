"""Loads, or compiles, all that a session will call, so that nothing has to be fetched while it sounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from synth.bus import new_edges
from synth.controls import CONTROLS, FADE
from synth.instruments import make
from synth.instruments.base import (
    EVENT_COLUMNS,
    FRAME,
    KIND,
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_QUANTA,
    NOTE_ID,
    OFF,
    ON,
    PITCH,
    QUANTUM,
    SECONDS,
    SLIDE,
    VELOCITY,
)
from synth.preset import Preset
from synth.session.session import Session

COMPOSED_MIN = 1.5
PLAYED_S = 2.5  # the first ticks of estimator, steering and watch among it


def warm_up(preset: Preset, sample_rate: int = 48_000) -> None:
    """Play a note on every instrument that `preset` or a scene of it binds, a moment of a session with its stems, and
    compose some minutes."""
    edges = new_edges(MAX_QUANTA)
    edges[:, : len(CONTROLS)] = [c.default for c in CONTROLS]
    edges[:, FADE] = 1.0
    out = np.zeros((2, MAX_FRAMES), np.float32)
    for name, settings in _bound(preset):
        instrument = make(name, sample_rate, 0, **settings)
        events = np.zeros((MAX_EVENTS, EVENT_COLUMNS))
        for row, (frame, kind) in enumerate(((0, ON), (QUANTUM, SLIDE), (3 * QUANTUM, OFF))):
            events[row, [FRAME, KIND, NOTE_ID, PITCH, VELOCITY, SECONDS]] = frame, kind, 1, 60 + row, 0.5, 0.01
        instrument.render(events, 3, edges, 8, out)
    asked: dict[str, Any] = {"minutes": COMPOSED_MIN, "sample_rate": sample_rate, "supervised": True}
    Session(preset, audio=False, **asked).render(round(60.0 * COMPOSED_MIN * sample_rate))
    Session(preset, stems=True, **asked).render_audio(round(PLAYED_S * sample_rate))


def _bound(preset: Preset) -> Iterator[tuple[str, dict[str, Any]]]:
    for stem, setting in preset.stems.items():
        if stem != "reverb":
            yield setting.instrument, dict(setting.settings)
    for name in sorted({name for scene in preset.scenes for name in scene.instruments.values()}):
        yield name, {}
