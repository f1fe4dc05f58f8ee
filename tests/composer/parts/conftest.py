"""A stage: parts by themselves, given phrases with chords and shares of notes that the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from synth.composer.harmony import Chord
from synth.composer.moment import Idea, Moment, Phrase, Shares, Slot
from synth.composer.playing import Player
from synth.composer.scales import Scale
from synth.controls import defaults
from synth.score.model import TICKS_PER_BEAT, Note

STEMS = ("pad", "bass", "melody", "bells", "percussion")
NOTHING = Shares(chords=1, voices=3, bass=0.0, percussion=0.0, figure=0.0, fill=0.0, tune=0.0, bells=0.0)


@dataclass
class Played:
    """What was written, bar by bar, with the moments it was written for."""

    moments: list[Moment] = field(default_factory=list)
    bars: list[list[Note]] = field(default_factory=list)

    @property
    def notes(self) -> list[Note]:
        return sorted((note for bar in self.bars for note in bar), key=lambda note: (note.tick, note.pitch))

    def of(self, stem: str) -> list[Note]:
        return [note for note in self.notes if note.stem == stem]

    def places(self, stem: str, grid: int = TICKS_PER_BEAT // 4) -> list[int]:
        """Onsets of `stem` in steps of `grid` ticks."""
        return [round(note.tick / grid) for note in self.of(stem)]


def _chord(phrase: int, slot: int) -> Chord:
    return Chord((0, 3, 5, 4)[(phrase + slot) % 4], "triad")


def stage(
    make: Callable[[], Sequence[object]],
    phrases: int = 6,
    bars: int = 4,
    beats: int = 4,
    bpm: float = 90.0,
    scale: Scale = Scale(2, 3),  # noqa: B008
    sections: int = 4,
    slots: int = 1,
    chord: Callable[[int, int], Chord] = _chord,
    ends: bool = False,
    stems: Callable[[int], tuple[str, ...]] = lambda phrase: STEMS,
    shares: Callable[[int], Mapping[str, float]] = lambda phrase: {},
    controls: Callable[[int], Mapping[str, float]] = lambda phrase: {},
    before: Callable[[Moment, Player], None] = lambda now, player: None,
) -> Played:
    """Let the parts of `make()` play `phrases` phrases of `bars` bars, a new section each `sections` phrases.

    What the later arguments give for a phrase's number stands while it lasts; `before` plays first in each bar.
    """
    parts, player, played = make(), Player(1, STEMS), Played()
    beat_s, tick = 60.0 / bpm, 0
    total_s = phrases * bars * beats * beat_s
    for number in range(phrases):
        length = bars * beats / slots
        ending = ends and number == phrases - 1
        chords = [Slot(i * length, length, chord(number, i), (62, 65, 69), scale.key) for i in range(slots)]
        if ending:
            chords[-1].beats -= beats
            chords.append(Slot(float((bars - 1) * beats), float(beats), Chord(0, "triad"), (62, 65, 69), scale.key))
        phrase = Phrase(
            number=number + 1,
            section=number // sections + 1,
            scale=scale,
            bar_beats=[beats] * bars,
            slots=chords,
            cadence="modal",
            stems=stems(number),
            relation="new",
            source=None,
            idea=Idea("A", number + 1, bars, 0.0),
            shares=Shares(**{**{name: getattr(NOTHING, name) for name in Shares.__slots__}, **shares(number)}),
            recall=[],
            ending=ending,
        )
        committed = {**defaults(), "tempo_bpm": bpm, "percussiveness": 0.5, **controls(number)}
        for bar in range(bars):
            time_s = tick / TICKS_PER_BEAT * beat_s
            now = Moment(
                tick=tick,
                time_s=time_s,
                remaining_s=total_s - time_s if ends else None,
                beats=beats,
                beat_s=beat_s,
                controls=committed,
                phrase=phrase,
                bar=bar,
                start=float(bar * beats),
                entered=STEMS,
            )
            player.begin(now)
            before(now, player)
            for part in parts:
                if bar == 0 and hasattr(part, "plan"):
                    part.plan(now)
            for part in parts:
                part.write(now, player)
            played.moments.append(now)
            played.bars.append(player.notes)
            tick += beats * TICKS_PER_BEAT
    return played


@pytest.fixture(scope="session", name="stage")
def _stage() -> Callable[..., Played]:
    return stage
