"""Pairs of 14 bits and NRPNs become one knob."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synth.control.midi.knobs import PAIR_S, Knobs, Move
from synth.wire.midi import to_share


def heard(*changes: tuple[int, int], alone: tuple[int, ...] = (), gap_s: float = 0.001) -> list[Move]:
    knobs, moves = Knobs(alone.__contains__), []
    for n, (number, value) in enumerate(changes):
        moves += knobs.hear(number, value, n * gap_s)
    return moves + knobs.settle(len(changes) * gap_s + 1.0)


def test_seven_bits_alone() -> None:
    assert heard((7, 0), (7, 64), (7, 127), (74, 127)) == [
        Move("cc", 7, 0.0),
        Move("cc", 7, 0.5),
        Move("cc", 7, 1.0),
        Move("cc", 74, 1.0),
    ]


def test_a_finer_half_refines() -> None:
    assert heard((7, 64), (39, 1))[1] == Move("cc", 7, to_share(8193, 14), True)
    assert heard((39, 5)) == []  # nothing to refine


@given(st.lists(st.integers(0, 16383), min_size=2, max_size=30).map(sorted))
def test_a_fine_fader_never_steps_back(values: list[int]) -> None:
    moves = heard(*((half, v) for value in values for half, v in ((7, value >> 7), (39, value & 127))))
    fine = [move.position for move in moves if move.fine]
    assert [move.position for move in moves[1:]] == fine and fine == sorted(fine)
    assert fine[-1] == to_share(values[-1], 14)


def test_a_half_that_stays_away_is_not_waited_for() -> None:
    knobs = Knobs(lambda number: False)
    knobs.hear(7, 64, 0.0), knobs.hear(39, 9, 0.001)
    assert knobs.hear(7, 100, 1.0) == [] and knobs.settle(1.0 + PAIR_S / 2) == []
    assert knobs.settle(1.001 + PAIR_S) == [Move("cc", 7, to_share(100))]
    assert knobs.hear(7, 101, 2.0) == [Move("cc", 7, to_share(101))]  # it is of seven bits after all


def test_a_knob_of_its_own_is_no_half() -> None:
    assert heard((7, 64), (39, 127), alone=(39,)) == [Move("cc", 7, 0.5), Move("cc", 39, 1.0)]


def test_nrpn() -> None:
    moves = heard((99, 2), (98, 3), (6, 127), (38, 127), (6, 0))
    assert moves == [Move("nrpn", 259, 1.0), Move("nrpn", 259, 1.0, True), Move("nrpn", 259, 0.0)]


def test_registered_parameters_are_not_knobs() -> None:
    assert heard((101, 0), (100, 0), (6, 12), (38, 0)) == []
    assert heard((99, 2), (98, 3), (101, 0), (100, 0), (6, 12)) == []
    assert heard((101, 0), (100, 0), (101, 127), (100, 127), (6, 127)) == [Move("cc", 6, 1.0)]
    assert heard((99, 2), (98, 3), (99, 127), (98, 127), (6, 0)) == [Move("cc", 6, 0.0)]
