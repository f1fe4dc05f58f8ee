"""The composer: asked for each bar one beat before it, with the controls as committed then; answers with its notes."""

from __future__ import annotations

from synth.composer import form
from synth.composer.budget import MOVING
from synth.composer.harmonist import Harmonist
from synth.composer.harmony import symbol
from synth.composer.moment import Moment, Phrase, Slot
from synth.composer.parts.bass import Bass
from synth.composer.parts.bells import Bells
from synth.composer.parts.drums import Drums
from synth.composer.parts.figure import Figure
from synth.composer.parts.landmark import SILENT_DB, Landmark
from synth.composer.parts.pad import Pad
from synth.composer.parts.tune import Tune
from synth.composer.planner import Planner
from synth.composer.playing import Player
from synth.composer.styles import Archetype, archetype
from synth.preset import Preset
from synth.rng import stream
from synth.score.model import Ask, Bar, Marker

_WRITTEN = ("pad", "bass", "melody", "percussion", "bells")
_ENTRIES = ("bass", "harmony", "melody", "percussion", "bells")  # the order in which a session opens
_ENTRY_GAP_S = (8.0, 13.0)
_UNHURRIED_S = 150.0  # a session shorter than this opens faster
_RELEASE = 0.8  # density of a phrase's last bar against its mean
_BELLS_UP = 12
_LEFT_BY_FIGURE = 4.0  # notes a bar that a figure may be short of before the pad makes up for them


class Composer:
    """Writes a preset's music bar by bar. The same preset, seed and asks give the same bars; it can be pickled.

    Raises ValueError when the preset names an archetype that does not exist.
    """

    def __init__(self, preset: Preset, seed: int) -> None:
        style = archetype(preset.scenes[0].archetype)
        self._metre = preset.scenes[0].metre
        self._stems = tuple(stem for stem in _WRITTEN if stem in preset.stems)
        self._rng = stream(seed, "composer", "opening")
        self._planner = Planner(seed, preset.scenes[0], style, self._stems)
        self._harmonist = Harmonist(seed, style, preset.scenes[0].practice)
        self._player = Player(seed, self._stems)
        self._pad = Pad(seed, self._harmonist)
        self._landmark = Landmark(self._stems)
        self._tune: Tune | None = None
        self._bells: Bells | None = None
        self._parts = [part for stem in self._stems if (part := self._part(seed, stem, style)) is not None]
        self._parts.sort(key=lambda part: isinstance(part, Figure))  # a figure takes what the others leave
        self._entries: dict[str, float] = {}
        self._phrase: Phrase | None = None
        self._bar = 0
        self._beat = 0.0
        self._owed = 0.0
        self._over = False

    def bar(self, ask: Ask) -> Bar:
        """The bar at `ask.tick`; empty after the final one."""
        if self._over and self._phrase is not None:
            scale = self._phrase.scale
            return Bar(ask.tick, self._metre, scale.key, scale.mode, (), swell=(0.0, 0.0))
        if not self._entries:
            self._open(ask)
        now = self._moment(ask)
        swell = self._planner.cycle.step()
        stretch: tuple[float, ...] = ()
        if now.phrase.ending and now.bar == now.phrase.bars - 2:
            stretch = self._land(now)
        self._write(now)
        self._bar += 1
        self._beat += now.beats
        self._over = now.final
        return Bar(
            ask.tick,
            now.beats,
            now.scale.key,
            now.scale.mode,
            tuple(sorted(self._player.notes, key=lambda note: note.tick)),
            self._markers(now),
            swell,
            stretch,
            now.final,
        )

    def _part(self, seed: int, stem: str, style: Archetype) -> Bass | Tune | Drums | Bells | Figure | None:
        kind = style.parts[stem]
        up = _BELLS_UP if stem == "bells" else 0
        if stem == "pad":
            return None
        if stem == "bass":
            return Bass(seed, kind)
        if kind == "drums":
            return Drums(seed)
        if kind == "figure":
            return Figure(seed, stem, up)
        if kind == "tune":
            self._tune = Tune(seed, stem, style, up)
            return self._tune
        self._bells = Bells(seed, self._tune, kind == "answer")
        return self._bells

    def _open(self, ask: Ask) -> None:
        """Draw when each stem enters: the pad's fifth first, then root, harmony, voice and the rest."""
        hurry = 1.0 if ask.remaining_s is None else min(ask.remaining_s / _UNHURRIED_S, 1.0)
        at_s = ask.time_s
        self._entries = {"pad": at_s}
        for name in _ENTRIES:
            if name != "harmony" and name not in self._stems:
                continue
            at_s += self._rng.uniform(*_ENTRY_GAP_S) * hurry
            self._entries[name] = at_s

    def _entered(self, ask: Ask) -> tuple[str, ...]:
        return tuple(
            name
            for name, at_s in self._entries.items()
            if at_s <= ask.time_s + 0.5 and ask.controls.get(f"level_{name}_db", 0.0) > SILENT_DB
        )

    def _opened(self, time_s: float) -> float:
        """How much of the texture has come in by `time_s`, 0..1."""
        return sum(at_s <= time_s + 0.5 for at_s in self._entries.values()) / len(self._entries)

    def _moment(self, ask: Ask) -> Moment:
        """The bar's place in its phrase; begins a new phrase where one is due or the end has come nearer."""
        beat_s = 60.0 / ask.controls["tempo_bpm"]
        entered = self._entered(ask)
        opened = self._opened(ask.time_s)
        due = self._phrase is None or self._bar >= self._phrase.bars
        kept = None
        if self._must_end(ask, beat_s * self._metre):
            kept = None if due else self._sounding_slot()
            self._planner.end(ask, beat_s * self._metre)
            due = True
        if due:
            scale = self._phrase.scale if self._phrase else None
            self._phrase = self._planner.phrase(ask, scale, entered, ask.controls["density_hz"] * opened, self._owed)
            self._bar, self._beat = 0, 0.0
            if kept is not None and len(self._phrase.slots) > 1:
                self._harmonist.keep(self._phrase, kept)
        phrase = self._phrase
        assert phrase is not None
        beats = phrase.bar_beats[self._bar]
        now = Moment(
            ask.tick,
            ask.time_s,
            ask.remaining_s,
            beats,
            beat_s,
            ask.controls,
            phrase,
            self._bar,
            self._beat,
            entered,
        )
        closing = self._bar == phrase.bars - 1
        weight = 1.0
        if phrase.bars > 1:
            weight = _RELEASE if closing else (phrase.bars - _RELEASE) / (phrase.bars - 1)
        now.room = ask.controls["density_hz"] * opened * now.bar_s * weight + self._owed
        return now

    def _sounding_slot(self) -> Slot | None:
        assert self._phrase is not None
        return next((s for s in self._phrase.slots if s.beat < self._beat < s.end and s.chord is not None), None)

    def _must_end(self, ask: Ask, bar_s: float) -> bool:
        """True when the plan no longer lands on the end: it came nearer, or the tempo moved."""
        if ask.remaining_s is None:
            return False
        left = self._planner.cycle.left
        lead = self._planner.lead_s
        if lead is None:
            return left > 0 and ask.remaining_s - left * bar_s < form.lead_s(ask.remaining_s) - 1.0
        return abs(ask.remaining_s - (left - 1) * bar_s - lead) > 0.75 * bar_s + 1.0 and left > 1

    def _land(self, now: Moment) -> tuple[float, ...]:
        """Fit the bar before the last chord to the time left; its beats and slowing."""
        assert now.remaining_s is not None and self._planner.lead_s is not None
        beats, stretch = form.landing(now.remaining_s, self._planner.lead_s, now.beat_s, self._metre)
        change = beats - now.beats
        now.phrase.bar_beats[now.bar] = now.beats = beats
        before, last = now.phrase.slots[-2:]
        before.beats += change
        last.beat += change
        return stretch

    def _write(self, now: Moment) -> None:
        player = self._player
        player.begin(now)
        if now.bar == 0:
            for planned in (self._tune, self._bells):
                if planned is not None:
                    planned.plan(now)
        self._landmark.write(now, player)
        self._pad.write(now, player)
        for part in self._parts:
            if isinstance(part, Figure):
                now.spare = self._spare(now)
            part.write(now, player)
        if not now.phrase.ending:
            figured = any(isinstance(part, Figure) and now.plays(part.stem) for part in self._parts)
            self._pad.fill(now, player, round(self._spare(now) - _LEFT_BY_FIGURE * figured))
        most = max(8.0, 15.0 * now.controls["density_hz"])
        self._owed = max(-most, min(most, now.room))

    def _spare(self, now: Moment) -> float:
        """Notes that this bar has over, when what is planned for the rest of the phrase is paid for."""
        phrase, shares = now.phrase, now.phrase.shares
        to_come = phrase.bars - now.bar - 1
        tones = sum(tone.beat >= now.end for tone in phrase.line) if self._tune and now.plays(self._tune.stem) else 0
        changes = sum(slot.beat >= now.end for slot in phrase.slots)
        planned = tones + changes * (MOVING + now.plays("bass")) + to_come * shares.percussion
        income = now.controls["density_hz"] * self._opened(now.time_s) * now.bar_s * to_come
        return (now.room + income - planned) / (to_come + 1)

    def _markers(self, now: Moment) -> tuple[Marker, ...]:
        phrase = now.phrase
        markers = []
        if now.bar == 0:
            markers.append(Marker(now.tick, "phrase", f"phrase {phrase.number} {phrase.idea.name}"))
        for slot in phrase.slots:
            if not now.start <= slot.beat < now.end or slot.chord is None:
                continue
            tick = now.ticks(slot.beat)
            markers.append(Marker(tick, "chord", symbol(slot.chord, phrase.scale)))
            if slot is phrase.slots[-1]:
                markers.append(Marker(tick, "cadence", phrase.cadence))
        if now.final:
            markers.append(Marker(now.tick, "end", "end"))
        return tuple(markers)
