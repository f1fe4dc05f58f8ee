"""A polyphonic subtractive voice: three detuned wavetable oscillators, a 24 dB/octave low-pass, an ADSR, slow drift.

Pad and bass are two voicings of it. Each note's pitch, level and corner wander on their own (Ornstein-Uhlenbeck
walks, a step a quantum), so that no chord stands still. The outer oscillators are held apart in hertz rather than
cents above C4, or high chords would beat fast (Szabo, How to Emulate the Super Saw, KTH 2010).

State is a flat float32 array, one field of VOICES numbers after the other. Sounding voices are kept in the lowest
columns, so that silent ones cost nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import LOG2_E, NINETY_PERCENT, SIXTY_DB, two_pole, velocity_gain
from synth.dsp.fused import fma
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, unipolar, walk, xorshift32
from synth.dsp.pairs import add_lanes
from synth.dsp.sine import cosine, exp2, sine
from synth.dsp.steps import POINTS, residues, saws
from synth.dsp.svf import coefficients, prewarp, svf
from synth.dsp.wavetable import CYCLE, MASK, ROWS_PER_OCTAVE, Tables, Wave, oscillate, saw, tables, unison
from synth.instruments import voicing as V
from synth.instruments.base import (
    FRAME,
    KIND,
    NOTE_ID,
    OFF,
    ON,
    PITCH,
    QUANTUM,
    VARIATION,
    VELOCITY,
    Buffer,
    Edges,
    Events,
)
from synth.rng import stream_seed

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

VOICES = 32
LINE = QUANTUM + POINTS  # of a voice's wave: a quantum, and what saws write ahead
RIGHT_AT = VOICES * LINE  # in `waves`: left lines, then right ones
ALL_LANES, ROW_FRAMES = np.uint64(VOICES), np.uint64(QUANTUM)
LINE_FRAMES, SPILL = np.uint64(LINE), np.uint64(POINTS)

BRIGHTNESS, ATTACK, MOTION = COLUMN["brightness_oct"], COLUMN["attack_ms"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)

ZERO, HALF, ONE, TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0))
SEMITONE = np.float32(1.0 / 12.0)
MIDDLE_C, HIGHEST = np.float32(60.0), np.float32(127.0)
QUANTUM_FRAMES = np.float32(QUANTUM)
AUDIBLE = np.float32(1e-5)  # a released voice under this level is freed
SETTLED = np.float32(0.9)  # share of its peak at which an attack gives way to the sustain
SWIM = np.float32(0.06)  # octaves that drift and vibrato may add to a pitch
DETUNE_FALL = np.float32(-0.7)  # exponent of frequency: near enough to hertz kept
HIGH_FALL = np.float32(-0.5)  # exponent of two an octave above C6: -3 dB
OPEN_RELEASED = np.float32(0.4)
OUTER = np.float32(0.977)  # upper over lower detuning, so that the two beats never fall in step
MOTION_DEFAULT = np.float32(0.3)
LEVEL_DRIFT = np.float32(0.058)  # 0.5 dB
DETUNE_DRIFT = np.float32(0.35)
CORNER_LOW = np.float32(2e-4)  # cycles a sample

# Float fields, as offsets.
(
    ENV_1, ENV_2, TARGET, RATE, OPEN, OPEN_TARGET, OPEN_RATE, PEAK, OCTAVE, DETUNE, KEY_CORNER, CORNER,
    WALK_PITCH, WALK_LEVEL, WALK_CORNER, WALK_DETUNE, VIBRATO_PHASE, VIBRATO_STEP, PAN_LEFT, PAN_RIGHT, FREQUENCY,
    G, A1, A2, GAIN, RAMP_G, RAMP_A1, RAMP_A2, RAMP_GAIN, NEW_G, NEW_A1, NEW_A2, NEW_GAIN,
    LEFT_1, LEFT_2, LEFT_3, LEFT_4, RIGHT_1, RIGHT_2, RIGHT_3, RIGHT_4, FLOAT_END,
) = range(0, 42 * VOICES, VOICES)  # fmt: skip

# Integer fields, as offsets; COUNT and PANNED are single numbers.
NOTE, STAGE, ROW, PHASE_0, PHASE_1, PHASE_2, RANDOM, COUNT, PANNED, INTEGER_END = range(0, 10 * VOICES, VOICES)
ATTACKING, SUSTAINING, RELEASED = 0, 1, 2


def checked(name: str, value: float, low: float, high: float) -> float:
    """`value` itself, or ValueError when it is outside `low` to `high`."""
    if not low <= value <= high:
        raise ValueError(f"{name} = {value:g}: give {low:g} to {high:g}")
    return float(value)


class Subtractive:
    """An instrument of `VOICES` voices; meets `synth.instruments.base.Instrument`."""

    def __init__(self, sample_rate: int, seed: int, wave: Wave, voicing: V.Voicing) -> None:
        self._tables = tables(sample_rate, wave)
        self._constants = V.constants(voicing, sample_rate)
        self._constants[V.SAW] = wave is saw
        if voicing.side and not voicing.stereo and wave is not saw:
            raise ValueError("side: oscillators beside the middle one need stereo, or to be saws")
        self._seed = stream_seed(seed, "voices") & 0xFFFFFFFF
        self._floats = aligned((FLOAT_END,))
        self._integers = np.zeros(INTEGER_END, np.int64)
        self._waves = aligned((2 * RIGHT_AT,))
        self._filtered, self._spare = aligned((2 * VOICES * QUANTUM,)), aligned((2 * VOICES * QUANTUM,))

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out` (2, MAX_FRAMES), each event at its frame of the block."""
        _render(
            events, count, edges, quanta, out,
            self._floats, self._integers, self._waves, self._filtered, self._spare, self._tables, residues(),
            self._constants, self._seed,
        )  # fmt: skip

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
        return int(self._integers[COUNT])


@kernel
def _render(
    events: Events,
    count: int,
    edges: Edges,
    quanta: int,
    out: Buffer,
    s: Floats,
    i: Integers,
    waves: Floats,
    y: Floats,
    spare: Floats,
    tables: Tables,
    jumps: Floats,
    p: Floats,
    seed: int,
) -> None:
    event = np.int64(0)
    for q in range(quanta):
        frame = q * QUANTUM
        for n in range(frame, frame + QUANTUM):
            out[0, n] = ZERO
            out[1, n] = ZERO
        _retire(s, i, waves)
        _advance(s, i, p)
        start = np.int64(0)
        while start < QUANTUM:
            at = np.float32(start) / QUANTUM_FRAMES
            while event < count and events[event, FRAME] <= frame + start:
                if events[event, KIND] == ON:
                    _note_on(s, i, p, events, event, _at(edges, q, ATTACK, at), seed, tables.shape[0])
                elif events[event, KIND] == OFF:
                    _note_off(s, i, p, events[event, NOTE_ID])
                event += 1
            stop = np.int64(QUANTUM)
            if event < count and events[event, FRAME] < frame + QUANTUM:
                stop = np.int64(events[event, FRAME]) - frame
            if i[COUNT] > 0:
                at = np.float32(stop) / QUANTUM_FRAMES
                bright = (
                    _at(edges, q, BRIGHTNESS, at)
                    + CORNER_PER_DB * _at(edges, q, EXPRESSION_DB, at)
                    + CORNER_PER_BREATH * _at(edges, q, BREATH, at)
                )
                motion = _at(edges, q, MOTION, at) / MOTION_DEFAULT
                lanes = 8 if i[COUNT] <= 8 else 16 if i[COUNT] <= 16 else VOICES
                _control(s, p, bright, motion, lanes, np.float32(stop - start))
                _oscillators(s, i, p, motion, tables, jumps, waves, start, stop)
                if p[V.STEREO] == ONE:  # a kernel for each, for the compiler to know which
                    _filter(s, waves, y, lanes, start, stop, True, True)
                elif p[V.STEEP] == ONE:
                    _filter(s, waves, y, lanes, start, stop, False, True)
                else:
                    _filter(s, waves, y, lanes, start, stop, False, False)
                _arrive(s, lanes)
                add_lanes(y, spare, lanes, int(stop - start), out, frame + int(start))
            start = stop
        if p[V.SAW] == ONE:
            _next_quantum(waves, i[COUNT])


@kernel
def _at(edges: Edges, q: int, column: int, at: np.float32) -> np.float32:
    """A control between two quantum edges."""
    return edges[q, column] + at * (edges[q + 1, column] - edges[q, column])


@kernel
def _retire(s: Floats, i: Integers, waves: Floats) -> None:
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
def _advance(s: Floats, i: Integers, p: Floats) -> None:
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
def _note_on(
    s: Floats, i: Integers, p: Floats, events: Events, event: np.int64, attack_ms: np.float32, seed: int, rows: int
) -> None:
    """Start a note. A sounding voice is taken over as it is: level, phases and filter go on, so nothing clicks."""
    pitch = min(max(np.float32(events[event, PITCH]), ZERO), HIGHEST)
    velocity = min(max(np.float32(events[event, VELOCITY]), ZERO), ONE)
    above_c4 = (pitch - MIDDLE_C) * SEMITONE
    octave = p[V.A4] + (pitch - np.float32(69.0)) * SEMITONE
    v = _choose(s, i, octave)
    new = v == i[COUNT]

    i[NOTE + v] = np.int64(events[event, NOTE_ID])
    i[STAGE + v] = ATTACKING
    row = int(np.ceil(np.float32(ROWS_PER_OCTAVE) * (octave + SWIM - p[V.BASE])))
    i[ROW + v] = min(max(row, 0), rows - 1)
    attack = min(max(attack_ms * p[V.ATTACK_FRAMES_PER_MS], p[V.ATTACK_LOW]), p[V.ATTACK_HIGH])
    s[PEAK + v] = velocity_gain(velocity) * exp2(HIGH_FALL * max(above_c4 - TWO, ZERO))
    s[TARGET + v] = s[PEAK + v]
    s[RATE + v] = np.float32(NINETY_PERCENT) / attack
    s[OPEN_TARGET + v] = ONE
    s[OPEN_RATE + v] = LOG2_E / (HALF * attack + p[V.OPEN_LAG])
    s[OCTAVE + v] = octave
    s[DETUNE + v] = p[V.DETUNE] * exp2(DETUNE_FALL * above_c4)
    s[KEY_CORNER + v] = p[V.CORNER] + p[V.TRACKING] * above_c4 + p[V.VELOCITY] * (velocity - HALF)
    if not new:
        return

    i[COUNT] = v + 1
    variation = np.int64(events[event, VARIATION] * CYCLE)
    random = np.uint32(((seed ^ variation) & MASK) | 1)
    for field in range(PHASE_0, PHASE_2 + 1, VOICES):
        for _ in range(3):
            random = xorshift32(random)
        i[field + v] = np.int64(random)
    for field in range(WALK_PITCH, WALK_DETUNE + 1, VOICES):
        random = xorshift32(random)
        s[field + v] = UNIFORM_SPREAD * bipolar(random)
    random = xorshift32(random)
    s[VIBRATO_PHASE + v] = unipolar(random)
    random = xorshift32(random)
    s[VIBRATO_STEP + v] = (np.float32(4.5) + np.float32(1.2) * unipolar(random)) * p[V.SECOND]
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
def _note_off(s: Floats, i: Integers, p: Floats, note_id: np.float64) -> None:
    for v in range(i[COUNT]):
        if i[NOTE + v] == np.int64(note_id) and i[STAGE + v] != RELEASED:
            i[STAGE + v] = RELEASED
            s[TARGET + v] = ZERO
            s[RATE + v] = p[V.RELEASE_RATE]
            s[OPEN_TARGET + v] = OPEN_RELEASED
            s[OPEN_RATE + v] = p[V.RELEASE_RATE] * np.float32(LOG2_E / SIXTY_DB)


@kernel
def _control(s: Floats, p: Floats, bright: np.float32, motion: np.float32, voices: int, frames: np.float32) -> None:
    """Envelope, pitch and corner of each voice `frames` on, and the ramps that lead there."""
    glide = exp2(-frames * p[V.GLIDE])
    damping = p[V.DAMPING]
    for v in range(voices):
        first, level = two_pole(s[ENV_1 + v], s[ENV_2 + v], s[TARGET + v], frames * s[RATE + v])
        s[ENV_1 + v] = first
        s[ENV_2 + v] = level
        opened = s[OPEN_TARGET + v] + (s[OPEN + v] - s[OPEN_TARGET + v]) * exp2(-frames * s[OPEN_RATE + v])
        s[OPEN + v] = opened

        phase = s[VIBRATO_PHASE + v] + frames * s[VIBRATO_STEP + v]
        phase = phase - np.floor(phase)
        s[VIBRATO_PHASE + v] = phase
        vibrato = p[V.VIBRATO] * opened * sine(phase)
        s[FREQUENCY + v] = exp2(s[OCTAVE + v] + motion * (vibrato + p[V.DRIFT] * s[WALK_PITCH + v]))

        corner = s[KEY_CORNER + v] + (s[CORNER + v] - s[KEY_CORNER + v]) * glide
        s[CORNER + v] = corner
        corner += bright + motion * p[V.DRIFT_CORNER] * s[WALK_CORNER + v] + p[V.OPENING] * (opened - ONE)
        g = prewarp(max(exp2(min(corner, p[V.CORNER_MAX])), CORNER_LOW))
        a1, a2 = coefficients(g, damping)
        fresh = s[A1 + v] == ZERO  # a new voice has no way to come from
        s[G + v] = g if fresh else s[G + v]
        s[A1 + v] = a1 if fresh else s[A1 + v]
        s[A2 + v] = a2 if fresh else s[A2 + v]
        s[NEW_A1 + v] = a1
        s[NEW_A2 + v] = a2
        s[NEW_G + v] = g
        s[NEW_GAIN + v] = level * (ONE + LEVEL_DRIFT * motion * s[WALK_LEVEL + v])
    inverse = ONE / frames
    for v in range(voices):
        s[RAMP_A1 + v] = (s[NEW_A1 + v] - s[A1 + v]) * inverse
        s[RAMP_A2 + v] = (s[NEW_A2 + v] - s[A2 + v]) * inverse
        s[RAMP_G + v] = (s[NEW_G + v] - s[G + v]) * inverse
        s[RAMP_GAIN + v] = (s[NEW_GAIN + v] - s[GAIN + v]) * inverse


@kernel
def _oscillators(
    s: Floats,
    i: Integers,
    p: Floats,
    motion: np.float32,
    tables: Tables,
    jumps: Floats,
    waves: Floats,
    start: np.int64,
    stop: np.int64,
) -> None:
    side, centre, frames = p[V.SIDE], p[V.CENTRE], int(stop - start)
    for v in range(i[COUNT]):
        row, left = i[ROW + v], v * LINE + int(start)
        cycle = np.float64(s[FREQUENCY + v]) * CYCLE
        step = np.int64(cycle)
        apart = cycle * (s[DETUNE + v] * (ONE + DETUNE_DRIFT * motion * s[WALK_DETUNE + v]))
        steps = (np.int64(cycle - apart), step, np.int64(cycle + apart * OUTER))
        phases = (i[PHASE_0 + v], i[PHASE_1 + v], i[PHASE_2 + v])
        if p[V.SAW] == ONE:
            right = left + RIGHT_AT if p[V.STEREO] == ONE else left
            phases = saws(waves, left, right, frames, phases, steps, side, centre, jumps)
        elif side == ZERO:
            phases = (phases[0], oscillate(tables, row, phases[1], step, waves, left, frames), phases[2])
        else:
            phases = unison(tables, row, phases, steps, side, centre, waves, left, left + RIGHT_AT, frames)
        i[PHASE_0 + v], i[PHASE_1 + v], i[PHASE_2 + v] = phases


@kernel
def _next_quantum(waves: Floats, voices: int) -> None:
    """What saws have written of the next quantum moves to its place."""
    for first in range(0, 2 * RIGHT_AT, RIGHT_AT):
        for line in range(first, first + voices * LINE, LINE):
            at = np.uint64(line)
            for n in range(SPILL):
                waves[at + n] = waves[at + n + ROW_FRAMES]
            for n in range(SPILL, LINE_FRAMES):
                waves[at + n] = ZERO


@kernel
def _filter(
    s: Floats, waves: Floats, y: Floats, lanes: int, start: np.int64, stop: np.int64, stereo: bool, steep: bool
) -> None:
    """One section or two, level and pan; coefficients and level on their way along the ramps."""
    across, begin = np.uint64(lanes), np.uint64(start)
    for n in range(begin, np.uint64(stop)):
        t, row = np.float32(n - begin), (n - begin) * (across + across)
        for v in range(across):
            g = fma(t, s[RAMP_G + v], s[G + v])
            a1 = fma(t, s[RAMP_A1 + v], s[A1 + v])
            a2 = fma(t, s[RAMP_A2 + v], s[A2 + v])
            gain = fma(t, s[RAMP_GAIN + v], s[GAIN + v])
            x = waves[v * LINE_FRAMES + n]
            low, _, s[LEFT_1 + v], s[LEFT_2 + v] = svf(x, s[LEFT_1 + v], s[LEFT_2 + v], g, a1, a2)
            if steep:
                low, _, s[LEFT_3 + v], s[LEFT_4 + v] = svf(low, s[LEFT_3 + v], s[LEFT_4 + v], g, a1, a2)
            y[row + v] = low * gain * s[PAN_LEFT + v]
            if stereo:
                x = waves[(v + ALL_LANES) * LINE_FRAMES + n]
                low, _, s[RIGHT_1 + v], s[RIGHT_2 + v] = svf(x, s[RIGHT_1 + v], s[RIGHT_2 + v], g, a1, a2)
                if steep:
                    low, _, s[RIGHT_3 + v], s[RIGHT_4 + v] = svf(low, s[RIGHT_3 + v], s[RIGHT_4 + v], g, a1, a2)
            y[row + across + v] = low * gain * s[PAN_RIGHT + v]


@kernel
def _arrive(s: Floats, voices: int) -> None:
    """The ramps have led to where they were to."""
    for v in range(voices):
        s[G + v] = s[NEW_G + v]
        s[A1 + v] = s[NEW_A1 + v]
        s[A2 + v] = s[NEW_A2 + v]
        s[GAIN + v] = s[NEW_GAIN + v]
