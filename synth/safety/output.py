"""The output guard: the last thing every sample passes, and nothing switches it off.

It multiplies the mix by a gain over time of its own, which is exactly 1 as long as the mix keeps the limits:

1. A sample that is not a number is replaced by silence, from which the gain comes back within a second.
2. Momentary loudness rises by no more than `rise_lu` above what has just been heard, and climbs out of silence no
   faster than in `start_s` (`synth.dsp.rise`).
3. No attack that reaches the programme's loudness less 12 LU is quicker than `attack_ms` (`synth.dsp.attack`).
4. No sample exceeds the ceiling.
5. A panic takes the sound away within `panic_s` as a raised cosine, and it stays away until `resume`.

The gain of a quantum depends on the quanta up to it and on nothing else, so blocks of any size come out alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.attack import Attack, attack_allowed, attack_heard, attack_left, attack_level
from synth.dsp.loudness import OFFSET_LU, k_energy, k_weighting
from synth.dsp.rise import Rise, rise_goal, rise_heard
from synth.instruments.base import QUANTUM, Buffer

MARGIN_LU = 0.9  # by which a rise may be foreseen wrongly
FREE_LU = 15.0 + OFFSET_LU  # under the programme: what is softer may set in at once
GROWTH_DB = 7.2  # of an attack at once; 9.05 would do, were the level within a quantum known
RECOVER_S = 1.0  # gain from 0 to 1
RETURN_S = 0.05  # as much, after an attack
RESUME_S = 1.5
RAMP = 2.0  # a gain falls by this factor at most over a quantum
TOLD = 0.98  # an attack that is softened by less than 0.2 dB is not counted
JUMP = 1.12  # one that must fall further falls at once to within 1 dB of its goal

# State, float64: the gain, OPEN (1 without panic, 0 when silent), what left since asked, and the gain's parts.
GAIN, OPEN, POWER, QUANTA, HOLD, SOFT = range(6)
BROKEN, HELD, CLIPPED, SUDDEN = range(4)  # counts of quanta with an intervention
CEILING, RECOVER, OPENING, FREE, RETURN = range(5)  # settings


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
    attack_ms: float = 25.0

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
            attack_ms=table["attack_ms"],
        )

    def rise(self, sample_rate: int, margin_lu: float, slower: float = 1.0) -> Rise:
        """The rule that keeps loudness `margin_lu` within the limits of its rise, and climbs from silence `slower`."""
        return Rise(
            sample_rate,
            self.rise_lu - margin_lu,
            self.rise_window_s,
            self.floor_lufs,
            self.programme_lufs,
            self.start_s * slower,
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
def _guard(  # type: ignore[no-untyped-def]
    mix,
    gain,
    quanta,
    settings,
    weighting,
    filters,
    state,
    counts,
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
    touched = 0
    for q in range(quanta):
        start = q * QUANTUM
        first_broken = _broken(mix, start)
        power = k_energy(mix, start, QUANTUM, weighting, filters) / QUANTUM

        # Panic and return, a raised cosine.
        was_open = state[OPEN]
        state[OPEN] = min(max(was_open + settings[OPENING], 0.0), 1.0)
        opened = 0.5 - 0.5 * math.cos(math.pi * was_open)
        opening = 0.5 - 0.5 * math.cos(math.pi * state[OPEN]) - opened

        goal = rise_goal(power, rise, recent, rising, places)
        power *= (opened + opening) ** 2
        left = attack_left(attack_allowed(settings[FREE], attack, least, onsets, spans), onset, onsets, spans)
        state[HOLD] = min(goal, state[HOLD] + settings[RECOVER])
        goal = math.sqrt(left / power) if power > left else 1.0
        state[SOFT] = min(goal, state[SOFT] + settings[RETURN])
        end = min(state[HOLD], state[SOFT])
        begin = state[GAIN] if state[GAIN] <= end * RAMP else end * JUMP
        held = end < 1.0
        if first_broken < QUANTUM:
            end = state[HOLD] = 0.0
        state[GAIN] = end

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

        rise_heard(power * end * end, rise, recent, past, rising, places)
        ramped = power * (begin * begin + begin * end + end * end) / 3.0
        state[POWER] += ramped
        state[QUANTA] += 1.0
        attack_heard(attack_level(ramped, onset, onsets, spans), attack, least, onsets, spans)

        counts[BROKEN] += 1 if first_broken < QUANTUM else 0
        counts[HELD] += 1 if state[HOLD] < 1.0 else 0
        counts[CLIPPED] += 1 if clipped else 0
        counts[SUDDEN] += 1 if state[SOFT] < TOLD * state[HOLD] else 0
        touched += 1 if held or clipped or first_broken < QUANTUM else 0
    return touched


class OutputGuard:
    """Guards the mix behind the master. `limits` may also be the table of limits by name."""

    def __init__(self, sample_rate: int, limits: OutputLimits | Mapping[str, float]) -> None:
        self.limits = limits if isinstance(limits, OutputLimits) else OutputLimits.of(limits)
        quantum_s = QUANTUM / sample_rate
        self._panic_step = -1.0 / max(math.floor(self.limits.panic_s / quantum_s), 1)
        self._resume_step = quantum_s / RESUME_S
        settings = np.zeros(5)
        settings[CEILING] = 10.0 ** (self.limits.ceiling_dbtp / 20.0) * (1.0 - 1e-6)
        settings[RECOVER] = quantum_s / RECOVER_S
        settings[RETURN] = quantum_s / RETURN_S
        settings[FREE] = 10.0 ** ((self.limits.programme_lufs - FREE_LU) / 10.0)
        self._settings, self._state, self._counts = (
            settings,
            np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0]),
            np.zeros(4, np.int64),
        )
        self._arrays = (
            k_weighting(sample_rate),
            np.zeros((2, 4)),
            self._state,
            self._counts,
            *self.limits.rise(sample_rate, MARGIN_LU).arrays,
            *Attack(sample_rate, self.limits.attack_ms, GROWTH_DB, line=False).arrays,
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
        return bool(self._state[OPEN] == 0.0)

    def take_mean_square(self) -> float:
        """K-weighted mean square of what left since this was asked last, both channels together; 0 if nothing did."""
        power, quanta = self._state[POWER], self._state[QUANTA]
        self._state[POWER] = self._state[QUANTA] = 0.0
        return float(power / quanta) if quanta else 0.0

    @property
    def interventions(self) -> dict[str, int]:
        """Quanta so far that held what is not a number, rose too fast, set in too suddenly, or went over the ceiling,
        with those in which the gain came back."""
        names = {"not_a_number": BROKEN, "rise": HELD, "attack": SUDDEN, "peak": CLIPPED}
        return {name: int(self._counts[i]) for name, i in names.items()}
