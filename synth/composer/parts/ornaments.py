"""Ornaments that glide: how a tone is reached or moved while it sounds, for instruments that can slide.

Meend, kan and andolan as North Indian music names them (Jairazbhoy, The Rags of North Indian Music, 1971); their times
are design choices.
"""

from __future__ import annotations

from typing import NamedTuple

MOST_SEMITONES = 2.0
_KAN_S = (0.05, 0.08)  # on the touched tone, and from it
_MEEND = (0.25, 0.35)  # the same as shares of the tone...
_MEEND_S = (0.4, 0.7)  # ...at most
_TURN_S = (0.15, 0.12)  # when it begins, and each of its two ways
_ANDOLAN_S, _ANDOLAN_FROM_S, _ANDOLAN_LEFT_S = 0.45, 0.4, 0.4  # half a swing, the plain tone before and after
_ANDOLAN_SHARE, _ANDOLAN_MOST, _ANDOLAN_SWINGS = 0.45, 0.8, 3


class Glide(NamedTuple):
    """A move to `semitones` above the tone: it begins `after_s` its onset and takes `seconds`."""

    after_s: float
    semitones: float
    seconds: float


def glides(ornament: str, semitones: float, seconds: float) -> tuple[float, tuple[Glide, ...]]:
    """How many semitones above its tone a note of `seconds` begins, and how it moves, with a neighbour `semitones`
    above. `ornament`: "meend", "kan", "turn" or "andolan"; any other is a plain tone."""
    match ornament:
        case "kan":
            return semitones, (Glide(_KAN_S[0], 0.0, _KAN_S[1]),)
        case "meend":
            held_s, glide_s = (min(share * seconds, most) for share, most in zip(_MEEND, _MEEND_S, strict=True))
            return semitones, (Glide(held_s, 0.0, glide_s),)
        case "turn":
            begins_s, way_s = _TURN_S
            return 0.0, (Glide(begins_s, semitones, way_s), Glide(begins_s + 1.5 * way_s, 0.0, way_s))
        case "andolan":
            room_s = seconds - _ANDOLAN_FROM_S - _ANDOLAN_LEFT_S
            swings = min(int(room_s / (2.0 * _ANDOLAN_S)), _ANDOLAN_SWINGS)
            height = min(_ANDOLAN_SHARE * semitones, _ANDOLAN_MOST)
            halves = range(2 * max(swings, 0))
            return 0.0, tuple(
                Glide(_ANDOLAN_FROM_S + i * _ANDOLAN_S, 0.0 if i % 2 else height, _ANDOLAN_S) for i in halves
            )
    return 0.0, ()
