"""The alap: its moves, rests, range, the way up and home, memory, and the end."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.parts.alap import Alap
from synth.composer.parts.ways import ways_of

RAGAS = ("bhoopali", "yaman", "bhairav", "desh", "malkauns", "bihag", "darbari", "bageshri", "todi", "khamaj")
SEEDS = range(3)


def alap(stage, scale="bhoopali", seed=0, **how):
    return stage.perform(Alap(seed, "melody"), scale, **{"minutes": 8.0, **how})


@settings(max_examples=30)
@given(
    scale=st.sampled_from(RAGAS + ("rast", "in", "lydian", "pelog_bem", "huzam", "harmonics_bloom")),
    seed=st.integers(0, 9999),
    key=st.integers(0, 11),
    register=st.floats(45.0, 79.0),
    rate=st.floats(0.02, 1.0),
    bpm=st.floats(44.0, 140.0),
    bars=st.sampled_from((2, 4, 8, 16)),
    tension=st.floats(0.0, 1.0),
)
def test_every_move_is_one_that_the_scale_allows(stage, scale, seed, key, register, rate, bpm, bars, tension):
    take = alap(
        stage, scale, seed, key=key, register_note=register, rate_hz=rate, bpm=bpm, bars=bars, tonal_tension=tension,
        minutes=6.0,
    )  # fmt: skip
    ways = ways_of(stage.catalogue[scale])
    rests = {0, *stage.catalogue[scale].chief, *stage.catalogue[scale].drone}
    for run in take.sung():
        for a, b in pairwise(run):
            assert ways.allows(a.step, b.step), f"{a.step} to {b.step}\n{take.roll()}"
    for note in take.notes:
        assert 50 <= note.pitch <= 86
        assert any(start - 0.05 <= note.start_s and note.end_s <= end + 0.05 for start, end in take.phrases)
    assert not take.gaps() or min(take.gaps()) >= 0.25
    starts = [run[0].step % len(stage.catalogue[scale].cents) in rests for run in take.sung()]
    assert not starts or starts[0]


@pytest.mark.parametrize("scale", RAGAS)
def test_it_opens_on_the_tonic_unfolds_to_the_upper_one_and_comes_home(stage, scale):
    for seed in SEEDS:
        take = alap(stage, scale, seed, ends=True)
        size = take.scale.size
        steps = [note.step for note in take.notes]
        home = steps[0]
        assert home % size == 0 and steps[-1] % size == 0
        upper = next(note.start_s for note in take.notes if note.step >= home + size)
        assert 0.3 <= upper / take.end_s <= 0.9
        early = [note.step for note in take.notes if note.start_s < 0.2 * take.end_s]
        assert max(early) < home + size
        tops = [max(run, key=lambda n: n.step).step for run in take.sung()]
        rising = [top for top, run in zip(tops, take.sung(), strict=True) if run[0].start_s < 0.6 * take.end_s]
        reached = [max(rising[: i + 1]) for i in range(len(rising))]
        assert statistics.mean(b - a <= 2 for a, b in pairwise(reached)) >= 0.75  # about one tone more at a time
        last = [note.step for note in take.notes if note.start_s > 0.9 * take.end_s]
        assert min(last) <= home + 1
        coming = [n.step for n in take.notes[:-1] if n.start_s > 0.93 * take.end_s]
        assert not coming or statistics.median(coming) <= home + size // 2 + 1


@pytest.mark.parametrize("scale", RAGAS)
def test_it_is_silent_for_three_to_eight_seconds_between_phrases(stage, scale):
    silences = [s for seed in SEEDS for s in alap(stage, scale, seed).silences()]
    assert min(silences) >= 2.5 and max(silences) <= 9.5
    assert statistics.mean(3.0 - 0.1 <= s <= 8.1 for s in silences) >= 0.95
    assert all(alap(stage, scale, seed).silent() >= 0.35 for seed in SEEDS)


@pytest.mark.parametrize("scale", RAGAS)
def test_phrases_have_a_few_tones_and_rest_on_the_chief_ones(stage, scale):
    tuned = stage.catalogue[scale]
    heavy = {0, *tuned.chief, *tuned.drone}
    ends, tones, weight, other = [], [], 0.0, 0.0
    for seed in SEEDS:
        take = alap(stage, scale, seed)
        for run in take.sung():
            ends.append(run[-1].step % take.scale.size in heavy)
            tones.append(len({note.step for note in run}))
        for note in take.notes:
            if note.step % take.scale.size in {0, *tuned.chief}:
                weight += note.seconds
            else:
                other += note.seconds
    assert statistics.mean(ends) >= 0.7
    assert 1 <= min(tones) and max(tones) <= 8 and 1.8 <= statistics.median(tones) <= 4
    assert weight >= 0.5 * (weight + other)


def test_tonic_or_fifth_sounds_nearly_all_the_time(stage):
    take = alap(stage, "yaman", 1)
    pcs = {0, 7}
    covered = until = 0.0
    for note in sorted(take.drone + take.notes, key=lambda n: n.start_s):
        if note.pitch % 12 in pcs:
            covered += max(note.end_s - max(note.start_s, until), 0.0)
            until = max(until, note.end_s)
    assert covered / take.end_s >= 0.7


def test_phrases_come_back_some_changed(stage):
    again, changed = 0, 0
    for seed in range(6):
        runs = [tuple(note.step for note in run) for run in alap(stage, "kafi", seed).sung()]
        for i, run in enumerate(runs):
            again += run in runs[:i]
            changed += any(
                run != old and len(run) > 2 and (run[:2] == old[:2] or run[-2:] == old[-2:]) for old in runs[:i]
            )
    assert again >= 3 and changed >= 20


def test_no_two_arcs_are_alike(stage):
    takes = [tuple(note.step for note in alap(stage, "yaman", seed).notes) for seed in range(6)]
    assert len(set(takes)) == 6
    long = alap(stage, "bhoopali", 3, minutes=20.0)
    runs = [tuple(note.step for note in run) for run in long.sung()]
    windows = [tuple(runs[i : i + 3]) for i in range(len(runs) - 2)]
    assert len(set(windows)) >= 0.95 * len(windows)


def test_a_tone_that_rubs_against_the_drone_is_passed_unless_tension_is_planned(stage):
    def longest(tension):
        take = alap(stage, "bhairav", 2, tonal_tension=tension)
        pads = {note.pitch for note in take.drone}
        return max(n.seconds for n in take.notes if any(abs(n.pitch - pad) in (1, 13) for pad in pads))

    assert longest(0.2) <= 1.95
    assert longest(0.9) > 2.0


def test_more_notes_asked_for_are_more_notes(stage):
    counts = [len(alap(stage, "kafi", 1, rate_hz=rate).notes) for rate in (0.05, 0.5, 1.5)]
    assert counts[0] < counts[2] and counts[1] <= counts[2] * 1.05


def test_register_moves_the_voice_by_octaves(stage):
    low, high = (statistics.mean(n.pitch for n in alap(stage, "yaman", 1, register_note=r).notes) for r in (60.0, 76.0))
    assert high - low > 6.0


def test_the_session_ends_on_the_tonic_held(stage):
    for seed in range(6):
        take = alap(stage, "desh", seed, ends=True, minutes=5.0)
        last = take.notes[-1]
        assert last.step % take.scale.size == 0 and last.seconds > 3.0
        assert last.start_s >= take.end_s - 4.5
        before = [note for note in take.notes[:-1] if note.end_s > last.start_s + 0.1]
        assert before == []


def test_a_new_scale_begins_anew_with_the_phrase(stage):
    take = stage.perform(Alap(1, "melody"), lambda at_s: "yaman" if at_s < 100.0 else "malkauns", minutes=5.0, key=2)
    change = next(start for start, _ in take.phrases if start >= 100.0)
    after = [note for note in take.notes if note.start_s >= change - 0.05]
    allowed = {(2 + s) % 12 for s in stage.catalogue["malkauns"].semitones}
    assert {note.pitch % 12 for note in after} <= allowed and after[0].pitch % 12 == 2
    assert not [note for note in take.notes if note.start_s < change < note.end_s - 0.05]


def test_it_is_silent_while_it_does_not_play_and_comes_back(stage):
    take = alap(stage, "kafi", 1, plays=lambda at_s: not 120.0 <= at_s < 240.0)
    inside = [note for note in take.notes if 121.0 < note.start_s < 239.0]
    assert inside == [] and any(note.start_s > 242.0 for note in take.notes)


def test_the_same_seed_sings_the_same(stage):
    assert alap(stage, "todi", 7).notes == alap(stage, "todi", 7).notes
