"""Bells: sparse high tones, each pitch on a period of its own, or answers in the rests of the tune."""

from __future__ import annotations

from dataclasses import dataclass

from synth.composer.harmony import chord_pcs
from synth.composer.moment import Moment, Slot
from synth.composer.parts.tune import Tune
from synth.composer.playing import Player
from synth.rng import stream

LOWEST, HIGHEST = 60, 96
_PERIODS_S = (17.0, 19.0, 23.0, 29.0, 31.0, 37.0, 41.0, 43.0, 47.0, 53.0, 59.0, 61.0)  # primes: they hardly ever meet
_VOICES = 5
_APART_S = 0.25
_RING_BEATS = 4.0


@dataclass(slots=True)
class _Bell:
    period_s: float
    next_s: float
    height: float  # 0 low to 1 high
    rounds: int


class Bells:
    """Writes the stem "bells"; `tune` (None: there is none) is the line it may answer."""

    def __init__(self, seed: int, tune: Tune | None, answering: bool) -> None:
        self.stem = "bells"
        self._rng = stream(seed, "composer", "bells")
        self._tune = tune
        self._answering = answering
        self._voices: list[_Bell] = []
        self._last_s = -10.0
        self.credit = 0.0

    def plan(self, now: Moment) -> None:
        """Take this phrase's share of notes."""
        self.credit = min(max(self.credit, -3.0), 6.0)
        if now.plays("bells"):
            self.credit += now.phrase.shares.bells

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        if not now.plays("bells"):
            return
        if now.final:
            self._toll(now, player, now.start + 1.0, self._nearest(now, now.phrase.slots[-1], 0.5))
            return
        if self._answering and self._tune is not None and now.phrase.line:
            self._answer(now, player)
        else:
            self._ring(now, player)

    def _answer(self, now: Moment, player: Player) -> None:
        """Two or three tones after the tune stops, falling from where it ended, an octave up."""
        assert self._tune is not None
        for begin, end in self._tune.silences(now):
            if self.credit < 2.0 or self._tune.last is None or begin == 0.0:
                continue
            start = begin + 0.5 if end - begin > 2.0 else begin
            count = min(3, int(end - start), int(self.credit))
            height = (self._tune.last + 12 - LOWEST) / (HIGHEST - LOWEST)
            for i in range(count):
                beat = start + i
                slot = next((s for low, high, s in now.spans() if low <= beat < high), None)
                if slot is not None:
                    self._toll(now, player, beat, self._nearest(now, slot, height - 0.1 * i), -0.04 * i)

    def _ring(self, now: Moment, player: Player) -> None:
        """Sound the voices whose time has come, on the nearest half beat."""
        rate = max(self.credit, 0.3) / max(now.phrase.beats * now.beat_s, 1.0)
        if not self._voices:
            self._voices = [self._draw(now.time_s) for _ in range(_VOICES)]
        natural = sum(1.0 / bell.period_s for bell in self._voices)
        scale = natural / min(max(rate, 0.02), 2.0)
        until = now.time_s + now.bar_s
        for i, bell in enumerate(self._voices):
            while bell.next_s < until:
                at = max(bell.next_s, now.time_s)
                beat = round((at - now.time_s) / now.beat_s * 2.0) / 2.0
                time_s = now.time_s + beat * now.beat_s
                bell.next_s = at + bell.period_s * scale
                bell.rounds -= 1
                if time_s - self._last_s >= _APART_S and beat < now.beats:
                    place = now.start + beat
                    slot = next(s for low, high, s in now.spans() if low <= place < high)
                    self._toll(now, player, place, self._nearest(now, slot, bell.height))
                    self._last_s = time_s
                if bell.rounds <= 0:
                    bell = self._voices[i] = self._draw(bell.next_s)

    def _draw(self, now_s: float) -> _Bell:
        period = self._rng.choice(_PERIODS_S)
        return _Bell(
            period, now_s + self._rng.uniform(0.2, 1.0) * period * 0.5, self._rng.random(), self._rng.randint(3, 6)
        )

    def _nearest(self, now: Moment, slot: Slot, height: float) -> int:
        """The chord tone nearest to `height` of the bells' range."""
        assert slot.chord is not None
        pcs = chord_pcs(slot.chord, now.scale)
        centre = min(max(now.controls["register_note"] + 15.0, 74.0), 84.0)
        aim = min(max(centre + (height - 0.5) * 18.0, LOWEST), HIGHEST)
        pool = [p for p in range(LOWEST, HIGHEST + 1) if p % 12 in pcs]
        return min(pool, key=lambda p: abs(p - aim))

    def _toll(self, now: Moment, player: Player, beat: float, pitch: int, accent: float = 0.0) -> None:
        beats = _RING_BEATS
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - 4.5 - now.beat_s, 0.5) / now.beat_s
        slot_end = now.phrase.beats if not now.final else beat + beats
        if player.play("bells", beat, min(beats, max(slot_end - beat, 0.5)), pitch, accent):
            self.credit -= 1.0
