"""From devices' clocks to session time: one offset a device, from its promptest packets, begun anew when it restarts.

A packet cannot come before its samples were taken, so the smallest (received - sensor) over the last minute is
the offset with the least transport delay in it (the minimum filter of NTP, RFC 5905 section 10). Taking it over
a sliding minute follows a crystal that runs fast or slow: at 1000 ppm it is never further off than 60 ms.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

WINDOW_S = 60.0
EARLY_S = 5.0  # a packet this much before its time: the sensor's clock went ahead
LATE_S = 120.0  # a packet this much behind: the clock went back, as a delay so long is rarer than a restart
MOST_DEVICES = 256  # each costs memory; who sends more is not a wearer
FARTHEST_S = 1e11  # 3000 years; no clock tells more in seconds


class SensorClock:
    """Offset of one device's clock; `epoch` counts its restarts."""

    def __init__(self) -> None:
        self.epoch = 0
        self._recent: deque[tuple[float, float]] = deque()  # (received_s, offset_s), offsets rising

    @property
    def offset_s(self) -> float:
        """Session time less sensor time; 0 before any packet."""
        return self._recent[0][1] if self._recent else 0.0

    def hear(self, sensor_s: float, received_s: float) -> float:
        """A packet received at `received_s` whose newest sample is timed `sensor_s`: the offset to take for it."""
        offset = received_s - sensor_s
        if self._recent and not -EARLY_S <= offset - self.offset_s <= LATE_S:
            self._recent.clear()
            self.epoch += 1
        while self._recent and self._recent[-1][1] >= offset:
            self._recent.pop()
        self._recent.append((received_s, offset))
        while len(self._recent) > 1 and self._recent[0][0] < received_s - WINDOW_S:
            self._recent.popleft()
        return self.offset_s


class Timeline:
    """Session times for the packets of any number of devices, each with a clock of its own."""

    def __init__(self) -> None:
        self._clocks: dict[str, SensorClock] = {}
        self._refused = 0

    def place(self, packet: Packet) -> list[Samples]:
        """The packet's samples in session time; those without a time are left out."""
        if not packet.timed:
            return [run for run in packet.samples if len(run)]
        runs = []
        for run in packet.samples:
            known = np.abs(run.t_s) < FARTHEST_S
            if known.all():
                runs.append(run)
            elif known.any():
                runs.append(Samples(run.channel, run.t_s[known], run.value[known], run.quality[known]))
        runs = [run for run in runs if len(run)]
        if not runs:
            return []
        clock = self._clocks.get(packet.device)
        if clock is None:
            if len(self._clocks) >= MOST_DEVICES:
                self._refused += 1
                return []
            clock = self._clocks[packet.device] = SensorClock()
        offset_s = clock.hear(max(float(run.t_s.max()) for run in runs), packet.received_s)
        return [Samples(run.channel, run.t_s + offset_s, run.value, run.quality) for run in runs]

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be mended up to now, in words."""
        told = [
            f"{device}: {clock.epoch} leaps of the sensor's clock; time goes on from there"
            for device, clock in self._clocks.items()
            if clock.epoch
        ]
        if self._refused:
            told.append(f"{self._refused} packets of more than {MOST_DEVICES} devices left out")
        return tuple(told)
