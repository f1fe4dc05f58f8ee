"""The bus: bounded moves, exact in any split; a person wins and hands back without a step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.bus import Bus, new_edges
from synth.controls import COLUMN, CONTROLS, TABLE, ControlError, Request, defaults
from synth.safety.control_guard import ControlGuard

SECOND = 750  # quanta of 64 frames at 48 kHz


def make_bus(**initial: float) -> Bus:
    return Bus(48_000, 64, ControlGuard(), {**defaults(), **initial})


def ask(bus: Bus, control: str, value: float, by: str, quantum: int = 0):
    return bus.request(Request(control, value, by, "test"), quantum)


def test_a_move_is_linear_at_its_rate_and_stops_at_the_target():
    bus = make_bus(space=0.2)
    ask(bus, "space", 0.6, "hand")
    rate = TABLE["space"].rate_hand
    after = bus.values(SECOND // 4)["space"]
    assert after == pytest.approx(0.2 + rate * 0.25, abs=1e-3)
    assert bus.values(10 * SECOND)["space"] == 0.6


def test_a_logarithmic_control_moves_in_octaves():
    bus = make_bus(attack_ms=1600.0)
    ask(bus, "attack_ms", 100.0, "mapping")
    octaves = math.log2(1600.0 / bus.values(5 * SECOND)["attack_ms"])
    assert octaves == pytest.approx(5 * TABLE["attack_ms"].rate_loop, rel=1e-6)


def test_the_loop_moves_tempo_slower_than_a_drift_is_heard():
    bus = make_bus(tempo_bpm=60.0)
    ask(bus, "tempo_bpm", 120.0, "mapping")
    per_beat = bus.values(60 * SECOND)["tempo_bpm"] / bus.values(59 * SECOND)["tempo_bpm"] - 1.0
    assert 0.0005 < per_beat <= 0.0017


@given(st.lists(st.integers(1, 64), min_size=1, max_size=40))
def test_edges_are_the_same_in_any_split(sizes: list[int]):
    bus = make_bus()
    ask(bus, "tempo_bpm", 90.0, "hand")
    ask(bus, "brightness_oct", -1.5, "mapping")
    whole = new_edges(sum(sizes))
    bus.edges(0, sum(sizes), whole)
    assert whole[-1, COLUMN["brightness_oct"]] == np.float32(bus.values(sum(sizes))["brightness_oct"])
    at = 0
    for size in sizes:
        edges = new_edges(64)
        bus.edges(at, size, edges)
        np.testing.assert_array_equal(edges[: size + 1], whole[at : at + size + 1])
        at += size


def test_a_hand_takes_a_control_and_gives_it_back_without_a_step():
    bus = make_bus(brightness_oct=0.0)
    assert ask(bus, "brightness_oct", -1.0, "hand:ann").accepted
    assert not ask(bus, "brightness_oct", 1.0, "mapping", SECOND).accepted
    assert bus.held == {"brightness_oct"}
    later = 60 * SECOND
    assert bus.values(later)["brightness_oct"] == -1.0
    assert bus.release("brightness_oct") and not bus.release("brightness_oct")
    assert bus.values(later)["brightness_oct"] == -1.0
    ask(bus, "brightness_oct", 1.0, "mapping", later)
    step = bus.values(later + 1)["brightness_oct"] + 1.0
    assert 0 < step <= TABLE["brightness_oct"].rate_loop * 64 / 48_000 + 1e-9


def test_safety_outranks_a_hand():
    bus = make_bus()
    ask(bus, "dynamics_db", 3.0, "hand")
    assert ask(bus, "dynamics_db", -6.0, "safety").accepted
    assert not ask(bus, "dynamics_db", 3.0, "hand", 1).accepted


def test_key_and_mode_change_at_once_in_the_committed_row():
    bus = make_bus(key=0)
    ask(bus, "key", 7, "hand", 10)
    assert bus.values(10)["key"] == 7


@given(
    st.sampled_from([c.name for c in CONTROLS]), st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 10**6)
)
def test_whatever_is_asked_values_stay_in_range(name: str, value: float, quantum: int):
    bus = make_bus()
    ask(bus, name, value, "hand", quantum)
    for c in CONTROLS:
        assert c.low <= bus.values(quantum + 10 * SECOND)[c.name] <= c.high


def test_an_unknown_control_names_its_neighbours():
    with pytest.raises(ControlError, match="tempo_bpm"):
        ask(make_bus(), "tempo_bmp", 60, "hand")


def test_columns_follow_the_table():
    assert [COLUMN[c.name] for c in CONTROLS] == list(range(len(CONTROLS)))


def test_a_person_cannot_let_go_of_what_safety_holds():
    bus = make_bus(brightness_oct=0.0)
    assert ask(bus, "brightness_oct", -1.0, "safety").accepted
    assert not bus.release("brightness_oct", "hand") and "brightness_oct" in bus.held
    assert bus.release("brightness_oct")
