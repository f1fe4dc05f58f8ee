"""Flutes: a tone of a few harmonics, blown, and the breath that carries it.

The tone is a sum of sines rather than a modelled jet, which would be hard to keep in tune (Clenshaw's recurrence, Math.
Tables Aids Comput. 9, 1955); the breath is noise on its harmonics. Blown harder, a pipe gains upper harmonics, and more
tone than breath; all that moves the player's pressure moves the three together. Vibrato comes late into a note and
wanders, as do pitch and pressure.

Two notes that overlap are one breath: the sounding voice glides to the new pitch and does not speak again. Should the
first note still be held after `pipes.LEGATO_S`, it was to sound on: it comes in again, softly, in a voice of its own.

State is a flat float32 array, one field of VOICES numbers after the other, and one of int64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.additive import cycles
from synth.dsp.arrays import aligned
from synth.dsp.breath import Breath, render_breath
from synth.dsp.envelope import NINETY_PERCENT, OCTAVES_PER_DB, two_pole
from synth.dsp.fused import fma
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, unipolar, walk, xorshift32
from synth.dsp.sine import cosine, exp2, log2, raised, sine
from synth.instruments import pipes as P
from synth.instruments.base import (
    FRAME,
    KIND,
    NOTE_ID,
    OFF,
    ON,
    PITCH,
    QUANTUM,
    SECONDS,
    SLIDE,
    VARIATION,
    VELOCITY,
    Buffer,
    Edges,
    Events,
)
from synth.rng import stream_seed

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

VOICES = 8
HARMONICS = P.HARMONICS
RETURN_MS = np.float32(400.0)  # attack of a note that was to sound on

BRIGHTNESS, ATTACK, MOTION = COLUMN["brightness_oct"], COLUMN["attack_ms"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
EIGHTH, SEMITONE, A4_NOTE = np.float32(0.125), np.float32(1.0 / 12.0), np.float32(69.0)
LOWEST, HIGHEST = np.float32(36.0), np.float32(108.0)
QUANTUM_FRAMES = np.float32(QUANTUM)
AUDIBLE = np.float32(1e-5)  # a voice whose tone and breath are both under this share of themselves is freed
CYCLE, MASK = 2.0**32, np.int64(2**32 - 1)

SHORTEST_MS, LONGEST_MS = np.float32(30.0), np.float32(3000.0)
RISE = np.float32(NINETY_PERCENT)
BREATH_LEAD, BREATH_LAG = np.float32(2.0), np.float32(0.6)  # rate of the breath over the tone's, as it starts and ends
SWELL_RATE = np.float32(0.3)
TONGUED = np.float32(0.3)  # scoop of a note that does not begin a phrase
TONGUED_LEVEL = np.float32(0.15)  # down to which the tongue damps a tone that goes on
SAME = np.float32(0.02)  # octaves: under a quarter tone, a pitch is the one that sounded

TONE_EXPONENT, BREATH_EXPONENT = np.float32(P.TONE_EXPONENT), np.float32(P.BREATH_EXPONENT)
SOFTEST = np.float32(1e-3)
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

# Float fields, as offsets; POSITION to PAN_RIGHT are single numbers.
(
    TONE_1, TONE, AIR_1, AIR, FADE_1, FADE, RATE, FORCE, FORCE_TO, SWELL, CHIFF, OCTAVE, CENTRE, FROM, TO, BEND_FRAMES,
    SCOOP, VIBRATO_PHASE, VIBRATO_EVEN, VIBRATO_DEPTH, JITTER_WALK, PRESSURE_WALK, RATE_WALK, DEPTH_WALK, FREQUENCY,
    EDGE_FREQUENCY, BREATHED, BREATH_RISE, POSITION, WAITING_OCTAVE, WAITING_FORCE, PAN_LEFT, PAN_RIGHT, FLOAT_END,
) = range(0, 34 * VOICES, VOICES)  # fmt: skip

# Integer fields, as offsets. AGE is since the note's onset, TONGUE how long the breath is still held back, both in
# frames; COUNT, PLAYER (the player's random numbers), WAITING (a note's number) and WAITING_AGE are single numbers.
(
    NOTE, STAGE, AGE, BEND_AGE, TONGUE, PHASE, STEP, RANDOM, COUNT, PLAYER, WAITING, WAITING_AGE, INTEGER_END,
) = range(0, 13 * VOICES, VOICES)  # fmt: skip
FREE, HELD, RELEASED = 0, 1, 2
NOBODY = -1


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
        _advance(s, i, p, harmonics, tones, breaths)
        start = np.int64(0)
        while start < QUANTUM:
            at = np.float32(start) / QUANTUM_FRAMES
            while event < count and events[event, FRAME] <= frame + start:
                _take(s, i, p, events, event, _at(edges, q, ATTACK, at), seed)
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
def _advance(s: Floats, i: Integers, p: Floats, harmonics: Floats, tones: Floats, breaths: Floats) -> None:
    """Once a quantum: free the voices that have died away, let the others wander, and bring back a note that waits."""
    for v in range(VOICES):
        if i[STAGE + v] == RELEASED and s[TONE + v] < AUDIBLE and s[AIR + v] < AUDIBLE:
            i[STAGE + v] = FREE
            i[COUNT] -= 1
            s[BREATHED + v] = ZERO
            for k in range(HARMONICS):
                harmonics[0, v, k] = ZERO
            for n in range(QUANTUM):
                tones[v, n] = ZERO
                breaths[v, n] = ZERO
        if i[STAGE + v] != FREE:
            random = np.uint32(i[RANDOM + v])
            for field in range(JITTER_WALK, DEPTH_WALK + 1, VOICES):
                step = p[P.JITTER_STEP] if field == JITTER_WALK else p[P.SWAY_STEP]
                random = xorshift32(random)
                s[field + v] = walk(s[field + v], step, bipolar(random))
            i[RANDOM + v] = np.int64(random)
            s[EDGE_FREQUENCY + v] = s[FREQUENCY + v]
    if i[COUNT] > 0:
        player = xorshift32(np.uint32(i[PLAYER]))
        i[PLAYER] = np.int64(player)
        s[POSITION] = walk(s[POSITION], p[P.POSITION_STEP], bipolar(player))
    i[WAITING_AGE] += QUANTUM
    if i[WAITING] != NOBODY and i[WAITING_AGE] > p[P.LEGATO_FRAMES]:
        if i[COUNT] < VOICES:
            v = _choose(s, i, s[WAITING_OCTAVE])
            _begin(s, i, p, v, i[WAITING], s[WAITING_OCTAVE], s[WAITING_FORCE], RETURN_MS, ZERO, i[PLAYER])
        i[WAITING] = NOBODY


@kernel
def _take(s: Floats, i: Integers, p: Floats, events: Events, event: np.int64, attack_ms: np.float32, seed: int) -> None:
    """Do what an event says."""
    note, kind = np.int64(events[event, NOTE_ID]), events[event, KIND]
    pitch = min(max(np.float32(events[event, PITCH]), LOWEST), HIGHEST)
    octave = min(p[P.A4] + (pitch - A4_NOTE) * SEMITONE, p[P.OCTAVE_MAX])
    if kind == ON:
        force = min(max(np.float32(events[event, VELOCITY]), SOFTEST), ONE)
        variation = np.int64(events[event, VARIATION] * CYCLE)
        _note_on(s, i, p, note, octave, force, attack_ms, (seed ^ variation) & MASK)
        return
    if kind == OFF and note == i[WAITING]:
        i[WAITING] = NOBODY
    for v in range(VOICES):
        if i[NOTE + v] == note and i[STAGE + v] == HELD:
            if kind == SLIDE:
                s[OCTAVE + v] = octave
                _bend(s, i, v, octave, np.float32(events[event, SECONDS]) / p[P.SECOND])
            elif kind == OFF:
                i[STAGE + v] = RELEASED
                s[RATE + v] = p[P.RELEASE_RATE]
                _bend(s, i, v, s[CENTRE + v] - p[P.FALL], p[P.FALL_FRAMES])


@kernel
def _bend(s: Floats, i: Integers, v: int, octave: np.float32, frames: np.float32) -> None:
    """From where its pitch is, a voice goes to another in `frames`."""
    s[FROM + v] = s[CENTRE + v]
    s[TO + v] = octave
    s[SCOOP + v] = ZERO
    s[BEND_FRAMES + v] = max(frames, ONE)
    i[BEND_AGE + v] = 0


@kernel
def _note_on(
    s: Floats,
    i: Integers,
    p: Floats,
    note: np.int64,
    octave: np.float32,
    force: np.float32,
    attack_ms: np.float32,
    random: np.int64,
) -> None:
    """Start a note, or let the one voice that is held go on to it."""
    held, alone = 0, 0
    for v in range(VOICES):
        if i[STAGE + v] == HELD:
            held, alone = held + 1, v
    if held != 1 or i[AGE + alone] < p[P.CHORD_FRAMES]:
        scoop = ONE if i[COUNT] == 0 else TONGUED
        _begin(s, i, p, _choose(s, i, octave), note, octave, force, attack_ms, scoop, random)
        return
    i[WAITING], i[WAITING_AGE] = i[NOTE + alone], 0
    s[WAITING_OCTAVE], s[WAITING_FORCE] = s[OCTAVE + alone], s[FORCE_TO + alone]
    step = abs(octave - s[CENTRE + alone])
    if step < SAME:
        i[TONGUE + alone] = np.int64(p[P.TONGUE_FRAMES])
    _bend(s, i, alone, octave, p[P.GLIDE_LOW] + min(step, ONE) * p[P.GLIDE_SPAN])
    i[NOTE + alone], i[AGE + alone] = note, 0
    s[OCTAVE + alone], s[FORCE_TO + alone] = octave, force


@kernel
def _choose(s: Floats, i: Integers, octave: np.float32) -> int:
    """The voice for a new note: an ending one of its pitch, a free one, or the quietest, ending ones first."""
    free, quietest, least = -1, 0, np.float32(np.inf)
    for v in range(VOICES):
        if i[STAGE + v] == RELEASED and abs(s[OCTAVE + v] - octave) < SAME:
            return v
        if i[STAGE + v] == FREE and free < 0:
            free = v
        level = s[TONE + v] if i[STAGE + v] == RELEASED else s[TONE + v] + ONE
        if level < least:
            quietest, least = v, level
    return free if free >= 0 else quietest


@kernel
def _begin(
    s: Floats,
    i: Integers,
    p: Floats,
    v: int,
    note: np.int64,
    octave: np.float32,
    force: np.float32,
    attack_ms: np.float32,
    scoop: np.float32,
    random: np.int64,
) -> None:
    """Start a note in voice `v`. One that sounds is tongued and goes on as it is, so nothing clicks."""
    attack_ms *= p[P.ATTACK_FACTOR]
    attack_ms = min(np.sqrt(attack_ms * attack_ms + SHORTEST_MS * SHORTEST_MS), LONGEST_MS)
    s[RATE + v] = RISE / (attack_ms * p[P.FRAMES_PER_MS])
    s[FORCE_TO + v], s[OCTAVE + v] = force, octave
    i[NOTE + v], i[AGE + v] = note, 0
    if i[STAGE + v] != FREE:
        i[STAGE + v] = HELD
        _bend(s, i, v, octave, p[P.TONGUE_FRAMES])
        if s[TONE + v] > TONGUED_LEVEL:
            i[TONGUE + v] = np.int64(p[P.TONGUE_FRAMES])
        else:
            s[CHIFF + v] = scoop
        return
    i[STAGE + v], i[TONGUE + v], i[PHASE + v] = HELD, 0, 0
    i[COUNT] += 1
    drawn = np.uint32(random | 1)
    for field in range(VIBRATO_PHASE, DEPTH_WALK + 1, VOICES):
        drawn = xorshift32(xorshift32(drawn))
        s[field + v] = unipolar(drawn) if field <= VIBRATO_DEPTH else UNIFORM_SPREAD * bipolar(drawn)
    drawn = xorshift32(drawn)
    s[SCOOP + v] = -scoop * (p[P.SCOOP_LOW] + unipolar(drawn) * p[P.SCOOP_SPAN])
    i[RANDOM + v] = np.int64(drawn)
    for field in range(TONE_1, FADE + 1, VOICES):
        s[field + v] = ZERO
    s[FORCE + v] = force
    s[SWELL + v], s[CHIFF + v] = ONE, scoop
    s[FROM + v], s[TO + v], s[CENTRE + v] = octave, octave, octave + s[SCOOP + v]
    s[FREQUENCY + v] = exp2(s[CENTRE + v])
    s[EDGE_FREQUENCY + v] = s[FREQUENCY + v]
    i[STEP + v] = np.int64(np.float64(s[FREQUENCY + v]) * CYCLE)


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
