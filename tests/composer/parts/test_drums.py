"""Drums: as many strokes as they are given, one groove a section, fills where phrases end."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest

from synth.composer.parts.drums import FRAMES, LOW, Drums
from synth.composer.rhythm.groove import MANNERS
from synth.score.model import TICKS_PER_BEAT

SIXTEENTH = TICKS_PER_BEAT // 4


def drums(stage, rate, seed=1, manner="hand", **keys):
    keys.setdefault("shares", lambda phrase: {"percussion": rate})
    return stage(lambda: [Drums(seed, "percussion", manner)], **keys)


def pattern(bar, grid=SIXTEENTH):
    return frozenset((round(note.tick / grid) % 16, int(note.pitch)) for note in bar)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("beats", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("rate", [0.4, 1.0, 2.6, 5.3, 7.7])
def test_density_follows_the_share(stage, rate, beats, manner):
    for seed in range(3):
        played = drums(stage, rate, seed, manner, phrases=10, beats=beats)
        assert len(played.notes) / len(played.bars) == pytest.approx(rate, rel=0.1)


def test_density_follows_a_share_that_changes(stage):
    rates = (2.0, 9.0, 1.0, 5.0)
    played = drums(stage, 0, phrases=4, bars=8, shares=lambda phrase: {"percussion": rates[phrase]})
    counts = [sum(len(bar) for bar in played.bars[8 * i : 8 * i + 8]) / 8 for i in range(4)]
    assert counts == pytest.approx(list(rates), rel=0.2)


def test_denser_bars_hold_the_thinner_ones(stage):
    """Layers: a stroke that is there stays as more come in."""
    bars = []
    for rate in (1.0, 2.0, 4.0, 6.0, 9.0, 14.0):
        played = drums(stage, rate, phrases=1, controls=lambda phrase: {"regularity": 0.8})
        bars.append(pattern(played.bars[1]))
    for thin, full in zip(bars, bars[1:], strict=False):
        assert thin < full


def test_a_groove_stays_for_its_section_and_goes_with_it(stage):
    played = drums(stage, 7.0, phrases=24, sections=6, seed=3, controls=lambda phrase: {"regularity": 0.3})
    inner = [Counter(pattern(played.bars[i]) for i in range(s, s + 24) if i % 4 != 3) for s in range(0, 96, 24)]
    for section in inner:
        assert len(section) <= 3 and all(a <= b or b <= a for a in section for b in section), "a stroke more or less"
        assert section.most_common(1)[0][1] >= 12
    assert len({section.most_common(1)[0][0] for section in inner}) >= 3


def test_phrases_end_with_a_fill_or_lighter(stage):
    played = drums(stage, 8.0, phrases=40, seed=2)
    ends = [played.bars[i] for i in range(3, len(played.bars), 4)]
    usual = pattern(played.bars[1])
    assert all(pattern(bar) != usual for bar in ends)
    high = [any(note.pitch == FRAMES[-1] for note in bar) for bar in ends]
    assert 0.25 < statistics.mean(high) < 0.75
    inner = [bar for i, bar in enumerate(played.bars) if i % 4 != 3]
    assert statistics.mean(map(len, ends)) < 0.95 * statistics.mean(map(len, inner))
    eights = drums(stage, 8.0, phrases=6, bars=8)
    fills = [min(note.tick % (4 * TICKS_PER_BEAT) for note in eights.bars[i][-1:]) for i in range(7, 48, 8)]
    assert all(fill >= 3 * TICKS_PER_BEAT for fill in fills), "after eight bars always"


@pytest.mark.parametrize("manner", ["hand", "brush", "lullaby"])
@pytest.mark.parametrize("beats", [2, 3, 4, 7])
def test_two_hands_are_enough(stage, beats, manner):
    played = drums(stage, 9.0, manner=manner, beats=beats, phrases=8)
    ticks = Counter(round(note.tick / 80) for note in played.notes)
    assert max(ticks.values()) <= 2


def test_downbeats_of_eight_bars_are_the_strongest(stage):
    played = drums(stage, 6.0, phrases=60, bars=8)
    by_bar = [[] for _ in range(8)]
    for i, bar in enumerate(played.bars):
        by_bar[i % 8] += [n.velocity for n in bar if n.pitch == LOW and n.tick % (4 * TICKS_PER_BEAT) < 30]
    means = [statistics.mean(values) for values in by_bar]
    arch = [means[i] - 0.5 * (means[i - 1] + means[i + 1]) for i in (2, 4, 6)]
    assert all(extra > 0.01 for extra in arch) and arch[1] > arch[0]


def test_a_brush_swings_what_lies_between_beats(stage):
    for seed in range(20):
        played = drums(stage, 9.0, seed, "brush", controls=lambda phrase: {"regularity": 0.0})
        late = [n.tick % TICKS_PER_BEAT for n in played.notes[40:] if 400 < n.tick % TICKS_PER_BEAT < 640]
        if late and statistics.mean(late) > 500:
            break
    else:
        raise AssertionError("none swings")
    assert statistics.mean(late) / TICKS_PER_BEAT in (pytest.approx(0.56, abs=0.01), pytest.approx(0.54, abs=0.01))
    beats = [(n.tick + 200) % TICKS_PER_BEAT - 200 for n in played.notes if (n.tick + 200) % TICKS_PER_BEAT < 400]
    assert max(map(abs, beats)) / TICKS_PER_BEAT * 60e3 / 90.0 <= 5.5, "3 ms, and 2 of the groove's own"


def test_steadier_is_straighter(stage):
    def between(regularity):
        shares = []
        for seed in range(24):
            played = drums(stage, 7.0, seed, phrases=2, controls=lambda phrase: {"regularity": regularity})
            shares.append(statistics.mean(100 < n.tick % TICKS_PER_BEAT < 860 for n in played.notes))
        return statistics.mean(shares)

    assert between(1.0) < between(0.5) < between(0.0) and between(1.0) < between(0.0) - 0.1


def test_silent_when_not_wanted_and_in_the_last_phrase(stage):
    assert not drums(stage, 0.2).notes
    assert not drums(stage, 6.0, controls=lambda phrase: {"percussiveness": 0.04}).notes
    assert not drums(stage, 6.0, stems=lambda phrase: ("pad",)).notes
    played = drums(stage, 6.0, phrases=3, ends=True)
    assert max(note.tick for note in played.notes) < 2 * 16 * TICKS_PER_BEAT
    away = drums(stage, 6.0, phrases=3, stems=lambda phrase: ("percussion",) if phrase != 1 else ())
    assert not any(away.bars[4:8]) and len(away.bars[8]) <= 7, "a rest is not made up for"


def test_a_seed_is_a_part(stage):
    once, again, other = (drums(stage, 6.0, seed).notes for seed in (1, 1, 2))
    assert once == again != other
