"""Cells: ways to fill a bar with notes, as lengths in beats."""

from __future__ import annotations

from random import Random

from synth.composer.rhythm.metre import groups

# Ways to fill 2, 3 or 4 beats, as lengths in beats, by number of notes. Quarter = 1.
_CELLS: dict[int, dict[int, tuple[tuple[float, ...], ...]]] = {
    2: {
        1: ((2,),),
        2: ((1, 1), (1.5, 0.5), (0.5, 1.5)),
        3: ((1, 0.5, 0.5), (0.5, 0.5, 1), (0.5, 1, 0.5)),
        4: ((0.5, 0.5, 0.5, 0.5), (0.75, 0.25, 0.5, 0.5)),
        6: ((0.5, 0.25, 0.25, 0.5, 0.25, 0.25),),
        8: ((0.25,) * 8,),
    },
    3: {
        1: ((3,),),
        2: ((2, 1), (1, 2), (1.5, 1.5)),
        3: ((1, 1, 1), (1.5, 0.5, 1), (1, 1.5, 0.5)),
        4: ((1, 0.5, 0.5, 1), (0.5, 0.5, 1, 1), (1.5, 0.5, 0.5, 0.5), (1, 1, 0.5, 0.5)),
        5: ((0.5, 0.5, 0.5, 0.5, 1), (1, 0.5, 0.5, 0.5, 0.5)),
        6: ((0.5,) * 6,),
        8: ((0.5, 0.25, 0.25) * 2 + (0.5, 0.5),),
        12: ((0.25,) * 12,),
    },
    4: {
        1: ((4,),),
        2: ((3, 1), (2, 2), (2.5, 1.5)),
        3: ((2, 1, 1), (1, 1, 2), (1.5, 0.5, 2), (3, 0.5, 0.5)),
        4: ((1, 1, 1, 1), (1.5, 0.5, 1, 1), (1.5, 0.5, 1.5, 0.5), (2, 1, 0.5, 0.5), (1, 0.5, 0.5, 2)),
        5: ((1, 0.5, 0.5, 1, 1), (1, 1, 1, 0.5, 0.5), (0.5, 0.5, 1, 0.5, 1.5), (1.5, 0.5, 0.5, 0.5, 1)),
        6: ((1, 0.5, 0.5, 1, 0.5, 0.5), (0.5, 0.5, 1, 0.5, 0.5, 1), (1.5, 0.5, 0.5, 0.5, 0.5, 0.5)),
        8: ((0.5,) * 8,),
        12: ((0.5, 0.25, 0.25) * 4,),
        16: ((0.25,) * 16,),
    },
}


def cell(rng: Random, beats: int, notes: int, regularity: float) -> tuple[float, ...]:
    """Lengths in beats of about `notes` notes that fill a bar of `beats`; low `regularity` allows more syncopation."""
    lengths: list[float] = []
    left = notes
    parts = groups(beats)
    for i, part in enumerate(parts):
        share = max(1, round(left / (len(parts) - i)))
        left -= share
        if part == 1:
            lengths.append(1.0)
            continue
        count = min(_CELLS[part], key=lambda n: abs(n - share))
        options = _CELLS[part][count]
        weights = [1.0 if all(onset % 1.0 == 0.0 for onset in onsets(o)) else 1.15 - regularity for o in options]
        lengths.extend(rng.choices(options, weights)[0])
    return tuple(lengths)


def onsets(lengths: tuple[float, ...]) -> list[float]:
    """Beats at which notes of these lengths begin."""
    beats = [0.0]
    for length in lengths[:-1]:
        beats.append(beats[-1] + length)
    return beats
