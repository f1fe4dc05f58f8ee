"""The taqsim: ajnas, cadences, the excursion and the way home."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.parts.taqsim import Taqsim, excursions, ghammaz, jins_on
from synth.composer.parts.ways import ways_of

MAQAMAT = ("rast", "bayati", "hijaz", "nahawand", "saba", "sikah", "kurd", "ajam", "rast_levant", "makam_ussak", "shur")
SEEDS = range(3)


def taqsim(stage, scale="rast", seed=0, **how):
    return stage.perform(Taqsim(seed, "melody"), scale, **{"minutes": 5.0, **how})


def test_ajnas_are_found_where_theory_has_them(stage):
    found = {
        ("rast", 0): "rast",
        ("rast", 1): "bayati",
        ("rast", 4): "rast",
        ("bayati", 0): "bayati",
        ("bayati", 3): "nahawand",
        ("hijaz", 0): "hijaz",
        ("hijaz", 3): "nahawand",
        ("hijaz_rast", 3): "rast",
        ("nahawand", 4): "kurd",
        ("nahawand_hijaz", 4): "hijaz",
        ("saba", 0): "saba",
        ("saba", 2): "hijaz",
        ("suznak", 4): "hijaz",
        ("ajam", 4): "ajam",
        ("rast_levant", 0): "rast",
        ("bayati_levant", 3): "nahawand",
        ("slendro", 0): "",
        ("whole_tone", 0): "",
    }
    assert {(name, degree): jins_on(stage.catalogue[name], degree) for name, degree in found} == found


def test_the_ghammaz_is_the_one_of_the_books(stage):
    books = {"rast": 5, "bayati": 4, "hijaz": 4, "nahawand": 5, "saba": 3, "kurd": 4, "ajam": 5, "sikah": 3, "huzam": 3}
    assert {name: ghammaz(stage.catalogue[name]) + 1 for name in books} == books
    assert ghammaz(stage.catalogue["bhoopali"]) == 2 and ghammaz(stage.catalogue["dorian"]) == 4


def test_an_excursion_is_only_where_the_scale_has_the_jins(stage):
    assert 1 in excursions(stage.catalogue["rast"])  # Bayati on 2
    assert excursions(stage.catalogue["slendro"]) == ()
    for name in MAQAMAT:
        for degree in excursions(stage.catalogue[name]):
            assert degree not in (0, ghammaz(stage.catalogue[name])) and jins_on(stage.catalogue[name], degree)


@settings(max_examples=30)
@given(
    scale=st.sampled_from((*MAQAMAT, "huzam", "yo", "desh", "slendro", "dorian")),
    seed=st.integers(0, 9999),
    key=st.integers(0, 11),
    register=st.floats(45.0, 79.0),
    rate=st.floats(0.02, 1.5),
    bpm=st.floats(44.0, 140.0),
    bars=st.sampled_from((2, 4, 8, 16)),
)
def test_every_move_is_one_that_the_scale_allows(stage, scale, seed, key, register, rate, bpm, bars):
    take = taqsim(stage, scale, seed, key=key, register_note=register, rate_hz=rate, bpm=bpm, bars=bars)
    ways = ways_of(stage.catalogue[scale])
    for run in take.sung():
        for a, b in pairwise(run):
            assert ways.allows(a.step, b.step), f"{a.step} to {b.step}\n{take.roll()}"
    for note in take.notes:
        assert 50 <= note.pitch <= 86
        assert any(start - 0.05 <= note.start_s and note.end_s <= end + 0.05 for start, end in take.phrases)
    assert not take.gaps() or min(take.gaps()) >= 0.25


@pytest.mark.parametrize("scale", MAQAMAT)
def test_it_goes_from_jins_to_jins_and_comes_home(stage, scale):
    over = []
    for seed in SEEDS:
        take = taqsim(stage, scale, seed, ends=True)
        home = take.notes[0].step
        assert home % take.scale.size == 0
        parts = [
            [note.step - home for note in take.notes if low <= note.start_s / take.end_s < high]
            for low, high in ((0.0, 0.3), (0.4, 0.58), (0.9, 1.01))
        ]
        first, middle, last = (statistics.mean(part) for part in parts)
        assert max(parts[0]) <= 5 and first < middle and last < middle
        assert take.notes[-1].step % take.scale.size == 0
        over.append(middle - first)
    assert statistics.mean(over) >= 1.5


@pytest.mark.parametrize("scale", MAQAMAT)
def test_phrases_close_on_the_first_tone_of_a_jins_by_step_from_above(stage, scale):
    """About half of the phrases fall by step to the root of a jins and stay there."""
    closes = []
    for seed in SEEDS:
        take = taqsim(stage, scale, seed)
        roots = {0, ghammaz(stage.catalogue[scale]), *excursions(stage.catalogue[scale])}
        for run in take.sung():
            last = run[-1]
            steps = [note.step for note in run]
            falls = len(set(steps)) >= 3 and steps[-1] <= min(steps) + 1 and max(steps) >= steps[-1] + 2
            closes.append(falls and last.step % take.scale.size in roots)
        assert statistics.mean(run[-1].seconds for run in take.sung()) > 1.3
    assert statistics.mean(closes) >= 0.42


@pytest.mark.parametrize("scale", MAQAMAT)
def test_it_is_silent_for_three_to_eight_seconds_between_phrases(stage, scale):
    takes = [taqsim(stage, scale, seed) for seed in SEEDS]
    silences = [s for take in takes for s in take.silences()]
    assert min(silences) >= 2.5 and statistics.mean(2.9 <= s <= 8.1 for s in silences) >= 0.93
    assert all(take.silent() >= 0.35 for take in takes)


def test_lines_go_by_step_and_held_tones_are_ornamented(stage):
    moves, touched, runs = [], 0, 0
    for seed in range(5):
        take = taqsim(stage, "rast", seed)
        for run in take.sung():
            runs += 1
            moves += [abs(b.step - a.step) for a, b in pairwise(run)]
            touched += any(b.seconds < 0.5 and abs(b.step - a.step) <= 1 < a.seconds * 2 for a, b in pairwise(run))
    assert max(moves) == 1 and touched >= 0.4 * runs
    assert 0.05 <= moves.count(0) / len(moves) <= 0.4


def test_the_session_ends_on_the_tonic_held(stage):
    for seed in range(5):
        take = taqsim(stage, "hijaz", seed, ends=True, minutes=4.0)
        last = take.notes[-1]
        assert last.step % take.scale.size == 0 and last.seconds > 3.0 and last.start_s >= take.end_s - 4.5


def test_the_same_seed_plays_the_same_and_others_differ(stage):
    assert taqsim(stage, "saba", 7).notes == taqsim(stage, "saba", 7).notes
    assert len({tuple(n.step for n in taqsim(stage, "saba", seed).notes) for seed in range(5)}) == 5
