"""Interlocking: a gong, core tones, two metals that share one figure stroke by stroke, and a soft drum, in a cycle.

Inspired by Javanese and Balinese gamelan: the gong closes a cycle on the line where the next one begins and is its
strongest stroke; core tones lead from gong to gong; two metals play the strokes of one line in turn (kotekan), tuned
apart so that they beat where they meet; and the density doubles or halves at a gong only (irama). After Tenzer,
"Gamelan Gong Kebyar" (2000), and Sutton, "Traditions of Gamelan Music in Java" (1991). Any scale of four tones or more
will do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from synth.composer import rhythm
from synth.composer.moment import Moment
from synth.composer.parts.drums import FRAMES, LOW, SILENT_BELOW
from synth.composer.playing import Player
from synth.composer.scales import Scale
from synth.composer.voicing import bass_note
from synth.rng import stream

ROLES: Mapping[str, str] = MappingProxyType(
    {"bass": "gong", "pad": "core", "melody": "first", "bells": "second", "percussion": "drum"}
)
CYCLE = 16  # beats, or the even number of bars nearest to it
LEVELS = (0.5, 1.0, 2.0, 4.0)  # strokes of the metals' line a beat
_CORE = 2  # beats from one core tone to the next
_HYSTERESIS = 0.7  # octaves of density that a level gives way to
_FASTEST_S = 0.12
_FIGURES = ((1, 2, 1), (2, 0, 1), (0, 2, 1), (-1, 2, 1))  # steps around the next core tone, on the way to it
_METALS_UP = 6  # semitones above the register asked for
_LOWEST, _HIGHEST = 68, 82  # middle of the metals
_CORE_CENTRE = 58
_SPAN = 4  # steps that core tones may stray from the tonic
_RING_BEATS = 8.0
_RING_S = {"gong": 1.4, "core": 2.8, "first": 5.5, "second": 4.5}  # left of the session when each lets go of the last
_ACCENT = {"gong": 0.45, "core": 0.04, "first": -0.03, "second": -0.06, "drum": -0.08}
_DRUM_BEATS = 0.2


def cycle_beats(beats: int) -> int:
    """Length of a cycle of whole bars of `beats`: 16 in 4/4 and 2/4, the nearest even number of bars otherwise."""
    return 2 * max(round(CYCLE / 2 / beats), 1) * beats


class Interlock:
    """Writes one role for `stem`. Instances with the same seed plan the same cycles; `role` is one of ROLES' values."""

    def __init__(self, seed: int, stem: str, role: str = "") -> None:
        self.stem = stem
        self._seed = seed
        self._role = role or ROLES[stem]
        self._section = -1
        self._cycle = -1
        self._core: list[int] = []
        self._figures: list[tuple[int, ...]] = []
        self._level = -1
        self._credit = 0.0
        self._gong: int | None = None

    def plan(self, now: Moment) -> None:
        """Nothing to plan for a phrase: cycles are planned at their lines."""

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        cycle = cycle_beats(now.phrase.bar_beats[0])
        if now.start % cycle == 0.0:
            self._turn(now)
        if not now.plays(self.stem):
            return
        if now.final:
            self._close(now, player)
        elif self._role == "gong":
            self._strike_gong(now, player, cycle)
        elif self._role == "core":
            self._strike_core(now, player, cycle)
        elif self._role == "drum":
            self._strike_drum(now, player, cycle)
        else:
            self._strike_metal(now, player, cycle)

    def _turn(self, now: Moment) -> None:
        """At a gong: the core tones of the next cycle, and its density."""
        fresh = now.phrase.section != self._section
        self._section, self._cycle = now.phrase.section, 0 if fresh else self._cycle + 1
        tones = cycle_beats(now.phrase.bar_beats[0]) // _CORE
        half = tones // 2
        opening = stream(self._seed, "composer", "core", self._section, self._cycle % 2)
        closing = stream(self._seed, "composer", "core", self._section, "closing", self._cycle // 2)
        self._core = core_tones(opening, tones, now.scale, now.tuned.chief)[:half]
        self._core += core_tones(closing, tones, now.scale, now.tuned.chief)[half:]
        self._figures = [opening.choice(_FIGURES) for _ in range(2)]
        if self._role in ("first", "second", "core"):
            self._choose_level(now)

    def _choose_level(self, now: Moment) -> None:
        """One step of density up or down where the notes there are leave no doubt; at first, what is nearest."""
        metals = sum(now.plays(stem) for stem in ("melody", "bells"))
        wanted = max(2.0 * now.phrase.shares.figure / (max(metals, 1) * now.phrase.bar_beats[0]), 1e-3)
        fastest = max(i for i, level in enumerate(LEVELS) if i == 0 or now.beat_s / level >= _FASTEST_S)
        if self._level < 0:
            self._level = min(range(len(LEVELS)), key=lambda i: abs(math.log2(wanted / LEVELS[i])))
        elif abs(apart := math.log2(wanted / LEVELS[self._level])) > _HYSTERESIS:
            self._level += 1 if apart > 0.0 else -1
        if now.phrase.ending:
            self._level -= 1
        self._level = min(max(self._level, 0), fastest)

    def _tone(self, now: Moment, step: int, centre: int) -> int:
        """The pitch of a step above the tonic nearest to `centre`."""
        return now.scale.pitch(now.scale.size * round((centre - now.scale.key) / 12) + step)

    def _metals(self, now: Moment) -> int:
        return min(max(round(now.controls["register_note"]) + _METALS_UP, _LOWEST), _HIGHEST)

    def _core_at(self, beat: float, cycle: int) -> int:
        """The core tone that sounds at a beat of the cycle; the gong's after its end."""
        return self._core[int(beat // _CORE)] if beat < cycle else 0

    def _strike_gong(self, now: Moment, player: Player, cycle: int) -> None:
        half = cycle / 2
        for beat in range(int(now.start), int(now.end)):
            place = beat % cycle
            if place == 0:
                self._bass(now, player, beat, 0, min(_RING_BEATS, half), _ACCENT["gong"])
            elif place == half and now.phrase.shares.bass * cycle / now.beats >= 1.5:
                self._bass(now, player, beat, self._core_at(place, cycle), min(_RING_BEATS, half), 0.0)

    def _bass(self, now: Moment, player: Player, beat: float, step: int, beats: float, accent: float) -> None:
        pitch = bass_note(now.scale.pitch(step) % 12, self._gong)
        if not player.fits(pitch, beat, beat + beats):
            if step:
                return
            pitch = bass_note(now.scale.key, None)
        self._gong = pitch
        player.play(self.stem, beat, beats, pitch, accent, steady=True)

    def _strike_core(self, now: Moment, player: Player, cycle: int) -> None:
        """A tone each four beats, or each two where the metals are quick."""
        each = _CORE if LEVELS[self._level] >= 2.0 else 2 * _CORE
        for beat in range(int(now.start), int(now.end)):
            place = beat % cycle
            if place % each:
                continue
            length = float(min(each, now.phrase.beats - beat))
            pitch = self._tone(now, self._core_at(place, cycle), _CORE_CENTRE)
            if player.fits(pitch, beat, beat + length):
                player.play(self.stem, beat, length, pitch, _ACCENT["core"] * (2.0 if place == 0 else 1.0), steady=True)

    def _strike_metal(self, now: Moment, player: Player, cycle: int) -> None:
        """Every other stroke of the line; at the gong and half-way both strike, so that the pair beats."""
        level = LEVELS[self._level]
        second = self._role == "second"
        damped = any(b - a == 1 for a, b in zip(now.scale.semitones, (*now.scale.semitones[1:], 12), strict=True))
        first_stroke, end_stroke = math.ceil(now.start * level), math.ceil(now.end * level)
        for stroke in range(first_stroke, end_stroke):
            beat = stroke / level
            place = beat % cycle
            both = place in (0.0, cycle / 2)
            if stroke % 2 != second and not both:
                continue
            pitch = self._tone(now, self._line(place, level, cycle), self._metals(now))
            accent = _ACCENT[self._role] + (0.04 if place % _CORE == 0.0 else -0.02) + (0.05 if both else 0.0)
            for strokes in (1.0, 0.5) if damped else (2.0, 1.0, 0.5):
                length = min(strokes / level, now.phrase.beats - beat)
                if player.fits(pitch, beat, beat + length):
                    player.play(self.stem, beat, length, pitch, accent, pair=second, steady=True)
                    break

    def _line(self, place: float, level: float, cycle: int) -> int:
        """The step of the metals' line at `place` of the cycle: core tones, and figures towards the next one."""
        core = int(place // _CORE)
        into = round((place - core * _CORE) * level)
        here, following = self._core_at(place, cycle), self._core_at(place + _CORE, cycle)
        if into == 0 or (into == 4 and level == 4.0):
            return here
        goal = here if level == 4.0 and into < 4 else following
        figure = self._figures[core % 2]
        turn = 1 if here >= following else -1
        return goal + turn * (figure[into % 4 - 1] if level >= 2.0 else figure[-1])

    def _strike_drum(self, now: Moment, player: Player, cycle: int) -> None:
        """A soft pulse that gathers before the gong."""
        rate, percussiveness = now.phrase.shares.percussion, now.controls["percussiveness"]
        if rate < 0.25 or percussiveness < SILENT_BELOW or now.phrase.ending:
            self._credit = 0.0
            return
        self._credit = min(self._credit + rate, 1.5 * rate + 0.5)
        closing = (now.end % cycle == 0.0) or now.bar == now.phrase.bars - 1
        count = int(self._credit + 0.5)
        steps = now.beats * (2 if count <= 2 * now.beats else 4)
        places = rhythm.euclid(count, steps)
        if closing and count > 1:  # the last strokes crowd towards the line
            places = tuple(sorted({steps - 1 - place for place in places}))
        for i, place in enumerate(places):
            pitch = LOW if place == 0 else FRAMES[(i + self._cycle) % 2 + 1]
            accent = _ACCENT["drum"] + 0.35 * (percussiveness - 0.4)
            beat = now.start + place * now.beats / steps
            self._credit -= player.play(self.stem, beat, _DRUM_BEATS, pitch, accent)

    def _close(self, now: Moment, player: Player) -> None:
        """The last gong: all together on the tonic, and let it ring."""
        if self._role == "drum":
            return
        assert now.remaining_s is not None
        beats = max(now.remaining_s - _RING_S[self._role], 0.5) / now.beat_s
        if self._role == "gong":
            self._bass(now, player, now.start, 0, beats, 0.2)
            return
        pitch = self._tone(now, 0, _CORE_CENTRE if self._role == "core" else self._metals(now))
        if player.fits(pitch, now.start, now.start + beats):
            player.play(self.stem, now.start, beats, pitch, 0.0, pair=self._role == "second", steady=True)


def core_tones(rng: Random, count: int, scale: Scale, chief: tuple[int, ...] = ()) -> list[int]:
    """`count` core tones of a cycle as steps above the tonic: from the gong's own by small steps, and back towards it.

    `chief` degrees are preferred where the line may rest, on every other tone.
    """
    rests = {0, *chief} if chief else {0, next((i for i, s in enumerate(scale.semitones) if s >= 7), scale.size - 1)}
    tones = [0]
    for place in range(1, count):
        left = count - place
        options = [tones[-1] + move for move in (-2, -1, 1, 2)] + ([tones[-1]] if place % 2 else [])
        near = [step for step in options if abs(step) <= min(_SPAN, 2 * left)]
        weights = [2.0 if place % 2 == 0 and step % scale.size in rests else 1.0 for step in near]
        tones.append(rng.choices(near, weights)[0])
    return tones
