"""Granular synthesis: short windowed pieces of a table, or of what was just played (Roads, Microsound, 2001).

Onsets keep a beat that is jittered by a share of itself: a Poisson stream of grains has gaps however dense it is.
Grains are together as loud as their source as long as they are unlike each other: a Hann window has a mean power of
3/8, and `overlap` of them sound at a time. All chance comes from one seeded generator, drawn in the grains' order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import clamp, sane
from synth.dsp.fused import fma
from synth.dsp.noise import bipolar, noise_states, unipolar, xorshift32
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import cosine, exp2, log2, quarter_sine, sine
from synth.dsp.wavetable import BASE_HZ, CYCLE, MASK, ROWS_PER_OCTAVE, Tables, read
from synth.rng import stream

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

SLOTS = 64
OVERLAP_MIN, OVERLAP_MAX = np.float32(0.25), np.float32(16.0)
LENGTH_MIN_S, LENGTH_MAX_S = np.float32(0.01), np.float32(1.0)
RATIO_MIN, RATIO_MAX = np.float32(0.25), np.float32(4.0)
HISTORY_S = 6.0

# Columns of the settings, a row for each quantum edge.
GAIN, LENGTH_S, OVERLAP, JITTER, PITCH, SCATTER_CENTS, DELAY_S, SCATTER_S, WIDTH, HOLD, OCTAVES, FIFTHS, SETTINGS = (
    range(13)
)
# Rows of a grain, int64: frames to go (0: free), frames in all, frames to wait, place in the source (32 bits of it
# fraction), what a frame adds to that, row of the source.
TO_GO, LENGTH, WAIT, PLACE, STEP, ROW, GRAIN = range(7)
# What the clock holds, int64: frames to the next beat, to the grain that belongs to it, random number, place to write.
BEAT, ONSET, RANDOM, WRITE, CLOCK = range(5)
LEFT, RIGHT = range(2)

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
THIRD, SIXTH, EIGHTH = np.float32(1.0 / 3.0), np.float32(1.0 / 6.0), np.float32(0.125)
PER_FRAME = np.float32(1.0 / QUANTUM)
FIFTH = np.float32(math.log2(1.5))
WINDOW_POWER = np.float32(3.0 / 8.0)
CENT = np.float32(1.0 / 1200.0)
OCTAVE_ROWS, BASE = np.float32(ROWS_PER_OCTAVE), np.float32(BASE_HZ)
FRACTION_BITS, FRACTION_MASK = np.int64(32), np.int64(2**32 - 1)
WHOLE, TO_FRACTION = 2.0**32, np.float32(2.0**-32)
SILENCE = np.zeros((2, 0), np.float32)
MARGIN = 4.0  # points that interpolation may reach for


def grain_settings(
    edges: int,
    *,
    gain: float = 1.0,
    length_s: float = 0.2,
    overlap: float = 6.0,
    jitter: float = 0.3,
    pitch: float = 1.0,
    scatter_cents: float = 6.0,
    delay_s: float = 0.3,
    scatter_s: float = 0.2,
    width: float = 0.7,
    hold: float = 0.0,
    octaves: float = 0.0,
    fifths: float = 0.0,
) -> Floats:
    """Settings that stay, (edges, SETTINGS); columns may be written to.

    `gain` is linear; `length_s` of a grain, 0.01 to 1; `overlap`, grains at a time, 0.25 to 16; `jitter` of onsets, 0
    to 1 of the time between them; `pitch`, Hz for a table and a ratio, 0.25 to 4, for what was played;
    `scatter_cents` either way; `width` 0 to 1 of the stereo field; `octaves` and `fifths`, shares of the grains that
    sound so much higher. Of what was played: `delay_s` back, at least a grain's length, and up to `scatter_s` more;
    `hold` 1 stops listening and goes on with what was heard, 0 listens.
    """
    row = (gain, length_s, overlap, jitter, pitch, scatter_cents, delay_s, scatter_s, width, hold, octaves, fifths)
    return np.tile(np.array(row, np.float32), (edges, 1))


@kernel
def hann(share: np.float32) -> np.float32:
    """A Hann window at `share` (0 to 1) of its length."""
    edge = quarter_sine(HALF * min(share, ONE - share))
    return edge * edge


@kernel
def _onset(clock: Integers, length: np.float32, overlap: np.float32, jitter: np.float32) -> int:
    """Frame of this quantum on which a grain starts, QUANTUM when none does any more; the next one is planned."""
    onset = clock[ONSET]
    if onset >= QUANTUM:
        return QUANTUM
    period = length / overlap
    x = xorshift32(np.uint32(clock[RANDOM]))
    clock[RANDOM] = np.int64(x)
    clock[BEAT] += np.int64(period)
    clock[ONSET] = clock[BEAT] + np.int64(jitter * period * unipolar(x))
    return max(int(onset), 0)


@kernel
def _spawn(
    p: Floats,
    edge: int,
    onset: int,
    live: bool,
    sample_rate: np.float32,
    size: int,
    rows: int,
    clock: Integers,
    grains: Integers,
    pans: Floats,
) -> None:
    """Start a grain `onset` frames into the quantum; when all slots sound its chances are drawn and it is left out."""
    x = xorshift32(np.uint32(clock[RANDOM]))
    octave = CENT * p[edge, SCATTER_CENTS] * bipolar(x)
    x = xorshift32(x)
    where = unipolar(x)
    x = xorshift32(x)
    turn = (ONE + clamp(p[edge, WIDTH], ZERO, ONE) * bipolar(x)) * EIGHTH
    octaves, fifths = sane(p[edge, OCTAVES]), sane(p[edge, FIFTHS])
    if octaves + fifths > ZERO:
        x = xorshift32(x)
        higher = unipolar(x)
        octave += ONE if higher < octaves else FIFTH if higher < octaves + fifths else ZERO
    clock[RANDOM] = np.int64(x)
    slot = 0
    while slot < SLOTS and grains[TO_GO, slot] > 0:
        slot += 1
    if slot == SLOTS:
        return
    length = np.int64(clamp(p[edge, LENGTH_S], LENGTH_MIN_S, LENGTH_MAX_S) * sample_rate)
    if live:
        step = np.float64(clamp(p[edge, PITCH] * exp2(octave), RATIO_MIN, RATIO_MAX))
        back = np.float64((p[edge, DELAY_S] + p[edge, SCATTER_S] * where) * sample_rate)
        farthest = size - max(1.0 - step, 0.0) * length - QUANTUM - MARGIN  # what is written must not overtake it
        back = max(step * length + MARGIN, min(back, farthest))  # nor may it overtake that, even when on hold
        grains[ROW, slot] = 0
        grains[PLACE, slot] = np.int64((np.float64(clock[WRITE]) - back) * WHOLE)
        if p[edge, HOLD] < ONE:
            grains[PLACE, slot] += np.int64(onset) << FRACTION_BITS
    else:
        hz = clamp(p[edge, PITCH] * exp2(octave), ONE, HALF * sample_rate)
        step = np.float64(hz) / np.float64(sample_rate)
        grains[ROW, slot] = max(0, min(int(np.ceil(OCTAVE_ROWS * log2(hz / BASE))), rows - 1))
        grains[PLACE, slot] = np.int64(np.float64(where) * CYCLE) & MASK
    grains[STEP, slot] = np.int64(step * WHOLE)
    grains[LENGTH, slot] = length
    grains[TO_GO, slot] = length
    grains[WAIT, slot] = onset
    level = ONE / np.sqrt(WINDOW_POWER * clamp(p[edge, OVERLAP], ONE, OVERLAP_MAX))
    pans[LEFT, slot] = level * cosine(turn)
    pans[RIGHT, slot] = level * sine(turn)


@kernel
def cubic(ring: Floats, at: np.int64, f: np.float32, mask: np.int64) -> np.float32:
    """`ring[0]` past place `at` by `f` (0 to 1), round and round: Lagrange's cubic through four points."""
    a, b = ring[0, (at - 1) & mask], ring[0, at & mask]
    c, d = ring[0, (at + 1) & mask], ring[0, (at + 2) & mask]
    slope = c - THIRD * a - HALF * b - SIXTH * d
    return b + f * (slope + f * (HALF * (a + c) - b + f * (HALF * (b - c) + SIXTH * (d - a))))


@kernel
def _window(row: Floats, frames: int, to_go: np.int64, length: np.int64) -> None:
    """A Hann window over `frames` of `row`."""
    scale = ONE / np.float32(length + 1)
    share = np.float32(length - to_go + 1) * scale
    for n in range(frames):
        row[n] *= hann(fma(np.float32(n), scale, share))


@kernel
def _place(row: Floats, frames: int, left: np.float32, right: np.float32, out: Floats, first: int) -> None:
    for n in range(frames):
        out[LEFT, np.uint64(first + n)] = fma(left, row[n], out[LEFT, np.uint64(first + n)])
    for n in range(frames):
        out[RIGHT, np.uint64(first + n)] = fma(right, row[n], out[RIGHT, np.uint64(first + n)])


@kernel
def _play(
    tables: Tables,
    ring: Floats,
    live: bool,
    size: int,
    grains: Integers,
    pans: Floats,
    row: Floats,
    out: Floats,
    first: int,
) -> None:
    """Add one quantum of all grains to `out` from column `first`."""
    mask = np.int64(size - 1)
    for slot in range(SLOTS):
        to_go = grains[TO_GO, slot]
        if to_go == 0:
            continue
        wait, length = grains[WAIT, slot], grains[LENGTH, slot]
        frames = min(QUANTUM - wait, to_go)
        place, step = grains[PLACE, slot], grains[STEP, slot]
        if live:
            start, part = place >> FRACTION_BITS, np.float32(place & FRACTION_MASK) * TO_FRACTION
            ratio = np.float32(step) * TO_FRACTION
            for n in range(frames):
                at = part + np.float32(n) * ratio
                whole = np.int32(at)
                row[n] = cubic(ring, start + whole, at - np.float32(whole), mask)
            grains[PLACE, slot] = place + frames * step
        else:
            table = grains[ROW, slot]
            for n in range(frames):
                row[n] = read(tables, table, (place + n * step) & MASK)
            grains[PLACE, slot] = (place + frames * step) & MASK
        _window(row, frames, to_go, length)
        _place(row, frames, pans[LEFT, slot], pans[RIGHT, slot], out, first + wait)
        grains[TO_GO, slot] = to_go - frames
        grains[WAIT, slot] = 0


@kernel
def _listen(x: Floats, first: int, p: Floats, edge: int, ring: Floats, clock: Integers) -> None:
    """Write the middle of a quantum of `x` into the ring, faded where a hold begins or ends, unless it is held."""
    open_ = ONE - clamp(p[edge, HOLD], ZERO, ONE)
    rise = (ONE - clamp(p[edge + 1, HOLD], ZERO, ONE) - open_) * PER_FRAME
    write = clock[WRITE]
    for n in range(QUANTUM):
        ring[0, write + n] = (
            (open_ + np.float32(n) * rise) * HALF * (sane(x[LEFT, first + n]) + sane(x[RIGHT, first + n]))
        )


@kernel
def render_grains(
    x: Floats,
    live: bool,
    p: Floats,
    quanta: int,
    sample_rate: np.float32,
    tables: Tables,
    ring: Floats,
    size: int,
    clock: Integers,
    grains: Integers,
    pans: Floats,
    row: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `out` (2, frames). From `tables`, or when `live` from the `ring` that `x` (2, frames) is
    written to, of `size` frames, a power of two. While there is no gain no grain starts and time stands still.
    """
    for q in range(quanta):
        first = q * QUANTUM
        for n in range(first, first + QUANTUM):
            out[LEFT, n] = ZERO
            out[RIGHT, n] = ZERO
        held = p[q, HOLD] >= ONE and p[q + 1, HOLD] >= ONE
        if live and not held:
            _listen(x, first, p, q, ring, clock)
        if p[q, GAIN] == ZERO and p[q + 1, GAIN] == ZERO:
            for slot in range(SLOTS):
                grains[TO_GO, slot] = 0
        else:
            length = clamp(p[q, LENGTH_S], LENGTH_MIN_S, LENGTH_MAX_S) * sample_rate
            overlap, jitter = clamp(p[q, OVERLAP], OVERLAP_MIN, OVERLAP_MAX), clamp(p[q, JITTER], ZERO, ONE)
            onset = _onset(clock, length, overlap, jitter)
            while onset < QUANTUM:
                _spawn(p, q, onset, live, sample_rate, size, tables.shape[0], clock, grains, pans)
                onset = _onset(clock, length, overlap, jitter)
            clock[BEAT] -= QUANTUM
            clock[ONSET] -= QUANTUM
            _play(tables, ring, live, size, grains, pans, row, out, first)
            level = sane(p[q, GAIN])
            rise = (sane(p[q + 1, GAIN]) - level) * PER_FRAME
            for n in range(QUANTUM):
                gain = level + np.float32(n) * rise
                out[LEFT, first + n] *= gain
                out[RIGHT, first + n] *= gain
        if live and not held:
            clock[WRITE] = (clock[WRITE] + QUANTUM) & (size - 1)


class _Grains:
    """What grains of either kind keep."""

    def __init__(self, sample_rate: int, seed: int, tables: Tables, ring: Floats) -> None:
        self._seed, self._tables, self._ring = seed, tables, ring
        self._sample_rate = np.float32(sample_rate)
        self._clock = np.zeros(CLOCK, np.int64)
        self._grains = np.zeros((GRAIN, SLOTS), np.int64)
        self._pans = np.zeros((2, SLOTS), np.float32)
        self._row = np.zeros(QUANTUM, np.float32)
        self.reset()

    def reset(self) -> None:
        """Start again from the seed, without a grain."""
        self._clock[:] = 0
        self._clock[RANDOM] = noise_states(stream(self._seed, "grains"), 1)[0]
        self._grains[:] = 0

    @property
    def sounding(self) -> int:
        """Grains that sound now, up to SLOTS."""
        return int(np.count_nonzero(self._grains[TO_GO]))

    @property
    def parts(self) -> tuple[np.float32, Tables, Floats, int, Integers, Integers, Floats, Floats]:
        """What `render_grains` is given between `quanta` and `out`."""
        return (
            self._sample_rate, self._tables, self._ring, self._ring.shape[1],
            self._clock, self._grains, self._pans, self._row,
        )  # fmt: skip

    def _render(self, x: Floats, live: bool, settings: Floats, quanta: int, out: Floats) -> None:
        render_grains(x, live, settings, quanta, *self.parts, out)


class TableGrains(_Grains):
    """Grains of a wave's `tables` (see `synth.dsp.wavetable.tables`), each from a phase of its own."""

    def __init__(self, sample_rate: int, seed: int, tables: Tables) -> None:
        super().__init__(sample_rate, seed, tables, np.zeros((1, 1), np.float32))

    def render(self, settings: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (2, frames) float32; `settings` as of `grain_settings`."""
        self._render(SILENCE, False, settings, quanta, out)


class LiveGrains(_Grains):
    """Grains of the middle of a stereo signal, as it was up to HISTORY_S ago."""

    def __init__(self, sample_rate: int, seed: int) -> None:
        size = 1 << (int(HISTORY_S * sample_rate) - 1).bit_length()
        super().__init__(sample_rate, seed, np.zeros((1, 1), np.uint64), np.zeros((1, size), np.float32))

    def reset(self) -> None:
        """Start again from the seed, without a grain or a past."""
        super().reset()
        self._ring[:] = 0.0

    def render(self, x: Floats, settings: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out` with grains of what `x` was; `settings` as of `grain_settings`.

        Both are (2, frames) float32, and not the same array."""
        self._render(x, True, settings, quanta, out)
