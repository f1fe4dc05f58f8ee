"""Note values: a stretch of a bar as the fewest notes that keep the beats in sight (Gould 2011, ch. 6)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from synth.output.notation.quantise import TRIPLET, UNITS

_HALF, _DOTTED_HALF, _WHOLE = 2 * UNITS, 3 * UNITS, 4 * UNITS
_DOTTED_QUARTER = UNITS + UNITS // 2


class Value(NamedTuple):
    """A note value: its MusicXML type, dots, and whether three of it stand for two."""

    type: str
    dots: int = 0
    triplet: bool = False


VALUES = {
    3: Value("16th"),
    6: Value("eighth"),
    9: Value("eighth", 1),
    12: Value("quarter"),
    18: Value("quarter", 1),
    24: Value("half"),
    36: Value("half", 1),
    48: Value("whole"),
    72: Value("whole", 1),
    4: Value("eighth", 0, True),
    8: Value("quarter", 0, True),
}


def pieces(start: int, end: int, beats: int, in_three: Collection[int], *, rest: bool = False) -> list[tuple[int, int]]:
    """(start, length) of the notes, tied, or rests that fill [start, end) of a bar of `beats`; all in units."""
    found = []
    while start < end:
        length = _next(start, end - start, beats, in_three, rest)
        found.append((start, length))
        start += length
    return found


def _next(start: int, left: int, beats: int, in_three: Collection[int], rest: bool) -> int:
    beat, offset = divmod(start, UNITS)
    to_beat = UNITS - offset
    if beat in in_three and (offset or left < UNITS):
        return min(left, to_beat)
    if offset:
        across = offset == UNITS // 2 and not rest and beat + 1 not in in_three and not _middle(beat + 1, beats)
        if across and (left == UNITS or left >= _DOTTED_QUARTER):
            return min(left, _DOTTED_QUARTER)
        return min(left, to_beat)
    if left <= UNITS:
        return left
    if not rest and left == _DOTTED_QUARTER and beat + 1 not in in_three and not _middle(beat + 1, beats):
        return _DOTTED_QUARTER
    return next(n for n in (72, _WHOLE, _DOTTED_HALF, _HALF, UNITS) if n <= left and _stands(n, beat, beats, rest))


def _middle(beat: int, beats: int) -> bool:
    """True for the beat that begins the second half of an even bar."""
    return beats >= 4 and beats % 2 == 0 and beat == beats // 2


def _stands(length: int, beat: int, beats: int, rest: bool) -> bool:
    if length == UNITS:
        return True
    if rest:
        return beats % 2 == 0 and length == _HALF and beat % 2 == 0
    if length == _HALF:
        return beats == 3 or beat % 2 == 0 or (beats == 4 and beat == 1)
    if length == _DOTTED_HALF:
        return beat % 3 == 0 if beats % 3 == 0 else beats == 4 or beat == 0
    return beat == 0 and (length == _WHOLE or beats == 6)


def in_triplet(start: int, length: int) -> bool:
    """True for a note or rest that needs a triplet."""
    return length % 3 != 0 and length % TRIPLET == 0 or (start % UNITS) % 3 != 0
