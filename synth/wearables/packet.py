"""What live devices and logs hand over: samples in packets, and the mailbox in which they wait for the session."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from synth.wearables.samples import Samples
from synth.wearables.tally import within

MAILBOX_PACKETS = 4096


class SourceError(ValueError):
    """A live source that cannot be had; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Samples that one device handed over at once, at `received_s` of the session.

    Their times are the device's own clock's, from whatever start; with `timed` False the device has none to tell
    and they are when the samples were received.
    """

    device: str
    received_s: float
    samples: tuple[Samples, ...]
    timed: bool = True


class Live(Protocol):
    """A live source: connects when entered, lets go when left, and hands over what came without ever blocking."""

    def __enter__(self) -> Self:
        """Connect, or begin to try."""

    def __exit__(self, *raised: object) -> None:
        """Let go of the device."""

    def packets(self) -> list[Packet]:
        """What came since the last call, in order of arrival; never blocks, never raises."""

    @property
    def status(self) -> str:
        """How the connection stands, in a few words."""

    @property
    def repairs(self) -> dict[str, int]:
        """What had to be mended or left out up to now, in words, with how often."""


Clock = Callable[[], float]
"""Seconds of the session, asked when a packet comes."""


class Mailbox:
    """Packets between a source's thread and the session's; the oldest are lost when nobody reads, and counted."""

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque(maxlen=MAILBOX_PACKETS)
        self._lock = threading.Lock()
        self.repairs: dict[str, int] = {}

    def put(self, packet: Packet) -> None:
        """Leave a packet."""
        with self._lock:
            if len(self._packets) == MAILBOX_PACKETS:
                self._count("packets lost as nobody took them")
            self._packets.append(packet)

    def repair(self, what: str) -> None:
        """Count something mended or left out, `what` in words."""
        with self._lock:
            self._count(what)

    def take(self) -> list[Packet]:
        """All packets that wait, oldest first."""
        with self._lock:
            packets = list(self._packets)
            self._packets.clear()
        return packets

    def _count(self, what: str) -> None:
        what = within(self.repairs, what)
        self.repairs[what] = self.repairs.get(what, 0) + 1


class Posted:
    """What live sources share that put packets into a mailbox from a thread of their own."""

    _mailbox: Mailbox
    _status: str

    def packets(self) -> list[Packet]:
        """What came since the last call, in order of arrival."""
        return self._mailbox.take()

    @property
    def status(self) -> str:
        """How the connection stands, in a few words."""
        return self._status

    @property
    def repairs(self) -> dict[str, int]:
        """What had to be mended or left out up to now, in words, with how often."""
        return dict(self._mailbox.repairs)
