"""A band-limited saw straight into a stereo place: see `steps`, of which this is the one that moves in level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.fused import fma
from synth.dsp.steps import CYCLE, CYCLE_BITS, FALL, HALF_CYCLE, LATER, MASK, PEAK, add_step

Floats = NDArray[np.float32]
Four = tuple[np.float32, np.float32, np.float32, np.float32]


@kernel
def panned_saw(
    line: Floats, left: int, right: int, frames: int, phase: np.int64, step: np.int64, gains: Four, table: Floats
) -> np.int64:
    """Add `frames` frames of a falling saw of RMS 1 to `line`, from `left` and from `right` on; the phase reached.

    `gains` are the left and the right one and what each frame adds to them. A cycle is 2**32, of which `step` (at
    least 1) is added each frame. Written are `steps.POINTS` more frames than those; `table` are `steps.residues`.
    """
    gain_left, gain_right, rise_left, rise_right = gains
    fall_left, fall_right = FALL * gain_left, FALL * gain_right
    steep_left, steep_right = FALL * rise_left, FALL * rise_right
    turned, onward = np.uint32(np.uint32(phase) ^ HALF_CYCLE), np.uint64(step)
    to_left, to_right = np.uint64(left) + LATER, np.uint64(right) + LATER
    for n in range(np.uint64(frames)):
        t, height = np.float32(np.int32(n)), np.float32(np.uint32(turned).view(np.int32))
        line[to_left + n] = fma(height, fma(t, steep_left, fall_left), line[to_left + n])
        line[to_right + n] = fma(height, fma(t, steep_right, fall_right), line[to_right + n])
        turned = np.uint32(np.uint64(turned) + onward)
    to_jump = CYCLE - phase
    for _ in range((phase + frames * step) >> CYCLE_BITS):
        n = int((to_jump + step - 1) // step)
        late, t = np.float32(n * step - to_jump) / np.float32(step), np.float32(n)
        add_step(line, left + n, late, (PEAK + PEAK) * fma(t, rise_left, gain_left), table)
        add_step(line, right + n, late, (PEAK + PEAK) * fma(t, rise_right, gain_right), table)
        to_jump += CYCLE
    return (phase + frames * step) & MASK
