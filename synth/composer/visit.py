"""A guest's visits to one stem: it is invited a phrase ahead, and what it wrote is the line of its phrase."""

from __future__ import annotations

from dataclasses import replace

from synth.composer.guests import Invitation, Reception, Written
from synth.composer.melody import Tone
from synth.composer.moment import Moment
from synth.rng import stream_seed

_HEARD_BEATS = 64.0
_PLAIN = 0.58  # the velocity of a tone without an accent
_FEWEST = 3.0  # notes asked for at least


class Visit:
    """Invites the guest of `stem` at `desk`, and takes what it wrote."""

    def __init__(self, seed: int, stem: str, desk: Reception) -> None:
        self._seed, self._stem, self._desk = seed, stem, desk
        self._heard: tuple[Written, ...] = ()
        self._beats = 0

    def line(self, now: Moment, low: int, high: int) -> list[Tone]:
        """The line of the phrase that begins at `now`, none where no guest plays; the guest is invited to the next."""
        phrase, written = now.phrase, None
        self._heard = self._before(self._heard, self._beats)
        if now.plays(self._stem) and not phrase.ending:
            here = self._invitation(now, phrase.number, low, high)
            written = self._desk.take(self._stem, phrase.number, here)
        self._heard += written or ()
        self._beats = phrase.beats
        if not phrase.ending:
            coming = self._invitation(now, phrase.number + 1, low, high)
            self._desk.invite(replace(coming, heard=self._before(self._heard, phrase.beats)))
        return [
            Tone(note.beat, note.beats, "guest", place, now.scale.step(note.pitch), accent=note.velocity - _PLAIN)
            for place, note in enumerate(written or ())
        ]

    def _before(self, notes: tuple[Written, ...], beats: float) -> tuple[Written, ...]:
        """`notes` counted from a phrase that begins `beats` later."""
        moved = (replace(note, beat=note.beat - beats) for note in notes)
        return tuple(note for note in moved if note.beat >= -_HEARD_BEATS)

    def _invitation(self, now: Moment, number: int, low: int, high: int) -> Invitation:
        phrase, scale = now.phrase, now.scale
        return Invitation(
            stem=self._stem,
            phrase=number,
            bars=phrase.bars,
            beats=now.beats,
            tempo_bpm=60.0 / now.beat_s,
            key=scale.key,
            scale=scale.name.partition(" ")[2],
            semitones=scale.semitones,
            low=low,
            high=high,
            notes=max(phrase.shares.tune, _FEWEST),
            closing_beat=phrase.slots[-1].beat,
            controls=now.controls,
            seed=stream_seed(self._seed, "guest", self._stem, number),
            heard=self._heard,
        )
