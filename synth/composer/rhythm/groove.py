"""Grooves: what hand percussion plays in a bar, as data.

A lane is written in box notation, a character a step: X strong, x plain, o soft, . silent. Euclidean lanes are
Toussaint's ("The Euclidean algorithm generates traditional musical rhythms", BRIDGES 2005); the others are plain
practice or, where a tradition is named, inspired by it. Offsets are small, since what helps in playing with a beat is
seldom that it is off (Davies et al., Music Perception 30, 2013); pairs swing less than they would in jazz (Friberg &
Sundstroem, Music Perception 19, 2002), and none so far that an eighth would be heard as a triplet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from synth.composer.rhythm.metre import groups, strength, syncopation
from synth.composer.rhythm.patterns import additive, additive_parts

LANES = ("low", "frame", "shaker")
_ACCENTS = {"X": 0.06, "x": 0.0, "o": -0.07}
_LANE_ACCENT = {"low": 0.03, "frame": 0.0, "shaker": -0.06}
_HANDS = 2  # strokes at once


@dataclass(frozen=True, slots=True)
class Groove:
    """One bar of `beats` beats of `steps` steps: `low`, `frame` and `shaker` are its lanes.

    `manners` are the kinds of music it suits; `swing` is the first eighth's share of a pair; `late_ms` moves a lane.
    """

    name: str
    beats: int
    steps: int
    low: str
    frame: str
    shaker: str
    manners: tuple[str, ...]
    swing: float = 0.5
    late_ms: Mapping[str, float] = field(default_factory=dict)
    source: str = "plain practice"

    @property
    def lean(self) -> int:
        """How far it leans against the beat: syncopation of the low drum, and drum strokes between beats."""
        low, frame = ([step for step, mark in enumerate(lane) if mark != "."] for lane in (self.low, self.frame))
        between = sum(step % self.steps != 0 for step in (*low, *frame))
        return between + syncopation(low, *groups_of(self.beats), *groups_of(self.steps))


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke: `beat` of the bar, the lane and what it adds to the velocity."""

    beat: float
    lane: str
    accent: float


_EUCLID = "Toussaint 2005"

# fmt: off
GROOVES: tuple[Groove, ...] = (
    Groove("tresillo", 4, 4, "X.....x.....x...",
                             "....o.......x...",
                             "o.o.o.o.o.o.o.o.", ("hand",), source=f"low E(3,8) in eighths, {_EUCLID}"),
    Groove("cinquillo", 4, 4, "X.......x.......",
                              "....x.x...x.x...",
                              "..o...o...o...o.", ("hand",), source=f"frame E(5,8) in eighths, {_EUCLID}"),
    Groove("euclid pair", 4, 4, "X..x..x.X..x..x.",
                                "..x.x..x..x.x..x",
                                "o...o...o...o...", ("hand",), source=f"low E(3,8), frame E(5,8) turned, {_EUCLID}"),
    Groove("bell pattern", 4, 4, "X.......x.......",
                                 "....x.......x...",
                                 "x..x.x.x..x.x.x.", ("hand",), source=f"shaker E(7,16), {_EUCLID}"),
    Groove("two and four", 4, 4, "X.......x.......",
                                 "....x.......x...",
                                 "o.o.o.o.o.o.o.o.", ("hand", "brush")),
    Groove("walking", 4, 4, "X...x...X...x...",
                            "....x.......x...",
                            "..o...o...o...o.", ("hand",)),
    Groove("maqsum", 4, 4, "X.......x.......",
                           "..x...x.....x...",
                           "o...o...o...o.o.", ("hand",), source="inspired by Arab maqsum (Touma 1996)"),
    Groove("brush", 4, 4, "X.........x.....",
                          "....x.......x...",
                          "x...x.o.x...x.o.", ("brush",), 0.56, {"frame": 2.0}, "snare with brushes"),
    Groove("brush, even", 4, 4, "X.......x.......",
                                "....x.......x...",
                                "o.o.x.o.o.o.x.o.", ("brush",), 0.54, {"frame": 2.0}, "snare with brushes"),
    Groove("cradle", 4, 2, "X...x...", "..o...o.", "o..oo..o", ("lullaby",), source="rocking, long and short"),
    Groove("pulse", 4, 2, "X.......", "........", "xoxoxoxo", ("even",), source="pulse of pattern pieces"),
    Groove("heartbeat", 4, 2, "Xo..Xo..", "........", "....o...", ("heartbeat",), source="the two sounds of a heart"),
    Groove("waltz", 3, 2, "X.....", "..x.x.", "o.o.o.", ("hand", "brush")),
    Groove("waltz, turned", 3, 4, "X...........", "....x.....x.", "o...o...o...", ("hand", "brush"),
           source="the third beat's stroke half a beat late"),
    Groove("hemiola", 3, 4, "X.....x.....", "....o...x...", "o.o.o.o.o.o.", ("hand",), source="two against three"),
    Groove("lullaby tick", 3, 2, "X..x..", "......", "x.oo.o", ("lullaby",), source="6/8, long and short"),
    Groove("pulse in three", 3, 2, "X.....", "......", "xoxoxo", ("even",), source="pulse of pattern pieces"),
    Groove("steps", 2, 4, "X...x...", "..x...x.", "o.o.o.o.", ("hand", "brush"), source="left, right"),
    Groove("steps, light", 2, 4, "X...x...", "......x.", "x.o.x.o.", ("hand", "brush"), source="left, right"),
    Groove("tresillo in two", 2, 4, "X..x..x.", "....o...", "o.o.o.o.", ("hand",), source=f"low E(3,8), {_EUCLID}"),
    Groove("cinquillo in two", 2, 4, "X...x...", "x.xx.xx.", "..o...o.", ("hand",), source=f"frame E(5,8), {_EUCLID}"),
    Groove("rocking in two", 2, 3, "X..x..", "......", "x.ox.o", ("lullaby",), source="6/8, long and short"),
    Groove("pulse in two", 2, 2, "X...", "....", "xoxo", ("even",), source="pulse of pattern pieces"),
    Groove("heartbeat in two", 2, 2, "XoXo", "....", "....", ("heartbeat",), source="the two sounds of a heart"),
)
# fmt: on
MANNERS = tuple(dict.fromkeys(manner for groove in GROOVES for manner in groove.manners))


def groups_of(count: int) -> tuple[int, ...]:
    """How a bar of `count` beats or a beat of `count` steps divides, level by level."""
    return {1: (), 4: (2, 2), 6: (2, 3), 8: (2, 2, 2)}.get(count, (count,))


def added(parts: tuple[int, ...], manner: str) -> Groove:
    """A groove for a bar added up from `parts` beats: low on each, frame on the last beat of each, shaker between."""
    beats = sum(parts)
    starts = additive(parts)
    lasts = {start + part - 1 for start, part in zip(starts, parts, strict=True) if part > 1}
    return Groove(
        "+".join(map(str, parts)),
        beats,
        2,
        "".join(("X" if beat == 0 else "x" if beat in starts else ".") + "." for beat in range(beats)),
        "".join(("x" if beat in lasts else ".") + "." for beat in range(beats)),
        ".o" * beats,
        (manner,),
        source="additive, after Brailoiu 1951",
    )


def choose(rng: Random, manner: str, beats: int, regularity: float) -> Groove:
    """A groove of `manner` for a bar of `beats`, the straighter the higher `regularity`, 0..1.

    Where there is none of that manner in that metre, one is added up from twos and threes.
    """
    fitting = [groove for groove in GROOVES if groove.beats == beats and manner in groove.manners]
    if not fitting:
        ways = additive_parts(beats) if beats > 4 else (groups(beats),)
        fitting = [added(parts, manner) for parts in ways]
    fitting.sort(key=lambda groove: groove.lean)
    most = max(len(fitting) - 1, 1)
    odds = [abs(1.0 - regularity - place / most) for place in range(len(fitting))]
    return rng.choices(fitting, [0.01 + (1.0 - odd) ** 3 for odd in odds])[0]


def layers(groove: Groove, regularity: float) -> list[Hit]:
    """The strokes in the order in which they come in as the music gets denser; the more there are, the fuller the bar.

    Strong ones first, low before high; `regularity` 0..1 brings those on the beat before those between. The last ones
    are the shaker's, on every step of the bar, and half-way between them where the groove has but two or three a beat.
    """
    ranked = []
    finest = groove.steps * (2 if groove.steps < 4 else 1)
    for number, lane in enumerate(LANES):
        marks = {step / groove.steps: mark for step, mark in enumerate(getattr(groove, lane)) if mark != "."}
        filling = [i / finest for i in range(groove.beats * finest) if i / finest not in marks]
        for beat in (*marks, *filling) if lane == "shaker" else marks:
            mark = marks.get(beat, "o")
            rank = "Xxo".index(mark) + 0.4 * number if beat in marks else 4.0
            rank += (1.0 - strength(beat, groove.beats)) * (0.1 + 1.5 * regularity)
            ranked.append((rank, beat, lane, _ACCENTS[mark] + _LANE_ACCENT[lane]))
    found: list[Hit] = []
    for _, beat, lane, accent in sorted(ranked):
        if sum(hit.beat == beat for hit in found) < _HANDS:
            found.append(Hit(beat, lane, accent))
    return found
