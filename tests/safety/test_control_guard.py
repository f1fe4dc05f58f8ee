"""The control guard: whoever asks, and whatever is asked, values and speeds stay within the limits."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.bus import Bus
from synth.controls import CONTROLS, TABLE, ControlError, Request, defaults
from synth.safety.bounds import Bounds
from synth.safety.control_guard import ControlGuard
from synth.safety.limits import INTENSITY, PROFILES, control_range, limits

ASKERS = ("plan", "policy", "mapping", "script", "hand", "hand:ann", "safety", "someone else")
LOOP = ("plan", "policy", "mapping", "someone else")
names = st.sampled_from([c.name for c in CONTROLS])
profiles = st.sampled_from(PROFILES)


@st.composite
def committed(draw) -> dict[str, float]:
    """Any values that the table allows."""
    values = {c.name: draw(st.floats(c.low, c.high)) for c in CONTROLS if c.curve != "choice"}
    return defaults() | values


def ask(guard: ControlGuard, control: str, value: float, by: str = "hand", **values: float):
    return guard.admit(Request(control, value, by, "test"), {**defaults(), **values})


@given(profiles, names, st.floats(allow_nan=False), st.sampled_from(ASKERS), committed())
def test_no_value_passes_its_limits(profile, name, value, by, values):
    guard, row = ControlGuard(profile), TABLE[name]
    admitted = guard.admit(Request(name, value, by, "test"), values)
    low, high = control_range(name, row.low, row.high, limits(profile))
    if admitted.value != values[name]:  # a control that starts outside may stay there, and only move inwards
        assert row.low <= admitted.value <= row.high
        assert admitted.value <= max(high, row.low)
        assert admitted.value >= low or name in ("dynamics_db", "loudness_lufs")
    assert (admitted.repair is None) == (admitted.value == value)
    assert admitted.rate > 0.0


@given(profiles, names, st.floats(-200, 200), st.sampled_from(ASKERS), committed())
def test_no_move_is_faster_than_its_asker_may(profile, name, value, by, values):
    guard, row, now = ControlGuard(profile), TABLE[name], values[name]
    admitted = guard.admit(Request(name, value, by, "test"), values)
    calmer = INTENSITY.get(name, 0) * (admitted.value - now) < 0
    hand = by.startswith(("hand", "script"))
    fastest = row.rate_hand if hand else row.rate_loop
    if calmer:
        fastest = max(row.rate_down or 0.0, row.rate_hand) if hand or row.rate_down is None else row.rate_down
    assert admitted.rate <= fastest


@pytest.mark.parametrize(("profile", "most"), [("default", -23), ("relax", -26), ("sensitive", -28)])
@given(
    st.lists(st.tuples(st.booleans(), st.floats(-60, 20), st.sampled_from(ASKERS[:-1])), min_size=1, max_size=12),
    st.integers(1, 4000),
)
@settings(max_examples=40)
def test_loudness_and_dynamics_together_never_pass_the_programme(profile, most, asked, quanta):
    guard = ControlGuard(profile)
    start, _ = guard.start(defaults())
    bus, quantum = Bus(48_000, 64, guard, start), 0
    for dynamics, value, by in asked:
        bus.request(Request("dynamics_db" if dynamics else "loudness_lufs", value, by, "test"), quantum)
        for later in (quantum + quanta // 2, quantum + quanta, quantum + 10**6):
            values = bus.values(later)
            assert values["dynamics_db"] + values["loudness_lufs"] <= most + 1e-9
        quantum += quanta


def test_not_a_number_leaves_the_value():
    admitted = ask(ControlGuard(), "tempo_bpm", math.nan, tempo_bpm=80.0)
    assert admitted.value == 80.0 and "not a number" in admitted.repair


@pytest.mark.parametrize("name", ["key", "tempo_bpm"])
@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_the_infinite_is_brought_to_the_nearest_end(name, value):
    admitted = ask(ControlGuard(), name, value)
    assert admitted.value == (TABLE[name].high if value > 0 else TABLE[name].low) and "inf was asked" in admitted.repair


@pytest.mark.parametrize(
    ("profile", "name", "asked", "value"),
    [
        ("default", "attack_ms", 5, 25),
        ("sensitive", "attack_ms", 30, 80),
        ("default", "breath_rate_bpm", 4.5, 6),
        ("relax", "tempo_bpm", 120, 90),
        ("sensitive", "arousal", 0.9, 0.3),
        ("sensitive", "tension", 0.9, 0.0),
        ("sensitive", "dynamic_range_lu", 10, 5),
        ("relax", "loudness_lufs", -20, -26),
    ],
)
def test_profiles_narrow_a_hand_too(profile, name, asked, value):
    admitted = ask(ControlGuard(profile), name, asked)
    assert admitted.value == value and f"{TABLE[name].text(value)} is allowed" in admitted.repair


def test_one_crescendo_is_bounded():
    assert ask(ControlGuard(), "dynamics_db", 8, dynamics_db=-12, loudness_lufs=-35).value == -4
    assert ask(ControlGuard("sensitive"), "dynamics_db", 8, dynamics_db=-12, loudness_lufs=-40).value == -8
    assert ask(ControlGuard(), "dynamics_db", -12, dynamics_db=3).value == -12


def test_a_target_still_on_its_way_counts():
    guard = ControlGuard()
    assert ask(guard, "dynamics_db", 2, loudness_lufs=-26, dynamics_db=0).value == 2
    louder = ask(guard, "loudness_lufs", -23, loudness_lufs=-26, dynamics_db=0.1)
    assert louder.value == -25 and "with dynamics_db it stays under -23 LUFS" in louder.repair


def test_the_breath_goes_under_six_only_by_a_screened_hand():
    assert ask(ControlGuard(Bounds(screened=True)), "breath_rate_bpm", 4.5).value == 4.5
    assert ask(ControlGuard(Bounds(screened=True)), "breath_rate_bpm", 4.5, by="policy").value == 6.0


@pytest.mark.parametrize("by", LOOP)
def test_for_sensitive_listeners_the_loop_builds_nothing(by):
    guard = ControlGuard("sensitive")
    still = {"tempo_bpm": 60.0, "tension": -0.5, "tonal_tension": 0.1, "roughness": 0.05}
    for name, now in still.items():
        admitted = ask(guard, name, now + 0.2 * (TABLE[name].high - now), by, **still)
        assert admitted.value == now and "profile sensitive" in admitted.repair
    assert ask(guard, "tension", -0.8, by, **still).value == -0.8
    assert ask(guard, "tempo_bpm", 55, "hand", **still).value == 55


def test_speeds_of_the_limits():
    a_beat_at_60 = ask(ControlGuard(), "tempo_bpm", 80, "hand", tempo_bpm=60.0).rate
    assert 2.0**a_beat_at_60 - 1.0 == pytest.approx(0.003, rel=1e-6)
    relaxed = ask(ControlGuard("relax"), "tempo_bpm", 60, "hand", tempo_bpm=80.0).rate
    assert 2.0**relaxed - 1.0 == pytest.approx(0.001, rel=1e-6), "at the slow end of the move"
    assert ask(ControlGuard(), "dynamics_db", 3, "hand", dynamics_db=-2).rate == 1.0
    assert ask(ControlGuard("sensitive"), "dynamics_db", -6, "hand", dynamics_db=-9).rate == 0.3
    assert ask(ControlGuard("sensitive"), "level_pad_db", 0, "hand", level_pad_db=-20).rate == 3.75
    assert ask(ControlGuard("sensitive"), "brightness_oct", 1, "hand", brightness_oct=0).rate == 0.5
    breath = ask(ControlGuard(), "breath_rate_bpm", 6, "hand", breath_rate_bpm=12).rate
    assert 2.0 ** (60.0 * breath) - 1.0 <= 0.03
    density = ask(ControlGuard("sensitive"), "density_hz", 2, "hand", density_hz=1, tempo_bpm=60).rate
    assert density == pytest.approx(1 / 16), "twice as many notes take 16 beats"


def test_faders_and_filters_follow_a_hand_but_not_the_loop():
    level, filters = {"level_pad_db": -6.0}, {"brightness_oct": 0.0}
    for towards in (0.0, -12.0):
        assert ask(ControlGuard(), "level_pad_db", towards, "hand", **level).rate == 600.0
        assert ask(ControlGuard(), "level_pad_db", towards, "mapping", **level).rate <= 12.0
    assert ask(ControlGuard(), "brightness_oct", 1.0, "hand", **filters).rate == 100.0
    assert ask(ControlGuard(), "brightness_oct", -1.0, "hand", **filters).rate == 100.0
    assert ask(ControlGuard(), "brightness_oct", 1.0, "mapping", **filters).rate == TABLE["brightness_oct"].rate_loop
    assert ask(ControlGuard(), "brightness_oct", -1.0, "mapping", **filters).rate == 1.0


def test_calmer_is_quick_for_the_loop_too():
    assert ask(ControlGuard(), "dynamics_db", -6, "mapping").rate == TABLE["dynamics_db"].rate_down
    assert ask(ControlGuard(), "attack_ms", 400, "mapping").rate == TABLE["attack_ms"].rate_hand
    assert ask(ControlGuard(), "arousal", 0.5, "safety").rate == TABLE["arousal"].rate_loop, "safety never hurries up"


def test_start_brings_values_within_the_profile():
    values, repairs = ControlGuard("sensitive").start({**defaults(), "attack_ms": 30, "dynamics_db": 2})
    assert values["attack_ms"] == 80 and values["loudness_lufs"] == -28 and values["dynamics_db"] == 0
    assert any("attack_ms starts at 80" in repair for repair in repairs)
    assert ControlGuard().start(defaults()) == (defaults(), ())


def test_unknown_profiles_and_controls_are_errors():
    with pytest.raises(ValueError, match="one of default, relax, sensitive"):
        ControlGuard("loose")
    with pytest.raises(ControlError, match="tempo_bpm"):
        ask(ControlGuard(), "tempo_bmp", 60)


def test_it_can_be_pickled_with_what_it_let_through():
    guard = ControlGuard()
    ask(guard, "dynamics_db", 2)
    again = pickle.loads(pickle.dumps(guard))
    assert ask(again, "loudness_lufs", -23).value == ask(guard, "loudness_lufs", -23).value == -25
