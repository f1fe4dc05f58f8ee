"""Numbers that the live process shows: where it is, the beat, how it bears up, and every control's value.

One writer, any number of readers: a count is odd while the numbers change, and who reads looks at it before and after
(a sequence lock; Boehm, "Can seqlocks get along with programming language memory models?", 2012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synth.controls import CONTROLS
from synth.session.pulse import Pulse

# fmt: off
FIELDS = (
    "frames",            # handed to the device up to the end of the latest block, of this session
    "at_s",              # time.monotonic() when that block was asked for
    "block",             # frames of that block
    "sample_rate",
    "latency_frames",    # from there to what is heard: the master's look-ahead and the device
    "number", "start_s", "length_s", "index", "beats", "key", "mode",  # the beat: synth.session.pulse.Pulse
    "finished",
    "playing",           # 1 while a session sounds, 0 before the first and between two
    "connected",         # 1 while a device takes the sound
    "blocks", "late",    # rendered so far, and those that took longer than they last
    "xruns",             # as the device counts them
    "load",              # share of a block's time that its rendering takes, over the last second
    "worst_us",          # the most processor time that a block's rendering took
    "p50_us", "p99_us", "p999_us",  # and what so many of them stayed within
)
# fmt: on
PLACE = {name: i for i, name in enumerate(FIELDS)}
_FIRST_CONTROL = len(FIELDS)
NUMBERS = 1 + _FIRST_CONTROL + len(CONTROLS)
BYTES = 8 * NUMBERS
_NAMES = tuple(c.name for c in CONTROLS)


class Board:
    """The numbers in `memory` (BYTES of it)."""

    def __init__(self, memory: memoryview) -> None:
        whole = np.frombuffer(memory, np.float64, NUMBERS)
        self._count = whole[:1].view(np.int64)
        self._shown = whole[1:]
        self.now = np.zeros(NUMBERS - 1)  # what is shown next
        self.controls = self.now[_FIRST_CONTROL:]

    def set(self, name: str, value: float) -> None:
        """Change a number of those shown next."""
        self.now[PLACE[name]] = value

    def set_pulse(self, pulse: Pulse) -> None:
        """And the beat."""
        first = PLACE["number"]
        told = (pulse.number, pulse.start_s, pulse.length_s, pulse.index, pulse.beats, pulse.key, pulse.mode)
        self.now[first : first + 7] = told

    def show(self) -> None:
        """Show what was set."""
        self._count[0] += 1
        self._shown[:] = self.now
        self._count[0] += 1

    def read(self) -> Seen:
        """What is shown now."""
        while True:
            before = int(self._count[0])
            if before % 2 == 0:
                numbers = self._shown.copy()
                if int(self._count[0]) == before:
                    return Seen(numbers)


class Seen:
    """What a board showed at one moment; its numbers are attributes by the names of FIELDS."""

    def __init__(self, numbers: NDArray[np.float64] | Sequence[float]) -> None:
        self._numbers = numbers

    def __getattr__(self, name: str) -> float:
        if name not in PLACE:
            raise AttributeError(name)
        return float(self._numbers[PLACE[name]])

    @property
    def controls(self) -> Mapping[str, float]:
        """Every control's value."""
        return dict(zip(_NAMES, (float(x) for x in self._numbers[_FIRST_CONTROL:]), strict=True))

    @property
    def pulse(self) -> Pulse:
        """The beat."""
        first = PLACE["number"]
        number, start_s, length_s, *places = self._numbers[first : first + 7]
        return Pulse(int(number), float(start_s), float(length_s), *(int(x) for x in places))

    @property
    def time_s(self) -> float:
        """Session time handed to the device."""
        return self.frames / self.sample_rate if self.sample_rate else 0.0
