"""Percussion: Euclidean patterns that stay for a section, with small fills where phrases end."""

from __future__ import annotations

from synth.composer import rhythm
from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.rng import stream

LOW, SHAKER = 36, 70
FRAMES = (41, 43, 45, 47, 50)
SILENT_BELOW = 0.05
_LENGTH = 0.4


class Drums:
    """Writes the stem "percussion": a low soft drum, a frame drum and a shaker."""

    def __init__(self, seed: int) -> None:
        self._rng = stream(seed, "composer", "percussion")
        self._section = -1
        self._turn = 0
        self._frame = FRAMES[2]
        self._since_break = 0

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        percussiveness = now.controls["percussiveness"]
        rate = now.phrase.shares.percussion
        if not now.plays("percussion") or percussiveness < SILENT_BELOW or rate < 0.25 or now.phrase.ending:
            return
        if now.phrase.section != self._section:
            self._section = now.phrase.section
            regularity = now.controls["regularity"]
            self._turn = 0 if self._rng.random() < regularity else self._rng.choice((1, 2, 3))
            self._frame = self._rng.choice(FRAMES)
        closing = now.bar == now.phrase.bars - 1
        for pitch, places, accent in self._lanes(now, rate, closing):
            for beat in places:
                swing = self._rng.uniform(-0.04, 0.04)
                velocity = 0.35 * (percussiveness - 0.4) + accent + swing
                player.play("percussion", now.start + beat, _LENGTH, pitch, velocity)

    def _lanes(self, now: Moment, rate: float, closing: bool) -> list[tuple[int, list[float], float]]:
        """(pitch, beats in the bar, accent) of each drum: the low one first, then the frame drum, then the shaker."""
        beats = now.beats
        regularity = now.controls["regularity"]
        whole = int(rate) + (self._rng.random() < rate - int(rate))
        low = min(max(round(0.3 * whole), 1), beats) if whole else 0
        frame = min(round(0.3 * whole), beats + 1) if whole > 1 else 0
        shaker = max(whole - low - frame, 0)
        if closing:
            low, shaker = max(low - 1, 1) if whole else 0, max(shaker - 2, 0)
        lanes = []
        if regularity >= 0.55:
            strong = sorted(range(beats), key=lambda b: (-rhythm.strength(b, beats), b))[:low]
            lanes.append((LOW, [float(b) for b in sorted(strong)], 0.05))
        else:
            lanes.append((LOW, [i / 2 for i in rhythm.euclid(low, 2 * beats)], 0.05))
        if frame:
            turn = self._turn if regularity < 0.8 else 0
            places = [i / 2 for i in rhythm.euclid(frame, 2 * beats, 2 + turn)]
            lanes.append((self._frame, places, 0.0))
        if shaker:
            steps = 2 if shaker <= 2 * beats else 4
            places = [i / steps for i in rhythm.euclid(shaker, steps * beats, 1)]
            lanes.append((SHAKER, places, -0.1))
        if closing and whole >= 4 and self._rng.random() < 0.5:
            lanes.append((FRAMES[-1], [beats - 0.5], 0.02))
        return lanes
