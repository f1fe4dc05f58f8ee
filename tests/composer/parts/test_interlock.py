"""Interlocking: a cycle with its gong, two metals in turn, density by octaves at the gong."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from synth.composer.parts.interlock import LEVELS, Interlock, core_tones, cycle_beats
from synth.composer.scales import Scale, pitch_classes
from synth.composer.voicing import min_gap
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT

STEMS = ("pad", "bass", "melody", "percussion", "bells")
CYCLE = 16 * TICKS_PER_BEAT


def cycles(stage, figure=8.0, seed=1, stems=STEMS, **keys):
    keys.setdefault("phrases", 6)
    keys.setdefault("bars", 8)
    keys.setdefault("bpm", 60.0)
    keys.setdefault("shares", lambda phrase: {"figure": figure, "bass": 1.0, "percussion": 3.0})
    return stage(lambda: [Interlock(seed, stem) for stem in stems], **keys)


@pytest.mark.parametrize(("beats", "cycle"), [(2, 16), (4, 16), (3, 18), (5, 20), (6, 12), (7, 14), (8, 16)])
def test_a_cycle_is_whole_bars_of_about_sixteen_beats(beats, cycle):
    assert cycle_beats(beats) == cycle and cycle % (2 * beats) == 0


def test_the_gong_is_the_strongest_stroke_of_each_cycle_and_the_tonic(stage):
    for seed in range(4):
        played = cycles(stage, 12.0, seed)
        by_cycle: dict[int, list] = {}
        for note in played.notes:
            by_cycle.setdefault((note.tick + 10) // CYCLE, []).append(note)
        assert len(by_cycle) == 12
        for number, notes in by_cycle.items():
            strongest = max(notes, key=lambda note: note.velocity)
            assert strongest.stem == "bass" and abs(strongest.tick - number * CYCLE) <= 4 and strongest.pitch % 12 == 2


def test_the_metals_strike_in_turn_and_meet_at_the_gong_and_half_way(stage):
    for figure in (4.0, 9.0, 16.0):
        played = cycles(stage, figure)
        first, second = ({round(n.tick / 120) for n in played.of(stem)} for stem in ("melody", "bells"))
        together = first & second
        assert together and all(place % 64 == 0 for place in together), "eight beats apart"
        order = sorted([(place, 0) for place in first - together] + [(place, 1) for place in second - together])
        turns = [a[1] != b[1] for a, b in pairwise(order) if a[0] // 64 == b[0] // 64]
        assert statistics.mean(turns) > 0.9


def test_the_first_metal_is_on_the_beat_and_the_second_between(stage):
    played = cycles(stage, 8.0)
    on, between = (
        [abs((note.tick + 100) % TICKS_PER_BEAT - 100) < 10 for note in played.of(stem)] for stem in ("melody", "bells")
    )
    assert all(on) and 0.0 < statistics.mean(between) < 0.2


def rate(notes):
    """Median time between strokes, in beats."""
    places = sorted({round(note.tick / 120) for note in notes})
    return statistics.median(b - a for a, b in pairwise(places)) / 8


def test_density_moves_by_octaves_at_a_gong_and_never_within_a_cycle(stage):
    wanted = [4.0, 4.0, 16.0, 16.0, 16.0, 2.0, 2.0, 2.0, 2.0]
    played = cycles(
        stage,
        phrases=9,
        bars=4,
        shares=lambda phrase: {"figure": wanted[phrase], "bass": 1.0},
        stems=("melody", "bells"),
    )
    halves = []
    for half in range(18):
        low, high = half * CYCLE // 2, (half + 1) * CYCLE // 2
        halves.append(1.0 / rate([n for n in played.notes if low - 10 <= n.tick < high - 10]))
    assert halves[0::2] == halves[1::2], "inside a cycle nothing changes"
    assert set(halves) <= set(LEVELS)
    assert all(b / a in (0.5, 1.0, 2.0) for a, b in pairwise(halves))
    assert halves[4] < halves[8] and halves[9] > halves[17]


@pytest.mark.parametrize("figure", [2.0, 4.0, 8.0, 16.0])
def test_a_share_that_is_an_octave_is_met(stage, figure):
    played = cycles(stage, figure, stems=("melody", "bells"))
    assert len(played.notes) / len(played.bars) == pytest.approx(figure, rel=0.27)


def test_it_is_never_faster_than_hands(stage):
    played = cycles(stage, 60.0, bpm=120.0)
    assert 1.0 / rate(played.of("melody") + played.of("bells")) * 2.0 <= 1 / 0.12


@pytest.mark.parametrize(
    "scale", [Scale(2, 3), Scale(5, 0), *(Scale(0, mode) for mode in range(6, 14))], ids=lambda scale: scale.name
)
def test_any_scale_is_kept_to_and_nothing_rubs(stage, scale):
    played = cycles(stage, 16.0, scale=scale)
    sounding: list = []
    for note in played.notes:
        if note.stem == "percussion":
            continue
        assert int(note.pitch) % 12 in pitch_classes(scale)
        sounding = [other for other in sounding if other.tick + other.duration > note.tick + 240]
        for other in sounding:
            low, high = sorted((other.pitch, note.pitch))
            assert high - low not in (1, 13) and (high == low or low >= 63 or high - low >= min_gap(int(low)))
        sounding.append(note)
    assert len(played.of("melody")) >= 4 * len(played.bars), "few strokes are left out"


def test_core_tones_leave_the_gong_by_small_steps_and_come_back(stage):
    for seed in range(50):
        tones = core_tones(stream(seed, "test"), 8, Scale(0, 1), (0, 4))
        assert tones[0] == 0 and len(tones) == 8 and abs(tones[-1]) <= 2
        assert all(abs(b - a) <= 2 for a, b in pairwise(tones)) and max(map(abs, tones)) <= 4
    rests = [tone % 7 for seed in range(200) for tone in core_tones(stream(seed, "t"), 8, Scale(0, 1), (0, 3))[2::2]]
    others = [tone % 7 for seed in range(200) for tone in core_tones(stream(seed, "t"), 8, Scale(0, 1), (0, 1))[2::2]]
    assert rests.count(3) > others.count(3)


def test_the_core_is_heard_in_the_metals(stage):
    """On each core tone a metal strikes the same degree."""
    played = cycles(stage, 16.0)
    metals = {(round(n.tick / 120), int(n.pitch) % 12) for n in played.notes if n.stem in ("melody", "bells")}
    core = [(round(n.tick / 120), int(n.pitch) % 12) for n in played.of("pad")]
    assert statistics.mean(tone in metals for tone in core) > 0.9


def test_cycles_are_alike_but_four_of_them_do_not_come_again(stage):
    played = cycles(stage, 8.0, phrases=8, sections=99)
    printed = []
    for cycle in range(16):
        notes = [n for n in played.of("pad") if cycle * CYCLE - 10 <= n.tick < (cycle + 1) * CYCLE - 10]
        printed.append(tuple((round((n.tick - cycle * CYCLE) / 120), n.pitch) for n in notes))
    openings = [tuple(note for note in cycle if note[0] < 64) for cycle in printed]
    assert len(set(openings)) == 2 and openings[0] == openings[2] == openings[14]
    fours = [tuple(printed[i : i + 4]) for i in range(13)]
    assert len(set(fours)) == len(fours)


def test_the_drum_leads_into_the_gong(stage):
    played = cycles(stage, stems=("percussion",))
    for i, bar in enumerate(played.bars):
        places = {round((note.tick - played.moments[i].tick) / (TICKS_PER_BEAT / 2)) for note in bar}
        assert (7 in places, 0 in places) == ((True, False) if i % 4 == 3 else (False, True))


def test_the_drum_follows_its_share(stage):
    for share in (1.0, 3.4, 7.0):
        played = cycles(stage, stems=("percussion",), shares=lambda phrase, share=share: {"percussion": share})
        assert len(played.notes) / len(played.bars) == pytest.approx(share, rel=0.1)


def test_all_close_together_on_the_tonic(stage):
    played = cycles(stage, 8.0, phrases=2, ends=True)
    last = played.bars[-1]
    assert {note.stem for note in last} == {"pad", "bass", "melody", "bells"}
    assert all(int(note.pitch) % 12 == 2 and note.tick - played.moments[-1].tick < 10 for note in last)


def test_instances_plan_alike_and_a_seed_is_a_part(stage):
    both = cycles(stage, 8.0, stems=("melody", "bells"))
    alone = cycles(stage, 8.0, stems=("bells",))
    assert [(round(n.tick / 60), n.pitch) for n in both.of("bells")] == [
        (round(n.tick / 60), n.pitch) for n in alone.of("bells")
    ]
    assert cycles(stage, 8.0, 1).notes == cycles(stage, 8.0, 1).notes != cycles(stage, 8.0, 2).notes
