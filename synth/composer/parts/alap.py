"""The alap: a raga unfolded tone by tone over a drone, without a pulse.

It opens on the tonic and takes in one tone more with each phrase, first below, then up to the upper tonic, and comes
home. Moves are those of the raga's ascent and descent; phrases rest on its chief tones. Inspired by the alap of North
Indian music as described by Jairazbhoy, The Rags of North Indian Music (1971).
"""

from __future__ import annotations

import math
from dataclasses import replace

from synth.composer.moment import Moment
from synth.composer.parts.voice import SHORTEST_S, FreeVoice, Sung

_BELOW = 0.45  # of an octave is explored under the tonic
_OPENING, _LOWER, _UPPER, _RETURN = 0.04, 0.22, 0.76, 0.86  # of the arc
_MEMORY = 8
_FEWEST, _MOST = 2, 5  # tones of a phrase, touches not counted
_FETCH = 4  # tones that a phrase may have more to come to rest
_RETURNS = 0.3  # of phrases are earlier ones, changed
_TRIES = 40
_ADORNED_S = 6.0  # a phrase with less room is plain


class Alap(FreeVoice):
    """Writes an alap for `stem`."""

    def __init__(self, seed: int, stem: str) -> None:
        super().__init__(seed, stem, "alap")
        self._known: list[list[int]] = []
        self._taken = 0

    def _begin(self, now: Moment) -> None:
        self._known = []
        self._taken = 0

    def _begin_again(self, moved: int) -> None:
        self._known = [[step + moved for step in steps] for steps in self._known]

    def _sing(self, now: Moment, place: float, room_s: float) -> list[Sung]:
        if self._taken == 0:
            self._taken = 1
            return self._spoken(now, self._opening(now), room_s)
        low, high, goal = self._open(now, *self._compass(now, place))
        steps = self._again(low, high, place) or self._new(now, low, high, goal, place)
        if not steps:
            return []
        self._known = [*self._known[1 - _MEMORY :], steps]
        return self._spoken(now, steps, room_s)

    def _opening(self, now: Moment) -> list[int]:
        """The tonic, from the tone below where the way and the drone leave room for it."""
        low, high = self._bounds
        under = self._ways(now).path(self._home, (self._home - 1,), max(low, self._home - 2), min(high, self._home))
        back = self._ways(now).path(self._home - 1, (self._home,), self._home - 1, self._home)
        return [self._home, self._home - 1, self._home] if len(under) == 2 and len(back) == 2 else [self._home]

    def _compass(self, now: Moment, place: float) -> tuple[int, int, int]:
        """The lowest and highest step of a phrase at `place` of the arc, and the one it is about.

        Each phrase takes in one tone more, no faster than one a phrase and no slower than the arc needs.
        """
        size, home = now.scale.size, self._home
        least, most = self._bounds
        bottom = max(home - round(_BELOW * size), least)
        top = min(home + size + 1, most)
        below, above = home - bottom, top - home
        lower = _LOWER if below > 1 else 0.08 if below else 1.2 * _OPENING
        if place < lower:
            share = (place - _OPENING) / (lower - _OPENING)
            self._taken = min(self._taken + 1, 1 + max(1, round(share * below) + 1))
            reached = max(home - self._taken + 1, bottom)
            return reached, min(home + 1, top), reached
        if place < _UPPER:
            share = (place - lower) / (_UPPER - lower)
            self._taken = min(max(self._taken, below + 1) + 1, below + 1 + max(2, round(share * above) + 1))
            reached = min(home + self._taken - below - 1, top)
            floor = max(home - 1, bottom) if reached - home < size - 2 else home + 1
            return floor, reached, reached
        if place < _RETURN:
            return home + size // 2, top, home + size
        share = (place - _RETURN) / (1.0 - _RETURN)
        goal = home + max(round((0.8 - 1.1 * share) * size), 0)
        return max(goal - 1, bottom), max(goal + 2, min(self._at, top)), goal

    def _open(self, now: Moment, low: int, high: int, goal: int) -> tuple[int, int, int]:
        """The compass, raised to the first tone from which there is a way to the tonic where nothing else leads on."""
        ways, home = self._ways(now), self._home
        top = min(home + now.scale.size, self._bounds[1])
        if low <= home <= high and not any(low <= step <= high for step in ways.moves(home)):
            heavy = {*now.tuned.chief, *now.tuned.drone}
            for step in range(home + 1, top + 1):
                if step % now.scale.size in heavy and ways.path(step, (home,), low, step):
                    return low, max(high, step), max(goal, step)
        return low, high, goal

    def _rests(self, now: Moment, low: int, high: int, goal: int, place: float) -> dict[int, float]:
        """How much each step within the compass draws a phrase to its end: chief tones, the tonic, the newest tone."""
        size = now.scale.size
        chief = now.tuned.chief
        away = 0.4 + now.controls["tonal_tension"]
        rests: dict[int, float] = {}
        for step in range(low, high + 1):
            degree = step % size
            weight = 0.9 if degree in chief[:1] else 0.6 if degree in chief else 0.0
            if degree == 0:
                weight = max(weight, 1.0 / away)
            if degree in now.tuned.drone:
                weight = max(weight, 0.35)
            if step == goal and place < _RETURN:
                weight = max(weight, 0.5)
            if place >= _RETURN and step == self._home:
                weight = 3.0
            if weight:
                rests[step] = weight
        return rests

    def _new(self, now: Moment, low: int, high: int, goal: int, place: float) -> list[int]:
        """A walk over the ways that touches `goal` and rests well, the best of some."""
        ways = self._ways(now)
        rests = self._rests(now, low, high, goal, place)
        starts = [s for s in {self._at, self._home, *rests} if low <= s <= high]
        if not starts or not rests:
            return ways.path(self._at, (self._home,), *self._bounds)
        best: list[int] = []
        best_score = -1e9
        for _ in range(_TRIES):
            near = [1.0 / (1.0 + 0.6 * abs(s - goal) + 0.3 * abs(s - self._at)) + (s == self._at) * 0.5 for s in starts]
            steps = [self._rng.choices(starts, near)[0]]
            wanted = self._rng.choices(range(_FEWEST, _MOST + 1), (1.0, 2.0, 2.0, 1.5))[0]
            while len(steps) < _MOST:
                if len(steps) >= wanted and steps[-1] in rests:
                    break
                options = [s for s in ways.moves(steps[-1]) if low <= s <= high]
                if not options:
                    break
                steps.append(self._rng.choices(options, [self._pull(steps, s, goal) for s in options])[0])
            score = self._score(steps, rests, goal)
            if score > best_score:
                best, best_score = steps, score
        if goal not in best and place < _RETURN:
            best = ways.path(self._at, (goal,), *self._bounds)[:_MOST] or best
        if best[-1] not in rests:
            best = best + ways.path(best[-1], rests, *self._bounds)[1:_FETCH]
        return best

    def _pull(self, steps: list[int], after: int, goal: int) -> float:
        """How much a walk wants to go on to `after`: onwards, and towards the goal until it was there."""
        weight = 1.0
        if len(steps) > 1:
            onward = (after > steps[-1]) == (steps[-1] > steps[-2])
            weight *= 1.5 if onward else 0.6
            if after == steps[-2]:
                weight *= 0.6
        if goal not in steps:
            weight *= 2.5 if abs(after - goal) < abs(steps[-1] - goal) else 0.5
        return weight

    def _score(self, steps: list[int], rests: dict[int, float], goal: int) -> float:
        score = 2.0 * rests.get(steps[-1], -1.0) + 1.5 * (goal in steps) + 0.5 * (steps[0] == self._at)
        score -= 2.0 * (len(steps) < _FEWEST) + 1.5 * (steps in self._known)
        score += 0.3 * len(set(steps)) - 0.6 * (steps[:3] in [known[:3] for known in self._known[-2:]])
        turns = sum((c - b) * (b - a) < 0 for a, b, c in zip(steps, steps[1:], steps[2:], strict=False))
        return score - 0.4 * max(turns - 1, 0) + self._rng.random() * 0.5

    def _again(self, low: int, high: int, place: float) -> list[int]:
        """An earlier phrase that lies within the compass, with another end or without its end; [] for something new."""
        fits = [steps for steps in self._known[:-1] if all(low <= s <= high for s in steps) and len(steps) > 2]
        if not fits or place >= _RETURN or self._rng.random() > _RETURNS:
            return []
        steps = list(self._rng.choice(fits))
        if len(steps) > 3 and self._rng.random() < 0.4:
            return steps[1:]
        if len(steps) < _MOST and self._rng.random() < 0.6:
            return [*steps, steps[-1]]
        return steps

    def _spoken(self, now: Moment, steps: list[int], room_s: float) -> list[Sung]:
        """A phrase in seconds: chief tones are dwelt on, others passed, the last held; with the raga's ornaments."""
        size = now.scale.size
        heavy = {*now.tuned.chief, 0}
        while len(steps) > _FEWEST and room_s < 1.3 * len(steps) + 1.0:
            steps = steps[1:]
        sung: list[Sung] = []
        for index, step in enumerate(steps):
            last = index == len(steps) - 1
            if last:
                seconds = self._rng.uniform(2.2, 4.2)
            elif step % size in heavy:
                seconds = self._rng.uniform(1.3, 2.6)
            else:
                seconds = self._rng.uniform(0.55, 1.3)
            accent = 0.04 if step % size in heavy else -0.02
            tone = Sung(step, seconds, accent)
            if room_s > _ADORNED_S:
                self._adorn(now, sung, tone, last)
            else:
                sung.append(tone)
        spare = room_s - 0.1
        total = math.fsum(tone.seconds for tone in sung)
        if total > spare:
            sung = [replace(tone, seconds=max(tone.seconds * spare / total, SHORTEST_S)) for tone in sung]
        return sung

    def _adorn(self, now: Moment, sung: list[Sung], tone: Sung, last: bool) -> None:
        """Add `tone` as its ornament has it, as far as the ways and the drone allow: at most one swing a phrase."""
        ways = self._ways(now)
        ornament = now.tuned.ornaments.get(tone.step % now.scale.size, "")
        before = sung[-1].step if sung else None
        upper = next((s for s in ways.moves(tone.step) if s > tone.step), None)
        near = upper is not None and upper <= self._bounds[1] and ways.allows(upper, tone.step)
        near = near and upper is not None and now.scale.pitch(upper) - now.scale.pitch(tone.step) <= 2
        touch = Sung(upper if near and upper is not None else tone.step, self._rng.uniform(0.34, 0.42), -0.08)
        fresh = len({other.step for other in sung}) == len(sung)
        if self.slides and upper is not None and near:
            glided = {"andolan": tone.seconds > 1.5, "kan": tone.seconds > 0.5, "meend": tone.seconds > 1.0}
            sung.append(replace(tone, ornament=ornament if glided.get(ornament) else "", neighbour=upper))
            return
        if ornament == "andolan" and fresh and tone.seconds > 1.5:
            part = max((tone.seconds - touch.seconds) / 2.0, SHORTEST_S)
            sung += [replace(tone, seconds=part), touch, replace(tone, seconds=part, accent=-0.06)]
        elif ornament == "kan" and near and before is not None and ways.allows(before, touch.step):
            sung += [touch, tone]
        elif ornament == "meend" and near and fresh and last and tone.seconds > 2.0 and self._rng.random() < 0.5:
            sung += [replace(tone, seconds=0.4 * tone.seconds), touch, replace(tone, seconds=0.6 * tone.seconds)]
        else:
            sung.append(tone)
