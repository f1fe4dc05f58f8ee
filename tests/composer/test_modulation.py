"""Ways from key to key."""

from __future__ import annotations

from itertools import product

import pytest

from synth.composer.modulation import shared, triads, way
from synth.composer.scales import NAMES, Scale, pitch_classes
from synth.composer.transformations import Triad, chain
from synth.controls import MODES

IONIAN, AEOLIAN = MODES.index("ionian"), MODES.index("aeolian")
PAIRS = [
    (Scale(0, a), Scale(key, b)) for key, a, b in product(range(12), range(6), range(6)) if (key, b) != (0, a)
]  # all others are these in another key


def fifths_apart(a, b):
    """Accidentals by which two scales differ."""
    return len(set(pitch_classes(a)) - set(pitch_classes(b)))


@pytest.mark.parametrize("mode", range(6))
def test_every_key_has_a_way(mode):
    for a, b in PAIRS:
        if a.mode == mode:
            check_way(a, b)


def check_way(a, b):
    over, close, opening = way(a, b)
    mine, theirs = triads(a), triads(b)
    common = set(mine) & set(theirs)
    if over == "pivot":
        assert common and close is None and opening is None
    elif over == "chain":
        assert not common
        ends = next(t for t, d in mine.items() if d == close), next(t for t, d in theirs.items() if d == opening)
        assert 1 <= len(chain(*ends)) <= 2
    else:
        assert over == "drone" and not common
        assert set(shared(a, b)) == set(pitch_classes(a)) & set(pitch_classes(b)) != set()


@pytest.mark.parametrize("fifths", range(7))
def test_the_nearer_the_key_the_more_it_shares(fifths):
    """Major keys up to two fifths apart have triads in common; further ones have none at all."""
    for key in (7 * fifths % 12, -7 * fifths % 12):
        common = set(triads(Scale(0, IONIAN))) & set(triads(Scale(key, IONIAN)))
        assert len(common) == {0: 6, 1: 4, 2: 2}.get(fifths, 0)
        if fifths:
            assert way(Scale(0, IONIAN), Scale(key, IONIAN)).over == ("pivot" if fifths <= 2 else "chain")


def test_the_triads_of_c_major():
    assert triads(Scale(0, IONIAN)) == {
        Triad(0, True): 0,
        Triad(2, False): 1,
        Triad(4, False): 2,
        Triad(5, True): 3,
        Triad(7, True): 4,
        Triad(9, False): 5,
    }


def test_relatives_are_reached_over_a_pivot():
    near = [pair for pair in PAIRS if fifths_apart(*pair) <= 1]
    assert len(near) > 30 and all(way(*pair).over == "pivot" for pair in near)


def test_a_scale_without_chords_is_reached_over_a_drone():
    rast = Scale(0, len(MODES))
    assert not rast.is_mode and NAMES[rast.mode] not in MODES
    assert way(rast, Scale(0, IONIAN)).over == way(Scale(0, IONIAN), rast).over == "drone"


def test_what_is_held_belongs_to_the_new_tonic_chord_first():
    assert shared(Scale(0, IONIAN), Scale(9, AEOLIAN))[:3] == (9, 4, 0)
    assert shared(Scale(0, IONIAN), Scale(4, IONIAN))[:2] == (4, 11)
