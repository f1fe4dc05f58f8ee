"""Names of notes in a key: signature, letter, alteration and octave, by the line of fifths (F C G D A E B)."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

from synth.composer.scales import FIFTHS, NAMES, Scale, pitch_classes
from synth.score.model import KeyChange, Score

_LETTERS = "FCGDAEB"
_TONIC_MAJOR = 7  # fifths of a pitch class, times 7 modulo 12
_PLAIN = 0.35  # of a semitone: notes of just and tempered scales are written as they are named
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Name(NamedTuple):
    """A written note: letter, alteration in semitones (halves are quarter tones), octave of scientific pitch."""

    step: str
    alter: float
    octave: int

    @property
    def pitch(self) -> float:
        """As a MIDI note."""
        return 12 * (self.octave + 1) + _NATURAL[self.step] + self.alter


def scale_of(score: Score, change: KeyChange) -> Scale:
    """The scale of a key of `score`."""
    return Scale(change.key, NAMES.index(score.scales[change.mode]))


@cache
def signature(scale: Scale) -> int:
    """Sharps (positive) or flats (negative) of the signature that fits `scale` best, -6..6.

    That of the church mode where there is one; else the one with most of the scale's notes, the nearest to the
    tonic's own major and minor.
    """
    pcs = set(pitch_classes(scale))
    major = _place(scale.key * _TONIC_MAJOR % 12)
    homes = (major, major - 3)

    def fit(sharps: int) -> tuple[int, float]:
        return len(pcs & {pc % 12 for pc in _pitch_classes(sharps)}), -min(abs(sharps - home) for home in homes)

    return max(range(-5, 7), key=lambda sharps: (*fit(sharps), -abs(sharps)))


class Key(NamedTuple):
    """What spells notes: the signature's sharps (flats are negative) and the tonic's place on the line of fifths."""

    sharps: int
    tonic: int


@cache
def key_of(scale: Scale) -> Key:
    """The key that `scale` is written in."""
    sharps, tonic = signature(scale), scale.key * _TONIC_MAJOR % 12
    places = (tonic - 12, tonic, tonic + 12)
    return Key(sharps, min(places, key=lambda place: abs(place - (sharps + 2))))


@cache
def name_of(pitch: float, key: Key) -> Name:
    """The name of a MIDI note in a key: to the semitone, or the quarter tone where it is nearly one."""
    if abs(pitch - round(pitch)) <= _PLAIN:
        return _spelled(round(pitch), 0.0, key)
    quarter = math.floor(pitch) + 0.5
    flat, sharp = _spelled(math.ceil(quarter), -0.5, key), _spelled(math.floor(quarter), 0.5, key)
    return min((flat, sharp), key=lambda name: abs(name.alter - altered(name.step, key.sharps)))


def altered(step: str, sharps: int) -> int:
    """What the signature makes of a letter, in semitones."""
    place = _LETTERS.index(step)
    return 1 if place < sharps else -1 if place >= 7 + sharps else 0


def key_text(scale: Scale) -> str:
    """Such as "B\u266d dorian"; the tonic is named as the signature does."""
    name = name_of(60 + scale.key, key_of(scale))
    sign = {-1.0: "\u266d", 1.0: "\u266f"}.get(name.alter, "")
    return f"{name.step}{sign} {scale.name.partition(' ')[2].replace('_', ' ')}"


def root_name(text: str, key: Key) -> tuple[str, int]:
    """Letter and alteration of a root such as "Gb", respelled in a key."""
    pitch = 60 + _NATURAL[text[0]] + text.count("#") - text.count("b")
    name = name_of(pitch, key)
    return name.step, int(name.alter)


def _pitch_classes(sharps: int) -> tuple[int, ...]:
    return tuple((sharps + place) * 7 % 12 for place in range(-1, 6))


def _place(fifths: int) -> int:
    return fifths - 12 if fifths > 6 else fifths


def _spelled(pitch: int, bend: float, key: Key) -> Name:
    """As the degrees above the tonic are spelled in the modes."""
    above = (pitch * _TONIC_MAJOR - key.tonic) * _TONIC_MAJOR % 12
    place = key.tonic + FIFTHS[above]
    letter, alter = _LETTERS[(place + 1) % 7], (place + 1) // 7
    return Name(letter, alter + bend, (pitch - alter) // 12 - 1)
