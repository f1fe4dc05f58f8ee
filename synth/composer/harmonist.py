"""The harmonist: decides each chord of a phrase as it nears, voices it for the pad and gives the bass its note."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from synth.composer import harmony, priors, voicing
from synth.composer.harmony import Chord, Wish, chord_pcs
from synth.composer.moment import Moment, Phrase, Slot
from synth.composer.styles import Archetype
from synth.composer.tension import beating
from synth.controls import MODES
from synth.rng import stream

PAD_LOW, PAD_HIGH = 52, 76
_BLOOMS = 0.6  # broken tones a bar from which on a voice is left to them
_OPEN, _CLOSED = 1.4, 0.3  # tension of a close that asks, and of one that answers, against what is asked for
_APPROACH = 1.6  # and of the chord before
_ROUGH = (0.4, 2.0)  # of a chord against its tension, where no roughness is asked for and how much more where it is
_SPARSE_HZ = 0.25  # so few notes leave none for a third voice
_REST, _TENSE = -0.5, 0.6  # a chord that leans less is at rest, one that leans more is tense
_FULL = 3  # voices of a chord that a person plays
_AHEAD_S = 8.0  # the longest that a change of tonal tension may wait


def lean(now: Moment, slot: Slot) -> float:
    """-1 for a chord at rest to 1 for the tensest, against the tension asked for."""
    return max(-1.0, min(1.0, slot.tension / max(now.controls["tonal_tension"], 0.02) - 1.2))


def tones(now: Moment, slot: Slot) -> tuple[int, ...]:
    """Pitch classes for a pattern over `slot`: at rest root and fifth alone, else those of the chord."""
    assert slot.chord is not None
    pcs = chord_pcs(slot.chord, now.scale)
    return pcs[:2] if lean(now, slot) < _REST else pcs


class Harmonist:
    """Holds the chords heard so far and the pad's last voicing. `beside`, to be set, are pitches that sound beside it,
    which no voicing is to rub against."""

    def __init__(self, seed: int, style: Archetype, practice: str) -> None:
        self._rng = stream(seed, "composer", "harmony")
        self._style = style
        self._practice = practice
        self._palettes = _palettes(style, practice)
        self._past: list[Chord] = []
        self._pcs: tuple[int, ...] = ()
        self._voicing: tuple[int, ...] = ()
        self._bass: int | None = None
        self.beside: tuple[int, ...] = ()

    def follow(self, other: Harmonist) -> None:
        """Go on from what another one's pad sounds."""
        self._pcs, self._voicing, self._bass = other._pcs, other._voicing, other._bass

    def due(self, now: Moment) -> list[int]:
        """The slots to be decided in this bar: those that begin in it, and what they look ahead to."""
        slots = now.phrase.slots
        begin = [i for i, slot in enumerate(slots) if now.start <= slot.beat < now.end]
        ahead = (j for i in begin for j in self._ahead(now, i))
        return [i for i in dict.fromkeys(ahead) if slots[i].chord is None]

    def known(self, now: Moment, index: int) -> list[Slot]:
        """Slot `index` and the decided ones after it that begin within 8 s, the next one in any case."""
        return [now.phrase.slots[i] for i in self._ahead(now, index)]

    def _ahead(self, now: Moment, index: int) -> list[int]:
        slots = now.phrase.slots
        return [
            i
            for i in range(index, len(slots))
            if i <= index + 1 or (slots[i].beat - slots[index].beat) * now.beat_s <= _AHEAD_S
        ]

    def choose(self, now: Moment, index: int) -> None:
        """Fix the chord of slot `index` of the phrase, one that `due` names; `voice` it next."""
        phrase = now.phrase
        slot = phrase.slots[index]
        slot.tension = self._tension(now, phrase, index)
        if phrase.still or self._style.harmony == "drone" or not phrase.scale.is_mode:
            slot.chord, slot.tension = Chord(0, "open"), 0.0
        else:
            slot.chord = self._chord(now, phrase, index)

    def lead(self, now: Moment, index: int, chord: Chord, bass_pc: int | None) -> None:
        """Let slot `index`, which was decided otherwise, have `chord` in full, on `bass_pc` if that is given."""
        slots = now.phrase.slots
        before = self._past[: max(len(self._past) - len(now.phrase.idea.chords), 0)]
        later = self._pcs, self._voicing, self._bass
        if index:
            self._voicing = slots[index - 1].voicing
        slots[index].chord = chord
        self.voice(now, index, bass_pc, _FULL)
        third = chord_pcs(chord, now.scale)[2:3]
        if third and third[0] not in [pitch % 12 for pitch in slots[index].voicing]:
            self._voicing = ()  # smooth or not, it is to be heard
            self.voice(now, index, bass_pc, _FULL)
        decided = [slot.chord for slot in slots if slot.chord is not None]
        if index + 1 < len(decided):
            self._pcs, self._voicing, self._bass = later
        now.phrase.idea.chords[:] = decided
        now.phrase.idea.lengths = tuple(slot.beats for slot in slots)
        self._past = [*before, *decided][-12:]

    def voice(self, now: Moment, index: int, bass_pc: int | None = None, fewest: int = 1) -> None:
        """Fix voicing and bass of slot `index`, whose chord is chosen, with `fewest` voices at least; `bass_pc` is what
        the bass is to have."""
        phrase = now.phrase
        slot = phrase.slots[index]
        assert slot.chord is not None
        pcs = chord_pcs(slot.chord, phrase.scale)
        voices = max(self._voices(now, phrase, index), fewest)
        slot.bass_pc = pcs[0]
        pedal = slot.tension < self._style.pedal or phrase.shares.bass * phrase.bars < 1.5
        if pedal and not phrase.ending:
            slot.bass_pc = phrase.scale.key
        if bass_pc is not None:
            slot.bass_pc = bass_pc
        bass = None
        if "drone" in phrase.stems:
            bass = voicing.drone_note(phrase.scale.key)
        elif "bass" in phrase.stems:
            bass = voicing.bass_note(slot.bass_pc, None)
        arch = 2.0 if 0.25 < slot.beat / phrase.beats < 0.7 else 0.0
        under = -3 if now.phrase.line else 1  # a tune has the top to itself
        high = round(min(max(now.controls["register_note"] + under, 64), PAD_HIGH))
        top = min(high - 1.0, 64.0 + arch + 0.3 * (now.controls["register_note"] - 62))
        window = (PAD_LOW, high)
        slot.voicing = voicing.lead(
            self._voicing, pcs, window, voices, bass, top, self._bass, lean(now, slot), self.beside
        )
        self._past = [*self._past[-11:], slot.chord]
        self._pcs, self._voicing, self._bass = pcs, slot.voicing, bass
        phrase.idea.chords.append(slot.chord)

    def keep(self, phrase: Phrase, slot: Slot) -> None:
        """Begin `phrase` on the chord of `slot`, which sounds already."""
        first = phrase.slots[0]
        first.chord, first.voicing, first.bass_pc, first.tension = slot.chord, slot.voicing, slot.bass_pc, slot.tension
        assert slot.chord is not None
        phrase.idea.chords.append(slot.chord)

    def _voices(self, now: Moment, phrase: Phrase, index: int) -> int:
        if phrase.ending and index == len(phrase.slots) - 1:
            return max(self._style.voices, 3)
        voices = phrase.shares.voices if "harmony" in now.entered else 2
        if (phrase.line and voices > 3) or (phrase.shares.fill >= _BLOOMS and voices > 2):
            voices -= 1  # the tune, or a tone that blooms in later, is the upper voice
        leaning = lean(now, phrase.slots[index])
        if leaning < _REST and voices > max(self._style.voices - 1, 2) and self._style.pedal < 0.5:
            voices -= 1
        elif leaning > _TENSE and voices == 2 and now.controls["density_hz"] > _SPARSE_HZ:
            voices += 1
        return voices

    def _chord(self, now: Moment, phrase: Phrase, index: int) -> Chord:
        slot = phrase.slots[index]
        last = index == len(phrase.slots) - 1
        if "harmony" not in now.entered and index == 0:
            return Chord(0, "open")
        recall, weight = self._recall(now, phrase, index)
        wish = Wish(
            tension=slot.tension,
            rough=slot.tension * (_ROUGH[0] + _ROUGH[1] * now.controls["roughness"]),
            recall=recall,
            recall_weight=weight,
            within=phrase.pivot if index == 0 else (),
            first=index == 0,
            last=last,
        )
        before, close = phrase.goal
        if phrase.ending and last:
            return Chord(0, "triad")
        if last:
            wish = wish._replace(degree=close)
        elif index == len(phrase.slots) - 2:
            wish = wish._replace(degree=before)
        elif phrase.relation == "exact" and recall is not None and not phrase.pivot:
            wish = wish._replace(degree=recall.degree)
        else:
            wish = wish._replace(goal=before, steps=len(phrase.slots) - 2 - index)
        return harmony.choose(
            self._rng, self._palettes[phrase.scale.mode], phrase.scale, self._practice, self._past, self._pcs, wish
        )

    def _recall(self, now: Moment, phrase: Phrase, index: int) -> tuple[Chord | None, float]:
        """The chord at the same place of the phrase that returns, and how strongly it is wanted back."""
        chords = phrase.recall
        if not chords:
            return None, 0.0
        place = index if len(chords) == len(phrase.slots) else int(index * len(chords) / len(phrase.slots))
        pull = {"exact": 60.0, "varied": 20.0, "rhythm": 6.0, "new": 12.0}[phrase.relation]
        return chords[min(place, len(chords) - 1)], pull * (0.3 + 1.4 * now.controls["predictability"])

    def _tension(self, now: Moment, phrase: Phrase, index: int) -> float:
        slot = phrase.slots[index]
        eighth = int(8.0 * (slot.beat + min(slot.beats, 2.0) / 2) / phrase.beats)
        shape = priors.PHRASE_TENSION[min(eighth, 7)]
        if index == len(phrase.slots) - 1:
            shape = _OPEN if phrase.cadence == "half" else _CLOSED
        elif index == len(phrase.slots) - 2:
            shape = max(shape, _APPROACH)
        return min(now.controls["tonal_tension"] * shape * phrase.lean, 1.0)


_MOST_AHEAD = 12  # chords that a goal is looked at from


@cache
def _palettes(style: Archetype, practice: str) -> tuple[harmony.Palette, ...]:
    """The palettes of all modes; with them all tables that a choice needs are there before the first bar is due."""
    for mode in range(len(MODES)):
        for goal in range(7):
            harmony.arrivals(mode, practice, goal, _MOST_AHEAD)
    for low, high in combinations(range(PAD_LOW, PAD_HIGH + 1), 2):
        beating(low, high)
    return tuple(harmony.palette(mode, style.degrees, style.kinds) for mode in range(len(MODES)))
