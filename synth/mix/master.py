"""The master: gain over time only, alike for both channels and so for all stems, which then still sum to the mix.

The gain of a sample is the leveller's loudness gain times the fade, times what keeps loudness from jumping and
attacks from being sudden, times the limiter's gain; the audio waits for the limiter's look-ahead, in which the gain
also gives way to a sudden rise or attack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, EXPRESSION_DB, FADE
from synth.dsp._jit import kernel
from synth.dsp.attack import Attack, attack_allowed, attack_heard, attack_level
from synth.dsp.limiter import Limiter, limiter_gain
from synth.dsp.loudness import OFFSET_LU, k_energy, k_weighting
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
FREE_LU = 16.0 + OFFSET_LU  # under the plan: what is softer may set in at once
ATTACK_GROWTH_DB, SLOWER = 5.5, 1.4  # an attack grows by less at once, and is slower, than the guard has it
BACK_DB_S = 1000.0  # of the gain, back from an attack
START, HOLD, SOFT, HELD = range(4)  # in `previous`: gain at the last quantum's end, what held a rise, an attack, both
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
    attack,
    onset,
    least,
    onsets,
    spans,
):
    kept = np.uint64(gains.shape[0] - QUANTUM)
    back = np.float32(exp2(np.float32(DB_OCTAVES * BACK_DB_S * quantum_s)))
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        power = k_energy(premaster, q * QUANTUM, QUANTUM, weighting, filters) / QUANTUM
        plan_lufs = np.float64(edges[q + 1, columns[LOUDNESS]]) + np.float64(edges[q + 1, columns[DYNAMICS]])
        swell_db = np.float64(edges[q + 1, columns[SWELL]])
        range_lu = np.float64(edges[q + 1, columns[RANGE]])
        softened = power * np.float64(previous[HELD] / previous[HOLD]) ** 2  # what attacks lose is made up for
        level_gain = exp2(
            np.float32(DB_OCTAVES * level_db(softened, plan_lufs, swell_db, range_lu, quantum_s, level, rings, place))
        )
        if previous[START] == UNSET:
            previous[START] = level_gain * edges[q, columns[FADED]]
        end = level_gain * edges[q + 1, columns[FADED]]
        floor = np.float64(exp2(np.float32(2.0 * DB_OCTAVES * (plan_lufs - FREE_LU))))
        loud_power = power * end * end
        sets_in = attack_level(loud_power, onset, onsets, spans)
        allowed = attack_allowed(floor, attack, least, onsets, spans)
        goal = np.float32((allowed / sets_in) ** 0.5) if sets_in > allowed else F1
        previous[SOFT] = min(goal, previous[SOFT] * back)
        goal = np.float32(rise_goal(loud_power, rise, recent, rising, places))
        previous[HOLD] = min(goal, previous[HOLD] + np.float32(quantum_s / RECOVER_S))
        held = min(previous[SOFT], previous[HOLD])
        falls = min(held / previous[HELD], F1)
        previous[HELD] = held
        end *= held
        attack_heard(sets_in * held * held, attack, least, onsets, spans)
        rise_heard(loud_power * held * held, rise, recent, past, rising, places)
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
            np.array([UNSET, F1, F1, F1], np.float32),
            np.zeros((2, QUANTUM), np.float32),
            *limiter.arrays,
            np.ones(QUANTUM, np.float32),
            *limits.rise(sample_rate, RISE_MARGIN_LU, CLIMB).arrays,
            *Attack(sample_rate, SLOWER * limits.attack_ms, ATTACK_GROWTH_DB, line=True).arrays,
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
