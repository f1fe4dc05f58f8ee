"""Voices of the flutes: what each one holds, and how notes begin, glide into each other and end.

State is a flat float32 array, one field of VOICES numbers after the other, and one of int64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.envelope import NINETY_PERCENT
from synth.dsp.noise import UNIFORM_SPREAD, bipolar, unipolar, walk, xorshift32
from synth.dsp.sine import exp2
from synth.instruments import pipes as P
from synth.instruments.base import KIND, NOTE_ID, OFF, ON, PITCH, QUANTUM, SECONDS, SLIDE, VARIATION, VELOCITY, Events

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

VOICES = 8
HARMONICS = P.HARMONICS
RETURN_MS = np.float32(400.0)  # attack of a note that was to sound on
LOWEST, HIGHEST = np.float32(36.0), np.float32(108.0)
AUDIBLE = np.float32(1e-5)  # a voice whose tone and breath are both under this share of themselves is freed
SHORTEST_MS, LONGEST_MS = np.float32(30.0), np.float32(3000.0)
RISE = np.float32(NINETY_PERCENT)
TONGUED = np.float32(0.3)  # scoop of a note that does not begin a phrase
TONGUED_LEVEL = np.float32(0.15)  # down to which the tongue damps a tone that goes on
SAME = np.float32(0.02)  # octaves: under a quarter tone, a pitch is the one that sounded
SOFTEST = np.float32(1e-3)
CYCLE, MASK = 2.0**32, np.int64(2**32 - 1)
ZERO, ONE = np.float32(0.0), np.float32(1.0)
SEMITONE, A4_NOTE = np.float32(1.0 / 12.0), np.float32(69.0)

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


@kernel
def advance(s: Floats, i: Integers, p: Floats, harmonics: Floats, tones: Floats, breaths: Floats) -> None:
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
def take(s: Floats, i: Integers, p: Floats, events: Events, event: np.int64, attack_ms: np.float32, seed: int) -> None:
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
