"""Voicings: what makes one subtractive instrument different from another, in the field's units and in the kernel's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.dsp.envelope import NINETY_PERCENT, SIXTY_DB
from synth.dsp.wavetable import BASE_HZ
from synth.instruments.base import QUANTUM

PAN_LOW_HZ = 110.0  # voices below are in the middle; an octave above, fully to their side
OPEN_LAG_S = 0.2  # the corner opens so much later than the level
GLIDE_S = 0.02  # in which the corner of a voice taken over goes to the new note's


class Voicing(NamedTuple):
    """What makes one subtractive instrument: times in s, levels in dB or linear, corners in Hz."""

    level_db: float  # of the whole instrument
    side: float  # gain of the outer oscillators; 0 leaves one, in the middle
    stereo: bool  # one of the outer oscillators left and one right, each side filtered on its own, steeply
    steep: bool  # 24 dB/octave rather than 12
    centre: float  # gain of the middle one
    pan: float  # voices go left and right in turn, 0 to 1
    detune_cents: float  # outer oscillators at C4
    attack_factor: float  # attack over the control's `attack_ms`...
    attack_low_s: float  # ...held between these
    attack_high_s: float
    decay_s: float
    sustain: float  # share of the peak
    release_s: float  # 60 dB
    corner_hz: float  # at C4, velocity 0.5, neutral brightness
    corner_max_hz: float
    tracking: float  # octaves of corner an octave of pitch
    velocity_oct: float  # octaves of corner over the velocity's range
    opening_oct: float  # how far the corner opens in the attack
    damping: float  # 1 / Q of both filter sections
    drift_cents: float  # standard deviation of the pitch's walk at the default motion
    drift_corner_cents: float
    drift_s: float  # correlation time of the walks
    vibrato_cents: float  # peak, at the default motion; each oscillator has its own
    players: int = 3  # oscillators a voice; 6 are for saws in stereo
    bow_db: float | None = None  # a body of bowed strings, and the noise of its bows re the tone; None: no body


# The kernel's constants, made from a Voicing and the sample rate.
(
    LEVEL, SIDE, CENTRE, PAN, DETUNE, ATTACK_FRAMES_PER_MS, ATTACK_LOW, ATTACK_HIGH, DECAY_RATE,
    SUSTAIN, RELEASE_RATE, CORNER, CORNER_MAX, TRACKING, VELOCITY, OPENING, DAMPING, DRIFT,
    DRIFT_CORNER, WALK_STEP, VIBRATO, OPEN_LAG, A4, BASE, PAN_LOW, GLIDE, SECOND, STEREO, STEEP, SAW,
    SIX, BOWED, END,
) = range(33)  # fmt: skip


def constants(v: Voicing, sample_rate: int) -> NDArray[np.float32]:
    """The kernel's constants of a voicing, (END,) float32."""
    fs = float(sample_rate)
    p = np.zeros(END)
    p[LEVEL] = 10.0 ** (v.level_db / 20.0)
    p[SIDE], p[CENTRE], p[PAN] = v.side, v.centre, v.pan
    p[DETUNE] = v.detune_cents / 1200.0 * math.log(2.0)
    p[ATTACK_FRAMES_PER_MS] = v.attack_factor * fs / 1000.0
    p[ATTACK_LOW], p[ATTACK_HIGH] = v.attack_low_s * fs, v.attack_high_s * fs
    p[DECAY_RATE] = NINETY_PERCENT / (v.decay_s * fs)
    p[SUSTAIN] = v.sustain
    p[RELEASE_RATE] = SIXTY_DB / (v.release_s * fs)
    p[CORNER], p[CORNER_MAX] = math.log2(v.corner_hz / fs), math.log2(v.corner_max_hz / fs)
    p[TRACKING], p[VELOCITY], p[OPENING] = v.tracking, v.velocity_oct, v.opening_oct
    p[DAMPING] = v.damping
    p[DRIFT] = v.drift_cents / 1200.0
    p[DRIFT_CORNER] = v.drift_corner_cents / 1200.0
    p[WALK_STEP] = QUANTUM / (fs * v.drift_s)
    p[VIBRATO] = v.vibrato_cents / 1200.0
    p[OPEN_LAG] = OPEN_LAG_S * fs
    p[A4], p[BASE] = math.log2(440.0 / fs), math.log2(BASE_HZ / fs)
    p[PAN_LOW] = math.log2(PAN_LOW_HZ / fs)
    p[GLIDE] = 1.0 / (GLIDE_S * fs)
    p[SECOND] = 1.0 / fs
    p[STEREO], p[STEEP] = v.stereo, v.steep
    p[SIX], p[BOWED] = v.players == 6, v.bow_db is not None
    return p.astype(np.float32)
