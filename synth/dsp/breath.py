"""Breath of a blown pipe: noise that carries the note's pitch, with a wide band of air above it.

White noise goes through a narrow band-pass at each of the first four harmonics, as the pipe lets through of the jet's
turbulence (Verge & Hirschberg, "Turbulence noise in flue instruments", ISMA 1995), and through one from 1.5 to 5 kHz.
Each band has noise of its own and power 1 at any pitch and sample rate before its level, and so has the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.clamp import sane
from synth.dsp.fused import fma
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
LANES = 8  # of a voice: its bands, filled up to what vectors hold

# Rows of the state, LANES columns a voice: memories; 1 / Q; g and level now, and what each frame adds to them.
S1, S2, K, G, LEVEL, G_RISE, LEVEL_RISE, ROWS = range(8)
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
    level = UNIFORM_SPREAD * bands[AMPLITUDE, band] * np.sqrt(bands[DAMPING, band])
    return prewarp(max(CENTRE_MIN, min(centre, CENTRE_MAX))), level if centre <= CENTRE_MAX else ZERO


@kernel
def _aim(
    bands: Floats, hz: np.float32, to_hz: np.float32, second: np.float32, wide_hz: np.float32, state: Floats, lane: int
) -> None:
    """Set the bands of the voice whose first lane is `lane` on their way from a note of `hz` to one of `to_hz`."""
    for band in range(BANDS):
        g, level = _tune(bands, band, hz, second, wide_hz)
        to_g, to_level = _tune(bands, band, to_hz, second, wide_hz)
        at = lane + band
        state[K, at] = bands[DAMPING, band]
        state[G, at], state[G_RISE, at] = g, (to_g - g) * PER_FRAME
        state[LEVEL, at], state[LEVEL_RISE, at] = level, (to_level - level) * PER_FRAME


@kernel
def render_breath(
    hz: Floats,
    gain: Floats,
    voices: int,
    quanta: int,
    second: np.float32,
    wide_hz: np.float32,
    bands: Floats,
    randoms: NDArray[np.uint32],
    state: Floats,
    filtered: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of the first `voices` of `out` (frames, voices) from values at the edges, (edges, voices);
    `second` is 1 over the sample rate, `filtered` (QUANTUM, lanes) scratch. Where nobody has a gain, all stands still
    and forgets."""
    lanes = np.uint64(LANES * voices)
    for q in range(quanta):
        first = q * QUANTUM
        heard = False
        for v in range(voices):
            heard = heard or gain[q, v] != ZERO or gain[q + 1, v] != ZERO
        if not heard:
            for lane in range(lanes):
                state[S1, lane] = ZERO
                state[S2, lane] = ZERO
            for n in range(first, first + QUANTUM):
                for v in range(voices):
                    out[n, v] = ZERO
            continue
        for v in range(voices):
            _aim(bands, hz[q, v], hz[q + 1, v], second, wide_hz, state, LANES * v)
        for n in range(QUANTUM):
            t = np.float32(n)
            for lane in range(lanes):
                randoms[lane] = xorshift32(randoms[lane])
                g = fma(t, state[G_RISE, lane], state[G, lane])
                a1, a2 = coefficients(g, state[K, lane])
                level = fma(t, state[LEVEL_RISE, lane], state[LEVEL, lane])
                x = bipolar(randoms[lane]) * level / np.sqrt(a1 * g)  # white noise keeps its power in a band
                s1, s2 = state[S1, lane], state[S2, lane]
                _, filtered[n, lane], state[S1, lane], state[S2, lane] = svf(x, s1, s2, g, a1, a2)
        for v in range(voices):
            here = sane(gain[q, v])
            rise = (sane(gain[q + 1, v]) - here) * PER_FRAME
            at = LANES * v
            for n in range(QUANTUM):
                low = (filtered[n, at] + filtered[n, at + 1]) + (filtered[n, at + 2] + filtered[n, at + 3])
                out[first + n, v] = (low + filtered[n, at + WIDE]) * fma(np.float32(n), rise, here)


class Breath:
    """The breath of each of `voices` voices at `sample_rate` Hz.

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
        self.state, self.filtered = aligned((ROWS, LANES * voices)), aligned((QUANTUM, LANES * voices))
        self.randoms = np.zeros(LANES * voices, np.uint32)
        self._seed = seed
        self.second, self.wide_hz = np.float32(1.0 / sample_rate), np.float32(wide_hz)
        self.reset()

    def reset(self) -> None:
        """Start again from the seed."""
        self.state[:] = 0.0
        self.state[G] = 1.0  # where lanes are spare
        self.randoms[:] = noise_states(stream(self._seed, "breath"), self.randoms.size)

    def render(self, hz: Floats, gain: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out`, (frames, voices) float32, with breath of RMS `gain`.

        `hz` of the notes and `gain` are (quanta + 1, voices) float32, values at the quanta's edges, linear between.
        """
        render_breath(
            hz, gain, hz.shape[1], quanta, self.second, self.wide_hz,
            self.bands, self.randoms, self.state, self.filtered, out,
        )  # fmt: skip
