"""The tune: one line of phrases that come back, with rests between."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from synth.composer import melody, motifs, rhythm
from synth.composer.guests import Reception
from synth.composer.harmony import Chord, chord_pcs
from synth.composer.melody import Setting, Tone, Voice
from synth.composer.moment import Moment
from synth.composer.playing import Player
from synth.composer.priors import CLOSING_DEGREE, CONTOURS
from synth.composer.styles import Archetype
from synth.composer.visit import Visit
from synth.rng import stream

LOWEST, HIGHEST = 55, 90
_SHORTEST_S = 0.22
_OVERLAP_S = 0.06
_FALL = 4.0  # the closing tone lies about this far below the middle of the register
_RING_S = 5.5  # the voice leaves first
_DETACHED = 0.85  # articulation under which tones are meant to be short
_LOW = 63  # tones of the pad below this may stand too close to a low tune


class Tune:
    """Writes a line for `stem`, `up` semitones above the register asked for."""

    def __init__(self, seed: int, stem: str, style: Archetype, up: int = 0, desk: Reception | None = None) -> None:
        self.stem = stem
        self._rng = stream(seed, "composer", "tune", stem)
        self._style = style
        self._up = up
        self._voice = Voice()
        self._contour = "arch"
        self._firsts: dict[str, list[int]] = {}
        self._shift = 0
        self._span: tuple[int, int] | None = None  # of what is said, where that may be wider than the register
        self._visit = Visit(seed, stem, desk) if desk is not None and stem in desk.stems else None

    def plan(self, now: Moment) -> None:
        """Plan the line of the phrase that begins with this bar, if there are notes enough for one."""
        phrase = now.phrase
        line = self._visit.line(now, *self._window(now)) if self._visit is not None else []
        own = line or self._line(now)
        if own:
            phrase.line = own
            again = phrase.source.line if phrase.source and phrase.relation == "exact" and not line else []
            phrase.idea.line = again or own
            self._firsts, self._shift = {}, self._fit(now, own) if not line else 0
        if line or not own:  # what is not sung does not come back
            phrase.told = tuple(told for told in phrase.told if told[0] != "recall")

    def _line(self, now: Moment) -> list[Tone]:
        phrase = now.phrase
        if self.stem not in phrase.stems or not (phrase.ending or now.plays(self.stem)):
            return []
        if phrase.ending and phrase.bars <= 2:
            return [Tone(phrase.slots[-1].beat, 2.0, "close", 0, closing=True)]
        if phrase.shares.tune <= 0.0 and not phrase.ending:
            return []
        self._contour = self._rng.choices(list(CONTOURS), list(CONTOURS.values()))[0]
        source = phrase.source.line if phrase.source and phrase.relation != "new" else []
        return self._again(now, source) if source else self._new(now)

    def write(self, now: Moment, player: Player) -> None:
        """Sing the tones of this bar."""
        for _ in self.sing(now, player):
            pass

    def sing(self, now: Moment, player: Player) -> Generator[None, None, None]:
        """The same, a tone a slice."""
        line = now.phrase.line
        if not now.plays(self.stem) or not line:
            return
        for index, tone in enumerate(line):
            if tone.closing and now.phrase.ending:
                tone.beat = now.phrase.slots[-1].beat
            if now.start <= tone.beat < now.end:
                self._sing(now, player, line, index)
                yield

    def say(self, now: Moment, player: Player, line: list[Tone]) -> Generator[None, None, None]:
        """Sing those of the tones of `line` that fall into this bar, whatever the phrase has planned."""
        self._span = None
        self._firsts, self._shift = {}, self._fit(now, line)
        pitches = [now.scale.pitch(tone.step + self._shift) for tone in line if tone.step is not None]
        if pitches:
            self._span = max(min(pitches), LOWEST), min(max(pitches), HIGHEST)
        for index, tone in enumerate(line):
            if now.start <= tone.beat < now.end:
                self._sing(now, player, line, index)
                yield

    def silences(self, now: Moment) -> list[tuple[float, float]]:
        """Where the line rests in this bar, for a beat and a half or more, in beats of the phrase."""
        edges = [(tone.beat, tone.beat + tone.beats) for tone in now.phrase.line]
        found, free = [], now.start
        for begin, end in sorted(edges):
            if begin - free >= 1.5 and free < now.end:
                found.append((free, min(begin, now.end)))
            free = max(free, end)
        if now.end - free >= 1.5:
            found.append((free, now.end))
        return found

    @property
    def last(self) -> int | None:
        """The pitch sung last."""
        return self._voice.pitch

    def _window(self, now: Moment) -> tuple[int, int]:
        centre = min(max(round(now.controls["register_note"]) + self._up, LOWEST + 4), 80)
        low, high = max(centre - 7, LOWEST), min(centre + 8, HIGHEST)
        return (low, high) if self._span is None else (min(low, self._span[0]), max(high, self._span[1]))

    def _new(self, now: Moment) -> list[Tone]:
        phrase = now.phrase
        return melody.plan_line(
            self._rng,
            phrase.bars,
            phrase.bar_beats[0],
            phrase.slots[-1].beat,
            max(phrase.shares.tune, 3.0),
            self._shortest(now),
            self._rest(now),
            now.controls["regularity"],
            leaning=not phrase.ending,
        )

    def _rest(self, now: Moment) -> float:
        """Share of a line that is rest, less what tones that are played a little short leave silent."""
        return 1.0 - (1.0 - self._style.rest) / min(max(now.controls["articulation"], _DETACHED), 1.0)

    def _shortest(self, now: Moment) -> float:
        shortest = next((b for b in (0.25, 0.5, 0.75, 1.0) if b * now.beat_s >= _SHORTEST_S), 1.0)
        return max(shortest, 0.5) if self._style.tune_hz < 2.0 else shortest

    def _again(self, now: Moment, source: list[Tone]) -> list[Tone]:
        """A copy of an earlier line, fitted to the length of this phrase, as the phrase's relation has it."""
        phrase = now.phrase
        closing = phrase.slots[-1].beat
        line = [replace(tone) for tone in source]
        if phrase.relation == "varied":
            line, phrase.idea.way = motifs.vary(self._rng, line, closing, phrase.idea.way)
        if phrase.relation == "rhythm":
            for tone in line:
                tone.step = None
        last, span = line[-1], phrase.source.bars * phrase.bar_beats[0] if phrase.source else phrase.beats
        if phrase.beats >= 2 * span:  # in a phrase twice as long it is said twice
            line = [*line[:-1], *(replace(tone, beat=tone.beat + span) for tone in line[:-1]), last]
        if phrase.ending or not closing <= last.beat < phrase.beats - 0.25:
            last.beat = closing
        body = [tone for tone in line[:-1] if tone.beat + 0.25 <= last.beat]
        return melody.breathe([*body, last], phrase.beats, self._rest(now), self._shortest(now))

    def _fit(self, now: Moment, line: list[Tone]) -> int:
        """Octaves, in steps, that bring a remembered line into the register asked for."""
        steps = [tone.step for tone in line if tone.step is not None]
        if not steps:
            return 0
        low, high = self._window(now)
        middle = now.scale.pitch(sorted(steps)[len(steps) // 2])
        return now.scale.size * round(((low + high) / 2 - middle) / 12.0)

    def _sing(self, now: Moment, player: Player, line: list[Tone], index: int) -> None:
        tone = line[index]
        slot = next(s for s in now.phrase.slots if s.beat <= tone.beat < s.end)
        assert slot.chord is not None
        chord = chord_pcs(slot.chord, now.scale)
        if slot.chord.kind == "open":
            chord = (*chord, now.scale.pitch(slot.chord.degree + 2) % 12)
        beats = self._beats(now, line, index)
        at = self._setting(now, player, line, index, chord, beats)
        if tone.closing:
            degrees = (0, 2) if now.phrase.ending else (0, 1, 2, 4)
            again = self._recalled(now, tone, at) if tone.step is not None and now.phrase.relation == "exact" else None
            if again is not None and again % 12 in chord:
                pitch = again
            else:
                pitch = melody.close(self._rng, self._voice, at, degrees)
        elif tone.step is not None:
            pitch = self._recalled(now, tone, at)
        else:
            pitch = melody.sing(self._rng, self._voice, at)
        beats = self._until(now, tone.beat, beats, pitch)
        tone.step = now.scale.step(pitch)
        self._voice.move(pitch, pitch % 12 in chord)
        gesture = self._firsts.setdefault(tone.gesture, [])
        if len(gesture) <= tone.place:
            gesture.extend([pitch] * (tone.place + 1 - len(gesture)))
        player.play(self.stem, tone.beat, beats, pitch, tone.accent + (0.03 if at.opening or tone.closing else 0.0))

    def _beats(self, now: Moment, line: list[Tone], index: int) -> float:
        """How long a tone is to sound."""
        tone = line[index]
        if now.final:
            assert now.remaining_s is not None
            return max(now.remaining_s - _RING_S, 1.0) / now.beat_s
        beats = tone.beats * now.controls["articulation"]
        if index + 1 < len(line):
            beats = min(beats, line[index + 1].beat - tone.beat + _OVERLAP_S / now.beat_s)
        return beats

    def _until(self, now: Moment, beat: float, beats: float, pitch: int) -> float:
        """`beats`, or as many until a chord enters that `pitch` would rub against."""
        for slot in now.phrase.slots:
            rubs = any((pitch - held) % 12 in (1, 11) for held in slot.voicing)
            if beat < slot.beat < beat + beats and (rubs or slot.chord is None):
                return slot.beat - beat
        return beats

    def _setting(
        self, now: Moment, player: Player, line: list[Tone], index: int, chord: tuple[int, ...], beats: float
    ) -> Setting:
        tone = line[index]
        low, high = self._window(now)
        span = min(5.0, (high - low) / 2.0)
        begin, end = line[0].beat, max(line[-1].beat, line[0].beat + 1.0)
        place = (tone.beat - begin) / (end - begin)
        wanted = (low + high) / 2.0 + span * melody.contour(self._contour, place)
        if tone.closing:
            wanted = (low + high) / 2.0 - _FALL
        strength = rhythm.strength(tone.beat - now.start, now.beats)
        strong = strength == 1.0 or tone.beats >= 2.0 or (strength >= 0.7 and tone.beats >= 1.0)
        like = None
        sung = self._firsts.get(tone.gesture, [])
        if tone.place > 0 and len(sung) > tone.place and self._voice.pitch is not None:
            steps = now.scale.step(sung[tone.place]) - now.scale.step(sung[tone.place - 1])
            like = now.scale.pitch(now.scale.step(self._voice.pitch) + steps)
        approach = None
        if index == len(line) - 2:
            approach = self._goal(now, (low + high) / 2.0 - _FALL)
        below = [p for p in player.sounding("pad", now.ticks(tone.beat)) if p < _LOW]
        end = tone.beat + min(beats, 2.0)  # a longer one may be cut where a chord enters
        barred = frozenset(p for p in range(low, high + 1) if player.rubs(p, tone.beat, end))
        return Setting(now.scale, chord, (low, high), tuple(below), wanted, strong, like, approach, index == 0, barred)

    def _goal(self, now: Moment, wanted: float) -> int | None:
        """The pitch that the closing tone will probably have."""
        if self._voice.pitch is None:
            return None
        pcs = chord_pcs(Chord(now.phrase.goal[1]), now.scale)
        low, high = self._window(now)
        aim = 0.6 * self._voice.pitch + 0.4 * wanted - 1.0
        pool = [
            p for p in range(low, high + 1) if p % 12 in pcs and now.scale.step(p) % now.scale.size in CLOSING_DEGREE
        ]
        return min(pool, key=lambda p: abs(p - aim)) if pool else None

    def _recalled(self, now: Moment, tone: Tone, at: Setting) -> int:
        """The remembered pitch, or the nearest chord tone where it would rub against the chord."""
        assert tone.step is not None
        low, high = at.window
        step = tone.step + self._shift
        pitch = now.scale.pitch(step)
        while pitch > high:
            step -= now.scale.size
            pitch = now.scale.pitch(step)
        while pitch < low:
            step += now.scale.size
            pitch = now.scale.pitch(step)
        passing = tone.beats < 1.0 and not at.strong
        if at.fits(pitch) and (pitch % 12 in at.chord or passing or (pitch - 1) % 12 not in at.chord):
            return pitch
        around = [now.scale.pitch(step + nearby) for nearby in (-1, 1, -2, 2, 3, -3, 4, 5)]
        clear = [other for other in around if low <= other <= high and at.fits(other)]
        return next((other for other in clear if other % 12 in at.chord), clear[0] if clear else pitch)
