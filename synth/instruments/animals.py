"""Crickets and birds, far off. All of them are sines whose pitch and level are drawn anew at every quantum's edge.

A cricket rubs its wings a few times a chirp and chirps on for a while, more often the warmer it is. A bird has
syllables of its own, sweeps and trills, which it strings into phrases, some of them sung with both halves of its syrinx
at once (after Farnell, Designing Sound, 2010, chapters 50 and 51). Distance takes away the treble.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.sine import exp2, sine
from synth.instruments.base import QUANTUM
from synth.instruments.chance import Chance, either, uniform
from synth.instruments.drops import OTHER
from synth.instruments.scenes import Birds, Crickets, Scene
from synth.units import db_to_gain

Floats = NDArray[np.float32]

LANES, MOST = 16, 8  # sines and animals at most
BIRDS, SYLLABLES = 5, 4
SECOND_VOICE, HARMONIC = BIRDS, 2 * BIRDS  # first lanes of a bird's other sines

# Rows of what sounds, (ROWS, LANES), and of the animals behind it: time within a stage and its length in s, how many
# chirps or syllables are left, which syllable or how many pulses, its bend and level.
PHASE, STEP, RAMP, LEFT, RIGHT, LEFT_RAMP, RIGHT_RAMP, HEARD_LEFT, HEARD_RIGHT = range(9)
PLACE, LENGTH, TO_GO, WHAT, BEND, LEVEL, SINGS, ROWS = range(9, 17)
# Rows of what each animal is like, (LIKE, LANES), levels with its place in them; the last one is for all.
HZ, GAIN_LEFT, GAIN_RIGHT, FAR_HZ, RATE_HZ, PULSE_HZ, ALL, LIKE = range(8)
KIND, COUNT, SECOND, QUANTUM_S, REST_LOW_S, REST_MORE_S = range(6)
CRICKETS, BIRDSONG = 1.0, 2.0
# Columns of a bird's syllable: its length and the gap after it in s, pitches over the bird's own, trill, other voice.
LENGTH_S, GAP_S, FROM, TO, BOW, TRILL_HZ, TRILL_DEPTH, TRILL_LEVEL, OTHER_RATIO, SYLLABLE = range(10)

ZERO, HALF, ONE, TWO, FOUR = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0, 4.0))
SILENT = np.float32(1e-7)
INVERSE_QUANTUM = np.float32(1.0 / QUANTUM)
HIGHEST = np.float32(0.45)  # cycles a sample
PITCH_BRIGHTNESS = np.float32(0.08)  # octaves an octave: brighter animals are smaller ones
FAR_BRIGHTNESS = np.float32(0.6)
MIDDLE = 0.125  # cycles from one side

PULSES_LEAST, PULSES_MORE, PULSE_SHARE = np.float32(3.0), np.float32(3.0), np.float32(0.62)
PULSE_FALL, PULSE_SOFT, PULSE_GROWTH = np.float32(0.015), np.float32(0.5), np.float32(0.1)
CHIRPS_LEAST, CHIRPS_MORE, CHIRP_SPREAD = np.float32(12.0), np.float32(40.0), np.float32(0.12)

SYLLABLES_LEAST, SYLLABLES_MORE = np.float32(3.0), np.float32(6.0)
ANOTHER = np.float32(0.35)  # how often a syllable is followed by one of another kind
PITCH_SPREAD, LENGTH_SPREAD = np.float32(0.01), np.float32(0.1)
SOFTEST = np.float32(0.5)  # phrase
HARMONIC_GAIN, OTHER_GAIN = np.float32(0.1), np.float32(0.5)


class Animals:
    """What the kernels here are given of a scene: `lanes`, `like` and `songs`."""

    def __init__(self, scene: Scene, sample_rate: int, draw: random.Random) -> None:
        self.lanes, self.like = aligned((ROWS, LANES)), aligned((LIKE, LANES))
        self.songs = np.zeros((BIRDS, SYLLABLES, SYLLABLE), np.float32)
        animals = scene.animals
        if animals is None:
            return
        kind = BIRDSONG if isinstance(animals, Birds) else CRICKETS
        self.like[ALL, :6] = (
            kind, animals.number, sample_rate, QUANTUM / sample_rate, animals.rest_low_s,
            animals.rest_high_s - animals.rest_low_s,
        )  # fmt: skip
        for a in range(animals.number):
            self._settle(a, animals, draw, db_to_gain(scene.level_db + animals.level_db))
        if isinstance(animals, Birds):
            for bird in range(animals.number):
                self.songs[bird] = [_syllable(draw) for _ in range(SYLLABLES)]

    def _settle(self, a: int, animals: Crickets | Birds, draw: random.Random, gain: float) -> None:
        """Give animal `a` its pitch, its pace and its place."""
        like, between = self.like, (a + draw.random()) / animals.number
        like[HZ, a] = animals.low_hz * (animals.high_hz / animals.low_hz) ** between
        gain *= db_to_gain(-animals.depth_db * draw.random())
        side = MIDDLE * draw.uniform(0.1, 0.75)
        near, far = gain * math.cos(2.0 * math.pi * side), gain * math.sin(2.0 * math.pi * side)
        like[GAIN_LEFT, a], like[GAIN_RIGHT, a] = (near, far) if a % 2 else (far, near)
        like[FAR_HZ, a] = animals.far_hz * draw.uniform(0.8, 1.25)
        if isinstance(animals, Crickets):
            like[RATE_HZ, a] = draw.uniform(animals.chirps_low_hz, animals.chirps_high_hz)
            like[PULSE_HZ, a] = draw.uniform(animals.pulses_low_hz, animals.pulses_high_hz)
        self.lanes[LENGTH, a] = draw.uniform(0.5, 0.6 * animals.rest_high_s)


def _syllable(draw: random.Random) -> list[float]:
    """A syllable of 40 to 200 ms: a sweep of up to 20 % either way, straight or bowed, one in three with a trill, one
    in four in two voices."""
    centre = draw.uniform(0.85, 1.15)
    sweep = draw.uniform(-0.2, 0.2)
    trill = draw.random() < 1.0 / 3.0
    return [
        0.04 * 5.0 ** draw.random(),
        draw.uniform(0.03, 0.12),
        centre * (1.0 - 0.5 * sweep),
        centre * (1.0 + 0.5 * sweep),
        centre * draw.uniform(-0.1, 0.1),
        draw.uniform(15.0, 40.0) if trill else 0.0,
        draw.uniform(0.02, 0.06) if trill else 0.0,
        draw.uniform(0.2, 0.7) if trill else 0.0,
        draw.uniform(1.01, 1.5) if draw.random() < 0.25 else 0.0,
    ]


@kernel
def sing(
    s: Floats, like: Floats, songs: Floats, x: Floats, bands: int, chance: Chance, speed: np.float32, bright: np.float32
) -> None:
    """A quantum of all animals into the lanes of noise `x`."""
    count = int(like[ALL, COUNT])
    if count == 0:
        return
    for v in range(LANES):
        s[STEP, v] += s[RAMP, v] * np.float32(QUANTUM)
        s[LEFT, v] += s[LEFT_RAMP, v] * np.float32(QUANTUM)
        s[RIGHT, v] += s[RIGHT_RAMP, v] * np.float32(QUANTUM)
        if s[LEFT, v] + s[RIGHT, v] < SILENT:
            s[LEFT, v], s[RIGHT, v] = ZERO, ZERO
        s[RAMP, v] = ZERO
        s[LEFT_RAMP, v] = -s[LEFT, v] * INVERSE_QUANTUM
        s[RIGHT_RAMP, v] = -s[RIGHT, v] * INVERSE_QUANTUM
    smaller, farther = exp2(PITCH_BRIGHTNESS * bright), exp2(FAR_BRIGHTNESS * bright)
    heard = False
    for a in range(count):
        if like[ALL, KIND] == np.float32(CRICKETS):
            hz, level = _chirp(s, like, a, chance, speed)
            other = ZERO
        else:
            hz, level, other = _song(s, like, songs, a, chance, speed)
        hz *= smaller
        far_hz = like[FAR_HZ, a] * farther
        if level > ZERO or s[LEFT, a] + s[RIGHT, a] > ZERO:
            heard = True
        _tune(s, like, a, a, hz, level, far_hz)
        if like[ALL, KIND] == np.float32(BIRDSONG):
            _tune(s, like, a, SECOND_VOICE + a, hz * max(other, ONE), OTHER_GAIN * level if other else ZERO, far_hz)
            _tune(s, like, a, HARMONIC + a, TWO * hz, HARMONIC_GAIN * level, far_hz)
    if heard:
        _sines(s, x, bands)


@kernel
def _tune(s: Floats, like: Floats, a: int, v: int, hz: np.float32, level: np.float32, far_hz: np.float32) -> None:
    """Lead sine `v` of animal `a` to `hz` and `level` at the quantum's end."""
    step = min(hz / like[ALL, SECOND], HIGHEST)
    if level > ZERO:
        if s[LEFT, v] + s[RIGHT, v] == ZERO:
            s[STEP, v] = step
        s[RAMP, v] = (step - s[STEP, v]) * INVERSE_QUANTUM
    ratio = hz / far_hz
    level /= np.sqrt(ONE + ratio * ratio)
    s[LEFT_RAMP, v] = (level * like[GAIN_LEFT, a] - s[LEFT, v]) * INVERSE_QUANTUM
    s[RIGHT_RAMP, v] = (level * like[GAIN_RIGHT, a] - s[RIGHT, v]) * INVERSE_QUANTUM


@kernel
def _chirp(s: Floats, like: Floats, a: int, chance: Chance, speed: np.float32) -> tuple[np.float32, np.float32]:
    """(hz, level) of cricket `a` at the quantum's end."""
    s[PLACE, a] += like[ALL, QUANTUM_S] * speed
    if s[PLACE, a] >= s[LENGTH, a]:
        s[PLACE, a] -= s[LENGTH, a]
        s[TO_GO, a] -= ONE
        if s[TO_GO, a] < ZERO:
            s[TO_GO, a] = np.floor(CHIRPS_LEAST + CHIRPS_MORE * uniform(chance))
            s[LENGTH, a] = like[ALL, REST_LOW_S] + like[ALL, REST_MORE_S] * uniform(chance)
            s[WHAT, a] = ZERO
        else:
            s[LENGTH, a] = (ONE + CHIRP_SPREAD * either(chance)) / like[RATE_HZ, a]
            s[WHAT, a] = np.floor(PULSES_LEAST + min(PULSES_MORE * uniform(chance), TWO))
    pulse = s[PLACE, a] * like[PULSE_HZ, a]
    count = np.floor(pulse)
    share = (pulse - count) / PULSE_SHARE
    if count >= s[WHAT, a] or share >= ONE:
        return like[HZ, a], ZERO
    height = sine(HALF * share)
    return like[HZ, a] * (ONE - PULSE_FALL * share), height * height * (PULSE_SOFT + PULSE_GROWTH * (count + ONE))


@kernel
def _song(
    s: Floats, like: Floats, songs: Floats, a: int, chance: Chance, speed: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """(hz, level, ratio of the other voice) of bird `a` at the quantum's end."""
    rests = s[SINGS, a] == ZERO and s[TO_GO, a] == ZERO
    s[PLACE, a] += like[ALL, QUANTUM_S] * (speed if rests else ONE)
    if s[PLACE, a] >= s[LENGTH, a]:
        s[PLACE, a] = ZERO
        if s[SINGS, a] > ZERO:
            s[SINGS, a] = ZERO
            s[TO_GO, a] -= ONE
            what = int(s[WHAT, a])
            s[LENGTH, a] = songs[a, what, GAP_S] * (ONE + LENGTH_SPREAD * either(chance))
            if s[TO_GO, a] == ZERO:
                s[LENGTH, a] = like[ALL, REST_LOW_S] + like[ALL, REST_MORE_S] * uniform(chance)
        else:
            if rests:
                s[TO_GO, a] = np.floor(SYLLABLES_LEAST + min(SYLLABLES_MORE * uniform(chance), SYLLABLES_MORE - ONE))
                s[LEVEL, a] = SOFTEST + (ONE - SOFTEST) * uniform(chance)
            if rests or uniform(chance) < ANOTHER:
                s[WHAT, a] = min(np.floor(FOUR * uniform(chance)), FOUR - ONE)
            s[SINGS, a] = ONE
            s[BEND, a] = ONE + PITCH_SPREAD * either(chance)
            what = int(s[WHAT, a])
            s[LENGTH, a] = songs[a, what, LENGTH_S] * (ONE + LENGTH_SPREAD * either(chance))
    what = int(s[WHAT, a])
    if s[SINGS, a] == ZERO:
        return like[HZ, a], ZERO, ZERO
    share = s[PLACE, a] / s[LENGTH, a]
    turn = songs[a, what, TRILL_HZ] * s[PLACE, a]
    trill = sine(turn - np.floor(turn))
    ratio = songs[a, what, FROM] + share * (songs[a, what, TO] - songs[a, what, FROM])
    ratio += songs[a, what, BOW] * FOUR * share * (ONE - share)
    hz = like[HZ, a] * s[BEND, a] * ratio * (ONE + songs[a, what, TRILL_DEPTH] * trill)
    level = s[LEVEL, a] * sine(HALF * share) * (ONE - songs[a, what, TRILL_LEVEL] * (HALF - HALF * trill))
    return hz, level, songs[a, what, OTHER_RATIO]


@kernel
def _sines(s: Floats, x: Floats, bands: int) -> None:
    for n in range(QUANTUM):
        t = np.float32(n)
        for v in range(2 * bands):
            phase = s[PHASE, v] + s[STEP, v] + t * s[RAMP, v]
            phase -= np.floor(phase)
            s[PHASE, v] = phase
            y = sine(phase)
            s[HEARD_LEFT, v] = y * (s[LEFT, v] + t * s[LEFT_RAMP, v])
            s[HEARD_RIGHT, v] = y * (s[RIGHT, v] + t * s[RIGHT_RAMP, v])
        for b in range(bands):
            x[n, b] += s[HEARD_LEFT, b] + s[HEARD_LEFT, b + 8]
            x[n, OTHER + b] += s[HEARD_RIGHT, b] + s[HEARD_RIGHT, b + 8]
