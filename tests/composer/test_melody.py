"""The tune: intervals, contour, rests, where it ends, and what comes back."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer import melody, rhythm
from synth.composer.melody import LOWEST_PASSING, Setting, Tone, Voice
from synth.composer.priors import CLASSES, INTERVAL_AFTER
from synth.composer.scales import Scale
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT

SUNG = ("settle", "sleep", "energise", "walk", "waltz")  # where the stem "melody" has a tune; focus has a pattern
SEEDS = range(6)


def intervals(music, pieces, name, seeds=SEEDS):
    """Intervals within phrases, phrase by phrase."""
    return [
        [int(b.pitch - a.pitch) for a, b in zip(line, line[1:], strict=False)]
        for seed in seeds
        for line in music.lines(pieces(name, seed))
    ]


@pytest.mark.parametrize("name", SUNG)
def test_intervals_are_those_of_songs(music, pieces, name):
    """Lullabies: repeated .24, steps .50, thirds .15, wider .11; the calm melody of a session repeats a little less."""
    moves = [move for line in intervals(music, pieces, name) for move in line]
    sizes = Counter(melody.interval_class(move)[0] for move in moves)
    share = {kind: sizes[kind] / len(moves) for kind in "0stlL"}
    assert 0.05 <= share["0"] <= 0.28
    assert 0.50 <= share["s"] <= 0.76
    assert 0.06 <= share["t"] <= 0.24
    assert share["l"] + share["L"] <= 0.15
    down, up = sum(-3 < move < 0 for move in moves), sum(0 < move < 3 for move in moves)
    assert 1.1 <= down / up <= 2.2  # climb by leap, fall by step


def test_leaps_turn_back(music, pieces):
    pairs = [
        (a, b) for name in SUNG for line in intervals(music, pieces, name) for a, b in zip(line, line[1:], strict=False)
    ]
    leaps = [(a, b) for a, b in pairs if abs(a) >= 6]
    assert len(leaps) > 40
    assert statistics.mean(a * b < 0 for a, b in leaps) >= 0.7


@pytest.mark.parametrize("name", SUNG)
def test_a_phrase_keeps_within_an_octave_and_falls_to_a_long_last_tone(music, pieces, name):
    lines = [line for seed in SEEDS for line in music.lines(pieces(name, seed)) if len(line) > 3]
    ranges = sorted(max(n.pitch for n in line) - min(n.pitch for n in line) for line in lines)
    assert 4 <= ranges[len(ranges) // 2] <= 9 and ranges[int(0.9 * len(ranges))] <= 12
    assert ranges[-1] <= 16
    fall = statistics.mean(line[-1].pitch - statistics.mean(n.pitch for n in line) for line in lines)
    assert -5.0 <= fall <= -0.3
    long = [line[-1].duration >= 1.3 * statistics.median(n.duration for n in line) for line in lines]
    assert statistics.mean(long) >= 0.6


@pytest.mark.parametrize("name", SUNG)
def test_the_tune_breathes(music, pieces, name):
    """Of the phrases that it sings 10 to 40 % are rests of half a beat and more, in sparse piano music 35 at least."""
    shares = []
    for seed in SEEDS:
        piece = pieces(name, seed)
        starts = [marker.tick for marker in piece.markers("phrase")]
        silent = total = 0
        for start, end in zip(starts, starts[1:], strict=False):
            tones = [n for n in piece.of("melody") if start - 60 <= n.tick < end - 60]
            if tones:
                edges = [*((n.tick, min(n.tick + n.duration, end)) for n in tones), (end, end)]
                reached = start
                for begin, until in edges:
                    silent += begin - reached if begin - reached >= TICKS_PER_BEAT // 2 else 0
                    reached = max(reached, until)
                total += end - start
        shares.append(silent / total)
    assert (0.3 if name == "waltz" else 0.1) <= statistics.median(shares) <= 0.4 and max(shares) <= 0.45


@pytest.mark.parametrize("name", SUNG)
def test_it_rubs_against_no_other_stem(music, pieces, name):
    """Nothing a semitone or a minor ninth from it sounds for more than a quarter beat, whatever is planned."""
    rubs = 0
    for seed in SEEDS:
        piece = pieces(name, seed)
        held = [n for n in piece.notes if n.stem in ("pad", "bass")]
        for tone in piece.of("melody"):
            for other in held:
                together = min(tone.tick + tone.duration, other.tick + other.duration) - max(tone.tick, other.tick)
                rubs += together > TICKS_PER_BEAT // 4 and abs(int(tone.pitch) - int(other.pitch)) in (1, 13)
    assert rubs <= 3


@pytest.mark.parametrize("name", ("settle", "walk", "waltz"))
def test_strong_tones_belong_to_the_chord_and_phrases_end_on_it(pieces, name):
    """Tune and harmony agree: long tones on the first beat nearly always, last tones always."""
    strong, last = [], []
    for seed in SEEDS:
        piece = pieces(name, seed)
        pad = piece.of("pad")
        bars = {bar.tick for bar in piece.bars}
        cadences = sorted(marker.tick for marker in piece.markers("cadence"))
        for note in piece.of("melody"):
            beat = round(note.tick / (TICKS_PER_BEAT / 4)) * (TICKS_PER_BEAT // 4)
            at = note.tick + note.duration // 2
            held = {int(n.pitch) % 12 for n in pad if n.tick <= at < n.tick + n.duration}
            own = int(note.pitch) % 12
            rubs = own not in held and (own - 1) % 12 in held  # a minor ninth
            if beat in bars and note.duration >= TICKS_PER_BEAT:
                strong.append(rubs)
            if beat in cadences:
                last.append(rubs)
    assert len(strong) > 60 and statistics.mean(strong) <= 0.03
    assert len(last) > 40 and statistics.mean(last) <= 0.02


@pytest.mark.parametrize(("name", "span"), [("settle", (-3.0, 3.0)), ("sleep", (-3.0, 3.0)), ("energise", (-3.0, 3.0))])
def test_register_note_is_the_middle_of_the_melody_and_moves_it(music, name, span):
    preset = music.PRESETS[name]

    def middle(register):
        tones = [
            n.pitch for s in range(3) for n in music.perform(preset, s, 6.0, {"register_note": register}).of("melody")
        ]
        return statistics.mean(tones)

    for register in (62.0, 67.0, 72.0):
        assert span[0] <= middle(register) - register <= span[1]
    assert middle(62.0) + 3.0 < middle(67.0) < middle(72.0) - 3.0


@pytest.mark.parametrize("name", SUNG + ("drone", "focus"))
def test_ideas_come_back_most_soon_some_changed(pieces, name):
    """About half of all phrases are heard before (songs .46 to .51), nearly all of those among the last four, planned
    returns apart."""
    related, lags, varied = [], [], 0
    for seed in range(8):
        marks = pieces(name, seed).markers("phrase")
        planned = {marker.tick for marker in pieces(name, seed).markers("recall")}
        names = [marker.text.split()[-1] for marker in marks]
        families = [text.rstrip("'") for text in names]
        for i, family in enumerate(families):
            related.append(family in families[:i])
            varied += names[i].endswith("'") and names[i] not in names[:i]
            if family in families[:i] and marks[i].tick not in planned:
                lags.append(i - max(j for j in range(i) if families[j] == family))
        for window in zip(*(families[i:] for i in range(4)), strict=False):
            assert len(set(window)) > 1, "one idea four times in a row"
    assert 0.3 <= statistics.mean(related) <= 0.7
    assert statistics.mean(lag <= 4 for lag in lags) >= 0.8
    assert varied >= 8


@pytest.mark.parametrize("name", SUNG)
def test_what_comes_back_exactly_has_the_same_rhythm_and_nearly_the_same_tones(pieces, name):
    same_rhythm, same_tones = [], []
    for seed in range(8):
        piece = pieces(name, seed)
        marks = piece.markers("phrase")
        said: dict[str, list[tuple[int, int]]] = {}
        for mark, until in zip(marks, marks[1:], strict=False):
            line = [
                (round((n.tick - mark.tick) / 240), int(n.pitch))
                for n in piece.of("melody")
                if mark.tick - 60 <= n.tick < until.tick - 60
            ]
            idea = mark.text.split()[-1]
            before = said.get(idea)
            if before and line and "'" not in idea:
                same_rhythm.append([place for place, _ in before[:-1]] == [place for place, _ in line[:-1]])
                shift = {b[1] - a[1] for a, b in zip(before[:-1], line[:-1], strict=False)}
                same_tones.append(len(shift) <= 1 or max(map(abs, shift)) <= 4)
            elif line:
                said[idea] = line
    assert len(same_rhythm) >= 5
    assert statistics.mean(same_rhythm) >= 0.7 and statistics.mean(same_tones) >= 0.7


def test_an_idea_of_the_section_returns_after_a_minute_or_two(pieces):
    """Beside near repeats there is a long-range return: a name heard again after 60 s and more."""
    for name in ("settle", "sleep", "energise"):
        returns = 0
        for seed in range(4):
            heard: dict[str, float] = {}
            piece = pieces(name, seed)
            for mark in piece.markers("phrase"):
                family, now = mark.text.split()[-1].rstrip("'"), piece.seconds(mark.tick)
                returns += now - heard.get(family, now) >= 45.0
                heard[family] = now
        assert returns >= 4


# --- the line by itself ---------------------------------------------------------------------------------------------


@given(
    bars=st.integers(1, 8),
    beats=st.integers(2, 7),
    notes=st.floats(2.0, 40.0),
    shortest=st.sampled_from((0.25, 0.5, 1.0)),
    rest=st.floats(0.2, 0.6),
    regularity=st.floats(0.0, 1.0),
    seed=st.integers(0, 200),
)
def test_any_line_is_in_order_leaves_its_rests_and_closes_where_told(
    bars, beats, notes, shortest, rest, regularity, seed
):
    closing = float((bars - 1) * beats)
    line = melody.plan_line(stream(seed, "test"), bars, beats, closing, notes, shortest, rest, regularity)
    assert line[-1].closing and not any(tone.closing for tone in line[:-1])
    assert line[-1].beat in (closing, closing + beats / 2.0)
    onsets = [tone.beat for tone in line]
    assert onsets == sorted(set(onsets)) and onsets[0] >= 0.0
    assert all(tone.beats > 0.0 for tone in line)
    ends = [tone.beat + tone.beats for tone in line]
    assert all(end <= beat + 1e-9 for end, beat in zip(ends, [*onsets[1:], float(bars * beats)], strict=True))
    if len(line) > 2:
        assert sum(tone.beats for tone in line) <= (1.0 - rest) * bars * beats + 1e-6


@pytest.mark.parametrize("rest", [0.15, 0.28, 0.36])
@pytest.mark.parametrize("notes", [5.0, 9.0, 16.0])
def test_about_so_much_of_a_line_is_rest_however_sparse_it_is(rest, notes):
    """Where there are few tones they are held; the last one is long, and the line breathes after it."""
    shares, last, breaths = [], [], []
    for seed in range(60):
        line = melody.plan_line(stream(seed, "test"), 4, 4, 12.0, notes, 0.5, rest, 0.5)
        shares.append(1.0 - sum(tone.beats for tone in line) / 16.0)
        last.append(line[-1].beats >= 1.3 * statistics.median(tone.beats for tone in line))
        breaths.append(16.0 - line[-1].beat - line[-1].beats)
    assert rest - 1e-9 <= min(shares) and statistics.mean(shares) <= rest + 0.18
    assert min(breaths) >= 0.4
    assert statistics.mean(last) >= (0.6 if notes > 5.0 else 0.35)


def test_breathing_moves_no_tone():
    line = [Tone(0.0, 1.0, "a", 0), Tone(1.0, 1.0, "a", 1), Tone(4.0, 4.0, "b", 0), Tone(8.0, 1.0, "c", 0, 35, True)]
    held = melody.breathe([replace(tone) for tone in line], 12.0, 0.25, 0.5)
    assert [(t.beat, t.gesture, t.step) for t in held] == [(t.beat, t.gesture, t.step) for t in line]
    assert 9.0 - 0.12 * 12.0 <= sum(t.beats for t in held) <= 9.0
    assert held[0].beats == 1.0 and held[-1].beats == 3.0
    assert all(1.5 <= tone.beats <= 2.3 for tone in held[1:3])


def test_a_tone_is_drawn_to_the_nearer_and_the_stabler():
    """Lerdahl 2001: a leading tone to the tonic 2, the second degree .5, a fourth away from it hardly."""
    major = Scale(0, 1)
    assert melody.attraction(major, 71, 72) == pytest.approx(2.0)
    assert melody.attraction(major, 74, 72) == pytest.approx(0.5)
    assert melody.attraction(major, 65, 64) == pytest.approx(4.0 * melody.attraction(major, 65, 67))
    assert melody.attraction(major, 67, 72) < 0.1 and melody.attraction(major, 72, 72) == 0.0


def test_what_would_rub_is_not_sung_nor_closed_on():
    major = Scale(0, 1)
    barred = frozenset((64, 65, 67))
    at = Setting(major, (0, 4, 7), (60, 72), (), 65.0, False, barred=barred)
    for seed in range(80):
        voice = Voice(64)
        assert melody.sing(stream(seed, "test"), voice, at) not in barred
        assert melody.close(stream(seed, "test"), voice, at) not in barred
    everything = Setting(major, (0, 4, 7), (60, 72), (), 65.0, False, barred=frozenset(range(128)))
    assert melody.sing(stream(1, "test"), Voice(64), everything) in range(60, 73), "something is sung all the same"


def test_a_close_is_approached_by_step_more_often_than_not():
    major = Scale(0, 1)
    at = Setting(major, (2, 7, 11), (60, 76), (), 66.0, False, next=67)

    def by_step(at):
        steps = [abs(melody.sing(stream(seed, "test"), Voice(69, "s-"), at) - 67) for seed in range(200)]
        return statistics.mean(1 <= step <= 2 for step in steps)

    assert by_step(at) > 0.45 and by_step(at) > by_step(replace(at, next=None)) + 0.1


def test_more_notes_asked_for_are_more_notes():
    def mean(notes):
        lines = [melody.plan_line(stream(s, "test"), 8, 4, 28.0, notes, 0.5, 0.3, 0.5) for s in range(60)]
        return statistics.mean(len(line) for line in lines)

    assert mean(4.0) < mean(9.0) - 1.0 < mean(18.0) - 4.0


@pytest.mark.parametrize("name", ["arch", "falling", "rising", "valley"])
def test_contours_stay_in_range_peak_where_they_should_and_come_down(name):
    heights = [melody.contour(name, i / 100) for i in range(101)]
    assert max(map(abs, heights)) <= 1.05 and max(heights) > 0.5
    assert max(abs(b - a) for a, b in zip(heights, heights[1:], strict=False)) < 0.1
    peak = heights.index(max(heights)) / 100
    assert {"arch": 0.3 < peak < 0.4, "falling": peak < 0.3, "rising": 0.6 < peak < 0.8, "valley": True}[name]
    assert heights[-1] < max(heights) - 0.25


def test_the_interval_table_is_a_table_of_chances():
    assert set(INTERVAL_AFTER) == set(CLASSES)
    for row in INTERVAL_AFTER.values():
        assert len(row) == len(CLASSES) and sum(row) == pytest.approx(1.0, abs=0.05)
    assert INTERVAL_AFTER["s-"][CLASSES.index("s-")] > INTERVAL_AFTER["s-"][CLASSES.index("s+")]
    assert LOWEST_PASSING < 60


# --- rhythm ----------------------------------------------------------------------------------------------------------


@given(pulses=st.integers(0, 40), steps=st.integers(1, 32), rotation=st.integers(0, 7))
def test_euclid_spreads_pulses_as_evenly_as_can_be(pulses, steps, rotation):
    places = rhythm.euclid(pulses, steps, rotation)
    assert len(places) == min(pulses, steps) == len(set(places)) and all(0 <= place < steps for place in places)
    if len(places) > 1:
        gaps = [b - a for a, b in zip(places, (*places[1:], places[0] + steps), strict=True)]
        assert max(gaps) - min(gaps) <= 1


def test_the_tresillo_is_euclids_three_in_eight():
    assert rhythm.euclid(3, 8) == (0, 3, 6)


@given(beats=st.integers(1, 12), notes=st.integers(1, 24), regularity=st.floats(0.0, 1.0), seed=st.integers(0, 99))
def test_any_cell_fills_its_bar(beats, notes, regularity, seed):
    assert sum(rhythm.groups(beats)) == beats
    lengths = rhythm.cell(stream(seed, "test"), beats, notes, regularity)
    assert sum(lengths) == pytest.approx(beats) and min(lengths) >= 0.25
    assert rhythm.onsets(lengths)[0] == 0.0


def test_the_first_beat_is_the_strongest_then_the_middle():
    assert [rhythm.strength(beat, 4) for beat in (0.0, 2.0, 1.0, 0.5, 0.25)] == [1.0, 0.7, 0.5, 0.25, 0.1]
    assert rhythm.strength(4.0, 4) == 1.0 and rhythm.strength(1.5, 3) == 0.25
