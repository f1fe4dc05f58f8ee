"""Sessions of the shipped presets, run once without sound: every control second by second."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from synth import Session
from synth.score.model import Score

RATE = 22_050


class Course(NamedTuple):
    """What a session did: each control once a second, its score, and the lines of its record."""

    controls: dict[str, NDArray[np.float64]]
    score: Score
    lines: list[dict[str, Any]]

    def cues(self, kind: str) -> list[float]:
        """When each cue of this kind began and ended, one after the other."""
        return [line["t_s"] for line in self.lines if line["type"] == "cue" and line["kind"] == kind]


@pytest.fixture(scope="session")
def course() -> Callable[..., Course]:
    @cache
    def run(name: str) -> Course:
        lines: list[dict[str, Any]] = []
        session = Session(name, sample_rate=RATE, audio=False, record=lines.append, supervised=True)
        seconds = []
        while not session.finished:
            seconds.append(session.controls)
            session.render(min(RATE, int(session.length_frames) - session.position))
        return Course({name: np.array([s[name] for s in seconds]) for name in seconds[0]}, session.score, lines)

    return run
