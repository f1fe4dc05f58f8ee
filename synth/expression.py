"""The planned dynamics: phrase swell, breath wave and fades, as lanes beside the committed controls.

The swell gives the music the loudness range that `dynamic_range_lu` promises (EBU Tech 3342: 10th to 95th
percentile of 3 s loudness): as many dB peak to peak, the breath wave counted in. Swell and breath
keep the programme's mean power, so `loudness_lufs` still holds. A musical silence (`rest`) is a fade too, so nothing
that measures loudness tries to make up for it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB, FADE
from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import raised
from synth.transport import BEATS, BPM, END, FIRST, FRAMES, HIGH, INDEX, KEY, LOW, MODE, START_FRAME

FADE_IN_S = 3.0
FADE_OUT_S = 5.0
INHALE = 0.4  # share of a breath, 40:60 (Van Diest et al. 2014)
BREATH_RANGE = 0.76  # loudness range of a breath wave of 1 dB, seen through the 3 s window

_TEMPO, _KEY, _MODE = (COLUMN[n] for n in ("tempo_bpm", "key", "mode"))
_RANGE, _RATE, _DEPTH, _REST = (COLUMN[n] for n in ("dynamic_range_lu", "breath_rate_bpm", "breath_depth_db", "rest"))
_STEPS_PER_DB = 10.0  # of the table of mean powers


def _raised_cosine_power_db(swing_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power, in dB over the trough, of a level that moves as a raised cosine of `swing_db` peak to peak."""
    half = swing_db * (math.log(10.0) / 20.0)
    level: NDArray[np.float64] = 10.0 * np.log10(np.exp(half) * np.i0(half))
    return level


_POWERS_DB = _raised_cosine_power_db(np.arange(0.0, 16.0 + 1.0 / _STEPS_PER_DB, 1.0 / _STEPS_PER_DB)).round(9)


@kernel
def _mean_power_db(swing_db, powers_db):  # type: ignore[no-untyped-def]
    place = min(swing_db * _STEPS_PER_DB, powers_db.size - 1.001)
    k = int(place)
    return powers_db[k] + (place - k) * (powers_db[k + 1] - powers_db[k])


@kernel
def _hear(quantum, spans, count, edges):  # type: ignore[no-untyped-def]
    """Tempo, key and mode of the beats, and how far each edge is into its bar's swell (for now in EXPRESSION_DB)."""
    for k in range(count):
        bpm, key, mode = spans[k, BPM], spans[k, KEY], spans[k, MODE]
        for i in range(int(spans[k, FIRST]), int(spans[k, END])):
            edges[i, _TEMPO], edges[i, _KEY], edges[i, _MODE] = bpm, key, mode
            beats = spans[k, INDEX] + ((quantum + i) * QUANTUM - spans[k, START_FRAME]) / spans[k, FRAMES]
            place = min(max(beats / spans[k, BEATS], 0.0), 1.0)
            edges[i, EXPRESSION_DB] = spans[k, LOW] + (spans[k, HIGH] - spans[k, LOW]) * place


@kernel
def _write(quantum, quanta, quantum_s, length_s, spans, count, edges, breaths, powers_db):  # type: ignore[no-untyped-def]
    _hear(quantum, spans, count, edges)
    for i in range(quanta + 1):
        swell = np.float64(edges[i, EXPRESSION_DB])
        range_lu = np.float64(edges[i, _RANGE])
        depth_db = min(np.float64(edges[i, _DEPTH]), range_lu / BREATH_RANGE)
        taken = BREATH_RANGE * depth_db
        swell_db = math.sqrt(max(range_lu * range_lu - taken * taken, 0.0))
        phase = breaths[0] % 1.0
        rise = phase / INHALE if phase < INHALE else (1.0 - phase) / (1.0 - INHALE)
        wave = 2.0 * raised(rise) - 1.0
        edges[i, EXPRESSION_DB] = (
            swell_db * swell
            - _mean_power_db(swell_db, powers_db)
            + 0.5 * depth_db * (1.0 + wave)
            - _mean_power_db(depth_db, powers_db)
        )
        edges[i, BREATH] = depth_db / 8.0 * wave
        time_s = (quantum + i) * quantum_s
        open_ = raised(1.0 - np.float64(edges[i, _REST]))
        edges[i, FADE] = open_ * raised(time_s / FADE_IN_S) * raised((length_s - time_s) / FADE_OUT_S)
        if i < quanta:
            breaths[0] += np.float64(edges[i, _RATE]) / 60.0 * quantum_s


class Expression:
    """Writes the lanes EXPRESSION_DB, BREATH and FADE; `length_s` (None: open end) sets the closing fade."""

    def __init__(self, sample_rate: int, length_s: float | None) -> None:
        self._quantum_s = QUANTUM / sample_rate
        self._length_s = math.inf if length_s is None else length_s
        self._breaths = np.zeros(1)

    def write(
        self, quantum: int, quanta: int, spans: NDArray[np.float64], count: int, edges: NDArray[np.float32]
    ) -> None:
        """Fill the lanes, and tempo, key and mode as heard, for the `quanta + 1` edges from `quantum` on.

        `spans` are the `count` beats that sound then, as `Transport.walk` writes them."""
        _write(quantum, quanta, self._quantum_s, self._length_s, spans, count, edges, self._breaths, _POWERS_DB)

    def stop(self, now_s: float) -> float:
        """Begin the closing fade at `now_s`; the time at which it is silent."""
        self._length_s = min(self._length_s, now_s + FADE_OUT_S)
        return self._length_s
