"""The bass: one voice from E1 to G2, on roots, fifths and octaves."""

from __future__ import annotations

from synth.composer import rhythm
from synth.composer.moment import Moment, Slot
from synth.composer.playing import Player
from synth.composer.scales import pitch_classes
from synth.composer.voicing import BASS_HIGH, BASS_LOW, bass_note
from synth.rng import stream

_RING_S = 1.4  # the root is the last to leave


class Bass:
    """Writes the stem "bass" in one of four manners: "roots", "pedal", "rock" (root and fifth) or "riff"."""

    stem = "bass"

    def __init__(self, seed: int, manner: str) -> None:
        self._rng = stream(seed, "composer", "bass")
        self._manner = manner
        self._last: int | None = None
        self._section = -1
        self._rotation = 0
        self._figure: tuple[int, ...] = (0,)

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""
        if not now.plays("bass"):
            return
        if now.phrase.section != self._section:
            self._section = now.phrase.section
            self._rotation = self._rng.choice((0, 0, 3))
            self._figure = self._rng.choice(((0, 4, 0), (0, 0, 4), (0, 7, 4), (0, 4, 7, 4)))
        self.write_from(now, player, now.start)

    def write_from(self, now: Moment, player: Player, beat: float) -> None:
        """The chords of this bar that begin at `beat` of the phrase or later, or go on there."""
        if not now.plays("bass"):
            return
        riff = self._manner == "riff" and now.phrase.shares.bass >= 1.5 and not now.phrase.ending
        for low, high, slot in now.spans():
            if low < beat:
                continue
            if riff:
                self._riff(now, player, low, high, slot)
            else:
                self._walk(now, player, low, high, slot)

    def _walk(self, now: Moment, player: Player, low: float, high: float, slot: Slot) -> None:
        grid = self._grid(now, slot)
        if now.final:
            assert now.remaining_s is not None
            ring = max(now.remaining_s - _RING_S, 0.5) / now.beat_s
            self._play(now, player, low, ring, slot.bass_pc)
            return
        if slot.beat == low and player.sounding("bass", now.ticks(low + 0.5 * slot.beats)):
            return  # tied over from the chord before
        count = round((slot.beats + 1e-9) // grid) or 1
        for i in range(count):
            beat = slot.beat + i * grid
            if not low <= beat < high:
                continue
            length = (self._until(now, slot) if count == 1 else slot.end if i == count - 1 else beat + grid) - beat
            pc = slot.bass_pc
            if i % 2 == 1:
                pc = self._fifth(now, slot)
            self._play(now, player, beat, length, pc, 0.0 if i == 0 else -0.04)

    def _until(self, now: Moment, slot: Slot) -> float:
        """The end of `slot`, or of the chords decided after it that stand on the same bass."""
        end = slot.end
        for later in now.phrase.slots[now.phrase.slots.index(slot) + 1 :]:
            landing = now.phrase.ending and later in now.phrase.slots[-2:]
            if later.chord is None or later.bass_pc != slot.bass_pc or landing:
                break
            end = later.end
        return end

    def _grid(self, now: Moment, slot: Slot) -> float:
        """Beats from note to note: the chord's length, a bar, half a bar or a beat, as many as the budget holds."""
        beats = now.phrase.bar_beats[0]
        half = beats / 2 if beats % 2 == 0 else (beats // 2 + 1 if self._manner != "rock" else beats / 2)
        rate = now.phrase.shares.bass
        if self._manner == "rock" and rate >= 1.0:
            rate *= 1.5
        for grid in (1.0, half, float(beats)):
            if rate >= 0.85 * beats / grid and grid < slot.beats:
                return grid
        return slot.beats

    def _riff(self, now: Moment, player: Player, low: float, high: float, slot: Slot) -> None:
        steps = 2 * now.beats
        pulses = min(max(round(now.phrase.shares.bass), 2), 5)
        beats = [now.start + i / 2 for i in rhythm.euclid(pulses, steps, self._rotation)]
        if slot.beat == low and low not in beats:
            beats = sorted([low, *beats])
        beats = [beat for beat in beats if low <= beat < high]
        for i, beat in enumerate(beats):
            until = beats[i + 1] if i + 1 < len(beats) else high
            length = (until - beat) * min(now.controls["articulation"], 1.0)
            tone = self._figure[i % len(self._figure)]
            pc = self._fifth(now, slot) if tone == 4 else slot.bass_pc
            self._play(now, player, beat, length, pc, 0.03 if i == 0 else -0.02, octave=tone == 7)

    def _fifth(self, now: Moment, slot: Slot) -> int:
        pc = (slot.bass_pc + 7) % 12
        return pc if pc in pitch_classes(now.scale) else slot.bass_pc

    def _play(
        self, now: Moment, player: Player, beat: float, beats: float, pc: int, accent: float = 0.0, octave: bool = False
    ) -> None:
        pitch = bass_note(pc, self._last)
        if octave:
            pitch = pitch + 12 if pitch + 12 <= BASS_HIGH else pitch - 12 if pitch - 12 >= BASS_LOW else pitch
        else:
            self._last = pitch
        player.play("bass", beat, beats, pitch, accent)
