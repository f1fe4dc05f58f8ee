"""The bloom: which partials a scale has, three at once, from low to high and back."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.parts.bloom import MOST_AT_ONCE, Bloom, degree_of

SCALES = ("ionian", "harmonics_bloom", "bhoopali", "aeolian", "rast", "slendro", "just_major", "hirajoshi", "huzam")


def bloom(stage, scale="ionian", seed=0, **how):
    return stage.perform(Bloom(seed, "bells"), scale, **{"minutes": 8.0, "bars": 12, "rate_hz": 0.12, **how})


def test_a_scale_has_the_partials_it_has(stage):
    def partials(name):
        return [n for n in range(2, 12) if degree_of(stage.catalogue[name], n)]

    assert partials("harmonics_bloom") == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert partials("ionian") == [2, 3, 4, 5, 6, 8, 9, 10]
    assert partials("aeolian") == [2, 3, 4, 6, 8, 9]
    assert partials("highland_pipe") == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert partials("malkauns") == [2, 4, 8]
    assert degree_of(stage.catalogue["ionian"], 10) == (2, 3) and degree_of(stage.catalogue["ionian"], 3) == (4, 1)


def test_every_tone_is_a_partial_of_the_tonic(stage):
    for scale in SCALES:
        for key in (0, 5, 11):
            take = bloom(stage, scale, 1, key=key)
            tuned = stage.catalogue[scale]
            for note in take.notes:
                degree, octave = note.step % len(tuned.cents), note.step // len(tuned.cents)
                found = [degree_of(tuned, n) for n in range(2, 12)]
                assert (degree, octave + 2) in found


@settings(max_examples=25)
@given(
    scale=st.sampled_from(SCALES),
    seed=st.integers(0, 999),
    key=st.integers(0, 11),
    rate=st.floats(0.02, 1.0),
    bpm=st.floats(44.0, 140.0),
    bars=st.sampled_from((2, 4, 8, 16)),
)
def test_three_at_most_at_once_each_for_its_time_and_never_two_attacks_together(
    stage, scale, seed, key, rate, bpm, bars
):
    take = bloom(stage, scale, seed, key=key, rate_hz=rate, bpm=bpm, bars=bars)
    phrase_s = take.phrases[0][1]
    for note in take.notes:
        at = note.start_s + 0.05
        assert sum(other.start_s <= at < other.end_s - 0.05 for other in take.notes) <= MOST_AT_ONCE
        assert min(12.0, 0.6 * phrase_s) - 0.1 <= note.seconds <= 30.1
        assert any(start - 0.05 <= note.start_s and note.end_s <= end + 0.05 for start, end in take.phrases)
        assert 48 <= note.pitch <= 92
        for other in take.drone:
            if other.start_s < note.end_s and note.start_s < other.end_s:
                assert abs(other.pitch - note.pitch) not in (1, 13)
    assert not take.gaps() or min(take.gaps()) >= 2.0


@pytest.mark.parametrize("scale", ("ionian", "harmonics_bloom", "just_major"))
def test_it_rises_stays_and_falls(stage, scale):
    thirds: list[list[int]] = [[], [], []]
    for seed in range(6):
        take = bloom(stage, scale, seed, ends=True)
        part = Bloom(seed, "bells")
        assert part.stem == "bells"
        notes = [n for n in take.notes if n.start_s < take.end_s - 6.0]
        arc = min(take.end_s, 180.0)
        for note in notes:
            place = note.start_s / arc
            if place < 0.25:
                thirds[0].append(note.pitch)
            elif 0.35 < place < 0.6:
                thirds[1].append(note.pitch)
        thirds[2] += [note.pitch for note in notes if note.start_s > take.end_s - 60.0]
    low, middle, last = (statistics.mean(third) for third in thirds)
    assert low < middle - 3.0 and last < middle - 3.0


def test_tonic_or_fifth_sounds_nearly_all_the_time_and_the_end_is_the_tonic(stage):
    take = bloom(stage, "ionian", 2, ends=True)
    covered = until = 0.0
    for note in sorted(take.drone + take.notes, key=lambda n: n.start_s):
        if note.pitch % 12 in (0, 7):
            covered += max(note.end_s - max(note.start_s, until), 0.0)
            until = max(until, note.end_s)
    assert covered / take.end_s >= 0.7
    assert take.notes[-1].pitch % 12 == 0 and take.notes[-1].end_s > take.end_s - 0.5


def test_more_notes_asked_for_are_more_blooms_up_to_three_at_once(stage):
    few, many = (len(bloom(stage, "ionian", 1, rate_hz=rate).notes) for rate in (0.03, 0.4))
    assert few < many
