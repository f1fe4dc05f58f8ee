"""Presets: read by name or path, refused with every problem, its place and what to write, and kept whole as JSON."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.controls import TABLE, defaults
from synth.preset import (
    GOALS,
    PresetError,
    bounds_of,
    check_preset,
    load_preset,
    phases_from,
    preset_from_dict,
    preset_names,
    preset_to_dict,
)
from synth.preset.migrate import goal_of, migrated, migrated_text
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
    assert (preset.scenes[0].archetype, preset.scenes[0].metre, preset.space.t60_s) == ("hymn", 4, 3.0)
    assert set(preset.controls) == set(TABLE)


def test_a_preset_survives_json(write):
    preset = load_preset(write())
    again = preset_from_dict(json.loads(json.dumps(preset_to_dict(preset))))
    assert again == preset
    assert preset.source and "source" not in preset_to_dict(preset), "a record names no folder"


BAD = [
    (("schema = 1", "schema = 7"), 1, "schema: 7 is not known: this version reads schema = 3"),
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
    (('"hymn"', '"hymm"'), 35, "scenes 1 archetype: 'hymm' does not fit here (did you mean hymn?)"),
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


# -- what schema 2 added ------------------------------------------------------------------------------------------

TODAY = """\
schema = 3
name = "walk"
title = "Walk"
summary = "A pad and a bass."
goal = "pace"
minutes = 10
policy = "L1"
wearable = "refused"
supervision = true
constraints = ["no bells", "nothing above 80 bpm"]

[controls]
tempo_bpm = 72
breath_rate_bpm = 8

[[phases]]
kind = "baseline"
minutes = 2

[[phases.cues]]
kind = "ground"
at_minutes = 1
seconds = 20

[[phases]]
kind = "lead"
minutes = 8
arousal = -0.3
step = 0.15
dwell_s = 30
breath_rate_bpm = 7

[[phases.cues]]
kind = "silence"
at_minutes = 1
seconds = 15

[[phases.cues]]
kind = "tempo"
at_minutes = 2
seconds = 120
percent = -4

[[phases.cues]]
kind = "stem_out"
stem = "pad"
at_minutes = 7
seconds = 60

[stems.pad]
instrument = "warm"

[stems.bells]
instrument = "glass"

[palettes.bright]
pad = "glass_pad"
"""


@pytest.fixture
def write_today(tmp_path: Path):
    def write(*changes: tuple[str, str]) -> Path:
        text = TODAY
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "walk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_terms_cues_and_palettes_are_read_as_written(write_today):
    preset = load_preset(write_today())
    assert (preset.goal, preset.policy, preset.wearable, preset.supervision) == ("pace", "L1", "refused", True)
    assert preset.constraints == ("no bells", "nothing above 80 bpm")
    assert [[cue.kind for cue in phase.cues] for phase in preset.phases] == [
        ["ground"],
        ["silence", "tempo", "stem_out"],
    ]
    assert preset.phases[1].cues[1].amount == -4 and preset.phases[1].cues[2].stem == "pad"
    assert (preset.phases[1].step, preset.phases[1].dwell_s, preset.phases[1].breath_rate_bpm) == (0.15, 30, 7)
    assert preset.with_palette("bright").stems["pad"].instrument == "glass_pad"
    assert preset.with_palette("bright").stems["bells"] == preset.stems["bells"]
    assert "bells" in dict.fromkeys(s for s in preset.stems if bounds_of(preset).range(f"level_{s}_db")[1] == -60.0)
    assert preset_from_dict(json.loads(json.dumps(preset_to_dict(preset)))) == preset
    with pytest.raises(PresetError, match="no palette called 'dark': it has bright"):
        preset.with_palette("dark")


BAD_TODAY = [
    (('goal = "pace"', 'goal = "run"'), 5, "goal: 'run' does not fit here"),
    (('"L1"', '"L9"'), 7, "policy: 'L9' does not fit here"),
    (('"refused"', '"maybe"'), 8, "give one of welcome, refused"),
    (("supervision = true", 'supervision = "yes"'), 9, "'yes': give true or false"),
    (('constraints = ["no bells", ', 'constraints = "no bells" # '), 10, "give texts in square brackets"),
    (("no bells", "no penguins"), 10, "no sound called 'penguins' is known"),
    (("no bells", "please be nice"), 10, "'please be nice' is not understood"),
    (("no bells", "nothing below 90 bpm"), 10, "'nothing above 80 bpm' leaves tempo_bpm nowhere to be"),
    (("nothing above 80 bpm", "nothing above 10 bpm"), 10, "tempo_bpm = 10: give 44 to 140 bpm"),
    (("nothing above 80 bpm", "no weather changes"), 10, "what may not change is one of key, mode"),
    (('kind = "ground"', 'kind = "bang"'), 21, "phases 1 cues 1 kind: 'bang' does not fit here"),
    (("at_minutes = 1\nseconds = 20", "at_minutes = 1.9\nseconds = 20"), 22, "beyond the phase's 2 minutes"),
    (("at_minutes = 1\nseconds = 20", "at_minutes = -1\nseconds = 20"), 22, "-1 is out of range: give 0 to 240"),
    (("at_minutes = 1\nseconds = 20", "at_minutes = nan\nseconds = 20"), 22, "nan is out of range"),
    (("seconds = 20", "seconds = inf"), 23, "inf is out of range: give"),
    (("seconds = 15", "seconds = 3"), 36, "3 is out of range: give 4 to 120 s"),
    (("seconds = 15", "seconds = 15\ndepth_db = 3"), 37, "depth_db: is not a key here"),
    (("percent = -4", "percent = -10"), 42, "-10 % there and back in 120 s is too quick: give it 176 s"),
    (("percent = -4", ""), 38, "percent: is missing"),
    (('stem = "pad"', 'stem = "drums"'), 46, "stem: 'drums' does not fit here"),
    (('stem = "pad"', 'stem = "bass"'), 46, "stem: 'bass' does not fit here"),
    (("step = 0.15", "step = 0.01"), 28, "from 0 to -0.3 in 8 minutes is too quick: give the phase 18.2 minutes"),
    (("step = 0.15", "step = 1e-300"), 29, "1e-300 is too fine: give 0 for one arc, or 0.01 and more"),
    (("dwell_s = 30", "dwell_s = 200"), 28, "give the phase 9.9 minutes"),
    (("breath_rate_bpm = 7", "breath_rate_bpm = 4"), 31, "4 is out of range: give 6 to 20 breaths a minute"),
    (("breath_rate_bpm = 7", "breath_rate_bpm = 20"), 31, "from 8 to 20 breaths a minute in 8 minutes is too quick"),
    (("breath_rate_bpm = 8", "breath_rate_bpm = 11"), 31, "from 11 to 7 breaths a minute in 8 minutes is too quick"),
    (('pad = "glass_pad"', 'pad = "marimba"'), 57, "'marimba' does not fit here; give one of strings, warm, glass_pad"),
    (('pad = "glass_pad"', 'bass = "warm_bass"'), 57, "bass: is not a stem of this preset"),
    (("[palettes.bright]\n", "[palettes]\n"), 57, "palettes pad: 'glass_pad' stands where a table belongs"),
    (("minutes = 2\n", "minutes = -2\n"), 18, "-2 is out of range: give 0.1 to 240 minutes"),
    (("minutes = 2\n", "minutes = inf\n"), 18, "inf is out of range"),
]


@pytest.mark.parametrize(("change", "line", "message"), BAD_TODAY, ids=[m[:50] for _, _, m in BAD_TODAY])
def test_a_bad_plan_says_where_and_what_to_write(write_today, change, line, message):
    problems = check_preset(write_today(change))
    assert any(message in problem for problem in problems), problems
    said = next(problem for problem in problems if message in problem)
    assert said.startswith(f"walk.toml, line {line}: ")


def test_without_stems_a_cue_for_one_is_a_problem_like_any_other(write_today):
    stems = '[stems.pad]\ninstrument = "warm"\n\n[stems.bells]\ninstrument = "glass"\n'
    problems = check_preset(write_today((stems, "")))
    assert any("no stem plays" in problem for problem in problems)
    assert any("phases 2 cues 3 stem: 'pad' does not fit here" in problem for problem in problems)


def test_a_stage_plan_that_is_too_quick_has_time_when_it_is_given(write_today):
    problems = check_preset(write_today(("dwell_s = 30", "dwell_s = 200")))
    assert len(problems) == 1 and "give the phase 9.9 minutes" in problems[0]
    mended = write_today(
        ("dwell_s = 30", "dwell_s = 200"), ("minutes = 8", "minutes = 9.9"), ("minutes = 10", "minutes = 11.9")
    )
    assert check_preset(mended) == []


@pytest.mark.parametrize("depth", [50, 500, 100_000])
@pytest.mark.parametrize("value", ["constraints = {}", "title = {}", "[controls]\ntempo_bpm = {}", "phases = {}"])
def test_deep_nesting_is_a_problem_like_any_other(tmp_path, depth, value):
    path = tmp_path / "deep.toml"
    path.write_text("schema = 2\n" + value.format("[" * depth + "]" * depth) + "\n", encoding="utf-8")
    problems = check_preset(path)
    assert problems and all(problem.startswith("deep.toml") for problem in problems)
    with pytest.raises(PresetError, match="deep.toml"):
        load_preset(path)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-1e999", "0x" + "f" * 300])
def test_a_number_too_long_is_a_problem_like_any_other(write_today, number):
    assert check_preset(write_today(("tempo_bpm = 72", f"tempo_bpm = {number}")))
    assert check_preset(write_today(("minutes = 10", f"minutes = {number}")))


def test_phases_of_an_edit_are_read_as_in_a_file(write_today):
    preset = load_preset(write_today())
    with pytest.raises(
        PresetError, match="plan: phases 1 cues 1 at_minutes: 1 and 90 s go beyond the phase's 2 minutes"
    ):
        cue = {"kind": "ground", "at_minutes": 1, "seconds": 90}
        phases_from(preset, [{"kind": "lead", "minutes": 2, "cues": [cue]}], bounds_of(preset))
    with pytest.raises(PresetError, match="phases: are missing"):
        phases_from(preset, [], bounds_of(preset))


# -- earlier schemas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "goal"),
    [("sleep", "sleep"), ("Sleep ", "sleep"), ("energize", "energise"), ("an easy evening", "own"), ("", "own")],
)
def test_words_of_a_goal_become_one_of_the_list(words, goal):
    assert goal in GOALS and goal_of(words) == goal


def test_only_what_is_of_schema_1_is_migrated():
    assert migrated({"schema": 1, "goal": "sleep well"}) == {"schema": 3, "goal": "own"}
    for data in ({"schema": 3, "goal": "rest"}, {"schema": True}, {"schema": [1]}, {}):
        assert migrated(data) is data
    assert migrated_text(TODAY) == TODAY
    assert migrated_text(SOUND) == SOUND.replace("schema = 1", "schema = 3").replace(
        "[style]", '[[scenes]]\nname = "hymn"'
    )


def test_a_migrated_text_says_the_same(write):
    text = migrated_text(write().read_text())
    path = write()
    before = load_preset(path)
    path.write_text(text)
    assert load_preset(path) == before


# -- any damage at all -----------------------------------------------------------------------------------------------

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.sampled_from(
        [10**400, -(10**400), 0, -1, 1e308, 5e-324, math.nan, math.inf, "", "nan", "sleep", [], {}, [[]], [None]]
    ),
    st.integers(),
    st.text(max_size=8),
    st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.floats(), max_size=2),
)


def places(node: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of nested tables and lists stands, but the whole."""
    items = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
    return [p for key, value in items for p in ((*place, key), *places(value, (*place, key)))]


def damaged(data: Any, hits: list[tuple[int, Any, str]]) -> Any:
    """A copy of `data` with a value, a key or an entry more, less or other at each hit."""
    data = copy.deepcopy(data)
    for where, value, way in hits:
        spots = places(data)
        if not spots:
            break
        *path, last = spots[where % len(spots)]
        holder = data
        for key in path:
            holder = holder[key]
        if way == "remove":
            del holder[last]
        elif way == "add" and isinstance(holder, dict):
            holder[f"{last}x"] = value
        else:
            holder[last] = value
    return data


WHOLE = {name: preset_to_dict(load_preset(name)) for name in ("settle", "gentle", "breathe", "pace")}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(
        st.tuples(st.integers(0, 10_000), ODD, st.sampled_from(["put", "put", "remove", "add"])), min_size=1, max_size=4
    ),
)
def test_a_damaged_preset_is_read_or_refused_with_its_place(name, hits):
    data = damaged(WHOLE[name], hits)
    try:
        preset = preset_from_dict(data)
    except PresetError as error:
        assert all(line.startswith("preset: ") for line in str(error).splitlines() if not line.startswith(" ")), error
        return
    assert preset_from_dict(preset_to_dict(preset)) == preset
    assert all(math.isfinite(value) for value in preset.controls.values())


def test_lines_of_keys_in_lists_within_lists():
    lines = key_lines("[[a]]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\ny = 2\n[[a]]\n[[a.b]]\ny = 3\n[a.c]\nz = 1\n")
    assert [lines["a", 0, "b", i, "y"] for i in (0, 1)] == [4, 6]
    assert (lines["a", 1, "b", 0, "y"], lines["a", 1, "c", "z"], lines["a", 1, "b", 0]) == (9, 11, 8)


def test_lines_of_keys():
    lines = key_lines('a = 1\n[b.c]\n"d" = 2 # x\n[[e]]\nf = 1\n[[e]]\nf = 2\n')
    assert lines == {
        ("a",): 1, ("b", "c"): 2, ("b", "c", "d"): 3, ("e", 0): 4, ("e", 0, "f"): 5, ("e", 1): 6, ("e", 1, "f"): 7,
    }  # fmt: skip
