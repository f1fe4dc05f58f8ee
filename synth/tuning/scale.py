"""One scale: where its degrees lie in cents, which of twelve keys stands for each, and how it is used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synth.tuning.scala import TuningError

FEWEST, MOST = 4, 12  # degrees that a composer who thinks on twelve keys can use
PERIOD_CENTS = (1150.0, 1250.0)  # stretched and narrow octaves
MOST_CENTS_OFF = 100.0  # how far a degree may lie from the key that stands for it
_DORIAN = (0.0, 200.0, 200.0, 300.0, 300.0, 500.0, 500.0, 700.0, 900.0, 900.0, 1000.0, 1000.0)  # by semitone
_NAME = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class TunedScale:
    """A scale of 4 to 12 degrees, counted from 0, the tonic.

    `cents` of the degrees above the tonic rise from 0.0 and end below `period_cents`. `semitones` are the nominal
    keys above the tonic that stand for them, as near as distinct rising keys can be. `ascent` and `descent` list
    degrees in the order of the way up and down, len(cents) being the upper tonic; () is the plain way. `chief` are
    the degrees a phrase rests on, the first above all; `drone` those of the drone; `ornaments` names how a degree
    is played. `ombak_hz` is the beat between paired instruments. TuningError when anything of this does not hold.
    """

    name: str
    culture: str
    cents: tuple[float, ...]
    period_cents: float = 1200.0
    title: str = ""
    source: str = ""
    credit: str = ""
    ascent: tuple[int, ...] = ()
    descent: tuple[int, ...] = ()
    chief: tuple[int, ...] = ()
    drone: tuple[int, ...] = ()
    ornaments: Mapping[int, str] = field(default_factory=dict, hash=False)
    ombak_hz: float = 0.0
    semitones: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._check()
        keys = nearest_keys(self.cents)
        for degree, (cents, key) in enumerate(zip(self.cents, keys, strict=True)):
            if abs(cents - 100 * key) > MOST_CENTS_OFF:
                raise self._error(f"is too crowded for twelve keys near degree {degree} ({cents:g} cents): thin it out")
        object.__setattr__(self, "semitones", keys)

    @property
    def brightness(self) -> float:
        """Cents that the degrees lie, on average, above those of dorian, the middle of the seven-note modes.

        Each is held against dorian's degree of the same number; a tritone is a raised fourth unless there is a plain
        one below it. Lydian is 300 / 7, each lowered degree takes 100 / 7.
        """
        plain = [*_DORIAN]
        plain[6] = 700.0 if 5 in self.semitones else 500.0
        above = [cents - plain[key] for key, cents in zip(self.semitones, self.cents, strict=True)]
        return math.fsum(above) / len(above)

    def _check(self) -> None:
        count = len(self.cents)
        if not _NAME.fullmatch(self.name):
            raise TuningError(f"{self.name!r} is not a name: use small letters, digits, - and _")
        if not FEWEST <= count <= MOST:
            raise self._error(f"has {count} degree{'s' * (count != 1)}: give {FEWEST} to {MOST}, without the octave")
        if not all(math.isfinite(cents) for cents in self.cents) or self.cents[0] != 0.0:
            raise self._error("does not begin on its tonic: the first of its cents is 0.0")
        try:
            check_period(self.period_cents)
        except TuningError as error:
            raise self._error(str(error)) from None
        for below, above in zip(self.cents, (*self.cents[1:], self.period_cents), strict=True):
            if above <= below:
                raise self._error(f"does not rise: {above:g} cents after {below:g}; sort it, and leave the octave out")
        for what in ("ascent", "descent", "chief", "drone", "ornaments"):
            for degree in getattr(self, what):
                highest = count - 1 if what in ("chief", "ornaments") else count
                if not 0 <= degree <= highest:
                    raise self._error(f"{what} names degree {degree}: its degrees are 0 to {highest}")
        if not 0.0 <= self.ombak_hz <= 15.0:
            raise self._error(f"ombak_hz = {self.ombak_hz:g}: give 0 to 15 Hz")

    def _error(self, problem: str) -> TuningError:
        return TuningError(f"scale {self.name} {problem}")


def check_period(cents: float) -> None:
    """TuningError when a scale that repeats after `cents` cannot be played on twelve keys an octave."""
    low, high = PERIOD_CENTS
    if not low <= cents <= high:
        raise TuningError(f"repeats after {cents:g} cents: only {low:g} to {high:g} can be played, near an octave")


def nearest_keys(cents: Sequence[float]) -> tuple[int, ...]:
    """The distinct rising semitones, 0 to 11, that lie nearest to at most 12 rising `cents`, the first of them on 0.

    Nearest is the least sum of squares; where two choices are as near, the higher keys.
    """
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, (0,))}  # by last key
    for degree, value in enumerate(cents[1:], 1):
        best = {
            key: (cost + (value - 100 * key) ** 2, (*keys, key))
            for key in range(degree, 12)
            for cost, keys in [min((best[last] for last in best if last < key), key=_nearest_then_highest)]
        }
    return min(best.values(), key=_nearest_then_highest)[1]


def _nearest_then_highest(choice: tuple[float, tuple[int, ...]]) -> tuple[float, tuple[int, ...]]:
    cost, keys = choice
    return round(cost, 6), tuple(-key for key in keys)
