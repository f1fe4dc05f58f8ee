"""A polyphonic subtractive voice: detuned oscillators, a 24 dB/octave low-pass, an ADSR, slow drift.

Pads and basses are voicings of it. Each note's pitch, level and corner wander on their own (Ornstein-Uhlenbeck
walks, a step a quantum), and each oscillator has a vibrato of its own, so that no chord stands still. The outer
oscillators are held apart in hertz rather than cents above C4, or high chords would beat fast (Szabo, How to Emulate
the Super Saw, KTH 2010).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import two_pole
from synth.dsp.fused import fma
from synth.dsp.pairs import add_lanes
from synth.dsp.sine import exp2, sine
from synth.dsp.steps import POINTS, residues, saws
from synth.dsp.svf import coefficients, prewarp, svf
from synth.dsp.wavetable import CYCLE, Tables, Wave, oscillate, saw, tables, unison
from synth.instruments import subtractive_voices as S
from synth.instruments import voicing as V
from synth.instruments.base import FRAME, KIND, NOTE_ID, OFF, ON, QUANTUM, Buffer, Edges, Events
from synth.instruments.body import body, bows, resound
from synth.instruments.subtractive_voices import HALF, LINE, ONE, RIGHT_AT, TWO, VOICES, ZERO, Floats, Integers
from synth.rng import stream, stream_seed

ALL_LANES, ROW_FRAMES = np.uint64(VOICES), np.uint64(QUANTUM)
LINE_FRAMES, SPILL = np.uint64(LINE), np.uint64(POINTS)
SLIDE_STEP = 16  # frames between pitches of a slide, for no stair to be heard

BRIGHTNESS, ATTACK, MOTION = COLUMN["brightness_oct"], COLUMN["attack_ms"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)

QUANTUM_FRAMES = np.float32(QUANTUM)
UPPER = np.float32(0.7)  # detuning of the third oscillator over the first's, and of three more: no two beat alike
OTHERS = (np.float32(0.45), np.float32(-0.38), np.float32(0.17))
LN_2 = np.float32(0.6931472)
MOTION_DEFAULT = np.float32(0.3)
LEVEL_DRIFT = np.float32(0.058)  # 0.5 dB
DETUNE_DRIFT = np.float32(0.5)
CORNER_LOW = np.float32(2e-4)  # cycles a sample


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
        if voicing.players not in (3, 6) or (voicing.players == 6 and wave is not saw):
            raise ValueError(f"players = {voicing.players}: give 3, or 6 for saws")
        self._seed = stream_seed(seed, "voices") & 0xFFFFFFFF
        self._body = body(sample_rate, voicing.bow_db or 0.0)
        self._bows = bows(stream(seed, "bows"))
        self._floats = aligned((S.FLOAT_END,))
        self._integers = np.zeros(S.INTEGER_END, np.int64)
        self._waves = aligned((2 * RIGHT_AT,))
        self._filtered, self._spare = aligned((2 * VOICES * QUANTUM,)), aligned((2 * VOICES * QUANTUM,))

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out` (2, MAX_FRAMES), each event at its frame of the block."""
        _render(
            events, count, edges, quanta, out,
            self._floats, self._integers, self._waves, self._filtered, self._spare, self._tables, residues(),
            self._constants, self._seed, self._body, self._bows,
        )  # fmt: skip

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
        return int(self._integers[S.COUNT])


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
    wood: Floats,
    randoms: NDArray[np.uint32],
) -> None:
    event = np.int64(0)
    for q in range(quanta):
        frame = q * QUANTUM
        for n in range(frame, frame + QUANTUM):
            out[0, n] = ZERO
            out[1, n] = ZERO
        S.retire(s, i, waves)
        S.advance(s, i, p)
        start = np.int64(0)
        while start < QUANTUM:
            at = np.float32(start) / QUANTUM_FRAMES
            while event < count and events[event, FRAME] <= frame + start:
                if events[event, KIND] == ON:
                    S.note_on(s, i, p, events, event, _at(edges, q, ATTACK, at), seed, tables.shape[0])
                elif events[event, KIND] == OFF:
                    S.note_off(s, i, p, events[event, NOTE_ID])
                else:
                    S.slide_on(s, i, p, events, event)
                event += 1
            stop = np.int64(QUANTUM)
            if event < count and events[event, FRAME] < frame + QUANTUM:
                stop = np.int64(events[event, FRAME]) - frame
            if S.sliding(s, i):
                stop = min(stop, start + SLIDE_STEP)
                S.slide(s, i, p, np.float32(stop - start), tables.shape[0])
            if i[S.COUNT] > 0:
                at = np.float32(stop) / QUANTUM_FRAMES
                bright = (
                    _at(edges, q, BRIGHTNESS, at)
                    + CORNER_PER_DB * _at(edges, q, EXPRESSION_DB, at)
                    + CORNER_PER_BREATH * _at(edges, q, BREATH, at)
                )
                motion = _at(edges, q, MOTION, at) / MOTION_DEFAULT
                lanes = 8 if i[S.COUNT] <= 8 else 16 if i[S.COUNT] <= 16 else VOICES
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
            _next_quantum(waves, i[S.COUNT])
        if p[V.BOWED] == ONE:
            resound(out, frame, _power(s, i, p) * exp2(TWO * edges[q + 1, BRIGHTNESS]), wood, randoms, y)  # a soft bow


@kernel
def _at(edges: Edges, q: int, column: int, at: np.float32) -> np.float32:
    """A control between two quantum edges."""
    return edges[q, column] + at * (edges[q + 1, column] - edges[q, column])


@kernel
def _control(s: Floats, p: Floats, bright: np.float32, motion: np.float32, voices: int, frames: np.float32) -> None:
    """Envelope, pitch and corner of each voice `frames` on, and the ramps that lead there."""
    glide = exp2(-frames * p[V.GLIDE])
    damping = p[V.DAMPING]
    for v in range(voices):
        first, level = two_pole(s[S.ENV_1 + v], s[S.ENV_2 + v], s[S.TARGET + v], frames * s[S.RATE + v])
        s[S.ENV_1 + v] = first
        s[S.ENV_2 + v] = level
        opened = s[S.OPEN_TARGET + v] + (s[S.OPEN + v] - s[S.OPEN_TARGET + v]) * exp2(-frames * s[S.OPEN_RATE + v])
        s[S.OPEN + v] = opened

        s[S.FREQUENCY + v] = exp2(s[S.OCTAVE + v] + motion * p[V.DRIFT] * s[S.WALK_PITCH + v])

        corner = s[S.KEY_CORNER + v] + (s[S.CORNER + v] - s[S.KEY_CORNER + v]) * glide
        s[S.CORNER + v] = corner
        corner += bright + motion * p[V.DRIFT_CORNER] * s[S.WALK_CORNER + v] + p[V.OPENING] * (opened - ONE)
        g = prewarp(max(exp2(min(corner, p[V.CORNER_MAX])), CORNER_LOW))
        a1, a2 = coefficients(g, damping)
        fresh = s[S.A1 + v] == ZERO  # a new voice has no way to come from
        s[S.G + v] = g if fresh else s[S.G + v]
        s[S.A1 + v] = a1 if fresh else s[S.A1 + v]
        s[S.A2 + v] = a2 if fresh else s[S.A2 + v]
        s[S.NEW_A1 + v] = a1
        s[S.NEW_A2 + v] = a2
        s[S.NEW_G + v] = g
        s[S.NEW_GAIN + v] = level * (ONE + LEVEL_DRIFT * motion * s[S.WALK_LEVEL + v])
    vibrato = motion * p[V.VIBRATO] * LN_2
    for n in range(0, 3 * VOICES, VOICES):
        for v in range(voices):
            phase = s[S.VIBRATO_PHASE + n + v] + frames * s[S.VIBRATO_STEP + n + v]
            phase = phase - np.floor(phase)
            s[S.VIBRATO_PHASE + n + v] = phase
            s[S.SWAY_0 + n + v] = vibrato * s[S.OPEN + v] * sine(phase)
    inverse = ONE / frames
    for v in range(voices):
        s[S.RAMP_A1 + v] = (s[S.NEW_A1 + v] - s[S.A1 + v]) * inverse
        s[S.RAMP_A2 + v] = (s[S.NEW_A2 + v] - s[S.A2 + v]) * inverse
        s[S.RAMP_G + v] = (s[S.NEW_G + v] - s[S.G + v]) * inverse
        s[S.RAMP_GAIN + v] = (s[S.NEW_GAIN + v] - s[S.GAIN + v]) * inverse


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
    for v in range(i[S.COUNT]):
        row, left = i[S.ROW + v], v * LINE + int(start)
        right = left + RIGHT_AT if p[V.STEREO] == ONE else left
        cycle = np.float64(s[S.FREQUENCY + v]) * CYCLE
        apart = cycle * (s[S.DETUNE + v] * (ONE + DETUNE_DRIFT * motion * s[S.WALK_DETUNE + v]))
        a, b, c = cycle * s[S.SWAY_0 + v], cycle * s[S.SWAY_1 + v], cycle * s[S.SWAY_2 + v]
        step = np.int64(cycle + b)
        steps = (np.int64(cycle + a - apart), step, np.int64(cycle + c + apart * UPPER))
        phases = (i[S.PHASE_0 + v], i[S.PHASE_1 + v], i[S.PHASE_2 + v])
        if p[V.SAW] == ONE:
            phases = saws(waves, left, right, frames, phases, steps, side, centre, jumps)
        elif side == ZERO:
            phases = (phases[0], oscillate(tables, row, phases[1], step, waves, left, frames), phases[2])
        else:
            phases = unison(tables, row, phases, steps, side, centre, waves, left, left + RIGHT_AT, frames)
        i[S.PHASE_0 + v], i[S.PHASE_1 + v], i[S.PHASE_2 + v] = phases
        if p[V.SIX] == ONE:
            others = (
                np.int64(cycle + b + apart * OTHERS[0]),
                np.int64(cycle + c + apart * OTHERS[1]),
                np.int64(cycle + a + apart * OTHERS[2]),
            )
            phases = (i[S.PHASE_3 + v], i[S.PHASE_4 + v], i[S.PHASE_5 + v])
            phases = saws(waves, left, right, frames, phases, others, side, centre, jumps)
            i[S.PHASE_3 + v], i[S.PHASE_4 + v], i[S.PHASE_5 + v] = phases


@kernel
def _power(s: Floats, i: Integers, p: Floats) -> np.float32:
    """Of all voices together, on either side."""
    power = ZERO
    for v in range(i[S.COUNT]):
        power += s[S.GAIN + v] * s[S.GAIN + v]
    return power * p[V.LEVEL] * p[V.LEVEL] * HALF


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
            g = fma(t, s[S.RAMP_G + v], s[S.G + v])
            a1 = fma(t, s[S.RAMP_A1 + v], s[S.A1 + v])
            a2 = fma(t, s[S.RAMP_A2 + v], s[S.A2 + v])
            gain = fma(t, s[S.RAMP_GAIN + v], s[S.GAIN + v])
            x = waves[v * LINE_FRAMES + n]
            low, _, s[S.LEFT_1 + v], s[S.LEFT_2 + v] = svf(x, s[S.LEFT_1 + v], s[S.LEFT_2 + v], g, a1, a2)
            if steep:
                low, _, s[S.LEFT_3 + v], s[S.LEFT_4 + v] = svf(low, s[S.LEFT_3 + v], s[S.LEFT_4 + v], g, a1, a2)
            y[row + v] = low * gain * s[S.PAN_LEFT + v]
            if stereo:
                x = waves[(v + ALL_LANES) * LINE_FRAMES + n]
                low, _, s[S.RIGHT_1 + v], s[S.RIGHT_2 + v] = svf(x, s[S.RIGHT_1 + v], s[S.RIGHT_2 + v], g, a1, a2)
                if steep:
                    low, _, s[S.RIGHT_3 + v], s[S.RIGHT_4 + v] = svf(low, s[S.RIGHT_3 + v], s[S.RIGHT_4 + v], g, a1, a2)
            y[row + across + v] = low * gain * s[S.PAN_RIGHT + v]


@kernel
def _arrive(s: Floats, voices: int) -> None:
    """The ramps have led to where they were to."""
    for v in range(voices):
        s[S.G + v] = s[S.NEW_G + v]
        s[S.A1 + v] = s[S.NEW_A1 + v]
        s[S.A2 + v] = s[S.NEW_A2 + v]
        s[S.GAIN + v] = s[S.NEW_GAIN + v]
