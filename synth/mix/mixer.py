"""The mixer: instruments in, finished stems and their sum out.

Each stem goes through a high-pass, which also takes out DC, a low-pass that follows `brightness_oct`, its width, its
level and the swell, as lanes of one vector: middle and side of every stem. The reverb's return is the last stem. Pad,
nature and return step back a little while the melody sounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, EXPRESSION_DB, STEMS
from synth.dsp._jit import kernel
from synth.dsp.butterworth import HIGHEST, butterworth, transition
from synth.dsp.sine import cosine, exp2, sine
from synth.instruments.base import MAX_FRAMES, MAX_QUANTA, QUANTUM, Buffer, Edges
from synth.mix.reverb import DEFAULT, SEND_OFF_DB, make_reverb, return_gain
from synth.preset import Space, StemSetting
from synth.rng import stream_seed
from synth.units import db_to_gain

LANES = 16
SIDE_HIGHPASS_HZ = 150.0  # below it a stem is mono
SHARED_BRIGHTNESS = 0.5  # of brightness_oct; the instruments answer it as well
SPACE_DB = (18.0, 12.0)  # sends a unit of `space` below and above 0.5: -9 to +6 dB
SPACE_OCTAVES = 0.65  # of decay time a unit of `space`
DUCKS = {"pad": (1.5, 0.15, 0.9), "nature": (2.0, 1.0, 4.0), "reverb": (1.5, 0.2, 1.2)}  # dB, s down, s back
MELODY_POWER = 0.0007  # half a typical melody's drive: 6 dB under a part of -23 LUFS

HP_P, HP_Q, HP_R, HP_T, HP_1, HP_2, LP_P, LP_Q, LP_R, LP_T, LP_1, LP_2, CUTOFF = range(13)  # rows of `lanes`
STEP_P, STEP_Q, STEP_R, STEP_T = range(13, 17)
LEVEL, SEND, WIDTH, GAIN, WET, DUCK, DEPTH, DOWN, BACK = range(9)  # rows of `strips`, a column for each stem
BRIGHTNESS, SPACE, SWELL, MELODY, FIRST_LEVEL = range(5)  # places in `columns`
BRIGHT, DRIVE = range(2)  # places in `heard`
RETURN, STRETCH = range(2)  # rows of `room`, an edge a column

SPAN = np.uint64(QUANTUM)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
F0, F1, HALF, QUARTER = (np.float32(x) for x in (0.0, 1.0, 0.5, 0.25))
DB_OCTAVES = np.float32(math.log2(10.0) / 20.0)
ROOT2 = np.float32(math.sqrt(2.0))
STEP = np.float32(1.0 / QUANTUM)
FLUSH, WILD = np.float32(1e-9), np.float32(1e6)
SILENT_DB = np.float32(-60.0)
UNSET = np.float32(-1e9)


@kernel
def _brighten(lanes, octaves):  # type: ignore[no-untyped-def]
    """Aim the low-passes at their cutoff times `2 ** octaves`; `CUTOFF` is over twice the sample rate."""
    for v in range(LANES):
        half_turn = min(lanes[CUTOFF, v] * exp2(octaves), np.float32(HALF * HIGHEST))
        p, q, r, t = transition(sine(half_turn) / cosine(half_turn))
        lanes[STEP_P, v] = (np.float32(p) - lanes[LP_P, v]) * STEP
        lanes[STEP_Q, v] = (np.float32(q) - lanes[LP_Q, v]) * STEP
        lanes[STEP_R, v] = (np.float32(r) - lanes[LP_R, v]) * STEP
        lanes[STEP_T, v] = (np.float32(t) - lanes[LP_T, v]) * STEP


@kernel
def _filter(z, lanes):  # type: ignore[no-untyped-def]
    """High-pass and low-pass of one quantum, `z` (64, lanes), in place."""
    count = z.shape[1]
    for n in range(QUANTUM):
        for v in range(count):
            x, s1, s2 = z[n, v], lanes[HP_1, v], lanes[HP_2, v]
            p, q = lanes[HP_P, v], lanes[HP_Q, v]
            t1 = p * s1 - q * s2 + q * x
            t2 = q * s1 + lanes[HP_R, v] * s2 + lanes[HP_T, v] * x
            lanes[HP_1, v], lanes[HP_2, v] = t1, t2
            x -= HALF * (ROOT2 * (s1 + t1) + s2 + t2)
            p, q = lanes[LP_P, v] + lanes[STEP_P, v], lanes[LP_Q, v] + lanes[STEP_Q, v]
            r, t = lanes[LP_R, v] + lanes[STEP_R, v], lanes[LP_T, v] + lanes[STEP_T, v]
            s1, s2 = lanes[LP_1, v], lanes[LP_2, v]
            t2 = q * s1 + r * s2 + t * x
            z[n, v] = HALF * (s2 + t2)
            lanes[LP_1, v], lanes[LP_2, v] = p * s1 - q * s2 + q * x, t2
            lanes[LP_P, v], lanes[LP_Q, v], lanes[LP_R, v], lanes[LP_T, v] = p, q, r, t


@kernel
def _heal(z, lanes):  # type: ignore[no-untyped-def]
    """Silence lanes that hold what is not a number; let those that have died away rest at zero."""
    for v in range(z.shape[1]):
        held = abs(lanes[HP_1, v]) + abs(lanes[HP_2, v]) + abs(lanes[LP_1, v]) + abs(lanes[LP_2, v])
        if not FLUSH <= held < WILD:
            lanes[HP_1, v] = lanes[HP_2, v] = lanes[LP_1, v] = lanes[LP_2, v] = F0
            if not held < WILD:
                for n in range(QUANTUM):
                    z[n, v] = F0


@kernel
def _levels(edges, q, columns, strips, heard, first, room):  # type: ignore[no-untyped-def]
    """Gains at edge `q`, in place; `first` takes them as they are, without ducking's past."""
    space = edges[q, columns[SPACE]] - HALF
    space_db = space * np.float32(SPACE_DB[0] if space < F0 else SPACE_DB[1])
    room[STRETCH, q] = exp2(np.float32(SPACE_OCTAVES) * space)
    returned = strips.shape[1] - 1
    for s in range(strips.shape[1]):
        duck = strips[DUCK, s]
        rate = strips[DOWN, s] if heard[DRIVE] > duck else strips[BACK, s]
        duck += rate * (heard[DRIVE] - duck)
        strips[DUCK, s] = duck
        level_db = edges[q, columns[FIRST_LEVEL + s]]
        gain = strips[LEVEL, s] * (F1 - strips[DEPTH, s] * duck) if level_db > SILENT_DB else F0
        if s < returned:
            level_db += edges[q, columns[SWELL]]  # the return has it from its sends
        strips[GAIN, s] = gain * exp2(DB_OCTAVES * level_db)
        strips[WET, s] = strips[SEND, s] * exp2(DB_OCTAVES * space_db)
    room[RETURN, q] = strips[GAIN, returned]
