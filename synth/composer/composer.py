"""The composer: asked for each bar one beat before it, with the controls as committed then; answers with its notes."""

from __future__ import annotations

from collections.abc import Generator

from synth.composer import form, passage
from synth.composer.budget import MOVING
from synth.composer.ensemble import Ensemble
from synth.composer.guests import Motif, Reception
from synth.composer.harmony import symbol
from synth.composer.moment import Moment, Phrase, Slot
from synth.composer.parts.figure import Figure
from synth.composer.parts.landmark import SILENT_DB, Landmark
from synth.composer.parts.tune import Tune
from synth.composer.planner import Planner
from synth.composer.played import Company
from synth.composer.playing import Player
from synth.preset import Preset, sliding_stems
from synth.rng import stream
from synth.score.model import Ask, Bar, Marker, Turn

_WRITTEN = ("pad", "drone", "bass", "melody", "percussion", "bells")
_ENTRIES = ("drone", "bass", "harmony", "melody", "percussion", "bells")  # the order in which a session opens
_ENTRY_GAP_S = (8.0, 13.0)
_UNHURRIED_S = 150.0  # a session shorter than this opens faster
_RELEASE = 0.8  # density of a phrase's last bar against its mean
_LEFT_BY_FIGURE = 4.0  # notes a bar that a figure may be short of before the pad makes up for them

Slices = Generator[None, None, Bar]
Turning = Generator[None, None, Turn]


class Composer:
    """Writes a preset's music bar by bar. The same preset, seed and asks give the same bars.

    Raises ValueError when the preset names an archetype that does not exist.
    """

    def __init__(self, preset: Preset, seed: int, desk: Reception | None = None, tune: Motif | None = None) -> None:
        self._preset = preset
        self._desk = desk
        self._seed = seed
        self._stems = tuple(stem for stem in _WRITTEN if stem in preset.stems)
        self._rng = stream(seed, "composer", "opening")
        self._planner = Planner(seed, preset.scenes, self._stems, tune)
        self._player = Player(seed, self._stems)
        self._company = Company(seed, self._stems, self._planner)
        self._landmark = Landmark(self._stems)
        self._ensembles: dict[int, Ensemble] = {}
        for number in range(len(preset.scenes)):
            self._ensemble_of(number)
        self._ensemble = self._ensemble_of(0)
        self._entries: dict[str, float] = {}
        self._phrase: Phrase | None = None
        self._written: Moment | None = None
        self._bar = 0
        self._beat = 0.0
        self._owed = 0.0
        self._over = False

    def bar(self, ask: Ask) -> Bar:
        """The bar at `ask.tick`; empty after the final one."""
        slices = self.compose(ask)
        while True:
            try:
                next(slices)
            except StopIteration as done:
                bar: Bar = done.value
                return bar

    def compose(self, ask: Ask) -> Slices:
        """The same bar in slices: written piece by piece as the generator is advanced, and returned at its end."""
        if self._over and self._phrase is not None:
            scale = self._phrase.scale
            beats, tuning = self._phrase.bar_beats[-1], self._planner.scene_of(self._phrase.scene).tuning
            return Bar(ask.tick, beats, scale.key, scale.mode, (), swell=(0.0, 0.0), tuning=tuning)
        if not self._entries:
            self._open(ask)
        now = yield from self._moment(ask)
        yield
        swell = self._planner.cycle.step()
        stretch: tuple[float, ...] = ()
        if now.phrase.ending and now.bar == now.phrase.bars - 2:
            stretch = self._land(now)
        yield from self._company.attend(ask, now, self._player, self._ensemble)
        yield from self._write(now)
        self._written = now
        self._bar += 1
        self._beat += now.beats
        self._over = now.final
        leaps = (now.phrase.leap_bpm, now.phrase.leap_ratio) if now.bar == 0 else (None, None)
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
            *leaps,
            tuple(sorted(self._planner.scene_of(now.phrase.scene).instruments.items())),
            self._planner.scene_of(now.phrase.scene).tuning,
        )

    def follow(self, ask: Ask) -> Turning:
        """What changes from `ask.tick` on, a beat of the bar written last, as someone plays along; in slices."""
        now = self._written
        if now is None or self._over:
            return Turn(ask.tick)
        turn = yield from self._company.follow(ask, now, self._player, self._ensemble)
        self._owed = self._kept(now)
        return turn

    def _ensemble_of(self, number: int) -> Ensemble:
        """The ensemble of scene `number`; who comes back goes on from what they played."""
        if number not in self._ensembles:
            scene = self._planner.scene_of(number)
            sliding = sliding_stems(self._preset, scene)
            self._ensembles[number] = Ensemble(self._seed, scene, number, self._stems, self._desk, sliding)
        return self._ensembles[number]

    def _open(self, ask: Ask) -> None:
        """Draw when each stem enters: the pad's fifth first, then root, harmony, voice and the rest."""
        hurry = 1.0 if ask.remaining_s is None else min(ask.remaining_s / _UNHURRIED_S, 1.0)
        at_s = ask.time_s
        self._entries = {"pad": at_s}
        here = self._ensemble.style.players(self._stems)
        for name in _ENTRIES:
            if name != "harmony" and name not in self._stems:
                continue
            if name == "harmony" or name in here:
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

    def _moment(self, ask: Ask) -> Generator[None, None, Moment]:
        """The bar's place in its phrase; begins a new phrase where one is due or the end has come nearer."""
        entered = self._entered(ask)
        opened = self._opened(ask.time_s)
        due = self._phrase is None or self._bar >= self._phrase.bars or self._must_ground(ask)
        kept = None
        bar_s = self._ensemble.scene.metre * 60.0 / ask.controls["tempo_bpm"]
        if self._must_end(ask, bar_s):
            kept = None if due else self._sounding_slot()
            self._planner.end(ask, bar_s, cut=not due)
            due = True
        if due:
            density_hz = ask.controls["density_hz"] * opened
            before = self._phrase
            self._phrase = yield from self._planner.phrase(ask, before, entered, density_hz, self._owed)
            self._bar, self._beat = 0, 0.0
            if before is not None and before.scene != self._phrase.scene:
                last, self._ensemble = self._ensemble, self._ensemble_of(self._phrase.scene)
                self._ensemble.harmonist.follow(last.harmonist)
            if kept is not None and len(self._phrase.slots) > 1:
                self._ensemble.harmonist.keep(self._phrase, kept)
        phrase = self._phrase
        assert phrase is not None
        beats = phrase.bar_beats[self._bar]
        beat_s = 60.0 / (phrase.leap_bpm if phrase.leap_bpm and self._bar == 0 else ask.controls["tempo_bpm"])
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

    def _must_ground(self, ask: Ask) -> bool:
        """True when nothing but tonic and fifth is asked for, and something else is under way."""
        assert self._phrase is not None
        under_way = not (self._phrase.still or self._planner.ending)
        return under_way and ask.controls["tonal_tension"] <= passage.GROUNDED

    def _land(self, now: Moment) -> tuple[float, ...]:
        """Fit the bar before the last chord to the time left; its beats and slowing."""
        assert now.remaining_s is not None and self._planner.lead_s is not None
        beats, stretch = form.landing(now.remaining_s, self._planner.lead_s, now.beat_s, self._ensemble.scene.metre)
        change = beats - now.beats
        now.phrase.bar_beats[now.bar] = now.beats = beats
        before, last = now.phrase.slots[-2:]
        before.beats += change
        last.beat += change
        return stretch

    def _write(self, now: Moment) -> Generator[None, None, None]:
        player, band = self._player, self._ensemble
        player.begin(now)
        if now.bar == 0:
            for planning in band.planned:
                planning.plan(now)
                yield
        self._company.reserve(now)
        self._landmark.write(now, player)
        band.harmonist.beside = self._landmark.tones(now)
        for index in band.harmonist.due(now):
            band.harmonist.choose(now, index)
            yield
            band.harmonist.voice(now, index)
            yield
        for part in band.parts:
            if isinstance(part, Figure):
                now.spare = self._spare(now)
            if isinstance(part, Tune):
                yield from part.sing(now, player)
            else:
                part.write(now, player)
            yield
        yield from self._company.sing(now, player, band)
        if not now.phrase.ending and band.pad is not None:
            band.pad.fill(now, player, round(self._spare(now) - _LEFT_BY_FIGURE * band.figures(now)))
        self._owed = self._kept(now)

    def _kept(self, now: Moment) -> float:
        """Notes that the next bar has more, or fewer, as this one leaves them."""
        most = max(8.0, 15.0 * now.controls["density_hz"])
        return max(-most, min(most, now.room))

    def _spare(self, now: Moment) -> float:
        """Notes that this bar has over, when what is planned for the rest of the phrase is paid for."""
        phrase, shares = now.phrase, now.phrase.shares
        to_come = phrase.bars - now.bar - 1
        tune = self._ensemble.tune
        tones = sum(tone.beat >= now.end for tone in phrase.line) if tune and now.plays(tune.stem) else 0
        changes = sum(slot.beat >= now.end for slot in phrase.slots)
        planned = tones + changes * (MOVING + now.plays("bass")) + to_come * shares.percussion
        income = now.controls["density_hz"] * self._opened(now.time_s) * now.bar_s * to_come
        return (now.room + income - planned) / (to_come + 1)

    def _markers(self, now: Moment) -> tuple[Marker, ...]:
        phrase = now.phrase
        markers: list[Marker] = []
        if now.bar == 0:
            markers.extend(Marker(now.tick, kind, text) for kind, text in phrase.told)
            tune = self._ensemble.tune
            if self._desk is not None and tune and (told := self._desk.told(tune.stem, phrase.number)):
                markers.append(Marker(now.tick, "guest", told))
            markers.append(Marker(now.tick, "phrase", f"phrase {phrase.number} {phrase.idea.name}"))
        for slot in phrase.slots:
            if not now.start <= slot.beat < now.end or slot.chord is None:
                continue
            tick = now.ticks(slot.beat)
            markers.append(Marker(tick, "chord", symbol(slot.chord, phrase.scale)))
            markers.append(Marker(tick, "tension", f"{slot.tension:.2f}"))
            if slot is phrase.slots[-1]:
                markers.append(Marker(tick, "cadence", phrase.cadence))
        markers.extend(self._company.told)
        if now.final:
            markers.append(Marker(now.tick, "end", "end"))
        return tuple(markers)
