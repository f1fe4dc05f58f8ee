"""Band-limited steps, and a saw made of them: a straight line, and at each jump what a smooth step differs from a sharp
one by (Stilson & Smith, "Alias-free digital synthesis of classic analog waveforms", ICMC 1996; Brandt, "Hard sync
without aliasing", ICMC 2001).

The smooth step is the integral of a windowed sinc: 32 points, Kaiser window of 9, corner at 0.8 of half the sample
rate, tabulated at TURNS places between two samples. It sounds DELAY samples late.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.fused import fma

Floats = NDArray[np.float32]
Three = tuple[np.int64, np.int64, np.int64]

POINTS = 32
DELAY = POINTS // 2
TURNS = 256
CUT, BETA = 0.8, 9.0

ZERO, ONE, PLACES = np.float32(0.0), np.float32(1.0), np.float32(TURNS)
LATER = np.uint64(DELAY)
CYCLE, CYCLE_BITS, MASK = np.int64(2**32), np.int64(32), np.int64(2**32 - 1)
HALF_CYCLE = np.uint32(2**31)
PEAK = np.float32(math.sqrt(3.0))  # of a saw of RMS 1
FALL = np.float32(-math.sqrt(3.0) * 2.0**-31)


@lru_cache(maxsize=1)
def residues() -> Floats:
    """A smooth step less a sharp one, (TURNS + 1, POINTS) float32: row i for a step i / TURNS of a sample before point
    DELAY. Not to be written to."""
    fine = 16 * TURNS  # places of the integral between two samples
    t = np.arange(-DELAY * fine, DELAY * fine + 1) / fine
    pulse = CUT * np.sinc(CUT * t) * np.kaiser(t.size, BETA)
    step = np.concatenate(([0.0], np.cumsum(0.5 * (pulse[1:] + pulse[:-1]))))
    step /= step[-1]
    place = np.arange(POINTS) * fine + np.arange(TURNS + 1)[:, None] * (fine // TURNS)
    rows: Floats = (step[place] - (np.arange(POINTS) >= DELAY)).astype(np.float32)
    return rows


@kernel
def add_step(line: Floats, at: int, late: np.float32, height: np.float32, table: Floats) -> None:
    """Smooth a step of `height` that came `late` (0 to 1) samples before the sample that `line[at + DELAY]` is."""
    place = max(ZERO, min(late, ONE)) * PLACES
    row = min(int(place), TURNS - 1)
    upper = height * (place - np.float32(row))
    lower = height - upper
    above, below, to = np.uint64(row + 1), np.uint64(row), np.uint64(at)
    for i in range(np.uint64(table.shape[1])):  # were this a constant the loop would be unrolled, not vectorised
        line[to + i] = fma(upper, table[above, i], fma(lower, table[below, i], line[to + i]))


@kernel
def _turned(phase: np.int64) -> np.uint32:
    """Half a cycle on: as a signed number, -2**31 where the saw jumps."""
    return np.uint32(np.uint32(phase) ^ HALF_CYCLE)


@kernel
def _onward(place: np.uint32, step: np.uint64) -> np.uint32:
    return np.uint32(np.uint64(place) + step)


@kernel
def _signed(place: np.uint32) -> np.float32:
    return np.float32(np.uint32(place).view(np.int32))


@kernel
def _add_jumps(
    line: Floats, at: int, frames: int, phase: np.int64, step: np.int64, gain: np.float32, table: Floats
) -> None:
    """The steps of a saw wherever its phase wraps within `frames` frames."""
    to_jump, height = CYCLE - phase, (PEAK + PEAK) * gain
    for _ in range((phase + frames * step) >> CYCLE_BITS):
        n = int((to_jump + step - 1) // step)
        add_step(line, at + n, np.float32(n * step - to_jump) / np.float32(step), height, table)
        to_jump += CYCLE


@kernel
def saws(
    line: Floats, left: int, right: int, frames: int, phases: Three, steps: Three,
    side: np.float32, centre: np.float32, table: Floats,
) -> Three:  # fmt: skip
    """Add `frames` frames of three falling saws, of RMS `side`, `centre` and `side`, to `line`; the phases reached.

    The first goes to `left` on, the last to `right` on and the middle one to both; where they are one place, all go
    there. A cycle is 2**32, of which `steps` are added each frame. Written are POINTS more frames than those.
    """
    low, middle, high = _turned(phases[0]), _turned(phases[1]), _turned(phases[2])
    by_low, by_middle, by_high = np.uint64(steps[0]), np.uint64(steps[1]), np.uint64(steps[2])
    outer, inner = side * FALL, centre * FALL
    to_left, to_right = np.uint64(left) + LATER, np.uint64(right) + LATER
    if left == right:
        for n in range(np.uint64(frames)):
            line[to_left + n] += fma(outer, _signed(low) + _signed(high), inner * _signed(middle))
            low, middle, high = _onward(low, by_low), _onward(middle, by_middle), _onward(high, by_high)
    else:
        for n in range(np.uint64(frames)):
            both = inner * _signed(middle)
            line[to_left + n] += fma(outer, _signed(low), both)
            line[to_right + n] += fma(outer, _signed(high), both)
            low, middle, high = _onward(low, by_low), _onward(middle, by_middle), _onward(high, by_high)
        _add_jumps(line, right, frames, phases[1], steps[1], centre, table)
    _add_jumps(line, left, frames, phases[0], steps[0], side, table)
    _add_jumps(line, left, frames, phases[1], steps[1], centre, table)
    _add_jumps(line, right, frames, phases[2], steps[2], side, table)
    return (
        (phases[0] + frames * steps[0]) & MASK,
        (phases[1] + frames * steps[1]) & MASK,
        (phases[2] + frames * steps[2]) & MASK,
    )
