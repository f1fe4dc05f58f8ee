"""The output guard: the last thing every sample passes, and nothing switches it off.

It multiplies the mix by a gain over time of its own, which is exactly 1 as long as the mix keeps the limits:

1. A sample that is not a number is replaced by silence, from which the gain comes back within a second.
2. Momentary loudness (400 ms, BS.1770) rises by no more than `rise_lu` above what has just been heard: the louder of
   the momentary loudness `rise_window_s` ago and the loudest before, which is forgotten at 2 LU a second. When that
   has sunk to `floor_lufs`, there was silence, and sound may climb from there to the programme in `start_s`.
3. No sample exceeds the ceiling.
4. A panic takes the sound away within `panic_s` as a raised cosine, and it stays away until `resume`.

The gain of a quantum depends on the quanta up to it and on nothing else, so blocks of any size come out alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.loudness import MOMENTARY_S, OFFSET_LU, k_energy, k_weighting, slide
from synth.instruments.base import QUANTUM, Buffer

FORGET_LU_S = 2.0
QUICK_S = 0.008  # time constant of the loudness now
AHEAD_S = 0.1  # for which at most the loudness now is taken to last
UNDERSHOOT = 0.35  # what was too loud is made up for, but no lower than this share of the power allowed
MARGIN_LU = 0.9  # by which that can go wrong
RECOVER_S = 1.0  # gain from 0 to 1
RESUME_S = 1.5
RAMP = 2.0  # a gain falls by this factor at most over a quantum
JUMP = 1.12  # one that must fall further falls at once to within 1 dB of its goal

GAIN, OPEN, QUICK, SUM, REFERENCE, CLIMB = range(6)  # state, float64; OPEN is 1 without panic, 0 when silent
AT, AGO, BROKEN, HELD, CLIPPED = range(5)  # places in the rings, and counts of quanta with an intervention
CEILING, RISE, FORGET, FLOOR, TOP, CLIMB_STEP, AHEAD, QUICK_STEP, RECOVER, OPENING = range(10)  # settings


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """What may leave the engine, as the module says; stricter are longer times and smaller numbers otherwise."""

    rise_lu: float = 6.0
    rise_window_s: float = 1.0
    ceiling_dbtp: float = -3.0
    panic_s: float = 0.25
    floor_lufs: float = -63.0
    programme_lufs: float = -23.0
    start_s: float = 3.0

    @classmethod
    def of(cls, table: Mapping[str, float]) -> OutputLimits:
        """The fields as the rows of the table of limits give them."""
        return cls(
            rise_lu=table["momentary_rise_lu"],
            rise_window_s=table["momentary_rise_window_s"],
            ceiling_dbtp=table["true_peak_dbtp"],
            floor_lufs=table["programme_lufs"] + table["silence_floor_lu"],
            programme_lufs=table["programme_lufs"],
            start_s=table["start_fade_s"],
        )


@kernel
def _broken(mix, start):  # type: ignore[no-untyped-def]
    """Silence what is not a number in one quantum; index of the first such frame, QUANTUM if there is none."""
    first = QUANTUM
    for n in range(QUANTUM - 1, -1, -1):
        left, right = mix[0, start + n], mix[1, start + n]
        if not (abs(left) < np.inf and abs(right) < np.inf):
            mix[0, start + n] = mix[1, start + n] = 0.0
            first = n
    return first


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
def _guard(mix, gain, quanta, settings, weighting, filters, recent, past, state, counts):  # type: ignore[no-untyped-def]
    touched = 0
    for q in range(quanta):
        start = q * QUANTUM
        first_broken = _broken(mix, start)
        power = k_energy(mix, start, QUANTUM, weighting, filters) / QUANTUM

        # How loud the mix is now against how loud it may be: down at once, up within a second.
        state[QUICK] += settings[QUICK_STEP] * (power - state[QUICK])
        allowed = state[REFERENCE] * settings[RISE]
        if max(state[REFERENCE], state[QUICK]) <= settings[FLOOR]:
            state[CLIMB] = allowed
        elif allowed > state[CLIMB]:
            state[CLIMB] = 0.0
        if state[QUICK] > state[CLIMB]:
            state[CLIMB] = min(state[CLIMB] * settings[CLIMB_STEP], settings[TOP])
        allowed = max(allowed, state[CLIMB])
        power_left = _power_left(recent, counts[AT], state[SUM], allowed, int(settings[AHEAD]))
        goal = math.sqrt(power_left / state[QUICK]) if state[QUICK] > power_left else 1.0
        end = min(goal, state[GAIN] + settings[RECOVER])
        begin = state[GAIN] if state[GAIN] <= end * RAMP else end * JUMP
        held = end < 1.0
        if first_broken < QUANTUM:
            end = 0.0
        state[GAIN] = end

        # Panic and return, a raised cosine.
        was_open = state[OPEN]
        state[OPEN] = min(max(was_open + settings[OPENING], 0.0), 1.0)
        opened = 0.5 - 0.5 * math.cos(math.pi * was_open)
        opening = 0.5 - 0.5 * math.cos(math.pi * state[OPEN]) - opened

        clipped = False
        for n in range(QUANTUM):
            share = n / QUANTUM if first_broken == QUANTUM else min(n / max(first_broken, 1), 1.0)
            own = (begin + (end - begin) * share) * (opened + opening * n / QUANTUM)
            if n >= first_broken:
                own = 0.0
            peak = max(abs(mix[0, start + n]), abs(mix[1, start + n]))
            if peak * own > settings[CEILING]:
                own = settings[CEILING] / peak
                clipped = True
            if own != 1.0:
                mix[0, start + n] *= np.float32(own)
                mix[1, start + n] *= np.float32(own)
                gain[start + n] *= np.float32(own)

        # What was heard, for the quanta to come.
        heard = power * (end * (opened + opening)) ** 2
        state[SUM] = slide(recent, 0, counts[AT], heard, state[SUM])
        counts[AT] = (counts[AT] + 1) % recent.shape[1]
        momentary = state[SUM] / recent.shape[1]
        window_ago = past[counts[AGO]]
        past[counts[AGO]] = momentary
        counts[AGO] = (counts[AGO] + 1) % past.shape[0]
        state[REFERENCE] = max(state[REFERENCE] * settings[FORGET], window_ago, settings[FLOOR])

        counts[BROKEN] += 1 if first_broken < QUANTUM else 0
        counts[HELD] += 1 if held else 0
        counts[CLIPPED] += 1 if clipped else 0
        touched += 1 if held or clipped or first_broken < QUANTUM else 0
    return touched


class OutputGuard:
    """Guards the mix behind the master. `limits` may also be the table of limits by name."""

    def __init__(self, sample_rate: int, limits: OutputLimits | Mapping[str, float]) -> None:
        self.limits = limits if isinstance(limits, OutputLimits) else OutputLimits.of(limits)
        quantum_s = QUANTUM / sample_rate
        self._panic_step = -1.0 / max(math.floor(self.limits.panic_s / quantum_s), 1)
        self._resume_step = quantum_s / RESUME_S
        settings = np.zeros(10)
        settings[CEILING] = 10.0 ** (self.limits.ceiling_dbtp / 20.0) * (1.0 - 1e-6)
        settings[RISE] = 10.0 ** ((self.limits.rise_lu - MARGIN_LU) / 10.0)
        settings[FORGET] = 10.0 ** (-FORGET_LU_S * quantum_s / 10.0)
        settings[FLOOR] = 10.0 ** ((self.limits.floor_lufs - OFFSET_LU) / 10.0)
        settings[TOP] = 10.0 ** ((self.limits.programme_lufs - OFFSET_LU) / 10.0)
        settings[CLIMB_STEP] = (settings[TOP] / settings[FLOOR]) ** (quantum_s / self.limits.start_s)
        settings[AHEAD] = round(AHEAD_S / quantum_s)
        settings[QUICK_STEP] = 1.0 - math.exp(-quantum_s / QUICK_S)
        settings[RECOVER] = quantum_s / RECOVER_S
        self._settings = settings
        state = np.zeros(6)
        state[GAIN] = state[OPEN] = 1.0
        state[REFERENCE] = settings[FLOOR]
        state[CLIMB] = settings[FLOOR] * settings[RISE]
        self._arrays = (
            k_weighting(sample_rate),
            np.zeros((2, 4)),
            np.zeros((1, round(MOMENTARY_S / quantum_s))),
            np.zeros(round(self.limits.rise_window_s / quantum_s)),
            state,
            np.zeros(5, np.int64),
        )

    def render(self, mix: Buffer, gain: NDArray[np.float32], quanta: int) -> int:
        """Guard the first `quanta` quanta of `mix` (2, frames) in place and multiply `gain` (frames,) by the same;
        the number of quanta that needed it."""
        return int(_guard(mix, gain, quanta, self._settings, *self._arrays))

    def panic(self) -> None:
        """Silence within `panic_s`, from the next quantum on, until `resume`."""
        self._settings[OPENING] = self._panic_step

    def resume(self) -> None:
        """Let sound back in, over a second and a half."""
        self._settings[OPENING] = self._resume_step

    @property
    def silent(self) -> bool:
        """True while a panic holds and its fade has ended."""
        return bool(self._arrays[4][OPEN] == 0.0)

    @property
    def interventions(self) -> dict[str, int]:
        """Quanta so far that held what is not a number, rose too fast, or went over the ceiling."""
        counts = self._arrays[5]
        return {"not_a_number": int(counts[BROKEN]), "rise": int(counts[HELD]), "peak": int(counts[CLIPPED])}
