"""The ring between two processes: nothing lost, nothing out of order, never waiting; and the board beside it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.live.board import BYTES, Board
from synth.live.ring import DATA, LENGTH, Ring, Shared
from synth.session.pulse import Pulse


@given(st.lists(st.one_of(st.binary(max_size=40), st.none()), max_size=80))
def test_what_goes_in_comes_out_in_its_order(steps):
    """A message goes in, or with None all that wait are taken; against a list."""
    ring, waiting, taken, wanted = Ring(memoryview(bytearray(DATA + 100))), [], [], []
    for step in steps:
        if step is None:
            taken += ring.take()
            wanted += waiting
            waiting = []
            continue
        room = 100 - sum(LENGTH + len(message) for message in waiting)
        fits = LENGTH + len(step) <= room
        assert ring.put(step) is fits
        waiting += [step] if fits else []
    assert taken + ring.take(100) == wanted + waiting


def test_as_many_are_taken_as_are_asked_for():
    ring = Ring(memoryview(bytearray(DATA + 100)))
    for message in (b"a", b"b", b"c"):
        ring.put(message)
    assert ring.take(2) == [b"a", b"b"] and ring.take(2) == [b"c"] and ring.take(2) == []


def test_several_threads_may_write():
    ring = Ring(memoryview(bytearray(DATA + (1 << 20))))
    threads = [
        threading.Thread(target=lambda k=k: [ring.put(bytes([k]) * (i % 50)) for i in range(2000)]) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = ring.take(10_000)
    assert len(taken) == 8000
    for k in range(4):
        lengths = [len(message) for message in taken if message and message[0] == k]
        assert lengths == [i % 50 for i in range(2000) if i % 50]


WRITER = """
import sys
from pathlib import Path
from synth.live.ring import Ring, Shared
ring = Ring(Shared({size}, Path({path!r})).memory)
for i in range({count}):
    while not ring.put(i.to_bytes(4, "little") * (i % 30 + 1)):
        pass
"""


def test_another_process_writes_while_this_one_reads():
    """A ring far smaller than what passes through it."""
    size, count = DATA + 1000, 20_000
    with Shared(size) as shared:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(size=size, path=str(shared.path), count=count)], stderr=subprocess.PIPE
        )
        ring, seen = Ring(shared.memory), 0
        while seen < count:
            messages = ring.take()
            assert messages or writer.poll() in (None, 0)
            for message in messages:
                assert message == seen.to_bytes(4, "little") * (seen % 30 + 1)
                seen += 1
        assert writer.wait(10) == 0
        writer.stderr.close()
    assert not shared.path.exists(), "nothing stays on the disk"


def test_the_board_shows_what_was_set_and_only_then():
    board = Board(memoryview(bytearray(BYTES)))
    pulse = Pulse(7, 3.5, 0.8, 3, 4, 2, 1)
    board.set("frames", 4800.0)
    board.set("sample_rate", 48_000.0)
    board.set_pulse(pulse)
    board.controls[:] = 0.25
    assert board.read().frames == 0.0
    board.show()
    seen = board.read()
    assert seen.frames == 4800.0 and seen.time_s == pytest.approx(0.1)
    assert seen.pulse == pulse and set(seen.controls.values()) == {0.25}
    with pytest.raises(AttributeError):
        _ = seen.nothing


def test_no_reader_sees_half_a_change():
    memory = memoryview(bytearray(BYTES))
    writer, reader, over = Board(memory), Board(memory), threading.Event()

    def write() -> None:
        value = 0.0
        while not over.is_set():
            value += 1.0
            writer.now[:] = value
            writer.show()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(20_000):
            seen = reader.read()
            assert set(seen.controls.values()) == {seen.frames}
    finally:
        over.set()
        thread.join()
