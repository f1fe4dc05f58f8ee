"""Percussion: a groove that stays for a section, fuller or thinner as notes allow, and fills where phrases end."""

from __future__ import annotations

from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.rhythm.groove import Groove, Hit, choose, layers
from synth.composer.rhythm.metre import bar_strength
from synth.rng import stream

LOW, SHAKER = 36, 70
FRAMES = (41, 43, 45, 47, 50)
SILENT_BELOW = 0.05
_LENGTH = 0.2
_FEWEST = 0.25  # notes a bar
_RELEASE = 0.8  # of them in a phrase's last bar
_FILLS = (  # (beats before the bar's end, frame drum) of each stroke
    ((0.5, 4),),
    ((0.5, 4), (0.25, 2)),
    ((1.0, 3), (0.5, 4)),
    ((1.0, 4), (0.75, 3), (0.5, 1)),
)
_FILL = 0.5  # of the phrases that end
_FOR_A_FILL = 4  # notes in the bar


class Drums:
    """Writes the stem "percussion": a low soft drum, a frame drum and a shaker.

    `manner` is the kind of groove: "hand", "brush", "lullaby", "even" or "heartbeat".
    """

    def __init__(self, seed: int, stem: str = "percussion", manner: str = "hand") -> None:
        self.stem = stem
        self._rng = stream(seed, "composer", "percussion")
        self._manner = manner
        self._section = (-1, 0)
        self._frame = 0
        self._groove: Groove | None = None
        self._layers: list[Hit] = []
        self._regularity = -1.0
        self._credit = 0.0

    def plan(self, now: Moment) -> None:
        """Choose the groove, where a section begins."""
        beats = now.phrase.bar_beats[0]
        if (now.phrase.section, beats) == self._section:
            return
        self._section = now.phrase.section, beats
        self._groove = choose(self._rng, self._manner, beats, now.controls["regularity"])
        self._frame = self._rng.randrange(len(FRAMES) - 1)
        self._regularity = -1.0

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        percussiveness, rate = now.controls["percussiveness"], now.phrase.shares.percussion
        if not now.plays(self.stem) or percussiveness < SILENT_BELOW or rate < _FEWEST or now.phrase.ending:
            self._credit = 0.0
            return
        self.plan(now)
        groove = self._groove
        assert groove is not None
        player.swing = groove.swing
        self._credit = min(self._credit + rate, 1.5 * rate + 0.5)
        closing = now.bar == now.phrase.bars - 1
        count = int(self._credit * (_RELEASE if closing else 1.0) + 0.5)
        hardness = 0.35 * (percussiveness - 0.4)
        fill, until = self._fill(now, count) if closing else ((), float(now.beats))
        chosen = [hit for hit in self._follow(now, groove) if hit.beat < until][: count - len(fill)]
        for hit in sorted(chosen, key=lambda hit: hit.beat):
            pitch = {"low": LOW, "frame": FRAMES[self._frame], "shaker": SHAKER}[hit.lane]
            accent = hardness + hit.accent + (0.06 * (bar_strength(now.bar) - 0.4) if hit.beat == 0.0 else 0.0)
            late_ms = groove.late_ms.get(hit.lane, 0.0)
            self._strike(now, player, hit.beat, pitch, accent, late_ms)
        for before, drum in fill:
            self._strike(now, player, now.beats - before, FRAMES[drum], hardness)

    def _strike(
        self, now: Moment, player: Player, beat: float, pitch: int, accent: float, late_ms: float = 0.0
    ) -> None:
        self._credit -= player.play(self.stem, now.start + beat, _LENGTH, pitch, accent, late_ms)

    def _follow(self, now: Moment, groove: Groove) -> list[Hit]:
        """The strokes in the order in which they come in, as steadiness is wanted now."""
        regularity = round(4.0 * now.controls["regularity"]) / 4.0
        if regularity != self._regularity:
            self._regularity = regularity
            self._layers = layers(groove, regularity)
        return self._layers

    def _fill(self, now: Moment, count: int) -> tuple[tuple[tuple[float, int], ...], float]:
        """A small fill and the beat where it begins; none where there are few strokes, always after eight bars."""
        if count < _FOR_A_FILL or (now.phrase.bars % 8 and self._rng.random() >= _FILL):
            return (), float(now.beats)
        fill = self._rng.choice(_FILLS[: 2 if count < 2 * _FOR_A_FILL else len(_FILLS)])
        return fill, now.beats - fill[0][0]
