"""Motifs: a line said again otherwise. Lines are tones in beats and scale steps; every change gives a new line.

The ways are those of the textbooks (Schoenberg 1967, ch. III): sequence, inversion, augmentation, diminution,
fragmentation, a new end, a tone split, a tone left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from synth.composer.melody import Tone

Line = Sequence[Tone]
_SHORTEST = 0.5  # beats that a diminished or split tone may last


def sequence(line: Line, steps: int) -> list[Tone]:
    """The first half moved by `steps` of the scale, the rest as it was."""
    half = max((len(line) - 1) // 2, 1)
    return [_moved(tone, steps if i < half else 0) for i, tone in enumerate(line)]


def invert(line: Line) -> list[Tone]:
    """Mirrored in its first tone; the closing tone stays free."""
    axis = next((tone.step for tone in line if tone.step is not None), None)
    if axis is None:
        return [replace(tone) for tone in line]
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


_WAYS = ("sequence", "new end", "split", "left out", "inversion", "augmentation", "diminution", "fragment")
_OFTEN = (5.0, 4.0, 3.0, 2.0, 0.8, 0.8, 0.4, 0.8)


def vary(rng: Random, line: Line, beats: float) -> tuple[list[Tone], str]:
    """A variation of `line` for a phrase of `beats`, and its name."""
    way = rng.choices(_WAYS, _OFTEN)[0]
    ways: dict[str, Callable[[], list[Tone]]] = {
        "sequence": lambda: sequence(line, rng.choice((-2, -1, 1, 2))),
        "new end": lambda: end_anew(line),
        "split": lambda: split(line),
        "left out": lambda: drop(rng, line),
        "inversion": lambda: invert(line),
        "augmentation": lambda: augment(line, beats),
        "diminution": lambda: diminish(line),
        "fragment": lambda: fragment(line),
    }
    return ways[way](), way


def _moved(tone: Tone, steps: int) -> Tone:
    return replace(tone, step=None if tone.step is None else tone.step + steps)
