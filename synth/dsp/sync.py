"""Hard sync: a saw that a second, unheard oscillator starts anew each cycle, without aliasing.

Each jump of the wave is a band-limited step (Brandt, "Hard sync without aliasing", ICMC 2001; `synth.dsp.steps`), so it
sounds DELAY samples late. A steady wave's DC, which sync leaves, is taken off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import sane
from synth.dsp.quantum import QUANTUM
from synth.dsp.steps import DELAY, POINTS, add_step, residues
from synth.dsp.wavetable import CYCLE, MASK

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
PER_FRAME = np.float32(1.0 / QUANTUM)
WHOLE = np.int64(2**32)
TO_CYCLES = np.float32(2.0**-32)
HIGHEST = np.float32(0.45)  # cycles per sample, of either
LOWEST = np.float32(1e-6)

LINE = QUANTUM + POINTS
LEADER, FOLLOWER = range(2)  # rows of the phases


@kernel
def mean_of(leader: np.float32, follower: np.float32) -> np.float32:
    """Mean of a follower's saw cut off by its leader: what is left of its last cycle lies low."""
    ratio = follower / max(leader, LOWEST)
    part = ratio - np.floor(ratio)
    return part * (part - ONE) / max(ratio, LOWEST)


@kernel
def render_sync(
    leader_hz: Floats,
    follower_hz: Floats,
    gain: Floats,
    quanta: int,
    second: np.float32,
    table: Floats,
    phases: Integers,
    line: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `out` (frames, voices) from values at the edges, (edges, voices); `second` is 1 over
    the sample rate, `line` LINE samples to come of each voice. A voice without a gain starts anew."""
    for q in range(quanta):
        first = q * QUANTUM
        for v in range(phases.shape[1]):
            at = v * LINE
            if gain[q, v] == ZERO and gain[q + 1, v] == ZERO:
                phases[LEADER, v], phases[FOLLOWER, v] = 0, 0
                for n in range(at, at + POINTS):
                    line[n] = ZERO
                for n in range(first, first + QUANTUM):
                    out[n, v] = ZERO
                continue
            a0 = max(ZERO, min(leader_hz[q, v] * second, HIGHEST))
            a1 = max(ZERO, min(leader_hz[q + 1, v] * second, HIGHEST))
            b0 = max(ZERO, min(follower_hz[q, v] * second, HIGHEST))
            b1 = max(ZERO, min(follower_hz[q + 1, v] * second, HIGHEST))
            lead, lead_rise = np.int64(a0 * CYCLE), np.int64((a1 - a0) * CYCLE / QUANTUM)
            follow, follow_rise = np.int64(b0 * CYCLE), np.int64((b1 - b0) * CYCLE / QUANTUM)
            leader, follower = phases[LEADER, v], phases[FOLLOWER, v]
            for n in range(QUANTUM):
                lead_step, follow_step = lead + n * lead_rise, follow + n * follow_rise
                leader += lead_step
                if leader >= WHOLE:
                    leader &= MASK
                    late = np.float32(leader) / np.float32(lead_step)
                    after = np.int64(np.float64(leader) / np.float64(lead_step) * np.float64(follow_step))
                    reached = follower + follow_step - after
                    if reached >= WHOLE:
                        reached &= MASK
                        before = np.float32(reached) / np.float32(follow_step)
                        add_step(line, at + n, late + before, -TWO, table)
                    add_step(line, at + n, late, -TWO * np.float32(reached) * TO_CYCLES, table)
                    follower = after
                else:
                    follower += follow_step
                    if follower >= WHOLE:
                        follower &= MASK
                        add_step(line, at + n, np.float32(follower) / np.float32(follow_step), -TWO, table)
                line[at + n + DELAY] += TWO * np.float32(follower) * TO_CYCLES - ONE
            phases[LEADER, v], phases[FOLLOWER, v] = leader, follower

            mean = mean_of(a0, b0)
            mean_rise = (mean_of(a1, b1) - mean) * PER_FRAME
            level = sane(gain[q, v])
            level_rise = (sane(gain[q + 1, v]) - level) * PER_FRAME
            for n in range(QUANTUM):
                t = np.float32(n)
                out[first + n, v] = (level + t * level_rise) * (line[at + n] - mean - t * mean_rise)
            for n in range(at, at + POINTS):
                line[n] = line[n + QUANTUM]
            for n in range(at + POINTS, at + LINE):
                line[n] = ZERO


class SyncedSaw:
    """A synced saw for each of `voices` voices at `sample_rate` Hz."""

    latency = DELAY  # frames

    def __init__(self, sample_rate: int, voices: int) -> None:
        self.phases = np.zeros((2, voices), np.int64)
        self._line = np.zeros(voices * LINE, np.float32)
        self._second = np.float32(1.0 / sample_rate)

    def reset(self) -> None:
        """Start again from phase 0."""
        self.phases[:] = 0
        self._line[:] = 0.0

    def render(self, leader_hz: Floats, follower_hz: Floats, gain: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (frames, voices) float32, with waves of +-1 times `gain`.

        All are (quanta + 1, voices) float32, values at the quanta's edges, linear between: `leader_hz` is the pitch,
        `follower_hz` the colour (from the leader's up to some 8 times it); both are held under HIGHEST of the sample
        rate.
        """
        render_sync(
            leader_hz, follower_hz, gain, quanta, self._second, residues(), self.phases, self._line, out
        )  # fmt: skip
