"""The scales and tunings that ship, and files of scales that are not right."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.controls import MODES
from synth.resources import assets_folder
from synth.tuning.catalogue import catalogue, read_scales, tuning, tunings
from synth.tuning.scala import TuningError, parse_kbm, read_scl
from synth.tuning.tuning import TUNINGS, tuning_of

SCALE_FILES = sorted((assets_folder() / "scales").glob("*.toml"))
TUNING_FILES = sorted((assets_folder() / "tunings").glob("*.scl"))
CHURCH = {
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
GOOD = """\
[[scale]]
name = "a_scale"
title = "A scale"
culture = "test"
ratios = ["1/1", "9/8", "5/4", "3/2", "5/3"]
ascent = [0, 1, 2, 4, 5]
descent = [5, 3, 2, 0]
chief = [2, 0]
drone = [0, 3]
ornaments = { 2 = "andolan" }
ombak_hz = 6.5
period_cents = 1206
source = "a book"
credit = "inspired by a book"
"""


def test_the_six_modes_are_there_in_equal_temperament_from_bright_to_dark():
    modes = [catalogue()[name] for name in MODES]
    for mode in modes:
        assert mode.semitones == CHURCH[mode.name]
        assert tuning_of(mode).pitch(69, 2) == 69.0 and tuning_of(mode).offsets_cents == (0.0,) * 12
    assert [mode.brightness for mode in modes] == sorted((m.brightness for m in modes), reverse=True)


@pytest.mark.parametrize("path", SCALE_FILES, ids=lambda path: path.stem)
def test_every_scale_can_be_played_and_says_where_it_is_from(path):
    for scale in read_scales(path):
        assert catalogue()[scale.name] == scale
        assert scale.title and scale.source and scale.credit
        assert scale.culture == "western" or "inspired by" in scale.credit.lower()
        heard = [100.0 * tuning_of(scale).pitch(60 + key, 0) - 6000.0 for key in scale.semitones]
        assert heard == pytest.approx(scale.cents, abs=1e-6)


def test_the_catalogue_is_in_the_order_of_names():
    assert list(catalogue()) == sorted(catalogue()) and len(catalogue()) >= 16


@pytest.mark.parametrize("path", TUNING_FILES, ids=lambda path: path.stem)
def test_every_scala_file_that_ships_is_a_tuning_with_source_and_credit(path):
    found = tunings()[path.stem]
    assert found.source and found.credit and found.title == read_scl(path).description
    assert path.read_text(encoding="utf-8").splitlines()[0] == f"! {path.name}"


def test_cents_of_some_that_ship_as_scala_files():
    thirty_one = [
        0,
        116.129,
        193.548,
        309.677,
        387.097,
        503.226,
        580.645,
        696.774,
        812.903,
        890.323,
        1006.452,
        1083.871,
    ]
    assert tunings()["31-tet"].cents[:12] == pytest.approx(thirty_one, abs=1e-3)
    kirnberger = [0, 90.225, 193.157, 294.135, 386.314, 498.045, 590.224, 696.578, 792.180, 889.735, 996.090, 1088.269]
    assert tunings()["kirnberger-3"].cents[:12] == pytest.approx(kirnberger, abs=1e-3)
    assert tunings()["24-tet"].cents[:12] == pytest.approx([100.0 * key for key in range(12)])
    sixth = tunings()["sixth-comma"].cents
    fifths = [(sixth[7 * (n + 1) % 12] - sixth[7 * n % 12]) % 1200.0 for n in range(-3, 8)]
    assert fifths == pytest.approx([698.37062] * 11, abs=1e-4)
    sruti = read_scl(assets_folder() / "tunings" / "sruti-22.scl")
    assert [round(c) for c in (0.0, *sruti.cents)] == [
        *(0, 90, 112, 182, 204, 294, 316, 386, 408, 498, 520, 590, 612),
        *(702, 792, 814, 884, 906, 996, 1018, 1088, 1110, 1200),
    ]


def test_the_mapping_that_ships_puts_a_tuning_on_c_with_a_440():
    folder = assets_folder() / "tunings"
    assert parse_kbm((folder / "concert-c.kbm").read_bytes()).degrees == tuple(range(12))
    found = tuning(folder / "kirnberger-3.scl", folder / "concert-c.kbm")
    assert found.pitch(69, 3) == pytest.approx(69.0) and found.anchor == 0


def test_a_tuning_is_found_by_name_by_scale_and_by_file(tmp_path):
    assert tuning("just") is TUNINGS["just"]
    assert tuning("just_major") == tuning_of(catalogue()["just_major"])
    path = tmp_path / "mine.SCL"
    path.write_bytes("! source: caf\u00e9\r\n! credit:\tus \r\nmine\r\n5\r\n9/8\r\n5/4\r\n3/2\r\n5/3\r\n2\r\n".encode())
    for name in (path, str(path)):
        found = tuning(name)
        assert (found.name, found.title, found.source, found.credit) == ("mine", "mine", "caf\u00e9", "us")


def test_what_is_not_found_is_told_with_what_is_like_it(tmp_path):
    with pytest.raises(TuningError, match="no tuning 'valotti' .did you mean vallotti"):
        tuning("valotti")
    with pytest.raises(TuningError, match="nowhere.scl cannot be read"):
        tuning("nowhere.scl")
    with pytest.raises(TuningError, match="just is not one"):
        tuning("just", Path("a.kbm"))
    (tmp_path / "one.scl").write_text("octave\n1\n2/1\n")
    with pytest.raises(TuningError, match="one.scl: tuning one has 1 note"):
        tuning(tmp_path / "one.scl")


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_scales_is_read_in_full(tmp_path):
    (scale,) = read_scales(write(tmp_path, GOOD))
    assert scale.cents == pytest.approx((0.0, 203.910, 386.314, 701.955, 884.359), abs=1e-3)
    assert (scale.ascent, scale.descent, scale.chief, scale.drone) == ((0, 1, 2, 4, 5), (5, 3, 2, 0), (2, 0), (0, 3))
    assert scale.ornaments == {2: "andolan"} and scale.ombak_hz == 6.5 and scale.period_cents == 1206.0
    in_cents = GOOD.replace('ratios = ["1/1", "9/8", "5/4", "3/2", "5/3"]', "cents = [0, 203.9, 386, 702, 884]")
    assert read_scales(write(tmp_path, in_cents))[0].cents == (0.0, 203.9, 386.0, 702.0, 884.0)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("[[scale", "mine.toml: "),
        (GOOD.replace("[[scale]]", "[scale]"), "tables ..scale.. belong"),
        ('culture = "test"\n' + GOOD, "line 1: culture: is not a key here"),
        (GOOD + "cent = [0]\n", "line 15.*cent: is not a key here"),
        (GOOD + "cents = [0, 200, 400, 700]\n", "either as cents or as ratios"),
        (GOOD.replace("ratios =", "cents ="), "cents are.*give numbers"),
        (GOOD.replace('"5/4"', '"-5/4"'), "not a ratio above 0"),
        (GOOD.replace('"5/4"', '"386.3"'), "cents among ratios"),
        (GOOD.replace('"5/4"', '"9/8"'), "line 2.*does not rise"),
        (GOOD.replace('"A scale"', '""'), "line 3.*title"),
        (GOOD.replace("[2, 0]", "[9]"), "chief names degree 9"),
        (GOOD.replace("[2, 0]", '["2"]'), "chief is.*degrees in square brackets"),
        (GOOD.replace("{ 2 =", "{ two ="), "ornaments are"),
        (GOOD.replace("{ 2 =", "{ " + "9" * 5000 + " ="), "ornaments are"),
        (GOOD.replace("ratios", f"cents = [0, {'9' * 400}, 3]\nratio"), "cents are"),
        (GOOD.replace("6.5", "60"), "ombak_hz.*0 to 15 Hz"),
        (GOOD.replace("1206", "1902"), "period_cents.*1150 to 1250"),
        (GOOD.replace('source = "a book"\n', ""), "source: is missing"),
        (GOOD.replace('credit = "inspired by a book"\n', ""), "credit: is missing"),
    ],
)
def test_a_broken_file_of_scales_says_where(broken, what, tmp_path):
    with pytest.raises(TuningError, match=what):
        read_scales(write(tmp_path, broken))


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    bad = GOOD.replace("6.5", "60").replace("[2, 0]", "[9]") + GOOD.replace("a_scale", "A")
    with pytest.raises(TuningError) as told:
        read_scales(write(tmp_path, bad))
    assert len(str(told.value).splitlines()) == 3


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("none.toml", "bytes.toml"):
        with pytest.raises(TuningError, match=name):
            read_scales(tmp_path / name)


def test_no_name_is_both_a_tuning_and_a_scale():
    assert not set(tunings()) & set(catalogue())
