"""`synth presets` and `synth preset`: what is listed, and presets copied, checked and brought up to date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.preset import load_preset, preset_names
from synth.resources import presets_folder

EARLIER = """\
# A walk of ours.
schema = 1  # of long ago
name = "walk"
title = "Walk"
summary = "A pad and a bass."
goal = "an easy walk in the evening"  # in our own words
minutes = 10

[controls]
tempo_bpm = 72          # unhurried

[[phases]]
kind = "baseline"
minutes = 2

[[phases]]              # up a little
kind = "lead"
minutes = 8
arousal = 0.2

[stems.pad]
instrument = "warm"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *changes: tuple[str, str]) -> Path:
    text = EARLIER
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


# -- presets -----------------------------------------------------------------------------------------------------


def test_the_list_tells_goal_minutes_and_terms(run: Callable) -> None:
    lines = {line.split()[0]: line for line in run("presets").out.splitlines()}
    assert set(lines) == set(preset_names())
    for name, line in lines.items():
        preset = load_preset(name)
        assert f" {preset.minutes:g} min  {preset.goal} " in line and preset.summary in line
        assert ("Someone must be there." in line) == preset.supervision
        assert ("No wearable." in line) == (preset.wearable == "refused")


# -- new ---------------------------------------------------------------------------------------------------------


def test_a_copy_keeps_every_word_but_its_name(run: Callable, here: Path) -> None:
    result = run("preset", "new", "our-evening")
    assert result.code == 0 and "our-evening.toml" in result.out and "synth preset check" in result.out
    made = (here / "our-evening.toml").read_text()
    original = (presets_folder() / "settle.toml").read_text()
    assert made.replace('name = "our-evening"', 'name = "settle"').replace(
        'title = "Our evening"', 'title = "Settle"'
    ) == (original)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("factor", [0.83, 1.37])
def test_a_copy_of_another_length_is_sound(run: Callable, here: Path, name: str, factor: float) -> None:
    preset = load_preset(name)
    length = round(preset.minutes * factor, 2) if name != "breathe" else round(preset.minutes * max(factor, 0.97), 2)
    result = run("preset", "new", "mine", "--from", name, "--minutes", length, "--title", 'Our "own"')
    assert result.code == 0, result.err
    made = load_preset(here / "mine.toml")
    assert made.minutes == length and made.title == 'Our "own"' and made.goal == preset.goal
    assert [p.arousal for p in made.phases] == [p.arousal for p in preset.phases]
    assert [len(p.cues) for p in made.phases] == [len(p.cues) for p in preset.phases]
    assert run("preset", "check", "mine.toml").code == 0
    comments = [line.partition("#")[2] for line in (here / "mine.toml").read_text().splitlines()]
    assert comments == [line.partition("#")[2] for line in (presets_folder() / f"{name}.toml").read_text().splitlines()]


def test_a_longer_copy_is_longer_where_music_rests_not_where_it_learns(run: Callable, here: Path) -> None:
    run("preset", "new", "mine", "--from", "sleep", "--minutes", 60)
    made, sleep = load_preset(here / "mine.toml"), load_preset("sleep")
    assert made.phases[0].minutes == sleep.phases[0].minutes
    assert made.phases[2].minutes == pytest.approx(1.5 * sleep.phases[2].minutes, rel=0.05)
    gone = made.phases[3].cues[0]
    assert gone.at_minutes == 0 and gone.seconds == pytest.approx(made.phases[3].minutes * 60, abs=1), "to the very end"


def test_a_copy_too_short_for_its_arc_says_what_it_needs(run: Callable, here: Path) -> None:
    result = run("preset", "new", "mine", "--minutes", 5)
    assert result.code == 2 and "5 minutes are too short for the arc of settle: give 9.5 or more" in result.err
    assert list(here.iterdir()) == []
    assert run("preset", "new", "mine", "--minutes", 9.5).code == 0
    made = (here / "mine.toml").read_text()
    assert "\nminutes = 9.5          # the phases below" in made, "comments stay in their column"


def test_a_file_of_an_earlier_schema_is_copied_into_this_one(run: Callable, here: Path) -> None:
    write(here / "old.toml")
    assert run("preset", "new", "mine", "--from", "old.toml").code == 0
    made = (here / "mine.toml").read_text()
    assert "schema = 3  # of long ago" in made and "unhurried" in made


def test_a_file_that_is_there_is_not_replaced_by_chance(run: Callable, here: Path) -> None:
    (here / "mine.toml").write_text("precious")
    result = run("preset", "new", "mine")
    assert result.code == 2 and "--overwrite" in result.err and (here / "mine.toml").read_text() == "precious"
    assert run("preset", "new", "mine", "--overwrite").code == 0
    assert (
        run("preset", "new", "mine", "--out", "other.toml").code == 0
        and load_preset(here / "other.toml").name == "mine"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["settle"], "there is a preset called settle already"),
        (["My walk"], "use small letters"),
        (["mine", "--from", "setle"], "did you mean settle?"),
        (["mine", "--from", "nowhere.toml"], "there is no file nowhere.toml"),
        (["mine", "--from", "."], "no preset called '.'"),
        (["mine", "--from", "./"], "is a folder"),
        (["mine", "--minutes", "nan"], "more than 0"),
        (["mine", "--minutes", "inf"], "more than 0"),
        (["mine", "--minutes", "-3"], "more than 0"),
        (["mine", "--minutes", "0"], "more than 0"),
        (["mine", "--minutes", "long"], "not a number of minutes"),
        (["mine", "--minutes", "500"], "1 to 240 minutes long, not 500"),
        (["mine", "--minutes", "0.5"], "1 to 240 minutes long, not 0.5"),
        (["mine", "--title", "   "], "title"),
        (["mine", "--out", "nowhere/mine.toml"], "nowhere/mine.toml: No such file"),
    ],
)
def test_a_copy_that_cannot_be_made_is_refused(run: Callable, here: Path, arguments: list[str], words: str) -> None:
    result = run("preset", "new", *arguments)
    assert result.code == 2 and words in result.err and "Traceback" not in result.err
    assert list(here.iterdir()) == []


def test_values_that_stand_together_are_not_guessed_at(run: Callable, here: Path) -> None:
    text = EARLIER.replace("schema = 1", "schema = 3").replace('goal = "an easy walk in the evening"', 'goal = "own"')
    head, _, rest = text.partition("[controls]")
    tail = rest[rest.index("[stems.pad]") :]
    inline = 'phases = [{kind = "baseline", minutes = 2}, {kind = "lead", minutes = 8}]\n'
    (here / "inline.toml").write_text(head + inline + tail)
    assert run("preset", "new", "mine", "--from", "inline.toml").code == 0
    result = run("preset", "new", "other", "--from", "inline.toml", "--minutes", 12)
    assert result.code == 2 and "does not stand on a line of its own" in result.err


# -- check -------------------------------------------------------------------------------------------------------


def test_a_check_shows_goal_terms_and_plan(run: Callable) -> None:
    result = run("preset", "check", presets_folder() / "pace.toml")
    assert result.code == 0
    for words in (
        "pace (walk to a beat)",
        "policy L0",
        "only while someone is there",
        "no key changes",
        "guitar, piano",
    ):
        assert words in result.out
    table = [line.split() for line in result.out.splitlines()]
    assert ["plateau", "7", "+0.39", "+0.40", "-0.20", "stem_in", "at", "2"] in table
    assert "least: " in result.out


def test_every_file_is_checked_and_what_is_wrong_is_said(run: Callable, here: Path) -> None:
    good, bad = write(here / "good.toml"), write(here / "bad.toml", ("arousal = 0.2", "arousal = 0.9"))
    result = run("preset", "check", good, bad, here / "none.toml", here)
    assert result.code == 2 and "good.toml: good" in result.out
    assert "bad.toml, line 19: phases 2 arousal: from 0 to 0.9 in 8 minutes is too quick" in result.err
    assert "give the phase 9.5 minutes" in result.err
    assert "there is no file" in result.err and "is a folder" in result.err


# -- migrate -----------------------------------------------------------------------------------------------------


def test_a_migration_changes_two_lines_and_keeps_the_file_as_it_was(run: Callable, here: Path) -> None:
    path = write(here / "walk.toml")
    before = load_preset(path)
    result = run("preset", "migrate", path)
    assert result.code == 0 and "now schema 3" in result.out
    assert (here / "walk.toml.bak").read_text() == EARLIER
    old, new = EARLIER.splitlines(), path.read_text().splitlines()
    assert [line for line in new if line not in old] == [
        "schema = 3  # of long ago",
        '# before: goal = "an easy walk in the evening"',
        'goal = "own"  # in our own words',
    ]
    assert load_preset(path) == before
    again = run("preset", "migrate", path)
    assert again.code == 0 and "current already (schema 3)" in again.out and path.read_text().splitlines() == new


def test_a_goal_that_is_still_one_leaves_no_note(run: Callable, here: Path) -> None:
    path = write(here / "walk.toml", ('"an easy walk in the evening"', '"sleep"'))
    assert run("preset", "migrate", path).code == 0
    assert "before:" not in path.read_text() and load_preset(path).goal == "sleep"


def test_a_dry_run_shows_and_changes_nothing(run: Callable, here: Path) -> None:
    path = write(here / "walk.toml")
    result = run("preset", "migrate", "--dry-run", path)
    assert result.code == 0 and "-schema = 1" in result.out and "+schema = 3" in result.out
    assert path.read_text() == EARLIER and list(here.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("tempo_bpm = 72", "tempo_bpm = 720"), "out of range"),
        (("tempo_bpm = 72", "tempo_bpm = nan"), "nan is out of range"),
        (("schema = 1", "schema = 7"), "schema: 7 is not known"),
        (("schema = 1", "schema = true"), "schema: True is not known"),
        (("[controls]", "[controls"), "not TOML"),
    ],
)
def test_a_broken_file_is_left_untouched(run: Callable, here: Path, change: tuple[str, str], words: str) -> None:
    path = write(here / "walk.toml", change)
    text, good = path.read_text(), write(here / "good.toml")
    result = run("preset", "migrate", path, good)
    assert result.code == 2 and words in result.err and "walk.toml: left as it is" in result.err
    assert path.read_text() == text and "good.toml: now schema 3" in result.out, "the others are still done"


def test_what_is_no_text_is_left_untouched(run: Callable, here: Path) -> None:
    (here / "odd.toml").write_bytes(b"\xff\xfe\x00schema = 1")
    os.mkdir(here / "folder.toml")
    result = run("preset", "migrate", here / "odd.toml", here / "folder.toml", here / "none.toml")
    assert (
        result.code == 2 and "UTF-8" in result.err and "is a folder" in result.err and "there is no file" in result.err
    )
    assert (here / "odd.toml").read_bytes() == b"\xff\xfe\x00schema = 1"


def test_an_older_backup_is_never_lost(run: Callable, here: Path) -> None:
    path = write(here / "walk.toml")
    shutil.copy(path, here / "walk.toml.bak")
    result = run("preset", "migrate", path)
    assert result.code == 2 and "walk.toml.bak is there already" in result.err and path.read_text() == EARLIER


def test_what_is_written_in_another_way_is_not_rewritten_wrongly(run: Callable, here: Path) -> None:
    path = write(here / "walk.toml", ('goal = "an easy walk in the evening"', 'goal = """an easy\nwalk"""'))
    text = path.read_text()
    result = run("preset", "migrate", path)
    assert result.code == 2 and "goal" in result.err and path.read_text() == text
