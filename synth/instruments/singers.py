"""The singers of a choir: how their state lies in memory, and what notes make of it.

A note is sung by SEATS singers, each with a voice of its own: a little out of tune, with a vibrato and a walk of pitch
and level nobody else has, from its own place, a moment earlier or later than the next. State is a flat float32 array,
one field of SINGERS numbers after the other, and an int64 one; who sings is in the lowest columns.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.envelope import NINETY_PERCENT, two_pole, velocity_gain
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, unipolar, walk, xorshift32
from synth.dsp.sine import cosine, exp2, raised, sine
from synth.dsp.wavetable import CYCLE, MASK
from synth.instruments.base import NOTE_ID, PITCH, SECONDS, VARIATION, VELOCITY, Events

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

SEATS = 6
SINGERS = 16 * SEATS
PARTS = 4  # bass, tenor, alto, soprano

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
A4, SEMITONE, ABOVE_C6 = np.float32(69.0), np.float32(1.0 / 12.0), np.float32(1.25)
LOWEST, HIGHEST, HIGHEST_OCTAVE = np.float32(24.0), np.float32(108.0), np.float32(math.log2(0.45))
BASS_TO, TENOR_TO, ALTO_TO = np.float32(53.5), np.float32(60.5), np.float32(67.5)  # notes sung by half of either part
RULER = (0, 1, 4, 10, 12, 17)  # seats' places in tune: Golomb's ruler, so that no two pairs beat as fast
OUT_OF_TUNE = tuple(np.float32((mark - sum(RULER) / SEATS) / (0.5 * RULER[-1])) for mark in RULER)
PLACES = (2, 5, 0, 4, 1, 3)  # from left to right: neighbours in tune are not neighbours in place
MIDDLE_SEAT = np.float32(0.5 * (SEATS - 1))
HIGH_FALL = np.float32(-0.5)  # exponent of two an octave above C6: -3 dB
AUDIBLE = np.float32(1e-5)  # a singer who has ended is gone under this level
OWN_LEVEL, LEVEL_DRIFT = np.float32(0.12), np.float32(0.06)

# Constants of a choir, as offsets.
(
    LEVEL, A4_OCTAVE, PAN_LOW, ATTACK_FRAMES_PER_MS, ATTACK_LOW, ATTACK_HIGH, RELEASE_RATE, SPREAD, SPREAD_MORE,
    TUNING, DRIFT, DRIFT_STEP, LEVEL_STEP, VIBRATO, VIBRATO_IN, SECOND, PAN, CONSTANTS,
) = range(18)  # fmt: skip

# Float fields, as offsets.
(
    ENV_1, ENV_2, TARGET, RATE, WAIT, NEXT_TARGET, NEXT_RATE, LOUDNESS, OPEN, OCTAVE, OFFSET,
    SLIDE_FROM, SLIDE_TO, SLID, SLIDE_FRAMES,
    WALK_PITCH, WALK_LEVEL, VIBRATO_PHASE, VIBRATO_STEP, PAN_LEFT, PAN_RIGHT, FREQUENCY, SUNG,
    GAIN_LEFT, GAIN_RIGHT, FLOAT_END,
) = range(0, 26 * SINGERS, SINGERS)  # fmt: skip

# Integer fields, as offsets; COUNT and NOTES are single numbers.
NOTE, ENDED, SEAT, PART, PHASE, RANDOM, COUNT, NOTES, INTEGER_END = range(0, 9 * SINGERS, SINGERS)


@kernel
def retire(s: Floats, i: Integers) -> None:
    """Those whose note has died away go; the last one moves into the gap."""
    v = 0
    while v < i[COUNT]:
        if i[ENDED + v] == 0 or s[WAIT + v] > ZERO or s[ENV_2 + v] > AUDIBLE:
            v += 1
            continue
        last = i[COUNT] - 1
        i[COUNT] = last
        for field in range(0, FLOAT_END, SINGERS):
            s[field + v] = s[field + last]
            s[field + last] = ZERO
        for field in range(0, COUNT, SINGERS):
            i[field + v] = i[field + last]


@kernel
def wander(s: Floats, i: Integers, p: Floats) -> None:
    """Once a quantum, each walk takes a step."""
    for v in range(i[COUNT]):
        random = xorshift32(np.uint32(i[RANDOM + v]))
        s[WALK_PITCH + v] = walk(s[WALK_PITCH + v], p[DRIFT_STEP], bipolar(random))
        random = xorshift32(random)
        s[WALK_LEVEL + v] = walk(s[WALK_LEVEL + v], p[LEVEL_STEP], bipolar(random))
        i[RANDOM + v] = np.int64(random)


@kernel
def _choose(s: Floats, i: Integers, octave: np.float32, seat: int) -> int:
    """Who sings in this seat: the one who sings it at this pitch, a new one, or else the quietest, ended ones first."""
    for v in range(i[COUNT]):
        if s[OCTAVE + v] == octave and i[SEAT + v] == seat:
            return v
    if i[COUNT] < SINGERS:
        return i[COUNT]
    chosen, quietest = 0, np.float32(np.inf)
    for v in range(SINGERS):
        level = s[ENV_2 + v] if i[ENDED + v] == 1 else s[ENV_2 + v] + TWO
        level += TWO + TWO if s[WAIT + v] > ZERO else ZERO  # not from the note that begins just now
        if level < quietest:
            chosen, quietest = v, level
    return chosen


@kernel
def _octave(p: Floats, pitch: np.float64) -> np.float32:
    """log2 of a note's frequency over the sample rate, held to what can be sung."""
    held = min(max(np.float32(pitch), LOWEST), HIGHEST)
    return min(p[A4_OCTAVE] + (held - A4) * SEMITONE, HIGHEST_OCTAVE)


@kernel
def note_on(
    s: Floats, i: Integers, p: Floats, events: Events, event: np.int64, attack_ms: np.float32, seed: int
) -> None:
    """Singers take their seats. Who sings already goes on from where the voice is, so nothing clicks."""
    velocity = min(max(np.float32(events[event, VELOCITY]), ZERO), ONE)
    octave = _octave(p, events[event, PITCH])
    attack = min(max(attack_ms * p[ATTACK_FRAMES_PER_MS], p[ATTACK_LOW]), p[ATTACK_HIGH])
    random = np.uint32(((seed ^ np.int64(events[event, VARIATION] * CYCLE)) & MASK) | 1)
    for _ in range(3):
        random = xorshift32(random)
    spread = p[SPREAD] + p[SPREAD_MORE] * unipolar(random)
    side = ONE if i[NOTES] % 2 == 0 else -ONE
    i[NOTES] += 1
    for seat in range(SEATS):
        v = _choose(s, i, octave, seat)
        random = xorshift32(random)
        i[NOTE + v] = np.int64(events[event, NOTE_ID])
        i[ENDED + v] = 0
        s[LOUDNESS + v] = velocity_gain(velocity) * exp2(HIGH_FALL * max(octave - p[A4_OCTAVE] - ABOVE_C6, ZERO))
        s[NEXT_TARGET + v] = s[LOUDNESS + v]
        s[NEXT_RATE + v] = np.float32(NINETY_PERCENT) / attack
        s[WAIT + v] = spread * unipolar(random)
        s[OCTAVE + v] = octave
        s[SLIDE_FRAMES + v] = ZERO
        if v == i[COUNT]:
            random = _sit_down(s, i, p, v, seat, side, random)


@kernel
def _sit_down(s: Floats, i: Integers, p: Floats, v: int, seat: int, side: np.float32, random: np.uint32) -> np.uint32:
    """A new singer: a part, a place and a voice."""
    i[COUNT] = v + 1
    i[SEAT + v] = seat
    lean = np.float32(seat) - MIDDLE_SEAT
    pitch = A4 + (s[OCTAVE + v] - p[A4_OCTAVE]) / SEMITONE + lean
    i[PART + v] = 0 if pitch < BASS_TO else 1 if pitch < TENOR_TO else 2 if pitch < ALTO_TO else 3
    random = xorshift32(random)
    i[PHASE + v] = np.int64(random)
    for field in range(WALK_PITCH, WALK_LEVEL + 1, SINGERS):
        random = xorshift32(random)
        s[field + v] = UNIFORM_SPREAD * bipolar(random)
    random = xorshift32(random)
    s[VIBRATO_PHASE + v] = unipolar(random)
    random = xorshift32(random)
    s[VIBRATO_STEP + v] = (np.float32(4.8) + np.float32(1.2) * unipolar(random)) * p[SECOND]
    i[RANDOM + v] = np.int64(random)
    turn = np.float32(PLACES[seat]) - MIDDLE_SEAT
    s[OFFSET + v] = p[TUNING] * OUT_OF_TUNE[seat]
    pan = side * p[PAN] * turn / MIDDLE_SEAT * min(max(s[OCTAVE + v] - p[PAN_LOW], ZERO), ONE)
    angle = (ONE + pan) * np.float32(0.125)
    level = p[LEVEL] * (ONE + OWN_LEVEL * s[WALK_LEVEL + v])
    s[PAN_LEFT + v] = level * cosine(angle)
    s[PAN_RIGHT + v] = level * sine(angle)
    for field in (ENV_1, ENV_2, TARGET, RATE, OPEN, GAIN_LEFT, GAIN_RIGHT):
        s[field + v] = ZERO
    return random


@kernel
def note_off(s: Floats, i: Integers, p: Floats, note_id: np.float64) -> None:
    """Singers of a note end it, each after a moment."""
    for v in range(i[COUNT]):
        if i[NOTE + v] == np.int64(note_id) and i[ENDED + v] == 0:
            i[ENDED + v] = 1
            random = xorshift32(np.uint32(i[RANDOM + v]))
            i[RANDOM + v] = np.int64(random)
            s[WAIT + v] = max(s[WAIT + v], p[SPREAD] * unipolar(random))
            s[NEXT_TARGET + v] = ZERO
            s[NEXT_RATE + v] = p[RELEASE_RATE]


@kernel
def slide_on(s: Floats, i: Integers, p: Floats, events: Events, event: np.int64) -> None:
    """A sounding note sets out for another pitch."""
    for v in range(i[COUNT]):
        if i[NOTE + v] == np.int64(events[event, NOTE_ID]):
            s[SLIDE_FROM + v] = s[OCTAVE + v]
            s[SLIDE_TO + v] = _octave(p, events[event, PITCH])
            s[SLID + v] = ZERO
            s[SLIDE_FRAMES + v] = max(np.float32(events[event, SECONDS]) / p[SECOND], ONE)


@kernel
def sliding(s: Floats, i: Integers) -> bool:
    """Whether any note is on its way to another pitch."""
    for v in range(i[COUNT]):
        if s[SLIDE_FRAMES + v] > ZERO:
            return True
    return False


@kernel
def slide(s: Floats, i: Integers, frames: np.float32) -> None:
    """Notes on their way go on by `frames`, along a raised cosine; they arrive exactly."""
    for v in range(i[COUNT]):
        if s[SLIDE_FRAMES + v] == ZERO:
            continue
        s[SLID + v] += frames
        s[OCTAVE + v] = s[SLIDE_TO + v]
        if s[SLID + v] < s[SLIDE_FRAMES + v]:
            left = ONE - np.float32(raised(s[SLID + v] / s[SLIDE_FRAMES + v]))
            s[OCTAVE + v] += left * (s[SLIDE_FROM + v] - s[SLIDE_TO + v])
        else:
            s[SLIDE_FRAMES + v] = ZERO


@kernel
def breathe(s: Floats, p: Floats, motion: np.float32, singers: int, frames: np.float32) -> None:
    """Level and frequency of each singer `frames` on."""
    settle = exp2(-frames * p[VIBRATO_IN])
    for v in range(singers):
        waits = s[WAIT + v] > ZERO
        target = s[TARGET + v] if waits else s[NEXT_TARGET + v]
        rate = s[RATE + v] if waits else s[NEXT_RATE + v]
        s[TARGET + v] = target
        s[RATE + v] = rate
        s[WAIT + v] = max(s[WAIT + v] - frames, ZERO)
        first, level = two_pole(s[ENV_1 + v], s[ENV_2 + v], target, frames * rate)
        s[ENV_1 + v] = first
        s[ENV_2 + v] = level
        s[SUNG + v] = level * (ONE + LEVEL_DRIFT * motion * s[WALK_LEVEL + v])
        s[OPEN + v] = ONE + (s[OPEN + v] - ONE) * settle
        phase = s[VIBRATO_PHASE + v] + frames * s[VIBRATO_STEP + v]
        phase = phase - np.floor(phase)
        s[VIBRATO_PHASE + v] = phase
        vibrato = p[VIBRATO] * s[OPEN + v] * sine(phase)
        drift = motion * (vibrato + p[DRIFT] * s[WALK_PITCH + v])
        s[FREQUENCY + v] = exp2(s[OCTAVE + v] + s[OFFSET + v] + drift)
