"""What the session benchmark computes, and that its dense preset is dense."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from synth import Session

Program = Callable[[str], ModuleType]


def test_rates_are_of_the_whole_and_of_the_slowest_ten_seconds(program: Program) -> None:
    blocks = [(1.0, 0.01)] * 15 + [(1.0, 0.05)] * 5 + [(1.0, 0.01)] * 10
    whole, slowest = program("session").rates(iter(blocks))
    assert whole == pytest.approx(30.0 / (25 * 0.01 + 5 * 0.05))
    assert slowest == pytest.approx(10.0 / (5 * 0.01 + 5 * 0.05))


def test_less_than_ten_seconds_have_one_rate(program: Program) -> None:
    assert program("session").rates(iter([(1.0, 0.25), (1.0, 0.25)])) == (4.0, 4.0)


def test_the_dense_session_plays_every_stem_and_as_many_notes_as_the_controls_allow(program: Program) -> None:
    playing = Session(program("session").dense(), seed=1, minutes=4.0, audio=False)
    playing.render(180 * 48_000)
    late = [note for note in playing.score.notes if note.tick > playing.engine.transport.beat.tick / 2]
    assert {note.stem for note in late} == {"pad", "bass", "melody", "bells", "percussion"}
    assert len(late) / 90.0 > 6.0
