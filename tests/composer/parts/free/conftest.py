"""A stage for one part in free time: a drone, phrases in any scale, and what the part played, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from synth import controls
from synth.composer.harmony import Chord
from synth.composer.melody import Tone
from synth.composer.moment import Idea, Moment, Phrase, Shares, Slot
from synth.composer.playing import Player
from synth.composer.scales import NAMES, Scale
from synth.score.model import TICKS_PER_BEAT
from synth.tuning.catalogue import catalogue

STEMS = ("pad", "bass", "melody", "bells")
DRONE = (Chord(0, "open"),)


@dataclass(frozen=True)
class Heard:
    """A note in seconds, with the step of the scale it is, counted from the tonic of middle C's octave."""

    start_s: float
    end_s: float
    pitch: int
    step: int
    stem: str

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


@dataclass
class Take:
    """What was played."""

    scale: Scale
    notes: list[Heard] = field(default_factory=list)
    drone: list[Heard] = field(default_factory=list)
    phrases: list[tuple[float, float]] = field(default_factory=list)
    end_s: float = 0.0

    def sung(self, silence_s: float = 1.5) -> list[list[Heard]]:
        """The notes in runs parted by at least `silence_s`."""
        runs: list[list[Heard]] = []
        for note in self.notes:
            if runs and note.start_s - runs[-1][-1].end_s < silence_s:
                runs[-1].append(note)
            else:
                runs.append([note])
        return runs

    def silences(self) -> list[float]:
        """Seconds between the runs."""
        runs = self.sung()
        return [b[0].start_s - a[-1].end_s for a, b in zip(runs, runs[1:], strict=False)]

    def silent(self) -> float:
        """Share of the time from the first note to the end in which the part is silent."""
        first = self.notes[0].start_s
        covered, until = 0.0, first
        for note in self.notes:
            covered += max(note.end_s - max(note.start_s, until), 0.0)
            until = max(until, note.end_s)
        return 1.0 - covered / (self.end_s - first)

    def gaps(self) -> list[float]:
        """Seconds between attacks."""
        starts = sorted(note.start_s for note in self.notes)
        return [b - a for a, b in zip(starts, starts[1:], strict=False)]

    def roll(self, width: int = 150) -> str:
        """A piano roll in text."""
        rows: dict[int, list[str]] = {}
        for note in self.notes:
            row = rows.setdefault(note.pitch, [" "] * (width + 1))
            low, high = (int(x / self.end_s * width) for x in (note.start_s, min(note.end_s, self.end_s)))
            row[low : high + 1] = "o" + "-" * (high - low)
        return "\n".join(f"{pitch:3} |{''.join(rows[pitch])}|" for pitch in sorted(rows, reverse=True))


def named(name: str, key: int = 0) -> Scale:
    """A scale of the catalogue on `key`."""
    return Scale(key, NAMES.index(name))


def perform(
    part,
    scale: str | Callable[[float], str] = "bhoopali",
    *,
    key: int = 0,
    minutes: float = 6.0,
    bpm: float = 60.0,
    bars: int = 8,
    beats: int = 4,
    rate_hz: float = 0.3,
    ends: bool = False,
    drone: bool = True,
    section: Callable[[float], int] = lambda _: 1,
    plays: Callable[[float], bool] = lambda _: True,
    line: Callable[[int], list[Tone]] | None = None,
    chords: Sequence[Chord] = DRONE,
    before: Callable[[Moment, Player], None] | None = None,
    seed: int = 0,
    **values: float,
) -> Take:
    """`minutes` of `part`, in phrases of `bars`; with `ends` the last of them closes the session.

    `scale` may change with the second; `line` gives the tune of a phrase, `before` plays what comes before the part.
    """
    asked = {**controls.defaults(), "tempo_bpm": bpm, "regularity": 0.3, **values}
    player = Player(seed, STEMS)
    beat_s = 60.0 / bpm
    phrase_s = bars * beats * beat_s
    total = max(round(minutes * 60.0 / phrase_s), 1)
    tick, time_s = 0, 0.0
    take = Take(named(scale(0.0) if callable(scale) else scale, key))
    for number in range(total):
        sounding = named(scale(time_s) if callable(scale) else scale, key)
        ending = ends and number == total - 1
        length = bars * beats / len(chords)
        slots = [Slot(i * length, length, chord) for i, chord in enumerate(chords)]
        if ending:
            last = float((bars - 1) * beats)
            slots = [Slot(0.0, last, chords[0]), Slot(last, float(beats), chords[0])]
        share = rate_hz * phrase_s
        phrase = Phrase(
            number=number,
            section=section(time_s),
            scale=sounding,
            bar_beats=[beats] * bars,
            slots=slots,
            cadence="plagal",
            stems=STEMS,
            relation="new",
            source=None,
            idea=Idea("A", number, bars, time_s),
            shares=Shares(1, 2, 1.0, 0.0, 0.0, 0.0, share, share),
            recall=[],
            ending=ending,
        )
        if line is not None:
            phrase.line = line(number)
        take.phrases.append((time_s, time_s + phrase_s))
        for bar in range(bars):
            remaining = total * phrase_s - time_s + 6.0 if ends else None
            entered = STEMS if plays(time_s) else tuple(stem for stem in STEMS if stem != part.stem)
            now = Moment(tick, time_s, remaining, beats, beat_s, asked, phrase, bar, float(bar * beats), entered)
            player.begin(now)
            if bar == 0:
                if drone:
                    low, over = sounding.key + 36, sounding.semitones[max(sounding.tuned.drone, default=0)]
                    for pitch in sorted({low, low + 12 + over, low + 24}):
                        player.play("bass" if pitch == low else "pad", 0.0, float(phrase.beats), pitch)
                part.plan(now)
            if before is not None:
                before(now, player)
            part.write(now, player)
            for note in player.notes:
                start, pitch = note.tick / TICKS_PER_BEAT * beat_s, round(note.pitch)
                end = start + note.duration / TICKS_PER_BEAT * beat_s
                heard = Heard(start, end, pitch, sounding.step(pitch) - 5 * sounding.size, note.stem)
                (take.notes if note.stem == part.stem else take.drone).append(heard)
            tick += beats * TICKS_PER_BEAT
            time_s += beats * beat_s
    take.notes.sort(key=lambda note: note.start_s)
    take.end_s = time_s
    return take


class Stage:
    """What the tests use; told in a word, since a failing example tells its arguments."""

    def __init__(self, **names: object) -> None:
        self.__dict__.update(names)

    def __repr__(self) -> str:
        return "stage"


@pytest.fixture(scope="session")
def stage() -> Stage:
    """`perform` and what a test needs beside it."""
    return Stage(perform=perform, named=named, STEMS=STEMS, catalogue=catalogue())
