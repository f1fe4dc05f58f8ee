"""What every device has in common."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Protocol

ELSEWHERE = "give another --device (`synth devices` lists them), or --device null to go on without sound"


class DeviceError(OSError):
    """A device that cannot be had; the message says what is wrong and what to do."""


class Device(Protocol):
    """A device that has been opened: from `start` to `close` it calls `Player.block` for each block it wants.

    `latency_frames`: from there to the loudspeaker, as far as it tells. `lost` is set when it goes away by itself.
    """

    sample_rate: int
    latency_frames: int
    lost: threading.Event

    @property
    def xruns(self) -> int:
        """Blocks that came too late, as the device counts them."""

    def start(self) -> None:
        """Begin to play."""

    def close(self) -> None:
        """Let go of it; closing twice does nothing."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing on stderr, not even from C: sound libraries chatter there about what they tried."""
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(null)
        os.close(saved)
