"""MIDI clock out: every tick once, on its frame, whatever the blocks; and through a real JACK server."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth import Session
from synth.live.clock_out import CONTINUE, START, STOP, TICK, ClockOut, Sent, song_position
from synth.session.pulse import Pulse

RATE = 48_000


def beats_of(lengths_us: list[int]) -> list[Pulse]:
    starts = np.concatenate(([0], np.cumsum(lengths_us)[:-1]))
    return [
        Pulse(i, int(start) / 1e6, length / 1e6, i % 4, 4, 0, 0)
        for i, (start, length) in enumerate(zip(starts, lengths_us, strict=True))
    ]


def sounding(beats: list[Pulse], end_frame: int, rate: int) -> Pulse:
    """The beat that sounds just before a frame, as the transport tells it."""
    return [beat for beat in beats if round(beat.start_s * 1e6) * rate // 1_000_000 < end_frame][-1]


def taken(clock: ClockOut, beats: list[Pulse], ends: list[int], rate: int = RATE) -> list[Sent]:
    return [sent for end in ends for sent in clock.take(sounding(beats, end, rate), end)]


@given(
    st.lists(st.integers(428_571, 1_363_636), min_size=2, max_size=8),
    st.lists(st.sampled_from([64, 128, 192, 256, 1024, 4096]), min_size=1, max_size=20),
    st.sampled_from([22_050, 44_100, 48_000, 96_000]),
    st.integers(0, 5000),
)
def test_every_tick_goes_out_once_within_a_frame_of_its_time(
    lengths_us: list[int], blocks: list[int], rate: int, latency: int
) -> None:
    """Whatever the tempo of each beat, the sizes of blocks, the rate and the latency."""
    beats = beats_of(lengths_us)
    total = sum(lengths_us) * rate // 1_000_000
    ends, end, i = [], 0, 0
    while end < total:
        end = min(end + blocks[i % len(blocks)], total)
        i += 1
        ends.append(end)
    sent = taken(ClockOut(rate, latency), beats, ends, rate)
    assert sent[0] == (latency, START) and all(data == TICK for _, data in sent[1:])
    true = [
        (Fraction(sum(lengths_us[:i])) + Fraction(tick * length, 24)) * rate / 1_000_000 + latency
        for i, length in enumerate(lengths_us)
        for tick in range(24)
    ]
    frames = [frame for frame, _ in sent[1:]]
    assert len(frames) == len([t for t in true if t // 1 < total + latency])
    assert all(0 <= t - frame < 1 for t, frame in zip(true, frames, strict=False))


def test_each_block_gets_what_is_its_own() -> None:
    beats, clock, before = beats_of([900_000] * 4), ClockOut(RATE, 300), 0
    for end in range(256, 150_000, 256):
        for frame, _ in clock.take(sounding(beats, end, RATE), end):
            assert before + 300 <= frame < end + 300 or frame == 300
        before = end


def test_it_stands_and_goes_on_with_the_next_beat() -> None:
    beats, clock = beats_of([500_000] * 8), ClockOut(RATE)
    sent = [s for end in range(256, 48_000, 256) for s in clock.take(sounding(beats, end, RATE), end)]
    for end in range(48_128, 90_000, 256):
        sent += clock.take(sounding(beats, end, RATE), end, playing=False)
    for end in range(90_112, 150_000, 256):
        sent += clock.take(sounding(beats, end, RATE), end)
    sent += clock.end()
    said = [s for s in sent if s.data != TICK]
    assert [data for _, data in said] == [START, STOP, song_position(16), CONTINUE, STOP]
    assert said[1].frame == 47_872 and said[2].frame == said[3].frame == 96_000
    ticks = [frame for frame, data in sent if data == TICK]
    assert ticks == [i * 1000 for i in range(len(ticks))]  # through it all
    assert sent.index(said[3]) < sent.index(Sent(96_000, TICK))
    assert [frame for frame, _ in sent] == sorted(frame for frame, _ in sent)
    assert clock.end() == []


def test_a_clock_that_joins_late_says_where_it_is() -> None:
    beats, clock = beats_of([500_000] * 40), ClockOut(RATE)
    sent = clock.take(beats[33], 33 * 24_000 + 64)
    assert sent[:2] == [(792_000, b"\xf2\x04\x01"), (792_000, CONTINUE)]
    assert song_position(0) == song_position(1 << 14) == b"\xf2\x00\x00"


def test_ticks_fall_where_a_sessions_notes_do() -> None:
    """A session's own beats, told after each block, while a hand moves the tempo."""
    session = Session("settle", minutes=5, audio=False, settings={"tempo_bpm": 66.0})
    clock, sent, notes = ClockOut(RATE), [], set()

    def on_block(block: object) -> None:
        end = block.quantum * 64 + block.frames  # type: ignore[attr-defined]
        sent.extend(clock.take(session.pulse, end))
        notes.update(e.frame for events in block.events.values() for e in events if e.kind == 0.0)  # type: ignore[attr-defined]

    session.on_block = on_block
    session.request("tempo_bpm", 75.0)
    for _ in range(60 * RATE // 1000):
        session.render(1000)
    ticks = [frame for frame, data in sent if data == TICK]
    beats = [t.tick for t in session.score.tempos]
    assert len(beats) > 30 and len(ticks) > 66 * 24
    steps = np.diff(ticks)
    assert steps.max() - steps.min() < 0.25 * steps.mean()
    assert np.all(np.abs(np.diff(steps)) <= np.ceil(0.003 * steps.mean()) + 1)  # the tempo's own change, and rounding
    assert len(notes & set(ticks)) > 8


def over_jack(bpm: float) -> tuple[list[tuple[int, bytes]], bool]:
    """Four beats written by one client's MIDI port and read by another's, in the server's own frames; and whether the
    server called for every block."""
    import jack

    beats, clock = beats_of([round(60e6 / bpm)] * 8), ClockOut(RATE, latency_frames=256)
    sender, reader = jack.Client("clock_out"), jack.Client("clock_reader")
    out, into = sender.midi_outports.register("out"), reader.midi_inports.register("in")
    got: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    connected = threading.Event()
    due: list[Sent] = []
    starts: list[int] = []

    @sender.set_process_callback
    def send(frames: int) -> None:
        out.clear_buffer()
        if not connected.is_set():
            return
        starts.append(sender.last_frame_time)
        start = starts[-1] - starts[0]
        due.extend(clock.take(sounding(beats, start + frames, RATE), start + frames))
        while due and due[0].frame < start + frames:
            sent = due.pop(0)
            out.write_midi_event(max(sent.frame - start, 0), sent.data)

    @reader.set_process_callback
    def read(frames: int) -> None:
        for offset, data in into.incoming_midi_events():
            got.put((reader.last_frame_time + offset, bytes(data)))

    with sender, reader:
        sender.connect(out, into)
        connected.set()
        heard = [got.get(timeout=20.0) for _ in range(1 + 4 * 24)]
    return heard, set(np.diff(starts)) == {256}


@pytest.mark.parametrize("bpm", [72.5, 133.0])
def test_through_jack_every_tick_comes_within_a_frame(bpm: float, jack_server: str) -> None:
    for _ in range(5):  # a busy machine may miss a block, and what is late then is not the clock
        heard, whole = over_jack(bpm)
        if whole:
            break
    assert whole
    assert heard[0][1] == START and {data for _, data in heard[1:]} == {TICK}
    ticks = np.array([frame for frame, _ in heard[1:]])
    true = np.arange(ticks.size) * round(60e6 / bpm) * RATE / 24e6
    assert np.max(np.abs(ticks - ticks[0] - true)) < 1.0
