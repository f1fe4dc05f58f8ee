"""The pad: chords held, common tones tied, and broken chords where the texture is to be fuller."""

from __future__ import annotations

from synth.composer import rhythm
from synth.composer.harmonist import Harmonist, tones
from synth.composer.moment import Moment, Slot
from synth.composer.playing import Player
from synth.composer.voicing import LONE_BELOW, RUBS, is_apart
from synth.rng import stream

_OVERLAP_S = 0.06
_BROKEN = 2.5  # from so many broken tones a bar on, only the two lowest voices are held
_FASTEST_S = 0.12
_HIGHEST = 74  # of a broken chord
_RING_S = 2.8  # the last chord lets go this long before the end


class Pad:
    """Writes the stem "pad"."""

    stem = "pad"

    def __init__(self, seed: int, harmonist: Harmonist) -> None:
        self._rng = stream(seed, "composer", "pad")
        self._harmonist = harmonist
        self._walked = 0
        self._rising = True

    def write(self, now: Moment, player: Player) -> None:
        """Strike the voices that enter with the chords of this bar."""
        self.write_from(now, player, now.start)

    def write_from(self, now: Moment, player: Player, beat: float) -> None:
        """The same from `beat` of the phrase on, where a chord begins."""
        for index, slot in enumerate(now.phrase.slots):
            if beat <= slot.beat < now.end:
                known = self._harmonist.known(now, index)
                if now.plays("pad"):
                    self._strike(now, player, known)

    def _strike(self, now: Moment, player: Player, known: list[Slot]) -> None:
        """Strike what is new in the first of the `known` chords; hold each tone as long as the next ones keep it."""
        slot, phrase = known[0], now.phrase
        before = phrase.slots[phrase.slots.index(slot) - 1] if slot is not phrase.slots[0] else None
        held = player.sounding("pad", now.ticks(slot.beat + min(slot.beats, 1.0)))
        over = now.ticks(slot.beat + 0.25)  # tones that the tune, or a phrase broken off, holds over the change
        kept = player.sounding("melody", over) + [p for p in player.sounding("pad", over) if p not in slot.voicing]
        entering = [pitch for pitch in slot.voicing if pitch not in held and is_apart(pitch, kept)]
        for late_ms, pitch in zip(player.spread(len(entering)), entering, strict=True):
            top = 0.06 if pitch == slot.voicing[-1] else -0.03 if pitch == slot.voicing[0] else 0.0
            if phrase.shares.fill >= _BROKEN and slot.voicing.index(pitch) >= 2 and not now.final:
                player.play("pad", slot.beat, min(1.0, slot.beats), pitch, top, late_ms)
                continue
            begin, beats = slot.beat, self._length(now, known, pitch)
            fourth = self._suspension(now, slot, before, pitch)
            wait = float(min(slot.beats, now.beats) // 2)
            if fourth is not None and player.play("pad", begin, wait, fourth, top, late_ms):
                begin, beats = begin + wait, beats - wait
            player.play("pad", begin, beats, pitch, top, late_ms)

    def _length(self, now: Moment, known: list[Slot], pitch: int) -> float:
        slot = known[0]
        if now.final:
            assert now.remaining_s is not None
            return max(now.remaining_s - _RING_S, 0.5) / now.beat_s
        end = slot.end
        for later in known[1:]:
            if pitch not in later.voicing or (now.phrase.ending and later in now.phrase.slots[-2:]):
                break
            end = later.end
        overlap = 0.0
        if end == slot.end and len(known) > 1 and pitch not in known[1].voicing:
            overlap = _OVERLAP_S / now.beat_s
        return end - slot.beat + overlap

    def _suspension(self, now: Moment, slot: Slot, before: Slot | None, pitch: int) -> int | None:
        """The fourth, when the closing chord's third is prepared by it in the chord before and may wait for it."""
        phrase = now.phrase
        if slot is not phrase.slots[-1] or phrase.ending or before is None or slot.chord is None or slot.beats < 3:
            return None
        third = now.scale.step(pitch)
        fourth = now.scale.pitch(third + 1)
        if third % 7 != (slot.chord.degree + 2) % 7 or fourth not in before.voicing or fourth in slot.voicing:
            return None
        others = [other for other in slot.voicing if other != pitch]
        if not is_apart(fourth, others) or any(abs(fourth - other) == 1 for other in others):
            return None
        return fourth if self._rng.random() < 0.5 * min(now.controls["tonal_tension"] * 4.0, 1.0) else None

    def fill(self, now: Moment, player: Player, notes: int) -> None:
        """Add `notes` tones of the sounding chords after the downbeat: a few that stay, or broken chords."""
        if notes <= 0 or not now.plays("pad"):
            return
        few = notes < now.beats
        steps = 1 if few else next((n for n in (2, 4) if n * now.beats > notes), 4)
        while steps > 2 and now.beat_s / steps < _FASTEST_S:
            steps -= 1
        places = [i for i in rhythm.euclid(notes + 1, now.beats * steps) if i > 0]
        doubled = set(rhythm.euclid(max(notes - len(places), 0), len(places)))  # two tones at once where time is short
        spans = now.spans()
        for i, place in enumerate(places):
            beat = now.start + place / steps
            slot = next((s for low, high, s in spans if low <= beat < high), None)
            if slot is None or not slot.voicing or (few and slot.end - beat < 1.0):
                continue
            until = (
                beat + now.beats if few else now.start + (places[i + 1] / steps if i + 1 < len(places) else now.beats)
            )
            until = min(until, slot.end)
            for _ in range(2 if i in doubled else 1):
                pitch = self._next(now, player, slot, beat, until)
                if pitch is not None:
                    player.play("pad", beat, until - beat, pitch, -0.06)

    def _next(self, now: Moment, player: Player, slot: Slot, beat: float, until: float) -> int | None:
        """The next tone of a walk up and down over chord tones that are free, if there is one."""
        held = player.sounding("pad", now.ticks(beat))
        high = max(slot.voicing[-1] + 5, _HIGHEST)
        if now.phrase.line:  # a tune has the top to itself, but where there are many more notes than it can sing
            busy = now.phrase.shares.fill >= _BROKEN
            high = max(round(now.controls["register_note"]) - 2, slot.voicing[-1] + 5 * busy)
        low = max(slot.voicing[0], LONE_BELOW)
        clear = [p for p in range(low, high + 1) if p != self._walked and all(abs(p - q) >= 2 for q in held)]
        clear = [p for p in clear if all(abs(p - other) not in RUBS for other in self._harmonist.beside)]
        pcs = tones(now, slot)
        free = [p for p in clear if p % 12 in pcs]
        for _ in range(2):
            onward = [p for p in free if (p > self._walked) == self._rising]
            for pitch in sorted(onward, key=lambda p: abs(p - self._walked)):
                if player.fits(pitch, beat, until):
                    self._walked = pitch
                    return pitch
            self._rising = not self._rising
        return None
