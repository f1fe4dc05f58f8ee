"""Memory: the ideas of a scene, what comes back when, and what a person liked or gave.

About half of the phrases of songs relate to one of the last four; besides, the first idea of a section returns every
one to two minutes, and that of an earlier section after six to ten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

from synth.composer import form, motifs
from synth.composer.harmony import Chord
from synth.composer.melody import Tone
from synth.composer.moment import Idea
from synth.composer.priors import RETURN_LAG

RESTATE_S = (60.0, 90.0)  # the section's first idea is heard again after this long
_WAIT_S = 10.0  # for a phrase that it fits into; then another idea returns
CALLBACK_S = (360.0, 600.0)  # and an earlier section's, as the idea of a new one, after this
_CALLBACK = 0.6
_KEPT = 16
_MOST_SAID = 5  # of the phrases remembered that may be one idea and its variations
_MOST_ALIKE = 2  # phrases in a row that may come from earlier ones
_LONG_BARS = 12  # phrases from this length on never come back as they were
_LIKED = 4.0  # times as often as others what a person liked comes back
_WORTH = 5  # tones of an idea that is to be known again after a while
_KNOWN = 0.7  # likeness of what is to be known again
_EXACT = 0.6  # of the returns after a minute or more
_GIVEN = 4  # phrases of a tune that a person gives
_BARS = (1, 2, 4, 8)  # of an idea that fits into phrases
_HOME = 35  # step of the tonic in the octave of middle C, in a scale of seven


class Return(NamedTuple):
    """How a phrase relates to an earlier one: "new", "exact", "varied" or "rhythm"; `after_s` when it was planned.

    `way` is how a varied one differs, as in `motifs.WAYS`.
    """

    relation: str = "new"
    source: Idea | None = None
    after_s: float | None = None
    way: str = ""

    @property
    def said(self) -> str:
        """What comes back and how, such as "A inverted"; "" for a new phrase."""
        return " ".join(filter(None, (self.source.name, self.way))) if self.source else ""


class Memory:
    """What was said in one scene; `names` counts the ideas of all of them."""

    def __init__(self, rng: Random, names: list[int], returns: tuple[float, float, float], home: float) -> None:
        self._rng = rng
        self._names = names
        self._returns = returns
        self._home = home
        self._ideas: list[Idea] = []
        self._leads: list[Idea] = []
        self._lead: Idea | None = None
        self._section_s = 0.0
        self._restate_at_s = 0.0
        self._alike = 0
        self._followed: set[tuple[str, str]] = set()  # families that came one after the other
        self._recalled: Idea | None = None  # the last planned return
        self._played: Idea | None = None  # what a person played, until it has come back
        self._given: list[Sequence[tuple[float, float, int]]] = []
        self._given_beats = 4
        self._taken: tuple[int, Idea | None] = (0, None)  # given phrases in the last phrase, and what was said there

    def forget(self) -> None:
        """Nothing of what was said comes back."""
        self._ideas, self._leads, self._lead, self._played = [], [], None, None

    def like(self) -> None:
        """The person likes what sounds now: it leads from here on."""
        if self._ideas:
            self._ideas[-1].liked = True
            if self._lead is not None and self._lead is not self._ideas[-1]:
                self._leads.append(self._lead)
            self._lead = self._ideas[-1]

    def start_from(self, phrases: Sequence[Sequence[tuple[float, float, int]]], beats: int) -> None:
        """Lead with a tune that a person gives: phrases of (beat, beats, step), step 0 a tonic; bars have `beats`.

        Its first phrases are the first that are sung, as many at a time as fit, and lead the first section.
        """
        self._given = [phrase for phrase in phrases if phrase][:_GIVEN]
        self._given_beats = beats

    def take_in(self, line: Sequence[Tone], beats: int, time_s: float) -> None:
        """Remember a line that a person plays, in bars of `beats`: it leads from here on, and comes back."""
        bars = math.ceil((line[-1].beat + line[-1].beats - 0.5) / beats)
        bars = next((usual for usual in _BARS if bars <= usual), bars)
        self._names[0] += 1
        idea = Idea(form.letter(self._names[0] - 1), 0, bars, time_s, line=[replace(tone) for tone in line], liked=True)
        self._ideas = [*self._ideas[1 - _KEPT :], idea]
        if len(line) >= _WORTH:
            if self._lead is not None:
                self._leads.append(self._lead)
            self._lead = self._played = idea
            self._restate_at_s = time_s + self._rng.uniform(*RESTATE_S)

    def new_section(self, time_s: float) -> None:
        """Another idea leads, now and then that of an earlier section; what a person played comes back first."""
        self._let_fade(time_s)
        if self._played is not None and self._played is self._lead:
            self._section_s = time_s
            return
        if self._lead is not None:
            self._leads.append(self._lead)
        low, high = CALLBACK_S
        old = [idea for idea in self._leads if low <= time_s - idea.time_s <= high and idea.line]
        weights = [_LIKED if idea.liked else 1.0 for idea in old]
        often = _CALLBACK * (1.5 if any(idea.liked for idea in old) else 1.0)
        self._lead = self._rng.choices(old, weights)[0] if old and self._rng.random() < often else None
        self._section_s = time_s
        if self._lead is not None:
            self._restate_at_s = time_s

    def relate(self, time_s: float, bars: int, sung: bool, predictable: float) -> Return:
        """Whether a phrase of `bars` comes back to an earlier one, how, and to which; `sung` when there is a tune."""
        if self._recalled is not None and not self._recalled.line:
            self._restate_at_s = time_s  # it was not sung after all
        self._recalled = None
        if sung and self._given_left():
            return Return("exact", self._next_given(bars, time_s))
        planned = self._planned(time_s, bars) if sung else None
        if planned is not None:
            return planned
        exact, varied, same_rhythm = self._returns
        families = Counter(idea.family for idea in self._ideas)
        heard = [
            idea
            for idea in self._ideas[-4:]
            if idea.bars == bars
            and (idea.line or not sung)
            and families[idea.family] < _MOST_SAID
            and not self._follows(idea)
        ]
        related = min((exact + varied + same_rhythm) * (0.35 + 1.3 * predictable), 0.92)
        if not heard or self._alike >= _MOST_ALIKE or self._rng.random() >= related:
            return Return()
        kinds = {
            "exact": exact * (0.4 + 1.2 * predictable),
            "varied": varied,
            "rhythm": same_rhythm * (1.6 - 1.2 * predictable),
        }
        weights = [
            RETURN_LAG.get(len(self._ideas) - self._ideas.index(idea), 0.1) * (_LIKED if idea.liked else 1.0)
            for idea in heard
        ]
        relation = self._rng.choices(list(kinds), list(kinds.values()))[0]
        return self._back(relation, self._rng.choices(heard, weights)[0], bars)

    def chords(self, back: Return) -> list[Chord]:
        """The progression that a phrase starts from: that of what it returns to, or now and then its section's own."""
        if back.source is not None:
            return back.source.chords
        if self._lead is not None and self._rng.random() < self._home:
            return self._lead.chords
        return []

    def name(self, back: Return) -> str:
        """The letter of a phrase's idea, marked when it is a variation."""
        if back.source is None:
            self._names[0] += 1
            return form.letter(self._names[0] - 1)
        return back.source.name if back.relation == "exact" else back.source.family + "'"

    def keep(self, idea: Idea, back: Return) -> None:
        """Remember what is said now."""
        idea.way = back.way
        self._alike = self._alike + 1 if back.source is not None else 0
        if self._ideas:
            self._followed.add((self._ideas[-1].family, idea.family))
        self._ideas = [*self._ideas[1 - _KEPT :], idea]
        if back.after_s is not None:
            self._recalled = idea
        if self._taken[0] and self._taken[1] is back.source:
            self._taken = self._taken[0], idea
        if self._lead is None:
            self._lead = idea
            self._restate_at_s = self._restate_at_s or idea.time_s + self._rng.uniform(*RESTATE_S)

    def _let_fade(self, time_s: float) -> None:
        """Let go of what can never come back."""
        self._leads = [idea for idea in self._leads if time_s - idea.time_s <= CALLBACK_S[1]]
        known = {idea.family for idea in (*self._ideas, *self._leads, self._lead) if idea is not None}
        self._followed = {pair for pair in self._followed if known.issuperset(pair)}

    # -- what comes back, and as what ---------------------------------------------------------------------------

    def _planned(self, time_s: float, bars: int) -> Return | None:
        """The return of the section's idea, if it is due and fits; of another one where that fits nowhere for long."""
        if self._lead is None or len(self._lead.line) < _WORTH:  # the section began without a tune worth the name
            own = [idea for idea in self._ideas if idea.time_s >= self._section_s and len(idea.line) >= _WORTH]
            self._lead = own[0] if own else self._lead
        if self._lead is None or time_s < self._restate_at_s:
            return None
        ideas = [self._lead]
        if time_s >= self._restate_at_s + _WAIT_S or time_s - self._lead.time_s < RESTATE_S[0]:
            ideas += self._ideas
        fitting = [
            idea
            for idea in ideas
            if time_s - idea.time_s >= RESTATE_S[0]
            and (idea.bars == bars or 2 * idea.bars <= bars)
            and len(idea.line) >= _WORTH
            and not self._follows(idea)
        ]
        if not fitting:
            return None
        if fitting[0] is self._played:
            self._played = None
        planned_s, self._restate_at_s = self._restate_at_s, time_s + self._rng.uniform(*RESTATE_S)
        relation = "exact" if fitting[0].bars != bars or self._rng.random() < _EXACT else "varied"
        return self._back(relation, fitting[0], bars, _KNOWN)._replace(after_s=planned_s)

    def _back(self, relation: str, source: Idea, bars: int, like: float = 0.0) -> Return:
        if relation == "exact" and source.bars == bars >= _LONG_BARS:
            relation = "varied"
        if relation != "varied":
            return Return(relation, source)
        way = ""
        if source.line:
            way = motifs.vary(self._rng, source.line, source.line[-1].beat, least=max(like, motifs.ENOUGH))[1]
        return Return("varied", source, None, way)

    def _follows(self, idea: Idea) -> bool:
        """True when `idea` came right after the idea before it once already: pairs are heard once, so nothing loops."""
        return bool(self._ideas) and (self._ideas[-1].family, idea.family) in self._followed

    def _given_left(self) -> bool:
        """Whether something of the given tune is still to be said; what was not sung is planned again."""
        count, said = self._taken
        if count and said is not None and said.line:
            self._given = self._given[count:]
        self._taken = (0, None)
        return bool(self._given)

    def _next_given(self, bars: int, time_s: float) -> Idea:
        """The next phrases of the given tune that fit into `bars`, one at least, as an idea."""
        beats, line, offset, count = self._given_beats, list[Tone](), 0, 0
        for phrase in self._given:
            length = math.ceil((phrase[-1][0] + phrase[-1][1] - 0.5) / beats) * beats
            if line and offset + length > bars * beats:
                break
            for beat, lasts, step in phrase:
                after = line[-1] if line else None
                joined = after is not None and offset + beat - after.beat - after.beats < 0.5 and beat > phrase[0][0]
                place = after.place + 1 if after and joined else 0
                line.append(Tone(offset + beat, lasts, f"given {count}", place, _HOME + step))
            offset, count = offset + length, count + 1
        line[-1].closing = True
        self._names[0] += 1
        idea = Idea(form.letter(self._names[0] - 1), 0, bars, time_s, line=line)
        self._taken = count, idea
        return idea
