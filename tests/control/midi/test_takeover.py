"""A knob does nothing until it stands where its control is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synth.control.midi.takeover import NEAR, Grip

POSITIONS = st.floats(0.0, 1.0)


def test_nothing_until_it_passes() -> None:
    grip = Grip()
    taken = [grip.move(position, 0.5, False, 0.1 * n) for n, position in enumerate((0.9, 0.8, 0.6, 0.45))]
    assert taken == [False, False, False, True]


def test_near_is_enough() -> None:
    assert Grip().move(0.5 + NEAR * 0.99, 0.5, False, 0.0)
    assert not Grip().move(0.5 + NEAR * 1.01, 0.5, False, 0.0)


def test_jump_takes_at_once() -> None:
    assert Grip(jump=True).move(1.0, 0.0, False, 0.0)


@given(st.lists(POSITIONS, min_size=1, max_size=20), POSITIONS)
def test_the_first_value_taken_is_never_farther_than_one_move(moves: list[float], present: float) -> None:
    grip, before = Grip(), None
    for n, position in enumerate(moves):
        if grip.move(position, present, False, n * 0.01):
            step = 0.0 if before is None else abs(position - before)
            assert abs(position - present) <= max(step, NEAR)
            return
        before = position


def test_a_slow_control_stays_in_hand() -> None:
    grip, present = Grip(), 0.5
    assert grip.move(0.5, present, False, 0.0) and grip.move(1.0, present, False, 0.1)
    for n in range(1, 600):  # half a minute for half the way
        present = min(0.5 + n * 0.001, 1.0)
        grip.look(present, True, 0.1 + n * 0.05)
        assert grip.has
    assert grip.move(0.9, present, True, 40.0)


def test_turning_back_while_it_still_flies_up() -> None:
    grip = Grip()
    grip.move(0.3, 0.3, False, 0.0), grip.move(1.0, 0.3, False, 0.01)
    grip.look(0.5, True, 0.1)
    assert grip.move(0.45, 0.5, True, 0.11)
    grip.look(0.62, True, 0.16)  # what was asked before is still on its way
    assert grip.move(0.44, 0.6, True, 0.2)


def test_another_hand_takes_it_away() -> None:
    for elsewhere in (0.9, 0.1):
        grip = Grip()
        grip.move(0.5, 0.5, False, 0.0)
        grip.look(0.5, True, 1.0)
        grip.look(elsewhere, True, 2.0)
        assert not grip.has
        assert not grip.move(0.52, elsewhere, True, 2.1) and not grip.move(0.5, elsewhere, True, 2.2)
        assert grip.move(elsewhere, elsewhere, True, 2.3)


def test_another_hand_between_is_noticed_when_it_stops_there() -> None:
    grip = Grip()
    grip.move(0.2, 0.2, False, 0.0), grip.move(0.8, 0.2, False, 0.1)
    for n in range(60):
        grip.look(min(0.2 + 0.02 * n, 0.5), True, 0.1 + 0.1 * n)
    assert not grip.has


def test_what_was_given_back_has_to_be_picked_up() -> None:
    grip = Grip()
    grip.move(0.5, 0.5, False, 0.0), grip.move(0.9, 0.5, False, 0.1)
    grip.look(0.6, True, 0.2)
    assert grip.has
    grip.look(0.61, False, 0.3)
    assert not grip.has and not grip.move(0.8, 0.61, False, 0.4) and grip.move(0.6, 0.61, False, 0.5)
