"""Replies: what a person played comes back as a variation, in steps of the scale, and closes on a tone of the chord.

The call is taken over in key-relative form and changed as motifs are (Schoenberg 1967, ch. III): in sequence, with its
tail turned over, or with a new end. A long call is answered from its last part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from synth.composer.melody import Tone
from synth.composer.scales import Scale

FEWEST, MOST = 3, 12  # tones of a call that is answered, and of the part of it that is
LONGEST = 8.0  # beats of that part
_GRIDS = (1 / 4, 1 / 3)
_TRIPLETS = 0.7  # a call is in triplets when these fit so much better
_SHORTEST = 0.25
_LAST = 2.0  # beats that the last tone may last
_WAYS = {"in sequence": 0.4, "with its tail turned over": 0.3, "with a new end": 0.3}


def motif(notes: Sequence[tuple[float, float, int]], scale: Scale) -> list[Tone]:
    """Notes (begin, end, key) of a line as tones from beat 0 on the grid they are nearest to, on steps of `scale`."""

    def error(grid: float) -> float:
        return sum(abs(begin / grid - round(begin / grid)) * grid for begin, _, _ in notes)

    grid = _GRIDS[1] if error(_GRIDS[1]) < _TRIPLETS * error(_GRIDS[0]) else _GRIDS[0]
    placed: dict[int, tuple[float, int]] = {}
    for begin, end, key in notes:
        placed.setdefault(round(begin / grid), (end, key))
    if not placed:
        return []
    first = min(placed)
    onsets = sorted(placed)
    tones: list[Tone] = []
    for onset, after in zip(onsets, [*onsets[1:], None], strict=True):
        end, key = placed[onset]
        beats = max(round(end / grid) - onset, 1) * grid
        if after is not None:
            beats = min(beats, (after - onset) * grid)
        tones.append(Tone((onset - first) * grid, max(beats, _SHORTEST), "played", len(tones), nearest(scale, key)))
    tones[-1].closing = True
    return tones


def nearest(scale: Scale, key: float) -> int:
    """The step of `scale` nearest to `key`, the lower of two."""
    below = scale.step(int(key // 1))
    return min((below, below + 1), key=lambda step: (abs(scale.pitch(step) - key), step))


def last_part(call: Sequence[Tone]) -> list[Tone]:
    """As much of the end of `call` as is answered, from a rest or a long tone on if there is one."""
    end = call[-1].beat
    begin = next(i for i, tone in enumerate(call) if end - tone.beat <= LONGEST)
    begin = max(begin, len(call) - MOST)
    if begin:
        gaps = {i: call[i].beat - call[i - 1].beat for i in range(begin, len(call) - FEWEST + 1)}
        begin = max(gaps, key=lambda i: (gaps[i], -i)) if gaps else begin
    return [replace(tone, beat=tone.beat - call[begin].beat, place=i) for i, tone in enumerate(call[begin:])]


def reply(rng: Random, call: Sequence[Tone], literal: bool = False) -> tuple[list[Tone], str]:
    """The answer to `call`, and how it differs; `literal` keeps to its tones, but for the last."""
    said = last_part(call)
    way = "with a new end" if literal else rng.choices(list(_WAYS), list(_WAYS.values()))[0]
    if way == "in sequence":
        said = _moved(said, rng.choice((-2, -1, 1, 2)))
    elif way == "with its tail turned over":
        said = turned(said)
    elif not literal and len(said) > 3:
        said[-2].step = None
    last = replace(said[-1], step=None, closing=True, beats=min(max(said[-1].beats, 1.0), _LAST))
    return [*said[:-1], last], way


def _moved(line: Sequence[Tone], steps: int) -> list[Tone]:
    return [tone if tone.step is None else replace(tone, step=tone.step + steps) for tone in line]


def turned(line: Sequence[Tone]) -> list[Tone]:
    """The second half upside down, about the tone before it."""
    half = max(len(line) // 2, 1)
    axis = line[half - 1].step
    assert axis is not None
    return [
        tone if i < half or tone.step is None else replace(tone, step=2 * axis - tone.step)
        for i, tone in enumerate(line)
    ]
