"""The haptic bus: one slow, low sine for a cushion, a chair or a wristband, beside the music and outside its sum.

It follows the tonic, folded into 40 to 80 Hz (vibroacoustic practice uses 30 to 120, 40 most; Wigram, The Effects of
Vibroacoustic Therapy, 1996), swells with the breath wave, or every 6 to 8 s where there is none, and plays as loud as
the music means to. The limiter holds the amplitude, not the wave, so nothing but the sine is made; amplitude and pitch
move through four one-poles each, whose sidebands stay within the band. Off unless asked for, and only where the safety
questions allow it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB, FADE
from synth.dsp._jit import kernel
from synth.dsp.noise import noise_states, unipolar, xorshift32
from synth.dsp.sine import raised, sine
from synth.instruments.base import QUANTUM, Edges
from synth.rng import stream
from synth.units import db_to_gain, note_to_hz

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LOWEST_HZ = 40.0  # of the tonic's octave
QUIETEST_CEILING_DB, LOUDEST_CEILING_DB = -60.0, -6.0
HEADROOM_DB = 8.0  # under the ceiling, where the top of a swell lies when the music plays at its usual level
SHORTEST_S, LONGEST_S = 6.0, 8.0  # of a pulse, where there is no breath wave
RISE = 0.4  # share of a pulse that it rises
BREATHING_DB = 1.0  # depth of the breath wave from which on nothing else is followed
EASE_S = 0.1  # time constant of each pole: a step takes 0.4 s from 10 to 90 %
GLIDE_S = 0.25
POLES = 4
NOTHING = 1e-12

KEY, DYNAMICS, DEPTH = (COLUMN[name] for name in ("key", "dynamics_db", "breath_depth_db"))
EXPRESSION_SHARE = 0.5  # of the swell, for the breath is in it already
FRAMES = np.arange(QUANTUM, dtype=np.float32)
STEP = np.float32(1.0 / QUANTUM)
SPAN = np.uint64(QUANTUM)
C0_OCTAVES = math.log2(note_to_hz(12.0) / LOWEST_HZ)

PHASE, TURN, GAIN, PULSE, PERIOD_S, STARTED, EASED, GLIDED, STATE_END = 0, 1, 2, 3, 4, 5, 6, 6 + POLES, 6 + 2 * POLES
C_SECOND, C_EASE, C_GLIDE, C_CEILING, C_LEVEL, C_END = range(6)


class Haptic:
    """`ceiling_dbfs`: peak that it never passes, -60 to -6. ValueError outside that."""

    def __init__(self, sample_rate: int, seed: int, ceiling_dbfs: float = -12.0) -> None:
        if not QUIETEST_CEILING_DB <= ceiling_dbfs <= LOUDEST_CEILING_DB:
            raise ValueError(
                f"ceiling_dbfs = {ceiling_dbfs:g}: give {QUIETEST_CEILING_DB:g} to {LOUDEST_CEILING_DB:g} dBFS"
            )
        quantum_s = QUANTUM / sample_rate
        self._constants = np.zeros(C_END)
        self._constants[C_SECOND] = sample_rate
        self._constants[C_EASE], self._constants[C_GLIDE] = (
            1.0 - math.exp(-quantum_s / time_s) for time_s in (EASE_S, GLIDE_S)
        )
        self._constants[C_CEILING] = db_to_gain(ceiling_dbfs)
        self._constants[C_LEVEL] = db_to_gain(ceiling_dbfs - HEADROOM_DB)
        self._state = np.zeros(STATE_END)
        self._random = noise_states(stream(seed, "haptic"), 1)

    def render(self, edges: Edges, quanta: int, out: Floats) -> None:
        """Write `quanta` quanta to `out` (MAX_FRAMES,), in C order; `edges` as instruments get them."""
        _render(edges, quanta, out, self._state, self._random, self._constants)


@kernel
def _render(edges: Edges, quanta: int, out: Floats, s: Doubles, random: NDArray[np.uint32], c: Doubles) -> None:
    for q in range(quanta):
        if s[STARTED] == 0.0:
            s[STARTED] = 1.0
            s[PERIOD_S] = SHORTEST_S
            for pole in range(POLES):
                s[GLIDED + pole] = _octaves(edges[0, KEY])
            s[TURN] = _turn(s[GLIDED], c)
        _pulse(s, random, c)
        level = c[C_LEVEL] * 10.0 ** (
            (np.float64(edges[q + 1, DYNAMICS]) + EXPRESSION_SHARE * np.float64(edges[q + 1, EXPRESSION_DB])) / 20.0
        )
        fade = min(max(np.float64(edges[q + 1, FADE]), 0.0), 1.0)
        goal = fade * _limited(level, c[C_CEILING]) * _swell(edges, q + 1, s[PULSE])
        key = _octaves(edges[q + 1, KEY])
        for pole in range(POLES):
            s[EASED + pole] += c[C_EASE] * (goal - s[EASED + pole])
            s[GLIDED + pole] += c[C_GLIDE] * (key - s[GLIDED + pole])
            if s[EASED + pole] < NOTHING:
                s[EASED + pole] = 0.0
            goal, key = s[EASED + pole], s[GLIDED + pole]
        # The fade counts twice: what comes up is eased, and nothing outlasts the programme.
        gain, turn = goal * fade, _turn(key, c)
        _write(np.float32(s[PHASE]), s[TURN], turn, s[GAIN], gain, np.uint64(q * QUANTUM), out)
        phase = s[PHASE] + 0.5 * (s[TURN] + turn) * QUANTUM
        s[PHASE], s[TURN], s[GAIN] = phase - math.floor(phase), turn, gain


@kernel
def _octaves(key):  # type: ignore[no-untyped-def]
    """Where `key` (an index into KEYS) lies in the octave over LOWEST_HZ, 0 to 1."""
    octaves = C0_OCTAVES + np.float64(key) / 12.0
    return octaves - math.floor(octaves)


@kernel
def _turn(octaves, c):  # type: ignore[no-untyped-def]
    """Cycles a sample."""
    return LOWEST_HZ * 2.0**octaves / c[C_SECOND]


@kernel
def _pulse(s, random, c):  # type: ignore[no-untyped-def]
    """Go on in the pulse, 0 to 1; each one's length is drawn anew."""
    s[PULSE] += QUANTUM / c[C_SECOND] / s[PERIOD_S]
    if s[PULSE] >= 1.0:
        s[PULSE] -= 1.0
        random[0] = xorshift32(random[0])
        s[PERIOD_S] = SHORTEST_S + (LONGEST_S - SHORTEST_S) * np.float64(unipolar(random[0]))


@kernel
def _swell(edges, q, place):  # type: ignore[no-untyped-def]
    """0 to 1: the breath wave, where there is one, or else the pulse."""
    depth_db = np.float64(edges[q, DEPTH])
    own = raised(min(place / RISE, (1.0 - place) / (1.0 - RISE)))
    if depth_db <= 0.0:
        return own
    wave = min(max(8.0 * np.float64(edges[q, BREATH]) / depth_db, -1.0), 1.0)
    share = raised(depth_db / BREATHING_DB)
    return own + share * (0.5 + 0.5 * wave - own)


@kernel
def _limited(level, ceiling):  # type: ignore[no-untyped-def]
    """`level` below the ceiling, the ceiling above it, softly."""
    over = level / ceiling
    return level / (1.0 + over**4) ** 0.25


@kernel
def _write(phase, turn, next_turn, gain, next_gain, at, out):  # type: ignore[no-untyped-def]
    step, bend = np.float32(turn), np.float32(0.5 * (next_turn - turn) / QUANTUM)
    first, ramp = np.float32(gain), np.float32(next_gain - gain) * STEP
    for n in range(SPAN):
        frame = FRAMES[n]
        turned = phase + (step + bend * frame) * frame
        out[at + n] = (first + ramp * frame) * sine(turned - np.floor(turned))
