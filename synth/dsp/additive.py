"""Additive synthesis: thousands of sines, each with frequency, amplitude and pan of its own, of which only those that
can be heard are computed.

A partial is a complex number, its phase at the quantum's edge, and the samples after it are that number turned by
tabulated powers of `e^(j w)`: two products and a sum each, vectorised over time. The phase is an integer of 32 bits
(2**32 is a cycle) from which the number is taken afresh at each edge, so neither amplitude nor pitch ever drifts. A
partial that glides has no table: its phase is a parabola over the quantum, put through a sine.

What is left out (as Lagrange & Marchand, "Real-time additive synthesis of sound by taking advantage of
psychoacoustics", DAFx 2001, with wider margins) lies above HIGHEST, below LOWEST_HZ, or in a quarter of a Bark
(Traunmüller, JASA 88, 1990) in which all that is left out, added in power, is
- under the floor, or
- `masked_db` under a partial in it, and SLOPE_DB a Bark more for each Bark that the masker is away: steeper than any
  slope of Terhardt (Hearing Research 1, 1979), who has 27 downwards and no more than that upwards but for the lowest.
A tone 40 dB under another modulates its amplitude by 1 %, no more than is just heard at the loudest levels (Zwicker &
Fastl, Psychoacoustics, 2007, chapter 7).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import cosine, sine

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

HIGHEST = 0.45  # of the sample rate
LOWEST_HZ = np.float32(16.0)
FLOOR_DB = -110.0
MASKED_DB = 40.0
SLOPE_DB = 30.0
PER_BARK = 4
FADE_QUANTA = 8  # in which a partial that was left out returns, and one that sounds leaves

BARK, BARK_HALF_HZ = np.float32(26.81), np.float32(1960.0)  # z = 26.81 f / (1960 + f), less a constant
BANDS = int(PER_BARK * BARK) + 1
STEEP = np.float32(10.0 ** (-SLOPE_DB / PER_BARK / 10.0))

# Rows of `state`, one column a partial: values at the edge reached; amplitude at the one before; how much of it is
# heard, 0 to 1; gains to either side; the pan they are for, and its two gains; power.
HZ, AMPLITUDE, BEFORE, WEIGHT, LEFT, RIGHT, PAN, PAN_LEFT, PAN_RIGHT, POWER, STATES = range(11)
# Rows of `turns`: phase, what a frame adds to it at this edge and the next, for what step the table is; band, audible.
PHASE, STEP, NEXT, TABLE, BAND, AUDIBLE, TURNS = range(7)
LOUDEST, CROWD, THRESHOLD = range(3)  # rows of `bands`, in power: that of the loudest, how many, from where on
TOP_HZ, FLOOR, MASKED = range(3)  # of `limits`
FRESH, SOUNDING, RESTED = range(3)  # of `counts`: 1 before the first edge; partials computed; frames of rest

ZERO, ONE, EIGHTH = np.float32(0.0), np.float32(1.0), np.float32(0.125)
WILD = np.float32(1e6)
FADE = np.float32(1.0 / FADE_QUANTA)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
CYCLE, MASK = 2.0**32, np.int64(2**32 - 1)
PHASE_SHIFT, TO_CYCLES = np.int64(8), np.float32(2.0**-24)
BEND = np.int64(QUANTUM * (QUANTUM - 1) // 2)  # of the phase in a quantum, for a step that grows by 1 a frame


@kernel
def cycles(phase: np.int64) -> np.float32:
    """A phase of 32 bits in cycles, [0, 1)."""
    return np.float32(np.int32((phase & MASK) >> PHASE_SHIFT)) * TO_CYCLES


@kernel
def _take(hz: Floats, amplitude: Floats, edge: int, top_hz: np.float32, state: Floats) -> bool:
    """Take in an edge's frequencies and amplitudes; True if any of them is new. What is no number is 0."""
    moved = False
    for v in range(hz.shape[1]):
        f, a = hz[edge, v], amplitude[edge, v]
        f = min(f, top_hz) if f > ZERO else ZERO
        a = a if abs(a) < WILD else ZERO
        moved = moved | (f != state[HZ, v]) | (a != state[AMPLITUDE, v])
        state[HZ, v], state[AMPLITUDE, v] = f, a
    return moved


@kernel
def _judge(partials: int, limits: Floats, per_hz: float, state: Floats, turns: Integers, bands: Floats) -> None:
    """Say of each partial whether it can be heard at the edge taken in, and the step of its phase there."""
    for b in range(BANDS):
        bands[LOUDEST, b] = ZERO
        bands[CROWD, b] = ZERO
    for v in range(partials):
        f, a = state[HZ, v], state[AMPLITUDE, v]
        power = a * a if f >= LOWEST_HZ and f < limits[TOP_HZ] else ZERO
        b = int(PER_BARK * (BARK * f / (BARK_HALF_HZ + f)))
        state[POWER, v] = power
        turns[BAND, v] = b
        turns[NEXT, v] = np.int64(np.float64(f) * per_hz + 0.5)
        if power > ZERO:
            bands[LOUDEST, b] = max(bands[LOUDEST, b], power)
            bands[CROWD, b] += ONE
    below = ZERO
    for b in range(BANDS):
        below = max(below, bands[LOUDEST, b]) * STEEP  # by one band more than it is away: as far as it can be
        bands[THRESHOLD, b] = below
    above = ZERO
    for b in range(BANDS - 1, -1, -1):
        above = max(above, bands[LOUDEST, b]) * STEEP
        bands[THRESHOLD, b] = max(limits[MASKED] * max(bands[THRESHOLD, b], above), limits[FLOOR])
    for v in range(partials):
        b = turns[BAND, v]
        heard = state[POWER, v] > ZERO and state[POWER, v] * bands[CROWD, b] >= bands[THRESHOLD, b]
        turns[AUDIBLE, v] = 1 if heard else 0


@kernel
def _weigh(v: int, place: np.float32, state: Floats, turns: Integers) -> None:
    """Set the gains of a partial at the edge taken in. What was left out of it fades in; what it has grown by since is
    there at once, as it would be had nothing been left out."""
    amplitude, weight = state[AMPLITUDE, v], state[WEIGHT, v]
    if turns[AUDIBLE, v] != 0:
        left_out = (ONE - weight) * abs(state[BEFORE, v] / amplitude)
        weight = min(max(weight + FADE, ONE - left_out), ONE)
    else:
        weight = max(weight - FADE, ZERO) if amplitude != ZERO else ZERO
    state[WEIGHT, v] = weight
    place = max(-ONE, min(place, ONE)) if abs(place) < WILD else ZERO
    if place != state[PAN, v]:
        state[PAN, v] = place
        turn = EIGHTH * (ONE + place)
        state[PAN_LEFT, v], state[PAN_RIGHT, v] = cosine(turn), sine(turn)
    state[LEFT, v] = amplitude * weight * state[PAN_LEFT, v]
    state[RIGHT, v] = amplitude * weight * state[PAN_RIGHT, v]


@kernel
def _tabulate(v: int, step: np.int64, powers: Floats) -> None:
    for n in range(QUANTUM):
        at = cycles(n * step)
        powers[v, 0, n] = cosine(at)
        powers[v, 1, n] = sine(at)


@kernel
def _steady(v: int, phase: np.int64, powers: Floats, rows: Floats) -> None:
    at = cycles(phase)
    re, im = cosine(at), sine(at)
    for n in range(QUANTUM):
        rows[2, n] = im * powers[v, 0, n] + re * powers[v, 1, n]


@kernel
def _gliding(phase: np.int64, step: np.int64, rise: np.int64, rows: Floats) -> None:
    for n in range(QUANTUM):
        rows[2, n] = sine(cycles(phase + n * step + ((n * (n - 1)) >> 1) * rise))


@kernel
def render_partials(
    hz: Floats,
    amplitude: Floats,
    pan: Floats,
    quanta: int,
    per_hz: float,
    limits: Floats,
    state: Floats,
    turns: Integers,
    bands: Floats,
    powers: Floats,
    rows: Floats,
    counts: Integers,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `out` (2, frames) from values at the edges, (edges, partials); `per_hz` is the step of a
    hertz, `powers` (partials, 2, QUANTUM) the tables, `rows` (3, QUANTUM) scratch."""
    partials = hz.shape[1]
    for edge in range(1 - counts[FRESH], quanta + 1):
        moved = _take(hz, amplitude, edge, limits[TOP_HZ], state)
        if moved:
            _judge(partials, limits, per_hz, state, turns, bands)
        if edge == 0:
            counts[FRESH], counts[SOUNDING] = 0, partials  # not at rest
            for v in range(partials):
                turns[STEP, v] = turns[NEXT, v]
                state[BEFORE, v] = state[AMPLITUDE, v]
            continue
        for c in range(2):
            for n in range(QUANTUM):
                rows[c, n] = ZERO
        at = (edge - 1) * QUANTUM
        if not moved and counts[SOUNDING] == 0:
            counts[RESTED] += QUANTUM
        else:
            rested, sounding = counts[RESTED], 0
            counts[RESTED] = 0
            for v in range(partials):
                step, ahead = turns[STEP, v], turns[NEXT, v]
                phase, rise = turns[PHASE, v] + rested * step, (ahead - step) // QUANTUM
                turns[PHASE, v] = (phase + QUANTUM * step + BEND * rise) & MASK
                turns[STEP, v] = ahead
                if turns[AUDIBLE, v] != 0 or state[WEIGHT, v] > ZERO:
                    sounding += 1
                    left, right = state[LEFT, v], state[RIGHT, v]
                    _weigh(v, pan[edge, v], state, turns)
                    left_rise, right_rise = state[LEFT, v] - left, state[RIGHT, v] - right
                    if step != ahead:
                        _gliding(phase, step, rise, rows)
                    else:
                        if turns[TABLE, v] != step:
                            turns[TABLE, v] = step
                            _tabulate(v, step, powers)
                        _steady(v, phase, powers, rows)
                    for n in range(QUANTUM):
                        rows[0, n] += (left + left_rise * RAMP[n]) * rows[2, n]
                        rows[1, n] += (right + right_rise * RAMP[n]) * rows[2, n]
                state[BEFORE, v] = state[AMPLITUDE, v]
            counts[SOUNDING] = sounding
        for c in range(2):
            for n in range(QUANTUM):
                out[c, at + n] = rows[c, n]


class AdditiveBank:
    """`partials` sines at `sample_rate` Hz, which begin at `phase` in cycles, one or (partials,).

    What is left out adds up to no more than `floor_db` dBFS in a quarter of a Bark, or to `masked_db` under what masks
    it there; `math.inf` for the one and `-math.inf` for the other leave out nothing for these reasons.
    """

    def __init__(
        self,
        sample_rate: int,
        partials: int,
        phase: ArrayLike = 0.0,
        *,
        floor_db: float = FLOOR_DB,
        masked_db: float = MASKED_DB,
    ) -> None:
        lanes = -(-partials // 16) * 16
        self._start = np.floor(np.broadcast_to(np.asarray(phase, np.float64) % 1.0, partials) * CYCLE).astype(np.int64)
        self._per_hz = CYCLE / sample_rate
        self._limits = np.array(
            [HIGHEST * sample_rate, 10.0 ** (floor_db / 10.0), 10.0 ** (-masked_db / 10.0)], np.float32
        )
        self._state = np.zeros((STATES, lanes), np.float32)
        self._turns = np.zeros((TURNS, lanes), np.int64)
        self._bands = np.zeros((THRESHOLD + 1, BANDS), np.float32)
        self._powers = aligned((lanes, 2, QUANTUM))
        self._rows = aligned((3, QUANTUM))
        self._counts = np.zeros(RESTED + 1, np.int64)
        self.reset()

    @property
    def sounding(self) -> int:
        """Partials that were computed in the last quantum."""
        return int(self._counts[SOUNDING])

    def reset(self) -> None:
        """Start all phases again, from silence."""
        self._state[:], self._turns[:], self._counts[:] = 0.0, 0, 0
        self._state[PAN] = np.inf
        self._turns[TABLE] = -1
        self._turns[PHASE, : self._start.size] = self._start
        self._counts[FRESH] = 1

    def render(self, hz: Floats, amplitude: Floats, pan: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (2, frames) float32.

        `hz`, `amplitude` (either sign) and `pan` (-1 left to 1, equal power) are (at least quanta + 1, partials)
        float32, values at the quanta's edges, the first those that the last block ended with: linear between. A
        partial that sounds from the first edge on is faded in over FADE_QUANTA.
        """
        render_partials(
            hz, amplitude, pan, quanta, self._per_hz, self._limits, self._state,
            self._turns, self._bands, self._powers, self._rows, self._counts, out,
        )  # fmt: skip
