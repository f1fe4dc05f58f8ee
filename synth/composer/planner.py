"""The planner: what each phrase is about. Scale, length, texture, cadence, chords' places, and what comes back."""

from __future__ import annotations

from collections import Counter

from synth.composer import form
from synth.composer.budget import share
from synth.composer.form import Cycle
from synth.composer.harmony import CADENCES, Chord
from synth.composer.moment import Idea, Phrase, Slot
from synth.composer.priors import RETURN_LAG
from synth.composer.scales import Scale, pitch_classes
from synth.composer.styles import Archetype
from synth.composer.texture import Texture
from synth.preset import Scene
from synth.rng import stream
from synth.score.model import Ask

_SECTION_CYCLES = (3, 6)
_RESTATE_S = (60.0, 110.0)  # the section's first idea is heard again after this long
_CALLBACK_S = (360.0, 600.0)  # and an earlier section's, as the idea of a new one, after this
_CALLBACK = 0.35
_MEMORY = 16
_MOST_SAID = 5  # of the phrases remembered that may be one idea and its variations
_MOST_ALIKE = 2  # phrases in a row that may come from earlier ones


class Planner:
    """Plans phrase after phrase for `stems`; `lead_s` is set once the end is planned."""

    def __init__(self, seed: int, style: Scene, archetype: Archetype, stems: tuple[str, ...]) -> None:
        self._rng = stream(seed, "composer", "form")
        self._style = style
        self._archetype = archetype
        self._stems = stems
        self._texture = Texture(self._rng, stems, archetype.presence)
        self._lengths: list[int] = []
        self._phrases = 0
        self._named = 0
        self._alike = 0
        self._section = 0
        self._scene: int | None = None
        self._cycles_left = 0
        self._ideas: list[Idea] = []
        self._leads: list[Idea] = []
        self._lead: Idea | None = None
        self._restate_at_s = 0.0
        self.cycle = Cycle(0, 0)
        self.lead_s: float | None = None

    @property
    def ending(self) -> bool:
        """True once the last cycle is planned."""
        return self.lead_s is not None

    def end(self, ask: Ask, bar_s: float) -> None:
        """Plan the last phrases: as many bars as fit before the last chord, then the bar of that chord."""
        assert ask.remaining_s is not None
        self.lead_s = form.lead_s(ask.remaining_s)
        bars = max(round((ask.remaining_s - self.lead_s) / bar_s), 0)
        self._lengths = form.split(bars, self._style.phrase_bars) or [0]
        self._lengths[-1] += 1
        start = self.cycle.level(self.cycle.bar)
        self.cycle = Cycle.of(bars + 1) if start <= 0.0 else Cycle.falling(bars + 1, start)

    def phrase(self, ask: Ask, now: Scale | None, entered: tuple[str, ...], density_hz: float, owed: float) -> Phrase:
        """The next phrase, from the controls in `ask`.

        `now` is the scale that sounds (None at first), `owed` the notes due from before, besides `density_hz` a second.
        """
        controls = ask.controls
        self._enter_scene(round(controls["scene"]))
        beats = self._style.metre
        bar_s = beats * 60.0 / controls["tempo_bpm"]
        if not self._lengths:
            self._new_cycle(ask, bar_s)
        bars = self._lengths.pop(0)
        closes_cycle = not self._lengths
        ending = self.ending and closes_cycle
        scale = self._scale(controls, now)
        stems = self._texture.next(bars) if not ending else tuple(s for s in self._stems if s != "percussion")
        relation, source = self._relation(ask, bars, stems, ending)
        self._alike = self._alike + 1 if source is not None else 0
        notes = density_hz * bars * bar_s + owed
        shares = share(
            self._archetype,
            max(notes, 0.0),
            bars,
            bar_s,
            int(bars / self._style.chord_bars),
            tuple(stem for stem in stems if stem in entered),
            controls["percussiveness"],
        )
        cadence, goal = self._cadence(scale, controls, closes_cycle, ending)
        lengths = self._chord_lengths(bars, beats, shares.chords, ending)
        if source is not None and source.bars == bars and sum(source.lengths) == bars * beats and relation != "rhythm":
            lengths = source.lengths
            answered = closes_cycle and source.cadence == "half"  # a question said again closes as its answer
            if relation == "exact" and not answered and source.goal in CADENCES[scale.mode].get(source.cadence, ()):
                cadence, goal = source.cadence, source.goal
        self._phrases += 1
        idea = Idea(
            self._name(relation, source), self._phrases, bars, ask.time_s, cadence, goal, () if ending else lengths
        )
        recall = self._recall(relation, source)
        self._remember(idea, ask.time_s, relation, source)
        return Phrase(
            number=self._phrases,
            section=self._section,
            scale=scale,
            bar_beats=[beats] * bars,
            slots=_slots(lengths),
            cadence=cadence,
            stems=stems,
            relation=relation,
            source=source,
            idea=idea,
            shares=shares,
            recall=recall,
            ending=ending,
            pivot=tuple(pc for pc in pitch_classes(now) if pc in pitch_classes(scale)) if now and now != scale else (),
            goal=goal,
        )

    def _new_cycle(self, ask: Ask, bar_s: float) -> None:
        controls = ask.controls
        usual = self._style.phrase_bars
        breath_s = 60.0 / controls["breath_rate_bpm"] if controls["breath_depth_db"] > 0 else None
        lengths = form.cycle_lengths(self._rng, bar_s, usual, controls["density_hz"], breath_s)
        if ask.remaining_s is not None:
            left_s = ask.remaining_s - form.lead_s(ask.remaining_s)
            if left_s <= 1.1 * form.LONGEST_S:
                self.end(ask, bar_s)
                return
            if left_s - sum(lengths) * bar_s < form.SHORTEST_S:
                lengths = form.split(max(round(left_s / 2 / bar_s), 1), usual)
        if self._cycles_left <= 0:
            self._new_section(ask.time_s)
        self._cycles_left -= 1
        self._lengths = lengths
        self.cycle = Cycle.of(sum(lengths))

    def _enter_scene(self, scene: int) -> None:
        """Where another scene is asked for, nothing of the one before comes back, and a new section follows."""
        if self._scene is not None and scene != self._scene:
            self._ideas, self._leads, self._lead = [], [], None
            self._cycles_left = 0
        self._scene = scene

    def _new_section(self, time_s: float) -> None:
        self._section += 1
        self._cycles_left = self._rng.randint(*_SECTION_CYCLES)
        if self._lead is not None:
            self._leads.append(self._lead)
        low, high = _CALLBACK_S
        old = [idea for idea in self._leads if low <= time_s - idea.time_s <= high and idea.line]
        self._lead = self._rng.choice(old) if old and self._rng.random() < _CALLBACK else None
        self._restate_at_s = time_s if self._lead else time_s + self._rng.uniform(*_RESTATE_S)

    def _scale(self, controls: dict[str, float], now: Scale | None) -> Scale:
        """The scale asked for, the mode one degree nearer to it at most."""
        key, mode = round(controls["key"]), round(controls["mode"])
        if now is not None:
            mode = min(max(mode, now.mode - 1), now.mode + 1)
        return Scale(key, mode)

    def _relation(self, ask: Ask, bars: int, stems: tuple[str, ...], ending: bool) -> tuple[str, Idea | None]:
        """Whether this phrase comes back to an earlier one, how, and to which."""
        predictable = ask.controls["predictability"]
        exact, varied, same_rhythm = self._archetype.returns
        sung = any(self._archetype.parts[stem] == "tune" for stem in stems)
        families = Counter(idea.family for idea in self._ideas)
        heard = [
            idea
            for idea in self._ideas[-4:]
            if idea.bars == bars and (idea.line or not sung) and families[idea.family] < _MOST_SAID
        ]
        kinds = {
            "exact": exact * (0.4 + 1.2 * predictable),
            "varied": varied,
            "rhythm": same_rhythm * (1.6 - 1.2 * predictable),
        }
        lead = self._lead if self._lead and self._lead.bars == bars and (self._lead.line or not sung) else None
        fresh = self._alike < _MOST_ALIKE
        if lead is not None and fresh and not ending and ask.time_s >= self._restate_at_s:
            self._restate_at_s = ask.time_s + self._rng.uniform(*_RESTATE_S)
            return self._rng.choice(("exact", "varied")), lead
        related = min((exact + varied + same_rhythm) * (0.35 + 1.3 * predictable), 0.92)
        if ending or not heard or not fresh or self._rng.random() >= related:
            return "new", None
        weights = [RETURN_LAG.get(len(self._ideas) - self._ideas.index(idea), 0.1) for idea in heard]
        return self._rng.choices(list(kinds), list(kinds.values()))[0], self._rng.choices(heard, weights)[0]

    def _recall(self, relation: str, source: Idea | None) -> list[Chord]:
        if source is not None:
            return source.chords
        if self._lead is not None and self._rng.random() < self._archetype.home:
            return self._lead.chords
        return []

    def _name(self, relation: str, source: Idea | None) -> str:
        if source is None:
            self._named += 1
            return form.letter(self._named - 1)
        return source.name if relation == "exact" else source.family + "'"

    def _remember(self, idea: Idea, time_s: float, relation: str, source: Idea | None) -> None:
        self._ideas = [*self._ideas[1 - _MEMORY :], idea]
        if self._lead is None:
            self._lead = idea
            self._restate_at_s = time_s + self._rng.uniform(*_RESTATE_S)

    def _cadence(
        self, scale: Scale, controls: dict[str, float], closes_cycle: bool, ending: bool
    ) -> tuple[str, tuple[int, int]]:
        """How the phrase closes: open inside a cycle more often than not, closed at its end unless tension is high."""
        options = CADENCES[scale.mode]
        tension = controls["tonal_tension"]
        if ending:
            kind = "plagal" if "plagal" in options else "authentic"
            if kind == "plagal" and "authentic" in options and self._rng.random() < 0.6:
                kind = "authentic"
            return kind, self._rng.choice(options[kind])
        weights = {kind: self._archetype.cadences[kind] for kind in options}
        weights["half"] *= (0.25 if closes_cycle else 2.2) * (0.4 + 2.4 * tension)
        if "plagal" in weights:
            weights["plagal"] *= 1.6 - 1.2 * tension
        if self._style.practice == "modal":
            weights["modal"] = weights.get("modal", 0.0) * 2.0
            weights["authentic"] = weights.get("authentic", 0.0) * 0.5
        kinds = [kind for kind in weights if kind in options]
        kind = self._rng.choices(kinds, [weights[kind] for kind in kinds])[0]
        return kind, self._rng.choice(options[kind])

    def _chord_lengths(self, bars: int, beats: int, chords: int, ending: bool) -> tuple[float, ...]:
        """Beats of each chord; at the end of the session the last two have a bar each."""
        if not ending:
            return tuple(form.chord_lengths(bars, beats, chords))
        if bars <= 2:
            return (float(beats),) * bars
        body = form.chord_lengths(bars - 2, beats, min(max(chords - 2, 1), bars - 2))
        return (*body, float(beats), float(beats))


def _slots(lengths: tuple[float, ...]) -> list[Slot]:
    slots, beat = [], 0.0
    for length in lengths:
        slots.append(Slot(beat, length))
        beat += length
    return slots
