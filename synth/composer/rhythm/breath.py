"""Breath: what a phrase that lasts whole breaths does with each of them. It opens as the in-breath begins."""

from __future__ import annotations

import math

INHALE = 0.4  # share of a breath, 40:60 (Van Diest et al. 2014)


def phase(beat: float, beats: float, breaths: int) -> float:
    """How far into its breath, 0..1, `beat` is in a phrase of `beats` that lasts `breaths`."""
    return beat * breaths / beats % 1.0


def swell(phase: float, inhale: float = INHALE) -> float:
    """Fullness of the breath at `phase`, 0..1: a raised cosine up to `inhale` and down from there."""
    place = phase / inhale if phase < inhale else 1.0 - (phase - inhale) / (1.0 - inhale)
    return 0.5 - 0.5 * math.cos(math.pi * place)


def accent(beat: float, beats: float, breaths: int, most: float = 0.08) -> float:
    """What the breath adds to the velocity of a note at `beat`: `most` at its fullest, as much less between breaths."""
    return most * (2.0 * swell(phase(beat, beats, breaths)) - 1.0)


def turns(beats: float, breaths: int, inhale: float = INHALE) -> tuple[tuple[float, float], ...]:
    """(in, out) in beats of the phrase for each breath: where a chord on the in- and on the out-breath begins."""
    each = beats / breaths
    return tuple((i * each, (i + inhale) * each) for i in range(breaths))
