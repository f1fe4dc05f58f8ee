"""The voices of a subtractive instrument: how their state lies in memory, and what notes make of it.

State is a flat float32 array, one field of VOICES numbers after the other, and an int64 one. Sounding voices are kept
in the lowest columns, so that silent ones cost nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.envelope import LOG2_E, NINETY_PERCENT, SIXTY_DB, velocity_gain
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, unipolar, walk, xorshift32
from synth.dsp.sine import cosine, exp2, raised, sine
from synth.dsp.steps import POINTS
from synth.dsp.wavetable import CYCLE, MASK, ROWS_PER_OCTAVE
from synth.instruments import voicing as V
from synth.instruments.base import NOTE_ID, PITCH, QUANTUM, SECONDS, VARIATION, VELOCITY, Events

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

VOICES = 32
LINE = QUANTUM + POINTS  # of a voice's wave: a quantum, and what saws write ahead
RIGHT_AT = VOICES * LINE  # in `waves`: left lines, then right ones

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
A4, SEMITONE, C4_BELOW_A4 = np.float32(69.0), np.float32(1.0 / 12.0), np.float32(0.75)
HIGHEST, HIGHEST_OCTAVE = np.float32(127.0), np.float32(math.log2(0.45))
AUDIBLE = np.float32(1e-5)  # a released voice under this level is freed
SETTLED = np.float32(0.9)  # share of its peak at which an attack gives way to the sustain
SWIM = np.float32(0.06)  # octaves that drift and vibrato may add to a pitch
DETUNE_FALL = np.float32(-0.7)  # exponent of frequency: near enough to hertz kept
HIGH_FALL = np.float32(-0.5)  # exponent of two an octave above C6: -3 dB
OPEN_RELEASED = np.float32(0.4)

# Float fields, as offsets.
(
    ENV_1, ENV_2, TARGET, RATE, OPEN, OPEN_TARGET, OPEN_RATE, LOUDNESS, PEAK, OCTAVE, DETUNE, TOUCH, KEY_CORNER, CORNER,
    SLIDE_FROM, SLIDE_TO, SLID, SLIDE_FRAMES,
    WALK_PITCH, WALK_LEVEL, WALK_CORNER, WALK_DETUNE, VIBRATO_PHASE, VIBRATO_PHASE_1, VIBRATO_PHASE_2,
    VIBRATO_STEP, VIBRATO_STEP_1, VIBRATO_STEP_2, SWAY_0, SWAY_1, SWAY_2, PAN_LEFT, PAN_RIGHT, FREQUENCY,
    G, A1, A2, GAIN, RAMP_G, RAMP_A1, RAMP_A2, RAMP_GAIN, NEW_G, NEW_A1, NEW_A2, NEW_GAIN,
    LEFT_1, LEFT_2, LEFT_3, LEFT_4, RIGHT_1, RIGHT_2, RIGHT_3, RIGHT_4, FLOAT_END,
) = range(0, 55 * VOICES, VOICES)  # fmt: skip

# Integer fields, as offsets; COUNT and PANNED are single numbers.
(
    NOTE, STAGE, ROW, PHASE_0, PHASE_1, PHASE_2, PHASE_3, PHASE_4, PHASE_5, RANDOM, COUNT, PANNED, INTEGER_END,
) = range(0, 13 * VOICES, VOICES)  # fmt: skip
ATTACKING, SUSTAINING, RELEASED = 0, 1, 2


@kernel
def retire(s: Floats, i: Integers, waves: Floats) -> None:
    """Free the voices that have died away; the last voice moves into the gap."""
    v = 0
    while v < i[COUNT]:
        if i[STAGE + v] != RELEASED or s[ENV_2 + v] > AUDIBLE:
            v += 1
            continue
        last = i[COUNT] - 1
        i[COUNT] = last
        for field in range(0, FLOAT_END, VOICES):
            s[field + v] = s[field + last]
            s[field + last] = ZERO
        for field in range(0, COUNT, VOICES):
            i[field + v] = i[field + last]
        for n in range(LINE):
            for at in range(0, 2 * RIGHT_AT, RIGHT_AT):
                waves[at + v * LINE + n] = waves[at + last * LINE + n]
                waves[at + last * LINE + n] = ZERO


@kernel
def advance(s: Floats, i: Integers, p: Floats) -> None:
    """Once a quantum: attacks that have arrived go on to their sustain, and each walk takes a step."""
    for v in range(i[COUNT]):
        if i[STAGE + v] == ATTACKING and s[ENV_2 + v] > SETTLED * s[PEAK + v]:
            i[STAGE + v] = SUSTAINING
            s[TARGET + v] = s[PEAK + v] * p[V.SUSTAIN]
            s[RATE + v] = p[V.DECAY_RATE]
        random = np.uint32(i[RANDOM + v])
        for field in range(WALK_PITCH, WALK_DETUNE + 1, VOICES):
            random = xorshift32(random)
            s[field + v] = walk(s[field + v], p[V.WALK_STEP], bipolar(random))
        i[RANDOM + v] = np.int64(random)


@kernel
def _choose(s: Floats, i: Integers, octave: np.float32) -> int:
    """The voice for a new note: one that has its pitch, a free one, or else the quietest, released ones first."""
    for v in range(i[COUNT]):
        if s[OCTAVE + v] == octave:
            return v
    if i[COUNT] < VOICES:
        return i[COUNT]
    chosen, quietest = 0, np.float32(np.inf)
    for v in range(VOICES):
        level = s[ENV_2 + v] if i[STAGE + v] == RELEASED else s[ENV_2 + v] + TWO
        if level < quietest:
            chosen, quietest = v, level
    return chosen


@kernel
def _octave(p: Floats, pitch: np.float64) -> np.float32:
    """log2 of a note's frequency over the sample rate, held to what can be played."""
    held = min(max(np.float32(pitch), ZERO), HIGHEST)
    return min(p[V.A4] + (held - A4) * SEMITONE, HIGHEST_OCTAVE)


@kernel
def _tune(s: Floats, i: Integers, p: Floats, v: int, octave: np.float32, rows: int) -> None:
    """Give a voice a pitch, and all that goes with it."""
    above_c4 = octave - p[V.A4] + C4_BELOW_A4
    row = int(np.ceil(np.float32(ROWS_PER_OCTAVE) * (octave + SWIM - p[V.BASE])))
    i[ROW + v] = min(max(row, 0), rows - 1)
    s[OCTAVE + v] = octave
    s[PEAK + v] = s[LOUDNESS + v] * exp2(HIGH_FALL * max(above_c4 - TWO, ZERO))
    if i[STAGE + v] != RELEASED:
        s[TARGET + v] = s[PEAK + v] * (ONE if i[STAGE + v] == ATTACKING else p[V.SUSTAIN])
    s[DETUNE + v] = p[V.DETUNE] * exp2(DETUNE_FALL * above_c4)
    s[KEY_CORNER + v] = s[TOUCH + v] + p[V.TRACKING] * above_c4


@kernel
def note_on(
    s: Floats, i: Integers, p: Floats, events: Events, event: np.int64, attack_ms: np.float32, seed: int, rows: int
) -> None:
    """Start a note. A sounding voice is taken over as it is: level, phases and filter go on, so nothing clicks."""
    velocity = min(max(np.float32(events[event, VELOCITY]), ZERO), ONE)
    octave = _octave(p, events[event, PITCH])
    v = _choose(s, i, octave)
    new = v == i[COUNT]

    i[NOTE + v] = np.int64(events[event, NOTE_ID])
    i[STAGE + v] = ATTACKING
    s[LOUDNESS + v] = velocity_gain(velocity)
    s[TOUCH + v] = p[V.CORNER] + p[V.VELOCITY] * (velocity - HALF)
    s[SLIDE_FRAMES + v] = ZERO
    _tune(s, i, p, v, octave, rows)
    attack = min(max(attack_ms * p[V.ATTACK_FRAMES_PER_MS], p[V.ATTACK_LOW]), p[V.ATTACK_HIGH])
    s[RATE + v] = np.float32(NINETY_PERCENT) / attack
    s[OPEN_TARGET + v] = ONE
    s[OPEN_RATE + v] = LOG2_E / (HALF * attack + p[V.OPEN_LAG])
    if not new:
        return

    i[COUNT] = v + 1
    variation = np.int64(events[event, VARIATION] * CYCLE)
    random = np.uint32(((seed ^ variation) & MASK) | 1)
    for field in range(PHASE_0, PHASE_5 + 1, VOICES):
        for _ in range(3):
            random = xorshift32(random)
        i[field + v] = np.int64(random)
    for field in range(WALK_PITCH, WALK_DETUNE + 1, VOICES):
        random = xorshift32(random)
        s[field + v] = UNIFORM_SPREAD * bipolar(random)
    for field in range(v, 3 * VOICES, VOICES):
        random = xorshift32(random)
        s[VIBRATO_PHASE + field] = unipolar(random)
        random = xorshift32(random)
        s[VIBRATO_STEP + field] = (np.float32(4.5) + np.float32(1.5) * unipolar(random)) * p[V.SECOND]
    i[RANDOM + v] = np.int64(random)

    side = ONE if i[PANNED] % 2 == 0 else -ONE
    i[PANNED] += 1
    pan = side * p[V.PAN] * min(max(octave - p[V.PAN_LOW], ZERO), ONE)
    turn = (ONE + pan) * np.float32(0.125)
    s[PAN_LEFT + v] = p[V.LEVEL] * cosine(turn)
    s[PAN_RIGHT + v] = p[V.LEVEL] * sine(turn)
    s[ENV_1 + v] = ZERO
    s[ENV_2 + v] = ZERO
    s[OPEN + v] = ZERO
    s[CORNER + v] = s[KEY_CORNER + v]
    s[A1 + v] = ZERO
    s[GAIN + v] = ZERO


@kernel
def note_off(s: Floats, i: Integers, p: Floats, note_id: np.float64) -> None:
    for v in range(i[COUNT]):
        if i[NOTE + v] == np.int64(note_id) and i[STAGE + v] != RELEASED:
            i[STAGE + v] = RELEASED
            s[TARGET + v] = ZERO
            s[RATE + v] = p[V.RELEASE_RATE]
            s[OPEN_TARGET + v] = OPEN_RELEASED
            s[OPEN_RATE + v] = p[V.RELEASE_RATE] * np.float32(LOG2_E / SIXTY_DB)


@kernel
def slide_on(s: Floats, i: Integers, p: Floats, events: Events, event: np.int64) -> None:
    """A sounding note sets out for another pitch."""
    for v in range(i[COUNT]):
        if i[NOTE + v] == np.int64(events[event, NOTE_ID]):
            s[SLIDE_FROM + v] = s[OCTAVE + v]
            s[SLIDE_TO + v] = _octave(p, events[event, PITCH])
            s[SLID + v] = ZERO
            s[SLIDE_FRAMES + v] = max(np.float32(events[event, SECONDS]) / p[V.SECOND], ONE)


@kernel
def sliding(s: Floats, i: Integers) -> bool:
    """Whether any voice is on its way to another pitch."""
    for v in range(i[COUNT]):
        if s[SLIDE_FRAMES + v] > ZERO:
            return True
    return False


@kernel
def slide(s: Floats, i: Integers, p: Floats, frames: np.float32, rows: int) -> None:
    """Voices on their way go on by `frames`, along a raised cosine; they arrive exactly."""
    for v in range(i[COUNT]):
        if s[SLIDE_FRAMES + v] == ZERO:
            continue
        s[SLID + v] += frames
        octave = s[SLIDE_TO + v]
        if s[SLID + v] < s[SLIDE_FRAMES + v]:
            share = np.float32(raised(s[SLID + v] / s[SLIDE_FRAMES + v]))
            octave = s[SLIDE_FROM + v] + (octave - s[SLIDE_FROM + v]) * share
        else:
            s[SLIDE_FRAMES + v] = ZERO
        _tune(s, i, p, v, octave, rows)
