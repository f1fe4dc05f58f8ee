"""Scala's files by Scala's rules, and nothing but TuningError from what breaks them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.tuning.scala import (
    Kbm,
    Scl,
    TuningError,
    cents_of,
    kbm_text,
    keyboard,
    parse_interval,
    parse_kbm,
    parse_scl,
    read_kbm,
    read_scl,
    scl_text,
    write_kbm,
    write_scl,
)
from synth.units import note_to_hz

WITH_FILES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
MEANTONE = """! meanquar.scl
!
1/4-comma meantone scale. Pietro Aaron's temperament (1523)
 12
!
 76.04900
 193.15686
 310.26471
 5/4
 503.42157
 579.47057
 696.57843
 25/16
 889.73529
 1006.84314
 1082.89214
 2/1
"""
EQUAL = Scl("equal", tuple(100.0 * i for i in range(1, 13)))


@pytest.mark.parametrize(
    ("line", "interval"),
    [  # the first nine are the valid lines of the format's own page
        ("81/64", Fraction(81, 64)),
        ("408.0", 408.0),
        ("408.", 408.0),
        ("5", Fraction(5)),
        ("-5.0", -5.0),
        ("10/20", Fraction(1, 2)),
        ("100.0 cents", 100.0),
        ("100.0 C#", 100.0),
        ("5/4   E\\", Fraction(5, 4)),
        ("\t 3/2\tG ! the fifth", Fraction(3, 2)),
        (".5", 0.5),
        ("2/1!", Fraction(2)),
        ("2147483647/2147483646", Fraction(2147483647, 2147483646)),
        (f"{3**150}/{2**237}", Fraction(3**150, 2**237)),
    ],
)
def test_pitch_values_are_cents_with_a_point_and_ratios_without(line, interval):
    found = parse_interval(line)
    assert found == interval and type(found) is type(interval)


@pytest.mark.parametrize(
    "line",
    [
        "-3/2",
        "3/-2",
        "0",
        "1/0",
        "0/5",
        "-1",
        "3/2/1",
        "1,5",
        "1e3",
        "1.5e3",
        "100.0.0",
        "x",
        "",
        " ",
        "3/",
        "3:2",
        ".",
    ],
)
def test_what_is_no_pitch_or_a_ratio_not_above_0_is_refused(line):
    with pytest.raises(TuningError):
        parse_interval(line)


def test_ratios_and_cents_without_end_are_refused():
    for line in ("9" * 301, f"1/{'9' * 5000}", "9" * 400 + ".0"):
        with pytest.raises(TuningError):
            parse_interval(line)
    assert math.isfinite(cents_of(parse_interval("9" * 300)))
    assert math.isfinite(cents_of(parse_interval("1/" + "9" * 300)))


def test_cents_of_known_ratios():
    expected = {"3/2": 701.955, "5/4": 386.314, "81/80": 21.506, "531441/524288": 23.460, "7/4": 968.826, "2": 1200.0}
    for ratio, cents in expected.items():
        assert cents_of(Fraction(ratio)) == pytest.approx(cents, abs=5e-4)


def test_a_file_as_scala_writes_it():
    scl = parse_scl(MEANTONE)
    assert scl.description == "1/4-comma meantone scale. Pietro Aaron's temperament (1523)"
    assert len(scl.intervals) == 12 and scl.intervals[3] == Fraction(5, 4)
    assert scl.cents[6] == 696.57843 and scl.cents[-1] == 1200.0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_line_ends_and_encodings_are_alike(end, encoding):
    text = MEANTONE.replace("Aaron's", "Aäron's").replace("! meanquar.scl", "! né à Florence")
    assert parse_scl(text.replace("\n", end).encode(encoding)) == parse_scl(text)


def test_a_description_may_be_empty_long_or_hold_anything():
    assert parse_scl("\n1\n2/1\n").description == ""
    long = "a scale " * 400 + "\x85\x0b\u2028 end"
    assert parse_scl(f"{long}\n1\n2/1\n").description == long
    assert parse_scl("! a\n a ! b\n! c\n 1 note\n! d\n2/1\nall that follows\n5/4\n") == Scl("a ! b", (Fraction(2),))
    assert parse_scl("unison\n0\n").intervals == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "holds nothing"),
        ("! only\n! comments\n", "holds nothing"),
        ("no count\n", "number of notes"),
        ("bad count\ntwelve\n", "line 2.*number of notes"),
        ("bad count\n-1\n", "line 2.*number of notes"),
        ("bad count\n1.5\n2/1\n", "line 2.*number of notes"),
        ("! c\nshort\n3\n9/8\n! c\n2/1\n", "3 notes are promised and 2 given"),
        ("! c\nnegative\n2\n! c\n-9/8\n2/1\n", "line 5.*above 0"),
        ("blank\n2\n\n2/1\n", "line 3: an empty line is not a pitch"),
        ("u\0t\0f\x001\x006", "8 bits"),
    ],
)
def test_a_broken_scale_names_its_file_and_line(text, where):
    with pytest.raises(TuningError, match=f"mine.scl.*{where}"):
        parse_scl(text.encode(), "mine.scl")


intervals = st.one_of(
    st.fractions(min_value=Fraction(1, 10**6), max_denominator=10**9).filter(lambda ratio: ratio > 0),
    st.floats(-1e7, 1e7, allow_nan=False),
)
scls = st.builds(
    Scl,
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), max_size=90),
    st.lists(intervals, max_size=60).map(tuple),
)


@WITH_FILES
@given(scl=scls)
def test_any_scale_comes_back(scl, tmp_path):
    write_scl(scl, tmp_path / "a.scl")
    assert read_scl(tmp_path / "a.scl") == scl
    assert list(tmp_path.iterdir()) == [tmp_path / "a.scl"]


@pytest.mark.parametrize("cents", [1e-7, -0.0, 1e22, 123456789.0, 0.1, 5e-324])
def test_cents_are_written_in_full(cents):
    assert parse_scl(scl_text(Scl("! not a comment", (cents,)))) == Scl("! not a comment", (cents,))


# -- mappings ----------------------------------------------------------------------------------------------------

TEMPLATE = """! Template of a keyboard mapping
! Size of map:
12
0
127
! Middle note:
60
69
440.0 Hz
! Formal octave:
7
! White keys; the last may be left out
0
x
1
X
2
3
x
4
x
5
x ! silent
6
"""


def test_a_mapping_as_scala_writes_it():
    white = (0, None, 1, None, 2, 3, None, 4, None, 5, None, 6)
    assert parse_kbm(TEMPLATE) == Kbm(white, 0, 127, 60, 69, 440.0, 7)
    assert parse_kbm(TEMPLATE.replace("\n", "\r\n").encode()) == parse_kbm(TEMPLATE)
    left_out = TEMPLATE[: TEMPLATE.index("5\nx !")] + "5\n\n"
    assert parse_kbm(left_out).degrees == (*white[:10], None, None)


degrees = st.lists(st.one_of(st.none(), st.integers(-50, 200)), max_size=40).map(tuple)
key = st.integers(0, 127)
kbms = st.builds(Kbm, degrees, key, key, key, key, st.floats(1.0, 20_000.0), st.integers(0, 300)).map(
    lambda kbm: replace(kbm, first=min(kbm.first, kbm.last), last=max(kbm.first, kbm.last))
)


@WITH_FILES
@given(kbm=kbms)
def test_any_mapping_comes_back(kbm, tmp_path):
    write_kbm(kbm, tmp_path / "a.kbm")
    assert read_kbm(tmp_path / "a.kbm") == kbm
    assert parse_kbm(kbm_text(kbm).replace("\n", "\r\n")) == kbm


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (TEMPLATE.replace("12\n", "twelve\n"), "line 3.*number of keys"),
        (TEMPLATE.replace("12\n", "-12\n"), "line 3.*number of keys"),
        (TEMPLATE.replace("127", "128"), "line 5.*last MIDI note"),
        (TEMPLATE.replace("60\n", "60.5\n"), "line 7.*first entry"),
        (TEMPLATE.replace("69\n", "\n"), "line 8: an empty line.*frequency is given"),
        (TEMPLATE.replace("440.0", "-440.0"), "line 9.*frequency in Hz"),
        (TEMPLATE.replace("440.0", "A"), "line 9.*frequency in Hz"),
        (TEMPLATE.replace("3\n", "three\n"), "line 18.*not a scale degree"),
        (TEMPLATE.replace("\n0\n127\n", "\n90\n30\n"), "first MIDI note, 90, is above"),
        ("12\n0\n127\n60\n", "ends where.*frequency is given"),
        ("", "ends where the number of keys"),
    ],
)
def test_a_broken_mapping_names_its_file_and_line(broken, where):
    with pytest.raises(TuningError, match=f"mine.kbm.*{where}"):
        parse_kbm(broken, "mine.kbm")


def test_a_linear_mapping_puts_the_next_degree_on_the_next_key():
    pitches = keyboard(Scl("", tuple(1200.0 / 7 * i for i in range(1, 8))), Kbm(middle=60, reference=60))
    for key, pitch in enumerate(pitches):
        assert pitch == pytest.approx(69.0 + (key - 60) * 12 / 7, abs=1e-9)


def test_equal_temperament_on_a_440_is_where_midi_has_it():
    for kbm in (Kbm(), Kbm(tuple(range(12)), octave=12), Kbm(tuple(range(12))), Kbm((0,), octave=1, middle=33)):
        assert keyboard(EQUAL, kbm) == pytest.approx([float(key) for key in range(128)], abs=1e-9)


def test_a_mapping_of_white_keys_leaves_the_black_silent_and_reaches_its_reference():
    major = Scl("", tuple(map(Fraction, ("9/8", "5/4", "4/3", "3/2", "5/3", "15/8", "2"))))
    pitches = keyboard(major, parse_kbm(TEMPLATE))
    assert [key % 12 for key, pitch in enumerate(pitches[:12]) if pitch is None] == [1, 3, 6, 8, 10]
    hz = {key: note_to_hz(pitch) for key, pitch in enumerate(pitches) if pitch is not None}
    assert hz[69] == pytest.approx(440.0)
    assert hz[60] == pytest.approx(264.0) and hz[67] == pytest.approx(396.0) and hz[72] == pytest.approx(528.0)
    assert hz[57] == pytest.approx(220.0) and hz[59] == pytest.approx(247.5)


def test_keys_out_of_range_are_not_tuned_and_a_degree_may_lie_beyond_the_period():
    pitches = keyboard(EQUAL, Kbm((0, 13, None, -12), 40, 60, 60, 60, 261.6256, 12))
    assert [key for key, pitch in enumerate(pitches) if pitch is not None] == [
        key for key in range(40, 61) if key % 4 != 2
    ]
    assert pitches[57] == pytest.approx(60.0 - 12 + 13, abs=1e-4) and pitches[59] == pytest.approx(36.0, abs=1e-4)


def test_a_reference_without_a_degree_and_a_scale_without_notes_are_refused():
    with pytest.raises(TuningError, match="key 61"):
        keyboard(EQUAL, Kbm((0, None), reference=61))
    with pytest.raises(TuningError, match="no notes"):
        keyboard(Scl("", ()), Kbm())


# -- anything at all -----------------------------------------------------------------------------------------------

lines = st.one_of(
    st.sampled_from(
        ["!", "12", "2", "1200.0", "3/2", "x", "60", "440.0", "-1", "9" * 5000, "1/0", "\u0663", "1e400", ""]
    ),
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
)
texts = st.lists(lines, max_size=24).map(lambda parts: "\n".join(parts).encode("utf-8", "replace"))
files = st.one_of(st.binary(max_size=400), texts)


@settings(max_examples=300)
@given(content=files)
def test_any_bytes_are_read_or_refused(content):
    for parse in (parse_scl, parse_kbm):
        try:
            made = parse(content, "any")
        except TuningError as error:
            assert str(error).startswith("any") and len(str(error)) < 300
        else:
            assert isinstance(made, Scl | Kbm)


def test_what_cannot_be_opened_is_refused_with_its_path(tmp_path):
    for path in (tmp_path / "none.scl", tmp_path, tmp_path / "nul\0.scl"):
        for read in (read_scl, read_kbm):
            with pytest.raises(TuningError, match="cannot be read"):
                read(path)
    (tmp_path / "large.scl").write_bytes(b"! long\n" * 200_000)
    with pytest.raises(TuningError, match="large.scl.*million"):
        read_scl(tmp_path / "large.scl")
