"""Plays an instrument as the engine does: events by block, controls at quantum edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.instruments.audition import audition

Play = Callable[..., NDArray[np.float32]]


@pytest.fixture
def play() -> Play:
    """`play(instrument, notes, seconds, sample_rate, blocks, slides, **controls)`: what is heard, (2, frames)."""
    return audition
