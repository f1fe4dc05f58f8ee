"""The master: gain over time only, alike for both channels and so for all stems, which then still sum to the mix.

The gain of a sample is the leveller's loudness gain times the fade, times what keeps loudness from jumping, times the
limiter's gain; the audio waits for the limiter's look-ahead, in which the gain also gives way to a sudden rise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, EXPRESSION_DB, FADE
from synth.dsp._jit import kernel
from synth.dsp.limiter import Limiter, limiter_gain
from synth.dsp.loudness import k_energy, k_weighting
from synth.dsp.rise import rise_goal, rise_heard
from synth.dsp.sine import exp2
from synth.instruments.base import QUANTUM, Buffer, Edges
from synth.mix.leveller import Leveller, level_db
from synth.safety.output import OutputLimits

LOUDNESS, DYNAMICS, RANGE, SWELL, FADED = range(5)  # places in `columns`
DB_OCTAVES = 0.16609640474436813  # octaves of amplitude in a decibel
RISE_MARGIN_LU = 1.5  # stays this far within the limit, so that the output guard behind has nothing to do
CLIMB = 1.3  # as much slower it climbs out of silence
RECOVER_S = 1.0  # back from a hold, gain from 0 to 1
START, HOLD = range(2)  # in `previous`: gain at the end of the last quantum, and the part of it that holds a rise
UNSET = np.float32(-1.0)
F1 = np.float32(1.0)

SPAN = np.uint64(QUANTUM)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)


@kernel
def _render(  # type: ignore[no-untyped-def]
    premaster,
    edges,
    quanta,
    delayed,
    gain,
    mix,
    columns,
    quantum_s,
    weighting,
    filters,
    level,
    rings,
    place,
    waiting,
    gains,
    previous,
    loud,
    history,
    phases,
    want,
    released,
    work,
    state,
    counts,
    limited,
    rise,
    recent,
    past,
    rising,
    places,
):
    kept = np.uint64(gains.shape[0] - QUANTUM)
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        power = k_energy(premaster, q * QUANTUM, QUANTUM, weighting, filters) / QUANTUM
        plan_lufs = np.float64(edges[q + 1, columns[LOUDNESS]]) + np.float64(edges[q + 1, columns[DYNAMICS]])
        swell_db = np.float64(edges[q + 1, columns[SWELL]])
        range_lu = np.float64(edges[q + 1, columns[RANGE]])
        level_gain = exp2(
            np.float32(DB_OCTAVES * level_db(power, plan_lufs, swell_db, range_lu, quantum_s, level, rings, place))
        )
        if previous[START] == UNSET:
            previous[START] = level_gain * edges[q, columns[FADED]]
        end = level_gain * edges[q + 1, columns[FADED]]
        goal = np.float32(rise_goal(power * end * end, rise, recent, rising, places))
        hold = min(goal, previous[HOLD] + np.float32(quantum_s / RECOVER_S))
        falls = min(hold / previous[HOLD], F1)
        previous[HOLD] = hold
        end *= hold
        rise_heard(power * end * end, rise, recent, past, rising, places)
        start = previous[START] * falls
        slope = end - start
        previous[START] = end

        for n in range(kept):
            gains[n] = gains[n + SPAN]
        if falls < F1:
            for n in range(kept):
                gains[n] *= F1 + (falls - F1) * np.float32(n) / np.float32(kept)
        for n in range(SPAN):
            gains[kept + n] = start + slope * RAMP[n]
        for c in range(2):
            for n in range(kept):
                waiting[c, n] = waiting[c, n + SPAN]
            for n in range(SPAN):
                waiting[c, kept + n] = premaster[c, at + n]
            for n in range(SPAN):
                loud[c, n] = premaster[c, at + n] * gains[kept + n]
        limiter_gain(loud, history, phases, want, released, work, state, counts, limited)
        for n in range(SPAN):
            gain[at + n] = gains[n] * limited[n]
        for c in range(2):
            for n in range(SPAN):
                delayed[c, at + n] = waiting[c, n]
            for n in range(SPAN):
                mix[c, at + n] = waiting[c, n] * gain[at + n]


class Master:
    """Holds the programme at its planned loudness, range and true peak; `latency_frames` (5.3 ms) behind its input.

    Plan: `loudness_lufs + dynamics_db + EXPRESSION_DB`, the last of which the premaster carries already.
    """

    def __init__(self, sample_rate: int, limits: OutputLimits | None = None) -> None:
        limits = limits or OutputLimits()
        limiter = Limiter(sample_rate, limits.ceiling_dbtp)
        latency = self.latency_frames = limiter.latency_frames
        columns = [*(COLUMN[c] for c in ("loudness_lufs", "dynamics_db", "dynamic_range_lu")), EXPRESSION_DB, FADE]
        self._level = Leveller(sample_rate)
        self._state = (
            np.array(columns, np.int64),
            QUANTUM / sample_rate,
            k_weighting(sample_rate),
            np.zeros((2, 4)),
            *self._level.arrays,
            np.zeros((2, latency + QUANTUM), np.float32),
            np.zeros(latency + QUANTUM, np.float32),
            np.array([UNSET, F1], np.float32),
            np.zeros((2, QUANTUM), np.float32),
            *limiter.arrays,
            np.ones(QUANTUM, np.float32),
            *limits.rise(sample_rate, RISE_MARGIN_LU, CLIMB).arrays,
        )

    def render(
        self, premaster: Buffer, edges: Edges, quanta: int, delayed: Buffer, gain: NDArray[np.float32], mix: Buffer
    ) -> None:
        """Overwrite the first `quanta` quanta: `delayed` the premaster held back, `gain` what multiplies each sample of
        it, `mix` the product. Any NaN in `premaster` passes through and leaves the gain alone."""
        _render(premaster, edges, quanta, delayed, gain, mix, *self._state)

    @property
    def levels_db(self) -> dict[str, float]:
        """The leveller's parts now, for the record."""
        return self._level.parts_db
