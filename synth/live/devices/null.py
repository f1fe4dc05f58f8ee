"""No device: blocks are asked for at their time and go nowhere. For tests, and while a lost device is sought."""

from __future__ import annotations

import threading
import time

from synth.live.player import Player
from synth.live.setup import Setup


class NullDevice:
    """Asks for a block each time the one before would have been played."""

    latency_frames = 0

    def __init__(self, setup: Setup, player: Player, sample_rate: int | None = None) -> None:
        self.sample_rate = sample_rate or setup.sample_rate
        self.lost = threading.Event()
        self.xruns = 0
        self._frames, self._player = setup.frames, player
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="null device", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        lasts_s = self._frames / self.sample_rate
        due_s = time.monotonic()
        while not self._over.is_set():
            self._player.block(self._frames)
            due_s += lasts_s
            late_s = time.monotonic() - due_s
            if late_s < 0.0:
                time.sleep(-late_s)
            elif late_s > lasts_s:  # what a device with one block in store would have missed
                self.xruns += 1
                due_s += late_s
