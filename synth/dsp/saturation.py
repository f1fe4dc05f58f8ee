"""Soft saturation at twice the sample rate, between two half-band filters.

Each filter is a pair of allpass chains, half of it at the lower rate: an elliptic half-band filter (Valenzuela &
Constantinides, "Digital signal processing schemes for efficient interpolation and decimation", IEE Proc. G 130(6),
1983). What the shape leaves alone passes both as an allpass, with a gain of exactly 0 dB.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import clamp
from synth.dsp.envelope import db_gain
from synth.dsp.intake import RAMP, faint, held, hush, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2

STAGES = 4  # allpasses in a chain
TRANSITION = 0.02  # of the doubled rate, each side of the corner
HARDEST_DB = np.float32(36.0)

F0, F1, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
EXPONENT = np.float32(-2.0 / math.log(2.0))
SMALL2 = np.float32(0.01)  # below this square the series is the more exact
T3, T5, T7 = np.float32(1.0 / 3.0), np.float32(2.0 / 15.0), np.float32(17.0 / 315.0)


def half_band(count: int, transition: float) -> NDArray[np.float64]:
    """(count,) allpass coefficients, those of the two chains in turn, of the half-band filter that stops from
    `0.25 + transition` cycles per sample on."""
    k = math.tan((1.0 - 2.0 * transition) * math.pi / 4.0) ** 2
    root = (1.0 - k * k) ** 0.25
    e = 0.5 * (1.0 - root) / (1.0 + root)
    nome = e * (1.0 + e**4 * (2.0 + e**4 * (15.0 + 150.0 * e**4)))
    angle = np.arange(1, count + 1) * math.pi / (2 * count + 1)
    series = np.arange(8)[:, None]
    signs = (-1.0) ** series
    above = np.sum(signs * nome ** (series * (series + 1)) * np.sin((2 * series + 1) * angle), axis=0) * nome**0.25
    below = np.sum(signs * nome ** (series**2.0) * np.cos(2 * series * angle), axis=0) - 0.5
    w2 = (above / below) ** 2
    x = np.sqrt((1.0 - w2 * k) * (1.0 - w2 / k)) / (1.0 + w2)
    return np.asarray((1.0 - x) / (1.0 + x))


@kernel
def soften(x: np.float32) -> np.float32:
    """`tanh(x)`: slope 1 at 0, and never past +-1; the same bits on every machine, relative error below 2e-6."""
    x2 = x * x
    if x2 < SMALL2:
        return x * (F1 - x2 * (T3 - x2 * (T5 - x2 * T7)))
    left = exp2(EXPONENT * abs(x))
    y = (F1 - left) / (F1 + left)
    return y if x > F0 else -y


@kernel
def _chains(rows, first, second, memory, base):  # type: ignore[no-untyped-def]
    """Rows 0 and 2 of `rows` (4, 64) through the allpasses `first`, rows 1 and 3 through `second`, four abreast."""
    for i in range(STAGES):
        a, b, m = first[i], second[i], base + 2 * i
        x0, x1, x2, x3 = memory[m, 0], memory[m, 1], memory[m, 2], memory[m, 3]
        y0, y1, y2, y3 = memory[m + 1, 0], memory[m + 1, 1], memory[m + 1, 2], memory[m + 1, 3]
        for n in range(QUANTUM):
            v0, v1, v2, v3 = rows[0, n], rows[1, n], rows[2, n], rows[3, n]
            y0, y1, y2, y3 = a * (v0 - y0) + x0, b * (v1 - y1) + x1, a * (v2 - y2) + x2, b * (v3 - y3) + x3
            x0, x1, x2, x3 = v0, v1, v2, v3
            rows[0, n], rows[1, n], rows[2, n], rows[3, n] = y0, y1, y2, y3
        memory[m, 0], memory[m, 1], memory[m, 2], memory[m, 3] = x0, x1, x2, x3
        memory[m + 1, 0], memory[m + 1, 1], memory[m + 1, 2], memory[m + 1, 3] = y0, y1, y2, y3


@kernel
def _render(x, drive_db, quanta, out, rows, memory, chains, sounds):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = q * QUANTUM
        if not take(x, at, rows) and sounds[0] == 0:
            hush(out, at)
            continue
        start = db_gain(clamp(drive_db[q], F0, HARDEST_DB))
        rise = db_gain(clamp(drive_db[q + 1], F0, HARDEST_DB)) - start
        for n in range(QUANTUM):
            left, right = rows[0, n], rows[1, n]
            rows[0, n], rows[1, n], rows[2, n], rows[3, n] = left, left, right, right
        _chains(rows, chains[0], chains[1], memory, 0)
        for n in range(QUANTUM):
            drive = start + rise * RAMP[n]
            rest = F1 / drive
            for r in range(4):
                rows[r, n] = rest * soften(drive * rows[r, n])
        _chains(rows, chains[1], chains[0], memory, 2 * STAGES)  # the later of the two samples has had the longer way
        for n in range(QUANTUM):
            out[0, at + n] = HALF * (rows[0, n] + rows[1, n])
            out[1, at + n] = HALF * (rows[2, n] + rows[3, n])
        sounds[0] = 0 if faint(memory) else 1


class Saturation:
    """Rounds off a stereo signal: faint ones pass as they are, the ceiling is at -drive_db dBFS, but for
    the filters' own ringing.

    At any sample rate it is late by `latency_frames` at low frequencies and by more at high ones, so it is not to be
    mixed with what went in.
    """

    def __init__(self, drive_db: float = 6.0) -> None:
        coefficients = half_band(2 * STAGES, TRANSITION)
        self.latency_frames = float(np.sum((1.0 - coefficients) / (1.0 + coefficients)))
        self._drive_db = held(drive_db)
        self._chains = np.ascontiguousarray(coefficients.reshape(STAGES, 2).T, np.float32)
        self._rows = np.zeros((4, QUANTUM), np.float32)
        self._memory = np.zeros((4 * STAGES, 4), np.float32)
        self._sounds = np.zeros(1, np.int64)

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        drive_db: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` rounded (both (2, frames) float32, C order, and not the same).

        `drive_db`, for each quantum edge, 0 to 36 dB: how far below full scale the ceiling is.
        """
        drive_db = self._drive_db if drive_db is None else drive_db
        _render(x, drive_db, quanta, out, self._rows, self._memory, self._chains, self._sounds)

    def reset(self) -> None:
        """Forget what has sounded."""
        self._memory[:] = 0.0
        self._sounds[:] = 0
