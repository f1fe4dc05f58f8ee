"""A tilt equaliser: one pole and one zero, placed alike on both sides of the pivot.

`H(s) = (low + s) / (1 + s low)` with `low = 10^(-tilt_db / 20)` and `s` in units of the pivot: the gain is -tilt_db at
DC, 0 dB at the pivot whatever the tilt, +tilt_db at the top, and the opposite tilt is the exact inverse. Topology-
preserving one-pole (Zavalishin, The Art of VA Filter Design, 2018, 3.10), so its corner may move at every sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import prewarp
from synth.dsp.clamp import clamp, sane
from synth.dsp.envelope import db_gain
from synth.dsp.intake import F0, RAMP, faint, held, hush, take
from synth.dsp.quantum import QUANTUM

PIVOT_HZ = 800.0
STEEPEST_DB = np.float32(12.0)
F1 = np.float32(1.0)


@kernel
def _render(x, tilt_db, quanta, out, dry, memory, pivot):  # type: ignore[no-untyped-def]
    s, r, sounds = memory[0, 0], memory[0, 1], memory[0, 0] != F0 or memory[0, 1] != F0
    for q in range(quanta):
        at = q * QUANTUM
        if not take(x, at, dry) and not sounds:
            hush(out, at)
            continue
        start = clamp(sane(tilt_db[q]), -STEEPEST_DB, STEEPEST_DB)
        stop = clamp(sane(tilt_db[q + 1]), -STEEPEST_DB, STEEPEST_DB)
        high, low = db_gain(start), db_gain(-start)
        rise, fall = db_gain(stop) - high, db_gain(-stop) - low
        for n in range(QUANTUM):
            top, bottom = high + rise * RAMP[n], low + fall * RAMP[n]
            g = pivot * top
            g /= F1 + g
            v, w = (dry[0, n] - s) * g, (dry[1, n] - r) * g
            left, right = s + v, r + w
            s, r = left + v, right + w
            out[0, at + n] = bottom * left + top * (dry[0, n] - left)
            out[1, at + n] = bottom * right + top * (dry[1, n] - right)
        memory[0, 0], memory[0, 1] = s, r
        sounds = not faint(memory)
        s, r = memory[0, 0], memory[0, 1]


class Tilt:
    """Tilts a stereo signal about `pivot_hz`."""

    def __init__(self, sample_rate: int, tilt_db: float = 0.0, *, pivot_hz: float = PIVOT_HZ) -> None:
        self._tilt_db = held(tilt_db)
        self._dry = np.zeros((2, QUANTUM), np.float32)
        self._memory = np.zeros((1, 2), np.float32)
        self._pivot = np.float32(prewarp(pivot_hz, sample_rate))

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        tilt_db: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` tilted (both (2, frames) float32, C order, and not the same).

        `tilt_db` has a value for each quantum edge, held within +-12 dB: positive is brighter.
        """
        tilt_db = self._tilt_db if tilt_db is None else tilt_db
        _render(x, tilt_db, quanta, out, self._dry, self._memory, self._pivot)

    def reset(self) -> None:
        """Forget what has sounded."""
        self._memory[:] = 0.0
