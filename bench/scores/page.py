"""A score as it lies in its MIDI file: notes by pretty_midi, markers by mido; beats are quarter notes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS = 4  # steps a beat on the quantised page
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
UNPITCHED = ("percussion", "nature")


class Note(NamedTuple):
    """A note; `start` and `end` in beats, `pitch` the key that is struck, `velocity` 0..1."""

    stem: str
    start: float
    end: float
    pitch: int
    velocity: float = 0.5


class Mark(NamedTuple):
    """A marker at a beat."""

    beat: float
    kind: str
    text: str


class Key(NamedTuple):
    """From `beat` on `tonic` (0..11) and the name of the scale hold."""

    beat: float
    tonic: int
    scale: str


class Metre(NamedTuple):
    """From `beat` on a bar has `beats`."""

    beat: float
    beats: int


@dataclass
class Page:
    """Notes in order; `tempo` is (beat, seconds) where the tempo changes, `tunes` says which stem has the tune from
    a beat on."""

    notes: list[Note]
    marks: list[Mark] = field(default_factory=list)
    keys: list[Key] = field(default_factory=lambda: [Key(0.0, 0, "ionian")])
    metres: list[Metre] = field(default_factory=lambda: [Metre(0.0, 4)])
    tempo: NDArray[np.float64] = field(default_factory=lambda: np.array([[0.0, 0.0], [1.0, 1.0]]))
    tunes: list[tuple[float, str]] = field(default_factory=lambda: [(0.0, "melody")])

    @property
    def melody(self) -> list[Note]:
        """The notes of the stem that has the tune when they start."""
        beats = [beat for beat, _ in self.tunes]
        return [n for n in self.notes if n.stem == self.tunes[max(bisect_right(beats, n.start + 0.15) - 1, 0)][1]]

    @property
    def end(self) -> float:
        """Where the last note ends, in beats."""
        return max((note.end for note in self.notes), default=0.0)

    @property
    def pitched(self) -> list[Note]:
        return [note for note in self.notes if note.stem not in UNPITCHED]

    def of(self, stem: str) -> list[Note]:
        return [note for note in self.notes if note.stem == stem]

    def marked(self, kind: str) -> list[Mark]:
        return [mark for mark in self.marks if mark.kind == kind]

    def seconds(self, beat: float) -> float:
        """When `beat` sounds."""
        beats, times = self.tempo[:, 0], self.tempo[:, 1]
        i = min(max(int(np.searchsorted(beats, beat, "right")) - 1, 0), len(beats) - 2)
        pace = (times[i + 1] - times[i]) / (beats[i + 1] - beats[i])
        return float(times[i] + (beat - beats[i]) * pace)

    def key_at(self, beat: float) -> Key:
        return self.keys[max(bisect_right([key.beat for key in self.keys], beat + 1e-6) - 1, 0)]

    @property
    def bars(self) -> list[tuple[float, float]]:
        """(start, end) of each bar from the first that a note starts in to the last."""
        found = []
        first = min((note.start for note in self.notes), default=0.0)
        last = max((note.start for note in self.notes), default=-1.0)
        for metre, after in zip(self.metres, [*self.metres[1:], None], strict=True):
            beat, stop = metre.beat, after.beat if after else last + 1e-6
            while beat < stop - 1e-9:
                if beat + metre.beats > first + 1e-6:
                    found.append((beat, beat + metre.beats))
                beat += metre.beats
        return found

    def quantised(self) -> Page:
        """Starts and ends on the nearest step, no note shorter than a step."""
        notes = []
        for note in self.notes:
            start = round(note.start * STEPS) / STEPS
            end = max(round(note.end * STEPS) / STEPS, start + 1 / STEPS)
            notes.append(note._replace(start=start, end=end))
        return replace(self, notes=sorted(notes, key=lambda n: (n.start, n.stem, n.pitch)))

    def relative(self, note: Note) -> int:
        """Pitch class above the tonic; what has no pitch stays as it is."""
        if note.stem in UNPITCHED:
            return note.pitch
        return (note.pitch - self.key_at(note.start).tonic) % 12

    def between(self, low: float, high: float) -> Page:
        """The notes that start from beat `low` to `high`, in their places."""
        return replace(
            self,
            notes=[note for note in self.notes if low <= note.start < high],
            marks=[mark for mark in self.marks if low <= mark.beat < high],
        )

    def reordered(self, order: Iterable[int]) -> Page:
        """The bars in another order: notes are cut at bar lines, and tied again where the same pitch meets there."""
        bars = self.bars
        starts = [start for start, _ in bars]
        inside: list[list[Note]] = [[] for _ in bars]
        for note in self.notes:
            bar = max(bisect_right(starts, note.start + 1e-9) - 1, 0)
            while note.end > bars[bar][1] + 1e-9 and bar + 1 < len(bars):
                inside[bar].append(note._replace(end=bars[bar][1]))
                note = note._replace(start=bars[bar][1])
                bar += 1
            inside[bar].append(note)
        notes: list[Note] = []
        beat = starts[0] if bars else 0.0
        tied: dict[tuple[str, int], int] = {}
        for index in order:
            (start, end), ends = bars[index], {}
            for note in inside[index]:
                moved = note._replace(start=note.start - start + beat, end=note.end - start + beat)
                place = tied.get((note.stem, note.pitch)) if note.start == start else None
                if place is None:
                    place = len(notes)
                    notes.append(moved)
                else:
                    notes[place] = notes[place]._replace(end=moved.end)
                if note.end == end:
                    ends[note.stem, note.pitch] = place
            tied = ends
            beat += end - start
        return replace(self, notes=sorted(notes, key=lambda n: (n.start, n.stem, n.pitch)))


def read_page(path: Path) -> Page:
    """The page in a MIDI file, as `synth.score.midi.write_midi` or any other program wrote it."""
    import mido
    import pretty_midi

    heard = pretty_midi.PrettyMIDI(str(path))
    resolution = heard.resolution
    notes = []
    for instrument in heard.instruments:
        stem = "percussion" if instrument.is_drum else instrument.name
        for note in instrument.notes:
            start, end = (heard.time_to_tick(t) / resolution for t in (note.start, note.end))
            notes.append(Note(stem, start, end, note.pitch, note.velocity / 127))
    notes.sort(key=lambda n: (n.start, n.stem, n.pitch))
    marks, keys, metres = [], [], []
    tempo, now = [], 0
    for message in mido.MidiFile(str(path), charset="utf-8").tracks[0]:
        now += message.time
        beat = now / resolution
        if message.type == "marker":
            kind, _, text = message.text.partition(": ")
            if kind == "key":
                tonic, _, scale = text.partition(" ")
                keys.append(Key(beat, KEYS.index(tonic), scale))
            else:
                marks.append(Mark(beat, kind, text))
        elif message.type == "time_signature":
            metres.append(Metre(beat, message.numerator * 4 // message.denominator))
        elif message.type == "set_tempo":
            tempo.append((beat, heard.tick_to_time(now)))
    end = max(now / resolution, max((n.end for n in notes), default=0.0)) + 1.0
    tempo.append((end, heard.tick_to_time(round(end * resolution))))
    page = Page(notes, marks, tempo=np.array(tempo))
    page.keys = keys or page.keys
    page.metres = metres or page.metres
    return page
