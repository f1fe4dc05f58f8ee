"""Vowels: a source through five band-passes abreast, which move from vowel to vowel along straight lines in pitch.

Each formant is a state-variable band-pass of peak gain 1 times its level. A bandwidth grows by `section` when many
throats sing; where the note is higher than the first formant, that one is raised to the note, as singers do
(Sundberg, The Science of the Singing Voice, 1987), or the note would be thin and jump in level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2
from synth.dsp.svf import coefficients, prewarp, svf
from synth.dsp.vowels import COUNT, formants

Floats = NDArray[np.float32]

ZERO, ONE = np.float32(0.0), np.float32(1.0)
PER_FRAME = np.float32(1.0 / QUANTUM)
SILENT = np.float32(1e-9)
SECTION = 1.5
OCTAVES_PER_DB = np.float32(np.log2(10.0) / 20.0)
CUTOFF_MIN, CUTOFF_MAX = np.float32(2e-4), np.float32(0.44)  # cycles per sample
K_MIN, K_MAX = np.float32(0.005), np.float32(2.0)

# Rows of a formant's state, one column a voice: memories; g, damping and gain now, and what each frame adds.
S1, S2, G, K, GAIN, G_RISE, K_RISE, GAIN_RISE, ROWS = range(9)
OCTAVE, LEVEL, BANDWIDTH = range(3)  # of `path`: log2 Hz, dB, log2 Hz


@kernel
def _between(path: Floats, which: int, formant: int, place: np.float32) -> np.float32:
    """`path[:, which, formant]` at `place`, counted in vowels from 0 and held at both ends."""
    last = np.float32(path.shape[0] - 1)
    place = max(ZERO, min(place, last))
    left = min(int(place), max(path.shape[0] - 2, 0))
    right = min(left + 1, path.shape[0] - 1)
    a = path[left, which, formant]
    return a + (place - np.float32(left)) * (path[right, which, formant] - a)


@kernel
def _tune(
    path: Floats, formant: int, place: np.float32, hz: np.float32, second: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """g, damping and gain of a formant at `place` for a note of `hz`; `second` is 1 over the sample rate."""
    centre_hz = exp2(_between(path, OCTAVE, formant, place))
    if formant == 0:
        centre_hz = max(centre_hz, hz)
    centre = max(CUTOFF_MIN, min(centre_hz * second, CUTOFF_MAX))
    k = max(K_MIN, min(exp2(_between(path, BANDWIDTH, formant, place)) * second / centre, K_MAX))
    audible = ONE if centre_hz * second <= CUTOFF_MAX else ZERO
    return prewarp(centre), k, audible * k * exp2(OCTAVES_PER_DB * _between(path, LEVEL, formant, place))


@kernel
def render_formants(
    x: Floats,
    place: Floats,
    hz: Floats,
    quanta: int,
    second: np.float32,
    path: Floats,
    state: Floats,
    out: Floats,
) -> None:
    """Write `quanta` quanta of `x` (frames, voices) as sung to `out`; `place` and `hz` are (edges, voices), `path` is
    (vowels, 3, 5), `state` (5, ROWS, voices)."""
    voices = state.shape[2]
    for q in range(quanta):
        first = q * QUANTUM
        level = ZERO
        for n in range(first, first + QUANTUM):
            for v in range(voices):
                level = max(level, abs(x[n, v]))
                out[n, v] = ZERO
        for formant in range(COUNT):
            for v in range(voices):
                level = max(level, abs(state[formant, S1, v]) + abs(state[formant, S2, v]))
        if level == ZERO:
            continue
        for formant in range(COUNT):
            for v in range(voices):
                g, k, gain = _tune(path, formant, place[q, v], hz[q, v], second)
                to_g, to_k, to_gain = _tune(path, formant, place[q + 1, v], hz[q + 1, v], second)
                state[formant, G, v] = g
                state[formant, K, v] = k
                state[formant, GAIN, v] = gain
                state[formant, G_RISE, v] = (to_g - g) * PER_FRAME
                state[formant, K_RISE, v] = (to_k - k) * PER_FRAME
                state[formant, GAIN_RISE, v] = (to_gain - gain) * PER_FRAME
            for n in range(first, first + QUANTUM):
                t = np.float32(n - first)
                for v in range(voices):
                    g = state[formant, G, v] + t * state[formant, G_RISE, v]
                    k = state[formant, K, v] + t * state[formant, K_RISE, v]
                    a1, a2 = coefficients(g, k)  # each frame: coefficients ramped by themselves can be unstable
                    s1, s2 = state[formant, S1, v], state[formant, S2, v]
                    _, band, state[formant, S1, v], state[formant, S2, v] = svf(x[n, v], s1, s2, g, a1, a2)
                    out[n, v] += (state[formant, GAIN, v] + t * state[formant, GAIN_RISE, v]) * band
            for row in range(S1, S2 + 1):
                for v in range(voices):
                    if abs(state[formant, row, v]) < SILENT:
                        state[formant, row, v] = ZERO


class FormantBank:
    """A vowel for each of `voices` voices (a multiple of 16 is fastest) at `sample_rate` Hz.

    `vowels` are those passed in morphing, in order ("uoa" is calm), of one of `synth.dsp.vowels.VOICES`; ValueError
    for none or an unknown one. `section` multiplies the bandwidths: 1 is one throat.
    """

    def __init__(
        self,
        sample_rate: int,
        voices: int,
        voice: str = "alto",
        vowels: Sequence[str] = "uoa",
        section: float = SECTION,
    ) -> None:
        if not vowels:
            raise ValueError("vowels is empty: give at least one, such as 'uoa'")
        if not 0.5 <= section <= 4.0:
            raise ValueError(f"section = {section:g}: give 0.5 to 4")
        told = [formants(voice, vowel) for vowel in vowels]
        self.path = np.array([(np.log2(hz), db, np.log2(section * width)) for hz, db, width in told], np.float32)
        self.state = np.zeros((COUNT, ROWS, voices), np.float32)
        self._second = np.float32(1.0 / sample_rate)

    def reset(self) -> None:
        """Forget what was heard."""
        self.state[:] = 0.0

    def render(self, x: Floats, place: Floats, hz: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out` with those of `x`, both (frames, voices) float32.

        `place` says which vowel, counted in `vowels` from 0 and anything between, and `hz` the note, both
        (quanta + 1, voices): values at the quanta's edges. A morph of 0.8 to 3 s a vowel sounds sung.
        """
        render_formants(x, place, hz, quanta, self._second, self.path, self.state, out)
