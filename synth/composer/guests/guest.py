"""What a guest is: invited to a phrase of one stem, it answers with notes. Plain values both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Written:
    """A note as written: `beat` from the phrase's start, `beats` long, `pitch` as MIDI key, `velocity` 0..1."""

    beat: float
    beats: float
    pitch: int
    velocity: float = 0.58


@dataclass(frozen=True, slots=True)
class Invitation:
    """A phrase of `stem` to be written: `bars` bars of `beats` quarter notes at `tempo_bpm`.

    `key` is the tonic's pitch class 0..11, `scale` the scale's name and `semitones` its degrees above the tonic.
    Pitches are nominal MIDI keys from `low` to `high`: the tuning is applied after. About `notes` notes are wanted;
    the phrase closes at `closing_beat`. `heard` is what the stem played in the last phrases, in beats before this one
    (negative). `controls` are all controls by name as committed now; `seed` is this phrase's own.
    """

    stem: str
    phrase: int
    bars: int
    beats: int
    tempo_bpm: float
    key: int
    scale: str
    semitones: tuple[int, ...]
    low: int
    high: int
    notes: float
    closing_beat: float
    controls: Mapping[str, float]
    seed: int
    heard: tuple[Written, ...] = ()

    @property
    def length(self) -> int:
        """Beats in the phrase."""
        return self.bars * self.beats

    @property
    def seconds(self) -> float:
        """About how long the phrase lasts."""
        return self.length * 60.0 / self.tempo_bpm

    @property
    def pitches(self) -> tuple[int, ...]:
        """The scale's keys from `low` to `high`, rising."""
        return tuple(p for p in range(self.low, self.high + 1) if (p - self.key) % 12 in self.semitones)

    def step(self, pitch: int) -> int:
        """The scale step that sounds `pitch`, or the nearest below; steps count from the tonic of MIDI key 0..11."""
        octave, semitone = divmod(pitch - self.key, 12)
        return octave * len(self.semitones) + max(i for i, s in enumerate(self.semitones) if s <= semitone)

    def pitch(self, step: int) -> int:
        """The MIDI key of scale step `step`."""
        octave, degree = divmod(step, len(self.semitones))
        return self.key + 12 * octave + self.semitones[degree]


class Guest(Protocol):
    """Anything with a `write`. It runs in a process of its own and may keep what it likes from phrase to phrase."""

    def write(self, invitation: Invitation) -> Sequence[Written]:
        """The notes of the phrase; () leaves it to the built-in composer."""
        ...
