"""What the network is told: the tone it reads, and of the place to come, also what was sung there some bars before."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from synth.composer.learned.events import IOIS, LEVELS, NO_INTERVAL, WIDEST, Event, Metre, interval, ioi_class

LAGS = (1, 2, 4)  # bars back that are listened to
INTERVALS = tuple(range(-WIDEST, WIDEST + 1))
_STEPS = len(INTERVALS) + 1  # and none
_TIMES = len(IOIS) + 1
_HALVES = 8  # half beats of a bar that are told apart

READ = _STEPS + 7 + len(IOIS) + LEVELS  # numbers in each row, in the order below
TOLD = 1 + LEVELS + 4 + 1 + _HALVES + len(LAGS) * (_TIMES + 2)
TOLD_PITCH = len(IOIS) + 7 + 1 + len(LAGS) * (_STEPS + 3)


@dataclass(slots=True)
class Past:
    """The tones of a strain so far. `air`: a slow air rather than a dance; `first_bar`: which bar of four beat 0 is."""

    metre: Metre
    air: bool
    first_bar: int = 0
    events: list[Event] = field(default_factory=list)
    _at: dict[int, int] = field(default_factory=dict)
    _total: int = 0

    def add(self, event: Event) -> None:
        """The next tone."""
        self._at[round(event.beat * 12)] = len(self.events)
        self.events.append(event)
        self._total += event.step

    def interval(self, index: int) -> int:
        """The interval that led to tone `index`."""
        if index < 1:
            return NO_INTERVAL
        return interval(self.events[index - 1].step, self.events[index].step)

    def at(self, beat: float) -> int | None:
        """Index of the tone that began on `beat`."""
        return self._at.get(round(beat * 12))

    def echo(self, beat: float, bars: int) -> int | None:
        """Index of the tone that began `bars` bars before `beat`."""
        return self.at(beat - bars * self.metre.beats)

    def bar(self, beat: float) -> int:
        """Which bar of four `beat` lies in."""
        return (math.floor(beat / self.metre.beats + 1e-6) + self.first_bar) % 4

    @property
    def height(self) -> float:
        """Steps from the mean of the tones so far to the last."""
        return self.events[-1].step - self._total / len(self.events)


def read(past: Past) -> list[float]:
    """The last tone of `past`, READ numbers."""
    event = past.events[-1]
    row = _one(past.interval(len(past.events) - 1) + WIDEST, _STEPS) + _one(event.step % 7, 7)
    return row + _one(ioi_class(event.ioi), len(IOIS)) + _one(past.metre.level(event.beat), LEVELS)


def told(past: Past, beat: float) -> list[float]:
    """Of the place `beat`, before anything is known of the tone there: TOLD numbers."""
    metre, last = past.metre, past.events[-1]
    row = [float(past.air)] + _one(metre.level(beat), LEVELS) + _one(past.bar(beat), 4) + [float(metre.triple)]
    row += _one(int(beat % metre.beats * 2.0) % _HALVES, _HALVES)
    for bars in LAGS:
        index = past.echo(beat, bars)
        row += _one(_TIMES - 1 if index is None else ioi_class(past.events[index].ioi), _TIMES)
        if not index:
            row += [0.0, 0.0]
        else:
            row += _one(int(ioi_class(past.events[index - 1].ioi) != ioi_class(last.ioi)), 2)
    return row


def told_pitch(past: Past, beat: float, ioi: float) -> list[float]:
    """More of the place `beat`, once the tone there is known to last `ioi`: TOLD_PITCH numbers."""
    last = past.events[-1].step
    row = _one(ioi_class(ioi), len(IOIS)) + _one(last % 7, 7) + [past.height / 5.0]
    for bars in LAGS:
        index = past.echo(beat, bars)
        if not index:
            row += _one(_STEPS - 1, _STEPS) + [0.0, 0.0, 0.0]
            continue
        same = past.interval(index - 1) == past.interval(len(past.events) - 1)
        alike = 2 if past.events[index - 1].step == last else int(same)
        row += _one(past.interval(index) + WIDEST, _STEPS) + _one(alike, 3)
    return row


def _one(index: int, size: int) -> list[float]:
    row = [0.0] * size
    row[index] = 1.0
    return row
