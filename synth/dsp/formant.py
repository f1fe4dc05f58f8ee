"""Vowels: a source through five band-passes abreast, which move from vowel to vowel along straight lines in pitch.

Each formant is a state-variable band-pass of peak gain 1 times its level. A bandwidth grows by `section` when many
throats sing; where the note is higher than the first formant, that one is raised to the note, as singers do
(Sundberg, The Science of the Singing Voice, 1987), or the note would be thin and jump in level.

A source of even level would still rise and fall by 10 dB an octave as its partials pass through the formants. What is
left of it is known, though: the note says where its partials lie, `source_db` how strong they are, and the formants
what passes. So the level is put back at each edge, in proportion and not in answer: nothing lags, nothing pumps.
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
LEAST, WILD = np.float32(1e-12), np.float32(1e6)
CUTOFF_MIN, CUTOFF_MAX = np.float32(2e-4), np.float32(0.44)  # cycles per sample
K_MIN, K_MAX = np.float32(0.005), np.float32(2.0)

HARMONICS = 32
STEEPEST_DB, FLATTEST_DB = -24.0, -6.0  # of a source, an octave: partials past the last counted are weak
MOST = np.float32(100.0)  # gain
LOWEST = np.float32(1e-4)  # cycles per sample

# Rows of a formant's state, one column a voice: memories; g, damping and gain at the edge before, at the one reached,
# and what each frame adds; centre at the one reached.
S1, S2, G, K, GAIN, TO_G, TO_K, TO_GAIN, G_RISE, K_RISE, GAIN_RISE, CENTRE, ROWS = range(13)
PLACE, PITCH, RE, IM, POWER, NOTE_ROWS = range(6)  # of `notes`: at the edge reached, in cycles a sample; scratch
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
    path: Floats, formant: int, place: np.float32, pitch: np.float32, second: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """Centre, damping and gain of a formant at `place` for a note of `pitch`; it and the centre are in cycles per
    sample, and `second` is 1 over the sample rate."""
    told = exp2(_between(path, OCTAVE, formant, place)) * second
    if formant == 0:
        told = max(told, pitch)
    centre = max(CUTOFF_MIN, min(told, CUTOFF_MAX))
    k = max(K_MIN, min(exp2(_between(path, BANDWIDTH, formant, place)) * second / centre, K_MAX))
    audible = ONE if told <= CUTOFF_MAX else ZERO
    return centre, k, audible * k * exp2(OCTAVES_PER_DB * _between(path, LEVEL, formant, place))


@kernel
def _level(source: Floats, state: Floats, notes: Floats) -> None:
    """Raise the gains at the edge reached by what the partials, of power `source` (HARMONICS,), lose by the formants.

    A band-pass `j k x / (1 - x^2 + j k x)`, x = frequency over centre, and a sum of five of them, for each partial."""
    sent = ZERO
    for v in range(notes.shape[1]):
        notes[POWER, v] = ZERO
    for n in range(HARMONICS):
        sent += source[n]
        for v in range(notes.shape[1]):
            notes[RE, v] = ZERO
            notes[IM, v] = ZERO
        for formant in range(COUNT):
            for v in range(notes.shape[1]):
                x = np.float32(n + 1) * notes[PITCH, v] / state[formant, CENTRE, v]
                across, along = state[formant, TO_K, v] * x, ONE - x * x
                part = state[formant, TO_GAIN, v] * x / (across * across + along * along)
                notes[RE, v] += part * across
                notes[IM, v] += part * along
        for v in range(notes.shape[1]):
            notes[POWER, v] += source[n] * (notes[RE, v] * notes[RE, v] + notes[IM, v] * notes[IM, v])
    for v in range(notes.shape[1]):
        gain = min(np.sqrt(sent / max(notes[POWER, v], LEAST)), MOST)
        for formant in range(COUNT):
            state[formant, TO_GAIN, v] *= gain


@kernel
def _reach(
    place: Floats, hz: Floats, edge: int, second: np.float32, path: Floats, source: Floats, state: Floats, notes: Floats
) -> None:
    """Go on to an edge: what was reached is now before."""
    moved = False
    for v in range(notes.shape[1]):
        where = place[edge, v] if abs(place[edge, v]) < WILD else ZERO
        pitch = hz[edge, v] * second if abs(hz[edge, v]) < WILD else ZERO
        pitch = max(LOWEST, min(pitch, CUTOFF_MAX))
        moved = moved | (where != notes[PLACE, v]) | (pitch != notes[PITCH, v])
        notes[PLACE, v], notes[PITCH, v] = where, pitch
    for formant in range(COUNT):
        for v in range(notes.shape[1]):
            state[formant, G, v] = state[formant, TO_G, v]
            state[formant, K, v] = state[formant, TO_K, v]
            state[formant, GAIN, v] = state[formant, TO_GAIN, v]
    if moved:
        for formant in range(COUNT):
            for v in range(notes.shape[1]):
                centre, k, gain = _tune(path, formant, notes[PLACE, v], notes[PITCH, v], second)
                state[formant, CENTRE, v], state[formant, TO_G, v] = centre, prewarp(centre)
                state[formant, TO_K, v], state[formant, TO_GAIN, v] = k, gain
        if source[0] > ZERO:
            _level(source, state, notes)
    for formant in range(COUNT):
        for v in range(notes.shape[1]):
            state[formant, G_RISE, v] = (state[formant, TO_G, v] - state[formant, G, v]) * PER_FRAME
            state[formant, K_RISE, v] = (state[formant, TO_K, v] - state[formant, K, v]) * PER_FRAME
            state[formant, GAIN_RISE, v] = (state[formant, TO_GAIN, v] - state[formant, GAIN, v]) * PER_FRAME


@kernel
def render_formants(
    x: Floats,
    place: Floats,
    hz: Floats,
    quanta: int,
    second: np.float32,
    path: Floats,
    source: Floats,
    state: Floats,
    notes: Floats,
    rests: NDArray[np.int64],
    out: Floats,
) -> None:
    """Write `quanta` quanta of `x` (frames, voices) as sung to `out`; `place` and `hz` are (edges, voices), `path` is
    (vowels, 3, 5), `source` (HARMONICS,) the power of partials, 0 to leave levels as they fall, `state` (5, ROWS,
    voices), `notes` (NOTE_ROWS, voices), `rests` (1,): 1 when nothing has been heard."""
    voices = state.shape[2]
    for q in range(quanta):
        first = q * QUANTUM
        level = ZERO
        for n in range(first, first + QUANTUM):
            for v in range(voices):
                level = max(level, abs(x[n, v]) if abs(x[n, v]) < WILD else ZERO)
                out[n, v] = ZERO
        for formant in range(COUNT):
            for v in range(voices):
                level = max(level, abs(state[formant, S1, v]) + abs(state[formant, S2, v]))
        if level == ZERO:
            rests[0] = 1
            continue
        for edge in range(q + 1 - rests[0], q + 2):
            _reach(place, hz, edge, second, path, source, state, notes)
        rests[0] = 0
        for formant in range(COUNT):
            for n in range(first, first + QUANTUM):
                t = np.float32(n - first)
                for v in range(voices):
                    g = state[formant, G, v] + t * state[formant, G_RISE, v]
                    k = state[formant, K, v] + t * state[formant, K_RISE, v]
                    a1, a2 = coefficients(g, k)  # each frame: coefficients ramped by themselves can be unstable
                    s1, s2 = state[formant, S1, v], state[formant, S2, v]
                    sample = x[n, v] if abs(x[n, v]) < WILD else ZERO
                    _, band, state[formant, S1, v], state[formant, S2, v] = svf(sample, s1, s2, g, a1, a2)
                    out[n, v] += (state[formant, GAIN, v] + t * state[formant, GAIN_RISE, v]) * band
            for row in range(S1, S2 + 1):
                for v in range(voices):
                    if abs(state[formant, row, v]) < SILENT:
                        state[formant, row, v] = ZERO


class FormantBank:
    """A vowel for each of `voices` voices (a multiple of 16 is fastest) at `sample_rate` Hz.

    `vowels` are those passed in morphing, in order ("uoa" is calm), of one of `synth.dsp.vowels.VOICES`; ValueError
    for none or an unknown one. `section` multiplies the bandwidths: 1 is one throat. A source whose harmonics fall by
    `source_db` an octave (-24 to -6: a saw has -6) leaves as strong as it came, at any pitch; None leaves its level as
    it falls.
    """

    def __init__(
        self,
        sample_rate: int,
        voices: int,
        voice: str = "alto",
        vowels: Sequence[str] = "uoa",
        section: float = SECTION,
        source_db: float | None = -6.0,
    ) -> None:
        if not vowels:
            raise ValueError("vowels is empty: give at least one, such as 'uoa'")
        if not 0.5 <= section <= 4.0:
            raise ValueError(f"section = {section:g}: give 0.5 to 4")
        if source_db is not None and not STEEPEST_DB <= source_db <= FLATTEST_DB:
            raise ValueError(f"source_db = {source_db:g}: give {STEEPEST_DB:g} to {FLATTEST_DB:g}, or None")
        told = [formants(voice, vowel) for vowel in vowels]
        self.path = np.array([(np.log2(hz), db, np.log2(section * width)) for hz, db, width in told], np.float32)
        self.state = np.zeros((COUNT, ROWS, voices), np.float32)
        self._source = np.zeros(HARMONICS, np.float32)
        if source_db is not None:
            self._source[:] = np.arange(1, HARMONICS + 1) ** (source_db / (10.0 * np.log10(2.0)))
        self._notes = np.zeros((NOTE_ROWS, voices), np.float32)
        self._rests = np.ones(1, np.int64)
        self._second = np.float32(1.0 / sample_rate)

    def reset(self) -> None:
        """Forget what was heard."""
        self.state[:], self._notes[:], self._rests[:] = 0.0, 0.0, 1

    def render(self, x: Floats, place: Floats, hz: Floats, quanta: int, out: Floats) -> None:
        """Overwrite the first `quanta` quanta of `out` with those of `x`, both (frames, voices) float32.

        `place` says which vowel, counted in `vowels` from 0 and anything between, and `hz` the note, both
        (quanta + 1, voices): values at the quanta's edges. A morph of 0.8 to 3 s a vowel sounds sung.
        """
        render_formants(
            x, place, hz, quanta, self._second, self.path, self._source, self.state, self._notes, self._rests, out
        )  # fmt: skip
