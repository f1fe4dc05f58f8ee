"""A roof in the rain: each drop strikes a few of its modes, the same ones ring all the time (modal synthesis; van den
Doel, Kry & Pai, FoleyAutomatic, SIGGRAPH 2001). A mode is a phasor that turns and decays, in a place of its own.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.envelope import db_gain
from synth.dsp.sine import exp2
from synth.instruments.base import QUANTUM
from synth.instruments.chance import Chance, normal, uniform, waiting
from synth.instruments.drops import OTHER, OVER
from synth.instruments.scenes import Scene

Floats = NDArray[np.float32]

MODES = 24
GROUPS = MODES // 8

ZERO, ONE = np.float32(0.0), np.float32(1.0)
ALL, RARER = np.float32(MODES), np.float32(1.0 / OVER)
FLOOR = np.float32(1e-9)
SIDE_MOST = 0.32  # a mode is mostly on one side

# Rows of (ROWS, MODES). Single numbers in NUMBERS: frames to the next drop, and what the scene says.
RE, IM, TURN_RE, TURN_IM, LEFT, RIGHT, OCTAVE, NUMBERS, ROWS = range(9)
NEXT, RATE, STRUCK, LEVEL_DB, SPREAD_DB, LOUDEST_DB, CORNER = range(7)


def roof_state(scene: Scene, sample_rate: int, draw: random.Random) -> Floats:
    """The modes at rest, (ROWS, MODES); each is drawn within its share of the octaves."""
    s = np.zeros((ROWS, MODES))
    roof = scene.roof
    if roof is None:
        return s.astype(np.float32)
    for m in range(MODES):
        hz = roof.low_hz * (roof.high_hz / roof.low_hz) ** ((m + draw.random()) / MODES)
        t60_s = roof.t60_low_s * (roof.t60_high_s / roof.t60_low_s) ** draw.random()
        turn = 10.0 ** (-3.0 / (t60_s * sample_rate)) * np.exp(2j * math.pi * hz / sample_rate)
        s[TURN_RE, m], s[TURN_IM, m], s[OCTAVE, m] = turn.real, turn.imag, math.log2(hz / sample_rate)
        side = SIDE_MOST * draw.random()
        near, far = math.cos(side), math.sin(side)
        s[LEFT, m], s[RIGHT, m] = (near, far) if m % 2 else (far, near)
    s[NUMBERS, :7] = (
        0.0, roof.rate_hz / sample_rate, roof.struck, roof.level_db + scene.level_db, roof.spread_db,
        roof.loudest_db, math.log2(roof.lowpass_hz / sample_rate),
    )  # fmt: skip
    return s.astype(np.float32)


@kernel
def ring(s: Floats, x: Floats, bands: int, chance: Chance, foam: np.float32, bright: np.float32) -> None:
    """A quantum of the roof into the lanes of noise `x`; `foam` is the rate over the one given, up to OVER."""
    rate = s[NUMBERS, RATE]
    if rate == ZERO:
        return
    every = RARER / rate
    at = s[NUMBERS, NEXT]
    done = 0
    while done < QUANTUM:
        until = min(int(at), QUANTUM)
        for n in range(done, until):
            for m in range(GROUPS * bands):
                re, im = s[RE, m], s[IM, m]
                s[RE, m] = re * s[TURN_RE, m] - im * s[TURN_IM, m]
                s[IM, m] = re * s[TURN_IM, m] + im * s[TURN_RE, m]
            for b in range(bands):
                low, mid, high = s[IM, b], s[IM, b + 8], s[IM, b + 16]
                x[n, b] += s[LEFT, b] * low + s[LEFT, b + 8] * mid + s[LEFT, b + 16] * high
                x[n, OTHER + b] += s[RIGHT, b] * low + s[RIGHT, b + 8] * mid + s[RIGHT, b + 16] * high
        done = until
        if done < QUANTUM:
            if uniform(chance) < foam * RARER:
                _strike(s, chance, s[NUMBERS, CORNER] + bright)
            at += every * waiting(chance)
    s[NUMBERS, NEXT] = at - np.float32(QUANTUM)
    for m in range(MODES):
        if abs(s[RE, m]) + abs(s[IM, m]) < FLOOR:
            s[RE, m] = ZERO
            s[IM, m] = ZERO


@kernel
def _strike(s: Floats, chance: Chance, corner: np.float32) -> None:
    """A drop: soft as it is, it strikes little above `corner`, octaves of a cycle a sample."""
    level = db_gain(s[NUMBERS, LEVEL_DB] + min(s[NUMBERS, SPREAD_DB] * normal(chance), s[NUMBERS, LOUDEST_DB]))
    for _ in range(int(s[NUMBERS, STRUCK])):
        m = min(int(uniform(chance) * ALL), MODES - 1)
        ratio = exp2(s[OCTAVE, m] - corner)
        s[RE, m] += level * (uniform(chance) + uniform(chance) - ONE) / (ONE + ratio * ratio)
