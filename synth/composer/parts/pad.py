"""The pad: chords held, common tones tied, and broken chords where the texture is to be fuller."""

from __future__ import annotations

from synth.composer import rhythm
from synth.composer.harmonist import Harmonist
from synth.composer.moment import Moment, Slot
from synth.composer.playing import Player
from synth.composer.voicing import min_gap
from synth.rng import stream

_SPREAD_MS = (10.0, 30.0)  # a chord from its lowest to its highest note
_OVERLAP_S = 0.06
_RING_S = 2.8  # the last chord lets go this long before the end


class Pad:
    """Writes the stem "pad"."""

    def __init__(self, seed: int, harmonist: Harmonist) -> None:
        self._rng = stream(seed, "composer", "pad")
        self._harmonist = harmonist
        self._turn = 0

    def write(self, now: Moment, player: Player) -> None:
        """Strike the voices that enter with the chords of this bar."""
        slots = now.phrase.slots
        for index, slot in enumerate(slots):
            if not now.start <= slot.beat < now.end:
                continue
            self._harmonist.decide(now, index)
            following = None
            if index + 1 < len(slots):
                self._harmonist.decide(now, index + 1)
                following = slots[index + 1]
            if now.plays("pad"):
                self._strike(now, player, slot, following)

    def _strike(self, now: Moment, player: Player, slot: Slot, following: Slot | None) -> None:
        beats = slot.beats
        if now.final:
            assert now.remaining_s is not None
            beats = max(now.remaining_s - _RING_S, 0.5) / now.beat_s
        may_tie = following is not None and not (now.phrase.ending and following is now.phrase.slots[-1])
        held = player.sounding("pad", now.ticks(slot.beat + min(slot.beats, 1.0)))
        entering = [pitch for pitch in slot.voicing if pitch not in held]
        spread = self._rng.uniform(*_SPREAD_MS) / max(len(entering) - 1, 1)
        for order, pitch in enumerate(entering):
            length = beats
            if following is not None and may_tie and pitch in following.voicing:
                length += following.beats
            elif following is not None:
                length += _OVERLAP_S / now.beat_s if pitch not in following.voicing else 0.0
            top = 0.06 if pitch == slot.voicing[-1] else -0.03 if pitch == slot.voicing[0] else 0.0
            player.play("pad", slot.beat, length, pitch, top, spread * order)

    def fill(self, now: Moment, player: Player, notes: int) -> None:
        """Break `notes` more tones of the sounding chords over the bar, on the offbeats first."""
        if notes <= 0 or not now.plays("pad"):
            return
        steps = 2 if notes <= 2 * now.beats - 2 else 4
        total = now.beats * steps
        if steps == 2 and notes < now.beats:
            weak = [i for i in range(total) if i % steps == 0 and i > 0] + [i for i in range(total) if i % steps]
            places = sorted(weak[:: max(len(weak) // max(notes, 1), 1)][:notes])
        else:
            places = list(rhythm.euclid(min(notes, total), total, 1))
        spans = now.spans()
        for i, place in enumerate(places):
            beat = now.start + place / steps
            slot = next((s for low, high, s in spans if low <= beat < high), None)
            if slot is None or not slot.voicing:
                continue
            until = now.start + places[i + 1] / steps if i + 1 < len(places) else now.end
            length = min(max(until - beat, 1.0), slot.end - beat)
            for _ in range(4):
                pitch = self._next(now, player, slot, beat)
                if pitch is None or player.play("pad", beat, length, pitch, -0.06):
                    break

    def _next(self, now: Moment, player: Player, slot: Slot, beat: float) -> int | None:
        """The next tone of a slow up-and-down walk over chord tones that are not held."""
        pcs = {pitch % 12 for pitch in slot.voicing}
        held = player.sounding("pad", now.ticks(beat))
        low, high = slot.voicing[0], slot.voicing[-1] + 7
        free = [p for p in range(max(low, 57), high + 1) if p % 12 in pcs and p not in held]
        free = [p for p in free if all(abs(p - q) >= min_gap(min(p, q)) for q in held)]
        if not free:
            return None
        cycle = free + free[-2:0:-1]
        self._turn += 1
        return cycle[self._turn % len(cycle)]
