"""The loudness gain: holds the programme to its planned loudness and loudness range, gain over time only.

Two stages work on the K-weighted power of the premaster against the plan, in which the swell is already counted. A
slow servo sets the mean of some twenty seconds; a ride takes out what comes and goes with the notes, at the speed of
a hand on a fader. What the ride cannot reach widens the loudness range, so the swell is narrowed by as much, and it
is widened a little when the plan's own swell is too quick to show in 3 s loudness (EBU Tech 3342). A plan that grows
louder or softer over minutes uses up part of the range too. In a musical silence nothing is lifted.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.loudness import OFFSET_LU, SHORT_TERM_S, slide
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2, log2

EXPECTED_LUFS = -24.0  # of a premaster, before anything is heard: stems of -23 LUFS at the levels of a mix
EXPECTED_S = 1.0  # how long that guess weighs
SLOW_S = 20.0
SLOW_DB = (-EXPECTED_LUFS - 18.0, -EXPECTED_LUFS + 12.0)
SLOW_RATE, LANDING_RATE = 0.5, 6.0  # dB/s; the second in the first seconds
LANDING_S = 5.0
NOW_S = 0.4
RIDE_DB = 6.0
RIDE_S = 0.3
RISE, FALL, RELAX = 2.0, 4.0, 1.0  # dB/s of the ride: up, down, and back to rest in a silence
SILENCE_LU = 12.0  # under the mean of the music that is heard: a musical silence
REST_S = 20.0  # what stays that quiet for longer is the music
EXPECTED_SCATTER = 0.4  # dB squared
SPREAD_S = 90.0  # memory of how wide the swell comes out
TREND_S = 110.0  # and of how far the plan itself moves: a steady slope then counts as over 5 minutes
SWELL = (0.4, 1.15)
SWELL_RATE = 0.05  # 1/s
AIM = 0.94  # of the range asked for: rests, fades and the ring-out lie below the plan and add the rest
NORMAL_RANGE = 2.7  # 10th to 95th percentile of 3 s loudness, over its standard deviation

# The state, float64.
SLOW, RIDE, HEARD, PLANNED, NOW_HEARD, NOW_PLANNED, SOUNDED_S, QUIET_S = range(8)
OUT_SUM, PLAN_SUM, SWELL_SUM, SCATTER, SWELL_MEAN, SWELL_SPREAD, SHARE, TREND_MEAN, TREND_SPREAD = range(8, 17)
FIELDS = 17


@kernel
def _db(power):  # type: ignore[no-untyped-def]
    return 3.010299956639812 * np.float64(log2(np.float32(power)))


@kernel
def _power(db):  # type: ignore[no-untyped-def]
    return np.float64(exp2(np.float32(db * 0.33219280948873623)))


@kernel
def _toward(value, target, step):  # type: ignore[no-untyped-def]
    return value + min(max(target - value, -step), step)


@kernel
def _start(plan_lufs, range_lu, state):  # type: ignore[no-untyped-def]
    """Before anything is heard: an ordinary premaster, and a swell that comes out as planned."""
    state[:] = 0.0
    state[SLOW] = -EXPECTED_LUFS
    state[HEARD] = state[NOW_HEARD] = _power(EXPECTED_LUFS)
    state[PLANNED] = state[NOW_PLANNED] = 1.0
    state[SCATTER] = EXPECTED_SCATTER
    state[SWELL_MEAN] = -range_lu * range_lu / 60.0
    state[SWELL_SPREAD] = (range_lu / NORMAL_RANGE) ** 2
    state[TREND_MEAN] = plan_lufs
    state[SHARE] = _share(range_lu, state)


@kernel
def level_db(power, plan_lufs, swell_db, range_lu, quantum_s, state, rings, at):  # type: ignore[no-untyped-def]
    """Gain in dB at the end of a quantum whose premaster has the K-weighted mean square `power`.

    `plan_lufs` is the planned loudness without the swell, `swell_db` the swell, which the premaster carries already,
    `range_lu` the loudness range asked for. `rings` (3, quanta of 3 s) hold output, plan and swell, all relative to
    `plan_lufs`; `at` (2,) is their place, and whether this has begun.
    """
    if at[1] == 0:
        at[1] = 1
        _start(plan_lufs, range_lu, state)
    narrowing_db = (state[SHARE] - 1.0) * swell_db
    heard = power * _power(narrowing_db + OFFSET_LU)
    planned = _power(state[SHARE] * swell_db)

    step = min(1.0, quantum_s / NOW_S)
    state[NOW_HEARD] += step * (heard - state[NOW_HEARD])
    state[NOW_PLANNED] += step * (planned - state[NOW_PLANNED])
    missing_db = _db(state[NOW_PLANNED]) - _db(state[NOW_HEARD])
    present = missing_db < SLOW_DB[1] + SILENCE_LU
    quiet = missing_db - state[SLOW] > SILENCE_LU
    state[QUIET_S] = state[QUIET_S] + quantum_s if present and quiet else 0.0
    sounding = present and (not quiet or state[QUIET_S] > REST_S)
    if sounding:
        state[SOUNDED_S] += quantum_s
        step = quantum_s / min(SLOW_S, EXPECTED_S + state[SOUNDED_S])
        state[HEARD] += step * (heard * _power(state[RIDE]) - state[HEARD])
        state[PLANNED] += step * (planned - state[PLANNED])
        want_db = min(max(_db(state[PLANNED]) - _db(state[HEARD]), SLOW_DB[0]), SLOW_DB[1])
        rate = LANDING_RATE if state[SOUNDED_S] < LANDING_S else SLOW_RATE
        state[SLOW] = _toward(state[SLOW], want_db, rate * quantum_s)
        want_db = min(max(missing_db - state[SLOW], -RIDE_DB), RIDE_DB)
        move = (want_db - state[RIDE]) * quantum_s / RIDE_S
        state[RIDE] += min(max(move, -FALL * quantum_s), RISE * quantum_s)
    else:
        state[RIDE] = _toward(state[RIDE], min(state[RIDE], 0.0), RELAX * quantum_s)

    place = at[0]
    state[OUT_SUM] = slide(rings, 0, place, heard * _power(state[SLOW] + state[RIDE]), state[OUT_SUM])
    state[PLAN_SUM] = slide(rings, 1, place, planned, state[PLAN_SUM])
    state[SWELL_SUM] = slide(rings, 2, place, _power(swell_db), state[SWELL_SUM])
    at[0] = place + 1 if place + 1 < rings.shape[1] else 0
    if sounding and state[SOUNDED_S] > SHORT_TERM_S:
        _spread(rings.shape[1], plan_lufs, range_lu, quantum_s, state)
    return plan_lufs + state[SLOW] + state[RIDE] + narrowing_db


@kernel
def _spread(quanta, plan_lufs, range_lu, quantum_s, state):  # type: ignore[no-untyped-def]
    """Learn how far 3 s loudness strays from the plan and how far the swell moves it; move the share to match."""
    step = quantum_s / SPREAD_S
    miss_db = min(max(_db(state[OUT_SUM]) - _db(state[PLAN_SUM]), -RIDE_DB), RIDE_DB)
    state[SCATTER] += step * (miss_db * miss_db - state[SCATTER])
    swell_db = _db(state[SWELL_SUM] / quanta)
    state[SWELL_MEAN] += step * (swell_db - state[SWELL_MEAN])
    swing_db = swell_db - state[SWELL_MEAN]
    state[SWELL_SPREAD] += step * (swing_db * swing_db - state[SWELL_SPREAD])
    step = quantum_s / TREND_S
    swing_db = plan_lufs - state[TREND_MEAN]
    state[TREND_MEAN] += step * swing_db
    state[TREND_SPREAD] += step * (swing_db * swing_db - state[TREND_SPREAD])
    state[SHARE] = _toward(state[SHARE], _share(range_lu, state), SWELL_RATE * quantum_s)


@kernel
def _share(range_lu, state):  # type: ignore[no-untyped-def]
    """The share of the swell that makes `range_lu` together with what strays by itself."""
    aim_lu = AIM * range_lu
    left = aim_lu * aim_lu - NORMAL_RANGE * NORMAL_RANGE * (state[SCATTER] + state[TREND_SPREAD])
    swell_lu = NORMAL_RANGE * math.sqrt(state[SWELL_SPREAD])
    return min(max(math.sqrt(max(left, 0.0)) / max(swell_lu, 0.5), SWELL[0]), SWELL[1])


class Leveller:
    """State of one leveller; a kernel calls `level_db` with `arrays`."""

    def __init__(self, sample_rate: int) -> None:
        quanta = round(SHORT_TERM_S * sample_rate / QUANTUM)
        self.arrays = (np.zeros(FIELDS), np.zeros((3, quanta)), np.zeros(2, np.int64))

    @property
    def parts_db(self) -> dict[str, float]:
        """Servo over the plan, ride, and the share of the swell that is kept (not dB)."""
        state = self.arrays[0]
        return {"servo": float(state[SLOW]), "ride": float(state[RIDE]), "swell_share": float(state[SHARE])}
