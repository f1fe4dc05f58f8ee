"""Unison: how several oscillators of one note lie apart in pitch, level and place, and how they drift.

Offsets, detuning curve and mixing curves are those Szabo measured on a synthesizer of seven saws (How to Emulate the
Super Saw, KTH 2010). What beats is hertz, so above C4 the spread in cents narrows as the pitch rises.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, noise_states, walk, xorshift32
from synth.dsp.quantum import QUANTUM
from synth.rng import stream

Floats = NDArray[np.float32]
Reals = NDArray[np.float64]

OFFSETS = np.array([-0.11002313, -0.06288439, -0.01952356, 0.0, 0.01991221, 0.06216538, 0.10745242])
CURVE = (
    10028.7312891634, -50818.8652045924, 111363.4808729368, -138150.6761080548, 106649.6679158292, -53046.9642751875,
    17019.9518580080, -3425.0836591318, 404.2703938388, -24.1878824391, 0.6717417634, 0.0030115596,
)  # fmt: skip
CENTRE = 3  # of OFFSETS
MIDDLE_C_HZ = 261.626
HOLD = 0.7  # exponent by which cents fall above C4: 1 would hold the hertz, 0 the cents
MONO_HZ, WIDE_HZ = 120.0, 240.0  # under the first a note stands in the middle, over the second it is as wide as asked


def spread(detune: float) -> float:
    """What OFFSETS are multiplied by when the knob is at `detune`, 0 to 1: 0.003 to 1, slowly at first."""
    return float(np.polyval(CURVE, min(max(detune, 0.0), 1.0)))


def voices_of(count: int) -> list[int]:
    """Which of OFFSETS `count` voices take: the centre for 1, the widest pair as well for 3, and so on inwards.

    ValueError unless `count` is 1 to 7; an even count goes without the centre."""
    if not 1 <= count <= OFFSETS.size:
        raise ValueError(f"count = {count}: give 1 to {OFFSETS.size} voices")
    pairs = count // 2
    return [*range(pairs), *([CENTRE] if count % 2 else []), *range(OFFSETS.size - pairs, OFFSETS.size)]


def ratios(detune: float, hz: float, count: int = 7) -> Reals:
    """Frequency of each of `count` voices over that of the note, (count,), low to high, for a note of `hz`."""
    narrower = min(1.0, (MIDDLE_C_HZ / hz) ** HOLD)
    cents: Reals = 1200.0 * np.log2(1.0 + OFFSETS[voices_of(count)] * spread(detune))
    return np.exp2(narrower * cents / 1200.0)


def gains(mix: float, count: int = 7) -> Reals:
    """Level of each of `count` voices, (count,): the centre alone at `mix` 0, sides over it at 1; power 1 in all."""
    mix = min(max(mix, 0.0), 1.0)
    side = -0.73764 * mix**2 + 1.2841 * mix + 0.044372
    centre = -0.55366 * mix + 0.99785
    level = np.where(np.array(voices_of(count)) == CENTRE, centre, side)
    power: Reals = level / math.sqrt(np.sum(level**2))
    return power


def pans(width: float, hz: float, count: int = 7) -> Reals:
    """Place of each of `count` voices, (count,), -1 to 1: neighbours in pitch on opposite sides, the outer ones `width`
    (0 to 1) out, the centre in the middle, and all of them there for a note under MONO_HZ."""
    apart = min(max(math.log2(max(hz, 1e-3) / MONO_HZ) / math.log2(WIDE_HZ / MONO_HZ), 0.0), 1.0)
    rank = np.array(voices_of(count)) - CENTRE
    side = np.where(rank % 2 == 0, -1.0, 1.0) * np.sign(rank)
    place: Reals = min(max(width, 0.0), 1.0) * apart * side * np.abs(rank) / CENTRE
    return place


def panned(place: Reals) -> tuple[Reals, Reals]:
    """Left and right gain at `place`, -1 to 1, of equal power."""
    turn = (np.clip(place, -1.0, 1.0) + 1.0) * math.pi / 4.0
    return np.cos(turn), np.sin(turn)


@kernel
def drift(walks: Floats, states: NDArray[np.uint32], elapsed: Floats) -> None:
    """Take a step of each walk (rows, voices) of standard deviation 1; `elapsed` (rows,) is a quantum over a row's
    correlation time, `states` (voices,) the random ones."""
    for row in range(walks.shape[0]):
        for v in range(walks.shape[1]):
            states[v] = xorshift32(states[v])
            walks[row, v] = walk(walks[row, v], elapsed[row], bipolar(states[v]))


class Drift:
    """Slow walks of pitch, level and filter corner for each of `voices` voices: Ornstein-Uhlenbeck, a step a quantum.

    `pitch_cents`, `level_db` and `corner_cents` are standard deviations, with correlation times `pitch_s`, 5 s and
    6 s. Walks begin as if they had always been going.
    """

    def __init__(
        self,
        sample_rate: int,
        voices: int,
        seed: int,
        pitch_cents: float = 2.0,
        level_db: float = 0.5,
        corner_cents: float = 80.0,
        pitch_s: float = 5.0,
    ) -> None:
        if not 0.1 <= pitch_s <= 1000.0:
            raise ValueError(f"pitch_s = {pitch_s:g}: give 0.1 to 1000")
        self._seed = seed
        self._spread = np.array([pitch_cents / 1200.0, level_db, corner_cents / 1200.0])
        self._elapsed = (QUANTUM / sample_rate / np.array([pitch_s, 5.0, 6.0])).astype(np.float32)
        self.walks = np.zeros((3, voices), np.float32)
        self.states = np.zeros(voices, np.uint32)
        self.reset()

    def reset(self) -> None:
        """Start again from the seed."""
        draw = stream(self._seed, "drift")
        self.states[:] = noise_states(draw, self.states.size)
        start = [draw.uniform(-1.0, 1.0) for _ in range(self.walks.size)]
        self.walks[:] = np.reshape(start, self.walks.shape) * float(UNIFORM_SPREAD)

    def step(self) -> None:
        """Go on by one quantum."""
        drift(self.walks, self.states, self._elapsed)

    @property
    def pitch_oct(self) -> Reals:
        """Octaves that each voice is off its pitch, (voices,)."""
        return self._spread[0] * self.walks[0]

    @property
    def gain_db(self) -> Reals:
        """Decibels that each voice is off its level, (voices,)."""
        return self._spread[1] * self.walks[1]

    @property
    def corner_oct(self) -> Reals:
        """Octaves that each voice's filter is off its corner, (voices,)."""
        return self._spread[2] * self.walks[2]
