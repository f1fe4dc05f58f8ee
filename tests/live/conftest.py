"""A tape on a real JACK server, and live sessions that are over when their test is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from bench.jack_here import Tape
from synth.live import LiveSession, Setup
from synth.preset import load_preset


@pytest.fixture
def recorder() -> Iterator[Callable[..., Tape]]:
    """Makes tapes, which have left their server by the end of the test."""
    made: list[Tape] = []

    def make(*asked) -> Tape:
        made.append(Tape(*asked))
        return made[-1]

    yield make
    for tape in made:
        tape.close()


@pytest.fixture
def live() -> Iterator[Callable[..., LiveSession]]:
    """Makes live sessions by preset and what differs in their setup; `lines` of each are its record."""
    made: list[LiveSession] = []

    def make(preset: str = "settle", session: dict | None = None, **setup) -> LiveSession:
        lines: list[dict] = []
        asked = {"seed": 5, "minutes": 2.0, **(session or {})}
        one = LiveSession(Setup(load_preset(preset), asked, **setup), record=lines.append)
        one.lines = lines
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()


def until(condition: Callable[[], bool], seconds: float = 20.0, what: str = "") -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what or "it never came"
        time.sleep(0.02)


@pytest.fixture(name="until")
def waiting() -> Callable[..., None]:
    return until
