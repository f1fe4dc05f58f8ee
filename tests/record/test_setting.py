"""The setting: every question of the guidelines, told or told as missing, and nobody named."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.record.setting import Setting, SettingError, check_setting, load_setting, missing, rows, template

WHOLE = """\
schema = 1
name = "Evenings"
rationale = "Slower and softer music leads from work into the evening."
chosen_by = "person_from_set"
playback = "speakers"
placement = "2 m in front of the chair"
volume_by = "person"
level_db_spl = 58.5
calibrated = true
materials = "a chest belt"
strategies = "listen, eyes closed or open"
co_interventions = "none"
deliverer = "nurse with a day of training"
unit = "group"
group_size = 4
place = "a quiet room, door closed"
sessions = 8
minutes = 20
per_week = 2
fidelity = "each record is read against the plan"
person = "P-017"
"""
HEADER = {"engine_version": "0.1.0", "seed": 7, "minutes": 12.0, "preset": {"name": "settle"}}
COMPONENTS = {
    "Name",
    "Theory",
    "Content",
    "Who delivers it",
    "Individual or group",
    "Setting",
    "Schedule",
    "Fidelity",
}


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str = WHOLE) -> Path:
        path = tmp_path / "setting.toml"
        path.write_text(text)
        return path

    return write


def test_a_whole_setting_lacks_nothing(write) -> None:
    setting = load_setting(write())
    assert setting.name == "Evenings" and setting.sessions == 8 and setting.level_db_spl == 58.5 and setting.calibrated
    assert missing(setting, HEADER) == []
    assert missing(setting) == ["Content: live, recorded or generated", "Content: what the music is"]


def test_it_covers_the_eight_components_of_the_guidelines() -> None:
    assert {row.component for row in rows(None)} == COMPONENTS


def test_all_that_is_not_told_is_missing_in_plain_words() -> None:
    lacking = missing(None)
    assert len(lacking) == len(rows(None)) == 18
    for text in (
        "Content: who chose the music",
        "Content: headphones or speakers",
        "Content: who controls the volume",
        "Schedule: how many sessions a week",
        "Fidelity: how one makes sure that sessions go as planned",
    ):
        assert text in lacking
    assert not any("code" in text for text in lacking), "a person's code is nobody's duty"


def test_the_engine_tells_what_it_knows() -> None:
    told = {row.asks: row.answer for row in rows(None, HEADER)}
    assert told["live, recorded or generated"] == "generated while it plays"
    assert told["what the music is"].startswith("preset settle, seed 7, isotone 0.1.0;")
    assert told["how long a session lasts"] == "12 minutes"
    said = {row.asks: row.answer for row in rows(Setting(music="a drone", minutes=20.0), HEADER)}
    assert said["what the music is"] == "a drone" and said["how long a session lasts"] == "20 minutes"


def test_what_does_not_apply_is_not_asked(write) -> None:
    asked = {row.asks for row in rows(Setting(playback="headphones", unit="individual"))}
    assert not {"where the speakers stand", "how many in a group"} & asked
    asked = {row.asks for row in rows(Setting(playback="speakers", unit="group"))}
    assert {"where the speakers stand", "how many in a group"} <= asked


def test_it_goes_through_a_record_as_it_is(write) -> None:
    setting = load_setting(write())
    assert Setting(**setting.as_dict()) == setting
    assert rows(setting.as_dict(), HEADER) == rows(setting, HEADER)
    assert Setting().as_dict() == {}


def test_a_setting_from_a_damaged_record_can_still_be_told() -> None:
    odd = {"name": ["x"], "chosen_by": {}, "sessions": "many", "level_db_spl": float("nan"), "of_later": 1, "unit": 5}
    assert all(isinstance(row.answer, str) for row in rows(odd, {"preset": "odd", "minutes": "long"}))


def test_the_file_to_fill_in_is_sound_and_asks_everything(write) -> None:
    text = template()
    path = write(text)
    assert check_setting(path) == [] and load_setting(path) == Setting()
    for item in fields(Setting):
        assert f"\n{item.name} =" in text or f"\n# {item.name} =" in text
    assert set(tomllib.loads(text)) <= {"schema", *(item.name for item in fields(Setting))}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("schema = 1", "schema = 2", 1, "use the newer isotone"),
        ("schema = 1", "", 0, "schema: is missing"),
        ('"Evenings"', "5", 2, "name: 5: give a text"),
        ('"person_from_set"', '"Person"', 4, "person, tailored"),
        ('"speakers"', '"headphone"', 5, "did you mean headphones?"),
        ("58.5", "158", 8, "20 to 110 dB SPL"),
        ("58.5", "nan", 8, "20 to 110 dB SPL"),
        ("calibrated = true", "", 8, "needs a calibration"),
        ("calibrated = true", 'calibrated = "yes"', 9, "true or false"),
        ('unit = "group"', 'unit = "individual"', 15, "group_size: is for a group"),
        ("sessions = 8", "sessions = 8.5", 17, "whole number"),
        ("sessions = 8", "session = 8", 17, "did you mean sessions?"),
        ("minutes = 20", "minutes = true", 18, "not a number"),
        ('"P-017"', '"Ada Lovelace"', 21, "give a code"),
        ('"P-017"', '"ada@example.org"', 21, "give a code"),
        ('"P-017"', '"Ada"', 21, "give a code"),
        ('"P-017"', '"19801231"', 21, "give a code"),
        ('"P-017"', '"1980-12-31"', 21, "give a code"),
        ('"nurse with', '"ada@example.org, nurse with', 13, "looks like an e-mail address"),
        ('"none"', '"' + "x" * 2001 + '"', 12, "2001 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, old: str, new: str, line: int, words: str) -> None:
    path = write(WHOLE.replace(old, new, 1))
    problems = check_setting(path)
    assert any(words in problem for problem in problems), problems
    where = f"setting.toml, line {line}: " if line else "setting.toml: "
    assert any(problem.startswith(where) for problem in problems), problems
    with pytest.raises(SettingError):
        load_setting(path)


def test_several_problems_are_told_at_once(write) -> None:
    assert len(check_setting(write(WHOLE.replace("58.5", "0").replace("= 20", "= 0").replace("P-017", "Ada")))) == 3


@pytest.mark.parametrize("code", ["P-017", "p17", "A1", "x_9", "07-B"])
def test_codes_are_codes(write, code: str) -> None:
    assert load_setting(write(WHOLE.replace("P-017", code))).person == code


def test_files_that_are_none_say_so(tmp_path: Path, write) -> None:
    assert "synth record setting new" in check_setting(tmp_path / "none.toml")[0]
    assert "is a folder" in check_setting(tmp_path)[0]
    path = tmp_path / "setting.toml"
    for data, words in ((b"\xff\xfe", "UTF-8"), (b"name = ", "not TOML"), (b"a = " + b"[" * 5000, "nested too deeply")):
        path.write_bytes(data)
        assert words in check_setting(path)[0]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("schema = 1\n" + text, encoding="utf-8", errors="replace")
    check_setting(path)
