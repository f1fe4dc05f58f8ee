"""Hard sync: a saw that a second, unheard oscillator starts anew each cycle, without aliasing.

Each step of the wave is replaced by the integral of a windowed sinc (minBLEP without the minimum phase: Brandt, "Hard
sync without aliasing", ICMC 2001): 32 points, Kaiser window of 9, corner at 0.8 of half the sample rate, tabulated at
TURNS places between two samples. It sounds DELAY samples late. A steady wave's DC, which sync leaves, is taken off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM
from synth.dsp.wavetable import CYCLE, MASK

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

POINTS = 32
DELAY = POINTS // 2
TURNS = 256
CUT, BETA = 0.8, 9.0

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
PER_FRAME = np.float32(1.0 / QUANTUM)
PLACES = np.float32(TURNS)
WHOLE = np.int64(2**32)
TO_CYCLES = np.float32(2.0**-32)
HIGHEST = np.float32(0.45)  # cycles per sample, of either
LOWEST = np.float32(1e-6)

LEADER, FOLLOWER = range(2)  # rows of the phases


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
def add_step(line: Floats, v: int, at: int, late: np.float32, height: np.float32, table: Floats) -> None:
    """Smooth a step of `height` that came `late` (0 to 1) samples before the sample that `line[v, at + DELAY]` is."""
    place = max(ZERO, min(late, ONE)) * PLACES
    row = min(int(place), TURNS - 1)
    share = place - np.float32(row)
    for i in range(POINTS):
        a = table[row, i]
        line[v, at + i] += height * (a + share * (table[row + 1, i] - a))


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
    the sample rate, `line` (voices, QUANTUM + POINTS) the samples to come. A voice without a gain starts anew."""
    for q in range(quanta):
        first = q * QUANTUM
        for v in range(phases.shape[1]):
            if gain[q, v] == ZERO and gain[q + 1, v] == ZERO:
                phases[LEADER, v], phases[FOLLOWER, v] = 0, 0
                for n in range(POINTS):
                    line[v, n] = ZERO
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
                        add_step(line, v, n, late + before, -TWO, table)
                    add_step(line, v, n, late, -TWO * np.float32(reached) * TO_CYCLES, table)
                    follower = after
                else:
                    follower += follow_step
                    if follower >= WHOLE:
                        follower &= MASK
                        add_step(line, v, n, np.float32(follower) / np.float32(follow_step), -TWO, table)
                line[v, n + DELAY] += TWO * np.float32(follower) * TO_CYCLES - ONE
            phases[LEADER, v], phases[FOLLOWER, v] = leader, follower

            mean = mean_of(a0, b0)
            mean_rise = (mean_of(a1, b1) - mean) * PER_FRAME
            level = gain[q, v]
            level_rise = (gain[q + 1, v] - level) * PER_FRAME
            for n in range(QUANTUM):
                t = np.float32(n)
                out[first + n, v] = (level + t * level_rise) * (line[v, n] - mean - t * mean_rise)
            for n in range(POINTS):
                line[v, n] = line[v, n + QUANTUM]
            for n in range(POINTS, POINTS + QUANTUM):
                line[v, n] = ZERO


class SyncedSaw:
    """A synced saw for each of `voices` voices at `sample_rate` Hz."""

    latency = DELAY  # frames

    def __init__(self, sample_rate: int, voices: int) -> None:
        self.phases = np.zeros((2, voices), np.int64)
        self._line = np.zeros((voices, QUANTUM + POINTS), np.float32)
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
