"""Motifs: a line said again otherwise. Lines are tones in beats and scale steps; every change gives a new line.

The ways are those of the textbooks (Schoenberg 1967, ch. III): sequence, inversion, augmentation, diminution,
fragmentation, a new end, a tone split, a tone left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from random import Random
from types import MappingProxyType

from synth.composer.melody import Tone

Line = Sequence[Tone]
_SHORTEST = 0.5  # beats that a diminished or split tone may last


def sequence(line: Line, steps: int) -> list[Tone]:
    """The first half moved by `steps` of the scale, the rest as it was."""
    half = max((len(line) - 1) // 2, 1)
    return [_moved(tone, steps if i < half else 0) for i, tone in enumerate(line)]


def invert(line: Line) -> list[Tone]:
    """Mirrored in its first tone; the closing tone is free."""
    axis = next((tone.step for tone in line if tone.step is not None), 0)
    return [replace(tone, step=None if tone.closing or tone.step is None else 2 * axis - tone.step) for tone in line]


def augment(line: Line, beats: float) -> list[Tone]:
    """Twice as slow, as much of it as fits before the closing tone in a phrase of `beats`."""
    *body, last = line
    slow = [replace(tone, beat=2.0 * tone.beat, beats=2.0 * tone.beats) for tone in body]
    return [*(tone for tone in slow if tone.beat + tone.beats <= min(last.beat, beats) + 1e-6), replace(last)]


def diminish(line: Line) -> list[Tone]:
    """Twice as fast, and said twice, the second time without the pitches; as it was where that is too fast."""
    *body, last = line
    if not body or min(tone.beats for tone in body) / 2.0 < _SHORTEST:
        return [replace(tone) for tone in line]
    quick = [replace(tone, beat=tone.beat / 2.0, beats=tone.beats / 2.0) for tone in body]
    again = [replace(tone, beat=tone.beat + last.beat / 2.0, step=None) for tone in quick]
    return [*quick, *again, replace(last)]


def fragment(line: Line) -> list[Tone]:
    """Its first gesture alone, then once more a step lower, and rests; the closing tone stays."""
    *body, last = line
    head = [tone for tone in body if tone.gesture == body[0].gesture and tone.beat < last.beat / 2.0] if body else []
    if not head:
        return [replace(tone) for tone in line]
    half = max(round(last.beat / 2.0), 1)
    echo = [_moved(replace(tone, beat=tone.beat + half), -1) for tone in head]
    return [*(replace(tone) for tone in head), *(tone for tone in echo if tone.beat < last.beat), replace(last)]


def end_anew(line: Line) -> list[Tone]:
    """The last tones are free."""
    inner = len(line) - 1
    return [replace(tone, step=None if i >= max(inner - 3, inner // 2) else tone.step) for i, tone in enumerate(line)]


def split(line: Line) -> list[Tone]:
    """Its longest tone as two, the second one free."""
    tones = [replace(tone) for tone in line]
    if len(tones) < 2:
        return tones
    long = max(tones[:-1], key=lambda tone: (tone.beats, -tone.beat))
    if long.beats < 2.0 * _SHORTEST:
        return tones
    half = Tone(long.beat + long.beats / 2, long.beats / 2, long.gesture, long.place + 1)
    long.beats /= 2
    tones.insert(tones.index(long) + 1, half)
    return tones


def drop(rng: Random, line: Line) -> list[Tone]:
    """One inner tone left out."""
    tones = [replace(tone) for tone in line]
    if len(tones) > 4:
        tones.pop(rng.randrange(1, len(tones) - 1))
    return tones


# How often each way is taken where a line allows it. Exact ones keep an idea in memory, far ones show it anew.
WAYS: Mapping[str, float] = MappingProxyType(
    {
        "in sequence": 5.0,
        "with a new end": 4.0,
        "with a tone split": 3.0,
        "with a tone left out": 2.0,
        "inverted": 0.8,
        "augmented": 0.8,
        "diminished": 0.4,
        "in part": 0.8,
    }
)
ENOUGH = 0.55  # likeness that a variation keeps at least


def vary(rng: Random, line: Line, beats: float, way: str = "", least: float = ENOUGH) -> tuple[list[Tone], str]:
    """A variation of `line` that closes by beat `beats`, and its name: `way`, or one whose likeness to it is `least`.

    As it was, and no name, where no way changes it and keeps that much.
    """
    names = [way] if way else list(WAYS)
    while names:
        name = rng.choices(names, [WAYS[n] for n in names])[0]
        varied = _apply(rng, line, beats, name)
        if not same(line, varied) and likeness(line, varied) >= least:
            return varied, name
        names.remove(name)
    return [replace(tone) for tone in line], ""


def _apply(rng: Random, line: Line, beats: float, way: str) -> list[Tone]:
    match way:
        case "in sequence":
            return sequence(line, rng.choice((-2, -1, 1, 2)))
        case "with a new end":
            return end_anew(line)
        case "with a tone split":
            return split(line)
        case "with a tone left out":
            return drop(rng, line)
        case "inverted":
            return invert(line)
        case "augmented":
            return augment(line, beats)
        case "diminished":
            return diminish(line)
    return fragment(line)


def same(a: Line, b: Line) -> bool:
    """True when two lines have the same tones at the same beats."""
    return [(t.beat, t.step) for t in a] == [(t.beat, t.step) for t in b]


def likeness(a: Line, b: Line) -> float:
    """How much of `a` is heard in `b`, upside down or at half or double pace as well, 0..1.

    The mean of what their intervals and their rhythms share in order (Ratcliff & Obershelp 1988); tones that are free
    have no intervals yet.
    """
    first = _intervals(a), _paces(a, 1.0)
    found = 0.0
    for turn, pace in ((1, 1.0), (-1, 1.0), (1, 2.0), (1, 0.5)):
        other = [turn * i if isinstance(i, int) else i for i in _intervals(b)], _paces(b, pace)
        found = max(found, _shared(first[0], other[0]) + _shared(first[1], other[1]))
    return found / 2.0


def _shared(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _intervals(line: Line) -> list[int | tuple[int, int]]:
    """Steps from tone to tone; a pair of its own where one is free."""
    steps = [tone.step for tone in line]
    return [
        (id(line), i) if a is None or b is None else b - a
        for i, (a, b) in enumerate(zip(steps, steps[1:], strict=False))
    ]


def _paces(line: Line, pace: float) -> list[float]:
    return [round(pace * (b.beat - a.beat), 3) for a, b in zip(line, line[1:], strict=False)]


def _moved(tone: Tone, steps: int) -> Tone:
    return replace(tone, step=None if tone.step is None else tone.step + steps)
