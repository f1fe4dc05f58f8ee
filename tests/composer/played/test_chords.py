"""The chord that stands for a played one: the scale's where it holds it, the played one where it is consonant."""

from __future__ import annotations

from itertools import product

import pytest

from synth.composer.harmony import Chord, chord_pcs, symbol
from synth.composer.played.chords import MOST_ROUGH, fitting, taken
from synth.composer.played.ear import Heard
from synth.composer.scales import Scale, pitch_classes
from synth.composer.tension import rubbing

C_MAJOR = Scale(0, 1)


@pytest.mark.parametrize(
    ("pcs", "name"),
    [((0, 4, 7), "C"), ((9, 0, 4), "Am"), ((7, 11, 2, 5), "G7"), ((2, 5, 9, 0), "Dm7"), ((5, 9, 0, 4), "Fmaj7")],
)
def test_what_the_scale_holds_is_the_scales_own_chord(pcs: tuple[int, ...], name: str):
    chord = taken(Heard(pcs, True, None), C_MAJOR)
    assert chord is not None and chord.played == () and symbol(chord, C_MAJOR) == name


@pytest.mark.parametrize(
    ("pcs", "name"), [((4, 8, 11), "E"), ((2, 6, 9, 0), "D7"), ((5, 8, 0), "Fm"), ((10, 2, 5), "Bb")]
)
def test_a_consonant_chord_from_outside_is_taken_as_it_is(pcs: tuple[int, ...], name: str):
    chord = taken(Heard(pcs, True, None), C_MAJOR)
    assert chord is not None and set(chord_pcs(chord, C_MAJOR)) == set(pcs) and symbol(chord, C_MAJOR) == name


def test_a_cluster_is_not_taken_over():
    assert taken(Heard((0, 1, 2), False, None), C_MAJOR) is None
    assert taken(Heard((0, 1, 6), False, None), C_MAJOR) is None


def test_every_triad_in_every_mode_comes_back_whole_or_stays_away_when_it_is_rough():
    for mode, root, (third, fifth) in product(range(6), range(12), ((4, 7), (3, 7), (3, 6))):
        pcs = (root, (root + third) % 12, (root + fifth) % 12)
        chord = taken(Heard(pcs, True, None), Scale(2, mode))
        assert chord is not None or rubbing(pcs) > MOST_ROUGH
        if chord is not None:
            assert set(pcs) <= set(chord_pcs(chord, Scale(2, mode)))


def test_chords_that_fit_long_notes_hold_them_all():
    options = fitting(C_MAJOR, (9, 5))
    assert Chord(5) not in options and Chord(3) in options
    assert all({9, 5} <= set(chord_pcs(chord, C_MAJOR)) <= set(pitch_classes(C_MAJOR)) for chord in options)
    assert fitting(C_MAJOR, (1,)) == ()
