"""A worker: plays many sessions in one process, each block a block ahead of its play time, the most urgent first.

One thread renders. Sessions are made, or taken up again, in another, and put away in the time that is left. As every
session has blocks of the same length, the one whose block begins first is the one whose block must be there first
(Liu and Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", 1973: earliest deadline
first meets all deadlines while there is time for all).
"""

from __future__ import annotations

import gc
import heapq
import math
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import BinaryIO

from synth.daemon.stage.part import Part, WorkerSetup, messages
from synth.daemon.stage.seat import Seat
from synth.daemon.stage.worker_board import WorkerBoard
from synth.preset import load_preset, preset_names
from synth.session.warm import warm_up

LOOK_S = 0.005  # the longest sleep
SLOTS = 4
# What can wait takes some 10 ms. It is done where so long nothing is due, or where there is time enough to make up for
# it before any block is late; and once it is so many times as late as usual, it waits no longer.
CHORE_S, CALM, OVERDUE = 0.02, 0.7, 2.0
GARBAGE_S = 10.0
LOAD_S = 1.0
FADE_S = 30.0  # by then every session has faded out
SWITCH_S = 0.0005
NICE = -5  # before the API process, where the system allows it


class Worker:
    """Plays what it is told to, until `over`."""

    def __init__(self, setup: WorkerSetup, pipe: BinaryIO) -> None:
        self._setup, self._pipe = setup, pipe
        self._board = WorkerBoard(setup.board)
        self._block_s = setup.block_frames / setup.sample_rate
        self._arriving: queue.SimpleQueue[Seat] = queue.SimpleQueue()
        self._away: queue.SimpleQueue[tuple[Seat, bytes]] = queue.SimpleQueue()
        self._due: list[tuple[float, int, Seat]] = []
        self._leaving: list[Seat] = []
        self._count = 0
        self._garbage_s = time.monotonic() + GARBAGE_S
        self._busy_s, self._load_s = 0.0, time.monotonic()
        self._until_s: float | None = None  # the last sessions have ended by then
        self._fading = threading.Event()
        self.over = False

    def listen(self) -> None:
        """Do as the API process says until it is gone; in a thread of its own."""
        for word, *said in messages(self._pipe):
            if word == "play":
                self._make(said[0])
            elif word == "warm":
                self._warm()
            elif word == "fade":
                self._fading.set()
        self.over = True

    def _make(self, part: Part) -> None:
        try:
            self._arriving.put(Seat(part, self._setup))
        except OSError:  # its memory is gone: whoever asked waits for it no more
            traceback.print_exc()

    def _warm(self) -> None:
        """Load or compile all that any preset will call."""
        for name in preset_names():
            warm_up(load_preset(name), self._setup.sample_rate)
        gc.collect()
        self._board["ready"] = 1.0

    def outlive(self) -> None:
        """End when the API process is gone, whatever else goes on; in a thread of its own."""
        parent = parent_process()
        if parent is not None:
            parent.join()
            self.over = True

    def keep(self) -> None:
        """Write away what was put away; in a thread of its own."""
        while True:
            seat, data = self._away.get()
            with suppress(OSError):  # a full disk: the record waits too, and says so
                seat.write_away(data)

    def run(self) -> None:
        """Render until it is over."""
        while not self.over:
            now = self._board["beat_s"] = time.monotonic()
            self._count_load(now)
            self._welcome(now)
            self._leaving = [seat for seat in self._leaving if not seat.left]
            if self._fading.is_set() and self._faded(now):
                return
            wait_s = self._due[0][0] - now if self._due else LOOK_S
            if wait_s > 0.0:
                self._rest(now, wait_s)
            else:
                self._play(self._due[0][2])
                self._busy_s += time.monotonic() - now

    def _welcome(self, now: float) -> None:
        """Take in sessions that were made, where in a block's time fewest others begin."""
        while not self._arriving.empty():
            seat = self._arriving.get()
            if not seat.playing:
                self._leaving.append(seat)
                continue
            self._count += 1
            seat.begin(self._slot(now))
            seat.put_away_s = now
            heapq.heappush(self._due, (seat.start_s, self._count, seat))
            if self._fading.is_set():
                seat.stop()
            self._board["sessions"] = len(self._due)

    def _slot(self, now: float) -> float:
        """The next of SLOTS times in a block's time, the one at which the fewest others begin: sessions that begin
        together are rendered in one go, as each waking costs time of its own."""
        step_s = self._block_s / SLOTS
        counts = Counter(round(start_s / step_s) % SLOTS for start_s, _, _ in self._due)
        first = math.ceil(now / step_s)
        return min(range(first, first + SLOTS), key=lambda slot: (counts[slot % SLOTS], slot)) * step_s

    def _play(self, seat: Seat) -> None:
        late, slipped = seat.block()
        self._board["blocks"] += 1
        self._board["late"] += late
        self._board["slips"] += slipped
        if seat.playing:
            self._count += 1
            heapq.heapreplace(self._due, (seat.start_s, self._count, seat))
        else:
            heapq.heappop(self._due)
            self._leaving.append(seat)
            self._board["sessions"] = len(self._due)

    def _rest(self, now: float, wait_s: float) -> None:
        """Until the next block: what can wait, or sleep."""
        every_s = self._setup.put_away_every_s
        seat = min((seat for _, _, seat in self._due), key=lambda seat: seat.put_away_s, default=None)
        calm = wait_s > CHORE_S or self._board["load"] < CALM
        if seat is not None and now >= seat.put_away_s:
            if calm or now > seat.put_away_s + OVERDUE * every_s:
                if (data := seat.put_away()) is not None:
                    self._away.put((seat, data))
                    self._board["put_away"] += 1
                    seat.put_away_s = now + every_s
                    self._told_chore(now)
                    return
        elif now >= self._garbage_s and (calm or now > self._garbage_s + OVERDUE * GARBAGE_S):
            gc.collect()
            self._garbage_s = now + GARBAGE_S
            self._told_chore(now)
            return
        time.sleep(min(wait_s, LOOK_S))

    def _told_chore(self, began_s: float) -> None:
        self._busy_s += time.monotonic() - began_s

    def _count_load(self, now: float) -> None:
        if now - self._load_s >= LOAD_S:
            self._board["load"] = self._busy_s / (now - self._load_s)
            self._busy_s, self._load_s = 0.0, now

    def _faded(self, now: float) -> bool:
        """Whether all are silent, once they are to be."""
        if self._until_s is None:
            self._until_s = now + FADE_S
            for _, _, seat in self._due:
                seat.stop()
        return (not self._due and not self._leaving) or now > self._until_s


def main(setup: WorkerSetup, orders: Connection) -> None:
    """Work as `orders` say, until there are no more; what goes wrong is written to the file `setup.errors`."""
    errors = os.open(setup.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(errors, number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ends come from the API process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    sys.setswitchinterval(SWITCH_S)
    gc.disable()  # it is collected in time that is left
    worker = Worker(setup, open(orders.fileno(), "rb", closefd=False))
    for work in (worker.listen, worker.keep, worker.outlive):
        threading.Thread(target=_or_end, args=(work, worker), daemon=True).start()
    worker.run()
    sys.stderr.flush()
    os._exit(0)  # its threads wait for what never comes


def _or_end(work: object, worker: Worker) -> None:
    try:
        work()  # type: ignore[operator]
    except Exception:
        traceback.print_exc()
        worker.over = True
