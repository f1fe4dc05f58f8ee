"""What the parts read when they write a bar: the phrase as planned and the moment as committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from synth.composer.harmony import Chord
from synth.composer.melody import Tone
from synth.composer.scales import Scale
from synth.score.model import TICKS_PER_BEAT
from synth.tuning.scale import TunedScale
from synth.tuning.tuning import TUNINGS, Tuning


@dataclass(slots=True, eq=False)
class Slot:
    """One chord's place: `beat` counts from the phrase's start. Chord, voicing and bass are decided as it nears."""

    beat: float
    beats: float
    chord: Chord | None = None
    voicing: tuple[int, ...] = ()
    bass_pc: int = 0
    tension: float = 0.0

    @property
    def end(self) -> float:
        return self.beat + self.beats


@dataclass(slots=True, eq=False)
class Idea:
    """What a phrase was made of, kept so that it can return."""

    name: str
    number: int
    bars: int
    time_s: float
    cadence: str = ""
    goal: tuple[int, int] = (0, 0)
    lengths: tuple[float, ...] = ()
    chords: list[Chord] = field(default_factory=list)
    line: list[Tone] = field(default_factory=list)
    liked: bool = False
    way: str = ""

    @property
    def family(self) -> str:
        """The name without the mark of a variation."""
        return self.name.rstrip("'")


@dataclass(frozen=True, slots=True)
class Shares:
    """How many notes each part gets: `bass`, `percussion`, `figure`, `fill` (broken chords) a bar, others a phrase."""

    chords: int
    voices: int
    bass: float
    percussion: float
    figure: float
    fill: float
    tune: float
    bells: float


@dataclass(slots=True)
class Phrase:
    """A phrase as planned. `relation` to `source`: "new", "exact", "varied" or "rhythm"; `ending` ends the session.

    `scene` is the number of its scene, `join` the kind of passage where it leads elsewhere, `still` one in which only
    what both sides share is held, `lean` its tension against others, `told` what the score says of it (kind and text),
    `leap_bpm` the tempo that it begins with when it does not go on from the one before, `leap_ratio` how many times as
    fast that is where a beat of one is a beat of the other.
    """

    number: int
    section: int
    scale: Scale
    bar_beats: list[int]
    slots: list[Slot]
    cadence: str
    stems: tuple[str, ...]
    relation: str
    source: Idea | None
    idea: Idea
    shares: Shares
    recall: list[Chord]
    ending: bool = False
    scene: int = 0
    join: str = ""
    still: bool = False
    lean: float = 1.0
    told: tuple[tuple[str, str], ...] = ()
    leap_bpm: float | None = None
    leap_ratio: float | None = None
    tuning: Tuning = TUNINGS["12-tet"]
    pivot: tuple[int, ...] = ()
    goal: tuple[int, int] = (0, 0)
    line: list[Tone] = field(default_factory=list)

    @property
    def bars(self) -> int:
        return len(self.bar_beats)

    @property
    def beats(self) -> int:
        return sum(self.bar_beats)


@dataclass(slots=True)
class Moment:
    """One bar to be written: `start` is its first beat counted from the phrase's.

    `room`: how many notes it still has; `spare`: how many of them the rest of the phrase can do without. `taken`: the
    stems that are left to a person who plays them.
    """

    tick: int
    time_s: float
    remaining_s: float | None
    beats: int
    beat_s: float
    controls: dict[str, float]
    phrase: Phrase
    bar: int
    start: float
    entered: tuple[str, ...]
    room: float = 0.0
    spare: float = 0.0
    taken: frozenset[str] = frozenset()

    @property
    def scale(self) -> Scale:
        return self.phrase.scale

    @property
    def tuned(self) -> TunedScale:
        """The scale's own degrees, and how it is used."""
        return self.phrase.scale.tuned

    @property
    def end(self) -> float:
        return self.start + self.beats

    @property
    def bar_s(self) -> float:
        return self.beats * self.beat_s

    @property
    def final(self) -> bool:
        """True for the bar of the session's last chord."""
        return self.phrase.ending and self.bar == self.phrase.bars - 1

    def plays(self, stem: str) -> bool:
        """True when `stem` has entered, is in this phrase's texture and is not left to a person."""
        return stem in self.entered and stem in self.phrase.stems and stem not in self.taken

    def spans(self) -> list[tuple[float, float, Slot]]:
        """(from, to, slot) in beats of the phrase for each chord that sounds in this bar."""
        found = []
        for slot in self.phrase.slots:
            low, high = max(slot.beat, self.start), min(slot.end, self.end)
            if high > low:
                found.append((low, high, slot))
        return found

    def ticks(self, beat: float) -> int:
        """Tick of a beat of the phrase."""
        return self.tick + round((beat - self.start) * TICKS_PER_BEAT)
