"""The beat grid: exact frames, one tempo a beat, the composer asked one beat before each bar."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.bus import new_edges
from synth.controls import COLUMN, CONTROLS, EXPRESSION_DB
from synth.expression import _hear
from synth.instruments.base import ON, QUANTUM
from synth.score.model import TICKS_PER_BEAT, Ask, Bar, Note, Score
from synth.transport import SPAN, Transport

TEMPO = COLUMN["tempo_bpm"]


def compose(ask: Ask) -> Bar:
    notes = tuple(Note("pad", ask.tick + i * 500 - 100, 400, 60 + i, 0.5) for i in range(6))
    return Bar(ask.tick, 3, int(ask.controls["key"]), 1, notes, swell=(ask.bar % 2 * 1.0, (ask.bar + 1) % 2 * 1.0))


def sliced(compose):
    """`compose` as a composer that takes a dozen slices."""

    def slices(ask: Ask):
        for _ in range(12):
            yield
        return compose(ask)

    return slices


def run(sizes: list[int], sample_rate: int = 48_000, tempo=lambda quantum: 60 + quantum / 200, compose=compose):
    transport = Transport(sliced(compose), Score(("pad",)), 7, sample_rate, None)
    events, lanes, at = [], [], 0
    for size in sizes:
        edges, spans = new_edges(64), np.zeros((66, SPAN))
        for row in range(size + 1):
            edges[row, : len(CONTROLS)] = [c.default for c in CONTROLS]
            edges[row, TEMPO] = tempo(at + row)
        count = transport.walk(at, size, edges, spans)
        _hear(at, spans, count, edges)
        swell = edges[:, EXPRESSION_DB]
        lanes.append(np.column_stack((edges[:size, TEMPO], swell[:size])))
        last = (float(edges[size, TEMPO]), float(swell[size]))
        at += size
        events += transport.take(at * QUANTUM).get("pad", [])
    return transport, events, np.concatenate(lanes), last


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 64), min_size=20, max_size=80))
def test_blocks_do_not_change_frames_tempo_or_swell(sizes: list[int]):
    total = sum(sizes)
    one, split = run([1] * total), run(sizes)
    assert one[1] == split[1]
    np.testing.assert_array_equal(one[2], split[2])
    assert one[3] == split[3]
    assert one[0].score.tempos == split[0].score.tempos


def test_a_tempo_holds_for_its_beat_and_frames_follow_it_exactly():
    transport, events, lanes, _ = run([64] * 60)
    score = transport.score
    starts, us = {}, 0
    tempos = {t.tick: t.us_per_beat for t in score.tempos}
    current = 0
    for tick in range(0, score.end_tick, TICKS_PER_BEAT):
        current = tempos.get(tick, current)
        starts[tick] = (us, current)
        us += current
    for event, note in zip([e for e in events if e.kind == ON], score.notes, strict=False):
        beat = note.tick - note.tick % TICKS_PER_BEAT
        start_us, per_beat = starts[beat]
        exact = Fraction(start_us * TICKS_PER_BEAT + (note.tick - beat) * per_beat, TICKS_PER_BEAT) * 48_000 / 10**6
        assert event.frame == int(exact)
    assert len(np.unique(lanes[:, 0])) == len({t.bpm for t in score.tempos[: len(np.unique(lanes[:, 0]))]})


def test_the_score_is_the_same_at_every_sample_rate_for_a_steady_tempo():
    scores = [run([64] * n, rate, lambda q: 72.5)[0].score for n, rate in ((60, 48_000), (120, 96_000))]
    notes = [s.notes[:20] for s in scores]
    assert notes[0] == notes[1] and scores[0].tempos == scores[1].tempos


def test_the_composer_is_asked_one_beat_ahead_in_order():
    asks = []

    def note_down(ask: Ask) -> Bar:
        asks.append(ask)
        return compose(ask)

    run([64] * 200, compose=note_down)
    assert len(asks) > 3
    assert [a.bar for a in asks] == list(range(len(asks)))
    assert [a.tick for a in asks] == [3 * TICKS_PER_BEAT * i for i in range(len(asks))]


def test_each_note_goes_on_and_off_once_and_in_order():
    transport, events, *_ = run([64] * 200)
    frames = [e.frame for e in events]
    assert frames == sorted(frames)
    on = {e.note_id for e in events if e.kind == ON}
    off = [e.note_id for e in events if e.kind != ON]
    assert len(off) == len(set(off)) and set(off) <= on
    assert min(n.tick for n in transport.score.notes) >= 0


def test_swell_runs_through_the_bar_without_a_step():
    _, _, lanes, _ = run([64] * 200)
    steps = np.abs(np.diff(lanes[:, 1]))
    assert steps.max() < 0.002 and lanes[:, 1].max() == pytest.approx(1.0, abs=0.01)
