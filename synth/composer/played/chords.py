"""The chord of the style and scale that stands for one a person plays."""

from __future__ import annotations

from functools import lru_cache

from synth.composer.harmony import KINDS, SHAPES, Chord, chord_pcs, is_usable
from synth.composer.played.ear import Heard
from synth.composer.scales import Scale, pitch_classes
from synth.composer.tension import rubbing

MOST_ROUGH = 0.7  # of a chord outside the scale: a dominant seventh has .66
_FOREIGN, _ADDED, _ELSEWHERE = 1.0, 0.35, 0.3  # cost of a tone left out, one put in, and of another root


@lru_cache(maxsize=512)
def _own(scale: Scale) -> tuple[tuple[Chord, frozenset[int]], ...]:
    chords = (Chord(degree, kind) for kind in KINDS for degree in range(7))
    return tuple((c, frozenset(chord_pcs(c, scale))) for c in chords if is_usable(scale.mode, c))


def taken(heard: Heard, scale: Scale) -> Chord | None:
    """The scale's chord that holds all of what is heard, or nearly; else the chord as it was played, if it is consonant
    enough; None where neither is."""
    pcs = frozenset(heard.pcs)
    chord, cost = min(((c, _cost(heard, pcs, c, own, scale)) for c, own in _own(scale)), key=lambda pair: pair[1])
    if cost < _FOREIGN:
        return chord
    if heard.known and not pcs <= set(pitch_classes(scale)) and rubbing(heard.pcs) <= MOST_ROUGH:
        return _as_played(heard, scale)
    return chord if cost < 2.0 * _FOREIGN and len(pcs) > 3 else None


def fitting(scale: Scale, pcs: tuple[int, ...]) -> tuple[Chord, ...]:
    """The scale's triads and sevenths that hold all of `pcs`; without a tone a semitone from one of them, where there
    are any."""
    kinds = ("triad", "seventh")
    holding = [(chord, own) for chord, own in _own(scale) if chord.kind in kinds and own >= frozenset(pcs)]
    clear = [chord for chord, own in holding if not any((a - b) % 12 in (1, 11) for a in own for b in pcs)]
    return tuple(clear or (chord for chord, _ in holding))


def _cost(heard: Heard, pcs: frozenset[int], chord: Chord, own: frozenset[int], scale: Scale) -> float:
    elsewhere = heard.known and heard.pcs[0] != chord_pcs(chord, scale)[0]
    return _FOREIGN * len(pcs - own) + _ADDED * len(own - pcs) / 2 + _ELSEWHERE * elsewhere


def _as_played(heard: Heard, scale: Scale) -> Chord:
    root, *others = heard.pcs
    above = frozenset((pc - root) % 12 for pc in others)
    fifth = [pc for pc in others if (pc - root) % 12 in (6, 7)]  # root, fifth, then colour
    pcs = pitch_classes(scale)
    degree = min(range(7), key=lambda d: min((pcs[d] - root) % 12, (root - pcs[d]) % 12))
    kind = "seventh" if above & {10, 11} else "triad"
    assert above in SHAPES.values() or above <= {3, 4}
    return Chord(degree, kind, (root, *fifth, *(pc for pc in others if pc not in fifth)))
