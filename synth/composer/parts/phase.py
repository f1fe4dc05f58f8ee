"""Phase patterns: two stems repeat one short pattern, the second a step short or slipping a step each sixteen bars.

After Reich's phase pieces. What is heard as a tune is the sum of both. Notes are dropped, never added; a pattern
changes only where it begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth.composer import rhythm
from synth.composer.harmony import chord_pcs
from synth.composer.moment import Moment, Slot
from synth.composer.playing import Player
from synth.composer.rhythm.layers import DRIFT_BARS, slip
from synth.composer.scales import pitch_classes
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT

STEPS = 2  # a beat
_STEP = TICKS_PER_BEAT // STEPS
FEWEST, MOST = 5, 8  # notes of a pattern
RANGE = 12
_HEIGHTS = (0, 3, 5, 8, 10, 12)  # semitones above the lowest, where a chord's tones are looked for
_LOWEST, _HIGHEST = 66, 82  # middle of it
_FIELD = (4, 6)  # pitch classes, by tension
_NEAR = (1, 3, 5, 6, 4, 2)  # degrees above a chord's root that widen it, in order
_NEAREST = 1  # steps apart: in unison two patterns would be one
_ACCENT = 0.06


@dataclass(frozen=True, slots=True)
class Pattern:
    """`notes`: (step, height 0..12) within `steps`, those to be kept longest first."""

    steps: int
    notes: tuple[tuple[int, int], ...]

    def shorter(self) -> Pattern:
        """The same, a step shorter: its last silent step is left out, or its last note."""
        struck = {step for step, _ in self.notes}
        out = max((step for step in range(self.steps) if step not in struck), default=self.steps - 1)
        kept = tuple((step - (step > out), height) for step, height in self.notes if step != out)
        return Pattern(self.steps - 1, kept)


class Phase:
    """Writes one of the patterns for `stem`; the one of the first of `stems` keeps time, the other drifts.

    Instances with the same seed and `stems` plan alike. `up` raises the pattern by semitones.
    """

    def __init__(self, seed: int, stem: str, stems: tuple[str, ...] = ("melody", "bells"), up: int = 0) -> None:
        self.stem = stem
        self._rng = stream(seed, "composer", "phase")
        self._stems = stems
        self._drifts = stem != stems[0]
        self._up = up
        self._phrase = 0
        self._section = -1
        self._origin = 0
        self._against = False
        self._offset, self._rising = 0, True
        self._planned = self._pattern = Pattern(1, ((0, 0),))
        self._kept = 0
        self._credit = 0.0
        self._tones: dict[int, int] = {}
        self._at: tuple[Slot, int] | None = None

    def plan(self, now: Moment) -> None:
        """A new pattern where a section begins; otherwise one of its tones moves."""
        phrase = now.phrase
        if phrase.number == self._phrase:
            return
        self._phrase = phrase.number
        if phrase.section == self._section:
            self._planned = self._moved(self._planned)
            return
        self._section, self._origin = phrase.section, now.ticks(0.0)
        self._against = self._rng.random() < 0.2 + 0.6 * now.controls["tonal_tension"]
        self._planned = self._drawn(phrase.bar_beats[0])
        self._offset, self._rising, self._at = _NEAREST, True, None
        self._pattern = Pattern(1, ())

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        self.plan(now)
        self._slip(now)
        if not now.plays(self.stem) or now.final:
            return
        first = (now.tick - self._origin) // _STEP
        for i in range(now.beats * STEPS):
            step = first + i + (self._offset if self._drifts and not self._against else 0)
            if not self._pattern.notes or step % self._pattern.steps == 0:
                self._renew(now)
            self._strike(now, player, step % self._pattern.steps, now.start + i / STEPS)

    def _drawn(self, beats: int) -> Pattern:
        """A pattern as long as the bar (two or more of a short one): its notes as even as can be, its heights drawn."""
        steps = beats * STEPS
        while steps < FEWEST + 1:
            steps += beats * STEPS
        count = self._rng.randint(FEWEST, min(MOST, steps - 1))
        places = rhythm.euclid(count, steps)
        turn = self._rng.choice(places)
        struck = sorted((place - turn) % steps for place in places)
        heights = [self._rng.choice(_HEIGHTS[:2])]
        for i in range(1, count):
            taken = (heights[-1], heights[0]) if i == count - 1 else (heights[-1],)
            fresh = [height for height in _HEIGHTS if height not in taken]
            heights.append(self._rng.choices(fresh, [1.0 / (1 + heights.count(height)) ** 2 for height in fresh])[0])
        notes = zip(struck, heights, strict=True)
        ranked = sorted(notes, key=lambda note: (-rhythm.strength(note[0] / STEPS, beats), self._rng.random()))
        return Pattern(steps, tuple(ranked))

    def _moved(self, pattern: Pattern) -> Pattern:
        notes = list(pattern.notes)
        which = self._rng.randrange(len(notes))
        step, height = notes[which]
        notes[which] = step, min(max(height + self._rng.choice((-4, -2, 2, 4)), 0), RANGE)
        return Pattern(pattern.steps, tuple(notes))

    def _slip(self, now: Moment) -> None:
        bar, into = divmod(now.tick - self._origin, now.beats * TICKS_PER_BEAT)
        if bar and not into and bar % DRIFT_BARS == 0 and not now.phrase.ending:
            self._offset, self._rising = slip(self._offset, self._rising, self._furthest(now), _NEAREST)

    def _furthest(self, now: Moment) -> int:
        """How many steps apart the two may drift."""
        return round(now.controls["tonal_tension"] * self._planned.steps / 2)

    def _renew(self, now: Moment) -> None:
        """Where the pattern begins anew: take what was planned, and as many of its notes as there are to be."""
        self._pattern = self._planned.shorter() if self._drifts and self._against else self._planned
        sounding = sum(now.plays(stem) for stem in self._stems)
        bars = self._pattern.steps / (now.beats * STEPS)
        wanted = now.phrase.shares.figure / max(sounding, 1) * bars
        most = len(self._pattern.notes)
        if now.phrase.ending:
            wanted = min(wanted, most * (now.phrase.bars - 1 - now.bar) / now.phrase.bars + 1.0)
        self._credit = min(max(self._credit + wanted - self._kept, -1.5), 1.5)
        if abs(wanted - self._kept) >= 1.5:
            self._kept, self._credit = round(wanted), 0.0
        elif abs(self._credit) >= 1.0:
            self._kept += 1 if self._credit > 0.0 else -1
        self._kept = min(max(self._kept, 0), most)

    def _strike(self, now: Moment, player: Player, place: int, beat: float) -> None:
        kept = self._pattern.notes[: self._kept]
        height = next((height for step, height in kept if step == place), None)
        slot = next((slot for low, high, slot in now.spans() if low <= beat < high), None)
        if height is None or slot is None:
            return
        pitch = self._tone(now, slot, height)
        steps = min(((step - place - 1) % self._pattern.steps for step, _ in kept), default=0) + 1
        length = min(max(steps / STEPS * now.controls["articulation"], 0.2), slot.end - beat)
        if player.fits(pitch, beat, beat + length):
            accent = _ACCENT if place == 0 else -0.03
            player.play(self.stem, beat, length, pitch, accent, steady=True)

    def _tone(self, now: Moment, slot: Slot, height: int) -> int:
        """The tone of the slot's field nearest to `height`; it is the same for both stems."""
        centre = min(max(round(now.controls["register_note"]) + self._up, _LOWEST), _HIGHEST)
        if self._at is None or self._at[0] is not slot or self._at[1] != centre:
            self._at, self._tones = (slot, centre), {}
        if height not in self._tones:
            low = centre - RANGE // 2
            pcs = field_pcs(now, slot)
            pool = [pitch for pitch in range(low, low + RANGE + 1) if pitch % 12 in pcs]
            self._tones[height] = min(pool, key=lambda pitch: (abs(pitch - low - height), pitch))
        return self._tones[height]


def field_pcs(now: Moment, slot: Slot) -> tuple[int, ...]:
    """The chord, and tones of the scale that widen it as tension rises; no two of them a semitone apart."""
    assert slot.chord is not None
    scale = now.scale
    pcs = pitch_classes(scale)
    most = _FIELD[0] + round((_FIELD[1] - _FIELD[0]) * now.controls["tonal_tension"])
    chord = chord_pcs(slot.chord, scale)
    chosen: list[int] = []
    for pc in (*chord, *(pcs[(slot.chord.degree + up) % len(pcs)] for up in _NEAR)):
        beside = chosen if pc in chord else (*chosen, *chord)
        if len(chosen) < most and pc not in chosen and all((pc - other) % 12 not in (1, 11) for other in beside):
            chosen.append(pc)
    return tuple(chosen)
