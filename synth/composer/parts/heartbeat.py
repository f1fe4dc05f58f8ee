"""Heartbeat: a low pulse in pairs on the tonic. It is a pulse of its own and follows no measured heart."""

from __future__ import annotations

from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.voicing import BASS_LOW

SUB_LOW, SUB_HIGH = BASS_LOW, BASS_LOW + 11  # E1 up
_PAIR_S = 0.30  # from the first sound to the second
_LONGEST_PAIR = 0.42  # beats
_FIRST_BEATS, _SECOND_BEATS = 0.3, 0.25
_FIRST, _SECOND = 0.04, -0.12  # accents
_EVERY = (1.0, 2.0, 4.0)  # beats from pair to pair, where they fit
_RING_S = 1.4


class Heartbeat:
    """Writes pairs of strokes for `stem`, as often as its share of notes has it; that changes at phrases only.

    Nothing is drawn: `seed` is there because every part has one.
    """

    def __init__(self, seed: int, stem: str = "bass") -> None:
        self.stem = stem
        self._every = 1.0

    def plan(self, now: Moment) -> None:
        """Choose how far apart the pairs are."""
        wanted = now.phrase.shares.bass / now.phrase.bar_beats[0]  # notes a beat
        fitting = [every for every in _EVERY if every <= now.phrase.bar_beats[0]]
        self._every = min(fitting, key=lambda every: abs(2.0 / every - wanted))
        if now.phrase.ending:
            self._every = min(2.0 * self._every, fitting[-1])

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        if now.bar == 0:
            self.plan(now)
        if not now.plays(self.stem):
            return
        pitch = SUB_LOW + (now.scale.key - SUB_LOW) % 12
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - _RING_S, 0.5) / now.beat_s
            player.play(self.stem, now.start, beats, pitch, _FIRST, steady=True)
            return
        apart = min(_PAIR_S / now.beat_s, _LONGEST_PAIR)
        beat = now.start
        while beat < now.end:
            if player.fits(pitch, beat, beat + apart + _SECOND_BEATS):
                player.play(self.stem, beat, _FIRST_BEATS * apart / _LONGEST_PAIR, pitch, _FIRST, steady=True)
                player.play(self.stem, beat + apart, _SECOND_BEATS, pitch, _SECOND, steady=True)
            beat += self._every
