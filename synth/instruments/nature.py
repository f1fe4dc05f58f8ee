"""Nature: ocean, light rain, a brook and wind, endless and never the same.

Left and right are noises of their own with a little of each other, under shared movers. No mover repeats: waves draw
each period anew, gusts are walks. Drops are decaying sines: a bubble of radius r sounds at 3 / r Hz and dies at
0.13 / r + 0.0072 r^-1.5 a second, rising as it nears the surface (van den Doel, Physically based models for liquid
sounds, ACM Trans. Applied Perception 2(4), 2005); a drop that hits a leaf or a stone is a sine of low Q.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import LOG2_E, db_gain
from synth.dsp.noise import bipolar, noise_states, unipolar, walk, xorshift32
from synth.dsp.sine import cosine, exp2, log2, quarter_sine, sine
from synth.dsp.svf import coefficients, prewarp, svf
from synth.instruments.base import QUANTUM, Buffer, Edges, Events
from synth.instruments.scenes import SCENES, Scene
from synth.rng import stream

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

BANDS, WAVES, KINDS, BUBBLES = 8, 2, 2, 64
OTHER = 16  # lanes from left to right: more than are computed at a time

BRIGHTNESS, MOTION = COLUMN["brightness_oct"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)
DROP_BRIGHTNESS = np.float32(0.5)  # octaves of a drop's pitch an octave of brightness
SHORTER_DB = np.float32(3.5)  # an octave, for a higher drop is a shorter one

ZERO, QUARTER, HALF, ONE, THREE = (np.float32(x) for x in (0.0, 0.25, 0.5, 1.0, 3.0))
CROSSFEED, OWN = np.float32(0.178), np.float32(0.984)  # correlation 0.35
NOISE_POWER = np.float32(3.0 / math.pi)
INVERSE_QUANTUM = np.float32(1.0 / QUANTUM)
CORNER_LOW, CORNER_HIGH = np.float32(2e-4), np.float32(0.45)  # cycles a sample
MOST_DROPS = np.float32(1.5)  # over the rate given, when movers are high
DROP_HIGH = np.float32(0.4)
FADED = np.float32(1e-9)  # squared amplitude at which a drop ends
MOVER_LIMIT = np.float32(2.2)
LOUDEST_DROP_DB = np.float32(6.0)  # over the middle one: nothing startles
SMOOTHING = np.float32(5.0)  # a mover is a walk smoothed over a fifth of its correlation time...
SMOOTHED = np.float32(math.sqrt(1.2))  # ...and brought back to its spread
SWAY_S, SWAY = 15.0, np.float32(0.1)  # slow walk of the balance between left and right
MOTION_DEFAULT, MOTION_DEPTH = np.float32(0.3), np.float32(0.5)
MIDDLE_MOST = np.float32(0.0625)  # cycles; a drop is mostly on one side (0.125 would be the middle)
RISE_SHARE = np.float32(0.1)  # xi of the paper: pitch rises by this much while a bubble falls by 1 / e

# Waves: mean period of each train, its height; a wave rises over RISE of its period; its hiss comes LAG_S later.
PERIOD_S, SECOND_PERIOD_S, SECOND_HEIGHT = np.float32(9.0), np.float32(11.0), np.float32(0.55)
PERIOD_SPREAD = np.float32(0.15)
SHORTEST_S, LONGEST_S = np.float32(6.0), np.float32(13.0)
RISE = np.float32(0.35)
HISS_FALL = np.float32(0.35)  # so that the latest hiss ends with its wave
LAG_LOW_S, LAG_SPREAD_S = np.float32(1.0), np.float32(0.8)

# Constants of a scene, as offsets: seven fields of bands, nine of drops, then single numbers.
(B_CORNER, B_DAMPING, B_LEVEL, B_SLOW, B_QUICK, B_SLOW_OCT, B_QUICK_OCT, D_FIRST) = range(0, 8 * BANDS, BANDS)
(D_RATE, D_OCTAVE, D_OCTAVES, D_Q, D_LEVEL, D_SLOPE, D_SPREAD, D_RISING, D_FOLLOW, C_FIRST) = range(
    D_FIRST, D_FIRST + 10 * KINDS, KINDS
)
C_SLOW, C_QUICK, C_SWAY, C_SECOND, C_KILOHERTZ, C_END = range(C_FIRST, C_FIRST + 6)

# Float state, as offsets.
(G, A1, A2, LEFT, RIGHT, RAMP_G, RAMP_A1, RAMP_A2, RAMP_LEFT, RAMP_RIGHT, L1, L2, R1, R2, M_FIRST) = range(
    0, 15 * BANDS, BANDS
)
SLOW_WALK, QUICK_WALK, SWAY_WALK, SLOW, QUICK, FOAM, STARTED, M_END = range(M_FIRST, M_FIRST + 8)
W_PLACE, W_PERIOD, W_HEIGHT, W_LAG, W_END = range(M_END, M_END + 5 * WAVES, WAVES)
NEXT = W_END  # frames until the next drop of each kind
(
    RE, IM, TURN_RE, TURN_IM, KEEP, PITCH, BEND, DROP_LEFT, DROP_RIGHT, DROP_START, HEARD_LEFT, HEARD_RIGHT, FLOAT_END,
) = range(NEXT + KINDS, NEXT + KINDS + 13 * BUBBLES, BUBBLES)  # fmt: skip
RANDOM = 2 * OTHER  # the generator of movers and drops, after those of the noise


def _constants(scene: Scene, sample_rate: int) -> NDArray[np.float32]:
    c = np.zeros(C_END)
    for b, band in enumerate(scene.bands):
        c[B_CORNER + b], c[B_DAMPING + b] = math.log2(band.hz / sample_rate), 1.0 / band.q
        c[B_LEVEL + b] = band.level_db + scene.level_db
        c[B_SLOW + b], c[B_QUICK + b] = band.slow_db, band.quick_db
        c[B_SLOW_OCT + b], c[B_QUICK_OCT + b] = band.slow_oct, band.quick_oct
    for d, drops in enumerate(scene.drops):
        c[D_RATE + d], c[D_Q + d] = drops.rate_hz / sample_rate, drops.q
        c[D_OCTAVE + d], c[D_OCTAVES + d] = (
            math.log2(drops.low_hz / sample_rate),
            math.log2(drops.high_hz / drops.low_hz),
        )
        c[D_LEVEL + d], c[D_SLOPE + d] = drops.level_db + scene.level_db, drops.slope_db
        c[D_SPREAD + d], c[D_RISING + d], c[D_FOLLOW + d] = drops.spread_db, drops.rising, drops.follow
    quantum_s = QUANTUM / sample_rate
    if scene.slow_s:
        c[C_SLOW], c[C_QUICK] = quantum_s / scene.slow_s, quantum_s / scene.quick_s
    c[C_SWAY], c[C_SECOND], c[C_KILOHERTZ] = quantum_s / SWAY_S, sample_rate, math.log2(1000.0 / sample_rate)
    return c.astype(np.float32)


class Nature:
    """Plays on without notes; `kind` is the index of a scene in SCENES. Meets `synth.instruments.base.Instrument`."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(SCENES) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(SCENES) - 1} ({', '.join(s.name for s in SCENES)})")
        self._constants = _constants(SCENES[round(kind)], sample_rate)
        self._random = noise_states(stream(seed, "nature"), RANDOM + 1)
        self._floats = aligned((FLOAT_END,))
        self._integers = np.zeros(1, np.int64)  # drops that sound
        self._noise = aligned((QUANTUM, 2 * OTHER))

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Render `quanta` quanta into `out` (2, MAX_FRAMES); notes are not heard."""
        _render(
            edges, quanta, BANDS, out,
            self._floats, self._integers, self._random, self._noise, self._constants,
        )  # fmt: skip

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
    s: Floats,
    i: Integers,
    random: NDArray[np.uint32],
    noise: Floats,
    c: Floats,
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
        _move(s, random, c, exp2(motion))
        _bands(s, c, bright, ONE + MOTION_DEPTH * motion, bands)
        _white(random, noise, bands)
        _filter(s, noise, bands)
        for kind in range(KINDS):
            if c[D_RATE + kind] > ZERO:
                _spawn(s, i, random, c, kind, DROP_BRIGHTNESS * bright)
        _drops(s, i, noise, bands)
        _retire(s, i)
        _sum(noise, out, q * QUANTUM)


@kernel
def _draw(random: NDArray[np.uint32]) -> np.uint32:
    random[RANDOM] = xorshift32(random[RANDOM])
    return random[RANDOM]


@kernel
def _move(s: Floats, random: NDArray[np.uint32], c: Floats, speed: np.float32) -> None:
    """A quantum's step of the movers."""
    s[SWAY_WALK] = walk(s[SWAY_WALK], c[C_SWAY] * speed, bipolar(_draw(random)))
    if c[C_SLOW] > ZERO:
        step = c[C_SLOW] * speed
        s[SLOW_WALK] = walk(s[SLOW_WALK], step, bipolar(_draw(random)))
        s[SLOW] += SMOOTHING * step * (SMOOTHED * s[SLOW_WALK] - s[SLOW])
        step = c[C_QUICK] * speed
        s[QUICK_WALK] = walk(s[QUICK_WALK], step, bipolar(_draw(random)))
        s[QUICK] += SMOOTHING * step * (SMOOTHED * s[QUICK_WALK] - s[QUICK])
        s[FOAM] = max(ONE + QUARTER * (s[SLOW] + s[QUICK]), QUARTER)
        return
    trough, still = ONE, ONE
    foam = ZERO
    for w in range(WAVES):
        place = s[W_PLACE + w] + np.float32(QUANTUM) * speed / (s[W_PERIOD + w] * c[C_SECOND]) if s[STARTED] else ONE
        if place >= ONE:
            normal = bipolar(_draw(random)) + bipolar(_draw(random)) + bipolar(_draw(random))
            mean = PERIOD_S if w == 0 else SECOND_PERIOD_S
            s[W_PERIOD + w] = min(max(mean * (ONE + PERIOD_SPREAD * normal), SHORTEST_S), LONGEST_S)
            s[W_HEIGHT + w] = (ONE if w == 0 else SECOND_HEIGHT) * (ONE - QUARTER * unipolar(_draw(random)))
            s[W_LAG + w] = LAG_LOW_S + LAG_SPREAD_S * unipolar(_draw(random))
            place = place - ONE if s[STARTED] else HALF * unipolar(_draw(random))
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


@kernel
def _spawn(s: Floats, i: Integers, random: NDArray[np.uint32], c: Floats, kind: int, bright: np.float32) -> None:
    """Start the drops of this quantum: the time between two is exponential, and a share of them is left out."""
    share = (ONE + c[D_FOLLOW + kind] * (s[FOAM] - ONE)) / MOST_DROPS
    rate = MOST_DROPS * c[D_RATE + kind]
    at = s[NEXT + kind]
    while at < np.float32(QUANTUM):
        if unipolar(_draw(random)) < share and i[0] < BUBBLES:
            v = i[0]
            i[0] += 1
            place = c[D_OCTAVES + kind] * unipolar(_draw(random))
            octave = c[D_OCTAVE + kind] + place + bright
            hz_share = min(exp2(octave), DROP_HIGH)
            hz = hz_share * c[C_SECOND]
            bubble = hz / THREE
            decay = np.float32(0.13) * bubble + np.float32(0.0072) * bubble * np.sqrt(bubble)
            if c[D_Q + kind] > ZERO:
                decay = np.float32(math.pi) * hz / c[D_Q + kind]
            decay /= c[C_SECOND]
            normal = bipolar(_draw(random)) + bipolar(_draw(random)) + bipolar(_draw(random))
            level_db = c[D_LEVEL + kind] + c[D_SLOPE + kind] * (octave - bright - c[C_KILOHERTZ])
            level_db += SHORTER_DB * bright
            level = db_gain(level_db + min(c[D_SPREAD + kind] * normal, LOUDEST_DROP_DB))
            start = np.floor(at)
            back = start * hz_share
            back -= np.floor(back)
            grown = exp2(LOG2_E * decay * start)
            s[RE + v] = grown * cosine(back)  # so turned that it comes to 1 + 0j at its start
            s[IM + v] = -grown * sine(back)
            s[KEEP + v] = exp2(-LOG2_E * decay)
            s[PITCH + v] = hz_share
            rises = unipolar(_draw(random)) < c[D_RISING + kind]
            s[BEND + v] = RISE_SHARE * decay * hz_share * np.float32(QUANTUM) if rises else ZERO
            side = MIDDLE_MOST * unipolar(_draw(random))
            near, far = level * cosine(side), level * sine(side)
            to_left = bipolar(_draw(random)) < ZERO
            if bipolar(_draw(random)) < ZERO:  # a decaying sine leans to one side: half of them to the other
                near, far = -near, -far
            s[DROP_LEFT + v] = near if to_left else far
            s[DROP_RIGHT + v] = far if to_left else near
            s[DROP_START + v] = start
        at -= log2(max(unipolar(_draw(random)), np.float32(1e-6))) * np.float32(math.log(2.0)) / rate
    s[NEXT + kind] = at - np.float32(QUANTUM)


@kernel
def _drops(s: Floats, i: Integers, x: Floats, bands: int) -> None:
    """Add every drop, a turning phasor, to the lanes of the bands."""
    drops = (i[0] + bands - 1) // bands * bands
    if drops == 0:
        return
    for v in range(drops):
        s[TURN_RE + v] = s[KEEP + v] * cosine(s[PITCH + v])
        s[TURN_IM + v] = s[KEEP + v] * sine(s[PITCH + v])
        s[PITCH + v] = min(s[PITCH + v] + s[BEND + v], DROP_HIGH)
    for n in range(QUANTUM):
        t = np.float32(n)
        for v in range(drops):
            re, im = s[RE + v], s[IM + v]
            heard = im if t >= s[DROP_START + v] else ZERO
            s[HEARD_LEFT + v] = s[DROP_LEFT + v] * heard
            s[HEARD_RIGHT + v] = s[DROP_RIGHT + v] * heard
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
        s[DROP_START + v] = ZERO


@kernel
def _retire(s: Floats, i: Integers) -> None:
    """Free the drops that have faded; the last one moves into the gap."""
    v = 0
    while v < i[0]:
        if s[RE + v] * s[RE + v] + s[IM + v] * s[IM + v] > FADED:
            v += 1
            continue
        i[0] -= 1
        for field in range(RE, FLOAT_END, BUBBLES):
            s[field + v] = s[field + i[0]]
            s[field + i[0]] = ZERO
