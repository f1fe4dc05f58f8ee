"""The planner: what each phrase is about: scene, scale, length, texture, cadence, chords' places, what comes back."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator

from synth.composer import form, passage
from synth.composer.budget import share
from synth.composer.form import Cycle
from synth.composer.guests import Motif
from synth.composer.harmony import CADENCES
from synth.composer.melody import Tone
from synth.composer.memory import Memory, Return
from synth.composer.moment import Idea, Phrase, Slot
from synth.composer.passage import Passage
from synth.composer.scales import Scale, ladder, pitch_classes, rung, sounding
from synth.composer.styles import Archetype, archetype
from synth.composer.texture import Texture
from synth.controls import TEMPO_WAYS
from synth.preset import Scene
from synth.rng import stream
from synth.score.model import Ask

_SECTION_CYCLES = (3, 6)


class Setting:
    """One scene as it was left: its texture, and what was said in it."""

    def __init__(self, planner: Planner, scene: Scene) -> None:
        self.scene = scene
        self.style: Archetype = archetype(scene.archetype)
        self.stems = self.style.players(planner.stems)
        self.texture = Texture(planner.rng, self.stems, self.style.presence)
        self.memory = Memory(planner.rng, planner.names, self.style.returns, self.style.home)


class Planner:
    """Plans phrase after phrase of `scenes` for `stems`, first a `tune` where given; `lead_s` is set with the end."""

    def __init__(self, seed: int, scenes: tuple[Scene, ...], stems: tuple[str, ...], tune: Motif | None = None) -> None:
        self._tune = tune
        self.rng = stream(seed, "composer", "form")
        self.stems = stems
        self.names = [0]
        self.cycle = Cycle(0, 0)
        self.lead_s: float | None = None
        self._scenes = scenes
        self._settings: dict[int, Setting] = {}
        self._number = self._wanted = 0  # of the scene that sounds, and of the one asked for
        self._way: deque[Passage] = deque()
        self._cut = False
        self._leap_bpm: float | None = None
        self._leap_ratio: float | None = None
        self._lengths: list[int] = []
        self._phrases = 0
        self._section = 0
        self._cycles = self._cycles_left = 0
        self._liked: int | None = None
        self._closed: int | None = None  # degree of the chord that sounds

    @property
    def ending(self) -> bool:
        """True once the last cycle is planned."""
        return self.lead_s is not None

    def scene_of(self, number: int) -> Scene:
        """What is played in scene `number`."""
        if number in self._settings:
            return self._settings[number].scene
        return self._scenes[number % len(self._scenes)]

    def end(self, ask: Ask, bar_s: float, cut: bool = False) -> None:
        """Plan the last phrases: as many bars as fit before the last chord, then the bar of that chord.

        `cut`: the phrase that sounds is broken off, and its chord goes on, so that the scale does, too.
        """
        self._cut = cut
        assert ask.remaining_s is not None
        self._way.clear()
        self._leap_bpm = self._leap_ratio = None
        self.lead_s = form.lead_s(ask.remaining_s)
        bars = max(round((ask.remaining_s - self.lead_s) / bar_s), 0)
        self._lengths = form.split(bars, self.scene_of(self._number).phrase_bars) or [0]
        self._lengths[-1] += 1
        start = self.cycle.level(self.cycle.bar)
        self.cycle = Cycle.of(bars + 1) if start <= 0.0 else Cycle.falling(bars + 1, start)

    def phrase(
        self, ask: Ask, before: Phrase | None, entered: tuple[str, ...], density_hz: float, owed: float
    ) -> Generator[None, None, Phrase]:
        """The next phrase, from the controls in `ask`, in slices.

        `before` is the phrase that sounds (None at first), `owed` the notes due from it, besides `density_hz` a second.
        """
        controls = ask.controls
        now = before.scale if before else None
        if before is None:
            self._number = self._wanted = round(controls["scene"])
            if self._tune is not None:
                self._setting(self._number).memory.start_from(self._tune.phrases, self._tune.beats)
        elif not self.ending:
            self._look_for_change(ask, before)
        yield
        if self._way and self._too_late(ask, self._way[0]):
            self.end(ask, self.scene_of(self._number).metre * 60.0 / controls["tempo_bpm"])
        step = self._way.popleft() if self._way else None
        if step is not None:
            self._number = step.scene
            if step.kind == "through":
                self._settings.setdefault(step.scene, Setting(self, step.setting))
        setting = self._setting(self._number)
        scene, style = setting.scene, setting.style
        beats = scene.metre
        leap_bpm, leap_ratio = self._leap(step)
        bar_s = beats * 60.0 / (leap_bpm or controls["tempo_bpm"])
        if step is not None:
            self._begin_passage(step, bar_s)
        elif not self._lengths:
            self._new_cycle(ask, bar_s, setting)
        yield
        bars = self._lengths.pop(0)
        closes_cycle = not self._lengths
        ending = self.ending and closes_cycle
        stays, self._cut = self._cut or (step is not None and step.kind in ("leave", "turn", "beat", "ground")), False
        scale = now if now and stays else self._scale(controls, now, scene)
        stems = self._stems_of(setting, step, bars, ending)
        yield
        notes = density_hz * bars * bar_s + owed
        shares = share(
            style,
            max(notes, 0.0),
            bars,
            bar_s,
            int(bars / scene.chord_bars),
            tuple(stem for stem in stems if stem in entered),
            controls["percussiveness"],
        )
        yield
        sung = shares.tune > 0.0 and any(style.parts[stem] == "tune" for stem in stems if stem in entered)
        back = Return()
        if not ending and step is None and style.harmony == "chords":
            back = setting.memory.relate(ask.time_s, bars, sung, controls["predictability"])
        cadence, goal = self._cadence(setting, scale, controls, step, closes_cycle, ending)
        lengths = self._chord_lengths(style, scale, step, bars, beats, shares.chords, ending)
        source = back.source
        if (
            source is not None
            and source.bars == bars
            and sum(source.lengths) == bars * beats
            and back.relation != "rhythm"
        ):
            lengths = source.lengths
            answered = closes_cycle and source.cadence == "half"  # a question said again closes as its answer
            if back.relation == "exact" and not answered and source.goal in _cadences(scale).get(source.cadence, ()):
                cadence, goal = source.cadence, source.goal
        self._phrases += 1
        name = setting.memory.name(back)
        idea = Idea(name, self._phrases, bars, ask.time_s, cadence, goal, () if ending else lengths)
        recall = setting.memory.chords(back)
        if step is None:
            setting.memory.keep(idea, back)
        self._closed = goal[1]
        return Phrase(
            number=self._phrases,
            section=self._section,
            scale=scale,
            bar_beats=[beats] * bars,
            slots=_slots(lengths),
            cadence=cadence,
            stems=stems,
            relation=back.relation,
            source=source,
            idea=idea,
            shares=shares,
            recall=recall,
            ending=ending,
            scene=self._number,
            join=step.kind if step else "",
            still=bool(step and step.still),
            lean=self._lean(bars),
            told=self._told(step, back, ask.time_s),
            leap_bpm=leap_bpm,
            leap_ratio=leap_ratio,
            tuning=sounding(scale, scene.tuning),
            pivot=_pivot(now, scale),
            goal=goal,
        )

    def remember(self, scene: int, line: list[Tone], time_s: float) -> None:
        """Keep a line that a person played in `scene` as an idea."""
        setting = self._setting(scene)
        setting.memory.take_in(line, setting.scene.metre, time_s)

    def _setting(self, number: int) -> Setting:
        if number not in self._settings:
            self._settings[number] = Setting(self, self._scenes[number % len(self._scenes)])
        return self._settings[number]

    # -- what changes ------------------------------------------------------------------------------------------

    def _look_for_change(self, ask: Ask, before: Phrase) -> None:
        """Another scene, key or tempo that is asked for, and the passage that leads there."""
        controls, memory = ask.controls, self._setting(self._number).memory
        if controls["tonal_tension"] <= passage.GROUNDED:
            here = self.scene_of(self._number)
            self._way.clear()
            self._way.append(Passage("ground", self._number, here, passage.GROUND_S, still=True))
            return
        if self._liked is not None and round(controls["liked"]) != self._liked:
            memory.like()
        self._liked = round(controls["liked"])
        number = round(controls["scene"])
        if number != self._wanted:
            self._wanted = number
            self._cycles_left = 0
            here, there = self.scene_of(self._number), self.scene_of(number)
            if here == there:
                memory.forget()
                self._number = number
                self._settings[number] = self._setting(number)
                return
            self._way.clear()
            self._way.extend(passage.to_scene(here, self._number, there, number))
        if self._way:
            return
        scene = self.scene_of(self._number)
        wanted = self._scale(controls, before.scale, scene)
        if wanted != before.scale and before.join != "turn":
            self._way.extend(passage.to_key(before.scale, wanted, self._closed, self._number, scene))
        if not self._way and self._leap_bpm is None:
            self._change_tempo(ask, scene)

    def _change_tempo(self, ask: Ask, scene: Scene) -> None:
        """A tempo asked for at once: over a bridge, or by metric modulation where a simple ratio is near."""
        way, now_bpm = TEMPO_WAYS[round(ask.controls["tempo_by"])], ask.controls["tempo_bpm"]
        asked_bpm = ask.tempo_asked_bpm
        if way == "ramp" or asked_bpm is None or not passage.worth_a_leap(now_bpm, asked_bpm):
            return
        if way == "modulation":
            ratio = passage.ratio(now_bpm, asked_bpm, scene.metre)
            if ratio is None:
                return
            self._leap_ratio = ratio.numerator / ratio.denominator
            self._leap_bpm = now_bpm * self._leap_ratio
            told = (("passage", f"a beat is {1 / ratio} of the beat before"),)
            self._way.append(Passage("beat", self._number, scene, 0.01, told=told))
        else:
            self._leap_bpm = asked_bpm
            told = (("passage", "a bridge without a pulse"),)
            self._way.append(Passage("bridge", self._number, scene, passage.BRIDGE_S, still=True, told=told))

    def _leap(self, step: Passage | None) -> tuple[float | None, float | None]:
        """The tempo that this phrase begins with, where it does not go on from the one before, and its ratio to it."""
        if step is not None or self._leap_bpm is None:
            return None, None
        leap = self._leap_bpm, self._leap_ratio
        self._leap_bpm = self._leap_ratio = None
        self._lengths = []
        return leap

    def _too_late(self, ask: Ask, step: Passage) -> bool:
        """True when there is no time left for a passage before the last chord."""
        if ask.remaining_s is None:
            return False
        bar_s = step.setting.metre * 60.0 / ask.controls["tempo_bpm"]
        return ask.remaining_s - step.bars(bar_s) * bar_s < form.FINAL_S + bar_s

    def _begin_passage(self, step: Passage, bar_s: float) -> None:
        bars = step.bars(bar_s)
        self._lengths = [bars]
        start = self.cycle.level(self.cycle.bar)
        self.cycle = Cycle.of(bars) if start <= 0.05 else Cycle.falling(bars, start)

    def _told(self, step: Passage | None, back: Return, time_s: float) -> tuple[tuple[str, str], ...]:
        told = step.told if step else ()
        if back.after_s is not None and back.source is not None:
            told = (*told, ("recall", f"{back.said}, {time_s - back.source.time_s:.0f} s later"))
        return told

    def _lean(self, bars: int) -> float:
        """Tension of a phrase against the others: more towards the middle of its cycle and its section."""
        cycle = self.cycle.level(self.cycle.bar + bars // 2)
        place = 1.0 - self._cycles_left / max(self._cycles, 1)
        return (0.8 + 0.4 * cycle) * (0.8 + 0.4 * math.sin(math.pi * place))

    # -- the phrase itself -------------------------------------------------------------------------------------

    def _new_cycle(self, ask: Ask, bar_s: float, setting: Setting) -> None:
        controls = ask.controls
        usual = setting.scene.phrase_bars
        breath_s = 60.0 / controls["breath_rate_bpm"] if controls["breath_depth_db"] > 0 else None
        lengths = form.cycle_lengths(self.rng, bar_s, usual, controls["density_hz"], breath_s)
        if ask.remaining_s is not None:
            left_s = ask.remaining_s - form.lead_s(ask.remaining_s)
            if left_s <= 1.1 * form.LONGEST_S:
                self.end(ask, bar_s)
                return
            if left_s - sum(lengths) * bar_s < form.SHORTEST_S:
                lengths = form.split(max(round(left_s / 2 / bar_s), 1), usual)
        if self._cycles_left <= 0:
            self._section += 1
            self._cycles = self._cycles_left = self.rng.randint(*_SECTION_CYCLES)
            setting.memory.new_section(ask.time_s)
        self._cycles_left -= 1
        self._lengths = lengths
        self.cycle = Cycle.of(sum(lengths))

    def _stems_of(self, setting: Setting, step: Passage | None, bars: int, ending: bool) -> tuple[str, ...]:
        if ending:
            return tuple(stem for stem in setting.stems if stem != "percussion")
        if step is None or not step.kept:
            return setting.texture.next(bars)
        return tuple(stem for stem in setting.stems if stem in step.kept) or setting.stems[:1]

    def _scale(self, controls: dict[str, float], now: Scale | None, scene: Scene) -> Scale:
        """The scale asked for, the mode one rung nearer to it at most."""
        key, rungs = round(controls["key"]), ladder(scene.culture, scene.scale)
        place = rung(scene.culture, scene.scale, round(controls["mode"]))
        if now is not None and now.mode in rungs:
            at = rungs.index(now.mode)
            place = min(max(place, at - 1), at + 1)
        return Scale(key, rungs[place])

    def _cadence(
        self,
        setting: Setting,
        scale: Scale,
        controls: dict[str, float],
        step: Passage | None,
        closes_cycle: bool,
        ending: bool,
    ) -> tuple[str, tuple[int, int]]:
        """How the phrase closes: open inside a cycle more often than not, closed at its end unless tension is high."""
        options = _cadences(scale)
        tension = controls["tonal_tension"]
        if setting.style.harmony == "drone" or not scale.is_mode or (step and step.still):
            return "tonic", (0, 0)
        if step is not None and step.close is not None:
            return "turn", (0 if step.close else 3, step.close)
        if ending or (step is not None and step.kind == "leave"):
            kind = "plagal" if "plagal" in options else "authentic"
            if kind == "plagal" and "authentic" in options and self.rng.random() < 0.6:
                kind = "authentic"
            return kind, self.rng.choice(options[kind])
        weights = {kind: setting.style.cadences[kind] for kind in options}
        weights["half"] *= (0.25 if closes_cycle else 2.2) * (0.4 + 2.4 * tension)
        if "plagal" in weights:
            weights["plagal"] *= 1.6 - 1.2 * tension
        if setting.scene.practice == "modal":
            weights["modal"] = weights.get("modal", 0.0) * 2.0
            weights["authentic"] = weights.get("authentic", 0.0) * 0.5
        kinds = [kind for kind in weights if kind in options]
        kind = self.rng.choices(kinds, [weights[kind] for kind in kinds])[0]
        return kind, self.rng.choice(options[kind])

    def _chord_lengths(
        self,
        style: Archetype,
        scale: Scale,
        step: Passage | None,
        bars: int,
        beats: int,
        chords: int,
        ending: bool,
    ) -> tuple[float, ...]:
        """Beats of each chord; at the end of the session the last two have a bar each."""
        if ending:
            if bars <= 2:
                return (float(beats),) * bars
            body = form.chord_lengths(bars - 2, beats, min(max(chords - 2, 1), bars - 2))
            return (*body, float(beats), float(beats))
        if style.harmony == "drone" or not scale.is_mode or (step and step.still):
            return (float(bars * beats),)
        return tuple(form.chord_lengths(bars, beats, chords))


def _cadences(scale: Scale) -> dict[str, tuple[tuple[int, int], ...]]:
    return dict(CADENCES[scale.mode]) if scale.is_mode else {"plagal": ((0, 0),)}


def _pivot(now: Scale | None, scale: Scale) -> tuple[int, ...]:
    """Pitch classes to begin with in a new key: those that the old one has as well."""
    if now is None or now == scale:
        return ()
    return tuple(pc for pc in pitch_classes(now) if pc in pitch_classes(scale))


def _slots(lengths: tuple[float, ...]) -> list[Slot]:
    slots, beat = [], 0.0
    for length in lengths:
        slots.append(Slot(beat, length))
        beat += length
    return slots
