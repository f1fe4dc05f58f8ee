"""The rule-based line of `synth/composer/melody.py` read as a model: the probability it gives each next pitch.

Its rhythm is planned, not weighed, so only pitch given rhythm can be compared. It sings in C major (letters are what is
compared), in the register the strain has (which it is told), with the height so far as its contour. It wants a chord:
it gets, in turn, none (all seven tones fit), and the triad that fits the tones of each half bar best, which looks at
the answer. What it would repeat is the tone sung 4, 2 or 1 bars before. An exponent and a floor are fitted on the
valid pieces, so what is left is how well it ranks tones.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from melody_corpus import Piece
from numpy.typing import NDArray

from synth.composer import melody
from synth.composer.learned.events import Event
from synth.composer.learned.features import Past
from synth.composer.scales import Scale

Numbers = NDArray[np.float64]
MAJOR = Scale(0, 1)
CHORDS = ("none", "told")
_ALL = (0, 2, 4, 5, 7, 9, 11)
_TRIADS = tuple(tuple(MAJOR.pitch(degree + step) % 12 for step in (0, 2, 4)) for degree in (0, 3, 4, 5, 1, 2))
EXPONENTS = (0.3, 0.45, 0.6, 0.8, 1.0)
FLOORS = (0.02, 0.05, 0.1, 0.2, 0.3)


class Listening(Random):
    """A generator that writes down between what it is asked to choose."""

    def choices(self, population: Any, weights: Any = None, *, cum_weights: Any = None, k: int = 1) -> list[Any]:
        self.asked = list(zip(population, weights, strict=True))
        return [population[0]]


def weights_of(pieces: Sequence[Piece], chord: str) -> list[tuple[dict[int, float], int]]:
    """Of each tone after a strain's first: the weight of each step that may follow, and the step that did."""
    found = []
    for piece in pieces:
        for part in piece.parts:
            found += _strain(piece, part, chord)
    return found


def _strain(piece: Piece, part: Sequence[Event], chord: str) -> list[tuple[dict[int, float], int]]:
    rng, voice, past = Listening(), melody.Voice(), Past(piece.metre, piece.air)
    pitches = [MAJOR.pitch(event.step + 7) for event in part]
    triads = _triads(piece, part, pitches)
    found: list[tuple[dict[int, float], int]] = []
    for event, pitch in zip(part, pitches, strict=True):
        pcs = _ALL if chord == "none" else triads[_half(piece, event)]
        if past.events:
            wanted = MAJOR.pitch(round(past.events[-1].step - past.height) + 7)
            strong = piece.metre.level(event.beat) == 0 or event.ioi >= 2.0
            window = (min(pitches), max(pitches))
            at = melody.Setting(MAJOR, pcs, window, (), wanted, strong, like=_like(past, event.beat))
            rng.asked = []
            melody.sing(rng, voice, at)
            found.append(({MAJOR.step(p) - 7: w for p, w in rng.asked}, event.step))
        voice.move(pitch, pitch % 12 in pcs)
        past.add(event)
    return found


def _like(past: Past, beat: float) -> int | None:
    for bars in (4, 2, 1):
        index = past.echo(beat, bars)
        if index:
            return MAJOR.pitch(past.events[-1].step + past.events[index].step - past.events[index - 1].step + 7)
    return None


def _half(piece: Piece, event: Event) -> int:
    return int(event.beat // (piece.metre.beats if piece.metre.beats == 3 else piece.metre.beats / 2.0))


def _triads(piece: Piece, part: Sequence[Event], pitches: Sequence[int]) -> dict[int, tuple[int, ...]]:
    weights: dict[int, dict[int, float]] = {}
    for event, pitch in zip(part, pitches, strict=True):
        row = weights.setdefault(_half(piece, event), {})
        row[pitch % 12] = row.get(pitch % 12, 0.0) + event.ioi
    return {half: max(_TRIADS, key=lambda t: sum(row.get(pc, 0.0) for pc in t)) for half, row in weights.items()}


def surprise(valid: Sequence[Piece], test: Sequence[Piece], chord: str) -> Numbers:
    """Bits of the pitch of each tone of `test`; exponent and floor are those that did best on `valid`."""
    held = weights_of(valid, chord)
    _, exponent, floor = min((float(_bits(held, e, f).mean()), e, f) for e in EXPONENTS for f in FLOORS)
    return _bits(weights_of(test, chord), exponent, floor)


def _bits(told: Sequence[tuple[dict[int, float], int]], exponent: float, floor: float) -> Numbers:
    found = []
    for weights, step in told:
        total = sum(weight**exponent for weight in weights.values())
        share = weights.get(step, 0.0) ** exponent / total if step in weights and total > 0.0 else 0.0
        found.append(-np.log2((1.0 - floor) * share + floor / 19.0))
    return np.array(found)
