"""Harmony: scale-true chords and the choice of the next one.

The next chord is sampled from exp(-|T - T*|/.05 - |R - R*|/.1 - VL/3 + log P + novelty): T its tension and R its
roughness against what is planned, VL the semitones its pitch classes must move, and P a first-order succession table.
Where the phrase must arrive at its cadence the table is conditioned on the goal (Pachet, Roy & Barbieri 2011:
finite-length Markov processes).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import permutations
from random import Random
from typing import NamedTuple

from synth.composer import priors
from synth.composer import tension as tonal
from synth.composer.scales import SEMITONES, Scale, pitch_classes
from synth.controls import KEYS

# Scale steps above the root: root, fifth, then the tones that give the chord its colour.
KINDS: Mapping[str, tuple[int, ...]] = {
    "open": (0, 4),
    "triad": (0, 4, 2),
    "sus2": (0, 4, 1),
    "sus4": (0, 4, 3),
    "add9": (0, 4, 2, 1),
    "sixth": (0, 4, 2, 5),
    "seventh": (0, 4, 2, 6),
    "ninth": (0, 4, 2, 6, 1),
}
SHAPES: Mapping[str, frozenset[int]] = {  # semitones above the root of chords that stand by themselves
    "": frozenset((4, 7)),
    "m": frozenset((3, 7)),
    "7": frozenset((4, 7, 10)),
    "maj7": frozenset((4, 7, 11)),
    "m7": frozenset((3, 7, 10)),
    "add9": frozenset((2, 4, 7)),
    "madd9": frozenset((2, 3, 7)),
    "6": frozenset((4, 7, 9)),
    "9": frozenset((2, 4, 7, 10)),
    "maj9": frozenset((2, 4, 7, 11)),
    "m9": frozenset((2, 3, 7, 10)),
    "sus4": frozenset((5, 7)),
    "sus2": frozenset((2, 7)),
    "dim": frozenset((3, 6)),
    "m7b5": frozenset((3, 6, 10)),
    "5": frozenset((7,)),
}
_HOPELESS = 12.0  # cost at which it no longer matters how far its tones are
_CLOSING = ("triad", "open", "add9")  # kinds that a phrase may end on

# (chord before, last chord) as degrees, by mode and cadence; only chords with a perfect fifth close a phrase.
CADENCES: tuple[Mapping[str, tuple[tuple[int, int], ...]], ...] = (
    {"half": ((1, 4), (0, 4), (5, 4)), "authentic": ((4, 0),), "modal": ((1, 0), (5, 0))},
    {"half": ((3, 4), (0, 4), (1, 4)), "authentic": ((4, 0),), "plagal": ((3, 0),), "modal": ((1, 0),)},
    {"half": ((0, 4), (3, 4), (1, 4), (3, 6)), "plagal": ((3, 0),), "modal": ((6, 0), (4, 0))},
    {"half": ((0, 4), (3, 4), (6, 4), (0, 3)), "plagal": ((3, 0),), "modal": ((6, 0), (4, 0), (1, 0))},
    {"half": ((3, 4), (5, 6), (0, 4)), "plagal": ((3, 0),), "modal": ((6, 0), (4, 0), (5, 0))},
    {"half": ((0, 3), (5, 6), (2, 1)), "plagal": ((3, 0),), "modal": ((1, 0), (6, 0))},
)


class Chord(NamedTuple):
    """A chord by scale degree (0 = tonic) and kind (a key of KINDS).

    `played`: its pitch classes, root first, where a person played one that the scale does not hold; then `degree` is
    the nearest to its root.
    """

    degree: int
    kind: str = "triad"
    played: tuple[int, ...] = ()


class Palette(NamedTuple):
    """The chords of one mode in one style, each with tension 0..1, roughness 0..1 and weight."""

    chords: tuple[Chord, ...]
    tension: tuple[float, ...]
    roughness: tuple[float, ...]
    weight: tuple[float, ...]


@lru_cache(maxsize=8192)
def chord_pcs(chord: Chord, scale: Scale) -> tuple[int, ...]:
    """Pitch classes of `chord`: root, fifth, then its colour."""
    if chord.played:
        return chord.played
    pcs = pitch_classes(scale)
    if not scale.is_mode:  # tonic, and what the scale has for a fifth
        fifth = next((pc for pc in ((scale.key + apart) % 12 for apart in (7, 5, 8, 6)) if pc in pcs), scale.key)
        return (scale.key, fifth)
    return tuple(pcs[(chord.degree + step) % 7] for step in KINDS[chord.kind])


def _above_root(mode: int, degree: int, step: int) -> int:
    semitones = SEMITONES[mode]
    return (semitones[(degree + step) % 7] - semitones[degree]) % 12


def is_stable(mode: int, degree: int) -> bool:
    """True when the triad on `degree` has a perfect fifth."""
    return _above_root(mode, degree, 4) == 7


def is_usable(mode: int, chord: Chord) -> bool:
    """Leaves out bare tritones, flat ninths, raised fourths and flat sixths as added tones."""
    steps = KINDS[chord.kind]
    if not is_stable(mode, chord.degree) and chord.kind not in ("triad", "seventh"):
        return False
    if 1 in steps and _above_root(mode, chord.degree, 1) != 2:
        return False
    if 3 in steps and _above_root(mode, chord.degree, 3) != 5:
        return False
    return not (5 in steps and _above_root(mode, chord.degree, 5) != 9)


def symbol(chord: Chord, scale: Scale) -> str:
    """Chord symbol such as "Dm7", "Gsus4" or "F5"."""
    if chord.played:
        lowest, *others = chord.played
        above = frozenset((pc - lowest) % 12 for pc in others)
        return KEYS[lowest] + next((name for name, shape in SHAPES.items() if shape == above), "")
    root = KEYS[pitch_classes(scale)[chord.degree]]
    if not scale.is_mode:
        return root + "5"
    minor = _above_root(scale.mode, chord.degree, 2) == 3
    diminished = minor and not is_stable(scale.mode, chord.degree)
    major_seventh = _above_root(scale.mode, chord.degree, 6) == 11
    third = "dim" if diminished else "m" if minor else ""
    seventh = "m7b5" if diminished else "maj7" if major_seventh else third + "7"
    suffix = {
        "open": "5",
        "triad": third,
        "sus2": "sus2",
        "sus4": "sus4",
        "add9": third + "add9",
        "sixth": third + "6",
        "seventh": seventh,
        "ninth": seventh.replace("7", "9"),
    }
    return root + suffix[chord.kind]


def tension(mode: int, chord: Chord) -> float:
    """0 (bare tonic) to about 1."""
    return tonal.tension(mode, chord.degree, KINDS[chord.kind])


def roughness(mode: int, chord: Chord) -> float:
    """0 for a bare fifth, .1 for a triad, up to 1."""
    return tonal.roughness(mode, chord.degree, KINDS[chord.kind])


@cache
def succession(mode: int, practice: str) -> tuple[tuple[float, ...], ...]:
    """P(next degree | degree) for "functional", "modal" or "transformational" practice, coloured by the mode.

    Rows sum to 1. The last goes where little moves: relatives and leading-tone exchanges first (Cohn 2012).
    """
    major = SEMITONES[mode][2] == 4
    table: Sequence[Sequence[float]]
    if practice == "functional":
        table = priors.FUNCTIONAL_MAJOR if major else priors.FUNCTIONAL_MINOR
    elif practice == "transformational":
        table = _near_triads(mode)
    else:
        table = priors.LOOP_MAJOR if major else priors.LOOP_MINOR
    colour = [
        priors.MODE_COLOUR[mode][degree] * (1.0 if is_stable(mode, degree) else 0.15) for degree in range(7)
    ]  # a diminished chord is rare in calm music
    rows = []
    for row in table:
        weights = [p * c for p, c in zip(row, colour, strict=True)]
        rows.append(tuple(w / sum(weights) for w in weights))
    return tuple(rows)


def _near_triads(mode: int) -> tuple[tuple[float, ...], ...]:
    """A table of succession that follows the semitones which triads must move to become each other."""
    triads = [chord_pcs(Chord(degree), Scale(0, mode)) for degree in range(7)]
    return tuple(
        tuple(0.02 if a == b else math.exp(2.0 - least_motion(a, b)) if least_motion(a, b) > 1 else 1.0 for b in triads)
        for a in triads
    )


@cache
def arrivals(mode: int, practice: str, goal: int, steps: int) -> tuple[float, ...]:
    """For each degree, how likely it is to come to `goal` in exactly `steps` chords, scaled to a mean of 1."""
    if steps == 0:
        return tuple(7.0 * (degree == goal) for degree in range(7))
    table = succession(mode, practice)
    later = arrivals(mode, practice, goal, steps - 1)
    likely = [sum(table[degree][nxt] * later[nxt] for nxt in range(7)) for degree in range(7)]
    return tuple(7.0 * x / sum(likely) for x in likely)


_ORDERS = [tuple(permutations(range(size))) for size in range(5)]


@lru_cache(maxsize=8192)
def least_motion(before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Fewest semitones in all that three or four voices must move between two sets of pitch classes."""
    size = min(max(len(before), len(after)), 4)
    after = (after + after)[:size]
    apart = [[min((y - x) % 12, (x - y) % 12) for y in after] for x in (before + before)[:size]]
    if size == 4:
        p, q, r, s = apart
        return min(p[i] + q[j] + r[k] + s[m] for i, j, k, m in _ORDERS[4])
    return min(sum(row[i] for row, i in zip(apart, order, strict=True)) for order in _ORDERS[size])


def palette(mode: int, degrees: Sequence[float], kinds: Mapping[str, float]) -> Palette:
    """All usable chords of a style whose weights are `degrees` (seven) and `kinds`."""
    rows = []
    for degree, degree_weight in enumerate(degrees):
        for kind, kind_weight in kinds.items():
            chord = Chord(degree, kind)
            if degree_weight * kind_weight > 0 and is_usable(mode, chord):
                rows.append((chord, tension(mode, chord), roughness(mode, chord), degree_weight * kind_weight))
    chords, tensions, roughs, weights = zip(*rows, strict=True)
    return Palette(chords, tensions, roughs, weights)


class Wish(NamedTuple):
    """What the next chord should be like.

    `tension`, `rough`: targets 0..1. `goal`: degree to reach in `steps` more chords (None: free). `degree`: the one
    degree allowed (None: any). `recall`: the chord a returning phrase had here and `recall_weight` how much it
    pulls. `within`: pitch classes it must keep to. `first`: it opens a phrase. `last`: it closes
    one, so it stands firm.
    """

    tension: float
    rough: float
    goal: int | None = None
    steps: int = 0
    degree: int | None = None
    recall: Chord | None = None
    recall_weight: float = 0.0
    within: tuple[int, ...] = ()
    first: bool = False
    last: bool = False


def choose(
    rng: Random,
    chords: Palette,
    scale: Scale,
    practice: str,
    past: Sequence[Chord],
    before: tuple[int, ...],
    wish: Wish,
) -> Chord:
    """The next chord after `past` (latest last), whose pitch classes `before` sound now."""
    now = past[-1] if past else None
    follow = priors.FIRST_CHORD if wish.first or now is None else succession(scale.mode, practice)[now.degree]
    reach = arrivals(scale.mode, practice, wish.goal, wish.steps) if wish.goal is not None else None
    recent = past[-6:]
    weights = []
    for chord, tense, rough, weight in zip(*chords, strict=True):
        degree = chord.degree
        if wish.degree is not None and degree != wish.degree:
            weights.append(0.0)
            continue
        if wish.last and chord.kind not in _CLOSING:
            weight *= 0.02
        pcs = chord_pcs(chord, scale)
        if wish.within and not all(pc in wish.within for pc in pcs):
            weight *= 1e-4
        cost = abs(tense - wish.tension) / 0.05 + abs(rough - wish.rough) / 0.1
        if before and cost < _HOPELESS:
            cost += least_motion(before, pcs) / 3.0
        if wish.degree is None:
            weight *= follow[degree] + 0.004
            if reach:
                weight *= reach[degree] + 1e-3
            cost += 0.35 * recent.count(chord)  # novelty
        if chord == now and not wish.first:
            weight *= 0.1
        if wish.recall is not None and degree == wish.recall.degree:
            weight *= 1.0 + wish.recall_weight * (1.0 if chord.kind == wish.recall.kind else 0.4)
        weights.append(weight * math.exp(-cost))
    if sum(weights) <= 0.0:
        return Chord(wish.degree or 0, "triad")
    return rng.choices(chords.chords, weights)[0]
