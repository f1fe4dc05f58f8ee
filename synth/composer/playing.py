"""Playing: written notes become played ones, with 1/f timing, accents, phrase arch and swing, in integer ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from synth.composer import rhythm
from synth.composer.moment import Moment
from synth.composer.rhythm.free import APART_S
from synth.composer.voicing import is_apart
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT, Note, Slide
from synth.units import hz_to_note, note_to_hz

UNPITCHED = ("percussion",)
_ONE_VOICE = ("bass",)  # a tone that a phrase broken off left there is waited for
STRAIGHT = 0.5  # of a pair of eighths; a groove that swings gives the first one more

_VELOCITY = {"pad": 0.5, "drone": 0.5, "bass": 0.52, "melody": 0.58, "bells": 0.5, "percussion": 0.45}
_CENTRE = {"pad": 62, "bass": 36, "melody": 67, "bells": 76}
_ARCH = {"pad": 0.18, "drone": 0.0, "percussion": 0.12}  # rise and fall over a phrase
_USUAL_ARCH = 0.24
_SPREAD = {"pad": 0.025, "drone": 0.0}  # sd of a note's own velocity
_USUAL_SPREAD, _STEADY_SPREAD = 0.05, 0.03
_PER_SEMITONE = 0.0045  # .57 MIDI velocities a semitone of height, measured in calm piano performances
_MERGE_S = 0.25  # a tone still held for no longer than this is struck again as soon as it ends
_TOGETHER_S = 0.12  # tones that overlap for less are legato and do not rub
_RUBS = (-13, -1, 1, 13)  # a semitone and a minor ninth
_TENSE = 0.5  # planned tension above which they are meant
_LOW = 63  # tones below this may stand too close to each other

_STEADY_MS = 3.0  # most that a beat of a steady pulse may be off
_LOOSE_MS = (8.0, 13.0)  # sd of free timing, at a quick and a slow tempo
_LOOSE_UNTIL, _STEADY_FROM = 0.4, 0.8  # `regularity`
_WIDEST = 2.5  # sd
_LEAD_MS = (8.0, 12.0)  # how early a tune comes
_CHORD_MS = (6.0, 10.0)  # sd of the tones of one chord
_ROWS, _WHITE = 10, 1.7


class Pink:
    """1/f noise with unit variance: rows renewed at halving rates (Voss & Clarke 1978) and one that is always new.

    People's deviations from a beat are of this kind over hundreds of notes (Hennig et al., PLoS ONE 6, 2011). Ten rows
    remember a thousand values; the spectral exponent is about .85.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._rows = [rng.gauss(0.0, 1.0) for _ in range(_ROWS)]
        self._count = 0

    def next(self) -> float:
        """The next value."""
        self._count += 1
        row = min((self._count & -self._count).bit_length() - 1, _ROWS - 1)
        self._rows[row] = self._rng.gauss(0.0, 1.0)
        return (math.fsum(self._rows) + self._rng.gauss(0.0, _WHITE)) / math.sqrt(_ROWS + _WHITE**2)


class Player:
    """Collects the notes of one bar. Within a stem, a pitch never sounds twice at once (but for a detuned pair).

    `swing` is the groove's share of a pair of eighths for the first, and counts from the next bar on.
    """

    def __init__(self, seed: int, stems: tuple[str, ...]) -> None:
        self._rng = stream(seed, "composer", "playing")
        self._pink = {stem: Pink(stream(seed, "composer", "timing", stem)) for stem in stems}
        self._drift = dict.fromkeys(stems, (-1, 0.0))  # of the last onset: its written tick, and how far off it is
        self._ends: dict[str, dict[tuple[int, bool], int]] = {stem: {} for stem in stems}
        self._spans: dict[int, list[tuple[int, int]]] = {}  # by pitch, of all pitched stems
        self._attacks: list[int] = []
        self._recent: list[tuple[Note, int, bool]] = []  # with its key, and whether it is the second of a pair
        self._lead_ms = 0.0
        self._swing = STRAIGHT
        self.swing = STRAIGHT
        self.beside: tuple[int, ...] = ()  # keys that a person holds
        self.notes: list[Note] = []

    def begin(self, now: Moment) -> None:
        """Start the bar at `now`."""
        self._now = now
        self.notes = []
        self._swing = self.swing
        self._ticks_per_ms = TICKS_PER_BEAT / (now.beat_s * 1000.0)
        slow = min(max((0.9 - 60.0 / now.beat_s / 120.0) / 0.5, 0.0), 1.0)
        loose = min(max((_STEADY_FROM - now.controls["regularity"]) / (_STEADY_FROM - _LOOSE_UNTIL), 0.0), 1.0)
        steady = _STEADY_MS / _WIDEST
        self._sd_ms = steady + loose * (_LOOSE_MS[0] + slow * (_LOOSE_MS[1] - _LOOSE_MS[0]) - steady)
        if now.bar == 0:
            self._lead_ms = self._rng.uniform(*_LEAD_MS)
        gone = now.tick - TICKS_PER_BEAT  # a note may come early
        for ends in self._ends.values():
            for key in [key for key, end in ends.items() if end <= gone]:
                del ends[key]
        for pitch, spans in list(self._spans.items()):
            self._spans[pitch] = [span for span in spans if span[1] > gone]
            if not self._spans[pitch]:
                del self._spans[pitch]
        self._attacks = [tick for tick in self._attacks if tick > gone]
        self._recent = [played for played in self._recent if played[0].tick + played[0].duration > gone]

    def turn(self) -> None:
        """Go on in the bar at hand, with what comes in the place of notes that are cut."""
        self.notes = []

    def cut(self, tick: int, unwanted: Callable[[Note, int], bool]) -> list[Note]:
        """Let what is `unwanted`, of the notes (with their keys) that sound at `tick` or begin later, end there or not
        begin; the notes as they were written."""
        found, kept = [], []
        ends: dict[tuple[str, int, bool], int] = {}
        for note, pitch, pair in self._recent:
            end = note.tick + note.duration
            if end <= tick or not unwanted(note, pitch):
                kept.append((note, pitch, pair))
                ends[note.stem, pitch, pair] = max(end, ends.get((note.stem, pitch, pair), 0))
                continue
            found.append(note)
            self._ends[note.stem].pop((pitch, pair), None)
            if (note.tick, end) in (spans := self._spans.get(pitch, [])):
                spans.remove((note.tick, end))
            if note.tick < tick:
                self._spans.setdefault(pitch, []).append((note.tick, tick))
            else:
                self._now.room += 1.0
        for stem, pitch, pair in ends:
            self._ends[stem][pitch, pair] = ends[stem, pitch, pair]
        self._recent = kept
        return found

    def sounding(self, stem: str, tick: int) -> list[int]:
        """Pitches of `stem` still held after `tick`."""
        return list(dict.fromkeys(pitch for (pitch, _), end in self._ends.get(stem, {}).items() if end > tick))

    def rubs(self, pitch: int, from_beat: float, to_beat: float) -> bool:
        """True when a tone of any stem a semitone or a minor ninth from `pitch` is heard then, in beats of the phrase.

        Knows what was played so far, and what a person holds; tones that only brush each other, as in legato, do not.
        """
        if any(pitch - held in _RUBS for held in self.beside):
            return True
        now = self._now
        low, high = now.ticks(from_beat), now.ticks(to_beat)
        least = min(_TOGETHER_S / now.beat_s * TICKS_PER_BEAT, 0.5 * (high - low))
        for apart in _RUBS:
            for start, end in self._spans.get(pitch + apart, ()):
                if min(end, high) - max(start, low) > least:
                    return True
        return False

    def fits(self, pitch: int, from_beat: float, to_beat: float) -> bool:
        """True when `pitch` neither rubs then nor stands too close to a low tone of any stem.

        Where the tension asked for is above .5 it may rub.
        """
        now = self._now
        low, high = now.ticks(from_beat), now.ticks(to_beat)
        close = [
            other
            for other, spans in self._spans.items()
            if min(other, pitch) < _LOW and any(end > low and start < high for start, end in spans)
        ]
        tense = now.controls["tonal_tension"] > _TENSE
        return is_apart(pitch, close) and (tense or not self.rubs(pitch, from_beat, to_beat))

    def alone(self, beat: float, gap_s: float = APART_S) -> bool:
        """True when no note of any stem that was played so far begins within `gap_s` of `beat`."""
        now = self._now
        at, gap = now.ticks(beat), gap_s / now.beat_s * TICKS_PER_BEAT
        return all(abs(tick - at) >= gap for tick in self._attacks)

    def spread(self, count: int) -> tuple[float, ...]:
        """How late, in ms, each of `count` tones of a chord is, from the lowest to the highest: sd 6 to 10 ms."""
        if count < 2:
            return (0.0,) * count
        step = self._rng.uniform(*_CHORD_MS) * math.sqrt(12.0 / (count * count - 1.0))
        return tuple(i * step for i in range(count))

    def play(
        self,
        stem: str,
        beat: float,
        beats: float,
        pitch: int,
        accent: float = 0.0,
        late_ms: float = 0.0,
        pair: bool = False,
        steady: bool = False,
        slides: Sequence[tuple[float, float, float]] = (),
    ) -> bool:
        """Write a note from `beat` of the phrase for `beats`; False when the pitch is held too long to be struck again,
        or would be mud beside a low tone.

        `accent` adds to the velocity, `late_ms` to the time. `pair` is the second of two instruments tuned to beat
        against each other. `steady` notes are a pulse, or lie exactly where a part put them in free time: they are off
        by 3 ms at most. `slides` are moves while it sounds: beats after its onset, key (in parts of one, too), beats.
        """
        now = self._now
        written = now.ticks(self._swung(beat))
        steady = steady or stem in UNPITCHED
        off_ms = late_ms + self._off_ms(stem, written, steady)
        start = max(written + round(off_ms * self._ticks_per_ms), now.ticks(0.0))
        held = self._ends[stem].get((pitch, pair), 0)
        until = self._swung(beat + beats)
        if now.phrase.ending and beat < now.phrase.slots[-1].beat:  # nothing of before rings on into the last chord
            until = min(until, now.phrase.slots[-1].beat)
        end = max(now.ticks(until), start + 1)
        if stem in _ONE_VOICE and self.sounding(stem, start + round(_MERGE_S / now.beat_s * TICKS_PER_BEAT)):
            return False
        if held > start:
            if held - start > _MERGE_S / now.beat_s * TICKS_PER_BEAT or held >= end:
                return False
            start = held
        if stem not in UNPITCHED and self._muddy(pitch, start, end):
            return False
        self._ends[stem][pitch, pair] = end
        self._attacks.append(start)
        if stem not in UNPITCHED:
            self._spans.setdefault(pitch, []).append((start, end))
        fine = self._tuned(pitch, pair) if stem not in UNPITCHED else float(pitch)
        velocity = self._velocity(stem, beat, pitch, accent, steady)
        note = Note(stem, start, end - start, fine, velocity, self._slides(slides, end - start))
        self.notes.append(note)
        self._recent.append((note, pitch, pair))
        now.room -= 1.0
        return True

    def _slides(self, moves: Sequence[tuple[float, float, float]], duration: int) -> tuple[Slide, ...]:
        """`moves` in ticks and fine pitch, those that end before the note does."""
        slides = []
        for after, key, beats in moves:
            low = math.floor(key)
            below, above = self._tuned(low, False), self._tuned(low + 1, False)
            slide = Slide(
                round(after * TICKS_PER_BEAT), below + (key - low) * (above - below), round(beats * TICKS_PER_BEAT)
            )
            if slide.after + slide.ticks <= duration:
                slides.append(slide)
        return tuple(slides)

    def _muddy(self, pitch: int, start: int, end: int) -> bool:
        """True when a low tone would stand too close to another for more than the moment that legato takes."""
        least = min(_MERGE_S / self._now.beat_s, 0.25) * TICKS_PER_BEAT
        return any(
            min(other, pitch) < _LOW
            and not is_apart(pitch, (other,))
            and any(min(e, end) - max(s, start) > least for s, e in spans)
            for other, spans in self._spans.items()
        )

    def _tuned(self, pitch: int, pair: bool) -> float:
        """The fine pitch of a nominal key; the second of a pair beats with the first as its scale has it."""
        phrase = self._now.phrase
        fine = phrase.tuning.pitch(pitch, phrase.scale.key)
        beating_hz = phrase.scale.tuned.ombak_hz
        if pair and beating_hz:
            fine = hz_to_note(note_to_hz(fine) + beating_hz)
        return fine

    def _swung(self, beat: float) -> float:
        """`beat` with its eighths as the groove has them: beats stay, what lies between them is stretched."""
        if self._swing == STRAIGHT:
            return beat
        whole = math.floor(beat)
        part = 2.0 * (beat - whole)
        first = min(part, 1.0) * self._swing
        return whole + first + max(part - 1.0, 0.0) * (1.0 - self._swing)

    def _off_ms(self, stem: str, written: int, steady: bool) -> float:
        """How far from the grid an onset is played; tones of one onset share it."""
        at, value = self._drift[stem]
        if at != written:
            value = max(-_WIDEST, min(_WIDEST, self._pink[stem].next()))
            self._drift[stem] = written, value
        if steady:
            return value * _STEADY_MS / _WIDEST
        return value * self._sd_ms - (self._lead_ms if stem == "melody" else 0.0)

    def _velocity(self, stem: str, beat: float, pitch: int, accent: float, steady: bool) -> float:
        now = self._now
        place = beat / now.phrase.beats
        peak = 0.6
        arch = math.sin(0.5 * math.pi * (place / peak if place < peak else 1.0 - (place - peak) / (1.0 - peak)))
        value = _VELOCITY[stem] + _ARCH.get(stem, _USUAL_ARCH) * (arch - 0.5)
        metrical = rhythm.strength(round((beat - now.start) * 4) / 4, now.beats)
        value += 0.05 * (metrical - 0.4)
        if metrical == 1.0:
            value += 0.03 * (rhythm.bar_strength(now.bar) - 0.4)
        if stem in _CENTRE:
            value += _PER_SEMITONE * (pitch - _CENTRE[stem])
        spread = _SPREAD.get(stem, _USUAL_SPREAD)
        value += accent + self._rng.gauss(0.0, min(spread, _STEADY_SPREAD) if steady else spread)
        return round(max(0.05, min(1.0, value)), 4)
