"""Playing: written notes become played ones, with 1/f timing, accents, phrase arch and legato, in integer ticks."""

from __future__ import annotations

import math
from random import Random

from synth.composer import rhythm
from synth.composer.moment import Moment
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT, Note

_VELOCITY = {"pad": 0.5, "bass": 0.52, "melody": 0.58, "bells": 0.5, "percussion": 0.45}
_CENTRE = {"pad": 62, "bass": 36, "melody": 67, "bells": 76}
_DRUM_JITTER_MS = 3.0
_VELOCITY_SD = 0.04
_PER_SEMITONE = 0.0045  # .57 MIDI velocities a semitone of height, measured in calm piano performances
_MERGE_S = 0.25  # a tone still held for no longer than this is struck again as soon as it ends


class Pink:
    """1/f noise with unit variance: four rows renewed at halving rates (Voss & Clarke 1978)."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._rows = [rng.gauss(0.0, 1.0) for _ in range(4)]
        self._count = 0

    def next(self) -> float:
        """The next value."""
        self._count += 1
        row = min((self._count & -self._count).bit_length() - 1, 3)
        self._rows[row] = self._rng.gauss(0.0, 1.0)
        return sum(self._rows) / 2.0


class Player:
    """Collects the notes of one bar. Within a stem, a pitch never sounds twice at once."""

    def __init__(self, seed: int, stems: tuple[str, ...]) -> None:
        self._rng = stream(seed, "composer", "playing")
        self._pink = {stem: Pink(stream(seed, "composer", "timing", stem)) for stem in stems}
        self._ends: dict[str, dict[int, int]] = {stem: {} for stem in stems}
        self.notes: list[Note] = []

    def begin(self, now: Moment) -> None:
        """Start the bar at `now`."""
        self._now = now
        self.notes = []
        self._ticks_per_ms = TICKS_PER_BEAT / (now.beat_s * 1000.0)
        slow = min(max((0.9 - 60.0 / now.beat_s / 120.0) / 0.5, 0.0), 1.0)
        self._jitter_ms = 6.0 + 5.0 * slow * (1.2 - now.controls["regularity"])
        for ends in self._ends.values():
            for pitch in [p for p, end in ends.items() if end <= now.tick - TICKS_PER_BEAT]:  # a note may come early
                del ends[pitch]

    def sounding(self, stem: str, tick: int) -> list[int]:
        """Pitches of `stem` still held after `tick`."""
        return [pitch for pitch, end in self._ends[stem].items() if end > tick]

    def play(self, stem: str, beat: float, beats: float, pitch: int, accent: float = 0.0, late_ms: float = 0.0) -> bool:
        """Write a note from `beat` of the phrase for `beats`; False when the pitch is held too long to be struck again.

        `accent` adds to the velocity, `late_ms` to the time.
        """
        now = self._now
        written = now.ticks(beat)
        start = written + round((self._jitter(stem) + late_ms) * self._ticks_per_ms)
        if beat == 0.0 or now.bar == 0:
            start = max(start, written, now.tick)  # a phrase may bring a new scale: nothing of it sounds early
        held = self._ends[stem].get(pitch, 0)
        end = max(written + round(beats * TICKS_PER_BEAT), start + 1)
        if held > start:
            if held - start > _MERGE_S / now.beat_s * TICKS_PER_BEAT or held >= end:
                return False
            start = held
        self._ends[stem][pitch] = end
        self.notes.append(Note(stem, start, end - start, pitch, self._velocity(stem, beat, pitch, accent)))
        now.room -= 1.0
        return True

    def _jitter(self, stem: str) -> float:
        value = self._pink[stem].next()
        if stem == "percussion":
            return max(-_DRUM_JITTER_MS, min(_DRUM_JITTER_MS, value * _DRUM_JITTER_MS / 2.5))
        return max(-2.5, min(2.5, value)) * self._jitter_ms

    def _velocity(self, stem: str, beat: float, pitch: int, accent: float) -> float:
        now = self._now
        place = beat / now.phrase.beats
        peak = 0.6
        arch = math.sin(0.5 * math.pi * (place / peak if place < peak else 1.0 - (place - peak) / (1.0 - peak)))
        value = _VELOCITY[stem] + 0.24 * (arch - 0.5) * (0.5 if stem == "percussion" else 1.0)
        value += 0.05 * (rhythm.strength(round((beat - now.start) * 4) / 4, now.beats) - 0.4)
        if stem in _CENTRE:
            value += _PER_SEMITONE * (pitch - _CENTRE[stem])
        value += accent + self._rng.gauss(0.0, _VELOCITY_SD)
        return round(max(0.05, min(1.0, value)), 4)
