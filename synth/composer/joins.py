"""Joins: which scenes may follow each other, and over what they meet. All of it is a design choice.

What is common to all of them: the phrase is finished, one pitch is shared for at least four seconds, two phrases
overlap, and the tempo moves only while no pulse sounds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import MappingProxyType

LEAVE_S = 8.0  # the bed alone, before the other scene begins
DRONE_S = 10.5  # and where the tuning changes the tonic alone

# Unordered pairs of archetypes and what they share: the tonic of a drone, a chord, the length of a bar, five tones,
# frozen pitches, or the beat.
_MEETINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "drone": (
        ("drone", "bells"),
        ("drone", "alap"),
        ("drone", "taqsim"),
        ("drone", "hymn"),
        ("drone", "chorale"),
        ("drone", "heartbeat"),
        ("drone", "lullaby"),
        ("drone", "interlock"),
        ("alap", "taqsim"),
    ),
    "chord": (
        ("chorale", "piano_waltz"),
        ("chorale", "hymn"),
        ("chorale", "folk"),
        ("chorale", "arpeggio"),
        ("hymn", "folk"),
        ("hymn", "arpeggio"),
        ("hymn", "bells"),
        ("folk", "arpeggio"),
        ("chorale", "bells"),
    ),
    "bar": (("piano_waltz", "lullaby"), ("piano_waltz", "arpeggio")),
    "five tones": (
        ("lullaby", "folk"),
        ("lullaby", "heartbeat"),
        ("lullaby", "bells"),
        ("lullaby", "hymn"),
    ),
    "frozen pitches": (("bells", "phase"),),
    "beat": (("phase", "folk"), ("phase", "arpeggio"), ("phase", "groove"), ("folk", "groove")),
}
MEETING = MappingProxyType({frozenset(pair): over for over, pairs in _MEETINGS.items() for pair in pairs})


def neighbours(archetype: str) -> tuple[str, ...]:
    """The archetypes that may follow `archetype` at once."""
    return tuple(other for pair in MEETING if archetype in pair for other in sorted(pair - {archetype}))


def route(start: str, end: str) -> tuple[str, ...]:
    """The shortest way from one archetype to another, without `start`; (end,) where they may meet."""
    if start == end or frozenset((start, end)) in MEETING:
        return (end,)
    for way in _ways(start):
        if way[-1] == end:
            return way[1:]
    return (end,)


def _ways(start: str) -> Iterator[tuple[str, ...]]:
    waiting: deque[tuple[str, ...]] = deque([(start,)])
    seen = {start}
    while waiting:
        way = waiting.popleft()
        for nxt in neighbours(way[-1]):
            if nxt not in seen:
                seen.add(nxt)
                waiting.append((*way, nxt))
                yield (*way, nxt)
