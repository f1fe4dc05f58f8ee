"""Presets: read by name or path, refused with every problem, its place and what to write, and kept whole as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synth.controls import TABLE, defaults
from synth.preset import PresetError, check_preset, load_preset, preset_from_dict, preset_names, preset_to_dict
from synth.preset_file import key_lines

SOUND = """\
schema = 1
name = "walk"
title = "Walk"
summary = "A pad and a bass."
goal = "pace"
minutes = 10

[controls]
key = "Bb"
mode = "minor"
tempo_bpm = 72

[ranges]
tempo_bpm = [64, 80]
mode = ["dorian", "aeolian"]

[[phases]]
kind = "baseline"
minutes = 2

[[phases]]
kind = "lead"
minutes = 8
arousal = 0.2
breath_depth_db = 2

[stems.pad]
instrument = "warm"
level_lu = -5

[stems.reverb]
level_lu = -12

[style]
archetype = "hymn"

[space]
t60_s = 3.0
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(*changes: tuple[str, str]) -> Path:
        text = SOUND
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "walk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_sound_file_is_read_as_written(write):
    preset = load_preset(write())
    assert preset.controls["tempo_bpm"] == 72.0
    assert TABLE["key"].text(preset.controls["key"]) == "Bb"
    assert TABLE["mode"].text(preset.controls["mode"]) == "aeolian"
    assert preset.ranges == {"tempo_bpm": (64.0, 80.0), "mode": (3.0, 4.0)}
    assert [p.kind for p in preset.phases] == ["baseline", "lead"]
    assert preset.phases[1].valence == defaults()["valence"], "a phase keeps what it does not name"
    assert preset.stems["pad"].instrument == "warm" and preset.stems["reverb"].level_lu == -12.0
    assert (preset.style.archetype, preset.style.metre, preset.space.t60_s) == ("hymn", 4, 3.0)
    assert set(preset.controls) == set(TABLE)


def test_a_preset_survives_json(write):
    preset = load_preset(write())
    again = preset_from_dict(json.loads(json.dumps(preset_to_dict(preset))))
    assert again == preset
    assert preset.source and "source" not in preset_to_dict(preset), "a record names no folder"


BAD = [
    (("schema = 1", "schema = 7"), 1, "schema: 7 is not known: this version reads schema = 2"),
    (("schema = 1\n", ""), None, "schema: is missing"),
    (("schema = 1\n", "schema = 1\ntempo = 60\n"), 2, "tempo: is not a key here"),
    (('"Walk"', "12"), 3, "title: 12: give a text in quotes"),
    (('name = "walk"', 'name = "My walk"'), 2, "small letters"),
    (("minutes = 10", "minutes = 1000"), 6, "minutes: 1000 is out of range: give 1 to 240 minutes"),
    (("minutes = 10", "minutes = 12"), 6, "12, but the phases last 10 together: make them agree"),
    (("minutes = 10", "minutes = 10\nprofile = 'relaxed'"), 7, "did you mean relax?"),
    (("tempo_bpm = 72", "tempo_bpm = 400"), 11, "controls tempo_bpm: 400 is out of range: give 44 to 140 bpm"),
    (("tempo_bpm = 72", "tempo_bpm = nan"), 11, "nan is out of range"),
    (("tempo_bpm = 72", "tempo_bpm = true"), 11, "True is not a number"),
    (("tempo_bpm = 72", "tempo_bmp = 72"), 11, "tempo_bmp: is not a control (did you mean tempo_bpm?)"),
    (("tempo_bpm = 72", "attack_ms = 10"), 11, "10 is out of range: give 25 to 2000 ms"),
    (("tempo_bpm = 72", "loudness_lufs = -23\ndynamics_db = 2"), 11, "is over -23 LUFS: lower one of them"),
    (('key = "Bb"', 'key = "H"'), 9, "give one of C, Db, D"),
    (('mode = "minor"', 'mode = "blue"'), 10, "give one of lydian, ionian"),
    (("tempo_bpm = [64, 80]", "tempo_bpm = 64"), 14, "give the lowest and the highest value, as [44, 140]"),
    (("tempo_bpm = [64, 80]", "tempo_bpm = [80, 90]"), 14, "the session starts at tempo_bpm = 72: widen the range"),
    (("tempo_bpm = [64, 80]", "tempo_bpm = [10, 80]"), 14, "10 is out of range"),
    (("tempo_bpm = [64, 80]", "dynamics_db = [-3, 6]"), 14, "loudness_lufs -26 with dynamics_db 6 is over -23 LUFS"),
    (('kind = "lead"', 'kind = "leed"'), 22, "phases 2 kind: 'leed' does not fit here (did you mean lead?)"),
    (("arousal = 0.2", "arousal = 1.2"), 24, "phases 2 arousal: 1.2 is out of range: give -1 to 1"),
    (("arousal = 0.2", "arousal = 0.9"), 24, "from 0 to 0.9 in 8 minutes is too quick: give the phase 9.5 minutes"),
    (("arousal = 0.2", "arousel = 0.2"), 24, "arousel: is not a key here (did you mean arousal?)"),
    (('"warm"', '"worm"'), 28, "stems pad instrument: 'worm' does not fit here (did you mean warm?)"),
    (('"warm"', '"rain"'), 28, "'rain' does not fit here; give one of strings, warm, glass_pad"),
    (("level_lu = -5", "level_lu = 3"), 29, "level_lu: 3 is out of range: give -40 to 0 LU"),
    (("[stems.pad]", "[stems.pda]"), 27, "pda: is not a stem (did you mean pad?)"),
    (("[stems.pad]\n", '[stems.bass]\ninstrument = "warm"\n[stems.pad]\n'), 28, "give one of warm_bass"),
    (('"hymn"', '"hymm"'), 35, "style archetype: 'hymm' does not fit here (did you mean hymn?)"),
    (('"hymn"', '"hymn"\nmetre = 3.5'), 36, "3.5 is not a whole number"),
    (("t60_s = 3.0", "t60_s = 1.0\nt60_high_s = 2.0"), 39, "2 s is longer than t60_s 1 s"),
    (("[space]\nt60_s = 3.0", "[spaces]"), 37, "spaces: is not a key here (did you mean space?)"),
]


@pytest.mark.parametrize(("change", "line", "message"), BAD, ids=[change[1][:30] for change, _, _ in BAD])
def test_a_bad_file_says_where_and_what_to_write(write, change, line, message):
    problems = check_preset(write(change))
    assert any(message in problem for problem in problems), problems
    said = next(problem for problem in problems if message in problem)
    assert said.startswith("walk.toml, line " + f"{line}: " if line else "walk.toml: ")
    with pytest.raises(PresetError, match="walk.toml"):
        load_preset(write(change))


def test_all_problems_come_at_once(write):
    path = write(("tempo_bpm = 72", "tempo_bpm = 400"), ('"warm"', '"worm"'), ("level_lu = -12", "levle_lu = -12"))
    assert len(check_preset(path)) == 4, "tempo, its range around the start, instrument and key"


def test_settings_are_the_instruments_own(write):
    problems = check_preset(write(("level_lu = -5", "level_lu = -5\n[stems.pad.settings]\nnoise_level = 'loud'")))
    assert any("noise_level: 'loud' is not a number" in p for p in problems)
    assert any("noise_level: is not a setting of warm" in p for p in problems)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"schema = = 1", "not TOML"), (b"\xff\xfe\x00", "UTF-8"), (None, "there is no file")],
)
def test_a_file_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "odd.toml"
    if content is not None:
        path.write_bytes(content)
    assert len(check_preset(path)) == 1 and message in check_preset(path)[0]


def test_a_folder_and_an_unknown_name(tmp_path):
    assert "is a folder" in check_preset(tmp_path)[0]
    with pytest.raises(PresetError, match="did you mean settle"):
        load_preset("setle")
    assert "no preset called 'nothing-like-it'" in check_preset("nothing-like-it")[0]


def test_a_bad_record_is_refused_with_its_problems(write):
    data = preset_to_dict(load_preset(write()))
    data["controls"]["tempo_bpm"] = 1e9
    with pytest.raises(PresetError, match="controls tempo_bpm: 1e\\+09 is out of range"):
        preset_from_dict(data)
    with pytest.raises(PresetError, match="schema: is missing"):
        preset_from_dict({})


def test_names_are_those_of_the_shipped_files():
    assert {"settle", "sleep", "focus", "energise"} <= set(preset_names())
    assert load_preset("settle").name == "settle"


def test_lines_of_keys():
    lines = key_lines('a = 1\n[b.c]\n"d" = 2 # x\n[[e]]\nf = 1\n[[e]]\nf = 2\n')
    assert lines == {
        ("a",): 1, ("b", "c"): 2, ("b", "c", "d"): 3, ("e", 0): 4, ("e", 0, "f"): 5, ("e", 1): 6, ("e", 1, "f"): 7,
    }  # fmt: skip
