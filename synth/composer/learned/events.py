"""Melody as the model sees it: staff steps above the tonic, at places in a bar, one onset to the next.

A step counts letters, not semitones (0 the tonic, 2 the third, 7 the tonic above), so tunes of all modes speak of one
scale. Time is in the beats of a bar of 3, 4, 6, 9 or 12; a tone lasts until the next begins, rests included.
"""

from __future__ import annotations

from dataclasses import dataclass

IOIS = (0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # beats from onset to onset
WIDEST = 9  # steps between two tones; wider leaps count as this
LEVELS = 5  # 0 on the bar line, 1 a group of beats, 2 a beat, 3 half a beat, 4 between
NO_INTERVAL = WIDEST + 1  # before the second tone
_LETTERS = "CDEFGAB"
_LETTER_OF_SEMITONE = (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6)


@dataclass(frozen=True, slots=True)
class Event:
    """A tone: `beat` from the first bar line (negative in an upbeat), `ioi` beats to the next tone, `step`."""

    beat: float
    ioi: float
    step: int


@dataclass(frozen=True, slots=True)
class Metre:
    """A bar of `beats`."""

    beats: int

    @property
    def triple(self) -> bool:
        """Whether its beats go in threes."""
        return self.beats % 3 == 0

    @property
    def group(self) -> int:
        """Beats of a group: a 6 is two threes, a 4 two twos."""
        return 3 if self.triple else 2

    def level(self, beat: float) -> int:
        """How deep in the bar `beat` lies, 0 (its first beat) to 4."""
        place = round(beat % self.beats, 3) % self.beats
        if place == 0.0:
            return 0
        if place % self.group == 0.0:
            return 1
        if place % 1.0 == 0.0:
            return 2
        return 3 if place % 0.5 == 0.0 else 4


def letter_of(name: str) -> int:
    """Staff step of a pitch name such as "F#5" or "B-4", from C0."""
    return _LETTERS.index(name[0].upper()) + 7 * int(name[-1])


def letter_above(semitones: int) -> int:
    """Staff step nearest to `semitones` above the tonic."""
    octave, semitone = divmod(semitones, 12)
    return 7 * octave + _LETTER_OF_SEMITONE[semitone]


def ioi_class(beats: float) -> int:
    """Index into `IOIS` of the length nearest in ratio."""
    return min(range(len(IOIS)), key=lambda i: max(IOIS[i] / beats, beats / IOIS[i]))


def interval(before: int, after: int) -> int:
    """Steps from one tone to the next, no wider than `WIDEST`."""
    return max(-WIDEST, min(WIDEST, after - before))
