"""The rack: who hears which note, how bindings fade into each other, and that blocks do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.instruments import make
from synth.instruments.base import MAX_QUANTA, OFF, ON, QUANTUM, SLIDE
from synth.instruments.rack import FADE_IN_S, FADE_OUT_S, Rack

RATE = 48000


class Steady:
    """Sounds at `level` all the time, and keeps what it hears in its own time."""

    def __init__(self, level: float) -> None:
        self.level, self.got, self.frames, self.sounding = level, [], 0, 1

    def render(self, events, count, edges, quanta, out):
        self.got += [(self.frames + int(e[0]), e[1], e[2]) for e in events[:count]]
        self.frames += quanta * QUANTUM
        out[:, : quanta * QUANTUM] = self.level


class Turning:
    """A rack that binds at given quanta, as the engine does, so that it can be played as an instrument."""

    def __init__(self, rack: Rack, turns: list[tuple[int, str]]) -> None:
        self.rack, self.turns, self.quantum = rack, turns, 0

    def render(self, events, count, edges, quanta, out):
        while self.turns and self.turns[0][0] < self.quantum + quanta:
            self.rack.bind(self.turns[0][1], self.turns.pop(0)[0])
        self.rack.render(events, count, edges, quanta, out)
        self.quantum += quanta


def seconds(s: float) -> int:
    return round(s * RATE / QUANTUM)


def test_one_fades_in_while_the_other_fades_out(play):
    rack = Rack({"a": Steady(0.5), "b": Steady(0.25)}, "a", RATE)
    heard = play(Turning(rack, [(seconds(2), "b")]), [], 12.0)[0]
    at = lambda s: heard[round(s * RATE)]  # noqa: E731
    assert at(1.99) == 0.5
    assert at(2 + FADE_IN_S / 2) == pytest.approx(0.125 + 0.5 * (0.5 + 0.5 * np.cos(np.pi / 4)), abs=1e-3)
    assert at(2 + FADE_OUT_S / 2) == pytest.approx(0.25 + 0.25, abs=1e-3)
    assert at(2 + FADE_OUT_S + 0.01) == 0.25
    assert np.abs(np.diff(heard)).max() < 2e-5


def test_who_is_bound_hears_new_notes_and_everyone_the_ends_of_their_own(play):
    a, b = Steady(0.1), Steady(0.1)
    rack = Rack({"a": a, "b": b}, "a", RATE)
    notes = [(0.5, 2.0, 60, 0.5, 0), (1.5, 2.0, 62, 0.5, 0)]
    play(Turning(rack, [(seconds(1), "b")]), notes, 5.0, slides=[(2.0, 0, 61, 0.1), (2.0, 1, 63, 0.1)])
    assert [(kind, note) for _, kind, note in a.got] == [(ON, 0), (SLIDE, 0), (OFF, 0)]
    assert [(kind, note) for _, kind, note in b.got] == [(ON, 1), (SLIDE, 1), (OFF, 1)]
    assert [frame for frame, *_ in a.got] == [24000, 96000, 120000]
    assert [frame for frame, *_ in b.got] == [24000, 48000, 120000]  # its own time begins at the turn


def test_notes_that_are_held_when_a_fade_ends_are_let_go(play):
    a = Steady(0.1)
    play(Turning(Rack({"a": a, "b": Steady(0.1)}, "a", RATE), [(seconds(1), "b")]), [(0.5, 60.0, 60, 0.5, 0)], 9.0)
    assert [(kind, note) for _, kind, note in a.got] == [(ON, 0), (OFF, 0)]
    assert a.frames == pytest.approx((1 + FADE_OUT_S) * RATE, abs=QUANTUM)  # and it is played no longer than that


def test_a_binding_before_anything_is_heard_needs_no_fade(play):
    heard = play(Turning(Rack({"a": Steady(0.5), "b": Steady(0.25)}, "a", RATE), [(0, "b")]), [], 0.1)
    assert (heard == 0.25).all()


def test_a_binding_that_comes_back_goes_on_from_where_it_is(play):
    turns = [(seconds(1), "b"), (seconds(2), "a"), (seconds(2.5), "a")]
    heard = play(Turning(Rack({"a": Steady(0.5), "b": Steady(0.0)}, "a", RATE), turns), [], 9.0)[0]
    assert heard[-1] == 0.5
    assert np.abs(np.diff(heard)).max() < 3e-5
    assert heard[: RATE * 3].min() > 0.4


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    blocks=st.lists(st.integers(1, MAX_QUANTA), min_size=1, max_size=6),
    turns=st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(("celesta", "warm", "felt_piano"))), max_size=4),
)
def test_blocks_do_not_matter(play, blocks, turns):
    notes = [(0.1 + 0.3 * i, 0.5, 55 + 2 * i, 0.6, 0.1 * i) for i in range(12)]

    def heard(blocks):
        names = ("celesta", "warm", "felt_piano")
        rack = Rack({name: make(name, RATE, 3) for name in names}, "warm", RATE)
        return play(Turning(rack, sorted(turns)), notes, 5.0, blocks=blocks)

    assert np.array_equal(heard(blocks), heard((MAX_QUANTA,)))
