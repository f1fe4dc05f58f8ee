"""The key of what a person plays: 24 profiles against a fading tally of how long each pitch class sounded.

The key-finding of Krumhansl & Schmuckler (Krumhansl 1990, ch. 4) with the profiles of Temperley (2007, ch. 6); that the
tally fades follows Toiviainen & Krumhansl (2003). It counts by square roots, so that a tone said again and again is no
tonic for that. Another key is found only where it fits well, fits clearly better than the one that sounds, and goes on
doing so.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from synth.composer.guests.tune import correlation
from synth.composer.scales import Scale, pitch_classes
from synth.controls import KEYS, MODES

MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)
HALF_LIFE_S = 15.0
LEAST_S = 6.0  # of notes in the tally, on
LEAST_CLASSES = 5  # pitch classes
CLEAR = 0.8  # correlation of a key that is found at least
HELD = 0.92  # share of what is played that lies in its scale at least
MARGIN = 0.15  # over the key that sounds
OWN, OWN_MARGIN = 0.95, 0.35  # and where so much of what is played lies in the scale that sounds
AHEAD = 0.03  # over any other
STEADY_S = 3.0  # for which it stays so
_SHARE = 0.03  # of what is played that makes a pitch class count
_STAYS, _RARE = 0.05, 0.02  # what a mode that sounds, or one that is less usual, is given and taken
_MAJOR = ("ionian", "mixolydian", "lydian")
_MINOR = ("aeolian", "dorian", "phrygian")


class KeyFound(NamedTuple):
    """A key and mode (indices of KEYS and MODES), how well it fits, and how well the one that sounds does."""

    key: int
    mode: int
    fit: float
    now: float

    @property
    def reason(self) -> str:
        """In words, for the record."""
        kind = "major" if MODES[self.mode] in _MAJOR else "minor"
        return f"what is played is in {KEYS[self.key]} {kind}: that fits {self.fit:.2f}, what sounds {self.now:.2f}"


class KeySense:
    """Listens to notes as they sound; `find` tells of another key once it is clear."""

    def __init__(self) -> None:
        self._tally = [0.0] * 12
        self._at_s = 0.0
        self._since: tuple[tuple[int, bool], float] | None = None

    def hear(self, pitch: float, seconds: float, now_s: float) -> None:
        """A note has sounded for `seconds` up to `now_s`."""
        self._fade(now_s)
        self._tally[round(pitch) % 12] += seconds

    def forget(self) -> None:
        """Nothing was played."""
        self._tally, self._since = [0.0] * 12, None

    def find(self, sounding: Scale, now_s: float) -> KeyFound | None:
        """The key that is played, if it is clear and is not the one of `sounding`."""
        self._fade(now_s)
        heard = self._tally
        found = None
        if sounding.is_mode and sum(heard) >= LEAST_S and sum(x > _SHARE * sum(heard) for x in heard) >= LEAST_CLASSES:
            found = self._clear(sounding)
        if found is None:
            self._since = None
            return None
        best = (found.key, MODES[found.mode] in _MAJOR)
        if self._since is None or self._since[0] != best:
            self._since = best, now_s
        return found if now_s - self._since[1] >= STEADY_S else None

    def _clear(self, sounding: Scale) -> KeyFound | None:
        heard = [math.sqrt(seconds) for seconds in self._tally]
        fits = {
            (key, major): correlation(heard, key, MAJOR if major else MINOR)
            for key in range(12)
            for major in (True, False)
        }
        (key, major), second = sorted(fits, key=lambda k: -fits[k])[:2]
        best, here = fits[key, major], fits[sounding.key, MODES[sounding.mode] in _MAJOR]
        mode = self._mode(key, major, sounding.mode)
        margin = OWN_MARGIN if self._held(sounding) >= OWN else MARGIN
        if best < CLEAR or best - here < margin or best - fits[second] < AHEAD or self._held(Scale(key, mode)) < HELD:
            return None
        return KeyFound(key, mode, best, here)

    def _mode(self, key: int, major: bool, now: int) -> int:
        """Of the modes with that third, the one that holds most of what was played; the one that sounds where it holds
        nearly as much."""
        family = [MODES.index(name) for name in (_MAJOR if major else _MINOR)]
        return max(family, key=lambda m: self._held(Scale(key, m)) + _STAYS * (m == now) - _RARE * family.index(m))

    def _held(self, scale: Scale) -> float:
        """The share of what was played that lies in `scale`."""
        return sum(self._tally[pc] for pc in pitch_classes(scale)) / (sum(self._tally) or 1.0)

    def _fade(self, now_s: float) -> None:
        if now_s > self._at_s:
            share = math.exp2((self._at_s - now_s) / HALF_LIFE_S)
            self._tally = [share * x for x in self._tally]
            self._at_s = now_s
