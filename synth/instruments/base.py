"""What every instrument is to the engine: events and controls in, a stereo stem out, one compiled call a block."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from synth.dsp.quantum import QUANTUM

MAX_QUANTA = 64  # quanta in the longest block an instrument is asked for
MAX_FRAMES = QUANTUM * MAX_QUANTA
MAX_EVENTS = 512  # in one block

# Columns of an event row, float64, rows sorted by FRAME, then KIND. VARIATION is a number in [0, 1) of the note's own,
# so that no two hits are alike. A SLIDE takes a sounding note to another PITCH in SECONDS along a raised cosine of log
# frequency; what cannot slide plays on.
FRAME, KIND, NOTE_ID, PITCH, VELOCITY, VARIATION, SECONDS = range(7)
EVENT_COLUMNS = 7
OFF, ON, SLIDE = 0.0, 1.0, 2.0

Events = NDArray[np.float64]  # (MAX_EVENTS, EVENT_COLUMNS)
Edges = NDArray[np.float32]  # (MAX_QUANTA + 1, controls.EDGE_COLUMNS), a row for each quantum edge
Buffer = NDArray[np.float32]  # (2, MAX_FRAMES), C order


@runtime_checkable
class Listening(Protocol):
    """What plays from the sound of other stems, which is put into `heard` before each render."""

    heard: Buffer


class Instrument(Protocol):
    """`render` overwrites `out[:, : quanta * QUANTUM]`; equal seed, events and edges: equal samples in any split."""

    def __init__(self, sample_rate: int, seed: int, **settings: float) -> None: ...

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta."""

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
