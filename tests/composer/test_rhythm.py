"""Rhythm: metre, published patterns, layers that drift, breath and free time."""

from __future__ import annotations

import math
import statistics
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer import rhythm
from synth.composer.rhythm import breath, free, layers
from synth.composer.rhythm.metre import weights
from synth.composer.rhythm.patterns import ADDITIVE, additive_parts, box
from synth.rng import stream

# Toussaint, "The Euclidean algorithm generates traditional musical rhythms" (2005), each from any of its onsets.
TOUSSAINT = {
    (2, 3): "x.x",
    (2, 5): "x.x..",
    (3, 4): "x.xx",
    (3, 5): "x.x.x",
    (3, 7): "x.x.x..",
    (3, 8): "x..x..x.",
    (4, 7): "x.x.x.x",
    (4, 9): "x.x.x.x..",
    (4, 11): "x..x..x..x.",
    (5, 6): "x.xxxx",
    (5, 7): "x.xx.xx",
    (5, 8): "x.xx.xx.",
    (5, 9): "x.x.x.x.x",
    (5, 11): "x.x.x.x.x..",
    (5, 12): "x..x.x..x.x.",
    (5, 16): "x..x..x..x..x...",
    (7, 8): "x.xxxxxx",
    (7, 12): "x.xx.x.xx.x.",
    (7, 16): "x..x.x.x..x.x.x.",
    (9, 16): "x.xx.x.x.xx.x.x.",
}


def turns(pattern: str) -> set[str]:
    return {pattern[i:] + pattern[:i] for i in range(len(pattern))}


@pytest.mark.parametrize(("pulses", "steps"), TOUSSAINT)
def test_euclid_gives_the_published_rhythms(pulses, steps):
    found = box(rhythm.euclid(pulses, steps), steps)
    assert found[0] == "x" and found in turns(TOUSSAINT[pulses, steps])


@pytest.mark.parametrize(
    ("pulses", "steps", "exact"), [(3, 8, "x..x..x."), (5, 8, "x.x.xx.x"), (7, 16, "x..x.x.x..x.x.x.")]
)
def test_and_begins_where_the_table_of_the_project_begins(pulses, steps, exact):
    assert box(rhythm.euclid(pulses, steps), steps) == exact


@given(units=st.integers(1, 40))
def test_every_number_adds_up_from_twos_and_threes(units):
    for parts in additive_parts(units):
        assert sum(parts) == units and (set(parts) <= {2, 3} or units == 1)
        assert len(rhythm.additive(parts)) == len(parts)


def test_additive_patterns_begin_where_their_groups_do():
    assert rhythm.additive((2, 2, 3)) == (0, 2, 4) and rhythm.additive((3, 3, 2)) == (0, 3, 6)
    assert rhythm.additive((3, 3, 2)) == rhythm.euclid(3, 8), "the tresillo is both"
    assert all(sum(parts) == units for units, ways in ADDITIVE.items() for parts in ways)


# --- metre -----------------------------------------------------------------------------------------------------------


def test_bars_are_strong_by_fours_and_eights():
    assert [rhythm.bar_strength(bar) for bar in range(9)] == [1.0, 0.1, 0.4, 0.1, 0.7, 0.1, 0.4, 0.1, 1.0]


def test_weights_are_those_of_the_metrical_tree():
    assert weights(2, 2, 2) == (0, -3, -2, -3, -1, -3, -2, -3)
    assert weights(2, 3) == (0, -2, -2, -1, -2, -2), "6/8"
    assert weights(3, 2) == (0, -2, -1, -2, -1, -2), "3/4"


SIXTEEN = (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((0, 4, 8, 12), 0),
        (tuple(range(16)), 0),
        ((), 0),
        ((0, 8), 0),
        ((0, 3, 8), 2),  # a sixteenth before the second beat, which is silent: -2 over -4
        ((0, 3, 6, 10, 12), 4),  # son: 2 for the stroke at 3, 2 for that at 6, which the third beat's silence outweighs
        ((0, 6, 8), 0),
        ((7,), 4),  # the next downbeat is silent
    ],
)
def test_syncopation_is_what_longuet_higgins_and_lee_count(places, expected):
    assert rhythm.syncopation(places, *SIXTEEN) == expected


def test_claves_lean_more_than_beats_and_turning_one_half_a_beat_leans_more():
    son, beats = (0, 3, 6, 10, 12), (0, 4, 8, 12)
    off = tuple((place + 2) % 16 for place in beats)
    assert rhythm.syncopation(off, *SIXTEEN) > rhythm.syncopation(son, *SIXTEEN) > rhythm.syncopation(beats, *SIXTEEN)


# --- layers ----------------------------------------------------------------------------------------------------------


def test_loops_of_unlike_primes_hardly_ever_meet():
    assert layers.recurrence((13, 17, 19, 23)) / 3600 == pytest.approx(26.8, abs=0.05)
    assert layers.recurrence((7, 11, 13, 17, 19)) == 323_323
    assert layers.recurrence((12, 16, 20, 24)) == 240
    assert layers.recurrence((7, 8)) == 56


@given(seed=st.integers(0, 999), count=st.integers(2, 9))
def test_incommensurate_periods_are_unlike_primes(seed, count):
    periods = layers.incommensurate(stream(seed, "test"), count, 11, 61)
    assert len(set(periods)) == count and list(periods) == sorted(periods)
    assert layers.recurrence(periods) == math.prod(periods)
    assert set(layers.incommensurate(stream(seed, "test"), 12)) == set(layers.PRIMES_S)


def test_too_many_periods_are_refused_with_how_many_there_are():
    with pytest.raises(ValueError, match="9 periods: there are 3 primes from 10 to 18"):
        layers.incommensurate(stream(1, "test"), 9, 10, 18)


def test_a_slip_goes_out_and_comes_back_a_step_at_a_time():
    offset, rising, seen = 0, True, []
    for _ in range(12):
        offset, rising = layers.slip(offset, rising, 3)
        seen.append(offset)
    assert seen == [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert layers.slip(5, True, 2) == (4, False), "a nearer reach is walked back to"
    assert layers.slip(0, False, 0)[0] == 1
    assert layers.slip(1, False, 3, nearest=1) == (2, True) and layers.slip(2, True, 0, nearest=1) == (1, False)


# --- breath and free time --------------------------------------------------------------------------------------------


def test_a_breath_fills_for_two_fifths_and_empties_for_three():
    values = [breath.swell(i / 1000) for i in range(1000)]
    assert values[0] == 0.0 and values.index(max(values)) == 400 and values[-1] < 1e-4
    assert all(a <= b for a, b in zip(values[:400], values[1:401], strict=True))
    assert all(a >= b for a, b in zip(values[400:-1], values[401:], strict=True))
    assert statistics.mean(values) == pytest.approx(0.5, abs=0.01)


def test_accents_of_a_phrase_of_two_breaths_follow_them_and_leave_the_mean_alone():
    accents = [breath.accent(beat / 10, 16.0, 2) for beat in range(160)]
    peaks = [i / 10 for i in range(1, 159) if accents[i - 1] < accents[i] >= accents[i + 1]]
    assert peaks == pytest.approx([3.2, 11.2]) and max(accents) == pytest.approx(0.08)
    assert statistics.mean(accents) == pytest.approx(0.0, abs=0.002)
    assert breath.turns(16.0, 2) == (pytest.approx((0.0, 3.2)), pytest.approx((8.0, 11.2)))


def moment(**changes):
    usual = {"time_s": 100.0, "bar_s": 4.0, "start": 8.0, "beat_s": 1.0}
    return SimpleNamespace(**{**usual, **changes})


def test_seconds_become_beats_of_the_phrase_on_no_grid():
    now = moment()
    assert free.beat_at(now, 101.237) == pytest.approx(9.237)
    assert free.beat_at(now, 104.0) is None and free.beat_at(now, 99.0) == 8.0
    assert free.time_of(now, free.beat_at(now, 102.5)) == pytest.approx(102.5)


def test_waits_are_as_long_as_asked_for_and_never_too_short():
    for evenness, spread in ((0.0, 1.0), (0.5, 0.5), (0.9, 0.1)):
        rng = stream(3, "test")
        waits = [free.gap_s(rng, 6.0, evenness) for _ in range(4000)]
        assert min(waits) >= free.APART_S
        assert statistics.mean(waits) == pytest.approx(6.0, rel=0.06)
        assert statistics.stdev(waits) / (6.0 - free.APART_S) == pytest.approx(spread, rel=0.1)
    assert free.gap_s(stream(1, "test"), 0.1) == free.APART_S
