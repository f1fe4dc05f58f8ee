"""Bells: periods of their own, entries and leaves, the field; and answers to a tune."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.composer.harmony import Chord, chord_pcs
from synth.composer.melody import Tone
from synth.composer.parts.answer import answer, gesture
from synth.composer.parts.bells import HIGHEST, LOWEST, PERIODS_S, Bells
from synth.rng import stream


def bells(stage, scale="lydian", seed=0, **how):
    part = Bells(seed, None, False)
    return stage.perform(part, scale, **{"minutes": 10.0, "bars": 16, "rate_hz": 0.18, **how})


@settings(max_examples=30)
@given(
    scale=st.sampled_from(("lydian", "ionian", "bhairav", "slendro", "hirajoshi", "rast", "aeolian")),
    seed=st.integers(0, 9999),
    key=st.integers(0, 11),
    register=st.floats(45.0, 79.0),
    rate=st.floats(0.01, 1.0),
    bpm=st.floats(44.0, 140.0),
    bars=st.sampled_from((2, 4, 16)),
)
def test_never_two_attacks_within_250_ms_and_nothing_rubs(stage, scale, seed, key, register, rate, bpm, bars):
    take = bells(stage, scale, seed, key=key, register_note=register, rate_hz=rate, bpm=bpm, bars=bars, minutes=5.0)
    assert not take.gaps() or min(take.gaps()) >= 0.25
    for i, note in enumerate(take.notes):
        assert LOWEST <= note.pitch <= HIGHEST
        for other in [*take.notes[:i], *take.drone]:
            together = min(other.end_s, note.end_s) - max(other.start_s, note.start_s)
            assert together < 0.2 or abs(other.pitch - note.pitch) not in (1, 13)


def test_each_pitch_keeps_a_period_of_17_to_61_seconds_for_a_few_rounds(stage):
    periods = []
    for seed in range(5):
        times = defaultdict(list)
        for note in bells(stage, "lydian", seed).notes:
            times[note.pitch].append(note.start_s)
        periods += [b - a for starts in times.values() for a, b in pairwise(starts)]
    near = [min(abs(period - p) for p in PERIODS_S) <= 1.2 for period in periods if period < 61.5]
    assert statistics.mean(near) >= 0.6 and len(near) > 100
    assert statistics.mean(16.0 <= period <= 65.0 for period in periods) >= 0.75


def test_five_to_seven_pitches_that_change_by_one_or_two(stage):
    counts, changes = [], []
    for seed in range(4):
        take = bells(stage, "lydian", seed)
        sets = [{n.pitch for n in take.notes if start <= n.start_s < start + 65.0} for start in range(100, 520, 60)]
        counts += [len(s) for s in sets]
        changes += [len(b - a) for a, b in pairwise(sets)]
    assert 4.0 <= statistics.mean(counts) <= 7.5
    assert statistics.mean(changes) <= 3.0 and sum(changes) > 6
    assert statistics.mean(len({n.pitch for n in bells(stage, "lydian", seed).notes}) for seed in range(4)) >= 9.0


def test_they_enter_one_by_one_over_ninety_seconds(stage):
    for seed in range(5):
        take = bells(stage, "ionian", seed)
        seen, firsts = set(), []
        for note in take.notes:
            if note.pitch not in seen:
                seen.add(note.pitch)
                firsts.append(note.start_s)
        assert sum(first < 20.0 for first in firsts) <= 3
        assert sum(first < 100.0 for first in firsts) >= 4


def test_they_leave_one_by_one_before_the_end(stage):
    late, before = [], []
    for seed in range(6):
        take = bells(stage, "ionian", seed, ends=True, minutes=8.0)
        late.append(sum(take.end_s - 40.0 < n.start_s < take.end_s - 5.0 for n in take.notes))
        before.append(sum(take.end_s - 160.0 < n.start_s < take.end_s - 125.0 for n in take.notes))
    assert statistics.mean(late) < 0.7 * statistics.mean(before)


def test_no_order_comes_back(stage):
    pitches = [note.pitch for note in bells(stage, "lydian", 3, minutes=20.0).notes]
    runs = [tuple(pitches[i : i + 6]) for i in range(len(pitches) - 6)]
    assert len(set(runs)) >= 0.98 * len(runs)


def test_more_notes_asked_for_are_more_bells(stage):
    few, usual, many = (len(bells(stage, "ionian", 1, rate_hz=rate).notes) for rate in (0.05, 0.18, 0.4))
    assert few < usual < many


def test_over_chords_they_take_the_chords_tones_on_half_beats(stage):
    chords = (Chord(0, "triad"), Chord(3, "triad"), Chord(4, "triad"), Chord(0, "triad"))
    take = stage.perform(Bells(1, None, False), "ionian", chords=chords, bars=8, minutes=8.0, rate_hz=0.3, drone=False)
    assert len(take.notes) > 40
    for note in take.notes:
        start, end = next((a, b) for a, b in take.phrases if a - 0.1 <= note.start_s < b - 0.1)
        place = min(int((note.start_s + 0.06 - start) / (end - start) * 4), 3)
        assert note.pitch % 12 in chord_pcs(chords[place], take.scale)
        off = (note.start_s * 2.0) % 1.0
        assert min(off, 1.0 - off) < 0.2


# --- answers ---------------------------------------------------------------------------------------------------------


def call(*steps: int, beat: float = 0.0, letter: str = "a") -> list[Tone]:
    return [Tone(beat + i, 1.0, letter, i, step) for i, step in enumerate(steps)]


def test_the_last_gesture_is_what_is_answered():
    line = [*call(35, 36, 37), *call(39, 38, 37, 36, beat=6.0, letter="b")]
    assert [tone.step for tone in gesture(line)] == [39, 38, 37, 36]
    line = [*call(35, 36, 37), Tone(3.0, 2.0, "close", 0, 35, True)]
    assert [tone.step for tone in gesture(line)] == [35, 36, 37, 35]
    line = [*call(35, 36, 37), Tone(9.0, 2.0, "close", 0, 35, True)]
    assert [tone.step for tone in gesture(line)] == [35]


@given(
    steps=st.lists(st.integers(30, 42), min_size=2, max_size=4),
    seed=st.integers(0, 999),
    name=st.sampled_from(("ionian", "dorian", "bhoopali", "rast")),
    key=st.integers(0, 11),
)
def test_an_answer_is_the_gesture_again_or_upside_down_or_elsewhere_in_the_scale(stage, steps, seed, name, key):
    scale = stage.named(name, key)
    said = answer(stream(seed, "test"), call(*steps), scale, 8.0, 4, (LOWEST, HIGHEST), 77.0)
    assert [offset for offset, _ in said] == [float(i) for i in range(len(steps))]
    assert all(LOWEST <= pitch <= HIGHEST for _, pitch in said)
    back = [scale.step(pitch) for _, pitch in said]
    assert [scale.pitch(step) for step in back] == [pitch for _, pitch in said]
    moves = [b - a for a, b in pairwise(steps)]
    answered = [b - a for a, b in pairwise(back)]
    folded = [
        [(a - b) % scale.size for a, b in zip(answered, way, strict=True)] for way in (moves, [-m for m in moves])
    ]
    assert any(not any(rest) for rest in folded)


def test_all_three_ways_occur():
    from synth.composer.scales import Scale

    scale, kinds = Scale(0, 1), set()
    for seed in range(60):
        said = answer(stream(seed, "test"), call(35, 37, 38), scale, 8.0, 4, (LOWEST, HIGHEST), 77.0)
        steps = [scale.step(pitch) for _, pitch in said]
        up = steps[1] > steps[0]
        kinds.add("echo" if up and steps[0] % 7 == 0 else "sequence" if up else "inversion")
    assert kinds == {"echo", "sequence", "inversion"}


def test_an_answer_keeps_to_its_room_and_number():
    from synth.composer.scales import Scale

    rng = stream(1, "test")
    line = call(35, 36, 37, 38)
    assert len(answer(rng, line, Scale(0, 1), 2.0, 4, (LOWEST, HIGHEST), 77.0)) == 2
    assert len(answer(rng, line, Scale(0, 1), 9.0, 3, (LOWEST, HIGHEST), 77.0)) == 3


class _Tune:
    """A tune that sings two beats and rests for the others."""

    last = 67

    def silences(self, now):
        return [(now.start + 2.0, now.end)] if now.bar % 2 == 0 else []


@pytest.mark.parametrize("scale", ["ionian", "dorian", "aeolian"])
def test_bells_answer_the_tune_in_its_rest_within_the_chord(stage, scale):
    def line(_):
        return [Tone(bar * 4.0 + i, 1.0, "a", i, 35 + 2 * i) for bar in range(0, 8, 2) for i in range(2)]

    chords = (Chord(0, "triad"), Chord(3, "triad"), Chord(0, "triad"), Chord(3, "triad"))
    take = stage.perform(
        Bells(3, SimpleNamespace(silences=_Tune().silences, last=67), True), scale, chords=chords, bars=8, minutes=6.0,
        rate_hz=0.4, drone=False, line=line,
    )  # fmt: skip
    assert len(take.notes) > 30
    runs = take.sung(0.8)
    for run in runs:
        beat = (run[0].start_s + 0.1) % 8.0
        assert 2.0 <= beat < 4.2
        start, end = next((a, b) for a, b in take.phrases if a - 0.1 <= run[-1].start_s < b - 0.1)
        place = min(int((run[-1].start_s + 0.06 - start) / (end - start) * 4), 3)
        assert run[-1].pitch % 12 in chord_pcs(chords[place], take.scale)
    assert math.isclose(statistics.mean(len(run) for run in runs), 2.0, abs_tol=0.5)
