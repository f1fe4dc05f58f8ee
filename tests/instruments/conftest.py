"""Plays an instrument as the engine does: events by block, controls at quantum edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.controls import CONTROLS, EDGE_COLUMNS, FADE, TABLE
from synth.instruments.base import (
    EVENT_COLUMNS,
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_QUANTA,
    OFF,
    ON,
    QUANTUM,
    SLIDE,
    Instrument,
)

Play = Callable[..., NDArray[np.float32]]


def _play(
    instrument: Instrument,
    notes: Sequence[tuple[float, float, float, float, float]],
    seconds: float,
    sample_rate: int = 48000,
    blocks: Sequence[int] = (MAX_QUANTA,),
    slides: Sequence[tuple[float, int, float, float]] = (),
    **controls: float,
) -> NDArray[np.float32]:
    """`notes` are (start_s, length_s, pitch, velocity, variation); `blocks` the quanta a block, taken in turn; `slides`
    (start_s, number of the note, pitch, seconds)."""
    unknown = set(controls) - set(TABLE)
    assert not unknown, unknown
    row = np.zeros(EDGE_COLUMNS, np.float32)
    row[: len(CONTROLS)] = [controls.get(c.name, c.default) for c in CONTROLS]
    row[FADE] = 1.0
    edges = np.tile(row, (MAX_QUANTA + 1, 1))
    events = [(round(n[0] * sample_rate), ON, i, *n[2:], 0.0) for i, n in enumerate(notes)]
    events += [(round((n[0] + n[1]) * sample_rate), OFF, i, *n[2:], 0.0) for i, n in enumerate(notes)]
    events += [(round(at_s * sample_rate), SLIDE, i, pitch, 0.0, 0.0, s) for at_s, i, pitch, s in slides]
    events.sort(key=lambda event: event[:2])
    total = -(-round(seconds * sample_rate) // QUANTUM)
    heard = np.zeros((2, total * QUANTUM), np.float32)
    block, out = np.zeros((MAX_EVENTS, EVENT_COLUMNS)), np.ones((2, MAX_FRAMES), np.float32)
    done = 0
    for length in itertools.cycle(blocks):
        quanta = min(length, total - done)
        if quanta == 0:
            return heard
        first, last = done * QUANTUM, (done + quanta) * QUANTUM
        due = [event for event in events if first <= event[0] < last]
        for i, event in enumerate(due):
            block[i] = event
            block[i, 0] -= first
        instrument.render(block, len(due), edges, quanta, out)
        heard[:, first:last] = out[:, : quanta * QUANTUM]
        done += quanta
    raise AssertionError


@pytest.fixture
def play() -> Play:
    """`play(instrument, notes, seconds, sample_rate, blocks, **controls)`: what is heard, (2, frames)."""
    return _play
