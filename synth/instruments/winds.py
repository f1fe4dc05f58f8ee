"""Flutes: a tone of a few harmonics, blown, and the breath that carries it.

The tone is a sum of sines rather than a modelled jet, which would be hard to keep in tune (Clenshaw's recurrence, Math.
Tables Aids Comput. 9, 1955); the breath is noise on its harmonics. Blown harder, a pipe gains upper harmonics, and more
tone than breath; all that moves the player's pressure moves the three together. Vibrato comes late into a note and
wanders, as do pitch and pressure.

Two notes that overlap are one breath: the sounding voice glides to the new pitch and does not speak again. Should the
first note still be held after `pipes.LEGATO_S`, it was to sound on: it comes in again, softly, in a voice of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.additive import cycles
from synth.dsp.arrays import aligned
from synth.dsp.breath import Breath, render_breath
from synth.dsp.envelope import OCTAVES_PER_DB, two_pole
from synth.dsp.fused import fma
from synth.dsp.sine import cosine, exp2, log2, raised, sine
from synth.instruments import pipes as P
from synth.instruments.base import (
    FRAME,
    QUANTUM,
    Buffer,
    Edges,
    Events,
)
from synth.instruments.blowing import (
    AGE,
    AIR,
    AIR_1,
    BEND_AGE,
    BEND_FRAMES,
    BREATH_RISE,
    BREATHED,
    CENTRE,
    CHIFF,
    COUNT,
    DEPTH_WALK,
    EDGE_FREQUENCY,
    FADE,
    FADE_1,
    FLOAT_END,
    FORCE,
    FORCE_TO,
    FREE,
    FREQUENCY,
    FROM,
    HARMONICS,
    HELD,
    INTEGER_END,
    JITTER_WALK,
    NOBODY,
    PAN_LEFT,
    PAN_RIGHT,
    PHASE,
    PLAYER,
    POSITION,
    PRESSURE_WALK,
    RATE,
    RATE_WALK,
    SCOOP,
    STAGE,
    STEP,
    SWELL,
    TO,
    TONE,
    TONE_1,
    TONGUE,
    TONGUED_LEVEL,
    VIBRATO_DEPTH,
    VIBRATO_EVEN,
    VIBRATO_PHASE,
    VOICES,
    WAITING,
    advance,
    take,
)
from synth.rng import stream_seed

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


BRIGHTNESS, ATTACK, MOTION = COLUMN["brightness_oct"], COLUMN["attack_ms"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
EIGHTH, SEMITONE, A4_NOTE = np.float32(0.125), np.float32(1.0 / 12.0), np.float32(69.0)
QUANTUM_FRAMES = np.float32(QUANTUM)
CYCLE, MASK = 2.0**32, np.int64(2**32 - 1)

BREATH_LEAD, BREATH_LAG = np.float32(2.0), np.float32(0.6)  # rate of the breath over the tone's, as it starts and ends
SWELL_RATE = np.float32(0.3)

TONE_EXPONENT, BREATH_EXPONENT = np.float32(P.TONE_EXPONENT), np.float32(P.BREATH_EXPONENT)
SOFT = np.float32(P.SOFT_DB) * OCTAVES_PER_DB  # octaves of amplitude that each harmonic loses to the one below:
HIGH = np.float32(1.5) * OCTAVES_PER_DB  # an octave above C5
BRIGHT = np.float32(2.2) * OCTAVES_PER_DB  # an octave of darkness
SHARPEST = np.float32(-3.5) * OCTAVES_PER_DB
BREATH_BRIGHT = np.float32(1.5) * OCTAVES_PER_DB
C5_OVER_A4, C6_OVER_A4, TREBLE = np.float32(0.25), np.float32(1.25), np.float32(-0.5)
TOP, TOP_SLOPE = np.float32(0.45), np.float32(20.0)  # harmonics fade out over a twentieth of the rate below TOP

MOTION_GAIN, MOTION_KNEE = np.float32(2.6), np.float32(0.48)  # 1 at the default motion of 0.3, 1.76 at most
JITTER = np.float32(3.0 / 1200.0)
UNEVEN = np.float32(0.1)  # standard deviation of rate and depth of the vibrato
PRESSURE_DRIFT = np.float32(0.06)
POSITION_DRIFT = np.float32(0.08)


class Winds:
    """`kind` is the index of a pipe in `synth.instruments.pipes.PIPES`; meets `synth.instruments.base.Instrument`."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(P.PIPES) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(P.PIPES) - 1} ({', '.join(p.name for p in P.PIPES)})")
        pipe = P.PIPES[round(kind)]
        self._constants = P.constants(pipe, sample_rate)
        self._breath = Breath(sample_rate, VOICES, stream_seed(seed, "breath"), pipe.breath_q, pipe.air_db)
        self._seed = stream_seed(seed, "voices") & 0xFFFFFFFF
        self._floats, self._integers = aligned((FLOAT_END,)), np.zeros(INTEGER_END, np.int64)
        self._integers[WAITING], self._integers[PLAYER] = NOBODY, self._seed | 1
        self._floats[[PAN_LEFT, PAN_RIGHT]] = 0.5**0.5
        self._harmonics = aligned((2, VOICES, HARMONICS))
        self._tones, self._breaths = aligned((VOICES, QUANTUM)), aligned((VOICES, QUANTUM))
        self._noise, self._hz, self._full = aligned((QUANTUM, VOICES)), aligned((2, VOICES)), aligned((2, VOICES))
        self._full[:] = 1.0

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out` (2, MAX_FRAMES), each event at its frame of the block."""
        breath = self._breath
        _render(
            events, count, edges, quanta, out,
            self._floats, self._integers, self._harmonics, self._tones, self._breaths, self._noise, self._hz,
            self._full, breath.wide_hz * breath.second, breath.bands, breath.randoms, breath.state, breath.filtered,
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
    harmonics: Floats,
    tones: Floats,
    breaths: Floats,
    noise: Floats,
    hz: Floats,
    full: Floats,
    wide: np.float32,
    bands: Floats,
    randoms: NDArray[np.uint32],
    lanes: Floats,
    filtered: Floats,
    p: Floats,
    seed: int,
) -> None:
    event = np.int64(0)
    for q in range(quanta):
        frame = q * QUANTUM
        for n in range(frame, frame + QUANTUM):
            out[0, n] = ZERO
            out[1, n] = ZERO
        advance(s, i, p, harmonics, tones, breaths)
        start = np.int64(0)
        while start < QUANTUM:
            at = np.float32(start) / QUANTUM_FRAMES
            while event < count and events[event, FRAME] <= frame + start:
                take(s, i, p, events, event, _at(edges, q, ATTACK, at), seed)
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
                motion = _amount(_at(edges, q, MOTION, at))
                for v in range(VOICES):
                    if i[STAGE + v] != FREE:
                        _control(s, i, p, v, bright, motion, stop - start, harmonics)
                        _sound(s, i, v, start, stop, harmonics, tones, breaths)
            start = stop
        if i[COUNT] > 0:
            top = 0
            for v in range(VOICES):
                hz[0, v], hz[1, v] = s[EDGE_FREQUENCY + v], s[FREQUENCY + v]
                top = v + 1 if i[STAGE + v] != FREE else top
            render_breath(hz, full, top, 1, ONE, wide, bands, randoms, lanes, filtered, noise)
            _place(s, i, _amount(edges[q + 1, MOTION]), tones, breaths, noise, out, frame)


@kernel
def _at(edges: Edges, q: int, column: int, at: np.float32) -> np.float32:
    """A control between two quantum edges."""
    return edges[q, column] + at * (edges[q + 1, column] - edges[q, column])


@kernel
def _amount(motion: np.float32) -> np.float32:
    """What the control of motion scales: 1 at its default, and never twice that."""
    motion = max(motion, ZERO)
    return MOTION_GAIN * motion / (motion + MOTION_KNEE)


@kernel
def _control(
    s: Floats,
    i: Integers,
    p: Floats,
    v: int,
    bright: np.float32,
    motion: np.float32,
    count: np.int64,
    harmonics: Floats,
) -> None:
    """Take a voice `count` frames on: its envelopes, pitch, harmonics and breath, and what each frame adds to them."""
    frames = np.float32(count)
    held = i[STAGE + v] == HELD
    rate = frames * s[RATE + v]
    goal = ONE if held else ZERO
    tone_goal = goal
    if i[TONGUE + v] > 0 and held:
        tone_goal, rate = TONGUED_LEVEL, frames * p[P.RELEASE_RATE]
        i[TONGUE + v] -= count
    s[TONE_1 + v], s[TONE + v] = two_pole(s[TONE_1 + v], s[TONE + v], tone_goal, rate)
    s[AIR_1 + v], s[AIR + v] = two_pole(s[AIR_1 + v], s[AIR + v], goal, rate * (BREATH_LEAD if held else BREATH_LAG))
    swelled = ZERO if held else ONE
    s[SWELL + v] = swelled + (s[SWELL + v] - swelled) * exp2(-rate * SWELL_RATE)
    s[CHIFF + v] *= exp2(-frames * p[P.CHIFF_RATE])
    s[FORCE + v] = s[FORCE_TO + v] + (s[FORCE + v] - s[FORCE_TO + v]) * exp2(-frames * p[P.FORCE_RATE])

    i[AGE + v] += count
    i[BEND_AGE + v] += count
    age = np.float32(i[AGE + v])
    bent = np.float32(raised(np.float32(i[BEND_AGE + v]) / s[BEND_FRAMES + v]))
    scooped = min(motion, ONE) * (ONE - np.float32(raised(age / p[P.SCOOP_FRAMES])))
    s[CENTRE + v] = s[FROM + v] + (s[TO + v] - s[FROM + v]) * bent + s[SCOOP + v] * scooped

    late = ONE if age > p[P.VIBRATO_AFTER] else ZERO
    s[FADE_1 + v], s[FADE + v] = two_pole(s[FADE_1 + v], s[FADE + v], late, frames * p[P.FADE_RATE])
    speed = p[P.VIBRATO_SLOW] + p[P.VIBRATO_RISE] * min(age / p[P.LONG_FRAMES], ONE)
    speed *= ONE + UNEVEN * (s[VIBRATO_EVEN + v] - HALF + s[RATE_WALK + v])
    phase = s[VIBRATO_PHASE + v] + frames * speed
    phase = phase - np.floor(phase)
    s[VIBRATO_PHASE + v] = phase
    vibrato = motion * s[FADE + v] * (ONE + UNEVEN * s[DEPTH_WALK + v]) * sine(phase)
    cents = (p[P.VIBRATO_LOW] + p[P.VIBRATO_SPAN] * s[VIBRATO_DEPTH + v]) * vibrato
    frequency = exp2(s[CENTRE + v] + cents + motion * JITTER * s[JITTER_WALK + v])
    s[FREQUENCY + v] = frequency

    octave = s[CENTRE + v] - p[P.A4]
    pressure = ONE + p[P.TREMOLO] * vibrato + motion * PRESSURE_DRIFT * s[PRESSURE_WALK + v]
    blown = log2(s[FORCE + v])
    level = p[P.LEVEL] * pressure * exp2(TREBLE * max(octave - C6_OVER_A4, ZERO))
    gain = level * s[TONE + v] * exp2(TONE_EXPONENT * blown)
    breathy = BREATH_EXPONENT * blown + p[P.SWELL] * s[SWELL + v] + BREATH_BRIGHT * bright
    breath = level * s[AIR + v] * p[P.BREATH_LEVEL] * exp2(breathy)

    soft = ONE - s[FORCE + v] * s[TONE + v] * pressure
    ratio = exp2(-max(SOFT * soft + HIGH * (octave - C5_OVER_A4) - BRIGHT * bright, SHARPEST))
    per_frame = ONE / frames
    for k in range(HARMONICS):
        heard = min(max((TOP - np.float32(k + 1) * frequency) * TOP_SLOPE, ZERO), ONE)
        amplitude = gain * p[P.AMPLITUDES + k] * heard
        amplitude *= exp2(p[P.CHIFF] * s[CHIFF + v]) if k == 1 else ONE
        harmonics[1, v, k] = (amplitude - harmonics[0, v, k]) * per_frame
        gain *= ratio
    s[BREATH_RISE + v] = (breath - s[BREATHED + v]) * per_frame


@kernel
def _sound(
    s: Floats, i: Integers, v: int, start: np.int64, stop: np.int64, harmonics: Floats, tones: Floats, breaths: Floats
) -> None:
    """Write a voice's tone, and the level of its breath, from `start` to `stop` of the quantum."""
    frames = stop - start
    phase, step = i[PHASE + v], i[STEP + v]
    ahead = np.int64(np.float64(s[FREQUENCY + v]) * CYCLE)
    rise = (ahead - step) // frames
    for n in range(frames):
        at = cycles(phase + n * step + ((n * (n - 1)) >> 1) * rise)
        t, turn = np.float32(n), cosine(at)
        turn += turn
        y, before = ZERO, ZERO
        for j in range(HARMONICS):
            k = HARMONICS - 1 - j
            y, before = fma(turn, y, fma(t, harmonics[1, v, k], harmonics[0, v, k]) - before), y
        tones[v, start + n] = y * sine(at)
        breaths[v, start + n] = fma(t, s[BREATH_RISE + v], s[BREATHED + v])
    i[PHASE + v] = (phase + frames * step + ((frames * (frames - 1)) >> 1) * rise) & MASK
    i[STEP + v] = ahead
    for k in range(HARMONICS):
        harmonics[0, v, k] += np.float32(frames) * harmonics[1, v, k]
    s[BREATHED + v] += np.float32(frames) * s[BREATH_RISE + v]


@kernel
def _place(
    s: Floats, i: Integers, motion: np.float32, tones: Floats, breaths: Floats, noise: Floats, out: Buffer, first: int
) -> None:
    """Add tone and breath of all voices to both channels, where the player stands."""
    turn = EIGHTH * (ONE + min(max(motion * POSITION_DRIFT * s[POSITION], -ONE), ONE))
    left, right = cosine(turn), sine(turn)
    from_left, from_right = s[PAN_LEFT], s[PAN_RIGHT]
    by_left, by_right = (left - from_left) / QUANTUM_FRAMES, (right - from_right) / QUANTUM_FRAMES
    s[PAN_LEFT], s[PAN_RIGHT] = left, right
    for v in range(VOICES):
        if i[STAGE + v] != FREE:
            for n in range(QUANTUM):
                t, y = np.float32(n), fma(breaths[v, n], noise[n, v], tones[v, n])
                out[0, first + n] += y * fma(t, by_left, from_left)
                out[1, first + n] += y * fma(t, by_right, from_right)
