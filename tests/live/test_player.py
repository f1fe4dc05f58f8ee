"""The player in this process: beginning on a frame, faults, fades, what is told, MIDI that lets go."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from synth.live.board import BYTES, Board
from synth.live.clock_out import ClockOut
from synth.live.far_session import MOST_TOGETHER, FarSession
from synth.live.meter import BIN_US, Meter
from synth.live.notes import NotesOut
from synth.live.player import FADE_IN_S, HEARD_A_BLOCK, Player
from synth.live.ring import DATA, Ring
from synth.session import Session

RATE = 48_000


class Desk:
    """A player with its rings and board, and what comes out of them."""

    def __init__(self, **session):
        self.inbox, self.outbox = (Ring(memoryview(bytearray(DATA + (1 << 20)))) for _ in range(2))
        self.board = Board(memoryview(bytearray(BYTES)))
        self.player = Player(self.inbox, self.outbox, self.board)
        self.session = Session("settle", seed=2, minutes=3, **session)

    def play(self, *, begun=True, notes=None, clock=None):
        self.player.take(self.session, begun=begun, notes=notes, clock=clock)
        return self.player

    def ask(self, word, *args):
        assert self.inbox.put(pickle.dumps((word, args, {})))

    def told(self, kind):
        return [said for k, said in map(pickle.loads, self.outbox.take(1000)) if k == kind]


@pytest.fixture(scope="module")
def plain():
    return Session("settle", seed=2, minutes=3).render(RATE // 2)


def test_blocks_of_any_size_are_the_sessions_own(plain):
    player = Desk().play()
    blocks = [player.block(frames).mix.copy() for frames in (256, 100, 333, 1024, 64)]
    heard = np.concatenate(blocks)
    np.testing.assert_array_equal(heard, plain[: len(heard)])


def test_it_begins_on_the_frame_it_was_told(plain):
    desk = Desk()
    player = desk.play(begun=False)
    assert not player.block(256).mix.any() and desk.session.position == 0
    now_s = player.asked_s
    desk.ask("begin", now_s + 10.0)
    assert not player.block(256).mix.any() and desk.session.position == 0, "not yet"
    desk.ask("begin", now_s - 1.0)
    player.block(256)
    assert desk.session.position == 256, "what is past begins at once"
    late = Desk()
    player = late.play(begun=False)
    player.block(256)
    wait_s = []
    begin = player._begin

    def on_time(session, frames):
        player._begins_s = player.asked_s + 100.5 / RATE
        wait_s.append(player._begins_s)
        return begin(session, frames)

    player._begin = on_time
    first = player.block(256).mix
    assert late.session.position == 156 and not first[:100].any()
    np.testing.assert_array_equal(first[100:], plain[:156])
    np.testing.assert_array_equal(player.block(256).mix, plain[156:412])


def test_a_fault_is_silence_and_is_told_of(capsys):
    desk = Desk()
    player = desk.play()
    player.block(256)

    def broken(frames):
        raise ZeroDivisionError("of ours")

    desk.session.render = broken
    assert not player.block(256).mix.any() and "of ours" in player.failed
    assert not player.block(256).mix.any()
    assert desk.board.read().blocks == 2, "the one that is under way is not counted yet"


def test_what_cannot_be_asked_is_told_and_the_music_goes_on():
    desk = Desk()
    player = desk.play()
    desk.ask("request", "no_such_control", 1.0)
    desk.ask("feed", "no such channel", 1.0)
    desk.ask("render", 1000)
    player.block(256)
    told = desk.told("refused")
    assert len(told) == 2 and "no_such_control" in told[0]
    assert not player.failed and desk.session.position == 256


def test_what_is_asked_together_is_done_in_one_block():
    desk, lines = Desk(), []
    desk.session.tell_to(lines.append)
    player = desk.play()
    far = FarSession((desk.board, desk.inbox, desk.outbox), desk.session.preset, RATE)
    with far.together():
        far.request("space", 0.9)
        player.block(256)
        far.request("motion", 0.9)
        player.block(256)
    far.request("articulation", 0.9)
    player.block(256)
    asked = [line for line in lines if line["type"] == "commit" and line["by"] == "hand"]
    assert [line["control"] for line in asked] == ["space", "motion", "articulation"]
    assert {line["quantum"] for line in asked} == {512 // 64}


def test_a_panic_waits_for_nothing_that_is_asked_together():
    desk = Desk()
    player = desk.play()
    far = FarSession((desk.board, desk.inbox, desk.outbox), desk.session.preset, RATE)
    with far.together():
        far.request("space", 0.9)
        far.panic()
        player.block(256)
        assert desk.session.panicked


def test_a_block_listens_to_so_much_and_no_group_is_torn_apart():
    desk, lines = Desk(), []
    desk.session.tell_to(lines.append)
    player = desk.play()
    far = FarSession((desk.board, desk.inbox, desk.outbox), desk.session.preset, RATE)

    def ask(count):
        for number in range(count):
            far.request("space", number / 1000)

    ask(HEARD_A_BLOCK - 1)
    for count in (10, MOST_TOGETHER, 1):
        with far.together():
            ask(count)
    heard = []
    for _ in range(4):
        before = len(lines)
        player.block(256)
        heard.append(sum(line["type"] == "commit" and line["by"] == "hand" for line in lines[before:]))
    assert heard == [HEARD_A_BLOCK - 1 + 10, MOST_TOGETHER, 1, 0]


def test_what_is_too_much_to_be_asked_together_is_told():
    desk = Desk()
    small = Ring(memoryview(bytearray(DATA + 200)))
    far = FarSession((desk.board, small, desk.outbox), desk.session.preset, RATE)
    with far.together():
        for _ in range(20):
            far.request("space", 0.5)
            far.release("space")
    assert list(far.words) == ["request, release was not taken: the live process has not answered for a while"]


def test_it_comes_in_over_three_seconds_after_a_gap():
    desk = Desk()
    player, plain_session = desk.play(), Session("settle", seed=2, minutes=3)
    for _ in range(400):
        player.block(1024)
    plain_session.render(400 * 1024)
    player.fade_in()
    blocks = round((FADE_IN_S + 0.5) * RATE / 1024)
    heard = np.concatenate([player.block(1024).mix for _ in range(blocks)])
    wanted = plain_session.render(blocks * 1024)
    clear = np.abs(wanted[:, 0]) > 1e-3
    gain = heard[clear, 0] / wanted[clear, 0]
    place = np.flatnonzero(clear) / RATE / FADE_IN_S
    assert gain == pytest.approx(0.5 - 0.5 * np.cos(np.pi * np.minimum(place, 1.0)), abs=1e-4)


def test_notes_and_clock_go_out_on_their_frames_and_are_let_go_at_a_panic():
    desk = Desk()
    player = desk.play(notes=NotesOut("mpe", desk.session.engine.stems, RATE), clock=ClockOut(RATE))
    player.sends_midi = True
    sent = []
    for block in range(12 * RATE // 256):
        player.block(256)
        now = player.midi(256)
        assert all(0 <= offset < 256 for offset, _ in now)
        sent += [(block * 256 + offset, data) for offset, data in now]
    ticks = [frame for frame, data in sent if data == b"\xf8"]
    beats = np.diff(ticks[::24])
    assert len(ticks) > 24 * 10 and np.ptp(beats) <= 0.02 * beats.mean()
    assert ticks[0] == desk.session.latency_frames, "as late as the sound"
    on = [data for _, data in sent if data[0] & 0xF0 == 0x90 and data[2]]
    assert on
    desk.ask("panic")
    player.block(256)
    player.block(256)
    ends = [data for _, data in player.midi(256)]
    assert b"\xfc" in ends and any(data[0] & 0xF0 in (0x80, 0xB0) for data in ends)
    player.block(256)
    assert player.midi(256) == []


def test_where_the_device_has_no_midi_it_is_told_to_be_sent():
    desk = Desk()
    player = desk.play(clock=ClockOut(RATE))
    for _ in range(400):
        player.block(256)
    sent = [data for messages in desk.told("send") for data in messages]
    assert sent[0] == b"\xfa" and sent.count(b"\xf8") > 24


def test_what_came_in_is_told_with_its_session_time():
    desk = Desk()
    player = desk.play()
    player.block(256)
    player.block(256, [(10, b"\x90\x40\x40")])
    ((t_s, message),) = desk.told("midi")[0]
    assert t_s == pytest.approx(266 / RATE) and message == b"\x90\x40\x40"


def test_quantiles_of_what_blocks_cost():
    meter = Meter(RATE)
    meter.blocks, meter.worst_us = 1000, 3000.0
    meter._counts[5], meter._counts[50] = 990, 10
    assert meter.quantile_us(0.5) == 6 * BIN_US and meter.quantile_us(0.99) == 6 * BIN_US
    assert meter.quantile_us(0.999) == 51 * BIN_US
