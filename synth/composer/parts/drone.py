"""The drone: the tonic held under a scene, and with it the tone that a scale rests on where it has no fifth."""

from __future__ import annotations

from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.voicing import drone_note

_OCTAVE = 4  # of the second tone, clear of the tonic
_FIFTH_CENTS = (660.0, 740.0)
_RING_S = 1.0  # the last to leave


class Drone:
    """Writes the stem "drone"."""

    stem = "drone"

    def write(self, now: Moment, player: Player) -> None:
        """Hold on to the end of the phrase what does not sound yet."""
        if not now.plays(self.stem):
            return
        held = player.sounding(self.stem, now.ticks(now.start))
        beats = now.phrase.beats - now.start
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - _RING_S, 1.0) / now.beat_s
        for pitch in self._tones(now):
            if pitch not in held:
                player.play(self.stem, now.start, beats, pitch, steady=True)

    def _tones(self, now: Moment) -> list[int]:
        scale, tuned = now.scale, now.tuned
        tones = [drone_note(scale.key)]
        rests = [degree for degree in tuned.drone if degree]
        if rests and not any(_FIFTH_CENTS[0] < tuned.cents[degree] < _FIFTH_CENTS[1] for degree in rests):
            tones.append(scale.pitch(_OCTAVE * scale.size + rests[0]))
        return tones
