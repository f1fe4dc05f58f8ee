"""Answers: what another voice says to the last gesture of a tune, echoed or upside down, in steps of the scale."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from synth.composer.melody import Tone
from synth.composer.scales import Scale

_MOST = 4
_WAYS = {"echo": 0.45, "inversion": 0.35, "sequence": 0.2}


def gesture(call: Sequence[Tone]) -> list[Tone]:
    """The last gesture of a sung line: its last tones of one letter, the closing tone with those before it; 1 to 4."""
    last = call[-1]
    own = [last]
    for tone in reversed(call[:-1]):
        near = own[0].beat - (tone.beat + tone.beats) < 1.0
        joined = tone.gesture == own[0].gesture and tone.place < own[0].place
        if len(own) == _MOST or not near or not (joined or own[0].closing):
            break
        own.insert(0, tone)
    return own


def answer(
    rng: Random,
    call: Sequence[Tone],
    scale: Scale,
    room: float,
    most: int,
    bounds: tuple[int, int],
    centre: float,
) -> list[tuple[float, int]]:
    """(beats after the first, MIDI note) of the tones that answer the sung tones of `call` within `room` beats.

    An echo has the gesture's intervals, an inversion has them upside down, a sequence begins a step or two elsewhere;
    all lie whole octaves from it, in `bounds` and near `centre`.
    """
    tones = gesture(call)[-max(most, 1) :]
    steps = [tone.step for tone in tones if tone.step is not None]
    way = rng.choices(list(_WAYS), list(_WAYS.values()))[0]
    if way == "inversion":
        steps = [2 * steps[0] - step for step in steps]
    elif way == "sequence":
        shift = rng.choice((-2, -1, 1, 2))
        steps = [step + shift for step in steps]
    middle = sum(scale.pitch(step) for step in steps) / len(steps)
    up = scale.size * round((centre - middle) / 12.0)
    low, high = bounds
    said = []
    for tone, step in zip(tones, steps, strict=True):
        pitch = scale.pitch(step + up)
        pitch += 12 * max(-(-(low - pitch) // 12), 0) - 12 * max(-(-(pitch - high) // 12), 0)
        said.append((tone.beat - tones[0].beat, pitch))
    return [(offset, pitch) for offset, pitch in said if offset <= max(room - 0.5, 0.0)]
