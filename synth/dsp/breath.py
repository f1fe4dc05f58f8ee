"""Breath of a blown pipe: noise that carries the note's pitch, with a wide band of air above it.

White noise goes through a narrow band-pass at each of the first four harmonics, as the pipe lets through of the jet's
turbulence (Verge & Hirschberg, "Turbulence noise in flue instruments", ISMA 1995), and through one from 1.5 to 5 kHz.
Each band has noise of its own and power 1 at any pitch and sample rate before its level, and so has the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import sane
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, noise_states, xorshift32
from synth.dsp.quantum import QUANTUM
from synth.dsp.svf import coefficients, prewarp, svf
from synth.rng import stream

Floats = NDArray[np.float32]

HARMONICS = 4
WIDE = HARMONICS  # the band above them
BANDS = HARMONICS + 1
WIDE_LOW_HZ, WIDE_HIGH_HZ = 1500.0, 5000.0
HARMONICS_DB = (0.0, -3.0, -6.0, -9.0)

ZERO, ONE = np.float32(0.0), np.float32(1.0)
PER_FRAME = np.float32(1.0 / QUANTUM)
CENTRE_MIN, CENTRE_MAX = np.float32(2e-4), np.float32(0.4)  # cycles per sample

# Rows of a band's state, one column a voice: memories; g and level now, and what each frame adds.
S1, S2, G, LEVEL, G_RISE, LEVEL_RISE, ROWS = range(7)
DAMPING, AMPLITUDE = range(2)  # rows of `bands`, (2, BANDS): 1 / Q, RMS


def breath_level(velocity: float) -> float:
    """Level of the breath of a note of `velocity`, 0 to 1: softer playing is breathier, as it falls by less."""
    return max(velocity, 0.0) ** 0.7


def tone_level(velocity: float) -> float:
    """Level of the tone that the breath of `breath_level` goes with."""
    return max(velocity, 0.0) ** 1.3


@kernel
def _tune(
    bands: Floats, band: int, hz: np.float32, second: np.float32, wide_hz: np.float32
) -> tuple[np.float32, np.float32]:
    """g and level of a band for a note of `hz`; a harmonic too high for the sample rate has none."""
    centre = (wide_hz if band == WIDE else np.float32(band + 1) * hz) * second
    return prewarp(max(CENTRE_MIN, min(centre, CENTRE_MAX))), bands[AMPLITUDE, band] if centre <= CENTRE_MAX else ZERO


@kernel
def render_breath(
    hz: Floats,
    gain: Floats,
    quanta: int,
    second: np.float32,
    wide_hz: np.float32,
    bands: Floats,
    randoms: NDArray[np.uint32],
    state: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `out` (frames, voices) from values at the edges, (edges, voices); `second` is 1 over
    the sample rate, `state` (BANDS, ROWS, voices). Where nobody has a gain, all stands still and forgets."""
    voices = randoms.shape[0]
    for q in range(quanta):
        first = q * QUANTUM
        for n in range(first, first + QUANTUM):
            for v in range(voices):
                out[n, v] = ZERO
        heard = False
        for v in range(voices):
            heard = heard or gain[q, v] != ZERO or gain[q + 1, v] != ZERO
        if not heard:
            for band in range(BANDS):
                for v in range(voices):
                    state[band, S1, v] = ZERO
                    state[band, S2, v] = ZERO
            continue
        for band in range(BANDS):
            k = bands[DAMPING, band]
            for v in range(voices):
                g, level = _tune(bands, band, hz[q, v], second, wide_hz)
                to_g, to_level = _tune(bands, band, hz[q + 1, v], second, wide_hz)
                state[band, G, v] = g
                state[band, LEVEL, v] = level
                state[band, G_RISE, v] = (to_g - g) * PER_FRAME
                state[band, LEVEL_RISE, v] = (to_level - level) * PER_FRAME
            for n in range(first, first + QUANTUM):
                t = np.float32(n - first)
                for v in range(voices):
                    randoms[v] = xorshift32(randoms[v])
                    x = (state[band, LEVEL, v] + t * state[band, LEVEL_RISE, v]) * UNIFORM_SPREAD * bipolar(randoms[v])
                    g = state[band, G, v] + t * state[band, G_RISE, v]
                    a1, a2 = coefficients(g, k)
                    x *= np.sqrt(k / (a1 * g))  # white noise leaves the band with the power it had
                    s1, s2 = state[band, S1, v], state[band, S2, v]
                    _, y, state[band, S1, v], state[band, S2, v] = svf(x, s1, s2, g, a1, a2)
                    out[n, v] += y
        for n in range(first, first + QUANTUM):
            t = np.float32(n - first) * PER_FRAME
            for v in range(voices):
                here = sane(gain[q, v])
                out[n, v] *= here + t * (sane(gain[q + 1, v]) - here)


class Breath:
    """The breath of each of `voices` voices (a multiple of 16 is fastest) at `sample_rate` Hz.

    `q` of the narrow bands, 4 to 60: 12 is airy, 25 nearly whistles. `wide_db` is the level of the air above to the
    first harmonic, -60 to 20: -12 for a flute, 0 for a ney.
    """

    def __init__(self, sample_rate: int, voices: int, seed: int, q: float = 18.0, wide_db: float = -12.0) -> None:
        if not 4.0 <= q <= 60.0:
            raise ValueError(f"q = {q:g}: give 4 to 60")
        if not -60.0 <= wide_db <= 20.0:
            raise ValueError(f"wide_db = {wide_db:g}: give -60 to 20")
        power = 10.0 ** (np.array([*HARMONICS_DB, wide_db]) / 10.0)
        wide_hz = (WIDE_LOW_HZ * WIDE_HIGH_HZ) ** 0.5
        damping = [1.0 / q] * HARMONICS + [(WIDE_HIGH_HZ - WIDE_LOW_HZ) / wide_hz]
        self.bands = np.array([damping, np.sqrt(power / power.sum())], np.float32)
        self.state = np.zeros((BANDS, ROWS, voices), np.float32)
        self.randoms = np.zeros(voices, np.uint32)
        self._seed = seed
        self._second, self._wide_hz = np.float32(1.0 / sample_rate), np.float32(wide_hz)
        self.reset()

    def reset(self) -> None:
        """Start again from the seed."""
        self.state[:] = 0.0
        self.randoms[:] = noise_states(stream(self._seed, "breath"), self.randoms.size)

    def render(self, hz: Floats, gain: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (frames, voices) float32, with breath of RMS `gain`.

        `hz` of the notes and `gain` are (quanta + 1, voices) float32, values at the quanta's edges, linear between.
        """
        render_breath(
            hz, gain, quanta, self._second, self._wide_hz, self.bands, self.randoms, self.state, out
        )  # fmt: skip
