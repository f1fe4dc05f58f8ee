"""The mapping: monotone, within ranges, exact where ranges allow, the smallest change, and quiet when nothing moves."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.controls import TABLE, defaults
from synth.preset import Phase, Preset, bounds_of, load_preset, preset_names
from synth.steering.mapping import AROUSAL, CUES, TENSION, CueMap, Mapping, loop_range

moods = st.floats(-1, 1)
ARROWS = {
    "arousal": {
        "dynamics_db": 1,
        "tempo_bpm": 1,
        "density_hz": 1,
        "brightness_oct": 1,
        "percussiveness": 1,
        "articulation": -1,
        "attack_ms": -1,
    },
    "valence": {"mode": -1, "register_note": 1},
    "tension": {"tonal_tension": 1, "roughness": 1, "regularity": -1, "predictability": -1},
}
NONE = frozenset()
CUE_MAPS = {name: CueMap(load_preset(name)) for name in preset_names()}


@st.composite
def presets(draw) -> Preset:
    """Any starting values and any ranges around them."""
    controls, ranges = defaults(), {}
    for cue in CUES:
        row = TABLE[cue.control]
        if row.choices:
            values = sorted(draw(st.integers(0, 5)) for _ in range(3))
        else:
            values = sorted(draw(st.floats(row.low, row.high)) for _ in range(3))
        controls[cue.control] = float(values[1])
        ranges[cue.control] = (float(values[0]), float(values[2]))
    profile = draw(st.sampled_from(["default", "relax", "sensitive"]))
    phases = (Phase("lead", 10, 0.0, 0.0, 0.0),)
    return Preset("any", "Any", "", "", 10, controls, ranges, phases, {}, profile=profile)


def added(cues, preset: Preset, wanted: dict[str, float], axis: str) -> float:
    """What `cues` add to an axis, against the preset's own values."""
    return sum(getattr(cue, axis) * cue.size(wanted[cue.control], preset.controls[cue.control]) for cue in cues)


@given(presets(), moods, moods, moods, moods)
def test_more_arousal_never_lowers_loudness_tempo_or_density(preset, one, other, valence, tension):
    low, high = sorted((one, other))
    cues = CueMap(preset)
    calm, lively = cues.wanted(low, valence, tension), cues.wanted(high, valence, tension)
    for cue in AROUSAL:
        sign = math.copysign(1.0, cue.unit)
        assert sign * lively[cue.control] >= sign * calm[cue.control] - 1e-9 * abs(calm[cue.control])


@given(presets(), moods, moods, moods, moods)
def test_tension_and_valence_are_monotone_too(preset, one, other, arousal, third):
    low, high = sorted((one, other))
    cues = CueMap(preset)
    plain, tense = cues.wanted(arousal, third, low), cues.wanted(arousal, third, high)
    assert tense["tonal_tension"] >= plain["tonal_tension"] - 1e-9
    assert tense["roughness"] >= plain["roughness"] - 1e-9
    assert all(plain[cue.control] == tense[cue.control] for cue in AROUSAL), "tension leaves arousal's cues alone"
    dark, bright = cues.wanted(arousal, low, third), cues.wanted(arousal, high, third)
    assert bright["mode"] <= dark["mode"] + 1e-9 and bright["register_note"] >= dark["register_note"] - 1e-9


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("axis", ARROWS)
@given(moods, moods, moods, moods)
def test_no_arrow_of_a_shipped_preset_ever_turns_round(name, axis, arousal, valence, tension, other):
    at = {"arousal": arousal, "valence": valence, "tension": tension}
    low, high = sorted((at[axis], other))
    cues = CUE_MAPS[name]
    less, more = cues.wanted(**at | {axis: low}), cues.wanted(**at | {axis: high})
    for control, sign in ARROWS[axis].items():
        assert sign * more[control] >= sign * less[control] - 1e-9 * abs(less[control])


@pytest.mark.parametrize("name", preset_names())
def test_over_its_range_of_arousal_every_cue_that_may_move_does(name):
    """None is stuck, but one that already stands at the end of its range."""
    preset, cues = load_preset(name), CUE_MAPS[name]
    low, high = loop_range(preset, "arousal", bounds_of(preset))
    rest = (preset.controls["valence"], preset.controls["tension"])
    calm, lively = cues.wanted(low, *rest), cues.wanted(high, *rest)
    for control in ARROWS["arousal"]:
        least, most = loop_range(preset, control, bounds_of(preset))
        assert (calm[control] != lively[control]) == (most > least), control


def test_modes_are_spread_over_the_whole_range_of_valence():
    """The last one waits for the end of the range; a preset with a single degree to go takes it when it is due."""
    preset = load_preset("self-directed")
    low, high = loop_range(preset, "valence", bounds_of(preset))
    modes = [CueMap(preset).wanted(0.0, low + share * (high - low), -0.2)["mode"] for share in (0.0, 0.04, 0.96, 1.0)]
    darkest, brightest = preset.ranges["mode"][1], preset.ranges["mode"][0]
    assert modes[0] == darkest > modes[1] and modes[2] > brightest == modes[3]
    single = load_preset("energise")
    assert CueMap(single).wanted(0.0, 0.5, -0.2)["mode"] < 1.1


@given(presets(), moods, moods, moods)
def test_it_stays_within_the_ranges_of_preset_and_profile(preset, arousal, valence, tension):
    for name, value in CueMap(preset).wanted(arousal, valence, tension).items():
        low, high = loop_range(preset, name, bounds_of(preset))
        assert low <= value <= high
        assert low >= min(TABLE[name].low, preset.ranges[name][0])


@pytest.mark.parametrize("name", preset_names())
def test_at_the_start_it_asks_for_the_presets_own_values(name):
    preset = load_preset(name)
    start = (preset.controls[axis] for axis in ("arousal", "valence", "tension"))
    wanted = CueMap(preset).wanted(*start)
    assert wanted == pytest.approx({cue.control: preset.controls[cue.control] for cue in CUES})


def test_where_ranges_are_wide_the_sums_are_met_by_the_smallest_change():
    preset = load_preset("focus")
    wide = {cue.control: (TABLE[cue.control].low, TABLE[cue.control].high) for cue in CUES}
    middle = {**preset.controls, "tonal_tension": 0.5, "roughness": 0.5, "percussiveness": 0.5, "loudness_lufs": -40.0}
    preset = replace(preset, ranges=wide, controls=middle)
    wanted = CueMap(preset).wanted(0.2, 0.15, -0.1)
    assert added(AROUSAL, preset, wanted, "arousal") == pytest.approx(0.2)
    assert added(AROUSAL + TENSION, preset, wanted, "tension") == pytest.approx(0.1)
    sizes = [cue.size(wanted[cue.control], middle[cue.control]) / cue.arousal for cue in AROUSAL]
    assert sizes == pytest.approx([sizes[0]] * len(sizes)), "each in proportion to its weight: least squares"


def test_what_a_range_cuts_off_the_others_take_over():
    preset = load_preset("settle")
    wanted = CueMap(preset).wanted(-0.55, 0.2, -0.5)
    assert wanted["dynamics_db"] == preset.ranges["dynamics_db"][0]
    assert wanted["tempo_bpm"] == pytest.approx(preset.ranges["tempo_bpm"][0])
    assert added(AROUSAL, preset, wanted, "arousal") == pytest.approx(-0.55)


def test_a_control_without_a_range_is_left_alone():
    preset = load_preset("focus")
    assert "mode" not in preset.ranges
    mapping = Mapping(preset)
    for step in range(100):
        values = {**preset.controls, "arousal": 0.01 * step, "valence": -0.01 * step}
        assert not [r for r in mapping.requests(values, NONE) if r.control == "mode"]


def test_a_small_change_asks_for_nothing_and_a_larger_one_for_what_moved():
    preset = load_preset("settle")
    mapping = Mapping(preset)
    assert mapping.requests(preset.controls, NONE) == []
    assert mapping.requests({**preset.controls, "arousal": -0.002}, NONE) == []
    moved = mapping.requests({**preset.controls, "arousal": -0.1}, NONE)
    assert {"tempo_bpm", "density_hz"} <= {r.control for r in moved}
    assert all(r.by == "mapping" and r.reason for r in moved)
    assert {r.reason for r in moved if r.control == "tempo_bpm"} == {"expresses arousal -0.10"}
    assert mapping.requests({**preset.controls, "arousal": -0.1}, NONE) == []


def test_a_held_control_is_not_asked_for_and_asked_again_when_let_go():
    preset = load_preset("settle")
    mapping, lower = Mapping(preset), {**preset.controls, "arousal": -0.3}
    assert "tempo_bpm" not in {r.control for r in mapping.requests(lower, frozenset({"tempo_bpm"}))}
    assert {r.control for r in mapping.requests(lower, NONE)} == {"tempo_bpm"}


def test_the_playing_level_drifts_slowly_within_the_loudness_range_and_returns_at_once():
    preset = load_preset("sleep")
    mapping, lower = Mapping(preset), {**preset.controls, "arousal": -0.8, "dynamic_range_lu": 4.0}
    asked = [r for _ in range(300) for r in mapping.requests(lower, NONE) if r.control == "dynamics_db"]
    assert asked[-1].value == pytest.approx(preset.controls["dynamics_db"] - 1.0, abs=0.1)
    assert all(abs(one.value - other.value) <= 0.12 for one, other in itertools.pairwise(asked))
    assert "dynamics_db" not in {r.control for r in mapping.requests(lower, frozenset({"dynamics_db"}))}
    (back,) = (r for r in mapping.requests(lower, NONE) if r.control == "dynamics_db")
    assert back.value < -8.0


def test_the_playing_level_follows_a_hand_on_arousal_within_a_minute():
    preset = load_preset("settle")
    lower, hand = {**preset.controls, "arousal": -0.5}, frozenset({"arousal"})
    level = {held: Mapping(preset) for held in (NONE, hand)}
    after = {
        held: [r.value for _ in range(60) for r in mapping.requests(lower, held) if r.control == "dynamics_db"]
        for held, mapping in level.items()
    }
    assert after[hand][-1] == pytest.approx(preset.ranges["dynamics_db"][0], abs=0.15)
    assert after[NONE][-1] > preset.controls["dynamics_db"] - 0.5
    steps = [a - b for a, b in itertools.pairwise([preset.controls["dynamics_db"], *after[hand]])]
    assert max(steps) <= 0.21, "and does not fall: a listener hears it go"


def test_the_mode_moves_by_single_degrees_and_does_not_flicker():
    preset = load_preset("settle")
    ranges = {**preset.ranges, "mode": (0.0, 5.0)}
    mapping, modes = Mapping(replace(preset, ranges=ranges)), [preset.controls["mode"]]
    for step in range(400):
        valence = 0.2 - 0.9 * min(step / 200, 1.0) + 0.03 * (-1) ** step
        asked = [
            r.value for r in mapping.requests({**preset.controls, "valence": valence}, NONE) if r.control == "mode"
        ]
        modes += asked
    assert modes == [1.0, 2.0, 3.0, 4.0, 5.0]
