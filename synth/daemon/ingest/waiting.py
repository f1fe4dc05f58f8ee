"""What was taken for one session: what waits, and what was handed over but is in no record yet.

A session takes samples up once a second and then writes them into its record, so what was handed over may still be
lost with the worker that plays it. It is kept until its line of the record is seen, and KEEP_S longer.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

KEEP_S = 5.0  # of session time, after it was taken up
LOOK = 256  # packets that are looked through for what a line tells; they are taken up in order, but for other sources
MOST_DEVICES = 64  # with clocks of their own; each is followed by the session


def size(packet: Packet) -> int:
    """Samples in it."""
    return sum(map(len, packet.samples))


def sent_bytes(packet: Packet) -> int:
    """About how many it takes to send it: three doubles a sample, and what Python's pickle puts around them."""
    return 250 + 350 * len(packet.samples) + 24 * size(packet)


@dataclass(slots=True)
class Handed:
    """A packet that the session has. `left` are its runs that no line of the record told of yet; `tick_s` is the second
    at which it was taken up."""

    packet: Packet
    left: list[Samples]
    tick_s: float | None = None


@dataclass(slots=True)
class Waiting:
    """A session's packets in order. `samples` is how many wait."""

    queue: deque[Packet] = field(default_factory=deque)
    handed: deque[Handed] = field(default_factory=deque)
    devices: set[str] = field(default_factory=set)
    samples: int = 0
    held: int = 0  # samples of what was handed over

    def put(self, packets: Iterable[Packet]) -> None:
        """Take them, last."""
        for packet in packets:
            self.queue.append(packet)
            self.samples += size(packet)

    def handed_over(self, most: int) -> None:
        """The first was handed over; of those that were, no more than `most` samples are kept."""
        packet = self.queue.popleft()
        self.samples -= size(packet)
        self.keep(packet, most)

    def keep(self, packet: Packet, most: int) -> None:
        """Keep what the session has been given."""
        self.handed.append(Handed(packet, list(packet.samples)))
        self.held += size(packet)
        while self.held > most and len(self.handed) > 1:
            self._forget_oldest()

    def drop(self) -> int:
        """Wait for nothing more; how many samples did."""
        count, self.samples = self.samples, 0
        self.queue.clear()
        return count

    def taken_up(self, line: Mapping[str, Any]) -> None:
        """A line of type "samples" of the session's record."""
        values, channel, tick_s = line["value"], line["channel"], float(line["tick_s"])
        for handed in itertools.islice((one for one in self.handed if one.left), LOOK):
            for run in handed.left:
                if run.channel == channel and len(run) == len(values) and run.value.tolist() == list(values):
                    handed.left = [other for other in handed.left if other is not run]
                    handed.tick_s = None if handed.left else tick_s
                    self._forget(tick_s)
                    return

    def since(self, t_s: float) -> list[Packet]:
        """What was handed over and is not in the record up to the second `t_s`, oldest first."""
        return [one.packet for one in self.handed if one.tick_s is None or one.tick_s > t_s]

    def again(self) -> None:
        """What is in no record yet waits once more, before what came later."""
        lost = [one for one in self.handed if one.left]
        self.handed = deque(one for one in self.handed if not one.left)
        self.held = sum(size(one.packet) for one in self.handed)
        for one in reversed(lost):
            packet = replace(one.packet, samples=tuple(one.left))
            self.queue.appendleft(packet)
            self.samples += size(packet)

    @property
    def unsettled(self) -> list[Packet]:
        """What no line of the record told of yet."""
        return [*(one.packet for one in self.handed if one.tick_s is None), *self.queue]

    def _forget(self, tick_s: float) -> None:
        while self.handed and (at_s := self.handed[0].tick_s) is not None and at_s < tick_s - KEEP_S:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self.held -= size(self.handed.popleft().packet)
