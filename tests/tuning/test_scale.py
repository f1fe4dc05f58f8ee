"""Scales: what they must be, the keys that stand for their degrees, and how bright they are."""

from __future__ import annotations

import math
import pickle
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.tuning.scala import TuningError
from synth.tuning.scale import TunedScale, nearest_keys

CHURCH = {
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}


def scale(cents, **fields) -> TunedScale:
    return TunedScale("a_scale", "test", tuple(map(float, cents)), **fields)


@pytest.mark.parametrize("semitones", CHURCH.values(), ids=CHURCH)
def test_degrees_on_the_keys_are_those_keys(semitones):
    assert scale(100 * key for key in semitones).semitones == semitones


@pytest.mark.parametrize(
    ("cents", "semitones"),
    [
        ((0, 200, 350, 500, 700, 900, 1050), (0, 2, 4, 5, 7, 9, 11)),  # rast in quarter tones: as far up as down
        ((0, 204, 342, 498, 702, 906, 1056), (0, 2, 3, 5, 7, 9, 11)),  # rast as played in Cairo
        ((0, 150, 300, 500, 700, 800, 1000), (0, 2, 3, 5, 7, 8, 10)),
        ((0, 228, 484, 728, 960), (0, 2, 5, 7, 10)),  # slendro, Ellis 1885
        ((0, 139, 267, 603, 702, 796, 969), (0, 1, 3, 6, 7, 8, 10)),  # pelog
        ((0, 171.43, 342.86, 514.29, 685.71, 857.14, 1028.57), (0, 2, 3, 5, 7, 9, 10)),  # seven equal steps
        ((0, 120, 300, 670, 880, 970, 980), (0, 1, 3, 7, 8, 9, 10)),  # none far off, rather than most near
        ((0, 30, 70, 500), (0, 1, 2, 5)),  # distinct, even where two have the same nearest key
        ((0, 1100, 1150, 1190), (0, 9, 10, 11)),
    ],
)
def test_degrees_between_the_keys_take_the_nearest_that_are_distinct(cents, semitones):
    if max(abs(c - 100 * s) for c, s in zip(cents, semitones, strict=True)) > 100:
        assert nearest_keys([float(c) for c in cents]) == semitones
    else:
        assert scale(cents).semitones == semitones


rising = st.lists(st.floats(1.0, 1190.0), min_size=3, max_size=11, unique=True).map(lambda c: (0.0, *sorted(c)))


@settings(max_examples=60)
@given(cents=rising)
def test_no_other_choice_of_keys_is_nearer(cents):
    def cost(keys) -> float:
        return math.fsum((c - 100 * key) ** 2 for c, key in zip(cents, keys, strict=True))

    least = min(cost((0, *keys)) for keys in combinations(range(1, 12), len(cents) - 1))
    found = nearest_keys(cents)
    assert list(found) == sorted(set(found)) and found[0] == 0 and found[-1] <= 11
    assert cost(found) == pytest.approx(least, rel=1e-6, abs=1e-3)


def test_the_church_modes_grow_darker_by_a_seventh_of_a_semitone_a_degree():
    brightness = [scale(100 * key for key in semitones).brightness for semitones in CHURCH.values()]
    assert brightness == pytest.approx([100 * n / 7 for n in (3, 2, 1, 0, -1, -2, -3)])


def test_brightness_tells_scales_of_other_sizes_apart_too():
    major, minor = scale((0, 200, 400, 700, 900)), scale((0, 300, 500, 700, 1000))
    hirajoshi, just = scale((0, 200, 300, 700, 800)), scale((0, 203.91, 386.31, 701.96, 884.36))
    assert major.brightness > just.brightness > minor.brightness > hirajoshi.brightness
    neutral = scale((0, 200, 350, 500, 700, 900, 1050))
    assert neutral.brightness == pytest.approx(100 / 7)  # between ionian and dorian
    stretched = scale((0, 200, 300, 500, 700, 900, 1000), period_cents=1215.0)
    assert stretched.brightness == 0.0


def test_use_of_a_scale_is_kept_and_can_be_sent_to_another_process():
    raga = scale(
        (0, 112, 386, 498, 702, 814, 1088),
        title="Bhairav",
        ascent=(0, 1, 2, 3, 4, 5, 6, 7),
        descent=(7, 6, 5, 4, 3, 2, 1, 0),
        chief=(5, 1),
        drone=(0, 4, 7),
        ornaments={1: "andolan", 5: "andolan"},
        ombak_hz=6.0,
    )
    assert pickle.loads(pickle.dumps(raga)) == raga and hash(raga) == hash(pickle.loads(pickle.dumps(raga)))
    assert raga.chief == (5, 1) and raga.ornaments[1] == "andolan"


@pytest.mark.parametrize(
    ("cents", "fields", "what"),
    [
        ((0,), {}, "1 degree:.*4 to 12"),
        ((), {}, "0 degrees"),
        (range(13), {}, "13 degrees"),
        (range(100), {}, "100 degrees"),
        ((100, 200, 300, 400), {}, "begin on its tonic"),
        ((0, 200, math.nan, 700), {}, "begin on its tonic"),
        ((0, 200, 200, 700), {}, "does not rise: 200 cents after 200"),
        ((0, 400, 300, 700), {}, "does not rise"),
        ((0, 300, 700, 1200), {}, "leave the octave out"),
        ((0, 300, 700, 1000), {"period_cents": 1902.0}, "repeats after 1902"),
        ((0, 300, 700, 1000), {"period_cents": math.nan}, "repeats after nan"),
        ((0, 1, 2, 3, 4), {}, "too crowded.*degree 2"),
        ((0, 300, 700, 1000), {"ascent": (0, 5)}, "ascent names degree 5.*0 to 4"),
        ((0, 300, 700, 1000), {"chief": (4,)}, "chief names degree 4.*0 to 3"),
        ((0, 300, 700, 1000), {"drone": (-1,)}, "drone names degree -1"),
        ((0, 300, 700, 1000), {"ornaments": {9: "kan"}}, "ornaments names degree 9"),
        ((0, 300, 700, 1000), {"ombak_hz": math.inf}, "ombak_hz"),
    ],
)
def test_what_is_no_scale_is_refused_with_its_name(cents, fields, what):
    with pytest.raises(TuningError, match=f"a_scale.*{what}"):
        scale(cents, **fields)


@pytest.mark.parametrize("name", ["", "Rast", "rast!", "two words", "_rast", "ra\nst"])
def test_names_are_plain(name):
    with pytest.raises(TuningError, match="not a name"):
        TunedScale(name, "test", (0.0, 300.0, 700.0, 1000.0))
