"""The taqsim: a maqam shown jins by jins over a drone, without a pulse.

It stays in the lower jins, goes on to the one on the ghammaz, makes one excursion to another jins whose tones the scale
has, and comes home; each stay closes with a cadence (qafla). Lines go by step, held tones are turned and struck again.
Inspired by the taqsim as described by Touma (The Maqam Phenomenon, Ethnomusicology 15, 1971) and Farraj & Abu Shumays
(Inside Arabic Music, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from synth.composer.moment import Moment
from synth.composer.parts.ornaments import MOST_SEMITONES
from synth.composer.parts.voice import SHORTEST_S, FreeVoice, Sung
from synth.tuning.scale import TunedScale

AJNAS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {  # cents above the first tone, in quarter tones
        "rast": (200.0, 350.0, 500.0),
        "bayati": (150.0, 300.0, 500.0),
        "hijaz": (100.0, 400.0, 500.0),
        "nahawand": (200.0, 300.0, 500.0),
        "kurd": (100.0, 300.0, 500.0),
        "ajam": (200.0, 400.0, 500.0),
        "saba": (150.0, 300.0, 400.0),
        "sikah": (150.0, 350.0, 550.0),
    }
)
_NEAR_CENTS = 30.0
_UPPER, _AWAY, _HOME = 0.34, 0.6, 0.78  # of the arc
_LENGTHS = {"run": (0.36, 0.58), "rest": (1.1, 2.2), "last": (1.8, 3.4)}
_PHRASES = 3  # between cadences, about


def jins_on(scale: TunedScale, degree: int) -> str:
    """The jins whose tetrachord begins on `degree` of `scale`; "" when it is none of `AJNAS`."""
    size = len(scale.cents)
    cents = [scale.cents[(degree + i) % size] + scale.period_cents * ((degree + i) // size) for i in range(4)]
    for name, shape in AJNAS.items():
        if all(abs(c - cents[0] - s) <= _NEAR_CENTS for c, s in zip(cents[1:], shape, strict=True)):
            return name
    return ""


def ghammaz(scale: TunedScale) -> int:
    """The degree the upper jins begins on: the scale's chief tone beside the tonic, else the one nearest to a fifth."""
    named = [degree for degree in scale.chief if degree]
    return named[0] if named else min(range(1, len(scale.cents)), key=lambda d: abs(scale.cents[d] - 702.0))


def excursions(scale: TunedScale) -> tuple[int, ...]:
    """Degrees other than the tonic and the ghammaz on which a jins begins whose tones the scale has."""
    taken = (0, ghammaz(scale))
    return tuple(d for d in range(1, len(scale.cents)) if d not in taken and jins_on(scale, d))


class Taqsim(FreeVoice):
    """Writes a taqsim for `stem`."""

    ARC_S = (240.0, 360.0)

    def __init__(self, seed: int, stem: str) -> None:
        super().__init__(seed, stem, "taqsim")
        self._stay = 0
        self._said = 0  # phrases since the last cadence
        self._away: int | None = None
        self._last: list[int] = []

    def _begin(self, now: Moment) -> None:
        self._stay, self._said, self._last = -1, 0, []
        options = excursions(now.tuned)
        self._away = self._rng.choice(options) if options else None

    def _begin_again(self, moved: int) -> None:
        self._last = [step + moved for step in self._last]

    def _sing(self, now: Moment, place: float, room_s: float) -> list[Sung]:
        stay = self._stay_at(place)
        if stay != self._stay and self._said > 0 and self._stay >= 0:
            return self._cadence(now, self._root(now, self._stay), room_s)
        entering = stay != self._stay
        self._stay = stay
        root = self._root(now, stay)
        low, high = max(root - 1, self._bounds[0]), min(root + 4, self._bounds[1])
        if entering:
            return self._phrase(now, self._pose(root, low), room_s)
        if self._said >= _PHRASES or (self._said > 0 and self._rng.random() < 0.2):
            return self._cadence(now, root, room_s)
        kinds = {"rise": 3.0, "sequence": 2.0, "hover": 2.0, "lower": 1.5 if self._last else 0.0}
        kind = self._rng.choices(list(kinds), list(kinds.values()))[0]
        return self._phrase(now, self._shape(now, kind, root, low, high), room_s)

    def _stay_at(self, place: float) -> int:
        """0 the lower jins, 1 the upper, 2 the excursion, 3 home again."""
        if place < _UPPER:
            return 0
        if place < _AWAY or (self._away is None and place < 0.5 * (_AWAY + _HOME)):
            return 1
        return 2 if self._away is not None and place < _HOME else 3

    def _root(self, now: Moment, stay: int) -> int:
        """The first tone of the jins of a stay."""
        degree = {1: ghammaz(now.tuned), 2: self._away or 0}.get(stay, 0)
        return self._home + degree

    def _pose(self, root: int, low: int) -> list[int]:
        """The root shown: from below where there is room."""
        return [root, root - 1, root] if low < root else [root, root + 1, root]

    def _shape(self, now: Moment, kind: str, root: int, low: int, high: int) -> list[int]:
        """Steps of a phrase within [low, high] that comes to rest on a main tone."""
        rng = self._rng
        if kind == "lower" and all(low < step for step in self._last):
            return [step - 1 for step in self._last]
        if kind == "sequence" and high - root >= 3:
            top = rng.randint(root + 3, high)
            cells = [(top - i, top - i - 1, top - i - 2) for i in range(min(3, top - root - 1))]
            return [step for cell in cells for step in cell]
        if kind == "hover":
            about = rng.choice([root, min(root + 2, high), min(root + 3, high)])
            around = [about, about + 1, about, about - 1, about]
            return [min(max(step, low), high) for step in around]
        top = rng.randint(min(root + 2, high), high)
        start = self._at if low <= self._at < top else root
        rest = rng.choice([root, root, min(root + 2, high), min(root + 3, high)])
        fall = range(top - 1, rest - 1, -1) if rest < top else range(0)
        return [*range(start, top + 1), *fall]

    def _cadence(self, now: Moment, root: int, room_s: float) -> list[Sung]:
        """The qafla: down to the root, past it where there is room, and to rest on it."""
        low, high = self._bounds
        top = min(root + self._rng.choice((2, 3, 4)), high)
        steps = [*range(top, root, -1), root]
        if self._rng.random() < 0.6 and len(steps) > 2:
            steps[1:1] = [top - 1, top]
        if low < root and self._rng.random() < 0.6:
            steps += [root - 1, root]
        sung = self._phrase(now, steps, room_s)
        self._said = 0
        return sung

    def _phrase(self, now: Moment, steps: list[int], room_s: float) -> list[Sung]:
        """The steps, led along the scale's ways, in seconds; the front is left out where they exceed `room_s`."""
        steps = self._led(now, [s for s in steps if self._bounds[0] <= s <= self._bounds[1]])
        if not steps:
            return []
        self._said += 1
        sung = self._timed(now, steps)
        while len(sung) > 2 and math.fsum(tone.seconds for tone in sung) > room_s - 0.2:
            sung = sung[1:]
        total = math.fsum(tone.seconds for tone in sung)
        if total > room_s - 0.2:
            sung = [replace(tone, seconds=max(tone.seconds * (room_s - 0.2) / total, SHORTEST_S)) for tone in sung]
        self._last = [tone.step for tone in sung][-6:]
        return sung

    def _led(self, now: Moment, steps: list[int]) -> list[int]:
        """`steps` with what the ways ask for between them."""
        ways = self._ways(now)
        led = steps[:1]
        for step in steps[1:]:
            if ways.allows(led[-1], step):
                led.append(step)
            else:
                led += ways.path(led[-1], (step,), *self._bounds)[1:6]
        return led

    def _timed(self, now: Moment, steps: list[int]) -> list[Sung]:
        """Runs between held tones: main tones and turning points are dwelt on now and then, the last is held."""
        size = now.scale.size
        main = {0, ghammaz(now.tuned), *(() if self._stay != 2 or self._away is None else (self._away,))}
        sung: list[Sung] = []
        for index, step in enumerate(steps):
            held = step % size in main and index > 0 and self._rng.random() < 0.4
            kind = "last" if index == len(steps) - 1 else "rest" if held or index == 0 else "run"
            seconds = self._rng.uniform(*_LENGTHS[kind]) * (0.75 if index == 0 and kind == "rest" else 1.0)
            tone = Sung(step, seconds, {"last": 0.0, "rest": 0.04, "run": -0.03}[kind])
            sung += self._turned(now, tone) if kind != "run" and seconds > 1.3 else [tone]
        return sung

    def _turned(self, now: Moment, tone: Sung) -> list[Sung]:
        """A held tone, struck again, with a turn over its neighbour, or as it is."""
        ways = self._ways(now)
        upper = tone.step + 1
        how = self._rng.random()
        part = Sung(tone.step, SHORTEST_S + 0.03, -0.06)
        if how < 0.35 and upper <= self._bounds[1] and ways.allows(tone.step, upper) and ways.allows(upper, tone.step):
            if self.slides and now.scale.pitch(upper) - now.scale.pitch(tone.step) <= MOST_SEMITONES:
                return [replace(tone, ornament="turn", neighbour=upper)]
            first = replace(tone, seconds=0.4 * tone.seconds)
            return [first, replace(part, step=upper), replace(tone, seconds=0.6 * tone.seconds, accent=-0.02)]
        if how < 0.6:
            return [part, replace(part, accent=-0.04), tone]
        return [tone]
