"""Tonal tension against what is published of it."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from synth.composer import harmony, tension
from synth.composer.harmony import KINDS, Chord
from synth.composer.tension import centre, dissonance, key_centre, pitch_space_distance, strain, triad_centre
from synth.controls import MODES

IONIAN = MODES.index("ionian")


@pytest.mark.parametrize(
    ("degree", "distance"), [(0, 0), (1, 8), (2, 7), (3, 5), (4, 5), (5, 7), (6, 8)], ids="I ii iii IV V vi vii".split()
)
def test_pitch_space_has_lerdahls_distances_within_a_key(degree, distance):
    """Lerdahl (2001): from the tonic triad of C to the other triads of the key."""
    assert pitch_space_distance(degree) == distance


def test_pitch_space_has_lerdahls_distances_to_the_neighbouring_keys():
    assert pitch_space_distance(0, region=1) == pitch_space_distance(0, region=-1) == 7
    assert pitch_space_distance(4, region=0) < pitch_space_distance(0, region=1), "the same chord, heard as a tonic"


@pytest.mark.parametrize(
    ("root", "third", "distance"),
    [
        (0, 4, 0.37),  # I
        (1, 4, 0.90),  # V
        (3, -3, 0.98),  # vi
        (-1, 4, 1.03),  # IV
        (4, -3, 1.08),  # iii
        (2, -3, 1.15),  # ii
        (-1, -3, 1.22),  # iv
        (2, 4, 1.42),  # V/V
        (-2, 4, 1.46),  # bVII
        (-4, 4, 1.67),  # bVI
        (6, 4, 2.65),  # #IV
    ],
)
def test_spiral_array_has_chews_distances_from_chords_to_the_key(root, third, distance):
    assert math.dist(triad_centre(root, third), key_centre(IONIAN)) == pytest.approx(distance, abs=0.006)


@pytest.mark.parametrize(("fifths", "distance"), [(0, 0.0), (1, 0.72), (2, 1.16), (3, 1.34), (4, 1.60)])
def test_spiral_array_has_chews_distances_between_keys(fifths, distance):
    home = key_centre(IONIAN)
    for way in (fifths, -fifths):
        assert math.dist(home, key_centre(IONIAN, way)) == pytest.approx(distance, abs=0.006)


def test_strain_is_the_distance_of_a_modes_own_triads():
    published = {0: 0.37, 4: 0.90, 5: 0.98, 3: 1.03, 2: 1.08, 1: 1.15}
    assert {degree: round(strain(IONIAN, degree), 2) for degree in published} == published


def test_thirds_are_nearer_than_seconds_and_a_tritone_is_the_widest_interval():
    """Chew (2000): in the spiral array fifths and thirds lie together, which is why h is what it is."""
    at = [math.dist(tension.spiral(0), tension.spiral(fifths)) for fifths in range(7)]
    assert at[1] < at[4] < at[3] < at[2] < at[5] < at[6]
    assert centre([tension.spiral(0)], [2.0]) == tension.spiral(0)


def test_roughness_follows_the_intervals():
    """Two partials are roughest about a quarter of a critical band apart (Plomp & Levelt 1965), and tones of six
    partials have their calm at the octave, the fifth and the fourth (Sethares 1993)."""
    at = {apart: dissonance((60, 60 + apart)) for apart in range(1, 13)}
    assert max(at, key=lambda apart: at[apart]) == 1
    assert min(at, key=lambda apart: at[apart]) == 12
    assert at[7] < min(at[apart] for apart in (3, 4, 5, 6, 8))
    assert at[5] < at[6] and at[5] < at[2]
    assert dissonance((40, 44)) > dissonance((64, 68)), "the lower, the rougher"
    assert dissonance((60, 64, 67)) < dissonance((60, 62, 67)), "a second sounds rougher than a third"
    assert dissonance((60,)) == 0.0


@pytest.mark.parametrize("mode", range(6))
def test_more_tones_of_a_chord_never_calm_it(mode):
    assert harmony.tension(mode, Chord(0, "open")) == pytest.approx(0.0, abs=0.06)
    for degree in range(7):
        order = [harmony.tension(mode, Chord(degree, kind)) for kind in ("open", "triad", "seventh", "ninth")]
        assert order == sorted(order) and 0.0 <= order[0] and order[-1] <= 1.0
        rough = [harmony.roughness(mode, Chord(degree, kind)) for kind in ("triad", "seventh", "ninth")]
        assert rough == sorted(rough)


@pytest.mark.parametrize("mode", range(6))
def test_home_is_the_calmest_chord_of_each_kind(mode):
    for kind in ("open", "triad"):
        others = [harmony.tension(mode, Chord(degree, kind)) for degree in range(1, 7)]
        assert harmony.tension(mode, Chord(0, kind)) < min(others) - 0.1


def test_a_tritone_makes_a_chord_tense():
    with_it = [c for d in range(7) for k in KINDS if _has_tritone(c := Chord(d, k))]
    assert Chord(4, "seventh") in with_it and Chord(6) in with_it
    assert min(harmony.tension(IONIAN, chord) for chord in with_it if harmony.is_usable(IONIAN, chord)) >= 0.5


def _has_tritone(chord: Chord) -> bool:
    pcs = harmony.chord_pcs(chord, harmony.Scale(0, IONIAN))
    return any(abs(a - b) == 6 for a, b in combinations(pcs, 2))
