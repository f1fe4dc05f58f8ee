"""Every note that begins ends, whoever holds it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.midi.keys import Keys

HERE, THERE = ("a", 4), ("b", 11)


class Played:
    """What was begun and ended, and what sounds."""

    def __init__(self) -> None:
        self.log: list[tuple[float, float]] = []
        self.sounding: Counter[tuple[float, str]] = Counter()

    def __call__(self, pitch: float, velocity: float, stem: str) -> None:
        self.log.append((pitch, velocity))
        self.sounding[pitch, stem] += 1 if velocity else -1
        assert self.sounding[pitch, stem] in (0, 1), "a note begins once and ends once"

    @property
    def now(self) -> set[float]:
        return {pitch for (pitch, _), count in self.sounding.items() if count}


def test_a_key_goes_down_and_up() -> None:
    played = Played()
    keys = Keys(played)
    keys.on(HERE, 60, 0.5, "melody")
    keys.off(HERE, 60)
    keys.off(HERE, 60)
    assert played.log == [(60.0, 0.5), (60.0, 0.0)] and keys.sounding == 0


def test_struck_again_it_ends_first() -> None:
    played = Played()
    keys = Keys(played)
    keys.on(HERE, 60, 0.5, "melody"), keys.on(HERE, 60, 0.9, "melody"), keys.off(HERE, 60)
    assert played.log == [(60.0, 0.5), (60.0, 0.0), (60.0, 0.9), (60.0, 0.0)]


def test_the_pedal_keeps_what_is_let_go_and_no_more() -> None:
    played = Played()
    keys = Keys(played)
    keys.on(HERE, 60, 0.5, "melody"), keys.pedal(HERE, True), keys.off(HERE, 60)
    keys.on(HERE, 64, 0.5, "melody"), keys.on(THERE, 67, 0.5, "melody"), keys.off(THERE, 67)
    assert played.now == {60.0, 64.0}
    keys.pedal(HERE, False)
    assert played.now == {64.0}
    keys.pedal(HERE, True), keys.off(HERE, 64), keys.on(HERE, 64, 0.5, "melody"), keys.off(HERE, 64)
    assert played.now == {64.0}
    keys.on(HERE, 64, 0.5, "melody"), keys.pedal(HERE, False)
    assert played.now == {64.0}, "a finger holds it"


def test_a_note_held_by_two_ends_with_the_last() -> None:
    played = Played()
    keys = Keys(played)
    keys.on(HERE, 60, 0.5, "melody"), keys.on(THERE, 60, 0.5, "melody"), keys.off(HERE, 60)
    assert played.now == {60.0} and keys.sounding == 1
    keys.off(THERE, 60)
    assert not played.now


def test_a_lost_port_ends_its_own() -> None:
    played = Played()
    keys = Keys(played)
    keys.on(HERE, 60, 0.5, "melody"), keys.pedal(HERE, True), keys.off(HERE, 60), keys.on(THERE, 62, 0.5, "melody")
    assert keys.end("a") == 1 and played.now == {62.0}
    keys.on(HERE, 61, 0.5, "melody"), keys.off(HERE, 61)
    assert played.now == {62.0}, "its pedal is up"
    assert keys.end() == 1 and not played.now


def test_what_cannot_be_played_is_not_held() -> None:
    def refuse(pitch: float, velocity: float, stem: str) -> None:
        raise ValueError(stem)

    keys = Keys(refuse)
    with pytest.raises(ValueError, match="nature"):
        keys.on(HERE, 60, 0.5, "nature")
    keys.off(HERE, 60)
    assert keys.sounding == 0


STEPS = st.tuples(
    st.sampled_from(("on", "off", "down", "up", "end")), st.sampled_from((HERE, THERE, ("a", 5))), st.integers(60, 62)
)


@given(st.lists(STEPS, max_size=60))
def test_whatever_is_done_nothing_is_left(steps: list[tuple[str, tuple[str, int], int]]) -> None:
    played = Played()
    keys = Keys(played)
    for what, place, note in steps:
        if what == "on":
            keys.on(place, note, 0.5, "melody")
        elif what == "off":
            keys.off(place, note)
        elif what == "end":
            keys.end(*place)
        else:
            keys.pedal(place, what == "down")
        assert keys.sounding == len(played.now)
    keys.end()
    assert not played.now and keys.sounding == 0
