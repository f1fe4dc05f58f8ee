"""Bells: high tones, each on a period of its own, or answers to the tune in its rests."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synth.composer.harmony import chord_pcs
from synth.composer.moment import Moment, Slot
from synth.composer.parts.answer import answer
from synth.composer.parts.tune import Tune
from synth.composer.playing import Player
from synth.composer.rhythm.free import beat_at, time_of
from synth.rng import stream

LOWEST, HIGHEST = 60, 96
PERIODS_S = (17.0, 19.0, 23.0, 29.0, 31.0, 37.0, 41.0, 43.0, 47.0, 53.0, 59.0, 61.0)  # primes: they hardly ever meet
FEWEST, MOST = 2, 9  # bells at once
_USUAL_S = 32.0  # mean period
_ROUNDS = (3, 6)  # before a bell gets another period
_FIELD_S = (60.0, 180.0)  # before one or two bells get other pitches
_ENTRY_S = 90.0  # over which bells enter and leave, one by one
_APART_S = 0.25
_AFTER_S = 0.32  # a bell that would ring too soon after another waits so long
_RING_BEATS = 4.0
_RING_S, _SHORTEST_S = 9.0, 3.5  # a bell that could ring no longer than this waits for the next phrase
_FIELD = (1.0, 0.05, 0.9, 0.8, 0.8, 0.3, 0.4, 1.0, 0.2, 0.7, 0.4, 0.5)  # weight of each semitone above the tonic


@dataclass(slots=True)
class _Bell:
    pitch: int
    period_s: float
    next_s: float
    rounds: int


class Bells:
    """Writes the stem "bells"; `tune` (None: there is none) is the line it may answer.

    Over a drone each bell keeps its own pitch of the field, in free time; elsewhere it takes the chord tone nearest to
    it, on a half beat. `ends_s`: the second of the session at which the scene ends, where that is known.
    """

    def __init__(self, seed: int, tune: Tune | None, answering: bool) -> None:
        self.stem = "bells"
        self.ends_s: float | None = None
        self._rng = stream(seed, "composer", "bells")
        self._tune = tune
        self._answering = answering
        self._voices: list[_Bell] = []
        self._began_s = 0.0
        self._field_s = 0.0
        self._key: object = None
        self._last_s = -10.0
        self._answered = -1.0
        self.credit = 0.0

    def plan(self, now: Moment) -> None:
        """Take this phrase's share of notes."""
        self.credit = min(max(self.credit, -3.0), 6.0)
        if now.plays("bells"):
            self.credit += now.phrase.shares.bells
        self._answered = -1.0

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        if not now.plays("bells"):
            self._voices = []
            return
        if now.final:
            self._toll(now, player, now.start + 1.0, self._nearest(now, now.phrase.slots[-1], self._centre(now)))
            return
        if self._answering and self._tune is not None and now.phrase.line:
            self._answer(now, player)
        else:
            self._ring(now, player)

    def _answer(self, now: Moment, player: Player) -> None:
        """After the tune stops its last gesture comes back from above, echoed or turned upside down."""
        assert self._tune is not None
        for begin, end in self._tune.silences(now):
            if self.credit < 2.0 or begin == 0.0:
                continue
            call = [tone for tone in now.phrase.line if tone.step is not None and tone.beat < begin - 1e-6]
            if not call or call[-1].beat == self._answered:
                continue  # nothing to answer, or answered already
            start = begin + 0.5 if end - begin > 2.0 else begin
            bounds, centre = (LOWEST, HIGHEST), self._centre(now)
            said = answer(self._rng, call, now.scale, end - start, int(self.credit), bounds, centre)
            sounding: list[int] = []
            for index, (offset, wanted) in enumerate(said):
                beat = start + offset
                slot = next((s for low, high, s in now.spans() if low <= beat < high), None)
                if slot is None:
                    break
                last = index == len(said) - 1
                pitch = self._fitting(now, slot, wanted, sounding, chord_only=last)
                ring = _RING_BEATS if last else min(said[index + 1][0] - offset + 0.5, _RING_BEATS)
                self._toll(now, player, beat, pitch, -0.03 * index, ring)
                sounding.append(pitch)
            if said:
                self._answered = call[-1].beat

    def _fitting(self, now: Moment, slot: Slot, wanted: int, sounding: list[int], chord_only: bool) -> int:
        """`wanted`, or the chord tone nearest to it where it would rub against the chord or the answer so far."""
        assert slot.chord is not None
        pcs = chord_pcs(slot.chord, now.scale)
        rubs = any((wanted - pc) % 12 in (1, 11) for pc in pcs) or any(abs(wanted - p) in (1, 13) for p in sounding)
        return self._nearest(now, slot, wanted) if wanted % 12 not in pcs and (chord_only or rubs) else wanted

    def _ring(self, now: Moment, player: Player) -> None:
        """Sound the bells whose time has come."""
        free = _is_drone(now)
        rate = min(max(max(self.credit, 0.3) / max(now.phrase.beats * now.beat_s, 1.0), 0.02), 2.0)
        self._tend(now, min(max(round(rate * _USUAL_S), FEWEST), MOST))
        natural = sum(1.0 / bell.period_s for bell in self._voices)
        scale = 1.0 if free else natural / rate
        leaving = self._leaving(now)
        end_s = time_of(now, now.phrase.beats)
        while True:
            bell = min(self._voices, key=lambda bell: bell.next_s)
            due_s = max(bell.next_s, self._last_s + _AFTER_S)
            if free:
                end_s = time_of(now, now.phrase.beats)
                beat = beat_at(now, due_s if due_s + _SHORTEST_S <= end_s else end_s + 0.1)
            else:
                beat = beat_at(now, bell.next_s)
                beat = None if beat is None else now.start + round((beat - now.start) * 2.0) / 2.0
            if beat is None:
                break
            time_s = time_of(now, beat)
            bell.next_s = max(bell.next_s, now.time_s) + bell.period_s * scale
            bell.rounds -= 1
            if bell.rounds <= 0:
                bell.period_s, bell.rounds = self._rng.choice(PERIODS_S), self._rng.randint(*_ROUNDS)
            if time_s - self._last_s < _APART_S or beat >= now.end or self._voices.index(bell) >= leaving:
                continue
            slot = next(s for low, high, s in now.spans() if low <= beat < high)
            if self._strike(now, player, bell, beat, slot, free):
                self._last_s = time_s

    def _strike(self, now: Moment, player: Player, bell: _Bell, beat: float, slot: Slot, free: bool) -> bool:
        """Ring `bell` on its own pitch, or on the chord's; False where it would rub."""
        if not free:
            self._toll(now, player, beat, self._nearest(now, slot, bell.pitch))
            return True
        beats = min(_RING_S / now.beat_s, now.phrase.beats - beat)
        if player.rubs(bell.pitch, beat, beat + beats) and now.controls["tonal_tension"] <= 0.5:
            return False
        if player.play("bells", beat, max(beats, 0.5), bell.pitch, steady=True):
            self.credit -= 1.0
            return True
        return False

    def _tend(self, now: Moment, wanted: int) -> None:
        """Keep `wanted` bells: they enter one by one, and now and then one or two take another pitch."""
        if not self._voices:
            self._began_s, self._field_s = now.time_s, now.time_s + self._rng.uniform(*_FIELD_S)
        if now.scale != self._key:
            self._key = now.scale
            self._field_s = now.time_s + self._rng.uniform(*_FIELD_S)
            for bell in self._voices:
                bell.pitch = now.scale.pitch(now.scale.step(bell.pitch))
        while len(self._voices) < wanted:
            entry_s = _ENTRY_S / wanted if now.time_s - self._began_s < _ENTRY_S else 0.0
            after = self._began_s + entry_s * len(self._voices) if entry_s else now.time_s
            period = self._rng.choice(PERIODS_S)
            first_s = max(after, now.time_s) + self._rng.uniform(0.05, 0.5) * (entry_s or period)
            self._voices.append(_Bell(self._tone(now), period, first_s, self._rng.randint(*_ROUNDS)))
        del self._voices[wanted:]
        if now.time_s >= self._field_s:
            self._field_s = now.time_s + self._rng.uniform(*_FIELD_S)
            for bell in self._rng.sample(self._voices, min(self._rng.randint(1, 2), len(self._voices))):
                bell.pitch = self._tone(now)

    def _tone(self, now: Moment) -> int:
        """A pitch of the scale that the field has not, and that rubs against none of it."""
        has = [bell.pitch for bell in self._voices]
        centre = self._centre(now)
        low, high = max(round(centre - 9.0), LOWEST), min(round(centre + 9.0), HIGHEST)
        pool = [now.scale.pitch(s) for s in range(now.scale.step(low), now.scale.step(high) + 1)]
        pool = [p for p in pool if low <= p <= high]
        clear = [p for p in pool if p not in has and all(abs(p - other) not in (1, 13) for other in has)] or pool
        crowded = [p % 12 for p in has]
        weights = [_FIELD[(p - now.scale.key) % 12] * (0.3 if p % 12 in crowded else 1.0) for p in clear]
        return self._rng.choices(clear, weights)[0]

    def _leaving(self, now: Moment) -> int:
        """How many bells still ring, as the end of the scene or the session comes near."""
        left = math.inf if now.remaining_s is None else now.remaining_s
        if self.ends_s is not None and self.ends_s > now.time_s:
            left = min(left, self.ends_s - now.time_s)
        return len(self._voices) if left >= _ENTRY_S else max(math.ceil(len(self._voices) * left / _ENTRY_S), 1)

    def _centre(self, now: Moment) -> float:
        return min(max(now.controls["register_note"] + 15.0, 74.0), 84.0)

    def _nearest(self, now: Moment, slot: Slot, aim: float) -> int:
        """The chord tone nearest to `aim`."""
        assert slot.chord is not None
        pcs = chord_pcs(slot.chord, now.scale)
        pool = [p for p in range(LOWEST, HIGHEST + 1) if p % 12 in pcs]
        return min(pool, key=lambda p: abs(p - aim))

    def _toll(
        self, now: Moment, player: Player, beat: float, pitch: int, accent: float = 0.0, beats: float = _RING_BEATS
    ) -> None:
        slots = now.phrase.slots
        slot_end = next((slot.end for slot in slots if slot.beat <= beat < slot.end), float(now.phrase.beats))
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - 4.5 - now.beat_s, 0.5) / now.beat_s
            slot_end = beat + beats
        beats = min(beats, max(slot_end - beat, 0.5))
        if not now.final and player.rubs(pitch, beat, beat + beats):
            return  # the moment passes
        if player.play("bells", beat, beats, pitch, accent):
            self.credit -= 1.0


def _is_drone(now: Moment) -> bool:
    """True over a phrase of one chord that is no more than two tones."""
    slots = now.phrase.slots
    return len(slots) == 1 and slots[0].chord is not None and len(chord_pcs(slots[0].chord, now.scale)) <= 2
