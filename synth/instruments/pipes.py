"""Pipes: what makes one blown instrument different from another, in the field's units and in the kernel's.

Harmonics, breath and vibrato are the project's own, in the ranges of Fletcher & Rossing, The Physics of Musical
Instruments (1998), chapter 16, and Fletcher, "Acoustical correlates of flute performance technique" (JASA 57, 1975).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.dsp.envelope import NINETY_PERCENT, SIXTY_DB
from synth.instruments.base import QUANTUM

HARMONICS = 8
TYPICAL_VELOCITY = 0.6
TONE_EXPONENT, BREATH_EXPONENT = 1.3, 0.7  # of velocity: softer playing is breathier
SOFT_DB = 6.0  # that each harmonic loses to the one below in the softest tone
JITTER_S, SWAY_S, POSITION_S = 0.02, 1.0, 6.0  # correlation times of the walks
CHIFF_S, FORCE_S, TONGUE_S = 0.03, 0.05, 0.045
VIBRATO_AFTER_S, VIBRATO_FADE_S, LONG_S = 0.4, 0.7, 4.5
LEGATO_S = 0.12  # of two notes that overlap by less, the first is not heard again
CHORD_S = 0.06  # notes that begin closer together are a chord
NYQUIST_MARGIN = 0.4  # of the sample rate: the highest fundamental


class Pipe(NamedTuple):
    """One blown instrument: levels in dB, times in s. Pairs are the range in which a note's own value lies, except
    where it says otherwise."""

    name: str
    level_db: float  # of the whole instrument
    harmonics_db: tuple[float, float, float, float, float, float, float, float]  # of the loudest C5
    breath_db: float  # to the tone, at TYPICAL_VELOCITY
    breath_q: float  # of the bands on the harmonics
    air_db: float  # of the wide band to the one on the fundamental
    swell_db: float  # by which the breath is louder where a note begins and ends
    chiff_db: float  # of the second harmonic as a tongued note speaks
    attack_factor: float  # attack over the control's `attack_ms`
    release_s: float  # 60 dB
    scoop_cents: tuple[float, float]  # from which a phrase comes up to its first note...
    scoop_s: float  # ...in this time
    fall_cents: float  # by which the pitch sinks as the breath ends
    vibrato_hz: tuple[float, float]  # of a note that has begun, and of a long one
    vibrato_cents: tuple[float, float]  # peak
    tremolo_db: float  # peak to peak, with the vibrato
    glide_s: tuple[float, float]  # from a tone to the next in one breath: a small step, an octave


PIPES: tuple[Pipe, ...] = (
    Pipe(
        "flute", -13.65, (0.0, -6.0, -14.0, -22.0, -28.0, -34.0, -41.0, -48.0), -27.0, 20.0, -8.0, 4.0, 6.0,
        1.0, 0.16, (3.0, 8.0), 0.06, 4.0, (4.8, 5.5), (8.0, 14.0), 2.0, (0.04, 0.09),
    ),
    Pipe(
        "shakuhachi", -13.4, (0.0, -12.0, -10.0, -26.0, -24.0, -34.0, -40.0, -46.0), -14.0, 14.0, -3.0, 6.0, 2.0,
        2.2, 0.35, (40.0, 80.0), 0.22, 25.0, (2.0, 5.0), (20.0, 40.0), 3.0, (0.08, 0.2),
    ),
    Pipe(
        "ney", -14.75, (0.0, -3.0, -4.0, -10.0, -16.0, -22.0, -28.0, -34.0), -13.0, 12.0, 0.0, 3.0, 0.0,
        2.7, 0.3, (10.0, 25.0), 0.18, 12.0, (3.7, 4.4), (9.0, 14.0), 1.5, (0.12, 0.4),
    ),
    Pipe(
        "bansuri", -13.35, (0.0, -8.0, -18.0, -24.0, -30.0, -36.0, -42.0, -48.0), -20.0, 16.0, -5.0, 3.0, 1.0,
        1.4, 0.25, (100.0, 200.0), 0.15, 8.0, (3.0, 5.0), (15.0, 30.0), 2.0, (0.12, 0.4),
    ),
)  # fmt: skip

# The kernel's constants, made from a Pipe and the sample rate; AMPLITUDES are HARMONICS numbers.
(
    LEVEL, BREATH_LEVEL, SWELL, CHIFF, CHIFF_RATE, ATTACK_FACTOR, FRAMES_PER_MS, RELEASE_RATE, SCOOP_LOW, SCOOP_SPAN,
    SCOOP_FRAMES, FALL, FALL_FRAMES, VIBRATO_SLOW, VIBRATO_RISE, VIBRATO_LOW, VIBRATO_SPAN, TREMOLO, GLIDE_LOW,
    GLIDE_SPAN, A4, OCTAVE_MAX, SECOND, JITTER_STEP, SWAY_STEP, POSITION_STEP, FADE_RATE, FORCE_RATE, TONGUE_FRAMES,
    VIBRATO_AFTER, LONG_FRAMES, LEGATO_FRAMES, CHORD_FRAMES, AMPLITUDES,
) = range(34)  # fmt: skip
END = AMPLITUDES + HARMONICS


def constants(pipe: Pipe, sample_rate: int) -> NDArray[np.float32]:
    """The kernel's constants of a pipe, (END,) float32."""
    fs = float(sample_rate)
    harmonics = 10.0 ** (np.array(pipe.harmonics_db) / 20.0)
    fall_db = SOFT_DB * (1.0 - TYPICAL_VELOCITY) * np.arange(HARMONICS)
    tone = math.sqrt(0.5 * float(np.sum((harmonics * 10.0 ** (-fall_db / 20.0)) ** 2)))
    p = np.zeros(END)
    p[LEVEL] = 10.0 ** (pipe.level_db / 20.0)
    p[BREATH_LEVEL] = tone * 10.0 ** (pipe.breath_db / 20.0) * TYPICAL_VELOCITY ** (TONE_EXPONENT - BREATH_EXPONENT)
    p[SWELL], p[CHIFF] = pipe.swell_db / 20.0 * math.log2(10.0), pipe.chiff_db / 20.0 * math.log2(10.0)
    p[CHIFF_RATE] = 1.0 / (CHIFF_S * fs * math.log(2.0))
    p[ATTACK_FACTOR], p[FRAMES_PER_MS] = pipe.attack_factor, fs / 1000.0
    p[RELEASE_RATE] = SIXTY_DB / (pipe.release_s * fs)
    p[SCOOP_LOW], p[SCOOP_SPAN] = _from_to(pipe.scoop_cents, 1200.0)
    p[SCOOP_FRAMES] = pipe.scoop_s * fs
    p[FALL], p[FALL_FRAMES] = pipe.fall_cents / 1200.0, pipe.release_s * fs
    p[VIBRATO_SLOW], p[VIBRATO_RISE] = _from_to(pipe.vibrato_hz, fs)
    p[VIBRATO_LOW], p[VIBRATO_SPAN] = _from_to(pipe.vibrato_cents, 1200.0)
    p[TREMOLO] = 10.0 ** (0.5 * pipe.tremolo_db / 20.0) - 1.0
    p[GLIDE_LOW], p[GLIDE_SPAN] = _from_to(pipe.glide_s, 1.0 / fs)
    p[A4], p[OCTAVE_MAX] = math.log2(440.0 / fs), math.log2(NYQUIST_MARGIN)
    p[SECOND] = 1.0 / fs
    for step, seconds in ((JITTER_STEP, JITTER_S), (SWAY_STEP, SWAY_S), (POSITION_STEP, POSITION_S)):
        p[step] = QUANTUM / (fs * seconds)
    p[FADE_RATE] = NINETY_PERCENT / (VIBRATO_FADE_S * fs)
    p[FORCE_RATE] = 1.0 / (FORCE_S * fs * math.log(2.0))
    for frames, seconds in (
        (TONGUE_FRAMES, TONGUE_S), (VIBRATO_AFTER, VIBRATO_AFTER_S), (LONG_FRAMES, LONG_S), (LEGATO_FRAMES, LEGATO_S),
        (CHORD_FRAMES, CHORD_S),
    ):  # fmt: skip
        p[frames] = seconds * fs
    p[AMPLITUDES:] = harmonics
    return p.astype(np.float32)


def _from_to(pair: tuple[float, float], unit: float) -> tuple[float, float]:
    """The lower end of a range and how much is above it, in another unit."""
    return pair[0] / unit, (pair[1] - pair[0]) / unit
