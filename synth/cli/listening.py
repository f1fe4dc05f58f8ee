"""What is heard of a live source and believed of it, second by second from its first packet on."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from itertools import groupby

import numpy as np

from synth.cli.estimate import Tally
from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.clock import Timeline
from synth.wearables.json_lines import merged
from synth.wearables.live import has_ended
from synth.wearables.log_lines import as_logged, lines_of
from synth.wearables.packet import Live, Packet
from synth.wearables.samples import Samples

WINDOW_S = 10
USED = 0.5  # quality from which a sample is used
MOST_METERS = 64


class Meter:
    """How well one channel of a device has been heard in the last ten seconds, and what it said last."""

    def __init__(self) -> None:
        self.samples = self.used = 0  # of the whole session
        self.last_s = -math.inf  # time of the newest sample
        self.value = math.nan  # of the newest that is a number
        self._seconds: deque[tuple[int, int]] = deque(maxlen=WINDOW_S)  # samples and used ones, the latest last

    def second(self) -> None:
        """A second begins."""
        self._seconds.append((0, 0))

    def add(self, run: Samples) -> None:
        """Samples heard in this second."""
        used = int(np.count_nonzero(run.quality >= USED))
        samples_before, used_before = self._seconds[-1]
        self._seconds[-1] = (samples_before + len(run), used_before + used)
        self.samples += len(run)
        self.used += used
        self.last_s = max(self.last_s, float(run.t_s.max()))
        finite = np.flatnonzero(np.isfinite(run.value))
        if finite.size:
            self.value = float(run.value[finite[-1]])

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return sum(samples for samples, _ in self._seconds) / max(len(self._seconds), 1)

    @property
    def good(self) -> float | None:
        """Share of samples good enough to be used, 0..1; None when none came."""
        samples = sum(samples for samples, _ in self._seconds)
        return sum(used for _, used in self._seconds) / samples if samples else None


class Listening:
    """Takes packets of `live` to meters and estimator a second at a time, exactly as a log of them would be read.

    `write` is called with the lines of that log, each with its newline.
    """

    def __init__(self, live: Live, write: Callable[[str], object] | None = None) -> None:
        self.live = live
        self.state: State | None = None
        self.seconds = 0
        self.lines = 0
        self.meters: dict[tuple[str, str], Meter] = {}  # by channel and device
        self.tally = Tally()
        self._write = write
        self._zero_s: float | None = None
        self._waiting: deque[Packet] = deque()
        self._timeline = Timeline()
        self._estimator = Estimator()

    @property
    def next_s(self) -> float | None:
        """When the next second is over, by the source's clock; None before the first packet."""
        return None if self._zero_s is None else self._zero_s + self.seconds + 1.0

    @property
    def repairs(self) -> dict[str, int]:
        """What had to be mended or set aside, in words, with how often it was counted."""
        counted = dict(self.live.repairs)
        return counted | dict.fromkeys((*self._timeline.repairs, *self._estimator.repairs), 1)

    @property
    def hurried(self) -> bool:
        """Whether a stream that has ended came with leaps of its clock, as a recording does that is sent at once."""
        return has_ended(self.live) and bool(self._timeline.repairs)

    def hear(self) -> None:
        """Take what has come, and log it."""
        for packet in self.live.packets():
            zero_s = packet.received_s if self._zero_s is None else self._zero_s
            logged = as_logged(packet, zero_s)
            lines = list(lines_of(logged))
            if not lines:
                continue
            self._zero_s = zero_s
            self._waiting.append(logged)
            self.lines += len(lines)
            if self._write is not None:
                self._write("".join(f"{line}\n" for line in lines))

    def tick(self) -> State:
        """What is believed at the end of the next second."""
        self.seconds += 1
        for meter in self.meters.values():
            meter.second()
        due = []
        while self._waiting and self._waiting[0].received_s < self.seconds:
            due.append(self._waiting.popleft())
        for (received_s, device), packets in groupby(due, lambda packet: (packet.received_s, packet.device)):
            together = merged(run for packet in packets for run in packet.samples)
            for run in self._timeline.place(Packet(device, received_s, together)):
                self._estimator.feed(run)
                self._measure(device, run)
        self.state = self.tally.add(self._estimator.tick(float(self.seconds)))
        return self.state

    def finish(self) -> None:
        """Take what came last, the second under way with it."""
        self.hear()
        while self._waiting:
            self.tick()

    def _measure(self, device: str, run: Samples) -> None:
        key = (run.channel, device)
        if key not in self.meters:
            if len(self.meters) >= MOST_METERS:
                return
            self.meters[key] = Meter()
            self.meters[key].second()
        self.meters[key].add(run)
