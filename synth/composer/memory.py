"""Memory: the ideas of a scene, what comes back when, and what a person liked.

About half of the phrases of songs relate to one of the last four; besides, the first idea of a section returns every
one to two minutes, and that of an earlier section after six to ten.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

from synth.composer import form
from synth.composer.harmony import Chord
from synth.composer.moment import Idea
from synth.composer.priors import RETURN_LAG

RESTATE_S = (60.0, 110.0)  # the section's first idea is heard again after this long
CALLBACK_S = (360.0, 600.0)  # and an earlier section's, as the idea of a new one, after this
_CALLBACK = 0.35
_KEPT = 16
_MOST_SAID = 5  # of the phrases remembered that may be one idea and its variations
_MOST_ALIKE = 2  # phrases in a row that may come from earlier ones
_LIKED = 4.0  # times as often as others what a person liked comes back


class Return(NamedTuple):
    """How a phrase relates to an earlier one: "new", "exact", "varied" or "rhythm"; `after_s` when it was planned."""

    relation: str = "new"
    source: Idea | None = None
    after_s: float | None = None


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
        self._restate_at_s = 0.0
        self._alike = 0

    def forget(self) -> None:
        """Nothing of what was said comes back."""
        self._ideas, self._leads, self._lead = [], [], None

    def like(self) -> None:
        """The person likes what sounds now: it leads from here on."""
        if self._ideas:
            self._ideas[-1].liked = True
            if self._lead is not None and self._lead is not self._ideas[-1]:
                self._leads.append(self._lead)
            self._lead = self._ideas[-1]

    def new_section(self, time_s: float) -> None:
        """Another idea leads, now and then that of an earlier section."""
        if self._lead is not None:
            self._leads.append(self._lead)
        low, high = CALLBACK_S
        old = [idea for idea in self._leads if low <= time_s - idea.time_s <= high and idea.line]
        weights = [_LIKED if idea.liked else 1.0 for idea in old]
        often = _CALLBACK * (2.0 if any(idea.liked for idea in old) else 1.0)
        self._lead = self._rng.choices(old, weights)[0] if old and self._rng.random() < often else None
        self._restate_at_s = time_s if self._lead else time_s + self._rng.uniform(*RESTATE_S)

    def relate(self, time_s: float, bars: int, sung: bool, predictable: float) -> Return:
        """Whether a phrase of `bars` comes back to an earlier one, how, and to which; `sung` when there is a tune."""
        lead = self._lead if self._lead and (self._lead.line or not sung) else None
        fresh = self._alike < _MOST_ALIKE
        if lead is not None and fresh and time_s >= self._restate_at_s:
            planned_s, self._restate_at_s = self._restate_at_s, time_s + self._rng.uniform(*RESTATE_S)
            return Return("exact" if lead.bars == bars and self._rng.random() < 0.6 else "varied", lead, planned_s)
        exact, varied, same_rhythm = self._returns
        families = Counter(idea.family for idea in self._ideas)
        heard = [
            idea
            for idea in self._ideas[-4:]
            if idea.bars == bars and (idea.line or not sung) and families[idea.family] < _MOST_SAID
        ]
        related = min((exact + varied + same_rhythm) * (0.35 + 1.3 * predictable), 0.92)
        if not heard or not fresh or self._rng.random() >= related:
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
        return Return(relation, self._rng.choices(heard, weights)[0])

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
        self._alike = self._alike + 1 if back.source is not None else 0
        self._ideas = [*self._ideas[1 - _KEPT :], idea]
        if self._lead is None:
            self._lead = idea
            self._restate_at_s = idea.time_s + self._rng.uniform(*RESTATE_S)
