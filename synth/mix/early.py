"""First reflections, by which a stem is heard near or far: one tapped delay that all stems share.

Two lines, of six taps each. A stem's `distance` is its share of the first, the square of it that of the second: what is
far has more reflections, and more of them against its direct sound. They are those of one room, each from its own side,
and dark; below 180 Hz there are none, so that what is low stays in the middle.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.block_filter import BANK, band, filter_quantum, restless
from synth.dsp.fused import fma
from synth.dsp.mirrored import SPAN, advance, behind, lines
from synth.dsp.quantum import QUANTUM

DELAY_MS = ((9.4, 14.6, 24.3, 37.9, 53.2, 77.1), (8.3, 12.9, 19.4, 30.9, 45.3, 66.7))  # between those of the reverb
PAN = ((-0.5, 0.6, -0.8, 0.8, -0.3, 0.2), (0.4, -0.7, 0.7, -0.2, 0.5, -0.7))
LEVEL_DB = (-6.0, -18.0)  # of a tap 7 and 80 ms late, against the direct sound
LEVEL_MS = (7.0, 80.0)
HIGHPASS_HZ, LOWPASS_HZ = 180.0, 6000.0
LINES, TAPS = len(DELAY_MS), len(DELAY_MS[0])
HALF = TAPS // 2  # of a line's taps, read together

IDLE = -1
F0 = np.float32(0.0)
FLUSH, WILD = np.float32(1e-9), np.float32(1e6)


def sends(distance: float) -> tuple[float, ...]:
    """A stem's share of each line, as amplitudes."""
    return distance, distance * distance


def reflected(distance: float) -> float:
    """Energy of the reflections of a stem in the middle, against its own."""
    levels = 10.0 ** (_levels_db() / 10.0)
    return float(sum(send * send * energy for send, energy in zip(sends(distance), levels.sum(axis=1), strict=True)))


def _levels_db() -> NDArray[np.float64]:
    """(LINES, TAPS): the later, the softer."""
    return np.interp(DELAY_MS, LEVEL_MS, LEVEL_DB)


@kernel
def _reflect(send, quanta, out, memory, places, taps, filters, front, side, count):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        heard = _audible(send, at, at + SPAN)
        if not heard and count[0] == IDLE:
            continue
        filter_quantum(filters, front, send, at, side)
        level = restless(front)
        if not level < WILD:
            side[:] = F0
        if not FLUSH <= level < WILD:
            front[:] = F0
        for c in range(LINES):
            k = behind(places, c, 0)
            for n in range(SPAN):
                memory[k + n] = side[c, n]
        advance(memory, places, 0, LINES)
        for t in range(0, LINES * TAPS, HALF):
            c = t // TAPS
            i, j, k = _tap(places, taps, c, t), _tap(places, taps, c, t + 1), _tap(places, taps, c, t + 2)
            li, lj, lk = taps[1, t], taps[1, t + 1], taps[1, t + 2]
            ri, rj, rk = taps[2, t], taps[2, t + 1], taps[2, t + 2]
            for n in range(SPAN):
                x, y, z = memory[i + n], memory[j + n], memory[k + n]
                out[0, at + n] += fma(lk, z, fma(lj, y, li * x))
                out[1, at + n] += fma(rk, z, fma(rj, y, ri * x))
        count[0] = 0 if heard or level >= FLUSH else count[0] + 1
        if count[0] > count[1]:
            count[0] = IDLE  # the lines hold zeros alone


@kernel
def _audible(send, at, end):  # type: ignore[no-untyped-def]
    for n in range(at, end):
        if send[0, n] != F0 or send[1, n] != F0:
            return True
    return False


@kernel
def _tap(places, taps, line, t):  # type: ignore[no-untyped-def]
    return behind(places, line, QUANTUM + np.int64(taps[0, t]))


class Early:
    """The reflections of two sends (see `sends`), after a high- and a low-pass."""

    def __init__(self, sample_rate: int) -> None:
        delays = np.round(np.array(DELAY_MS) * 1e-3 * sample_rate)
        gain, angle = math.sqrt(2.0) * 10.0 ** (_levels_db() / 20.0), (np.array(PAN) + 1.0) * math.pi / 4.0
        taps = np.stack([delays, gain * np.cos(angle), gain * np.sin(angle)]).reshape(3, -1)
        longest = round(float(delays.max()))
        memory, places = lines([longest] * LINES, [2 * QUANTUM] * LINES)
        self._state = (
            memory,
            places,
            taps.astype(np.float32),
            band(HIGHPASS_HZ, LOWPASS_HZ, sample_rate),
            np.zeros(BANK, np.float32),
            np.zeros((LINES, QUANTUM), np.float32),
            np.array([IDLE, longest // QUANTUM + 2], np.int64),
        )

    def render(self, send: NDArray[np.float32], quanta: int, out: NDArray[np.float32]) -> None:
        """Add the reflections of `send` to `out`; both are (2, frames) float32, C order."""
        _reflect(send, quanta, out, *self._state)
