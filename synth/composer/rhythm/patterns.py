"""Patterns: onsets spread as evenly as they can be, and bars added up from twos and threes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

# Ways to add up a bar of so many units, as in the rhythms called aksak (Brailoiu, "Le rythme aksak", 1951).
ADDITIVE: Mapping[int, tuple[tuple[int, ...], ...]] = MappingProxyType(
    {
        5: ((3, 2), (2, 3)),
        6: ((3, 3),),
        7: ((2, 2, 3), (3, 2, 2), (2, 3, 2)),
        8: ((3, 3, 2), (3, 2, 3)),
        9: ((2, 2, 2, 3), (3, 2, 2, 2)),
        10: ((3, 3, 2, 2), (2, 3, 2, 3)),
        11: ((2, 2, 3, 2, 2), (3, 2, 2, 2, 2)),
        12: ((3, 3, 2, 2, 2), (2, 2, 3, 2, 3)),
    }
)


def euclid(pulses: int, steps: int, rotation: int = 0) -> tuple[int, ...]:
    """Step numbers of `pulses` onsets spread over `steps` as evenly as they can be (Toussaint 2005)."""
    pulses = min(pulses, steps)
    return tuple(sorted((i + rotation) % steps for i in range(steps) if i * pulses % steps < pulses))


def additive(parts: Sequence[int]) -> tuple[int, ...]:
    """Where each of `parts` begins: (2, 2, 3) gives 0, 2, 4."""
    return tuple(accumulate(parts[:-1], initial=0)) if parts else ()


def additive_parts(units: int) -> tuple[tuple[int, ...], ...]:
    """Ways to add up `units` from twos and threes; 1 stays 1."""
    if units in ADDITIVE:
        return ADDITIVE[units]
    if units < 4:
        return ((max(units, 1),),)
    threes = units % 2
    return ((*(2,) * ((units - 3 * threes) // 2), *(3,) * threes),)


def box(places: Collection[int], steps: int) -> str:
    """Box notation, as "x..x..x."."""
    return "".join("x" if step in places else "." for step in range(steps))
