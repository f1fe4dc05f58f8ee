"""Company: how the composer plays with a person who plays.

It leaves the stem that is played to the person, spends fewer notes of its own, answers a phrase when it is over, keeps
it in memory as an idea of the piece, and lets chord and bass follow. All of it follows from what the transport tells.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from synth.composer.ensemble import Ensemble
from synth.composer.harmony import Chord, chord_pcs, symbol
from synth.composer.melody import Tone
from synth.composer.moment import Moment, Slot
from synth.composer.parts.bass import Bass
from synth.composer.parts.landmark import SILENT_DB
from synth.composer.parts.landmark import VOICES as LANDMARKS
from synth.composer.parts.pad import Pad
from synth.composer.parts.tune import Tune
from synth.composer.planner import Planner
from synth.composer.played import chords, ear
from synth.composer.played.reply import FEWEST, motif, reply
from synth.composer.playing import Player
from synth.composer.scales import pitch_classes
from synth.rng import stream, stream_seed
from synth.score.model import TICKS_PER_BEAT, Ask, Marker, Note, Stroke, Turn

_TAKEN = (*ear.VOICES, "bass")  # stems that the composer leaves to the person while they play
_ANSWERED_BEATS = 8.0  # a phrase that ended longer ago is not answered any more
_BELLS_UP = 12
_UNBENT = ("percussion", "drone", "pad", "bass")  # what does not rub, or is written anew


class Company:
    """The composer's side of playing together, from what was heard so far."""

    def __init__(self, seed: int, stems: Sequence[str], planner: Planner) -> None:
        self._seed = seed
        self._stems = stems
        self._planner = planner
        self._rng = stream(seed, "composer", "played")
        self._voices: dict[tuple[str, str], Tune] = {}
        self._reply: list[Tone] = []  # on beats of the session
        self._by: str | None = None  # the stem that replies
        self._counted = self._answered = -1  # the last stroke's tick that was counted, and of what was answered
        self._told: list[Marker] = []

    def attend(self, ask: Ask, now: Moment, player: Player, band: Ensemble) -> Generator[None, None, None]:
        """Before the bar at `now` is written: what is left to the person, and what is replied; in slices."""
        self._told = []
        player.beside = ear.held(ask.played)
        if now.phrase.ending or now.phrase.still:
            self._reply = []
        if not ask.played and not self._reply:
            return
        if self._count(ask.played, now):
            self._reply = []
        now.taken = self._taken(ask, now, band)
        yield
        self._answer(ask, now, band)
        yield

    def reserve(self, now: Moment) -> None:
        """Once the phrase is planned: who replies sings nothing else."""
        if self._reply and self._by is not None:
            now.taken |= {self._by}

    def sing(self, now: Moment, player: Player, band: Ensemble) -> Generator[None, None, None]:
        """The tones of the reply that fall into this bar, a tone a slice."""
        if not self._reply or self._by is None:
            return
        offset = now.start - now.tick / TICKS_PER_BEAT
        line = [replace(tone, beat=tone.beat + offset) for tone in self._reply]
        yield from self._voice(band, self._by).say(now, player, line)
        if line[-1].beat < now.end:
            self._reply = []

    @property
    def told(self) -> tuple[Marker, ...]:
        """What the score says of this bar."""
        return tuple(self._told)

    def follow(self, ask: Ask, now: Moment, player: Player, band: Ensemble) -> Generator[None, None, Turn]:
        """What changes at `ask.tick`, a beat of the bar at `now`, which is written."""
        player.turn()
        player.beside = ear.held(ask.played)
        self._told = []
        cut: list[Note] = []
        taken = self._taken(ask, now, band)
        if self._count(ask.played, now) and self._reply and self._by is not None:
            cut += self._silence(self._by, ask.tick, now, player)
            self._reply = []
        for stem in sorted(taken - now.taken):
            cut += self._silence(stem, ask.tick, now, player)
        now.taken |= taken
        yield
        markers: tuple[Marker, ...] = ()
        beat = now.start + (ask.tick - now.tick) / TICKS_PER_BEAT
        led = self._led(ask, now, band, beat)
        yield
        if led is not None:
            slot = self._lead(now, band, beat, *led)
            yield
            yield from self._write_anew(ask.tick, now, player, band, slot, cut)
            markers = chord_markers(now, beat)
        if beat == now.start and not self._reply:
            self._answer(ask, now, band)
            yield
            if self._reply and self._by is not None:
                now.taken |= {self._by}
                cut += self._silence(self._by, ask.tick, now, player)
                yield from self.sing(now, player, band)
        notes = tuple(sorted(player.notes, key=lambda note: note.tick))
        return Turn(ask.tick, tuple(cut), notes, (*markers, *self._told))

    # -- room ----------------------------------------------------------------------------------------------------

    def _silence(self, stem: str, tick: int, now: Moment, player: Player) -> list[Note]:
        return player.cut(tick, lambda note, key: note.stem == stem and not _stays(now, note, key))

    def _count(self, played: Sequence[Stroke], now: Moment) -> bool:
        """Count the new notes against the bar's room, never into debt; whether a stem that sings has any."""
        new = [stroke for stroke in played if stroke.tick > self._counted]
        if not new:
            return False
        self._counted = new[-1].tick
        now.room -= min(len(new), max(now.room, 0.0))
        return any(stroke.stem in ear.VOICES for stroke in new)

    def _taken(self, ask: Ask, now: Moment, band: Ensemble) -> frozenset[str]:
        """The stems that the person has; who plays a voice has the tune as well. The last phrase is for all."""
        if now.phrase.ending:
            return frozenset()
        going_on = []
        for stem in _TAKEN:
            phrase = ear.latest(ask.played, (stem,), ask.asked_tick)
            if phrase is not None and not phrase.over:
                going_on.append(stem)
        if band.tune is not None and set(going_on) & set(ear.VOICES):
            going_on.append(band.tune.stem)
        return frozenset(going_on)

    # -- call and response -----------------------------------------------------------------------------------------

    def _answer(self, ask: Ask, now: Moment, band: Ensemble) -> None:
        """Take up the phrase that is over, if there is one: it is replied to from this bar on, and remembered."""
        phrase = ear.latest(ask.played, ear.VOICES, ask.asked_tick)
        if phrase is None or not phrase.over or phrase.start <= self._answered:
            return
        if now.phrase.ending or now.phrase.still:
            return
        self._answered = phrase.strokes[-1].tick
        if ask.tick - phrase.end(ask.asked_tick) > _ANSWERED_BEATS * TICKS_PER_BEAT:
            return
        call = motif(phrase.line(ask.asked_tick), now.scale)
        by = self._answering(ask, band)
        if len(call) < FEWEST or len({tone.step for tone in call}) < 2 or by is None:
            return
        self._planner.remember(now.phrase.scene, call, ask.time_s)
        said, way = reply(self._rng, call, literal=not now.scale.is_mode)
        begin = ask.tick / TICKS_PER_BEAT
        self._reply = [replace(tone, beat=tone.beat + begin, gesture="reply") for tone in said]
        self._by = by
        self._told.append(Marker(ask.tick, "reply", f"{by} replies to {len(call)} notes {way}"))

    def _answering(self, ask: Ask, band: Ensemble) -> str | None:
        """The stem that replies: the tune's, else another voice that can be heard."""
        first = (band.tune.stem,) if band.tune is not None else ()
        audible = (
            stem
            for stem in (*first, *ear.VOICES)
            if stem in self._stems and ask.controls.get(f"level_{stem}_db", 0.0) > SILENT_DB
        )
        return next(audible, None)

    def _voice(self, band: Ensemble, stem: str) -> Tune:
        key = band.scene.name, stem
        if key not in self._voices:
            seed = stream_seed(self._seed, "played", band.scene.name)
            self._voices[key] = Tune(seed, stem, band.style, _BELLS_UP if stem == "bells" else 0)
        return self._voices[key]

    # -- chord and bass ----------------------------------------------------------------------------------------------

    def _led(self, ask: Ask, now: Moment, band: Ensemble, beat: float) -> tuple[Chord, int | None] | None:
        """Chord and bass from `beat` on, as the person plays them (None: any bass); None where nothing changes."""
        phrase = now.phrase
        if phrase.still or phrase.ending or not now.scale.is_mode or band.style.harmony == "drone" or band.pad is None:
            return None
        slot = next(slot for slot in phrase.slots if slot.beat <= beat < slot.end)
        if slot.chord is None:
            return None
        heard = ear.chord(ask.played, ask.asked_tick, now.beats * TICKS_PER_BEAT)
        chord = chords.taken(heard, now.scale) if heard else None
        if chord is None:
            chord = self._fitting(ask, now, slot, beat)
        chord = chord or slot.chord
        low = ear.low_note(ask.played, ask.asked_tick)
        bass_pc = None if low is None else low % 12
        pcs = chord_pcs(chord, now.scale)
        if bass_pc is not None and bass_pc not in pcs and bass_pc not in pitch_classes(now.scale):
            bass_pc = None
        same = set(pcs) == set(chord_pcs(slot.chord, now.scale))
        if same and bass_pc in (None, slot.bass_pc):
            return None
        return chord, pcs[0] if bass_pc is None and heard else bass_pc

    def _lead(self, now: Moment, band: Ensemble, beat: float, chord: Chord, bass_pc: int | None) -> Slot:
        """The slot from `beat` on, with that chord and bass."""
        slots = now.phrase.slots
        index = next(i for i, slot in enumerate(slots) if slot.beat <= beat < slot.end)
        slot = slots[index]
        if slot.beat < beat:
            end, slot.beats = slot.end, beat - slot.beat
            index, slot = index + 1, Slot(beat, end - beat, slot.chord, slot.voicing, slot.bass_pc, slot.tension)
            slots.insert(index, slot)
        band.harmonist.lead(now, index, chord, bass_pc)
        return slot

    def _fitting(self, ask: Ask, now: Moment, slot: Slot, beat: float) -> Chord | None:
        """On a strong beat a chord that holds the long notes, where the one that sounds does not."""
        assert slot.chord is not None
        pcs = ear.long_notes(ask.played, ask.asked_tick)
        strong = beat == now.start or (now.beats % 2 == 0 and beat == now.start + now.beats / 2)
        if not pcs or not strong or set(pcs) <= set(chord_pcs(slot.chord, now.scale)):
            return None
        sounding = set(chord_pcs(slot.chord, now.scale))
        options = chords.fitting(now.scale, pcs)
        return min(options, key=lambda chord: (len(set(chord_pcs(chord, now.scale)) - sounding), chord), default=None)

    def _write_anew(
        self, tick: int, now: Moment, player: Player, band: Ensemble, slot: Slot, cut: list[Note]
    ) -> Generator[None, None, None]:
        """Pad and bass from `tick` on; what other stems would rub with it falls silent."""
        assert slot.chord is not None
        pcs = chord_pcs(slot.chord, now.scale)
        until = now.ticks(min(slot.end, now.end))

        def unwanted(note: Note, key: int) -> bool:
            if _stays(now, note, key):
                return False
            if note.stem == "pad":
                kept = note.tick < tick and key in slot.voicing and note.tick + note.duration >= until
                return not kept
            if note.stem == "bass" and "bass" in now.phrase.stems:
                return not (note.tick < tick and key % 12 == slot.bass_pc and note.tick + note.duration >= until)
            rubs = key % 12 not in pcs and any((key - pc) % 12 in (1, 11) for pc in pcs)
            return note.stem not in _UNBENT and rubs and note.tick < until

        cut += player.cut(tick, unwanted)
        yield
        beat = slot.beat
        for part in band.parts:
            if isinstance(part, Pad | Bass):
                part.write_from(now, player, beat)
                yield


def _stays(now: Moment, note: Note, key: int) -> bool:
    """Whether a note may be a landmark's: those are never taken away."""
    return now.controls["landmark"] >= 0.5 and note.stem in LANDMARKS and (key - now.scale.key) % 12 in (0, 7)


def chord_markers(now: Moment, beat: float) -> tuple[Marker, ...]:
    """Chords and tensions of the bar at `now` from `beat` of the phrase on."""
    found = []
    for slot in now.phrase.slots:
        if beat <= slot.beat < now.end and slot.chord is not None:
            tick = now.ticks(slot.beat)
            found.append(Marker(tick, "chord", symbol(slot.chord, now.scale)))
            found.append(Marker(tick, "tension", f"{slot.tension:.2f}"))
    return tuple(found)
