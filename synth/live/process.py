"""The live process: renders for its device and nothing else; no server, decoder or console lives in it.

It takes its setup from standard input, which stays open as long as the one who started it lives. When the device goes
away the music is composed on without it, and comes back with a fade when the device does.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import select
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from synth.lazily import without_linear_algebra
from synth.live.board import BYTES, Board
from synth.live.devices import Device, DeviceError, open_device
from synth.live.devices.null import NullDevice
from synth.live.player import Player
from synth.live.ring import Ring, Shared
from synth.live.setup import Setup
from synth.preset import Preset
from synth.session import Session
from synth.session.warm import warm_up

IN_BYTES, OUT_BYTES = 1 << 20, 1 << 23
SIZE = BYTES + (-BYTES % 64) + IN_BYTES + OUT_BYTES
LOOK_S = 0.05
STALLED_S = 2.0  # without a block asked for, a device is lost
AGAIN_S = 2.0  # between attempts to have it back
MCL_CURRENT, MCL_FUTURE = 1, 2  # sys/mman.h
NICE = -11  # what desktops grant to programs that play; threads of the device are the device's to raise
SWITCH_S = 0.0005  # another thread gives the interpreter back to the device's after so long at most


def parts(memory: memoryview) -> tuple[Board, Ring, Ring]:
    """Board, ring in and ring out of the shared memory."""
    first = BYTES + (-BYTES % 64)
    return Board(memory[:BYTES]), Ring(memory[first : first + IN_BYTES]), Ring(memory[first + IN_BYTES :])


class Live:
    """A player, its device, and what happens when either ends."""

    def __init__(self, setup: Setup, memory: memoryview) -> None:
        self.setup = setup
        self.board, inbox, outbox = parts(memory)
        self.player = Player(inbox, outbox, self.board)
        self.player.on_word = self._on_word
        self.player.sends_midi = setup.device == "jack"
        self.session: Session | None = None
        self._device: Device | None = None
        self._wanted = True  # whether the device in use is the one that was asked for
        self._next: tuple[Preset, dict[str, Any]] | None = None
        self._again_s = 0.0
        self._over = self._alone = False

    def run(self) -> int:
        """Play until the session is over, or nobody is left who started it."""
        self._device = open_device(self.setup, self.player)
        self._make(self.setup.preset, dict(self.setup.session), begun=not self.setup.wait)
        self._device.start()
        self.player.tell("ready", {"sample_rate": self._device.sample_rate, "latency_frames": self._latency()})
        while not self._over:
            self._watch()
        self._device.close()
        if self.session is not None:
            self.session.close("failed" if self.player.failed else "finished" if self.session.finished else "ended")
        if self.player.failed:
            self.player.tell("failed", f"a fault in isotone itself\n{self.player.failed}")
        self.player.tell("over", None)
        return 1 if self.player.failed else 0

    def stop(self) -> None:
        """Fade out and finish."""
        if self.session is not None:
            self.session.stop()

    def _make(self, preset: Preset, asked: dict[str, Any], begun: bool) -> None:
        """A session of `preset`, with all that it needs at hand before it is played."""
        assert self._device is not None
        rate = self._device.sample_rate
        with without_linear_algebra():
            self.session = Session(
                preset,
                sample_rate=rate,
                record=lambda line: self.player.tell("line", line),
                stems=self.setup.device == "jack",
                keep_score=False,
                **asked,
            )
            warm_up(preset, rate)
        gc.collect()
        gc.freeze()  # what is there by now is there to stay
        gc.enable()
        notes = clock = None
        if self.setup.notes_out:
            from synth.live.notes import NotesOut

            notes = NotesOut(self.setup.notes_out, self.session.engine.stems, rate)
        if self.setup.clock_out:
            from synth.live.clock_out import ClockOut

            clock = ClockOut(rate)
        self.player.take(self.session, begun=begun, notes=notes, clock=clock)

    def _watch(self) -> None:
        """One look at how things stand."""
        assert self._device is not None
        if self._alone:
            time.sleep(LOOK_S)
            self._over = self.session is None or self.session.finished
        elif select.select([sys.stdin], [], [], LOOK_S)[0]:  # whoever started this is no more
            self._alone = True
            self.stop()
        self.board.set("xruns", self._device.xruns)
        self.board.set("connected", float(self._wanted))
        for name, share in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
            self.board.set(name, self.player.meter.quantile_us(share))
        self.board.set("latency_frames", self._latency())
        if self.player.failed:
            self._over = True
        elif self._next is not None:
            self._change()
        elif self.player.finished:
            self._over = True
        if self._wanted and self.setup.device != "null":
            if self._device.lost.is_set() or time.monotonic() - self.player.asked_s > STALLED_S:
                self._lose()
        elif not self._wanted and time.monotonic() >= self._again_s:
            self._find()

    def _latency(self) -> int:
        assert self._device is not None
        return self._device.latency_frames + (self.session.latency_frames if self.session else 0)

    def _lose(self) -> None:
        """Go on without the device."""
        assert self._device is not None
        self.player.tell("device", f"{self.setup.device} went away: the music goes on unheard until it is back")
        with suppress(Exception):
            self._device.close()
        self._wanted = False
        self._device = NullDevice(self.setup, self.player, self._device.sample_rate)
        self._device.start()
        self._again_s = time.monotonic() + AGAIN_S

    def _find(self) -> None:
        """Have the device back, if it can be had."""
        assert self._device is not None
        self._again_s = time.monotonic() + AGAIN_S
        try:
            device = open_device(self.setup, self.player)
        except DeviceError:
            return
        if device.sample_rate != self._device.sample_rate:
            rates = f"{device.sample_rate} Hz, not {self._device.sample_rate}"
            self.player.tell("device", f"{self.setup.device} is back with {rates}: set it to that again")
            device.close()
            return
        self._device.close()
        self.player.fade_in()
        self._device, self._wanted = device, True
        device.start()
        self.player.tell("device", f"{self.setup.device} is back")

    def _on_word(self, word: str, args: tuple[Any, ...]) -> None:
        if word == "change":
            self._next = args[0], args[1]
            self.stop()
        elif word == "quit":
            self._over = True

    def _change(self) -> None:
        """Begin the session that is wanted next, when the one before has faded out."""
        assert self._next is not None and self.session is not None
        if not (self.session.finished or self.session.panicked):
            return
        (preset, asked), self._next = self._next, None
        self.session.close("changed")
        try:
            self._make(preset, asked, begun=True)
        except ValueError as error:
            self.player.tell("refused", str(error))
            self._over = True


def _stay_in_memory() -> None:
    """Keep the system from taking pages away that are not used for a while; what it does not allow is done without."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE)


def _come_first() -> None:
    """Run before what can wait, where the system allows it: while any thread here holds the interpreter, the device's
    thread waits for it."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def main() -> int:
    """Run with the setup on standard input."""
    _stay_in_memory()
    _come_first()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    sys.setswitchinterval(SWITCH_S)
    size = int.from_bytes(sys.stdin.buffer.read(8), "little")
    path, setup = pickle.loads(sys.stdin.buffer.read(size))
    live = Live(setup, Shared(SIZE, Path(path)).memory)
    signal.signal(signal.SIGTERM, lambda *_: live.stop())
    try:
        code = live.run()
    except Exception as error:
        ours = isinstance(error, DeviceError) or type(error).__module__.startswith("synth.")
        live.player.tell("failed" if not ours else "refused", str(error) if ours else traceback.format_exc())
        live.player.tell("over", None)
        code = 2
    live.player.drain()
    return code
