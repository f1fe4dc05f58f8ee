"""The landmark: tonic, fifth and tonic again, high and soft, for as long as it is asked for. It never changes, so that
one can hold on to it; every mode has both tones."""

from __future__ import annotations

from synth.composer.moment import Moment
from synth.composer.playing import Player

VOICES = ("bells", "melody", "pad")  # who says it: the first of them that can be heard
LOWEST = {"bells": 72, "melody": 65, "pad": 60}
EVERY_BARS = 2
SILENT_DB = -60.0
_STEPS = (0, 7, 12)
_RING_BEATS = 3.0
_SOFTER = -0.06  # of velocity


class Landmark:
    """Writes into one of the `stems` that play."""

    def __init__(self, stems: tuple[str, ...]) -> None:
        self._voices = tuple(stem for stem in VOICES if stem in stems)
        self._bars = 0

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar, where a landmark is due."""
        if now.controls["landmark"] < 0.5 or now.final:
            self._bars = 0
            return
        due = self._bars % EVERY_BARS == 0
        self._bars += 1
        stem = next((s for s in self._voices if now.controls[f"level_{s}_db"] > SILENT_DB), None)
        if not due or stem is None:
            return
        tonic = LOWEST[stem] + (now.scale.key - LOWEST[stem]) % 12
        for i, step in enumerate(_STEPS[: now.beats]):
            player.play(stem, now.start + i, _RING_BEATS, tonic + step, _SOFTER)
