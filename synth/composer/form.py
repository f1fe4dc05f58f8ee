"""Form: cycles of phrases, the swell over a cycle, sections that follow each other, and how to land on the end.

A cycle is one to a few phrases that rise and fall together, 24-40 s long; a section is a few cycles with textures,
ideas and patterns of its own. Lengths are drawn anew each time, so that nothing loops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random

SHORTEST_S, LONGEST_S = 23.0, 40.0  # a cycle
_FEW_NOTES = 14.0  # a phrase should have about so many
_TYPICAL_S, _SPREAD_S = 31.0, 7.0
_LONG_PHRASE_S = 32.0
RISE = 0.6  # share of a cycle that rises
FINAL_S = 9.5  # from the last chord to the end of the session
_LANDING_S = 1.0  # how far from that it may fall
_RITARDANDO, _WIDEST_RITARDANDO = 0.25, 0.55  # last beat before the final chord: tempo / (1 + this)


@dataclass(slots=True)
class Cycle:
    """The swell over `bars` bars: a raised cosine from `start` up to 1 at bar `peak` and down to 0 at the end."""

    bars: int
    peak: int
    start: float = 0.0
    bar: int = 0

    @staticmethod
    def of(bars: int) -> Cycle:
        """A cycle from silence to silence whose peak falls on the bar line nearest to 60 %."""
        return Cycle(bars, min(max(round(RISE * bars), 1), max(bars - 1, 1)))

    @staticmethod
    def falling(bars: int, start: float) -> Cycle:
        """What is left of a swell that must end early."""
        return Cycle(bars, 0, start)

    def level(self, bar: int) -> float:
        """0..1 at the bar line before bar `bar`."""
        if bar >= self.bars:
            return 0.0
        if bar < self.peak:
            return 0.5 - 0.5 * math.cos(math.pi * bar / self.peak)
        top = 1.0 if self.peak else self.start
        return top * (0.5 + 0.5 * math.cos(math.pi * (bar - self.peak) / (self.bars - self.peak)))

    def step(self) -> tuple[float, float]:
        """Levels at the start and end of the next bar."""
        self.bar += 1
        return self.level(self.bar - 1), self.level(self.bar)

    @property
    def left(self) -> int:
        """Bars to come."""
        return max(self.bars - self.bar, 0)


@lru_cache(maxsize=512)
def _sums(low: int, high: int, lengths: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """All ways to fill `low` to `high` bars with phrases of `lengths` (rising), shorter phrases first."""
    found: list[tuple[int, ...]] = []

    def extend(chosen: tuple[int, ...], total: int, start: int) -> None:
        if low <= total <= high:
            found.append(chosen)
        if len(chosen) < 8:
            for i in range(start, len(lengths)):
                if total + lengths[i] <= high:
                    extend((*chosen, lengths[i]), total + lengths[i], i)

    extend((), 0, 0)
    return tuple(found)


def cycle_lengths(rng: Random, bar_s: float, usual: int, density_hz: float, breath_s: float | None = None) -> list[int]:
    """Bars of each phrase of a new cycle: 2, 4 or 8 (16 where music is very sparse), mostly `usual`, 23 to 40 s in all.

    Where the music is so sparse that a phrase would hold few notes, longer phrases are preferred; with `breath_s` those
    that last a whole number of breaths.
    """
    low, high = math.ceil(SHORTEST_S / bar_s), max(int(LONGEST_S / bar_s), 2)
    sparse = density_hz * 8 * bar_s < _FEW_NOTES
    lengths = tuple(sorted({2, 4, 8, usual} | ({16} if sparse else set())))
    options = _sums(min(low, high), high, lengths) or ((max(high, 1),),)
    weights = []
    for option in options:
        total_s = sum(option) * bar_s
        weight = math.exp(-(((total_s - _TYPICAL_S) / _SPREAD_S) ** 2))
        for bars in option:
            weight *= 1.0 if bars == usual else 0.4
            notes = density_hz * bars * bar_s
            weight *= 1e-6 + min(1.0, (notes / _FEW_NOTES) ** 2)
            if bars * bar_s < 5.0:
                weight *= 0.3
            if bars * bar_s > _LONG_PHRASE_S:  # too long until the next cadence
                weight *= 1e-3
            if breath_s:
                weight *= math.exp(-4.0 * abs((bars * bar_s / breath_s + 0.5) % 1.0 - 0.5))
        weights.append(weight)
    chosen = list(rng.choices(options, weights)[0])
    if rng.random() < 0.4:
        rng.shuffle(chosen)
    return chosen


def split(bars: int, usual: int) -> list[int]:
    """`bars` as phrases of about `usual` bars, the last one making up the rest."""
    lengths = []
    while bars > 1.5 * usual + 1:
        lengths.append(usual)
        bars -= usual
    return [*lengths, bars] if bars > 0 else lengths


def chord_lengths(bars: int, beats: int, chords: int) -> list[float]:
    """Beats of each of `chords` chords in a phrase: slow, then quicker to the close, a bar or more for the last."""
    if bars == 1:
        return [float(beats)] if chords < 2 else [beats - beats // 2, float(beats // 2)]
    if chords > bars:
        lengths = [float(beats)] * bars
        for i in range(bars - 2, -1, -1):
            if len(lengths) >= chords:
                break
            first = float(beats - beats // 2)
            lengths[i : i + 1] = [first, beats - first]
        return lengths
    each, rest = divmod(bars, max(chords, 1))
    spans = [each] * chords
    order = [0, chords - 1, *range(1, chords - 1)]
    for i in order[:rest]:
        spans[i] += 1
    return [float(span * beats) for span in spans]


def lead_s(remaining_s: float) -> float:
    """How long before the end the last chord should begin."""
    return min(FINAL_S, 0.5 * remaining_s)


def landing(remaining_s: float, lead: float, beat_s: float, beats: int) -> tuple[int, tuple[float, ...]]:
    """Beats and slowing of the bar before the last chord, so that the chord begins `lead` seconds before the end.

    The usual number of beats is kept if it lands within a second; the slowing is tempo / (1 + a x^2) over the bar.
    """
    wanted = (remaining_s - lead) / beat_s
    best: tuple[float, int, float] = (math.inf, beats, _RITARDANDO)
    for count in range(max(2, beats - 2), 2 * beats + 1):
        squares = math.fsum(((i + 1) / count) ** 2 for i in range(count))
        amount = min(max((wanted - count) / squares, 0.08), _WIDEST_RITARDANDO)
        miss_s = abs(count + amount * squares - wanted) * beat_s
        cost = max(miss_s - _LANDING_S, 0.0) * 10.0 + abs(count - beats) + 4.0 * abs(amount - _RITARDANDO)
        if cost < best[0]:
            best = cost, count, amount
    _, count, amount = best
    return count, tuple(round(1.0 + amount * ((i + 1) / count) ** 2, 4) for i in range(count))


def letter(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for ideas in the order they were first heard."""
    name = ""
    while True:
        name = chr(ord("A") + number % 26) + name
        number = number // 26 - 1
        if number < 0:
            return name
