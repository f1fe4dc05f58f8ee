"""Phase patterns: short, narrow, one against the other, fewer notes where fewer are wanted."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from synth.composer.harmony import Chord
from synth.composer.parts.phase import FEWEST, MOST, RANGE, Phase
from synth.composer.scales import Scale, pitch_classes
from synth.score.model import TICKS_PER_BEAT

EIGHTH = TICKS_PER_BEAT // 2


def one_chord(phrase, slot):
    return Chord(0, "ninth")


def phase(stage, figure=16.0, seed=1, tension=0.3, stems=("melody", "bells"), **keys):
    keys.setdefault("chord", one_chord)
    keys.setdefault("phrases", 8)
    keys.setdefault("bars", 8)
    keys.setdefault("sections", 99)
    keys.setdefault("shares", lambda phrase: {"figure": figure})
    keys.setdefault("controls", lambda phrase: {"tonal_tension": tension})
    return stage(lambda: [Phase(seed, stem) for stem in stems], **keys)


def sequence(played, stem):
    """Pitch by eighth."""
    found = {round(note.tick / EIGHTH): note.pitch for note in played.of(stem)}
    return [found.get(i) for i in range(8 * len(played.bars))]


def period(line):
    """The shortest lag at which the line is the same again nearly throughout."""
    return next(
        lag for lag in range(3, 30) if statistics.mean(a == b for a, b in zip(line, line[lag:], strict=False)) > 0.9
    )


@pytest.mark.parametrize("beats", [2, 3, 4, 5, 6, 7])
def test_patterns_have_five_to_eight_notes_within_an_octave(stage, beats):
    for seed in range(6):
        played = phase(stage, 30.0, seed, phrases=2, beats=beats, stems=("melody",))
        pitches = [note.pitch for note in played.of("melody")]
        assert max(pitches) - min(pitches) <= RANGE and len(set(pitches)) >= 3
        steps = 8 if beats == 2 else 2 * beats
        first = [note for note in played.of("melody") if note.tick < (steps - 0.5) * EIGHTH]
        assert FEWEST <= len(first) <= MOST


def test_at_low_tension_they_differ_by_a_slip_at_high_by_seven_against_eight(stage):
    kinds = {}
    for tension in (0.1, 0.9):
        found = []
        for seed in range(20):
            played = phase(stage, 16.0, seed, tension, phrases=1, bars=14)
            assert period(sequence(played, "melody")) == 8
            found.append(period(sequence(played, "bells")))
        assert set(found) <= {7, 8}
        kinds[tension] = statistics.mean(lag == 7 for lag in found)
    assert kinds[0.1] < 0.5 < kinds[0.9]


def offset(played, first, last):
    """Eighths that the bells are ahead of the melody in bars [first, last)."""
    a, b = (sequence(played, stem)[8 * first : 8 * last] for stem in ("melody", "bells"))
    return max(range(8), key=lambda lag: sum(x == y for x, y in zip(a[lag:], b, strict=False)))


def test_a_slip_is_one_eighth_each_sixteen_bars_and_further_with_tension(stage):
    reached = {}
    for tension in (0.1, 0.7, 0.95):
        for seed in range(40):
            played = phase(stage, 16.0, seed, tension, phrases=1, bars=96)
            if period(sequence(played, "bells")[:112]) == 8:
                break
        offsets = [offset(played, bar, bar + 8) for bar in range(0, 96, 8)]
        assert offsets[0::2] == offsets[1::2], "it stays for sixteen bars"
        assert all(abs(a - b) == 1 for a, b in pairwise(offsets[::2]))
        reached[tension] = max(offsets)
        assert min(offsets) == 1, "never in unison"
    assert reached == {0.1: 2, 0.7: 3, 0.95: 4}


@pytest.mark.parametrize("figure", [3.0, 6.0, 9.5])
def test_notes_are_dropped_to_their_share(stage, figure):
    for seed in range(5):
        full = {(n.stem, round(n.tick / EIGHTH), n.pitch) for n in phase(stage, 30.0, seed, phrases=1).notes}
        played = phase(stage, figure, seed, phrases=1)
        assert {(n.stem, round(n.tick / EIGHTH), n.pitch) for n in played.notes} < full
        longer = phase(stage, figure, seed)
        assert len(longer.notes) / len(longer.bars) == pytest.approx(figure, rel=0.15)


def test_the_share_of_a_stem_that_rests_goes_to_the_other(stage):
    played = phase(stage, 5.0, stems=("melody", "bells"), **{"phrases": 4}).of("melody")
    alone = stage(
        lambda: [Phase(1, "melody"), Phase(1, "bells")],
        phrases=4,
        bars=8,
        sections=99,
        chord=one_chord,
        shares=lambda phrase: {"figure": 5.0},
        stems=lambda phrase: ("pad", "melody"),
    )
    assert not alone.of("bells") and len(alone.of("melody")) > 1.7 * len(played)


def test_the_pattern_changes_only_where_it_begins_anew(stage):
    """Between lines of its own cycle each bar of the one that keeps time is a bar of one pattern."""
    for seed in range(5):
        line = sequence(phase(stage, 9.0, seed, phrases=6), "melody")
        bars = [tuple(line[i : i + 8]) for i in range(0, len(line), 8)]
        changes = sum(a != b for a, b in pairwise(bars))
        assert changes <= 0.5 * len(bars)
        struck = [{i for i, p in enumerate(bar) if p is not None} for bar in bars]
        assert all(a <= b or b <= a for a in struck for b in struck), "the rhythm only loses or regains its weak notes"


def test_one_tone_moves_at_most_from_phrase_to_phrase(stage):
    for seed in range(5):
        line = sequence(phase(stage, 30.0, seed, phrases=8), "melody")
        firsts = [line[i : i + 8] for i in range(0, len(line), 64)]
        moved = [sum(a != b for a, b in zip(x, y, strict=True)) for x, y in pairwise(firsts)]
        assert max(moved) <= 1 and sum(moved) >= 1


def test_a_new_section_brings_a_new_pattern(stage):
    line = sequence(phase(stage, 30.0, sections=4), "melody")
    assert line[:8] != line[256:264]


@pytest.mark.parametrize("scale", [Scale(2, 3), Scale(7, 0), Scale(4, 5)])
def test_tones_are_of_the_scale_and_none_rub(stage, scale):
    held = []

    def pad(now, player):
        if now.bar == 0:
            pcs = pitch_classes(scale)
            for pitch in range(55, 68):
                if pitch % 12 in (pcs[0], pcs[4]):
                    player.play("pad", now.start, float(now.phrase.beats), pitch)
                    held.append(pitch)

    for seed in range(4):
        played = phase(
            stage, 16.0, seed, scale=scale, before=pad, chord=lambda p, s: Chord((0, 3, 4)[p % 3], "seventh"), phrases=4
        )
        assert all(int(note.pitch) % 12 in pitch_classes(scale) for note in played.notes)
        sounding = []
        for note in played.notes:
            sounding = [other for other in sounding if other.tick + other.duration > note.tick + 150]
            assert all(abs(other.pitch - note.pitch) not in (1, 13) for other in sounding)
            sounding.append(note)
        assert len(played.of("melody")) > 3 * len(played.bars)


def test_every_stroke_is_on_its_eighth(stage):
    for note in phase(stage).notes:
        assert abs((note.tick + 200) % EIGHTH - 200) / TICKS_PER_BEAT * 60e3 / 90.0 <= 3.5


def test_it_thins_towards_the_end_and_the_last_bar_is_not_its_own(stage):
    played = phase(stage, 30.0, phrases=2, ends=True)
    counts = [len(bar) for bar in played.bars[8:]]
    assert counts[-1] == 0 and counts[-2] < 0.5 * counts[0]
