"""`synth tunings`: what is listed, Scala files checked and shown, broken ones refused."""

from __future__ import annotations

import json

import pytest

from synth.resources import assets_folder
from synth.tuning.catalogue import catalogue, tunings

MEANTONE = "a comma apart\n7\n193.157\n5/4\n503.422\n696.578\n889.735\n1082.892\n2/1\n"
NAMES = ("lydian", "ionian", "dorian", "phrygian")


def test_everything_is_listed_with_culture_cents_and_source(run):
    listed = run("tunings")
    assert listed.code == 0
    lines = listed.out.splitlines()
    for scale in catalogue().values():
        assert scale.culture in lines
        (line,) = [line for line in lines if line.startswith(f"  {scale.name} ")]
        assert line.split()[1:3] == ["0", f"{scale.cents[1]:.1f}".removesuffix(".0")]
        assert any(scale.source in line for line in lines) and any(scale.credit in line for line in lines)
    for name, tuning in tunings().items():
        assert any(line.startswith(f"  {name} ") for line in lines) and any(tuning.source in line for line in lines)


def test_scales_of_a_culture_stand_from_bright_to_dark(run):
    lines = run("tunings", "western").out.splitlines()
    places = [i for name in NAMES for i, line in enumerate(lines) if f"  {name} " in line]
    assert len(places) == len(NAMES) and places == sorted(places)
    assert "raga" not in lines and not any(line.startswith("tunings") for line in lines)


def test_json_holds_all_of_it(run):
    told = json.loads(run("tunings", "--json").out)
    assert [scale["name"] for scale in told["scales"]] == list(catalogue())
    assert [tuning["name"] for tuning in told["tunings"]] == list(tunings())
    assert {"culture", "cents", "semitones", "brightness", "source", "credit"} <= set(told["scales"][0])
    one = json.loads(run("tunings", "phrygian", "--json").out)
    assert one["scales"][0]["semitones"] == [0, 1, 3, 5, 7, 8, 10] and one["tunings"][0]["cents"][1] == 100.0


def test_a_scale_shows_how_it_is_used(run):
    shown = run("tunings", "melodic_minor").out
    assert "ascent: 0 1 2 3 4 6 8 9" in shown and "chief: 0 4" in shown and "Richter" in shown


def test_a_scala_file_is_shown_key_by_key(run, tmp_path):
    path = tmp_path / "mine.scl"
    path.write_text(MEANTONE)
    shown = run("tunings", path)
    assert shown.code == 0 and "a comma apart" in shown.out
    rows = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines()[-13:-1]}
    assert rows["E"] == ["386.314", "-13.686", "327.032"] and rows["Db"] == ["96.579", "-3.422", "276.635"]
    kbm = assets_folder() / "tunings" / "concert-c.kbm"
    path.write_text("stretched\n12\n" + "".join(f"{100.5 * i}\n" for i in range(1, 13)))
    mapped = run("tunings", path, "--kbm", kbm)
    assert "on C in every key" in mapped.out and ["A", "904.500", "+0.000", "440.000"] in [
        line.split() for line in mapped.out.splitlines()
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("octave\n1\n2/1\n", "mine.scl: tuning mine has 1 note: give 4 or more"),
        ("minus\n2\n-3/2\n2/1\n", "mine.scl, line 3: '-3/2' is not a ratio above 0"),
        ("tritave\n5\n5/4\n3/2\n2\n5/2\n3\n", "repeats after 1901.96 cents"),
        ("hundred\n100\n" + "".join(f"{i}.\n" for i in range(1, 100)) + "2/1\n", "choose twelve with a mapping"),
        ("", "mine.scl: holds nothing"),
    ],
)
def test_a_broken_file_exits_2_and_says_what_to_change(run, tmp_path, content, told):
    path = tmp_path / "mine.scl"
    path.write_text(content)
    refused = run("tunings", path)
    assert refused.code == 2 and told in refused.err and not refused.out
    assert "fault in isotone" not in refused.err


def test_wrong_arguments_exit_2(run, tmp_path):
    broken = tmp_path / "mine.kbm"
    broken.write_text("12\n0\n")
    scl = assets_folder() / "tunings" / "kirnberger-3.scl"
    for arguments, told in (
        (("valotti",), "did you mean vallotti"),
        (("nowhere.scl",), "nowhere.scl cannot be read"),
        (("just", "--kbm", broken), "just is not one"),
        (("--kbm", broken), "name that file too"),
        ((scl, "--kbm", broken), "mine.kbm: ends where the last MIDI note"),
    ):
        refused = run("tunings", *arguments)
        assert refused.code == 2 and told in refused.err
