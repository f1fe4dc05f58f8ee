"""A voice in free time: it sings a phrase counted in seconds, is silent, and sings again, over a drone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synth.composer.moment import Moment
from synth.composer.parts.ornaments import glides
from synth.composer.parts.ways import Ways, ways_of
from synth.composer.playing import Player
from synth.composer.rhythm.free import beat_at, time_of
from synth.composer.voicing import is_apart
from synth.rng import stream

SILENCE_S = (3.0, 8.0)
SHORTEST_S = 0.33  # a touch; two attacks are never heard as one
LOWEST, HIGHEST = 50, 86
_SILENT = 0.6  # of a sung phrase's length is silent after it at least: over .35 of the time
_ROOM_S = 2.4  # seconds that a phrase takes at least
_LEAST = 0.4  # of the shortest arc is left, or no new one is begun
_PASSING_S = 0.9  # the longest that a tone may rub against the drone where no tension is planned
_LEGATO_S = 0.05
_RING_S = 5.5  # the voice leaves first
_LOW = 63  # below this tones of other stems may stand too close
_UNDER = 5.0  # semitones that the tonic lies below the register's middle, about
_OTHERS = ("pad", "drone", "bass", "melody", "bells")


@dataclass(slots=True)
class Sung:
    """A tone of a phrase: scale step, seconds until the next one, what is added to its velocity, and a gliding
    `ornament` with the step it takes in."""

    step: int
    seconds: float
    accent: float = 0.0
    ornament: str = ""
    neighbour: int = 0


@dataclass(slots=True)
class _Due:
    at_s: float
    seconds: float
    pitch: int
    accent: float
    ornament: str
    semitones: int


class FreeVoice:
    """Writes the stem `stem`. Who inherits says what is sung (`_sing`), and hears of a new arc (`_begin`).

    An arc is a way from the tonic and back over `ARC_S` seconds, or until `ends_s`, the second of the session at which
    the scene ends, where that is known.
    """

    ARC_S = (300.0, 480.0)

    def __init__(self, seed: int, stem: str, name: str) -> None:
        self.stem = stem
        self.slides = False  # whether what plays the stem can glide from tone to tone
        self.ends_s: float | None = None
        self._rng = stream(seed, "composer", name, stem)
        self._due: list[_Due] = []
        self._free_s: float | None = None  # when the silence ends
        self._key: object = None
        self._from_s = self._to_s = 0.0
        self._rate_hz = 0.3
        self._home = 0
        self._at = 0
        self._bounds = (0, 0)

    def plan(self, now: Moment) -> None:
        """Take this phrase's share of notes, and begin a new arc where the scale is new or the last one is over."""
        shares = now.phrase.shares
        notes = shares.bells if self.stem == "bells" else shares.tune
        self._rate_hz = notes / (now.phrase.beats * now.beat_s)
        new = now.scale != self._key
        left_s = self._left_s(now)
        if new or (now.time_s >= self._to_s and left_s >= _LEAST * self.ARC_S[0]):
            arc_s = self._rng.uniform(*self.ARC_S)
            self._due = []
            self._key = now.scale
            self._from_s = now.time_s
            self._to_s = now.time_s + (left_s if left_s < arc_s + self.ARC_S[0] else arc_s)
            self._home = self._octave(now)
            self._at = self._home
            self._begin(now)
        elif abs(now.scale.pitch(self._home) - now.controls["register_note"] + _UNDER) > 9.0:
            moved = self._octave(now) - self._home
            self._home += moved
            self._at += moved
            self._begin_again(moved)

    def write(self, now: Moment, player: Player) -> None:
        """Sing what falls into this bar."""
        if not now.plays(self.stem):
            self._due, self._free_s = [], None
            return
        if now.final:
            self._close(now, player)
            return
        if self._free_s is None:
            self._free_s = now.time_s + self._rng.uniform(0.5, 2.0)
        while not self._due and beat_at(now, self._free_s) is not None:
            self._plan_sung(now, player)
        while self._due and (beat := beat_at(now, self._due[0].at_s)) is not None:
            tone = self._due.pop(0)
            beats = min((tone.seconds + _LEGATO_S) / now.beat_s, self._until(now) - beat)
            apart = beats > 0.0 and is_apart(tone.pitch, self._held(now, player, beat))
            if not (apart and self._play(now, player, tone, beat, beats)):
                self._due = []  # without this tone the next might be a move that the scale does not have

    def _play(self, now: Moment, player: Player, tone: _Due, beat: float, beats: float) -> bool:
        """Play a tone with its ornament."""
        begins, moves = glides(tone.ornament, tone.semitones, min(tone.seconds, beats * now.beat_s))
        slides = [(m.after_s / now.beat_s, tone.pitch + m.semitones, m.seconds / now.beat_s) for m in moves]
        pitch = tone.pitch + round(begins)
        return player.play(self.stem, beat, beats, pitch, tone.accent, steady=True, slides=slides)

    def _begin(self, now: Moment) -> None:
        """A new arc begins, with `_home` its tonic."""

    def _begin_again(self, moved: int) -> None:
        """The voice has moved by `moved` steps, whole octaves, to keep to the register."""

    def _sing(self, now: Moment, place: float, room_s: float) -> list[Sung]:
        """The next phrase, at `place` 0..1 of the arc, within `room_s` seconds; [] for more silence."""
        raise NotImplementedError

    def _place(self, now: Moment, time_s: float) -> float:
        """How far the arc has come, 0..1; an end of scene or session that is near enough is its end."""
        end_s = min(self._to_s, now.time_s + self._left_s(now))
        return min(max((time_s - self._from_s) / max(end_s - self._from_s, 1.0), 0.0), 1.0)

    def _left_s(self, now: Moment) -> float:
        """Seconds until the scene or the session ends, as far as that is known."""
        left_s = math.inf if now.remaining_s is None else now.remaining_s
        return min(left_s, self.ends_s - now.time_s) if self.ends_s is not None and self.ends_s > now.time_s else left_s

    def _octave(self, now: Moment) -> int:
        """The step of the tonic nearest to a little under the register's middle."""
        wanted = now.controls["register_note"] - _UNDER
        size = now.scale.size
        tonics = [octave * size for octave in range(4, 7)]
        return min(tonics, key=lambda step: abs(now.scale.pitch(step) - wanted))

    def _ways(self, now: Moment) -> Ways:
        return ways_of(now.tuned)

    def _until(self, now: Moment) -> float:
        """The beat by which every tone of the phrase has ended, as the next phrase may have another scale."""
        return now.phrase.slots[-1].beat if now.phrase.ending else float(now.phrase.beats)

    def _plan_sung(self, now: Moment, player: Player) -> None:
        """Put the next phrase and the silence after it in place."""
        assert self._free_s is not None
        start = max(self._free_s, now.time_s)
        room_s = time_of(now, self._until(now)) - start - 0.1
        self._bounds = self._reach(now, player, start)
        sung = self._sing(now, self._place(now, start), room_s) if room_s > _ROOM_S else []
        if not sung:
            self._free_s = start + (max(room_s, 0.0) + 0.2 if room_s <= _ROOM_S else 1.5)
            return
        at_s = start
        for index, tone in enumerate(sung):
            seconds = max(tone.seconds, SHORTEST_S)
            pitch = now.scale.pitch(tone.step)
            beat = self._beat(now, at_s)
            if now.controls["tonal_tension"] <= 0.5 and player.rubs(pitch, beat, self._beat(now, at_s + seconds)):
                seconds = min(seconds, _PASSING_S) if index + 1 < len(sung) else min(seconds, 2.0 * _PASSING_S)
            if index and at_s + seconds > start + room_s:
                break
            apart = now.scale.pitch(tone.neighbour) - pitch if tone.ornament else 0
            self._due.append(_Due(at_s, seconds, pitch, tone.accent, tone.ornament, apart))
            self._at = tone.step
            at_s += seconds
        sung_s = at_s - start
        low, high = SILENCE_S
        wanted = len(self._due) / max(self._rate_hz, 0.05) - sung_s
        least = max(low, _SILENT * sung_s)
        most = max(high * self._rng.uniform(0.75, 0.98), least)
        silence = min(max(wanted * self._rng.uniform(0.85, 1.15), least * self._rng.uniform(1.0, 1.3)), most)
        left = start + room_s - at_s  # until the next phrase; what is left of this one may be too short for a tone
        if left - _ROOM_S < silence < left:
            silence = left + 0.2 if left + 0.2 <= high else max(left - _ROOM_S - 0.2, least)
        self._free_s = at_s + silence

    def _beat(self, now: Moment, time_s: float) -> float:
        return now.start + (time_s - now.time_s) / now.beat_s

    def _reach(self, now: Moment, player: Player, time_s: float) -> tuple[int, int]:
        """The lowest and highest step that may sound now: in range, and not too close to low tones of other stems.

        Where the voice itself would be too close it moves up an octave.
        """
        held = self._held(now, player, self._beat(now, time_s))
        size = now.scale.size
        while not self._clear(now, self._at, held) or not self._clear(now, self._home, held):
            self._home += size
            self._at += size
            self._begin_again(size)
        low = high = self._at
        while now.scale.pitch(low - 1) >= LOWEST and self._clear(now, low - 1, held):
            low -= 1
        while now.scale.pitch(high + 1) <= HIGHEST and self._clear(now, high + 1, held):
            high += 1
        return low, high

    def _held(self, now: Moment, player: Player, beat: float) -> list[int]:
        """Low tones that other stems hold at `beat`."""
        stems = [stem for stem in _OTHERS if stem in now.phrase.stems and stem != self.stem]
        return [pitch for stem in stems for pitch in player.sounding(stem, now.ticks(beat)) if pitch < _LOW]

    def _clear(self, now: Moment, step: int, held: list[int]) -> bool:
        pitch = now.scale.pitch(step)
        return pitch >= LOWEST and is_apart(pitch, held)

    def _close(self, now: Moment, player: Player) -> None:
        """The tonic, held to the end."""
        assert now.remaining_s is not None
        self._due = []
        beats = max(now.remaining_s - _RING_S, 1.0) / now.beat_s
        held = self._held(now, player, now.start)
        tonics = [self._home + octave * now.scale.size for octave in (0, 1, -1, 2)]
        step = next((step for step in tonics if self._clear(now, step, held)), self._home)
        player.play(self.stem, now.start, beats, now.scale.pitch(step), steady=True)
