"""The landmark: tonic, fifth and tonic again, high and soft, for as long as it is asked for. It never changes, so that
one can hold on to it; every mode has both tones."""

from __future__ import annotations

from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.voicing import RUBS

VOICES = ("bells", "melody", "pad")  # who says it: the first of them that can be heard
LOWEST = {"bells": 72, "melody": 65, "pad": 60}
EVERY_BARS = 2
MOST_WAITED = 2  # bars, for the end of a chord that it would rub against, before the first
SILENT_DB = -60.0
_STEPS = (0, 7, 12)
_RING_BEATS = 3.0
_SOFTER = -0.06  # of velocity


class Landmark:
    """Writes into one of the `stems` that play."""

    def __init__(self, stems: tuple[str, ...]) -> None:
        self._voices = tuple(stem for stem in VOICES if stem in stems)
        self._bars = self._waited = 0

    def tones(self, now: Moment) -> tuple[int, ...]:
        """Its pitches while it is asked for and can be heard: chords are voiced so as not to rub against them."""
        stem = self._stem(now)
        if stem is None or now.controls["landmark"] < 0.5 or now.final:
            return ()
        tonic = LOWEST[stem] + (now.scale.key - LOWEST[stem]) % 12
        return tuple(tonic + step for step in _STEPS[: now.beats])

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar, where a landmark is due."""
        if now.controls["landmark"] < 0.5 or now.final:
            self._bars = self._waited = 0
            return
        stem = self._stem(now)
        tones = [(now.start + i, pitch) for i, pitch in enumerate(self.tones(now))]
        if self._bars == 0 and self._waited < MOST_WAITED and self._rubs(now, player, tones):
            self._waited += 1
            return
        due = self._bars % EVERY_BARS == 0
        self._bars += 1
        if due and stem is not None:
            for beat, pitch in tones:
                player.play(stem, beat, _RING_BEATS, pitch, _SOFTER)

    def _rubs(self, now: Moment, player: Player, tones: list[tuple[float, int]]) -> bool:
        """Whether it would rub against what sounds, or against a chord that was decided before it was asked for."""
        decided = [held for slot in now.phrase.slots if slot.end > now.start for held in slot.voicing]
        return any(
            player.rubs(pitch, beat, beat + _RING_BEATS) or any(abs(pitch - held) in RUBS for held in decided)
            for beat, pitch in tones
        )

    def _stem(self, now: Moment) -> str | None:
        return next((stem for stem in self._voices if now.controls[f"level_{stem}_db"] > SILENT_DB), None)
