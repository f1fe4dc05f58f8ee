"""Chorus and string ensemble: delays that swing, so that what is read from them is a little out of tune.

A delay that grows by d seconds a second lowers the pitch by 1731 d cents. The chorus swings as a triangle with rounded
corners, whose detuning stands still between them, left and right against each other. The ensemble has three voices a
third of a cycle apart, each swinging slowly and wide as well as fast and narrow (as in the string machines of the
1970s; Dattorro, "Effect design 2", JAES 45(10), 1997, has the practice of both).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import butterworth
from synth.dsp.clamp import clamp
from synth.dsp.intake import F0, FRAME, LIMIT, QUIET, RAMP, counts, faint, held, hush, rests, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.ring import LEAST, between, rings
from synth.dsp.sine import sine
from synth.units import db_to_gain

ROUND = 1.0 / 16.0  # of a cycle, each side of a triangle's corner
THIRDS = 3  # voices of the ensemble
OUTER, INNER = np.float32(math.sqrt(2.0 / 3.0)), np.float32(math.sqrt(1.0 / 3.0))  # each voice has the same power

HALF, WHOLE = np.float32(0.5), np.float32(1.0)


@kernel
def triangle(phase: float) -> float:
    """A triangle over `phase` in cycles, [0, 1), from its trough on: slope +-4 a cycle, corners rounded to +-0.875."""
    up = min(phase, 1.0 - phase)
    near = min(up, 0.5 - up)
    height = 1.0 - 4.0 * near if near > ROUND else 1.0 - 2.0 * ROUND - 2.0 * near * near / ROUND
    return height if up > 0.25 else -height


@kernel
def _lowpass(filters, lows, dry):  # type: ignore[no-untyped-def]
    """A quantum of both channels, in place, through the Butterworth filter p, q, r, t."""
    p, q, r, t = filters[0], filters[1], filters[2], filters[3]
    for c in range(2):
        s1, s2 = lows[c, 0], lows[c, 1]
        for n in range(QUANTUM):
            v = dry[c, n]
            t1, t2 = p * s1 - q * s2 + q * v, q * s1 + r * s2 + t * v
            dry[c, n] = HALF * (s2 + t2)
            s1, s2 = t1, t2
        lows[c, 0], lows[c, 1] = s1, s2


@kernel
def _store(memory, row, frame, dry, c):  # type: ignore[no-untyped-def]
    for n in range(QUANTUM):
        memory[row, (frame + n) & (memory.shape[1] - 1)] = dry[c, n]


@kernel
def _chorus(x, depth, quanta, out, dry, memory, lows, filters, swing, wet, count):  # type: ignore[no-untyped-def]
    delay, span, step = swing[0], swing[1], swing[2]
    for q in range(quanta):
        at, frame = q * QUANTUM, count[FRAME]
        count[FRAME] += QUANTUM
        heard = take(x, at, dry) or not faint(lows)
        if rests(count, heard, memory):
            hush(out, at)
            continue
        for c in range(2):
            for n in range(QUANTUM):
                out[c, at + n] = dry[c, n]
        _lowpass(filters, lows, dry)
        for c in range(2):
            _store(memory, c, frame, dry, c)
            here = delay + span * clamp(depth[q], F0, WHOLE) * triangle((frame * step + 0.5 * c) % 1.0)
            there = delay + span * clamp(depth[q + 1], F0, WHOLE) * triangle(((frame + QUANTUM) * step + 0.5 * c) % 1.0)
            for n in range(QUANTUM):
                out[c, at + n] += wet * between(memory, c, frame + n, here + (there - here) * RAMP[n])


class Chorus:
    """Adds to a stereo signal its copy from `delay_ms` ago (at `wet_db`, low-passed), swinging by `depth_ms` (up to
    an eighth less, where the triangle is rounded) at `rate_hz`: at most `1731 * 4 * depth * rate` cents out of tune.
    """

    def __init__(
        self,
        sample_rate: int,
        delay_ms: float = 8.0,
        depth_ms: float = 1.5,
        rate_hz: float = 0.5,
        *,
        lowpass_hz: float = 8000.0,
        wet_db: float = -6.0,
    ) -> None:
        delay, depth = delay_ms * 1e-3 * sample_rate, depth_ms * 1e-3 * sample_rate
        if delay - depth < LEAST:
            raise ValueError(f"depth_ms = {depth_ms}: give less than delay_ms, which is {delay_ms}")
        self._depth = held(1.0)
        self._dry = np.zeros((2, QUANTUM), np.float32)
        self._memory = rings(2, delay + depth)
        self._lows = np.zeros((2, 2), np.float32)
        self._filters = np.array(butterworth(lowpass_hz, sample_rate), np.float32)
        self._swing = np.array([delay, depth, rate_hz / sample_rate])
        self._wet = np.float32(db_to_gain(wet_db))
        self._counts = counts(delay + depth)

    def render(
        self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32], depth: NDArray[np.float32] | None = None
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` and its copy (both (2, frames) float32, C order).

        `depth`, for each quantum edge, scales the swing: 0 to 1.
        """
        depth = self._depth if depth is None else depth
        own = (self._dry, self._memory, self._lows, self._filters, self._swing, self._wet, self._counts)
        _chorus(x, depth, quanta, out, *own)

    def reset(self) -> None:
        """Forget what has sounded and begin the swing anew."""
        _reset(self._memory, self._lows, self._counts)


@kernel
def _ensemble(x, depth, quanta, out, dry, memory, lows, filters, swing, taps, count):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at, frame = q * QUANTUM, count[FRAME]
        count[FRAME] += QUANTUM
        heard = take(x, at, dry) or not faint(lows)
        if rests(count, heard, memory):
            hush(out, at)
            continue
        _lowpass(filters, lows, dry)
        for n in range(QUANTUM):
            taps[0, n] = HALF * (dry[0, n] + dry[1, n])
        for i in range(THIRDS):  # left, centre, right
            _store(memory, i, frame, taps if i == 1 else dry, i // 2)
        for i in range(THIRDS):
            here, there = swing[0], swing[0]
            for k in range(2):
                span, step = swing[1 + 2 * k], swing[2 + 2 * k]
                here += span * clamp(depth[q], F0, WHOLE) * sine(np.float32((frame * step + i / THIRDS) % 1.0))
                turn = ((frame + QUANTUM) * step + i / THIRDS) % 1.0
                there += span * clamp(depth[q + 1], F0, WHOLE) * sine(np.float32(turn))
            for n in range(QUANTUM):
                taps[i, n] = between(memory, i, frame + n, here + (there - here) * RAMP[n])
        for n in range(QUANTUM):
            middle = INNER * taps[1, n]
            out[0, at + n] = OUTER * taps[0, n] + middle
            out[1, at + n] = OUTER * taps[2, n] + middle


class Ensemble:
    """Three voices in place of a stereo signal: its left, middle and right, each from `delay_ms` ago, swinging by
    `slow_ms` at `slow_hz` and by `fast_ms` at `fast_hz`: at most `1731 * 2 pi * (sum of ms * hz)` cents out of tune.
    """

    def __init__(
        self,
        sample_rate: int,
        delay_ms: float = 8.0,
        slow_ms: float = 1.5,
        slow_hz: float = 0.6,
        fast_ms: float = 0.15,
        fast_hz: float = 6.0,
        *,
        lowpass_hz: float = 8000.0,
    ) -> None:
        delay, slow, fast = (ms * 1e-3 * sample_rate for ms in (delay_ms, slow_ms, fast_ms))
        if delay - slow - fast < LEAST:
            raise ValueError(f"slow_ms + fast_ms = {slow_ms + fast_ms}: give less than delay_ms, which is {delay_ms}")
        self._depth = held(1.0)
        self._dry = np.zeros((2, QUANTUM), np.float32)
        self._memory = rings(THIRDS, delay + slow + fast)
        self._lows = np.zeros((2, 2), np.float32)
        self._filters = np.array(butterworth(lowpass_hz, sample_rate), np.float32)
        self._swing = np.array([delay, slow, slow_hz / sample_rate, fast, fast_hz / sample_rate])
        self._taps = np.zeros((THIRDS, QUANTUM), np.float32)
        self._counts = counts(delay + slow + fast)

    def render(
        self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32], depth: NDArray[np.float32] | None = None
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the voices of `x` (both (2, frames) float32, C order).

        `depth`, for each quantum edge, scales the swing: 0 to 1.
        """
        depth = self._depth if depth is None else depth
        own = (self._dry, self._memory, self._lows, self._filters, self._swing, self._taps, self._counts)
        _ensemble(x, depth, quanta, out, *own)

    def reset(self) -> None:
        """Forget what has sounded and begin the swing anew."""
        _reset(self._memory, self._lows, self._counts)


def _reset(memory: NDArray[np.float32], lows: NDArray[np.float32], count: NDArray[np.int64]) -> None:
    memory[:], lows[:] = 0.0, 0.0
    count[FRAME], count[QUIET] = 0, count[LIMIT]
