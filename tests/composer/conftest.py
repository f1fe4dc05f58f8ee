"""A driver that asks for bar after bar as the engine does, and measures of what came out."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from synth.composer.composer import Composer
from synth.composer.scales import Scale, pitch_classes
from synth.controls import defaults
from synth.preset import Preset, Scene, StemSetting, load_preset
from synth.score.model import TICKS_PER_BEAT, Ask, Bar, Marker, Note

STEMS = ("pad", "bass", "melody", "bells", "percussion")
SHIPPED = ("settle", "sleep", "focus", "energise")
# Smallest interval above a tone under a pitch: octaves to C3, fifths to E3, fourths to G3, thirds to C4, seconds.
LOW_INTERVALS = ((48, 12), (52, 7), (55, 5), (60, 3), (128, 1))
Controls = Mapping[str, float] | Callable[[float], Mapping[str, float]]


@dataclass
class Piece:
    """What a composer wrote: bars with the time each began, and the beats as (start in s, length in s)."""

    asks: list[Ask] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    beats: list[tuple[float, float]] = field(default_factory=list)

    @property
    def notes(self) -> list[Note]:
        return sorted((note for bar in self.bars for note in bar.notes), key=lambda n: (n.tick, n.stem, n.pitch))

    def of(self, stem: str) -> list[Note]:
        return [note for note in self.notes if note.stem == stem]

    def markers(self, kind: str) -> list[Marker]:
        return [marker for bar in self.bars for marker in bar.markers if marker.kind == kind]

    @property
    def end_s(self) -> float:
        start, length = self.beats[-1]
        return start + length

    def seconds(self, tick: int) -> float:
        beat = min(max(tick // TICKS_PER_BEAT, 0), len(self.beats) - 1)
        start, length = self.beats[beat]
        return start + (tick - beat * TICKS_PER_BEAT) / TICKS_PER_BEAT * length


def make_preset(
    archetype: str = "chorale",
    practice: str = "functional",
    metre: int = 4,
    phrase_bars: int = 4,
    chord_bars: float = 1.0,
    stems: tuple[str, ...] = STEMS,
    **controls: float,
) -> Preset:
    return Preset(
        name="test",
        title="Test",
        summary="",
        goal="",
        minutes=10.0,
        controls={**defaults(), **controls},
        ranges={},
        phases=(),
        stems={stem: StemSetting("none") for stem in stems},
        scenes=(Scene("main", archetype, practice, metre, phrase_bars, chord_bars),),
    )


def grooving(preset: Preset) -> Preset:
    """Energise in its main scene from the start, as no plan leads there."""
    return replace(preset, scenes=preset.scenes[1:])


PRESETS: dict[str, Preset] = {
    **{name: load_preset(name) for name in SHIPPED},
    "energise": grooving(load_preset("energise")),
    "drone": make_preset("drone", "modal", 4, 8, 2.0, tempo_bpm=54, density_hz=0.4, mode=2, tonal_tension=0.12),
    "walk": make_preset("folk", "modal", tempo_bpm=84, density_hz=2.6, percussiveness=0.2, register_note=68),
    "waltz": make_preset("piano_waltz", metre=3, phrase_bars=8, tempo_bpm=62, density_hz=1.3, register_note=70),
}


def perform(
    preset: Preset,
    seed: int,
    minutes: float,
    controls: Controls | None = None,
    ends: bool = False,
    composer: Composer | None = None,
) -> Piece:
    """Ask for `minutes` of bars, each one beat ahead; `ends` tells the composer that the session ends then."""
    composer = composer or Composer(preset, seed)
    piece = Piece()
    now_s, tick, last_beat_s = 0.0, 0, 0.0

    def committed(at_s: float) -> dict[str, float]:
        moved = controls(at_s) if callable(controls) else controls or {}
        return {**preset.controls, **moved}

    while now_s < minutes * 60.0 and not (piece.bars and piece.bars[-1].final):
        remaining = minutes * 60.0 - now_s if ends else None
        ask = Ask(len(piece.bars), tick, now_s, remaining, committed(max(now_s - last_beat_s, 0.0)))
        bar = composer.bar(ask)
        piece.asks.append(ask)
        piece.bars.append(bar)
        for beat in range(bar.beats):
            slow = bar.stretch[beat] if beat < len(bar.stretch) else 1.0
            last_beat_s = 60.0 / committed(now_s)["tempo_bpm"] * slow
            piece.beats.append((now_s, last_beat_s))
            now_s += last_beat_s
            tick += TICKS_PER_BEAT
    return piece


def densities(piece: Piece, window_s: float = 60.0, skip_s: float = 60.0, hop_s: float = 15.0) -> list[float]:
    """Notes a second in windows of `window_s`, once the opening is over."""
    times = sorted(piece.seconds(note.tick) for note in piece.notes)
    starts = [skip_s + i * hop_s for i in range(int((piece.end_s - skip_s - window_s) / hop_s) + 1)]
    return [sum(start <= t < start + window_s for t in times) / window_s for start in starts]


def voicings(piece: Piece, stem: str = "pad") -> list[tuple[int, ...]]:
    """The pad's held tones half a beat after each chord begins."""
    found = []
    notes = piece.of(stem)
    for marker in piece.markers("chord"):
        at = marker.tick + TICKS_PER_BEAT // 2
        held = sorted(int(n.pitch) for n in notes if n.tick <= at < n.tick + n.duration)
        if held:
            found.append(tuple(held))
    return found


def motion(before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Total semitones from one voicing to the next, each tone from the nearest when their numbers differ."""
    if len(before) == len(after):
        return sum(abs(a - b) for a, b in zip(before, after, strict=True))
    few, many = sorted((before, after), key=len)
    return sum(min(abs(a - b) for b in few) for a in many)


def lines(piece: Piece, stem: str = "melody") -> list[list[Note]]:
    """The stem's notes, phrase by phrase."""
    starts = [marker.tick for marker in piece.markers("phrase")]
    found: dict[int, list[Note]] = defaultdict(list)
    for note in piece.of(stem):
        found[bisect_right(starts, note.tick + 60)].append(note)
    return list(found.values())


def crowded(piece: Piece, shortest: int = TICKS_PER_BEAT // 4) -> list[tuple[Note, Note]]:
    """Pairs of notes nearer than the lower one's limit (`LOW_INTERVALS`) that sound together for `shortest` ticks."""
    found: list[tuple[Note, Note]] = []
    held: list[Note] = []
    for note in (n for n in piece.notes if n.stem != "percussion"):
        held = [other for other in held if other.tick + other.duration > note.tick]
        for other in held:
            low, high = sorted((round(note.pitch), round(other.pitch)))
            least = next(gap for below, gap in LOW_INTERVALS if low < below)
            together = min(other.tick + other.duration, note.tick + note.duration) - note.tick
            if low != high and high - low < least and together > shortest:
                found.append((other, note))
        held.append(note)
    return found


def scale_of(piece: Piece) -> Callable[[int], tuple[int, ...]]:
    """Pitch classes of the scale that sounds at a tick."""
    ticks = [bar.tick for bar in piece.bars]

    def at(tick: int) -> tuple[int, ...]:
        bar = piece.bars[max(bisect_right(ticks, tick) - 1, 0)]
        return pitch_classes(Scale(bar.key, bar.mode))

    return at


# --- measures on a score, after the comparison of calm pieces with damaged ones -------------------------------------


@dataclass
class Sheet:
    """A piece as quantised notes (start and length in quarter beats, pitch, stem), pitched stems only."""

    notes: list[tuple[int, int, int, str]]
    bar_units: int

    @property
    def bars(self) -> int:
        return max(start // self.bar_units for start, *_ in self.notes) + 1

    def bar(self, index: int) -> list[tuple[int, int, int, str]]:
        low = index * self.bar_units
        return [(s - low, d, p, stem) for s, d, p, stem in self.notes if low <= s < low + self.bar_units]

    def reordered(self, order: list[int]) -> Sheet:
        moved = [
            (place * self.bar_units + s, d, p, stem)
            for place, index in enumerate(order)
            for s, d, p, stem in self.bar(index)
        ]
        return Sheet(sorted(moved), self.bar_units)


def sheet(piece: Piece, metre: int, bars: int = 96) -> Sheet:
    unit = TICKS_PER_BEAT // 4
    notes = [
        (round(n.tick / unit), max(round(n.duration / unit), 1), int(n.pitch), n.stem)
        for n in piece.notes
        if n.stem != "percussion"
    ]
    limit = bars * metre * 4
    return Sheet(sorted(note for note in notes if note[0] < limit), metre * 4)


def _beats(page: Sheet) -> list[list[tuple[int, int]]]:
    """(pitch, quarter beats it sounds) for each beat."""
    beats: list[list[tuple[int, int]]] = [[] for _ in range(page.bars * page.bar_units // 4)]
    for start, length, pitch, _ in page.notes:
        for beat in range(start // 4, min((start + length - 1) // 4 + 1, len(beats))):
            beats[beat].append((pitch, min(start + length, beat * 4 + 4) - max(start, beat * 4)))
    return beats


def clash(page: Sheet) -> float:
    """Share of beats with two or more tones in which two pitch classes are a semitone apart."""
    several = [{p % 12 for p, _ in beat} for beat in _beats(page) if len(beat) > 1]
    return sum(any((pc + 1) % 12 in pcs for pc in pcs) for pcs in several) / max(len(several), 1)


_SHAPES = [
    (0, 4, 7),
    (0, 3, 7),
    (0, 3, 6),
    (0, 4, 7, 11),
    (0, 4, 7, 10),
    (0, 3, 7, 10),
    (0, 3, 6, 10),
    (0, 2, 7),
    (0, 5, 7),
]


def chord_fit(page: Sheet) -> float:
    """Mean best cosine of a beat's pitch content to a triad, seventh or suspended chord."""
    fits = []
    for beat in _beats(page):
        if len(beat) < 2:
            continue
        content = [0.0] * 12
        for pitch, length in beat:
            content[pitch % 12] += length
        norm = math.sqrt(sum(x * x for x in content))
        best = max(
            sum(content[(root + step) % 12] for step in shape) / math.sqrt(len(shape))
            for root in range(12)
            for shape in _SHAPES
        )
        fits.append(best / norm)
    return statistics.mean(fits)


def _top(page: Sheet, stem: str | None) -> list[tuple[int, int]]:
    """(start, pitch) of the highest note at each onset, of `stem` or of all."""
    highest: dict[int, int] = {}
    for start, _, pitch, name in page.notes:
        if stem in (None, name):
            highest[start] = max(highest.get(start, 0), pitch)
    return sorted(highest.items())


def motif_return(page: Sheet, stem: str | None = "melody") -> float:
    """Share of cells of four intervals, with their rhythm, that occur more than once."""
    top = _top(page, stem)
    steps = [(b[1] - a[1], b[0] - a[0]) for a, b in zip(top, top[1:], strict=False)]
    cells = [tuple(steps[i : i + 4]) for i in range(len(steps) - 3)]
    counts = Counter(cells)
    return sum(counts[cell] > 1 for cell in cells) / max(len(cells), 1)


def _bar_likeness(page: Sheet) -> list[list[float]]:
    vectors = []
    for index in range(page.bars):
        vector: Counter[tuple[str, int]] = Counter()
        for start, length, pitch, stem in page.bar(index):
            vector["pc", pitch % 12] += length
            vector[stem, start] += 4
        norm = math.sqrt(sum(x * x for x in vector.values())) or 1.0
        vectors.append({key: value / norm for key, value in vector.items()})
    return [[sum(value * b.get(key, 0.0) for key, value in a.items()) for b in vectors] for a in vectors]


def phrase_period(page: Sheet) -> float:
    """How much more alike bars 4, 8 and 16 apart are than any two, in standard deviations."""
    alike = _bar_likeness(page)
    count = len(alike)
    everything = [alike[i][j] for i in range(count) for j in range(i)]
    periodic = [alike[i][i - lag] for lag in (4, 8, 16) for i in range(lag, count)]
    return (statistics.mean(periodic) - statistics.mean(everything)) / (statistics.pstdev(everything) or 1.0)


def track_agreement(page: Sheet) -> float:
    """Mean cosine of each stem's pitch content with that of the others, bar by bar."""
    found = []
    for index in range(page.bars):
        content: dict[str, list[float]] = defaultdict(lambda: [0.0] * 12)
        for _, length, pitch, stem in page.bar(index):
            content[stem][pitch % 12] += length
        for stem, own in content.items():
            others = [sum(c[pc] for name, c in content.items() if name != stem) for pc in range(12)]
            norm = math.hypot(*own) * math.hypot(*others)
            if norm:
                found.append(sum(a * b for a, b in zip(own, others, strict=True)) / norm)
    return statistics.mean(found)


def melodic_information(page: Sheet, stem: str | None = "melody") -> float:
    """Bits that a pitch class of the line tells of the next."""
    pcs = [pitch % 12 for _, pitch in _top(page, stem)]
    pairs = Counter(zip(pcs, pcs[1:], strict=False))
    total = sum(pairs.values())
    first, second = Counter(pcs[:-1]), Counter(pcs[1:])
    return sum(n / total * math.log2(n * total / (first[a] * second[b])) for (a, b), n in pairs.items())


def seam_step(page: Sheet, stem: str | None = "melody") -> float:
    """Share of joins across a bar line, from a bar to the very next, that move by two semitones or less."""
    top = _top(page, stem)
    joins = [
        abs(b[1] - a[1])
        for a, b in zip(top, top[1:], strict=False)
        if b[0] // page.bar_units == a[0] // page.bar_units + 1
    ]
    return sum(join <= 2 for join in joins) / max(len(joins), 1)


def repeated_runs(page: Sheet, bars: int) -> float:
    """Share of runs of `bars` bars whose notes all equal an earlier run's; runs without a note are left out."""
    printed = [frozenset((s, p, stem) for s, _, p, stem in page.bar(i)) for i in range(page.bars)]
    seen: set[tuple[frozenset[tuple[int, int, str]], ...]] = set()
    again = total = 0
    for i in range(len(printed) - bars + 1):
        run = tuple(printed[i : i + bars])
        if any(run):
            total += 1
            again += run in seen
            seen.add(run)
    return again / max(total, 1)


class Kit:
    def __init__(self, **names: object) -> None:
        self.__dict__.update(names)

    def __repr__(self) -> str:
        return "music"  # in reports of failures


@pytest.fixture(scope="session")
def music() -> Kit:
    """The driver and the measures."""
    names = (
        "PRESETS SHIPPED make_preset perform densities voicings motion lines crowded scale_of sheet clash chord_fit "
        "motif_return phrase_period track_agreement melodic_information seam_step repeated_runs"
    )
    return Kit(**{name: globals()[name] for name in names.split()})


@pytest.fixture(scope="session")
def pieces() -> Callable[[str, int], Piece]:
    """Ten minutes of a preset with an end, by name and seed; each is composed once."""
    made: dict[tuple[str, int], Piece] = {}

    def piece(name: str, seed: int) -> Piece:
        if (name, seed) not in made:
            made[name, seed] = perform(PRESETS[name], seed, 10.0, ends=True)
        return made[name, seed]

    return piece
