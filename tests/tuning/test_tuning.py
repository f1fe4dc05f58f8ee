"""Tunings against published cents, scales and Scala files put on twelve keys, and what cannot be."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.tuning.scala import Kbm, Scl, TuningError, cents_of, keyboard, parse_kbm, parse_scl
from synth.tuning.scale import TunedScale
from synth.tuning.tuning import TUNINGS, Tuning, tuning_from, tuning_of
from synth.units import note_to_hz

# Cents above C as printed: Barbour, Tuning and Temperament (1951); the files meanquar, werck3, vallotti and young2
# of the Scala archive.
PUBLISHED = {
    "12-tet": (0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100),
    "just": (0, 111.731, 203.910, 315.641, 386.314, 498.045, 590.224, 701.955, 813.686, 884.359, 1017.596, 1088.269),
    "pythagorean": (
        *(0, 113.685, 203.910, 294.135, 407.820, 498.045, 611.730, 701.955, 815.640, 905.865, 996.090, 1109.775),
    ),
    "meantone": (0, 76.049, 193.157, 310.265, 386.314, 503.422, 579.471, 696.578, 772.627, 889.735, 1006.843, 1082.892),
    "werckmeister-3": (
        *(0, 90.225, 192.180, 294.135, 390.225, 498.045, 588.270, 696.090, 792.180, 888.270, 996.090, 1092.180),
    ),
    "vallotti": (0, 94.135, 196.090, 298.045, 392.180, 501.955, 592.180, 698.045, 796.090, 894.135, 1000.0, 1090.225),
    "young": (0, 90.225, 196.090, 294.135, 392.180, 498.045, 588.270, 698.045, 792.180, 894.135, 996.090, 1090.225),
    "harmonic-series": (
        0,
        104.955,
        203.910,
        297.513,
        386.314,
        470.781,
        551.318,
        701.955,
        840.528,
        905.865,
        968.826,
        1088.269,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_cents_are_as_published(name):
    assert TUNINGS[name].cents == pytest.approx((*PUBLISHED[name], 1200.0), abs=6e-4)


def test_every_built_in_tuning_is_checked_above_and_credited():
    assert set(TUNINGS) == set(PUBLISHED)
    assert all(tuning.name == name and tuning.title and tuning.source for name, tuning in TUNINGS.items())
    assert all(tuning.credit for name, tuning in TUNINGS.items() if name != "12-tet")


@pytest.mark.parametrize("name", ["werckmeister-3", "vallotti", "young"])
def test_well_temperaments_close_and_have_no_wolf(name):
    cents = TUNINGS[name].cents[:12]
    fifths = [(cents[(key + 7) % 12] - cents[key]) % 1200.0 for key in range(12)]
    assert math.fsum(fifths) == pytest.approx(8400.0)
    assert 696.0 < min(fifths) and max(fifths) == pytest.approx(701.955, abs=1e-3)


@pytest.mark.parametrize("key", [0, 21, 60, 69, 108, 127])
@pytest.mark.parametrize("tonic", [0, 7, 62])
def test_equal_temperament_is_the_key_itself(key, tonic):
    assert TUNINGS["12-tet"].pitch(key, tonic) == float(key)


@pytest.mark.parametrize("tonic", range(12))
def test_just_intervals_are_pure_above_every_tonic_in_every_octave(tonic):
    just = TUNINGS["just"]
    for octave in range(-3, 4):
        root = 60 + tonic + 12 * octave
        assert just.pitch(root, tonic) == root
        for key, ratio in ((4, 5 / 4), (7, 3 / 2), (9, 5 / 3), (12, 2.0)):
            heard = note_to_hz(just.pitch(root + key, tonic)) / note_to_hz(just.pitch(root, tonic))
            assert heard == pytest.approx(ratio, rel=1e-9)


def test_an_anchored_tuning_does_not_move_with_the_tonic():
    werckmeister = TUNINGS["werckmeister-3"]
    for key in range(36, 97):
        assert len({werckmeister.pitch(key, tonic) for tonic in range(12)}) == 1
    assert len({TUNINGS["meantone"].pitch(64, tonic) for tonic in range(12)}) > 6


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(TUNINGS)), tonic=st.integers(0, 11), stretch=st.floats(-50, 50), key=st.integers(0, 115)
)
def test_keys_rise_and_octaves_are_as_wide_as_told(name, tonic, stretch, key):
    tuning = replace(TUNINGS[name], stretch_cents=stretch)
    assert tuning.pitch(key, tonic) < tuning.pitch(key + 1, tonic)
    assert tuning.pitch(key, tonic) == tuning.pitch(key, tonic + 36)  # a key will do as well as its pitch class
    assert tuning.pitch(key + 12, tonic) - tuning.pitch(key, tonic) == pytest.approx(12.0 + stretch / 100.0)


# -- scales on keys ----------------------------------------------------------------------------------------------


def test_a_scale_sounds_its_cents_on_its_keys_and_stretches():
    slendro = TunedScale("slendro", "gamelan", (0.0, 228.0, 484.0, 728.0, 960.0), 1208.0)
    tuning = tuning_of(slendro)
    for octave in range(-2, 3):
        for key, cents in zip(slendro.semitones, slendro.cents, strict=True):
            heard = tuning.pitch(62 + 12 * octave + key, 2)
            assert heard == pytest.approx(62 + (cents + 1208.0 * octave) / 100.0, abs=1e-9)
    assert tuning.pitch(63, 2) == pytest.approx(62 + 1.14)  # between two degrees: half way
    assert tuning.stretch_cents == 8.0 and tuning.anchor is None


rising = st.lists(st.floats(1.0, 1149.0), min_size=3, max_size=11, unique=True).map(lambda c: (0.0, *sorted(c)))


@settings(max_examples=80)
@given(cents=rising, period=st.floats(1150.0, 1250.0), tonic=st.integers(0, 11))
def test_any_scale_comes_back_from_its_tuning(cents, period, tonic):
    try:
        scale = TunedScale("any", "test", cents, period)
    except TuningError:
        return
    tuning = tuning_of(scale)
    root = 60 + tonic
    heard = [100.0 * (tuning.pitch(root + key, tonic) - root) for key in (*scale.semitones, 12)]
    assert heard == pytest.approx([*cents, period], abs=1e-6)


# -- Scala files on keys -----------------------------------------------------------------------------------------


def equal(count: int, period: float = 1200.0) -> Scl:
    return Scl(f"{count} equal", tuple(period * i / count for i in range(1, count + 1)))


def test_twelve_notes_are_the_twelve_keys():
    for name, cents in PUBLISHED.items():
        tuning = tuning_from("file", Scl(name, (*map(float, cents[1:]), Fraction(2))))
        assert tuning.cents == pytest.approx((*cents, 1200.0)) and tuning.title == name and tuning.anchor is None


def test_fewer_notes_lie_on_the_nearest_keys_and_the_rest_between():
    zalzal = tuning_from("zalzal", parse_scl("Zalzal\n7\n9/8\n27/22\n4/3\n3/2\n18/11\n16/9\n2/1\n"))
    assert zalzal.cents[4] == pytest.approx(354.547, abs=1e-3)
    assert zalzal.cents[1] == pytest.approx(203.910 / 2, abs=1e-3)


@pytest.mark.parametrize("count", [13, 17, 19, 22, 24, 31, 41, 53, 72, 100])
def test_of_more_notes_each_key_takes_the_nearest(count):
    tuning = tuning_from("many", equal(count))
    step = 1200.0 / count
    for key, cents in enumerate(tuning.cents[:12]):
        assert cents / step == pytest.approx(round(cents / step))
        assert abs(cents - 100.0 * key) <= step / 2 + 1e-9
    assert len(set(tuning.cents)) == 13


@pytest.mark.parametrize(
    ("scl", "what"),
    [
        (Scl("", ()), "has 0 notes: give 4 or more"),
        (Scl("", (Fraction(2),)), "has 1 note: give 4 or more"),
        (
            Scl("", tuple(6.0 * i for i in range(1, 100)) + (1200.0,)),
            "100 notes.*key 7 .700 cents. is 594 cents.*taken",
        ),
        (equal(13, 1901.955), "repeats after 1901.9.*1150 to 1250"),
        (Scl("", (200.0, 400.0, 300.0, 700.0, 1200.0)), "does not rise: 300 cents after 400"),
        (Scl("", (200.0, 400.0, 700.0, 900.0, -1200.0)), "repeats after -1200"),
        (Scl("", (*(float(i) for i in range(1, 12)), 1200.0)), "key 2 at 2 cents, more than a semitone off"),
        (Scl("", (1e300, 700.0, 900.0, 1200.0)), "does not rise"),
    ],
)
def test_scales_that_twelve_keys_cannot_play_are_refused(scl, what):
    with pytest.raises(TuningError, match=f"tuning mine .*{what}"):
        tuning_from("mine", scl)


WHITE = Kbm((0, None, 1, None, 2, 3, None, 4, None, 5, None, 6), 0, 127, 60, 69, 440.0, 7)
MAJOR = Scl("major", tuple(map(Fraction, ("9/8", "5/4", "4/3", "3/2", "5/3", "15/8", "2"))))


def test_a_mapping_is_heard_as_scala_has_it():
    for scl, kbm in (
        (MAJOR, WHITE),
        (equal(12), Kbm()),
        (equal(24), Kbm(tuple(range(0, 24, 2)), middle=48, reference=60, frequency_hz=256.0)),
        (equal(19), Kbm((0, 2, 3, 5, 6, 8, 9, 11, 13, 14, 16, 17), middle=62, reference=69, frequency_hz=442.0)),
        (equal(4, 400.0), Kbm()),
        (equal(12, 1210.0), Kbm(tuple(range(12)), first=30, last=90)),
        (equal(12, 1204.0), Kbm(tuple(range(12)), middle=46)),
    ):
        tuning = tuning_from("mapped", scl, kbm)
        for key, pitch in enumerate(keyboard(scl, replace(kbm, first=0, last=127))):
            if pitch is not None:
                assert {tuning.pitch(key, tonic) for tonic in range(12)} == {tuning.pitch(key, 0)}
                assert tuning.pitch(key, 5) == pytest.approx(pitch, abs=1e-9)


def test_silent_keys_of_a_mapping_lie_between_their_neighbours():
    tuning = tuning_from("white", MAJOR, WHITE)
    assert note_to_hz(tuning.pitch(60, 0)) == pytest.approx(264.0)
    assert tuning.pitch(61, 0) == pytest.approx((tuning.pitch(60, 0) + tuning.pitch(62, 0)) / 2)
    assert tuning.pitch(71, 0) < tuning.pitch(72, 0) and tuning.anchor == 0


@pytest.mark.parametrize(
    ("scl", "kbm", "what"),
    [
        (equal(7), Kbm(), "twelve keys span 2057.14 cents"),
        (MAJOR, Kbm(tuple(range(7))), "does not repeat every 12 keys"),
        (MAJOR, Kbm(), "does not repeat every 12 keys"),
        (equal(24), Kbm(), "twelve keys span 600 cents"),
        (equal(12), Kbm(tuple(range(12)), octave=24), "twelve keys span 2400 cents.*formal octave, 24"),
        (equal(12), replace(WHITE, degrees=(None, *range(1, 12)), octave=12), "middle note silent"),
        (equal(12), Kbm((0, *[None] * 8, 9, None, None)), "sounds 2 of twelve keys"),
        (equal(12), Kbm((0, None), reference=60), "twelve keys span 7200 cents"),
        (equal(12), Kbm(tuple(range(12)), frequency_hz=880.0), "1200 cents off A = 440"),
        (equal(12), Kbm((0, 2, 1, *range(3, 12))), "does not rise from key 1 to key 2"),
        (equal(12), Kbm((0, 3, *range(2, 12)), reference=60, frequency_hz=261.6), "key 1 at 300 cents|does not rise"),
        (equal(12), replace(WHITE, reference=61), "key 61 has a frequency"),
        (Scl("", ()), Kbm(), "no notes"),
        (Scl("", (math.inf,)), Kbm(), "."),
    ],
)
def test_mappings_that_twelve_keys_cannot_play_are_refused(scl, kbm, what):
    with pytest.raises(TuningError, match=what):
        tuning_from("mine", scl, kbm)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"offsets_cents": (0.0,) * 11}, "twelve offsets"),
        ({"offsets_cents": (math.nan,) * 12}, "twelve offsets"),
        ({"stretch_cents": 51.0}, "repeats after 1251"),
        ({"stretch_cents": math.inf}, "twelve offsets"),
        ({"anchor": 12}, "pitch class"),
        ({"offsets_cents": (0.0, 60.0, -60.0, *[0.0] * 9)}, "does not rise from key 1 to key 2"),
        ({"offsets_cents": (0.0, *[101.0] * 11)}, "key 1 at 201 cents"),
        ({"offsets_cents": (-101.0,) * 12}, "-101 cents off A"),
    ],
)
def test_a_tuning_that_crosses_or_strays_is_refused(fields, what):
    with pytest.raises(TuningError, match=f"tuning mine .*{what}"):
        Tuning("mine", **fields)


numbers = st.one_of(
    st.fractions(Fraction(1, 100), 100, max_denominator=1000), st.floats(allow_nan=False, allow_infinity=False)
)
plausible = st.lists(st.floats(1.0, 1199.0), max_size=30).map(lambda cents: [*sorted(cents), 1200.0])
scls = st.one_of(plausible, st.lists(numbers, max_size=30)).map(lambda intervals: Scl("any", tuple(intervals)))
degrees = st.lists(st.one_of(st.none(), st.integers(-20, 60)), max_size=24).map(tuple)
keys = st.integers(0, 127)
kbms = st.one_of(
    st.none(), st.just(WHITE), st.builds(Kbm, degrees, keys, keys, keys, keys, st.floats(200, 900), st.integers(0, 40))
)


@settings(max_examples=300)
@given(scl=scls, kbm=kbms)
def test_any_scale_and_mapping_are_played_in_order_or_refused(scl, kbm):
    try:
        tuning = tuning_from("any", scl, kbm)
    except TuningError as error:
        assert str(error).startswith("tuning any ")
        return
    pitches = [tuning.pitch(key, 4) for key in range(128)]
    assert all(low < high for low, high in zip(pitches, pitches[1:], strict=False))
    assert all(abs(pitch - key) < 6.0 for key, pitch in enumerate(pitches))


@settings(max_examples=200)
@given(scl=st.binary(max_size=200), kbm=st.binary(max_size=200))
def test_any_bytes_become_a_tuning_or_an_error(scl, kbm):
    try:
        tuning_from("any", parse_scl(scl, "a.scl"), parse_kbm(kbm, "a.kbm"))
    except TuningError as error:
        assert str(error)


def test_commas_are_those_of_the_books():
    thirds = 4 * cents_of(Fraction(3, 2)) - 2400.0 - cents_of(Fraction(5, 4))
    assert thirds == pytest.approx(21.506, abs=1e-3)
    assert TUNINGS["meantone"].cents[4] == pytest.approx(cents_of(Fraction(5, 4)))
