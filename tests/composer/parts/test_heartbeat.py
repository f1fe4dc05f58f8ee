"""The heartbeat: pairs on the tonic, as even as a pulse can be."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from synth.composer.parts.heartbeat import Heartbeat
from synth.composer.scales import Scale
from synth.score.model import TICKS_PER_BEAT


def heart(stage, rate=4.0, **keys):
    keys.setdefault("bpm", 56.0)
    keys.setdefault("shares", lambda phrase: {"bass": rate})
    return stage(lambda: [Heartbeat(1)], beats=2, **keys)


@pytest.mark.parametrize("key", range(12))
def test_it_is_the_tonic_below_e(stage, key):
    assert {note.pitch for note in heart(stage, scale=Scale(key, 1), phrases=2).notes} == {28 + (key - 28) % 12}


@pytest.mark.parametrize("bpm", [44.0, 56.0, 90.0, 140.0])
def test_pairs_are_three_tenths_of_a_second_or_closer(stage, bpm):
    notes = heart(stage, bpm=bpm).notes
    firsts, seconds = notes[0::2], notes[1::2]
    gaps = [(b.tick - a.tick) / TICKS_PER_BEAT * 60.0 / bpm for a, b in zip(firsts, seconds, strict=True)]
    wanted = min(0.3, 0.42 * 60.0 / bpm)
    assert all(gap == pytest.approx(wanted, abs=0.007) for gap in gaps)
    assert all(abs((n.tick + 200) % TICKS_PER_BEAT - 200) / TICKS_PER_BEAT * 60e3 / bpm <= 3.5 for n in firsts)
    assert statistics.mean(a.velocity - b.velocity for a, b in zip(firsts, seconds, strict=True)) > 0.1
    assert all(a.tick + a.duration <= b.tick + 12 for a, b in pairwise(notes)), "one voice"


@pytest.mark.parametrize(("rate", "every"), [(4.0, 1.0), (9.0, 1.0), (2.0, 2.0), (0.5, 2.0)])
def test_how_often_follows_its_share(stage, rate, every):
    firsts = [note.tick for note in heart(stage, rate).notes][0::2]
    assert all((b - a) / TICKS_PER_BEAT == pytest.approx(every, abs=0.02) for a, b in pairwise(firsts))


def test_it_changes_at_phrases_only_and_rests_when_it_is_away(stage):
    played = heart(stage, phrases=3, shares=lambda phrase: {"bass": (4.0, 2.0, 4.0)[phrase]})
    assert [len(bar) for bar in played.bars] == [4] * 4 + [2] * 4 + [4] * 4
    away = heart(stage, phrases=3, stems=lambda phrase: ("bass",) if phrase != 1 else ())
    assert not any(away.bars[4:8]) and all(away.bars[8:])


def test_tempo_and_nothing_else_moves_it(stage):
    """No signal reaches it: other controls leave every stroke where it is."""
    plain = heart(stage).notes
    moved = heart(stage, controls=lambda phrase: {"arousal": 1.0, "density_hz": 8.0, "register_note": 79.0}).notes
    assert [(n.tick, n.pitch) for n in plain] == [(n.tick, n.pitch) for n in moved]


def test_the_last_stroke_stands_alone_and_rings(stage):
    played = heart(stage, phrases=2, ends=True)
    assert len(played.bars[-1]) == 1 and all(len(bar) == 2 for bar in played.bars[4:-1])
    assert played.bars[-1][0].duration > 0.2 * TICKS_PER_BEAT
