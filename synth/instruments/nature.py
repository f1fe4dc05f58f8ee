"""Nature, endless and never the same: water, wind, fire and animals, each a scene of `synth.instruments.scenes`.

Left and right are noises of their own with a little of each other, under shared movers. No mover repeats: waves draw
each period anew, gusts are walks. Over the noise come drops, a roof that they ring, and animals.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import db_gain
from synth.dsp.noise import bipolar, noise_states, walk, xorshift32
from synth.dsp.sine import exp2, quarter_sine
from synth.dsp.svf import coefficients, prewarp, svf
from synth.instruments.animals import Animals, sing
from synth.instruments.base import QUANTUM, Buffer, Edges, Events
from synth.instruments.chance import Chance, either, normal, uniform
from synth.instruments.drops import KINDS, OTHER, drop_constants, fall, spawn
from synth.instruments.drops import RATE as DROP_RATE
from synth.instruments.drops import STATE as DROP_STATE
from synth.instruments.roof import ring, roof_state
from synth.instruments.scenes import SCENES, Scene
from synth.rng import stream

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

BANDS, WAVES = 8, 2

BRIGHTNESS, MOTION = COLUMN["brightness_oct"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)
DROP_BRIGHTNESS = np.float32(0.5)  # octaves of a drop's pitch an octave of brightness

ZERO, QUARTER, HALF, ONE = (np.float32(x) for x in (0.0, 0.25, 0.5, 1.0))
CROSSFEED, OWN = np.float32(0.178), np.float32(0.984)  # correlation 0.35
NOISE_POWER = np.float32(3.0 / math.pi)
INVERSE_QUANTUM = np.float32(1.0 / QUANTUM)
CORNER_LOW, CORNER_HIGH = np.float32(2e-4), np.float32(0.45)  # cycles a sample
MOVER_LIMIT = np.float32(2.2)
SMOOTHING = np.float32(5.0)  # a mover is a walk smoothed over a fifth of its correlation time...
SMOOTHED = np.float32(math.sqrt(1.2))  # ...and brought back to its spread
SWAY_S, SWAY = 15.0, np.float32(0.1)  # slow walk of the balance between left and right
MOTION_DEFAULT, MOTION_DEPTH = np.float32(0.3), np.float32(0.5)

# Waves: mean period of each train, its height; a wave rises over RISE of its period; its hiss comes LAG_S later.
PERIOD_S, SECOND_PERIOD_S, SECOND_HEIGHT = np.float32(9.0), np.float32(11.0), np.float32(0.55)
PERIOD_SPREAD = np.float32(0.15)
SHORTEST_S, LONGEST_S = np.float32(6.0), np.float32(13.0)
RISE = np.float32(0.35)
HISS_FALL = np.float32(0.35)  # so that the latest hiss ends with its wave
LAG_LOW_S, LAG_SPREAD_S = np.float32(1.0), np.float32(0.8)

# Constants of a scene, as offsets: seven fields of bands, then single numbers.
(B_CORNER, B_DAMPING, B_LEVEL, B_SLOW, B_QUICK, B_SLOW_OCT, B_QUICK_OCT, C_FIRST) = range(0, 8 * BANDS, BANDS)
C_SLOW, C_QUICK, C_SWAY, C_SECOND, C_END = range(C_FIRST, C_FIRST + 5)

# Float state, as offsets.
(G, A1, A2, LEFT, RIGHT, RAMP_G, RAMP_A1, RAMP_A2, RAMP_LEFT, RAMP_RIGHT, L1, L2, R1, R2, M_FIRST) = range(
    0, 15 * BANDS, BANDS
)
SLOW_WALK, QUICK_WALK, SWAY_WALK, SLOW, QUICK, FOAM, STARTED, M_END = range(M_FIRST, M_FIRST + 8)
W_PLACE, W_PERIOD, W_HEIGHT, W_LAG, FLOAT_END = range(M_END, M_END + 5 * WAVES, WAVES)


def _constants(scene: Scene, sample_rate: int) -> NDArray[np.float32]:
    c = np.zeros(C_END)
    for b, band in enumerate(scene.bands):
        c[B_CORNER + b], c[B_DAMPING + b] = math.log2(band.hz / sample_rate), 1.0 / band.q
        c[B_LEVEL + b] = band.level_db + scene.level_db
        c[B_SLOW + b], c[B_QUICK + b] = band.slow_db, band.quick_db
        c[B_SLOW_OCT + b], c[B_QUICK_OCT + b] = band.slow_oct, band.quick_oct
    quantum_s = QUANTUM / sample_rate
    if scene.slow_s:
        c[C_SLOW], c[C_QUICK] = quantum_s / scene.slow_s, quantum_s / scene.quick_s
    c[C_SWAY], c[C_SECOND] = quantum_s / SWAY_S, sample_rate
    return c.astype(np.float32)


class Nature:
    """Plays on without notes; `kind` is the index of a scene in SCENES. Meets `synth.instruments.base.Instrument`."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(SCENES) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(SCENES) - 1} ({', '.join(s.name for s in SCENES)})")
        scene = SCENES[round(kind)]
        animals = Animals(scene, sample_rate, stream(seed, "animals"))
        self._bed = (
            noise_states(stream(seed, "nature"), 2 * OTHER), aligned((FLOAT_END,)), aligned((QUANTUM, 2 * OTHER)),
            _constants(scene, sample_rate),
        )  # fmt: skip
        self._over: tuple[Any, ...] = (
            noise_states(stream(seed, "chance"), 1), np.zeros(1, np.int64), aligned((DROP_STATE,)),
            drop_constants(scene, sample_rate), roof_state(scene, sample_rate, stream(seed, "roof")),
            animals.lanes, animals.like, animals.songs,
        )  # fmt: skip

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Render `quanta` quanta into `out` (2, MAX_FRAMES); notes are not heard."""
        _render(edges, quanta, BANDS, out, *self._bed, *self._over)

    @property
    def sounding(self) -> int:
        """Always one."""
        return 1


@kernel
def _render(
    edges: Edges,
    quanta: int,
    bands: int,
    out: Buffer,
    random: NDArray[np.uint32],
    s: Floats,
    noise: Floats,
    c: Floats,
    chance: Chance,
    falling: Integers,
    drops: Floats,
    drop: Floats,
    roof: Floats,
    lanes: Floats,
    like: Floats,
    songs: Floats,
) -> None:
    """`bands` is BANDS, but not known when compiling: loops over a constant are unrolled rather than vectorised."""
    for q in range(quanta):
        edge = q + 1
        bright = (
            edges[edge, BRIGHTNESS]
            + CORNER_PER_DB * edges[edge, EXPRESSION_DB]
            + CORNER_PER_BREATH * edges[edge, BREATH]
        )
        motion = edges[edge, MOTION] - MOTION_DEFAULT
        speed, depth = exp2(motion), ONE + MOTION_DEPTH * motion
        _move(s, chance, c, speed)
        _bands(s, c, bright, depth, bands)
        _white(random, noise, bands)
        _filter(s, noise, bands)
        foam = max(ONE + depth * (s[FOAM] - ONE), ZERO)
        quick = depth * min(max(s[QUICK], -MOVER_LIMIT), MOVER_LIMIT)
        for kind in range(KINDS):
            if drop[DROP_RATE + kind] > ZERO:
                spawn(drops, falling, chance, drop, kind, foam, quick, DROP_BRIGHTNESS * bright)
        fall(drops, falling, noise, bands)
        ring(roof, noise, bands, chance, foam, bright)
        sing(lanes, like, songs, noise, bands, chance, speed, bright)
        _sum(noise, out, q * QUANTUM)


@kernel
def _move(s: Floats, chance: Chance, c: Floats, speed: np.float32) -> None:
    """A quantum's step of the movers."""
    s[SWAY_WALK] = walk(s[SWAY_WALK], c[C_SWAY] * speed, either(chance))
    if c[C_SLOW] > ZERO:
        step = c[C_SLOW] * speed
        s[SLOW_WALK] = walk(s[SLOW_WALK], step, either(chance))
        s[SLOW] += SMOOTHING * step * (SMOOTHED * s[SLOW_WALK] - s[SLOW])
        step = c[C_QUICK] * speed
        s[QUICK_WALK] = walk(s[QUICK_WALK], step, either(chance))
        s[QUICK] += SMOOTHING * step * (SMOOTHED * s[QUICK_WALK] - s[QUICK])
        s[FOAM] = max(ONE + QUARTER * (s[SLOW] + s[QUICK]), QUARTER)
        return
    trough, still = ONE, ONE
    foam = ZERO
    for w in range(WAVES):
        place = s[W_PLACE + w] + np.float32(QUANTUM) * speed / (s[W_PERIOD + w] * c[C_SECOND]) if s[STARTED] else ONE
        if place >= ONE:
            mean = PERIOD_S if w == 0 else SECOND_PERIOD_S
            s[W_PERIOD + w] = min(max(mean * (ONE + PERIOD_SPREAD * normal(chance)), SHORTEST_S), LONGEST_S)
            s[W_HEIGHT + w] = (ONE if w == 0 else SECOND_HEIGHT) * (ONE - QUARTER * uniform(chance))
            s[W_LAG + w] = LAG_LOW_S + LAG_SPREAD_S * uniform(chance)
            place = place - ONE if s[STARTED] else HALF * uniform(chance)
        s[W_PLACE + w] = place
        trough *= ONE - s[W_HEIGHT + w] * _wave(place, RISE, ONE - RISE)
        late = place - s[W_LAG + w] / s[W_PERIOD + w]
        hiss = s[W_HEIGHT + w] * _wave(late, RISE, HISS_FALL)
        still *= ONE - hiss
        if late > RISE:
            foam += hiss
    s[STARTED] = ONE
    s[SLOW] = -trough
    s[QUICK] = -still
    s[FOAM] = foam


@kernel
def _wave(place: np.float32, rise: np.float32, fall: np.float32) -> np.float32:
    """A rise and a fall without corners, 0 to 1 and back, from `place` 0 on."""
    if place <= ZERO or place >= rise + fall:
        return ZERO
    half = place / rise if place < rise else (rise + fall - place) / fall
    height = quarter_sine(QUARTER * half)
    return height * height


@kernel
def _bands(s: Floats, c: Floats, bright: np.float32, depth: np.float32, bands: int) -> None:
    """Corners and gains at the quantum's end, and the ramps that lead there."""
    slow = depth * min(max(s[SLOW], -MOVER_LIMIT), MOVER_LIMIT)
    quick = depth * min(max(s[QUICK], -MOVER_LIMIT), MOVER_LIMIT)
    sway = SWAY * min(max(s[SWAY_WALK], -MOVER_LIMIT), MOVER_LIMIT)
    for b in range(bands):
        s[G + b] += s[RAMP_G + b] * np.float32(QUANTUM)
        s[A1 + b] += s[RAMP_A1 + b] * np.float32(QUANTUM)
        s[A2 + b] += s[RAMP_A2 + b] * np.float32(QUANTUM)
        s[LEFT + b] += s[RAMP_LEFT + b] * np.float32(QUANTUM)
        s[RIGHT + b] += s[RAMP_RIGHT + b] * np.float32(QUANTUM)

        octave = c[B_CORNER + b] + bright + slow * c[B_SLOW_OCT + b] + quick * c[B_QUICK_OCT + b]
        corner = min(max(exp2(octave), CORNER_LOW), CORNER_HIGH)
        damping = c[B_DAMPING + b]
        g = prewarp(corner)
        a1, a2 = coefficients(g, damping)
        # Of noise of variance 1/3 the band passes the power pi / 3 * corner / damping.
        level = db_gain(c[B_LEVEL + b] + slow * c[B_SLOW + b] + quick * c[B_QUICK + b])
        gain = level * np.sqrt(NOISE_POWER * damping / corner)
        left, right = gain * (ONE + sway), gain * (ONE - sway)
        fresh = s[A1 + b] == ZERO
        s[G + b] = g if fresh else s[G + b]
        s[A1 + b] = a1 if fresh else s[A1 + b]
        s[A2 + b] = a2 if fresh else s[A2 + b]
        s[RAMP_G + b] = (g - s[G + b]) * INVERSE_QUANTUM
        s[RAMP_A1 + b] = (a1 - s[A1 + b]) * INVERSE_QUANTUM
        s[RAMP_A2 + b] = (a2 - s[A2 + b]) * INVERSE_QUANTUM
        s[RAMP_LEFT + b] = (left - s[LEFT + b]) * INVERSE_QUANTUM
        s[RAMP_RIGHT + b] = (right - s[RIGHT + b]) * INVERSE_QUANTUM


@kernel
def _white(random: NDArray[np.uint32], noise: Floats, bands: int) -> None:
    for n in range(QUANTUM):
        for b in range(bands):
            left, right = xorshift32(random[b]), xorshift32(random[OTHER + b])
            random[b] = left
            random[OTHER + b] = right
            noise[n, b] = OWN * bipolar(left) + CROSSFEED * bipolar(right)
            noise[n, OTHER + b] = OWN * bipolar(right) + CROSSFEED * bipolar(left)


@kernel
def _filter(s: Floats, x: Floats, bands: int) -> None:
    """Each band in place: left in the first half of the lanes, right in the second."""
    for n in range(QUANTUM):
        t = np.float32(n)
        for b in range(bands):
            g = s[G + b] + t * s[RAMP_G + b]
            a1 = s[A1 + b] + t * s[RAMP_A1 + b]
            a2 = s[A2 + b] + t * s[RAMP_A2 + b]
            _, band, s[L1 + b], s[L2 + b] = svf(x[n, b], s[L1 + b], s[L2 + b], g, a1, a2)
            x[n, b] = band * (s[LEFT + b] + t * s[RAMP_LEFT + b])
            _, band, s[R1 + b], s[R2 + b] = svf(x[n, OTHER + b], s[R1 + b], s[R2 + b], g, a1, a2)
            x[n, OTHER + b] = band * (s[RIGHT + b] + t * s[RAMP_RIGHT + b])


@kernel
def _sum(x: Floats, out: Buffer, frame: int) -> None:
    """Add the bands, written out in pairs so that the order never depends on the compiler."""
    for n in range(QUANTUM):
        out[0, frame + n] = ((x[n, 0] + x[n, 1]) + (x[n, 2] + x[n, 3])) + ((x[n, 4] + x[n, 5]) + (x[n, 6] + x[n, 7]))
        out[1, frame + n] = ((x[n, 16] + x[n, 17]) + (x[n, 18] + x[n, 19])) + (
            (x[n, 20] + x[n, 21]) + (x[n, 22] + x[n, 23])
        )
