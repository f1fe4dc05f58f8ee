"""The bloom: partials of the tonic that swell and fade over a drone, at most three at once.

From low to high, then a while of all of them, then from high to low. Only partials that the scale has are heard, the
seventh and the eleventh only where it has them pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.rhythm.free import beat_at, time_of
from synth.composer.voicing import is_apart
from synth.rng import stream
from synth.tuning.scale import TunedScale

PARTIALS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
MOST_AT_ONCE = 3
BLOOM_S = (12.0, 30.0)
_ARC_S = (180.0, 480.0)
_RISEN, _FALLING = 0.4, 0.62  # of the arc
_APART_S = (3.5, 16.0)  # between entries
_OFF_CENTS, _PURE_CENTS = 32.0, 25.0  # how far a scale tone may lie from a partial, and from the seventh and eleventh
_ROOT = 36  # the fundamental lies in the octave above this
_LOW = 63
_HIGHEST = 92
_RING_S = 5.0
_OTHERS = ("pad", "drone", "bass", "melody", "bells")


def degree_of(scale: TunedScale, partial: int) -> tuple[int, int] | None:
    """(degree, octaves) of `scale` that stands for a partial of its tonic; None when it has no such tone."""
    octaves, cents = divmod(1200.0 * math.log2(partial), 1200.0)
    allowed = _PURE_CENTS if partial in (7, 11) else _OFF_CENTS
    degree = min(range(len(scale.cents)), key=lambda d: abs(scale.cents[d] - cents))
    return (degree, round(octaves)) if abs(scale.cents[degree] - cents) <= allowed else None


@dataclass(slots=True)
class _Bloom:
    pitch: int
    until_s: float


class Bloom:
    """Writes the stem `stem`. `ends_s`: the second of the session at which the scene ends, where that is known."""

    def __init__(self, seed: int, stem: str) -> None:
        self.stem = stem
        self.ends_s: float | None = None
        self._rng = stream(seed, "composer", "bloom", stem)
        self._live: list[_Bloom] = []
        self._next_s: float | None = None
        self._key: object = None
        self._from_s = self._to_s = 0.0
        self._apart_s = 8.0
        self._before = 0

    def plan(self, now: Moment) -> None:
        """Take this phrase's share of notes, and begin to rise again where the scale is new or the last arc is over."""
        shares = now.phrase.shares
        notes = shares.bells if self.stem == "bells" else shares.tune
        low, high = _APART_S
        self._apart_s = min(max(now.phrase.beats * now.beat_s / max(notes, 0.5), low), high)
        key = (now.scale, now.tuned.name)
        if key != self._key or now.time_s >= self._to_s:
            self._key = key
            self._from_s, self._to_s = now.time_s, now.time_s + self._rng.uniform(*_ARC_S)
            self._before = 0

    def write(self, now: Moment, player: Player) -> None:
        """Let partials bloom in this bar."""
        if not now.plays(self.stem):
            self._next_s = None
            return
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - _RING_S, 1.0) / now.beat_s
            player.play(self.stem, now.start, beats, now.scale.pitch(5 * now.scale.size), -0.06, steady=True)
            return
        if self._next_s is None:
            self._next_s = now.time_s + self._rng.uniform(0.5, 3.0)
        while (beat := beat_at(now, self._next_s)) is not None:
            at_s = time_of(now, beat)
            self._bloom(now, player, beat, at_s)
            self._next_s = at_s + self._apart_s * self._rng.uniform(0.7, 1.3)

    def _bloom(self, now: Moment, player: Player, beat: float, at_s: float) -> None:
        """Begin one, if there is room in number, in the phrase and beside what sounds."""
        self._live = [bloom for bloom in self._live if bloom.until_s > at_s]
        last = now.phrase.slots[-1].beat if now.phrase.ending else float(now.phrase.beats)
        room_s = time_of(now, last) - at_s
        shortest = min(BLOOM_S[0], 0.6 * now.phrase.beats * now.beat_s)
        if len(self._live) >= MOST_AT_ONCE or room_s < shortest:
            return
        sooner = self._rng.uniform(0.0, 0.2) * (room_s - shortest)  # so that not all end with the phrase
        seconds = min(self._rng.uniform(*BLOOM_S), room_s - sooner)
        until = beat + seconds / now.beat_s
        tick = now.ticks(beat)
        others = [stem for stem in _OTHERS if stem in now.phrase.stems and stem != self.stem]
        held = [p for stem in others for p in player.sounding(stem, tick) if p < _LOW]
        sounding = {bloom.pitch for bloom in self._live}
        for partial, pitch in self._choices(now, at_s):
            if pitch in sounding or not is_apart(pitch, held) or player.rubs(pitch, beat, until):
                continue
            if player.play(self.stem, beat, until - beat, pitch, -0.012 * partial, steady=True):
                self._live.append(_Bloom(pitch, at_s + seconds))
                self._before = partial
            return

    def _choices(self, now: Moment, at_s: float) -> list[tuple[int, int]]:
        """(partial, pitch) that may bloom now, the one the arc wants most first."""
        found = []
        for partial in PARTIALS:
            where = degree_of(now.tuned, partial)
            if where is not None:
                degree, octaves = where
                pitch = now.scale.pitch((3 + octaves) * now.scale.size + degree)
                if pitch <= _HIGHEST:
                    found.append((partial, pitch))
        place = self._place(now, at_s)
        count = len(found)
        if place < _RISEN:
            wanted = place / _RISEN * (count - 1)
        elif place < _FALLING:
            wanted = self._rng.uniform(0.0, count - 1)
        else:
            wanted = (1.0 - (place - _FALLING) / (1.0 - _FALLING)) * (count - 1)
        cost = [abs(i - wanted) + 1.5 * (found[i][0] == self._before) + self._rng.random() for i in range(count)]
        return [found[i] for i in sorted(range(count), key=cost.__getitem__)]

    def _place(self, now: Moment, time_s: float) -> float:
        """How far the arc has come, 0..1."""
        ends = [self._to_s]
        if now.remaining_s is not None:
            ends.append(now.time_s + now.remaining_s)
        if self.ends_s is not None and self.ends_s > self._from_s:
            ends.append(self.ends_s)
        return min(max((time_s - self._from_s) / max(min(ends) - self._from_s, 1.0), 0.0), 1.0)
