"""How far loudness may rise: the gain that keeps momentary loudness from jumping.

Momentary loudness (400 ms, BS.1770) rises by no more than `rise_lu` above what has just been heard: the louder of the
momentary loudness `window_s` ago and the loudest before, which is forgotten at 2 LU a second. When that has sunk to
`floor_lufs`, there was silence, and sound may climb from there to `programme_lufs` in `start_s`.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.loudness import MOMENTARY_S, OFFSET_LU, slide
from synth.dsp.quantum import QUANTUM

FORGET_LU_S = 2.0
QUICK_S = 0.008  # time constant of the loudness now
AHEAD_S = 0.1  # for which at most the loudness now is taken to last
UNDERSHOOT = 0.35  # what was too loud is made up for, but no lower than this share of the power allowed

QUICK, SUM, REFERENCE, CLIMB = range(4)  # state, float64
AT, AGO = range(2)  # places in the rings
RISE, FORGET, FLOOR, TOP, CLIMB_STEP, AHEAD, QUICK_STEP = range(7)  # settings


@kernel
def _power_left(recent, at, total, allowed, ahead):  # type: ignore[no-untyped-def]
    """The power that may last for any time up to `ahead` quanta without the window's mean rising above `allowed`.

    The window is the ring `recent` of sum `total`, `at` its oldest quantum.
    """
    window = recent.shape[1]
    left, least = allowed * window - total, np.inf
    for h in range(1, ahead + 1):
        left += recent[0, at]  # has gone out of the window by then
        at = at + 1 if at + 1 < window else 0
        least = min(least, left / h)
    return max(least, UNDERSHOOT * allowed)


@kernel
def rise_goal(power, settings, recent, state, places):  # type: ignore[no-untyped-def]
    """The gain, at most 1, for a quantum of K-weighted mean square `power`: down at once, up within a second."""
    state[QUICK] += settings[QUICK_STEP] * (power - state[QUICK])
    allowed = state[REFERENCE] * settings[RISE]
    if max(state[REFERENCE], state[QUICK]) <= settings[FLOOR]:
        state[CLIMB] = allowed
    elif allowed > state[CLIMB]:
        state[CLIMB] = 0.0
    if state[QUICK] > state[CLIMB]:
        state[CLIMB] = min(state[CLIMB] * settings[CLIMB_STEP], settings[TOP])
    allowed = max(allowed, state[CLIMB])
    power_left = _power_left(recent, places[AT], state[SUM], allowed, int(settings[AHEAD]))
    return math.sqrt(power_left / state[QUICK]) if state[QUICK] > power_left else 1.0


@kernel
def rise_heard(heard, settings, recent, past, state, places):  # type: ignore[no-untyped-def]
    """Take in the power that was heard of the quantum."""
    state[SUM] = slide(recent, 0, places[AT], heard, state[SUM])
    places[AT] = (places[AT] + 1) % recent.shape[1]
    momentary = state[SUM] / recent.shape[1]
    window_ago = past[places[AGO]]
    past[places[AGO]] = momentary
    places[AGO] = (places[AGO] + 1) % past.shape[0]
    state[REFERENCE] = max(state[REFERENCE] * settings[FORGET], window_ago, settings[FLOOR])


class Rise:
    """Settings and state of one rule; a kernel hands `arrays` on: settings, recent, past, state, places."""

    def __init__(
        self,
        sample_rate: int,
        rise_lu: float,
        window_s: float,
        floor_lufs: float,
        programme_lufs: float,
        start_s: float,
    ) -> None:
        quantum_s = QUANTUM / sample_rate
        settings = np.zeros(7)
        settings[RISE] = 10.0 ** (rise_lu / 10.0)
        settings[FORGET] = 10.0 ** (-FORGET_LU_S * quantum_s / 10.0)
        settings[FLOOR] = 10.0 ** ((floor_lufs - OFFSET_LU) / 10.0)
        settings[TOP] = 10.0 ** ((programme_lufs - OFFSET_LU) / 10.0)
        settings[CLIMB_STEP] = (settings[TOP] / settings[FLOOR]) ** (quantum_s / start_s)
        settings[AHEAD] = round(AHEAD_S / quantum_s)
        settings[QUICK_STEP] = 1.0 - math.exp(-quantum_s / QUICK_S)
        state = np.zeros(4)
        state[REFERENCE] = settings[FLOOR]
        state[CLIMB] = settings[FLOOR] * settings[RISE]
        recent = np.zeros((1, round(MOMENTARY_S / quantum_s)))
        past = np.zeros(round(window_s / quantum_s))
        self.arrays = (settings, recent, past, state, np.zeros(2, np.int64))
