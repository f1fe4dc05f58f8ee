"""The planned dynamics: phrase swell, breath wave and fades, as lanes beside the committed controls.

The swell gives the music the loudness range that `dynamic_range_lu` promises (EBU Tech 3342: 10th to 95th
percentile of 3 s loudness). Swell and breath keep the programme's mean power, so `loudness_lufs` still holds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB, FADE
from synth.instruments.base import QUANTUM

FADE_IN_S = 3.0
FADE_OUT_S = 5.0
INHALE = 0.4  # share of a breath, 40:60 (Van Diest et al. 2014)
SWELL_PER_LU = 1.0  # peak-to-peak swell in dB for a loudness range of 1 LU
BREATH_RANGE = 0.76  # loudness range of a breath wave of 1 dB, seen through the 3 s window

_RANGE, _RATE, _DEPTH = (COLUMN[n] for n in ("dynamic_range_lu", "breath_rate_bpm", "breath_depth_db"))


class Expression:
    """Writes the lanes EXPRESSION_DB, BREATH and FADE; `length_s` (None: open end) sets the closing fade."""

    def __init__(self, sample_rate: int, length_s: float | None) -> None:
        self._quantum_s = QUANTUM / sample_rate
        self._length_s = math.inf if length_s is None else length_s
        self._breaths = 0.0

    def write(self, quantum: int, quanta: int, swell: NDArray[np.float64], edges: NDArray[np.float32]) -> None:
        """Fill the three lanes for the `quanta + 1` edges from `quantum` on; `swell` is 0..1 at each edge."""
        rows = slice(0, quanta + 1)
        depth_db, range_lu = edges[rows, _DEPTH].astype(np.float64), edges[rows, _RANGE].astype(np.float64)
        if depth_db[0] == depth_db[-1] and range_lu[0] == range_lu[-1]:  # moves are one way, so neither moves
            depth_db, range_lu = depth_db[:1], range_lu[:1]
        wave = self._breath(edges[rows, _RATE].astype(np.float64))
        depth_db = np.minimum(depth_db, range_lu / BREATH_RANGE)
        swell_db = SWELL_PER_LU * np.sqrt(np.maximum(range_lu**2 - (BREATH_RANGE * depth_db) ** 2, 0.0))
        edges[rows, EXPRESSION_DB] = (
            swell_db * swell[rows] - _mean_power_db(swell_db) + 0.5 * depth_db * wave - _mean_power_db(depth_db)
            + 0.5 * depth_db
        )  # fmt: skip
        edges[rows, BREATH] = depth_db / 8.0 * wave
        edges[rows, FADE] = self._fade(np.arange(quantum, quantum + quanta + 1) * self._quantum_s)

    def stop(self, now_s: float) -> float:
        """Begin the closing fade at `now_s`; the time at which it is silent."""
        self._length_s = min(self._length_s, now_s + FADE_OUT_S)
        return self._length_s

    def _breath(self, rate_bpm: NDArray[np.float64]) -> NDArray[np.float64]:
        """The wave at each edge, -1 (out) to 1 (in); the phase is summed quantum by quantum, alike in any block."""
        steps = rate_bpm / 60.0 * self._quantum_s
        steps = np.concatenate(([self._breaths], steps[:-1]))
        phases = np.cumsum(steps)
        self._breaths = float(phases[-1])
        phase = phases % 1.0
        wave: NDArray[np.float64] = np.where(
            phase < INHALE,
            -np.cos(np.pi * phase / INHALE),
            np.cos(np.pi * (phase - INHALE) / (1.0 - INHALE)),
        )
        return wave

    def _fade(self, time_s: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        if FADE_IN_S <= time_s[0] and time_s[-1] <= self._length_s - FADE_OUT_S:
            return np.ones_like(time_s)
        rise = np.clip(time_s / FADE_IN_S, 0.0, 1.0)
        fall = np.clip((self._length_s - time_s) / FADE_OUT_S, 0.0, 1.0)
        fade: NDArray[np.float64] = (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))
        return fade


def _raised_cosine_power_db(swing_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power, in dB over the trough, of a level that moves as a raised cosine of `swing_db` peak to peak."""
    half = swing_db * (math.log(10.0) / 20.0)
    level: NDArray[np.float64] = 10.0 * np.log10(np.exp(half) * np.i0(half))
    return level


_SWINGS_DB = np.linspace(0.0, 16.0, 161)
_POWERS_DB = _raised_cosine_power_db(_SWINGS_DB)


def _mean_power_db(swing_db: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(swing_db, _SWINGS_DB, _POWERS_DB)
