"""What pulses or shakes stays off where the safety questions are not answered, or answered so; tones for two ears stay
quiet and apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from synth.controls import defaults
from synth.instruments import CATALOGUE, EACH_EAR, INSTRUMENTS
from synth.preset import PresetError, Scene, StemSetting, allowed, bounds_of, check_preset, load_preset
from synth.preset.rules import haptic_closed
from synth.safety.control_guard import ControlGuard
from synth.safety.screening import gates

PULSES = [entry.name for entry in INSTRUMENTS if "pulse" in entry.stems]
OPEN = gates({"none_of_these": True})
CLOSED = {
    "unanswered": None,
    "pulse_sensitive": {"none_of_these": None, "pulse_sensitive": True, "implant": False, "pregnant": False},
    "loses_touch": {"pulse_sensitive": False, "loses_touch": True, "implant": False, "pregnant": False},
    "only others answered": {"implant": False, "pregnant": False, "driving": False},
}

PRESET = """\
schema = 3
name = "pulsing"
title = "Pulsing"
summary = "A pad, and something that pulses."
goal = "focus"
minutes = 10

[[phases]]
kind = "plateau"
minutes = 10

[stems.pad]
instrument = "warm"

[stems.pulse]
instrument = "binaural"
"""


def preset(instrument: str = "warm", pulse: str = "binaural"):
    settle = load_preset("settle")
    return replace(settle, stems={"pad": StemSetting(instrument), "pulse": StemSetting(pulse, **KEPT)})


KEPT = {name: span[0] for name, span in EACH_EAR.items()}


@pytest.fixture
def write(tmp_path: Path):
    def write(old: str = "", new: str = "") -> Path:
        assert old in PRESET
        path = tmp_path / "pulsing.toml"
        path.write_text(PRESET.replace(old, new) if old else PRESET + new, encoding="utf-8")
        return path

    return write


def test_whatever_suits_the_stem_counts_as_a_pulse():
    assert PULSES and all("pulse" in CATALOGUE[name].sounds for name in PULSES)
    for entry in INSTRUMENTS:
        assert ("pulse" in entry.sounds) == (entry.name in PULSES), entry.name


@pytest.mark.parametrize("instrument", PULSES)
@pytest.mark.parametrize("answers", CLOSED.values(), ids=CLOSED)
def test_a_closed_gate_silences_it_for_the_loop_and_every_hand(instrument, answers):
    bounds = bounds_of(preset(pulse=instrument), gates(answers))
    for by in ("loop", "hand", "safety"):
        assert bounds.range("level_pulse_db", "hand" if by == "safety" else by) == (-60.0, -60.0)
    assert bounds.why("level_pulse_db") == "the safety questions"
    assert bounds.range("level_pad_db")[1] == 6.0
    values, repairs = ControlGuard(bounds).start(defaults())
    assert values["level_pulse_db"] == -60.0
    assert any("level_pulse_db" in repair and "the safety questions" in repair for repair in repairs)


@pytest.mark.parametrize("instrument", PULSES)
def test_without_any_answers_given_it_is_closed(instrument):
    assert bounds_of(preset(pulse=instrument)).range("level_pulse_db") == (-60.0, -60.0)


@pytest.mark.parametrize("instrument", PULSES)
def test_a_pulse_that_a_scene_brings_in_stays_out_too(instrument):
    scenes = (Scene("one"), Scene("two", instruments={"pulse": instrument}))
    bound = replace(preset(), scenes=scenes)
    assert allowed(bound, gates()).scenes[1].instruments == {}
    assert allowed(bound, OPEN).scenes[1].instruments == {"pulse": instrument}


@pytest.mark.parametrize("instrument", PULSES)
def test_an_open_gate_lets_it_sound_and_no_hand_turns_it_up(instrument):
    bounds = bounds_of(preset(pulse=instrument), OPEN)
    assert bounds.range("level_pulse_db", "hand") == bounds.range("level_pulse_db") == (-60.0, 0.0)
    assert "level_pulse_db at most 0" in bounds.constraints
    again = bounds_of(preset(pulse=instrument), OPEN, bounds.constraints)  # as a record would have it replayed
    assert again.range("level_pulse_db") == (-60.0, 0.0)
    assert bounds_of(preset(pulse=instrument), OPEN, ["no pulse"]).range("level_pulse_db") == (-60.0, -60.0)


def test_a_scene_that_binds_one_keeps_hands_off_as_well():
    stems = {"pad": StemSetting("warm"), "pulse": StemSetting("warm")}
    scenes = (Scene("one"), Scene("two", instruments={"pulse": "binaural"}))
    bounds = bounds_of(replace(load_preset("settle"), stems=stems, scenes=scenes), OPEN)
    assert bounds.range("level_pulse_db", "hand") == (-60.0, 0.0)
    assert bounds.range("level_pad_db", "hand") == (-60.0, 6.0)


def test_no_shipped_preset_pulses():
    for path in sorted(Path(__file__).parents[2].glob("presets/*.toml")):
        shipped = load_preset(str(path))
        played = {setting.instrument for setting in shipped.stems.values()}
        played |= {name for palette in shipped.palettes.values() for name in palette.values()}
        played |= {name for scene in shipped.scenes for name in scene.instruments.values()}
        assert "pulse" not in shipped.stems and not played & set(PULSES), path.name


def test_nothing_shakes_unless_both_kinds_of_question_are_answered():
    settle = load_preset("settle")
    assert haptic_closed(settle, OPEN) == ""
    assert haptic_closed(settle) == haptic_closed(settle, gates()) == "the safety questions"
    for yes in ("implant", "pregnant", "pulse_sensitive", "loses_touch"):
        answers = {key: False for key in ("implant", "pregnant", "pulse_sensitive", "loses_touch")} | {yes: True}
        assert haptic_closed(settle, gates(answers)) == "the safety questions"
    assert haptic_closed(settle, OPEN, ["no haptic"]) == "no haptic"
    assert haptic_closed(replace(settle, constraints=("no pulse",)), OPEN) == "no pulse"


def test_tones_for_two_ears_take_the_place_they_need(write):
    setting = load_preset(str(write())).stems["pulse"]
    assert (setting.level_lu, setting.send_db, setting.width, setting.distance) == (-20.0, -60.0, 1.0, 0.0)
    assert setting.highpass_hz == 150.0 and setting.lowpass_hz >= 1000.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("level_lu = -19", r"level_lu: -19 is out of range: give -40 to -20 LU"),
        ("send_db = -20", r"send_db: -20 is out of range"),
        ("width = 0.9", r"width: 0.9 is out of range"),
        ("highpass_hz = 40", r"highpass_hz: 40 is out of range: give 150 to 200 Hz"),
        ("lowpass_hz = 900", r"lowpass_hz: 900 is out of range: give 1000"),
        ("distance = 0.2", r"distance: 0.2 is out of range"),
    ],
)
def test_a_preset_that_brings_them_nearer_or_together_is_refused(write, line, message):
    with pytest.raises(PresetError, match=message):
        load_preset(str(write(new=line + "\n")))


@pytest.mark.parametrize(("instrument", "most"), [("am_pulse", -6), ("isochronic", -12)])
def test_pulses_have_a_highest_level(write, instrument, most):
    assert load_preset(str(write('"binaural"', f'"{instrument}"'))).stems["pulse"].level_lu <= most
    for level, fine in ((most, True), (most + 0.5, False)):
        problems = check_preset(write('"binaural"', f'"{instrument}"\nlevel_lu = {level}'))
        assert bool(problems) != fine


@pytest.mark.parametrize("table", ["[palettes.other]\npulse", '[[scenes]]\nname = "one"\n[scenes.instruments]\npulse'])
def test_a_palette_or_scene_does_not_bring_them_in_by_a_side_door(write, table):
    ours = '"am_pulse"\nlevel_lu = -15\nsend_db = -60\nwidth = 1\nhighpass_hz = 150\n'
    problems = check_preset(write('"binaural"\n', f'{ours}\n{table} = "binaural"\n'))
    assert [p for p in map(str, problems) if "binaural needs level_lu = -40 to -20, and [stems.pulse] has -15" in p]
    kept = ours.replace("-15", "-20").replace("width", "distance = 0\nwidth")
    assert not check_preset(write('"binaural"\n', f'{kept}\n{table} = "binaural"\n'))
