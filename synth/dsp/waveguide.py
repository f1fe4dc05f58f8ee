"""A string as a loop: a delay, a fraction of a sample and a loss (Karplus & Strong 1983; Jaffe & Smith, "Extensions of
the Karplus-Strong plucked-string algorithm", CMJ 1983).

The fraction is a Lagrange interpolator of order five (Laakso et al., "Splitting the unit delay", IEEE SPM 1996): its
own loss limits the decay far less than the string does. A one-pole loss meets two decay times, at the fundamental and
at HIGH_HZ. It looks AHEAD samples back (scattered look-ahead; Parhi & Messerschmitt, "Pipeline interleaving and
parallelism in recursive digital filters", IEEE Trans. ASSP 37(7), 1989): 1 / (1 - p / z) is the sum of (p / z)^k for
k < AHEAD, which joins the taps of the fraction, over 1 - (p / z)^AHEAD. So the whole loop runs in vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM

HIGH_HZ = 4000.0
ORDER = 5
LAGRANGE = np.array([-120.0, 24.0, -12.0, 12.0, -24.0, 120.0])  # products of i - j over the other taps
DULLEST = 0.95  # pole of the loss filter
LEAST_LOSS = 1.0 - 1e-6  # gain of the loop at DC: no string grows, whatever is asked of it
LEAST_DELAY = 3.0  # samples that the fraction needs

AHEAD = 8
TAPS = ORDER + AHEAD
TINY = np.float32(1e-20)  # keeps what dies away from becoming denormal
U1, U2, U3, U4, U5, U6, U7, U8, U9, U10, U11, U12 = (np.uint64(k) for k in range(1, TAPS))


@dataclass(frozen=True, slots=True)
class Loop:
    """A string's loop: whole delay in samples, taps of the fraction (6,), pole and input gain of the loss filter."""

    delay: int
    taps: NDArray[np.float64]
    pole: float
    gain: float

    def ahead(self) -> tuple[NDArray[np.float64], float]:
        """Taps (TAPS,) from the delay on, and the weight of what was AHEAD samples ago."""
        return np.convolve(self.taps, self.gain * self.pole ** np.arange(AHEAD)), self.pole**AHEAD

    def keep(self, w: float) -> float:
        """Part of a sinusoid of `w` radians a sample that a turn leaves, but for the fraction's own loss."""
        return self.gain / (1.0 - self.pole) * _one_pole(self.pole, w)


def loop(
    sample_rate: float, hz: float, t60_s: float, t60_high_s: float, lag: float = 0.0, lag_high: float = 0.0
) -> Loop:
    """The loop of a string at `hz` that falls 60 dB in `t60_s` at the fundamental and in `t60_high_s` at `high_hz`.

    Whatever else is in the loop is late by `lag` samples (phase delay) at `hz` and by `lag_high` (group delay) there.
    """
    period = sample_rate / hz
    w0, w1 = (2.0 * math.pi * f / sample_rate for f in (hz, high_hz(sample_rate, hz)))
    keep = 10.0 ** (-3.0 / (hz * t60_s))
    high_s = min(t60_s, t60_high_s) * period / (period + lag_high - lag)  # of as many turns at the fundamental's pace
    pole = _pole(min(10.0 ** (-3.0 / (hz * high_s)) / keep, 1.0), w0, w1)
    gain = min(keep / _one_pole(pole, w0), LEAST_LOSS) * (1.0 - pole)
    total = period - lag - _lag(pole, w0)
    whole = math.floor(total) - 2
    return Loop(whole, lagrange(total - whole), pole, gain)


def loss_delay(pole: float, sample_rate: float, hz: float) -> float:
    """Samples by which the loss of a string at `hz` delays its fundamental."""
    return _lag(pole, 2.0 * math.pi * hz / sample_rate)


def high_hz(sample_rate: float, hz: float) -> float:
    """Where the second decay time of a string at `hz` holds."""
    return min(max(HIGH_HZ, 1.5 * hz), 0.4 * sample_rate)


def needed(sample_rate: float, hz: float) -> float:
    """Samples that a loop at `hz` needs at most for its fraction and its loss."""
    return LEAST_DELAY + _lag(DULLEST, 2.0 * math.pi * hz / sample_rate)


def lagrange(delay: float) -> NDArray[np.float64]:
    """Taps (6,) of a delay of 2 to 3 samples."""
    count = ORDER + 1
    taps: NDArray[np.float64] = np.prod(np.where(np.eye(count), 1.0, delay - np.arange(count)), axis=1) / LAGRANGE
    return taps


def _one_pole(pole: float, w: float) -> float:
    """Gain at `w` of a one-pole low-pass with unity gain at DC."""
    return (1.0 - pole) / math.sqrt(1.0 - 2.0 * pole * math.cos(w) + pole * pole)


def _lag(pole: float, w: float) -> float:
    """Its phase delay in samples."""
    return math.atan2(pole * math.sin(w), 1.0 - pole * math.cos(w)) / w


def _pole(ratio: float, w0: float, w1: float) -> float:
    """The pole whose gain at `w1` is `ratio` times that at `w0`: the smaller root of `a p^2 - 2 b p + a`."""
    a = 1.0 - ratio * ratio
    b = math.cos(w0) - ratio * ratio * math.cos(w1)
    return min(a / (b + math.sqrt(b * b - a * a)), DULLEST) if b > a else DULLEST


def reach(delay: int) -> int:
    """Samples that a loop of so long a `delay` looks back."""
    return delay + TAPS - 1


@kernel
def at_once(delay: int) -> int:
    """Samples of a loop that are computed before they are heard in it again: at most a quantum, if possible eights."""
    return min(delay - delay % AHEAD, QUANTUM) if delay >= AHEAD else delay


def tapes(rows: int, longest: int) -> NDArray[np.float32]:
    """Memory for `rows` loops of up to `longest` samples of delay, written forwards and wound back by `rewind`."""
    return np.zeros((rows, 2 * reach(longest) + QUANTUM), np.float32)


@kernel
def tune(delay, pole, gain, line, base, row, scratch, at):  # type: ignore[no-untyped-def]
    """Write the taps of `Loop.ahead` to column `row` of `line` from `base` on, for a loop of `delay` samples in all
    (float64, at least LEAST_DELAY); its whole part. `scratch`, float64, has ORDER + 1 rows to spare from `at` on."""
    whole = np.int64(delay) - 2
    d = delay - whole
    for j in range(ORDER + 1):
        scratch[at + j, row] = 1.0 / LAGRANGE[j]
        for i in range(ORDER + 1):
            if i != j:
                scratch[at + j, row] *= d - i
    for m in range(TAPS):
        power, tap = gain, 0.0
        for k in range(AHEAD):
            if 0 <= m - k <= ORDER:
                tap += power * scratch[at + m - k, row]
            power *= pole
        line[base + m, row] = tap
    return whole


@kernel
def rewind(memory, row, write, back):  # type: ignore[no-untyped-def]
    """Where the next quantum of `row` is written, when it was `write`: at the tape's end the last `back` samples are
    copied to its start."""
    if write + QUANTUM <= memory.shape[1]:
        return write
    start = np.uint64(write - back)
    for n in range(np.uint64(back)):
        memory[row, n] = memory[row, start + n]
    return back


@kernel
def turn(memory, row, line, base, at, out, to, count):  # type: ignore[no-untyped-def]
    """Write `count` samples to `out` from `to` on: what `row` had from `at` on, through the fraction and the loss,
    but for the part from AHEAD samples ago. Column `row` of `line` has the taps from `base` on."""
    c0, c1, c2, c3 = line[base, row], line[base + 1, row], line[base + 2, row], line[base + 3, row]
    c4, c5, c6, c7 = line[base + 4, row], line[base + 5, row], line[base + 6, row], line[base + 7, row]
    c8, c9, c10, c11 = line[base + 8, row], line[base + 9, row], line[base + 10, row], line[base + 11, row]
    c12 = line[base + 12, row]
    first, last = np.uint64(at - (TAPS - 1)), np.uint64(to)
    for n in range(np.uint64(count)):
        i = first + n
        a = (c12 * memory[row, i] + c11 * memory[row, i + U1]) + (c10 * memory[row, i + U2] + c9 * memory[row, i + U3])
        b = (c8 * memory[row, i + U4] + c7 * memory[row, i + U5]) + c6 * memory[row, i + U6]
        c = (c5 * memory[row, i + U7] + c4 * memory[row, i + U8]) + c3 * memory[row, i + U9]
        d = (c2 * memory[row, i + U10] + c1 * memory[row, i + U11]) + (c0 * memory[row, i + U12] + TINY)
        out[last + n] = (a + b) + (c + d)


@kernel
def lose(out, weight, to, count):  # type: ignore[no-untyped-def]
    """Add to each of `count` samples of `out` from `to` on `weight` times that AHEAD before."""
    back, at = np.uint64(to - AHEAD), np.uint64(to)
    for n in range(np.uint64(count)):
        out[at + n] += weight * out[back + n]


@kernel
def store(out, to, memory, row, write, count):  # type: ignore[no-untyped-def]
    """Write `count` samples of `out` from `to` on into `row` of the tapes."""
    start, at = np.uint64(to), np.uint64(write)
    for n in range(np.uint64(count)):
        memory[row, at + n] = out[start + n]
