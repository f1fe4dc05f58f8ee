"""The servo: how long the next beat should last for the beats to fall together, as fast as the tempo may move.

Phase and tempo are a double integrator whose acceleration is bounded: the tempo may change by so much a beat. From far
off it is driven as fast as that allows and braked on the curve that ends at rest in phase, near by it is linear; the
two meet with one slope, so it neither overshoots nor hunts. This is the proximate time-optimal servomechanism of
Workman, Kosut & Franklin 1987, worked out for steps of a beat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synth.controls import TABLE

if TYPE_CHECKING:
    from synth.session import Terms

GAIN = 0.25  # of a small phase error, taken back in the next beat
KEEP = 0.9
MARGIN = 0.9  # of the acceleration that is planned with; the rest is for noise and for what a request loses on its way


@dataclass(frozen=True, slots=True)
class TempoLimits:
    """How far and how fast a hand may move the tempo: `low_bpm` to `high_bpm`, by `per_beat` (a fraction) a beat; 0
    where no changes are wanted."""

    low_bpm: float = TABLE["tempo_bpm"].low
    high_bpm: float = TABLE["tempo_bpm"].high
    per_beat: float = 0.003

    @classmethod
    def of(cls, terms: Terms) -> TempoLimits:
        """Those of a session."""
        bounds = terms.bounds
        still = "tempo_bpm" in bounds.still
        return cls(*bounds.range("tempo_bpm", "hand"), 0.0 if still else bounds.limits["hand_tempo_per_beat"])

    def octaves_per_s(self, bpm: float) -> float:
        """Fastest change at a tempo."""
        return min(TABLE["tempo_bpm"].rate_hand, math.log2(1.0 + self.per_beat) * bpm / 60.0)

    def clamp(self, bpm: float) -> float:
        """The nearest allowed tempo."""
        return min(max(bpm, self.low_bpm), self.high_bpm)


def braking(fast: float, most: float) -> float:
    """Phase in beats that is run through from a beat `fast` (a fraction) quicker than the clock's, its own included,
    while slowing by `most` a beat."""
    return math.copysign(abs(fast) * (abs(fast) + most) / (2.0 * most), fast)


def quicker(late: float, most: float) -> float:
    """By what fraction of the clock's beat the next one of ours should be shorter when it starts `late` beats after the
    clock's: time-optimal with at most `most` more or less a beat, linear near by."""
    linear = most / GAIN - most / 2.0  # where the braking curve has the slope GAIN
    if abs(late) <= linear / GAIN:
        return GAIN * late
    offset = linear / GAIN - braking(linear, most)
    return math.copysign((math.sqrt(most * most + 8.0 * most * (abs(late) - offset)) - most) / 2.0, late)


def way(late: float, fast: float, most: float, slowest: float, fastest: float, before: float = 0.0) -> float:
    """The quickest way into phase: what is left of `late`, give or take whole beats, once a tempo `fast` off was
    braked.

    Beats may be shorter than the clock's by `slowest` (negative) to `fastest`. Half a beat off both ways are as good,
    so the way chosen `before` is kept unless the other takes less than KEEP of its time.
    """
    left = (late - braked(fast, most)) % 1.0
    forward, back = _duration(left, most, fastest), _duration(1.0 - left, most, -slowest)
    keep = 1.0 if before == 0.0 else KEEP if before > 0.0 else 1.0 / KEEP
    return left if forward * keep <= back else left - 1.0


def braked(fast: float, most: float) -> float:
    """Phase run through while a tempo `fast` off in this beat is braked, from the next beat on."""
    return braking(math.copysign(max(abs(fast) - most, 0.0), fast), most)


def _duration(way: float, most: float, fastest: float) -> float:
    """Beats that a phase of `way` takes from rest to rest, never more than `fastest` off the clock's tempo."""
    if way <= 0.0:
        return 0.0
    if fastest <= 1e-6:
        return math.inf
    peak = math.sqrt(way * most)
    return 2.0 * peak / most if peak <= fastest else way / fastest + fastest / most
