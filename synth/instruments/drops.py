"""Drops: sines that decay, at random times. A bubble of radius r sounds at 3 / r Hz and dies at 0.13 / r + 0.0072
r^-1.5 a second, rising as it nears the surface (van den Doel, Physically based models for liquid sounds, ACM Trans.
Applied Perception 2(4), 2005); what hits a leaf or a stone, or breaks in a fire, dies as its scene says.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.envelope import LOG2_E, db_gain
from synth.dsp.sine import cosine, exp2, sine
from synth.instruments.base import QUANTUM
from synth.instruments.chance import Chance, either, normal, uniform, waiting
from synth.instruments.scenes import Scene

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

KINDS, SLOTS = 2, 64
OTHER = 16  # lanes of noise from left to right: more than are computed at a time

ZERO, HALF, ONE, THREE = (np.float32(x) for x in (0.0, 0.5, 1.0, 3.0))
OVER = 1.5  # a rate may rise to so much of what is given...
BURST_OVER = 2.0  # ...and this many times its octaves of bursts
HIGHEST = np.float32(0.4)  # cycles a sample
FADED = np.float32(1e-9)  # squared amplitude at which a drop ends
SHORTER_DB = np.float32(3.5)  # an octave, for a higher drop is a shorter one
MIDDLE_MOST = np.float32(0.0625)  # cycles; a drop is mostly on one side (0.125 would be the middle)
RISE_SHARE = np.float32(0.1)  # xi of the paper: pitch rises by this much while a bubble falls by 1 / e
LN_1000 = np.float32(math.log(1000.0))

# Constants of both kinds, and one of the scene.
(
    RATE, MOST, OCTAVE, OCTAVES, T60, T60_SLOPE, T60_SPREAD, LEVEL, SLOPE, SPREAD, LOUDEST, RISING, FOLLOW, BURSTS,
    SECOND,
) = range(0, 15 * KINDS, KINDS)  # fmt: skip
CONSTANTS = SECOND + 2
KILOHERTZ = SECOND + 1

# State: the drops, and frames until the next one of each kind.
(RE, IM, TURN_RE, TURN_IM, KEEP, PITCH, BEND, LEFT, RIGHT, START, HEARD_LEFT, HEARD_RIGHT, NEXT) = range(
    0, 13 * SLOTS, SLOTS
)
STATE = NEXT + KINDS


def drop_constants(scene: Scene, sample_rate: int) -> Floats:
    """What the kernels here are given of a scene."""
    c = np.zeros(CONSTANTS)
    c[SECOND], c[KILOHERTZ] = sample_rate, math.log2(1000.0 / sample_rate)
    for d, drops in enumerate(scene.drops):
        c[RATE + d], c[MOST + d] = drops.rate_hz / sample_rate, OVER * 2.0 ** (BURST_OVER * drops.bursts_oct)
        c[OCTAVE + d] = math.log2(drops.low_hz / sample_rate)
        c[OCTAVES + d] = math.log2(drops.high_hz / drops.low_hz)
        c[T60 + d] = drops.t60_ms / 1000.0 * sample_rate
        c[T60_SLOPE + d], c[T60_SPREAD + d] = drops.t60_slope, drops.t60_oct
        c[LEVEL + d], c[SLOPE + d] = drops.level_db + scene.level_db, drops.slope_db
        c[SPREAD + d], c[LOUDEST + d], c[RISING + d] = drops.spread_db, drops.loudest_db, drops.rising
        c[FOLLOW + d], c[BURSTS + d] = drops.follow, drops.bursts_oct
    return c.astype(np.float32)


@kernel
def spawn(
    s: Floats,
    i: Integers,
    chance: Chance,
    c: Floats,
    kind: int,
    foam: np.float32,
    quick: np.float32,
    bright: np.float32,
) -> None:
    """Start the drops of this quantum: the time between two is exponential, and a share of them is left out."""
    wanted = (ONE + c[FOLLOW + kind] * (foam - ONE)) * exp2(c[BURSTS + kind] * quick)
    share = wanted / c[MOST + kind]
    every = ONE / (c[MOST + kind] * c[RATE + kind])
    at = s[NEXT + kind]
    while at < np.float32(QUANTUM):
        if uniform(chance) < share and i[0] < SLOTS:
            v = i[0]
            i[0] += 1
            octave = c[OCTAVE + kind] + c[OCTAVES + kind] * uniform(chance) + bright
            pitch = min(exp2(octave), HIGHEST)
            above = octave - c[KILOHERTZ]
            if c[T60 + kind] > ZERO:
                length = c[T60_SLOPE + kind] * above + c[T60_SPREAD + kind] * either(chance)
                decay = LN_1000 / (c[T60 + kind] * exp2(length))
            else:
                bubble = pitch * c[SECOND] / THREE
                decay = np.float32(0.13) * bubble + np.float32(0.0072) * bubble * np.sqrt(bubble)
                decay /= c[SECOND]
            level_db = c[LEVEL + kind] + c[SLOPE + kind] * (above - bright) + SHORTER_DB * bright
            level = db_gain(level_db + min(c[SPREAD + kind] * normal(chance), c[LOUDEST + kind]))
            start = np.floor(at)
            back = start * pitch
            back -= np.floor(back)
            grown = exp2(LOG2_E * decay * start)
            s[RE + v] = grown * cosine(back)  # so turned that it comes to 1 + 0j at its start
            s[IM + v] = -grown * sine(back)
            s[KEEP + v] = exp2(-LOG2_E * decay)
            s[PITCH + v] = pitch
            rises = uniform(chance) < c[RISING + kind]
            s[BEND + v] = RISE_SHARE * decay * pitch * np.float32(QUANTUM) if rises else ZERO
            side = MIDDLE_MOST * uniform(chance)
            near, far = level * cosine(side), level * sine(side)
            to_left = either(chance) < ZERO
            if either(chance) < ZERO:  # a decaying sine leans to one side: half of them to the other
                near, far = -near, -far
            s[LEFT + v] = near if to_left else far
            s[RIGHT + v] = far if to_left else near
            s[START + v] = start
        at += every * waiting(chance)
    s[NEXT + kind] = at - np.float32(QUANTUM)


@kernel
def fall(s: Floats, i: Integers, x: Floats, bands: int) -> None:
    """Add every drop, a turning phasor, to the lanes of noise `x`, and free those that have faded."""
    drops = (i[0] + bands - 1) // bands * bands
    if drops == 0:
        return
    for v in range(drops):
        s[TURN_RE + v] = s[KEEP + v] * cosine(s[PITCH + v])
        s[TURN_IM + v] = s[KEEP + v] * sine(s[PITCH + v])
        s[PITCH + v] = min(s[PITCH + v] + s[BEND + v], HIGHEST)
    for n in range(QUANTUM):
        t = np.float32(n)
        for v in range(drops):
            re, im = s[RE + v], s[IM + v]
            heard = im if t >= s[START + v] else ZERO
            s[HEARD_LEFT + v] = s[LEFT + v] * heard
            s[HEARD_RIGHT + v] = s[RIGHT + v] * heard
            s[RE + v] = re * s[TURN_RE + v] - im * s[TURN_IM + v]
            s[IM + v] = re * s[TURN_IM + v] + im * s[TURN_RE + v]
        for b in range(bands):
            at = HEARD_LEFT + b
            x[n, b] += ((s[at] + s[at + 8]) + (s[at + 16] + s[at + 24])) + (
                (s[at + 32] + s[at + 40]) + (s[at + 48] + s[at + 56])
            )
            at = HEARD_RIGHT + b
            x[n, OTHER + b] += ((s[at] + s[at + 8]) + (s[at + 16] + s[at + 24])) + (
                (s[at + 32] + s[at + 40]) + (s[at + 48] + s[at + 56])
            )
    for v in range(drops):
        s[START + v] = ZERO
    _retire(s, i)


@kernel
def _retire(s: Floats, i: Integers) -> None:
    """Free the drops that have faded; the last one moves into the gap."""
    v = 0
    while v < i[0]:
        if s[RE + v] * s[RE + v] + s[IM + v] * s[IM + v] > FADED:
            v += 1
            continue
        i[0] -= 1
        for field in range(RE, NEXT, SLOTS):
            s[field + v] = s[field + i[0]]
            s[field + i[0]] = ZERO
