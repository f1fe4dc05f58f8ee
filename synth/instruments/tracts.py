"""The throats and mouths of a choir's four parts: a low-pass from which the glottis' pulses come as soft as they are,
breath, and the formants of the vowel abreast.

All parts and formants of a side and of the other are computed at once, as lanes of one vector. State is a flat float32
array. See `choir` for what is sung.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.fused import fma
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, xorshift32
from synth.dsp.sine import exp2, log2
from synth.dsp.steps import POINTS
from synth.dsp.svf import coefficients, prewarp, svf
from synth.dsp.vowels import formants
from synth.instruments.base import QUANTUM, Buffer, Edges
from synth.instruments.singers import HIGHEST, LOWEST, PARTS, ZERO, Floats
from synth.units import note_to_hz

FORMANTS = 4
THROATS = 2 * PARTS  # left ones, then right ones
TRACTS = FORMANTS * THROATS
LINE = QUANTUM + POINTS
PLACES, PITCHES = 4, int(HIGHEST - LOWEST) + 1  # of the table of levels: places a vowel, notes
HARMONICS = 64
SECTION = 1.5  # bandwidth of many throats over that of one
THROAT_DAMPING = np.float32(1.5)

BRIGHTNESS = COLUMN["brightness_oct"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)
EFFORT = np.float32(0.2)  # octaves of the throat's corner an octave of level: who sings louder sings brighter
QUIETEST = np.float32(1e-3)
CORNER_LOW, CORNER_HIGH = np.float32(2e-4), np.float32(0.44)  # cycles a sample
PER_FRAME, WHOLE = np.float32(1.0 / QUANTUM), np.float32(QUANTUM)
ONE = np.float32(1.0)
SILENT = np.float32(1e-9)
FRAMES, SIDE, ACROSS = np.uint64(QUANTUM), np.uint64(THROATS), np.uint64(TRACTS)
LINE_FRAMES, SPILL = np.uint64(LINE), np.uint64(POINTS)

# Fields of a throat's state, as offsets; then of a tract's; then of a part's; then single numbers.
(
    T_G, T_A1, T_A2, T_RAMP_G, T_RAMP_A1, T_RAMP_A2, T_S1, T_S2, T_NOISE, T_RAMP_NOISE, THROATS_END,
) = range(0, 11 * THROATS, THROATS)  # fmt: skip
(
    G, A1, A2, GAIN, RAMP_G, RAMP_A1, RAMP_A2, RAMP_GAIN, S1, S2, TRACTS_END,
) = range(THROATS_END, THROATS_END + 11 * TRACTS, TRACTS)  # fmt: skip
FLOOR, POWER, SUM, TOP, PARTS_END = range(TRACTS_END, TRACTS_END + 5 * PARTS, PARTS)
PLACE_1, PLACE_2, SWAY, ASLEEP, CHOIR_END = range(PARTS_END, PARTS_END + 5)

OCTAVE, DAMPING, LEVEL_OCT = range(3)  # of `path`: log2 of cycles a sample; log2 of k; log2 of the gain
REST, TOP_VOWEL, CORNER, BREATHING, PLACE_STEP, SWAY_STEP, FLOOR_STEP, TRACT_CONSTANTS = range(8)
VOICES = ("bass", "tenor", "alto", "soprano")


def path(vowels: str, closed_db: float, sample_rate: int) -> NDArray[np.float32]:
    """Two `vowels` or more as each part sings them, (vowels, 3, FORMANTS * PARTS), parts next to each other; lips that
    are `closed_db` take so much of all but the first formant."""
    found = np.zeros((len(vowels), 3, FORMANTS, PARTS))
    for n, vowel in enumerate(vowels):
        for part, voice in enumerate(VOICES):
            hz, level_db, bandwidth_hz = (row[:FORMANTS] for row in formants(voice, vowel))
            level_db[1:] += closed_db
            found[n, OCTAVE, :, part] = np.log2(hz / sample_rate)
            found[n, DAMPING, :, part] = np.log2(SECTION * bandwidth_hz / hz)
            found[n, LEVEL_OCT, :, part] = level_db / (20.0 * math.log10(2.0))
    return found.reshape(len(vowels), 3, FORMANTS * PARTS).astype(np.float32)


@lru_cache(maxsize=8)
def levels(vowels: str, closed_db: float, throat_hz: float, sample_rate: int) -> NDArray[np.float32]:
    """Gain that gives a saw the power 1 behind throat and formants, (PARTS, places, PITCHES); not to be written to."""
    shapes = path(vowels, closed_db, sample_rate).reshape(len(vowels), 3, FORMANTS, PARTS).astype(float)
    places = np.arange(PLACES * (len(vowels) - 1) + 1) / PLACES
    left = np.minimum(places.astype(int), len(vowels) - 2)
    told = shapes[left] + (places - left)[:, None, None, None] * (shapes[left + 1] - shapes[left])
    hz = note_to_hz(0.0) * 2.0 ** (np.arange(LOWEST, HIGHEST + 1.0) / 12.0)
    partials = hz[:, None] * np.arange(1.0, HARMONICS + 1)  # (pitch, harmonic)
    source = math.sqrt(6.0) / math.pi / np.arange(1.0, HARMONICS + 1) * (partials < 0.45 * sample_rate)
    x = partials / throat_hz
    source = source / np.sqrt((1.0 - x * x) ** 2 + (THROAT_DAMPING * x) ** 2)
    found = np.zeros((PARTS, places.size, hz.size))
    for part in range(PARTS):
        for n in range(places.size):
            passed = np.zeros(partials.shape, complex)
            for formant in range(FORMANTS):
                octave, damping, level_oct = told[n, :, formant, part]
                centre = np.full(hz.shape, 2.0**octave * sample_rate)
                centre = np.maximum(centre, hz) if formant == 0 else centre
                x = partials / centre[:, None]
                k = 2.0**damping * 2.0**octave * sample_rate / centre[:, None]
                passed += 2.0**level_oct * 1j * k * x / (1.0 - x * x + 1j * k * x)
            found[part, n] = 1.0 / np.sqrt((np.abs(source * passed) ** 2).sum(axis=1))
    return found.astype(np.float32)


@kernel
def open_throats(c: Floats, edges: Edges, q: int, tract: Floats) -> None:
    """Corner and breath of each part at the next edge, and the ramps that lead there."""
    bright = (
        edges[q + 1, BRIGHTNESS]
        + CORNER_PER_DB * edges[q + 1, EXPRESSION_DB]
        + CORNER_PER_BREATH * edges[q + 1, BREATH]
    )
    for v in range(THROATS):
        part = v % PARTS
        c[FLOOR + part] += (c[TOP + part] - c[FLOOR + part]) * tract[FLOOR_STEP] if v < PARTS else ZERO
        effort = EFFORT * log2(max(c[POWER + part] / max(c[SUM + part], QUIETEST), QUIETEST))
        corner = exp2(tract[CORNER] + bright + effort)
        g = prewarp(max(CORNER_LOW, min(corner, CORNER_HIGH)))
        a1, a2 = coefficients(g, THROAT_DAMPING)
        noise = tract[BREATHING] * np.sqrt(c[POWER + part])
        if c[ASLEEP] == ONE:
            c[FLOOR + part] = c[TOP + part]
            c[T_G + v], c[T_A1 + v], c[T_A2 + v], c[T_NOISE + v] = g, a1, a2, ZERO
        c[T_RAMP_G + v] = (g - c[T_G + v]) * PER_FRAME
        c[T_RAMP_A1 + v] = (a1 - c[T_A1 + v]) * PER_FRAME
        c[T_RAMP_A2 + v] = (a2 - c[T_A2 + v]) * PER_FRAME
        c[T_RAMP_NOISE + v] = (noise - c[T_NOISE + v]) * PER_FRAME


@kernel
def shape(c: Floats, path: Floats) -> None:
    """Formants of each part at the next edge, and the ramps that lead there."""
    row = min(int(c[PLACE_2]), path.shape[0] - 2)
    across = c[PLACE_2] - np.float32(row)
    for lane in range(FORMANTS * PARTS):
        told = path[row, OCTAVE, lane] + across * (path[row + 1, OCTAVE, lane] - path[row, OCTAVE, lane])
        damping = path[row, DAMPING, lane] + across * (path[row + 1, DAMPING, lane] - path[row, DAMPING, lane])
        level = path[row, LEVEL_OCT, lane] + across * (path[row + 1, LEVEL_OCT, lane] - path[row, LEVEL_OCT, lane])
        octave = max(told, c[FLOOR + lane]) if lane < PARTS else told
        k = exp2(damping + told - octave)
        centre = exp2(octave)
        g = prewarp(min(centre, CORNER_HIGH))
        a1, a2 = coefficients(g, k)
        gain = k * exp2(level) if centre < CORNER_HIGH else ZERO
        for side in range(2):
            to = (2 * (lane // PARTS) + side) * PARTS + lane % PARTS
            if c[ASLEEP] == ONE:
                c[G + to], c[A1 + to], c[A2 + to], c[GAIN + to] = g, a1, a2, gain
            c[RAMP_G + to] = (g - c[G + to]) * PER_FRAME
            c[RAMP_A1 + to] = (a1 - c[A1 + to]) * PER_FRAME
            c[RAMP_A2 + to] = (a2 - c[A2 + to]) * PER_FRAME
            c[RAMP_GAIN + to] = (gain - c[GAIN + to]) * PER_FRAME


@kernel
def throats(c: Floats, randoms: NDArray[np.uint32], lines: Floats, bands: Floats) -> None:
    """The source of each part with its breath, softened; to each of its formants."""
    for n in range(FRAMES):
        t, row = np.float32(n), n * ACROSS
        for v in range(SIDE):
            g = fma(t, c[T_RAMP_G + v], c[T_G + v])
            a1 = fma(t, c[T_RAMP_A1 + v], c[T_A1 + v])
            a2 = fma(t, c[T_RAMP_A2 + v], c[T_A2 + v])
            noise = fma(t, c[T_RAMP_NOISE + v], c[T_NOISE + v])
            randoms[v] = xorshift32(randoms[v])
            x = fma(noise, UNIFORM_SPREAD * bipolar(randoms[v]), lines[v * LINE_FRAMES + n])
            source, _, c[T_S1 + v], c[T_S2 + v] = svf(x, c[T_S1 + v], c[T_S2 + v], g, a1, a2)
            bands[row + v] = source
            bands[row + SIDE + v] = source
            bands[row + SIDE + SIDE + v] = source
            bands[row + SIDE + SIDE + SIDE + v] = source
    for v in range(THROATS):
        c[T_G + v] += WHOLE * c[T_RAMP_G + v]
        c[T_A1 + v] += WHOLE * c[T_RAMP_A1 + v]
        c[T_A2 + v] += WHOLE * c[T_RAMP_A2 + v]
        c[T_NOISE + v] += WHOLE * c[T_RAMP_NOISE + v]
        if abs(c[T_S1 + v]) + abs(c[T_S2 + v]) < SILENT:  # a part that is silent must not cost more than one that sings
            c[T_S1 + v] = c[T_S2 + v] = ZERO


@kernel
def tracts(c: Floats, bands: Floats) -> None:
    """Each formant of each part, in place."""
    for n in range(FRAMES):
        t, row = np.float32(n), n * ACROSS
        for v in range(ACROSS):
            g = fma(t, c[RAMP_G + v], c[G + v])
            a1 = fma(t, c[RAMP_A1 + v], c[A1 + v])
            a2 = fma(t, c[RAMP_A2 + v], c[A2 + v])
            gain = fma(t, c[RAMP_GAIN + v], c[GAIN + v])
            _, band, c[S1 + v], c[S2 + v] = svf(bands[row + v], c[S1 + v], c[S2 + v], g, a1, a2)
            bands[row + v] = gain * band
    for v in range(TRACTS):
        c[G + v] += WHOLE * c[RAMP_G + v]
        c[A1 + v] += WHOLE * c[RAMP_A1 + v]
        c[A2 + v] += WHOLE * c[RAMP_A2 + v]
        c[GAIN + v] += WHOLE * c[RAMP_GAIN + v]
        if abs(c[S1 + v]) + abs(c[S2 + v]) < SILENT:
            c[S1 + v] = c[S2 + v] = ZERO


@kernel
def together(bands: Floats, out: Buffer, frame: int) -> None:
    """The sum of all formants of all parts on either side."""
    half, to = ACROSS // np.uint64(2), np.uint64(frame)
    for n in range(FRAMES):
        row = n * ACROSS
        for v in range(half):
            bands[row + v] += bands[row + half + v]
        for v in range(SIDE):
            bands[row + v] += bands[row + SIDE + v]
    for n in range(FRAMES):
        row = n * ACROSS
        left = (bands[row] + bands[row + np.uint64(1)]) + (bands[row + np.uint64(2)] + bands[row + np.uint64(3)])
        row += np.uint64(PARTS)
        right = (bands[row] + bands[row + np.uint64(1)]) + (bands[row + np.uint64(2)] + bands[row + np.uint64(3)])
        out[0, to + n] = left
        out[1, to + n] = right


@kernel
def next_quantum(lines: Floats) -> None:
    """What saws have written of the next quantum moves to its place."""
    for line in range(0, THROATS * LINE, LINE):
        at = np.uint64(line)
        for n in range(SPILL):
            lines[at + n] = lines[at + n + FRAMES]
        for n in range(SPILL, LINE_FRAMES):
            lines[at + n] = ZERO


@kernel
def fall_asleep(c: Floats, lines: Floats) -> None:
    """Nobody sings and nothing rings: be still."""
    level = ZERO
    for v in range(TRACTS):
        level = max(level, abs(c[S1 + v]) + abs(c[S2 + v]))
    for v in range(THROATS):
        level = max(level, abs(c[T_S1 + v]) + abs(c[T_S2 + v]) + abs(c[T_NOISE + v]))
    if level > SILENT:
        return
    for field in range(THROATS_END):
        c[field] = ZERO
    for field in range(S1, TRACTS_END):
        c[field] = ZERO
    for n in range(THROATS * LINE):
        lines[n] = ZERO
    c[ASLEEP] = ONE
