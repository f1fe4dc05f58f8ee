"""Scales: a tonic and one of the six modes, as pitch classes and as steps that a melody can count."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from synth.controls import KEYS, MODES

SEMITONES = (
    (0, 2, 4, 6, 7, 9, 11),  # lydian
    (0, 2, 4, 5, 7, 9, 11),  # ionian
    (0, 2, 4, 5, 7, 9, 10),  # mixolydian
    (0, 2, 3, 5, 7, 9, 10),  # dorian
    (0, 2, 3, 5, 7, 8, 10),  # aeolian
    (0, 1, 3, 5, 7, 8, 10),  # phrygian
)
# Place on the line of fifths of each semitone above a tonic, as the six modes spell it.
FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}
_SHARPS_OF_MODE = (1, 0, -1, -2, -3, -4)  # signature against the major key on the same tonic


class Scale(NamedTuple):
    """`key` 0..11 is the tonic's pitch class, `mode` an index into `MODES`."""

    key: int
    mode: int

    @property
    def name(self) -> str:
        """Such as "D dorian"."""
        return f"{KEYS[self.key]} {MODES[self.mode]}"

    def pitch(self, step: int) -> int:
        """MIDI note of scale step `step`; step 35 is the tonic in the octave of middle C (60..71)."""
        octave, degree = divmod(step, 7)
        return self.key + 12 * octave + SEMITONES[self.mode][degree]

    def step(self, pitch: int) -> int:
        """The step that sounds `pitch`, or the nearest below it."""
        octave, semitone = divmod(pitch - self.key, 12)
        degree = 6
        while SEMITONES[self.mode][degree] > semitone:
            degree -= 1
        return 7 * octave + degree


@cache
def pitch_classes(scale: Scale) -> tuple[int, ...]:
    """The seven pitch classes from the tonic up."""
    return tuple((scale.key + semitone) % 12 for semitone in SEMITONES[scale.mode])


@lru_cache(maxsize=4096)
def pitches_between(scale: Scale, low: int, high: int) -> tuple[int, ...]:
    """The scale's MIDI notes in [low, high], rising."""
    pcs = pitch_classes(scale)
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in pcs)


def sharps(scale: Scale) -> int:
    """Key signature: sharps (positive) or flats (negative), -6..6 as far as one can be written."""
    fifths = (scale.key * 7) % 12 + _SHARPS_OF_MODE[scale.mode]
    return fifths - 12 if fifths > 6 else fifths
