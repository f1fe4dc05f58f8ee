"""Notes of hands on the beat grid: they sound at once, are told to the composer at fixed beats, and may turn it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.bus import new_edges
from synth.controls import COLUMN, CONTROLS
from synth.instruments.base import OFF, ON, QUANTUM
from synth.score.model import TICKS_PER_BEAT, Ask, Bar, Marker, Note, Score, Turn
from synth.transport import SPAN, Transport

BEATS = 4
BEAT_QUANTA = 750  # at 60 bpm and 48 kHz


class Along:
    """A composer that writes a long and a late note a bar, and turns at one tick."""

    def __init__(self, turn_at: int = -1) -> None:
        self.asks: list[Ask] = []
        self.follows: list[Ask] = []
        self.turn_at = turn_at
        self.long: dict[int, Note] = {}
        self.late: dict[int, Note] = {}

    def compose(self, ask: Ask):
        self.asks.append(ask)
        for _ in range(5):
            yield
        tick = ask.tick
        self.long[tick] = Note("pad", tick, 3840, 50.0, 0.5)
        self.late[tick] = Note("pad", tick + 2 * TICKS_PER_BEAT - 20, 500, 70.0, 0.5)
        markers = (Marker(tick, "chord", "C"), Marker(tick + 1920, "chord", "F"), Marker(tick, "phrase", "A"))
        return Bar(tick, BEATS, 0, 1, (self.long[tick], self.late[tick]), markers)

    def follow(self, ask: Ask):
        self.follows.append(ask)
        for _ in range(5):
            yield
        if ask.tick != self.turn_at:
            return Turn(ask.tick)
        bar = ask.tick - ask.tick % (BEATS * TICKS_PER_BEAT)
        fresh = Note("pad", ask.tick - 10, 480, 60.0, 0.5)
        return Turn(ask.tick, (self.long[bar], self.late[bar]), (fresh,), (Marker(ask.tick, "chord", "G"),))


def run(composer: Along, sizes: list[int], plays: dict[int, tuple[float, float]], quanta: int = 12 * BEAT_QUANTA):
    """`plays`: (pitch, velocity) by quantum; each note lasts 300 quanta. Blocks end where something is played."""
    transport = Transport(composer.compose, Score(("pad", "melody")), 7, 48_000, None, composer.follow)
    moments = {**{at: None for at in plays}, **{at + 300: None for at in plays}}
    numbers: dict[int, int] = {}
    events, at, turn = [], 0, 0
    row = [c.default for c in CONTROLS]
    row[COLUMN["tempo_bpm"]] = 60.0
    while at < quanta:
        if at in plays:
            numbers[at] = transport.play("melody", *plays[at], at * QUANTUM)
        if at - 300 in plays:
            transport.lift(numbers[at - 300], "melody", plays[at - 300][0], at * QUANTUM)
        size = min(sizes[turn % len(sizes)], *(m - at for m in moments if m > at), quanta - at)
        turn += 1
        edges, spans = new_edges(64), np.zeros((66, SPAN))
        edges[:, : len(CONTROLS)] = row
        transport.walk(at, size, edges, spans)
        at += size
        events += [(stem, event) for stem, taken in transport.take(at * QUANTUM).items() for event in taken]
    return transport, events


def test_a_note_sounds_on_the_frame_it_is_played_and_ends_where_it_is_let_go():
    transport, events = run(Along(), [64], {1000: (61.5, 0.7)})
    played = [(e.frame, e.kind, e.pitch, e.velocity) for stem, e in events if stem == "melody"]
    assert played == [(64_000, ON, 61.5, 0.7), (83_200, OFF, 61.5, 0.0)]
    note = next(note for note in transport.score.notes if note.stem == "melody")
    assert note.tick * 50 == pytest.approx(64_000, abs=50) and note.duration == pytest.approx(384, abs=1)


def test_numbers_of_hands_and_of_the_composer_never_meet_and_fit_a_float32():
    _, events = run(Along(), [64], {200: (60.0, 0.5), 1200: (61.0, 0.5)})
    hands = {e.note_id for stem, e in events if stem == "melody"}
    others = {e.note_id for stem, e in events if stem == "pad"}
    assert len(hands) == 2 and not hands & others
    assert all(int(np.float32(number)) == number for number in hands)


def test_the_composer_hears_of_a_note_in_the_same_beat_and_is_left_alone_where_nobody_plays():
    composer = Along()
    run(composer, [64], {2 * BEAT_QUANTA + 100: (60.0, 0.5)})
    assert composer.follows[0].asked_tick == 2 * TICKS_PER_BEAT + 660 and composer.follows[0].tick == 3 * TICKS_PER_BEAT
    assert [s.pitch for s in composer.follows[0].played] == [60.0]
    alone = Along()
    run(alone, [64], {})
    assert not alone.follows and all(ask.played == () for ask in alone.asks)


def test_a_turn_cuts_what_sounds_takes_back_what_was_to_begin_and_puts_its_own_in():
    turn = 2 * TICKS_PER_BEAT  # the late note begins 20 ticks before it, and is taken back all the same
    transport, events = run(Along(turn), [64], {BEAT_QUANTA: (60.0, 0.5)})
    notes = [note for note in transport.score.notes if note.stem == "pad" and note.tick < 3840]
    assert notes == [Note("pad", 0, turn, 50.0, 0.5), Note("pad", turn - 10, 480, 60.0, 0.5)]
    first_bar = [(e.frame, e.kind, e.pitch) for stem, e in events if stem == "pad" and e.frame < 4 * 48_000]
    assert first_bar == [(0, ON, 50.0), (95_500, ON, 60.0), (96_000, OFF, 50.0), (119_500, OFF, 60.0)]
    chords = [(m.tick, m.text) for m in transport.score.markers if m.kind == "chord" and m.tick < 3840]
    assert chords == [(0, "C"), (turn, "G")]
    assert sum(m.kind == "phrase" for m in transport.score.markers) == 3


def test_a_turn_on_the_bar_line_changes_the_bar_that_is_written_already():
    turn = 4 * TICKS_PER_BEAT
    transport, _ = run(Along(turn), [64], {3 * BEAT_QUANTA: (60.0, 0.5)})
    second_bar = [note for note in transport.score.notes if note.stem == "pad" and turn - 100 <= note.tick < 2 * turn]
    assert second_bar == [Note("pad", turn - 10, 480, 60.0, 0.5)]
    chords = [(m.tick, m.text) for m in transport.score.markers if m.kind == "chord" and turn <= m.tick < 2 * turn]
    assert chords == [(turn, "G")]


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(1, 64), min_size=3, max_size=30), st.sets(st.integers(0, 8000), max_size=12))
def test_blocks_change_nothing_about_hands_and_turns(sizes: list[int], at: set[int]):
    plays = {quantum: (60.0 + i, 0.5) for i, quantum in enumerate(sorted(at))}
    one, other = Along(4 * TICKS_PER_BEAT), Along(4 * TICKS_PER_BEAT)
    whole, split = run(one, [64], plays), run(other, sizes, plays)
    assert sorted(whole[1], key=str) == sorted(split[1], key=str)
    assert whole[0].score == split[0].score and one.follows == other.follows and one.asks == other.asks
