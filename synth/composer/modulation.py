"""Modulation: how one key becomes another without a seam.

Over a pivot where a chord belongs to both; over a chain of neo-Riemannian moves where two of them do (Cohn 2012); else
over a drone, on a pitch that both keys have.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from synth.composer.scales import SEMITONES, Scale, pitch_classes
from synth.composer.transformations import Triad, chain

HOLD_S = 4.0  # at least, of a pitch that two keys share


class Way(NamedTuple):
    """How to come to another key: `over` "pivot", "chain" or "drone"; `close` and `open` are the degrees whose triads
    end the old key and begin the new one (None: any)."""

    over: str
    close: int | None = None
    open: int | None = None


def triads(scale: Scale) -> dict[Triad, int]:
    """The major and minor triads of a mode, with their degrees."""
    found = {}
    for degree, low in enumerate(scale.semitones):
        third, fifth = (scale.semitones[(degree + step) % 7] - low for step in (2, 4))
        if fifth % 12 == 7:
            found[Triad((scale.key + low) % 12, third % 12 == 4)] = degree
    return found


@cache
def way(now: Scale, wanted: Scale) -> Way:
    """The gentlest way from one scale to another of the same tuning."""
    if not (now.is_mode and wanted.is_mode):
        return Way("drone")
    mine, theirs = triads(now), triads(wanted)
    if any(triad in theirs for triad in mine):
        return Way("pivot")
    close, opening = min(
        ((a, b) for a in mine for b in theirs),
        key=lambda pair: (len(chain(*pair)), min(mine[pair[0]], 1), min(theirs[pair[1]], 1), mine[pair[0]]),
    )
    if len(chain(close, opening)) <= 2:
        return Way("chain", mine[close], theirs[opening])
    return Way("drone")


def shared(now: Scale, wanted: Scale) -> tuple[int, ...]:
    """Pitch classes that both have, those of the wanted tonic triad first."""
    there = pitch_classes(wanted)
    both = [pc for pc in pitch_classes(now) if pc in there]
    order = [(wanted.key + SEMITONES[wanted.mode][i % wanted.size]) % 12 for i in (0, 4, 2)]
    return tuple(sorted(both, key=lambda pc: order.index(pc) if pc in order else 3))
