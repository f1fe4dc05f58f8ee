"""Measures of a score on small scores whose answers are known."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

Program = Callable[[str], ModuleType]
TRIADS = {"I": (60, 64, 67), "IV": (60, 65, 69), "V": (59, 62, 67), "ii": (62, 65, 69), "vi": (60, 64, 69)}
ROOTS = {"I": 36, "IV": 41, "V": 43, "ii": 38, "vi": 45}


@pytest.fixture
def page(program: Program) -> ModuleType:
    return program("scores.page")


def chords(page: ModuleType, names: list[str], beats: int = 4, line: bool = False) -> object:
    """A chord a bar over its root in C, a phrase each four bars, at 60 quarters a minute; with a line on top."""
    notes, marks = [], []
    rng = random.Random(1)
    for i, name in enumerate(names):
        at = float(i * beats)
        notes.append(page.Note("bass", at, at + beats, ROOTS[name]))
        notes += [page.Note("pad", at, at + beats, pitch) for pitch in TRIADS[name]]
        if line:
            for step in range(beats):
                notes.append(page.Note("melody", at + step, at + step + 1.0, rng.choice(TRIADS[name]) + 12))
        marks.append(page.Mark(at, "chord", name))
        if i % 4 == 0:
            marks.append(page.Mark(at, "phrase", f"phrase {i // 4 + 1} {'ABCDEFGH'[i // 4 % 8]}"))
        if i % 4 == 3:
            marks.append(page.Mark(at, "cadence", "authentic"))
    return page.Page(sorted(notes, key=lambda n: (n.start, n.stem, n.pitch)), marks, metres=[page.Metre(0.0, beats)])


def test_roughness_is_most_for_a_semitone_and_least_for_an_octave(program: Program) -> None:
    rough = program("scores.tension").roughness
    semitone, third, fifth, octave = (rough([60, 60 + n]) for n in (1, 4, 7, 12))
    assert semitone > 1.5 * third > third > fifth > octave
    assert rough([60]) == 0.0 and rough([36, 40]) > rough([72, 76])


def rising(page: ModuleType, window: int = 150) -> tuple[object, dict[float, float]]:
    """A chord every two beats that is as tense as planned: bare fifth, triad, seventh, then with a tritone."""
    grades = ((48, 55, 60), (48, 55, 64), (50, 57, 65, 72), (53, 59, 62, 67, 69))
    rng = random.Random(3)
    notes, marks, planned = [], [], {}
    for i in range(window):
        grade = rng.randrange(4)
        notes += [page.Note("pad", 2.0 * i, 2.0 * i + 2.0, pitch) for pitch in grades[grade]]
        marks.append(page.Mark(2.0 * i, "chord", str(grade)))
        planned[2.0 * i] = grade / 4
    return page.Page(notes, marks), planned


def test_tension_that_follows_its_plan_is_seen_and_tension_that_does_not(program: Program, page: ModuleType) -> None:
    tension = program("scores.tension")
    made, planned = rising(page)
    follow = tension.following(tension.moments(made, planned))
    assert follow.within > 0.8 and follow.windows >= 1
    against = tension.following(tension.moments(made, {beat: 1.0 - value for beat, value in planned.items()}))
    assert against.within == pytest.approx(-follow.within)
    values = list(planned.values())
    random.Random(5).shuffle(values)
    assert abs(tension.following(tension.moments(made, dict(zip(planned, values, strict=True)))).within) < 0.25


def test_windows_in_which_harmony_stands_still_do_not_count(program: Program, page: ModuleType) -> None:
    tension = program("scores.tension")
    made = chords(page, ["I"] * 80)
    follow = tension.following(tension.moments(made, {beat * 4.0: beat % 3 / 3 for beat in range(80)}))
    assert follow.windows == 0 and math.isnan(follow.within)


def test_partitura_hears_the_tonic_as_the_least_strained_chord(program: Program, page: ModuleType) -> None:
    tension = program("scores.tension")
    made = chords(page, ["I", "IV", "V", "ii", "vi", "I"])
    strain = tension.ribbons(made)["tensile_strain"][::4]
    assert int(np.argmin(strain)) in (0, 5) and strain[0] == pytest.approx(strain[5], abs=1e-5)
    assert min(strain[1:5]) > 1.1 * strain[0]


def test_in_a_major_key_the_ribbons_are_those_of_partitura(program: Program, page: ModuleType) -> None:
    tension = program("scores.tension")
    made = chords(page, ["I", "IV", "V", "ii", "vi", "I"])
    ours = tension.ribbons(made)
    array = np.array(
        [
            (
                n.start,
                n.end - n.start,
                n.pitch,
                1,
                str(i),
                "FCGDAEB"[tension.spelled(n.pitch, made.keys[0]) + 1],
                0,
                4,
                0,
                1,
            )
            for i, n in enumerate(made.notes)
        ],
        dtype=[("onset_beat", "f4"), ("duration_beat", "f4"), ("pitch", "i4"), ("voice", "i4"), ("id", "U8")]
        + [("step", "U1"), ("alter", "i4"), ("octave", "i4"), ("ks_fifths", "i4"), ("ks_mode", "i4")],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from partitura.musicanalysis import estimate_tonaltension

        theirs = estimate_tonaltension(array, ws=0.9, ss=np.arange(24) + 0.5)
    for name in tension.RIBBONS:
        assert ours[name] == pytest.approx(theirs[name], abs=1e-5)


@pytest.mark.parametrize("mode", ["dorian", "aeolian"])
def test_the_tonic_is_home_in_minor_modes_too(program: Program, page: ModuleType, mode: str) -> None:
    tension = program("scores.tension")
    triads = ((57, 60, 64), (60, 64, 67), (62, 65, 69), (64, 67, 71), (67, 71, 74))
    notes = [page.Note("pad", 4.0 * i, 4.0 * i + 4.0, p) for i, tones in enumerate(triads) for p in tones]
    strain = tension.ribbons(page.Page(notes, keys=[page.Key(0.0, 9, mode)]))["tensile_strain"][::4]
    assert int(np.argmin(strain)) == 0


def test_the_longest_time_without_a_cadence_is_found(program: Program, page: ModuleType) -> None:
    cadence = program("scores.cadence")
    made = chords(page, ["I", "IV", "V", "I"] * 4)
    assert cadence.closes(made).gap_s == 16.0
    made.marks = [m for m in made.marks if (m.beat, m.kind) != (28.0, "cadence")]
    closes = cadence.closes(made)
    assert (closes.gap_s, closes.gap_at_s, closes.cadences) == (32.0, 12.0, 3)


def test_a_cadence_must_be_in_the_notes(program: Program, page: ModuleType) -> None:
    cadence = program("scores.cadence")
    assert cadence.closes(chords(page, ["I", "IV", "V", "I"] * 2)).kept == 1.0
    assert cadence.closes(chords(page, ["I", "V", "I", "ii"] * 2)).kept == 0.0  # ends on neither tonic nor fifth
    assert cadence.closes(chords(page, ["I", "IV", "I", "I"] * 2)).kept == 0.0  # nothing arrives


def test_cadences_are_counted_where_there_is_a_pulse(program: Program, page: ModuleType) -> None:
    cadence = program("scores.cadence")
    made = chords(page, ["I", "IV", "V", "I"] * 4)
    made.marks = [m for m in made.marks if m.beat < 16.0]
    assert cadence.closes(made, [(0.0, 20.0)]).gap_s == 12.0
    assert cadence.closes(made, []).gap_s == 0.0


def test_a_key_is_clear_in_a_scale_and_not_in_twelve_tones(program: Program, page: ModuleType) -> None:
    clarity = program("scores.clarity").clarity
    tonal = clarity(chords(page, ["I", "IV", "V", "I"] * 8, line=True))
    assert tonal.median > 0.85 and tonal.tonic > 0.5
    rng = random.Random(2)
    row = page.Page([page.Note("pad", float(i), i + 1.0, 60 + rng.randrange(12)) for i in range(120)])
    assert clarity(row).median < 0.7


def wandering(page: ModuleType, bars: int, seed: int = 7) -> object:
    rng = random.Random(seed)
    names = [rng.choice(list(TRIADS)) for _ in range(bars)]
    made = chords(page, names)
    for bar in range(bars):
        for step in sorted(rng.sample(range(16), 4)):
            at = bar * 4 + step / 4
            made.notes.append(page.Note("melody", at, at + 0.5, rng.choice((72, 74, 76, 77, 79, 81))))
    made.notes.sort(key=lambda n: (n.start, n.stem, n.pitch))
    return made


def test_a_loop_of_four_bars_is_caught_and_what_wanders_is_not(program: Program, page: ModuleType) -> None:
    repetition = program("scores.repetition")
    loop = repetition.most_alike(chords(page, ["I", "vi", "IV", "V"] * 10))
    assert loop.likeness == 1.0 and loop.share == pytest.approx(9 / 25)
    assert repetition.most_alike(wandering(page, 60)).likeness < 0.7


def test_sixteen_bars_that_return_in_another_key_and_octave_are_caught(program: Program, page: ModuleType) -> None:
    repetition = program("scores.repetition")
    made = wandering(page, 37)
    again = [
        n._replace(start=n.start + 148.0, end=n.end + 148.0, pitch=n.pitch - 7) for n in made.notes if n.start < 64
    ]
    made.notes += again
    made.keys.append(page.Key(148.0, 5, "ionian"))
    found = repetition.most_alike(made)
    assert (found.likeness, found.first, found.again) == (1.0, 0.0, 148.0)
    made.keys.pop()
    assert repetition.most_alike(made).likeness < 0.9


def test_self_similarity_is_one_for_a_loop_and_low_for_other_bars(program: Program, page: ModuleType) -> None:
    repetition = program("scores.repetition")
    loop = repetition.self_similarity(chords(page, ["I", "vi", "IV", "V"] * 20))
    assert loop[4] == pytest.approx(1.0) and set(loop) == {1, 2, 3, 4}
    same = repetition.self_similarity(chords(page, ["I"] * 60))
    assert all(value == pytest.approx(1.0) for value in same.values())
    mixed = chords(page, ["I"] * 30)
    mixed.notes += [page.Note("bells", 120.0 + 4.0 * i + 1.5, 120.0 + 4.0 * i + 4.0, 66) for i in range(30)]
    assert repetition.self_similarity(mixed, range(2, 3))[2] < 0.3


def test_voices_are_matched_so_that_they_move_least(program: Program) -> None:
    voices = program("scores.voices")
    assert voices.motion((60, 64, 67), (60, 65, 69)) == 3
    assert voices.motion((60, 64, 67), (60, 64, 67, 72)) == 5
    assert voices.motion((60, 64, 67, 72), (59, 67)) == 1 + 3 + 5
    assert voices.matched((60, 67), (55, 59, 67)) == [(0, 60, 59), (1, 67, 67)]


def test_motion_and_the_widest_inner_leap(program: Program, page: ModuleType) -> None:
    voices = program("scores.voices")
    found = voices.leading(chords(page, ["I", "IV", "V", "I"]))
    assert (found.median, found.changes, found.leap) == (3, 3, 3)  # 3, 6 and 3 semitones
    wide = page.Page(
        [page.Note("pad", 4.0 * i, 4.0 * i + 4.0, p) for i, c in enumerate(((52, 55, 67), (52, 64, 67))) for p in c]
    )
    assert voices.leading(wide).leap == 9 and voices.leading(wide).at == 4.0


def test_semitones_that_sound_together_are_found(program: Program, page: ModuleType) -> None:
    voices = program("scores.voices")
    made = page.Page(
        [
            page.Note("pad", 0.0, 4.0, 60),
            page.Note("melody", 1.0, 2.0, 73),  # a minor ninth
            page.Note("bells", 3.8, 5.0, 61),  # a fifth of a beat only
            page.Note("melody", 4.5, 6.0, 62),  # a semitone over the bell
            page.Note("percussion", 0.0, 4.0, 59),
        ]
    )
    assert [(c.beat, c.low.pitch, c.high.pitch) for c in voices.clashes(made)] == [(1.0, 60, 73), (4.5, 61, 62)]
    seventh = page.Page([page.Note("pad", 0.0, 4.0, 60), page.Note("melody", 0.0, 4.0, 71)])
    assert voices.clashes(seventh) == []


@pytest.mark.parametrize(
    ("low", "high", "close"),
    [(40, 51, True), (40, 52, False), (48, 54, True), (50, 57, False), (57, 59, True), (60, 62, False)],
)
def test_intervals_too_close_for_their_register_are_found(
    program: Program, page: ModuleType, low: int, high: int, close: bool
) -> None:
    voices = program("scores.voices")
    made = page.Page([page.Note("bass", 0.0, 2.0, low), page.Note("melody", 0.0, 2.0, high)])
    assert bool(voices.crowded(made)) == close


def test_low_intervals_are_the_composers_own_limits(program: Program) -> None:
    from synth.composer.voicing import min_gap

    limits = program("scores.voices").LOW_INTERVALS
    assert all(next(gap for below, gap in limits if low < below) == min_gap(low) for low in range(24, 96))


def test_the_eight_measures_know_a_song_from_noise(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    song = craft.stretches(chords(page, ["I", "IV", "V", "I", "I", "vi", "ii", "I"] * 4, line=True))[0]
    good = craft.measures(song)
    assert good["clash"] == 0.0 and good["chord_fit"] > 0.92 and good["ending"] == 1.0
    rng = random.Random(4)
    song.notes = [n._replace(pitch=n.pitch + rng.randrange(-5, 6)) for n in song.notes]
    bad = craft.measures(song)
    assert bad["clash"] > 0.3 and bad["chord_fit"] < 0.88 and bad["agreement"] < good["agreement"] - 0.2
    assert bad["seam_step"] < good["seam_step"]


def test_ending_wants_the_tonic_chord_over_the_tonic(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    assert craft.ending(chords(page, ["V", "I"])) == 1.0
    assert craft.ending(chords(page, ["I", "V"])) == pytest.approx(0.25)  # two of its four tones are G
    assert craft.ending(chords(page, ["I", "ii"])) == 0.0


def test_seams_are_where_a_voice_moves_over_the_bar_line(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    held = [page.Note("pad", 0.0, 12.0, 60), page.Note("pad", 0.0, 4.0, 64), page.Note("pad", 4.0, 8.0, 65)]
    assert craft.seam_step(page.Page(held)) == 1.0
    leaping = page.Page([*held, page.Note("bass", 0.0, 4.0, 36), page.Note("bass", 4.0, 8.0, 41)])
    assert craft.seam_step(leaping) == 0.5


def test_a_cell_that_comes_back_and_one_that_does_not(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    line = [page.Note("melody", float(i), i + 1.0, 60 + (0, 2, 4, 5, 7)[i % 5]) for i in range(20)]
    assert craft.motif_return(line) == 1.0
    once = [page.Note("melody", float(i), i + 1.0, 60 + i * i) for i in range(8)]
    assert craft.motif_return(once) == 0.0
    assert craft.information(line) == pytest.approx(math.log2(5), abs=0.02)


def test_shuffled_bars_lose_period_seams_and_motifs(program: Program, page: ModuleType) -> None:
    craft, corpus = program("scores.craft"), program("scores.corpus")
    lost = []
    for chorale in corpus.chorales(4):
        whole = craft.stretches(chorale)[0]
        plain = craft.measures(whole)
        mixed = [craft.measures(craft.shuffled(whole, seed)) for seed in range(3)]
        lost.append([plain[name] - np.mean([m[name] for m in mixed]) for name in ("motif_return", "seam_step")])
        assert 0.88 < plain["chord_fit"] < 0.96 and plain["clash"] < 0.12
    motif, seam = np.mean(lost, axis=0)
    assert motif >= 0.0 and seam > 0.1


def test_period_is_high_where_four_bars_come_back(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    period = craft.phrase_period(chords(page, ["I", "vi", "IV", "V"] * 8))
    assert period > 1.0 > craft.phrase_period(wandering(page, 32))
    assert math.isnan(craft.phrase_period(chords(page, ["I"] * 15)))


def test_literal_repetition_is_gated(program: Program, page: ModuleType) -> None:
    craft = program("scores.craft")
    loop = chords(page, ["I", "vi", "IV", "V"] * 10)
    assert craft.repeated_runs(loop, 1) == 36 / 40 > craft.RUNS[1][0]
    assert craft.repeated_runs(loop, 4) == 33 / 37 > craft.RUNS[4][1]
    assert craft.repeated_runs(wandering(page, 40), 1) < 0.1
