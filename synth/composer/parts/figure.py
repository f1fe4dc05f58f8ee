"""The figure: a broken-chord pattern whose shape stays for a while as its tones follow the harmony."""

from __future__ import annotations

from synth.composer import rhythm, voicing
from synth.composer.harmonist import tones
from synth.composer.moment import Moment, Slot
from synth.composer.playing import Player
from synth.rng import stream

_SHAPES = (  # places in a rising chord of five tones
    (0, 1, 2, 3, 2, 1),
    (0, 2, 1, 3, 2, 4, 3, 2),
    (0, 2, 3, 4, 3, 2),
    (0, 1, 2, 4, 3, 2, 1, 2),
    (0, 3, 1, 4, 2, 3, 1),
    (0, 1, 3, 2, 4),
    (0, 2, 4, 3, 1),
)
_FASTEST_S = 0.14
_SHAPE_BARS = 8
_LOW = 63  # tones of the pad below this may stand too close to a low pattern
_MOST_BELLS_HZ = 0.9


class Figure:
    """Writes a pattern for `stem`, `up` semitones above the register asked for."""

    def __init__(self, seed: int, stem: str, up: int = 0) -> None:
        self.stem = stem
        self._rng = stream(seed, "composer", "figure", stem)
        self._up = up
        self._shape: tuple[int, ...] = _SHAPES[0]
        self._rotation = 0
        self._bars = 0
        self._section = -1
        self._place = 0
        self._tones: tuple[int, ...] = ()
        self._slot: Slot | None = None

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar's share of the pattern."""
        if not now.plays(self.stem) or now.final:
            return
        self._renew(now)
        usual = now.phrase.shares.figure
        wanted = usual + max(-2.0, min(0.3 * usual + 3.0, now.spare - usual))
        if self.stem == "bells":
            wanted = min(wanted, _MOST_BELLS_HZ * now.bar_s)
        steps = next((n for n in (2, 3, 4, 6) if n * now.beats >= wanted and (n != 3 or now.beats == 2)), 6)
        while steps > 1 and now.beat_s / steps < _FASTEST_S:
            steps -= 1
        total = steps * now.beats
        pulses = min(max(round(wanted), 0), total)
        if now.bar == now.phrase.bars - 1 and not now.phrase.ending:
            pulses = min(pulses, round(0.8 * usual) + 1)
        aligned = now.controls["regularity"] > 0.6
        places = rhythm.euclid(pulses, total, 0 if aligned or pulses == total else self._rotation) if pulses else ()
        if aligned:
            self._place = 0
        for i, place in enumerate(places):
            beat = now.start + place / steps
            slot = next((s for low, high, s in now.spans() if low <= beat < high), None)
            if slot is None:
                continue
            self._follow(now, slot)
            tone = self._tones[self._shape[self._place % len(self._shape)] % len(self._tones)]
            first = self._place % len(self._shape) == 0
            self._place += 1
            until = now.start + places[i + 1] / steps if i + 1 < len(places) else now.end
            length = min(max((until - beat) * now.controls["articulation"], 0.2), slot.end - beat)
            if player.fits(tone, beat, beat + length):
                player.play(self.stem, beat, length, tone, 0.05 if first else -0.05)

    def _renew(self, now: Moment) -> None:
        self._bars += 1
        if now.phrase.section != self._section or (now.bar == 0 and self._bars > _SHAPE_BARS):
            if now.phrase.section != self._section or self._rng.random() < 0.5:
                self._shape = self._rng.choice(_SHAPES)
                self._rotation = self._rng.choice((0, 0, 1, 2))
            self._section, self._bars = now.phrase.section, 0

    def _follow(self, now: Moment, slot: Slot) -> None:
        """Move the pattern's tones to the chord, each as little as it can."""
        if slot is self._slot:
            return
        self._slot = slot
        pcs = tones(now, slot)
        centre = min(max(round(now.controls["register_note"]) + self._up, 64), 84)
        size = 4 if len(pcs) < 3 else 5
        near = self._tones if len(self._tones) == size else ()
        found = voicing.lead(near, pcs, (centre - 9, centre + 10), size, None, centre + 7.0)
        low = [pitch for pitch in slot.voicing if pitch < _LOW]
        self._tones = tuple(tone for tone in found if voicing.is_apart(tone, low)) or slot.voicing
