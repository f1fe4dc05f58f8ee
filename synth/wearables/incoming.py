"""Where a session's samples come from: a recording that plays along, an app that feeds, a live source heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synth.wearables.clock import Timeline
from synth.wearables.packet import Packet
from synth.wearables.recording import open_recording
from synth.wearables.samples import REPORTS, Samples, Source


def fed(channel: str, value: object, t_s: object, device: str | None, now_s: float) -> Packet:
    """Samples from an app at session time `now_s` as a packet; see `Session.feed`."""
    times = np.full(np.shape(np.atleast_1d(np.asarray(value))), now_s) if t_s is None else t_s
    timed = device is not None and t_s is not None
    return Packet(device or "", now_s, (Samples.of(channel, times, value),), timed)


class Incoming:
    """Samples on their way to the estimator. `name` is the recording's, `of_the_body` whether it holds more than what
    the person said; `sensed` tells whether there is any source.

    `hear` may be called from any thread, `take` from one.
    """

    def __init__(self, recording: str | Path | Source | None) -> None:
        self._recording = open_recording(recording) if isinstance(recording, str | Path) else recording
        channels = getattr(self._recording, "channels", ("signals",))
        self.of_the_body = self._recording is not None and not set(channels) <= set(REPORTS)
        self.name = None if self._recording is None else str(self._recording.meta.get("id", "recording"))
        self.start_repairs = () if self._recording is None else tuple(map(str, self._recording.repairs))
        self.sensed = self._recording is not None
        self._timeline = Timeline()
        self._waiting: deque[Packet] = deque()
        self._again: dict[float, list[Samples]] = {}

    def hear(self, packet: Packet) -> None:
        """What a live source received, or an app fed."""
        self._waiting.append(packet)
        self.sensed = True

    def recall(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take up once more, each second's at that second, the samples that `lines` of a record tell of. What waits is
        among them, or is heard again from where it came."""
        self._waiting.clear()
        for line in lines:
            if line["type"] == "samples":
                columns = (np.array(line[key], dtype=np.float64) for key in ("t_s", "value", "quality"))
                self._again.setdefault(line["tick_s"], []).append(Samples(line["channel"], *columns))

    def take(self, t_s: float) -> Sequence[Samples]:
        """Samples of the second up to `t_s` of the recording, and all that was fed or heard since the last call."""
        batches = [] if self._recording is None else list(self._recording.between(t_s - 1.0, t_s))
        if again := self._again.pop(t_s, None):
            batches += again
            self.sensed = True
        while self._waiting:
            batches += self._timeline.place(self._waiting.popleft())
        return batches

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be mended up to now, in words."""
        return self._timeline.repairs
