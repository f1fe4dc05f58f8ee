"""Scales: a tonic and a mode or a tuned scale, as nominal keys and as steps that a melody can count."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from synth.controls import KEYS, MODES
from synth.tuning.catalogue import catalogue, tuning
from synth.tuning.scale import TunedScale
from synth.tuning.tuning import Tuning, tuning_of

NAMES = (*MODES, *(name for name in catalogue() if name not in MODES))
SCALES = tuple(catalogue()[name] for name in NAMES)
MINOR = frozenset(scale.name for scale in SCALES if 3 in scale.semitones and 4 not in scale.semitones)
SEMITONES = tuple(scale.semitones for scale in SCALES)
# Place on the line of fifths of each semitone above a tonic, as the six modes spell it.
FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: 6, 5: -1, 10: -2, 3: -3, 8: -4, 1: -5}
_SHARPS_OF_MODE = (1, 0, -1, -2, -3, -4)  # signature against the major key on the same tonic


class Scale(NamedTuple):
    """`key` 0..11 is the tonic's pitch class, `mode` an index into `NAMES`."""

    key: int
    mode: int

    @property
    def name(self) -> str:
        """Such as "D dorian"."""
        return f"{KEYS[self.key]} {NAMES[self.mode]}"

    @property
    def semitones(self) -> tuple[int, ...]:
        """Nominal keys of the degrees above the tonic, from 0."""
        return SEMITONES[self.mode]

    @property
    def size(self) -> int:
        """How many degrees it has."""
        return len(SEMITONES[self.mode])

    @property
    def tuned(self) -> TunedScale:
        """Its degrees in cents, and how it is used."""
        return SCALES[self.mode]

    @property
    def is_mode(self) -> bool:
        """True for the six modes, which have chords."""
        return self.mode < len(MODES)

    def pitch(self, step: int) -> int:
        """MIDI note of scale step `step`; step 5 * size is the tonic in the octave of middle C (60..71)."""
        octave, degree = divmod(step, self.size)
        return self.key + 12 * octave + SEMITONES[self.mode][degree]

    def step(self, pitch: int) -> int:
        """The step that sounds `pitch`, or the nearest below it."""
        octave, semitone = divmod(pitch - self.key, 12)
        degree = self.size - 1
        while SEMITONES[self.mode][degree] > semitone:
            degree -= 1
        return self.size * octave + degree


@cache
def pitch_classes(scale: Scale) -> tuple[int, ...]:
    """Its pitch classes from the tonic up."""
    return tuple((scale.key + semitone) % 12 for semitone in SEMITONES[scale.mode])


@lru_cache(maxsize=4096)
def pitches_between(scale: Scale, low: int, high: int) -> tuple[int, ...]:
    """The scale's MIDI notes in [low, high], rising."""
    pcs = pitch_classes(scale)
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in pcs)


@cache
def sounding(scale: Scale, name: str) -> Tuning:
    """Where the keys lie: as the scale itself says, or for the six modes as the tuning called `name` does."""
    return tuning(name) if scale.is_mode else tuning_of(scale.tuned)


def nearest_tone(scale: Scale, tuned: Tuning, pitch: float) -> float:
    """The tone of `scale`, in fine pitch, that lies nearest to `pitch`; the lower of two."""
    around = pitches_between(scale, int(pitch) - 9, int(pitch) + 10)
    return min((tuned.pitch(key, scale.key) for key in around), key=lambda fine: (abs(fine - pitch), fine))


@cache
def ladder(culture: str, name: str = "") -> tuple[int, ...]:
    """The scales of `culture` that the control `mode` chooses from, bright to dark; or the one called `name` alone."""
    if name:
        return (NAMES.index(name),)
    if culture == "western":
        return tuple(range(len(MODES)))
    own = sorted((i for i, scale in enumerate(SCALES) if scale.culture == culture), key=lambda i: -SCALES[i].brightness)
    places = len(MODES) - 1
    return tuple(dict.fromkeys(own[round(i * (len(own) - 1) / places)] for i in range(places + 1))) if own else (1,)


def rung(culture: str, name: str, mode: int) -> int:
    """Which rung of the ladder the control's value `mode` means."""
    return round(mode * (len(ladder(culture, name)) - 1) / (len(MODES) - 1))


def sharps(scale: Scale) -> int:
    """Key signature: sharps (positive) or flats (negative), -6..6 as far as one can be written."""
    fifths = (scale.key * 7) % 12 + _SHARPS_OF_MODE[scale.mode]
    return fifths - 12 if fifths > 6 else fifths
