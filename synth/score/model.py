"""The score: notes, tempo, keys and markers in integer ticks, so that audio, MIDI file and replay agree exactly.

Pitches may be fractional MIDI notes. Tempo is held as integer microseconds a quarter note, the unit of a MIDI
file, and changes on beats only: a tick's time is then an exact fraction at any sample rate.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from synth.controls import MODES

TICKS_PER_BEAT = 960
MINOR_MODES = frozenset(("dorian", "aeolian", "phrygian"))


class Slide(NamedTuple):
    """A sounding note moves to `pitch`: it begins `after` ticks from the note's start and takes `ticks`."""

    after: int
    pitch: float
    ticks: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note: `tick` and `duration` in ticks from the session's start, `pitch` as MIDI note, `velocity` 0..1.

    `slides` follow each other, none before the one before it has arrived.
    """

    stem: str
    tick: int
    duration: int
    pitch: float
    velocity: float
    slides: tuple[Slide, ...] = ()


@dataclass(frozen=True, slots=True)
class Tempo:
    """From `tick` on a quarter note lasts `us_per_beat` microseconds."""

    tick: int
    us_per_beat: int

    @property
    def bpm(self) -> float:
        """Quarter notes a minute."""
        return 60e6 / self.us_per_beat


@dataclass(frozen=True, slots=True)
class KeyChange:
    """From `tick` on the tonic is `KEYS[key]` and the scale the `mode`-th of the score's `scales`."""

    tick: int
    key: int
    mode: int


@dataclass(frozen=True, slots=True)
class Metre:
    """From `tick` on a bar has `beats` quarter notes."""

    tick: int
    beats: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A named place. `kind`: "phrase", "cadence", "chord", "tension", "recall", "scene", "guest", "reply", "phase"
    or "end"."""

    tick: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note that a hand plays: from `tick` to `end` (None: it is held), `pitch` as MIDI note, `velocity` 0..1."""

    stem: str
    tick: int
    end: int | None
    pitch: float
    velocity: float


def _tick(change: Tempo | KeyChange | Metre) -> int:
    return change.tick


@dataclass(slots=True)
class Score:
    """What was played, in the order it was played.

    `scales` names what `KeyChange.mode` counts, `minor` those of them that have a minor third and no major one.
    """

    stems: tuple[str, ...]
    notes: list[Note] = field(default_factory=list)
    tempos: list[Tempo] = field(default_factory=list)
    keys: list[KeyChange] = field(default_factory=list)
    metres: list[Metre] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    end_tick: int = 0
    scales: tuple[str, ...] = MODES
    minor: frozenset[str] = MINOR_MODES

    def forget(self, tick: int) -> None:
        """Leave out what was over before `tick`; tempo, key and metre there are kept, from where they began."""
        self.notes[:] = [note for note in self.notes if note.tick + note.duration >= tick]
        self.markers[:] = [marker for marker in self.markers if marker.tick >= tick]
        for changes in (self.tempos, self.keys, self.metres):
            del changes[: max(bisect_right(changes, tick, key=_tick) - 1, 0)]

    def change(self, note: Note, to: Note | None) -> None:
        """Put `to` in the place of `note` itself, one of the latest; None leaves it out."""
        for place in range(len(self.notes) - 1, -1, -1):
            if self.notes[place] is note:
                self.notes[place : place + 1] = [] if to is None else [to]
                return


@dataclass(frozen=True, slots=True)
class Ask:
    """What the composer is asked for a bar, one beat before it: the controls by name as committed at that moment.

    `tick` is the bar's first tick, `time_s` about when it sounds, `remaining_s` the time from there to the end
    of the session (None: no end is known), `phase` the plan's phase, `tempo_asked_bpm` the tempo a person
    asked for, if it may be leapt to. `played` is what hands played of late, as known at `asked_tick`.
    """

    bar: int
    tick: int
    time_s: float
    remaining_s: float | None
    controls: dict[str, float]
    phase: str = ""
    tempo_asked_bpm: float | None = None
    asked_tick: int = 0
    played: tuple[Stroke, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """The composer's answer: one bar of `beats` quarter notes.

    `notes` may start up to one beat before `tick` and ring on past the bar. `swell` is the phrase's dynamic
    shape at the bar's start and end, 0 (softest) to 1; `stretch` slows single beats (1.1 = a tenth slower) and
    is used for the last cadence only. `final` says that nothing follows. Where the tempo does not go on from the beat
    before, the bar begins with `leap_bpm`, or `leap_ratio` times as fast where that is given. `players` are the
    instruments of the scene, (stem, name), where they are not the stem's own. `tuning` is the name of the scene's.
    """

    tick: int
    beats: int
    key: int
    mode: int
    notes: tuple[Note, ...]
    markers: tuple[Marker, ...] = ()
    swell: tuple[float, float] = (0.5, 0.5)
    stretch: tuple[float, ...] = ()
    final: bool = False
    leap_bpm: float | None = None
    leap_ratio: float | None = None
    players: tuple[tuple[str, str], ...] = ()
    tuning: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What changes from `tick` on, a beat's, in bars that are written, as someone plays along.

    Of the notes in `cut` those that sound end there, those that were to begin do not. `notes` come in their place;
    `markers`, where there are any, replace those of the same kinds from there on.
    """

    tick: int
    cut: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()
    markers: tuple[Marker, ...] = ()
