"""Ways: the moves from tone to tone that a scale's ascent and descent allow, crooked ones included."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from functools import lru_cache

from synth.tuning.scale import TunedScale


class Ways:
    """The moves of a scale, counted in its steps.

    Neighbours in the ascent and in the descent are moves, in every octave. An ascent that begins above the tonic passes
    over it: the tone under the upper tonic leads to it (in raga Yaman the seventh leads to the second).
    """

    def __init__(self, scale: TunedScale) -> None:
        size = len(scale.cents)
        ascent = scale.ascent or tuple(range(size + 1))
        descent = scale.descent or tuple(range(size, -1, -1))
        pairs = {*zip(ascent, ascent[1:], strict=False), *zip(descent, descent[1:], strict=False)}
        if ascent[0] > 0:
            under = max(degree for degree in ascent if degree < size)
            pairs.add((under, ascent[0] + size))
        self.size = size
        self._moves: dict[int, tuple[int, ...]] = {
            degree: tuple(sorted({b - a for a, b in pairs if a % size == degree and a != b})) for degree in range(size)
        }

    def moves(self, step: int) -> tuple[int, ...]:
        """The steps that may follow `step`, from the lowest."""
        return tuple(step + move for move in self._moves[step % self.size])

    def allows(self, step: int, after: int) -> bool:
        """True when `after` may follow `step`; a tone may always be said again."""
        return after == step or after - step in self._moves[step % self.size]

    def path(self, start: int, ends: Container[int], low: int, high: int) -> list[int]:
        """The shortest way from `start` to one of `ends` within [low, high], both included; empty if there is none."""
        came: dict[int, int] = {start: start}
        open_ = deque([start])
        while open_:
            step = open_.popleft()
            if step in ends:
                way = [step]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            for after in self.moves(step):
                if low <= after <= high and after not in came:
                    came[after] = step
                    open_.append(after)
        return []


@lru_cache(maxsize=64)
def ways_of(scale: TunedScale) -> Ways:
    """The moves of `scale`."""
    return Ways(scale)
