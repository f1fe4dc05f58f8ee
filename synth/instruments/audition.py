"""One instrument alone: plays notes at times in seconds under controls that stay, as the engine would."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.controls import CONTROLS, EDGE_COLUMNS, FADE, TABLE, ControlError
from synth.instruments.base import (
    EVENT_COLUMNS,
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_QUANTA,
    OFF,
    ON,
    QUANTUM,
    SLIDE,
    Edges,
    Instrument,
    Listening,
)

Row = tuple[float, float, float, float, float]


def audition(
    instrument: Instrument,
    notes: Sequence[Row],
    seconds: float,
    sample_rate: int = 48000,
    blocks: Sequence[int] = (MAX_QUANTA,),
    slides: Sequence[tuple[float, int, float, float]] = (),
    heard: NDArray[np.float32] | None = None,
    **controls: float,
) -> NDArray[np.float32]:
    """What is heard, (2, frames) float32: `seconds`, filled up to a whole quantum.

    `notes` are (start_s, length_s, pitch, velocity, variation), `slides` (start_s, number of the note, pitch, seconds);
    `blocks` the quanta a block, taken in turn; `heard` (2, frames) what a texture takes its grains from. ControlError
    on a control that does not exist.
    """
    edges = _edges(controls)
    rows = [(round(n[0] * sample_rate), ON, i, *n[2:], 0.0) for i, n in enumerate(notes)]
    rows += [(round((n[0] + n[1]) * sample_rate), OFF, i, *n[2:], 0.0) for i, n in enumerate(notes)]
    rows += [(round(at_s * sample_rate), SLIDE, i, pitch, 0.0, 0.0, s) for at_s, i, pitch, s in slides]
    rows.sort(key=lambda row: row[:2])
    total = -(-round(seconds * sample_rate) // QUANTUM)
    audio = np.zeros((2, total * QUANTUM), np.float32)
    events, out = np.zeros((MAX_EVENTS, EVENT_COLUMNS)), np.ones((2, MAX_FRAMES), np.float32)
    done = 0
    for length in itertools.cycle(blocks):
        quanta = min(length, total - done)
        if quanta == 0:
            break
        first, last = done * QUANTUM, (done + quanta) * QUANTUM
        due = [row for row in rows if first <= row[0] < last]
        for i, row in enumerate(due):
            events[i] = row
            events[i, 0] -= first
        if heard is not None and isinstance(instrument, Listening):
            instrument.heard[:, : last - first] = heard[:, first:last]
        instrument.render(events, len(due), edges, quanta, out)
        audio[:, first:last] = out[:, : quanta * QUANTUM]
        done += quanta
    return audio


def _edges(controls: dict[str, float]) -> Edges:
    if unknown := set(controls) - set(TABLE):
        raise ControlError(f"no control called {', '.join(sorted(unknown))}")
    row = np.zeros(EDGE_COLUMNS, np.float32)
    row[: len(CONTROLS)] = [controls.get(c.name, c.default) for c in CONTROLS]
    row[FADE] = 1.0
    return np.tile(row, (MAX_QUANTA + 1, 1))
