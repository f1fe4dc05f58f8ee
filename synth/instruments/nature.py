"""Nature: ocean, light rain, a brook and wind, endless and never the same.

A scene is eight bands of noise, whose levels and corners follow two slow movers, and two kinds of drops. Left and
right are noises of their own with a little of each other, under shared movers. Drops are decaying sines: a bubble of
radius r sounds at 3 / r Hz and dies at 0.13 / r + 0.0072 r^-1.5 a second, rising as it nears the surface (van den
Doel, Physically based models for liquid sounds, ACM Trans. Applied Perception 2(4), 2005); a drop that hits a leaf or
stone is a sine of low Q. No mover repeats: waves draw each period anew, gusts are walks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.envelope import db_gain
from synth.dsp.noise import bipolar, noise_states, unipolar, walk, xorshift32
from synth.dsp.sine import cosine, exp2, log2, quarter_sine, sine
from synth.dsp.svf import coefficients, prewarp, svf
from synth.instruments.base import QUANTUM, Buffer, Edges, Events
from synth.rng import stream


class Band(NamedTuple):
    """A band of noise: `level_db` (RMS) and corner move by the `_db` and `_oct` a unit of the slow and the quick mover."""

    hz: float
    q: float
    level_db: float
    slow_db: float
    quick_db: float
    slow_oct: float = 0.0
    quick_oct: float = 0.0


class Drops(NamedTuple):
    """Drops at random times, `rate_hz` of them; pitches evenly spread in octaves between `low_hz` and `high_hz`.

    `q` 0: bubbles. Level at 1 kHz, its slope, and its spread (standard deviation). `rising`: the share whose pitch
    rises. `follow`: how far the rate follows the scene's quick mover.
    """

    rate_hz: float
    low_hz: float
    high_hz: float
    q: float
    level_db: float
    slope_db: float
    spread_db: float
    rising: float
    follow: float = 0.0


class Scene(NamedTuple):
    """A scene; the correlation times of its two movers in s (0: waves)."""

    name: str
    level_db: float
    slow_s: float
    quick_s: float
    bands: tuple[Band, ...]
    drops: tuple[Drops, Drops]


NO_DROPS = Drops(0.0, 1000.0, 1000.0, 0.0, -100.0, 0.0, 0.0, 0.0)

# A wave's movers run from -1 (trough) to 0 (crest); all others wander about 0 with standard deviation 1.
SCENES: tuple[Scene, ...] = (
    Scene(
        "ocean", 0.0, 0.0, 0.0,
        (
            Band(80, 0.7, -9, 5, 0),
            Band(150, 0.7, -4, 9, 0),
            Band(290, 0.7, -4, 11, 0),
            Band(1100, 0.7, -6, 13, 0, slow_oct=1.4),
            Band(2000, 0.7, -11, 15, 0, slow_oct=1.6),
            Band(1800, 0.6, -17, 0, 13, quick_oct=-0.5),
            Band(3200, 0.6, -20, 0, 15, quick_oct=-0.5),
            Band(5500, 0.6, -25, 0, 16, quick_oct=-0.5),
        ),
        (Drops(60, 3700, 9000, 0, -38, -3, 5, 0.3, follow=1.0), NO_DROPS),
    ),
    Scene(
        "rain", 0.0, 25.0, 4.0,
        (
            Band(180, 0.6, -34, 1, 0.3),
            Band(450, 0.6, -28, 1, 0.3),
            Band(900, 0.6, -22, 1.2, 0.4),
            Band(1600, 0.6, -21, 1.4, 0.5),
            Band(2700, 0.6, -21, 1.5, 0.6),
            Band(4300, 0.6, -22, 1.6, 0.7),
            Band(6500, 0.6, -24, 1.7, 0.8),
            Band(9500, 0.6, -28, 1.8, 0.8),
        ),
        (
            Drops(90, 2000, 8000, 3.5, -6, -2, 5, 0.0, follow=0.3),
            Drops(20, 3000, 9000, 0, -18, -3, 4, 0.3, follow=0.3),
        ),
    ),
    Scene(
        "brook", 0.0, 20.0, 2.0,
        (
            Band(130, 0.6, -30, 1, 0.5),
            Band(300, 0.7, -26, 1, 0.7),
            Band(550, 0.8, -23, 1.2, 0.9),
            Band(950, 0.8, -22, 1.2, 1),
            Band(1600, 0.8, -23, 1.2, 1),
            Band(2700, 0.8, -26, 1.4, 1),
            Band(4500, 0.7, -31, 1.5, 1.2),
            Band(7500, 0.6, -37, 1.5, 1.2),
        ),
        (
            Drops(260, 500, 5000, 0, -16, -2, 5, 0.3, follow=0.3),
            Drops(12, 330, 900, 0, -14, -2, 4, 0.6, follow=0.3),
        ),
    ),
    Scene(
        "wind", 0.0, 3.2, 0.5,
        (
            Band(110, 0.7, -6, 3, 0.5, 0.2),
            Band(230, 1.2, -6, 3.5, 0.8, 0.35, 0.08),
            Band(350, 1.6, -7, 4, 1, 0.4, 0.1),
            Band(530, 2.0, -9, 4.5, 1, 0.4, 0.12),
            Band(820, 2.2, -13, 5, 1.2, 0.45, 0.12),
            Band(620, 14.0, -25, 5, 1.5, 0.4, 0.08),
            Band(2600, 0.8, -29, 6, 1.5, 0.2, 0.1),
            Band(4800, 0.8, -35, 6.5, 2, 0.2, 0.1),
        ),
        (NO_DROPS, NO_DROPS),
    ),
)  # fmt: skip

BANDS, WAVES, KINDS, BUBBLES = 8, 2, 2, 96
OTHER = 16  # lanes from left to right: more than are computed at a time
EIGHT = 8  # frames a drop is turned at a time
IMAGINARY = QUANTUM + EIGHT  # where the second half of a drop's row starts; the first frames may overrun by seven

BRIGHTNESS, MOTION = COLUMN["brightness_oct"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)
DROP_BRIGHTNESS = np.float32(0.5)  # octaves of a drop's pitch an octave of brightness

ZERO, QUARTER, HALF, ONE, TWO, THREE = (np.float32(x) for x in (0.0, 0.25, 0.5, 1.0, 2.0, 3.0))
CROSSFEED, OWN = np.float32(0.178), np.float32(0.984)  # correlation 0.35
NOISE_POWER = np.float32(3.0 / math.pi)
INVERSE_QUANTUM = np.float32(1.0 / QUANTUM)
CORNER_LOW, CORNER_HIGH = np.float32(2e-4), np.float32(0.45)  # cycles a sample
DROP_HIGH = np.float32(0.4)
FADED = np.float32(1e-9)  # squared amplitude at which a drop ends
MOVER_LIMIT = np.float32(2.5)
LOUDEST_DROP_DB = np.float32(9.0)  # over the middle one: nothing startles
SMOOTHING = np.float32(5.0)  # a mover is a walk smoothed over a fifth of its correlation time...
SMOOTHED = np.float32(math.sqrt(1.2))  # ...and brought back to its spread
SWAY_S, SWAY = 15.0, np.float32(0.1)  # slow walk of the balance between left and right
MOTION_DEFAULT, MOTION_DEPTH = np.float32(0.3), np.float32(0.5)
RISE_SHARE = np.float32(0.1)  # xi of the paper: pitch rises by this much while a bubble falls by 1 / e

# Waves: mean period of each train, its height; a wave rises over RISE of its period; its hiss comes LAG_S later.
PERIOD_S, SECOND_PERIOD_S, SECOND_HEIGHT = np.float32(9.0), np.float32(11.0), np.float32(0.55)
PERIOD_SPREAD = np.float32(0.15)
SHORTEST_S, LONGEST_S = np.float32(6.0), np.float32(13.0)
RISE = np.float32(0.35)
HISS_RISE, HISS_FALL = np.float32(0.25), np.float32(0.45)
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
(RE, IM, TURN_RE, TURN_IM, BEND_RE, BEND_IM, DROP_LEFT, DROP_RIGHT, DROP_START, FLOAT_END) = range(
    NEXT + KINDS, NEXT + KINDS + 10 * BUBBLES, BUBBLES
)
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
        c[D_OCTAVE + d], c[D_OCTAVES + d] = math.log2(drops.low_hz / sample_rate), math.log2(drops.high_hz / drops.low_hz)
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
        self._floats = np.zeros(FLOAT_END, np.float32)
        self._integers = np.zeros(1, np.int64)  # drops that sound
        self._noise = np.zeros((QUANTUM, 2 * OTHER), np.float32)
        self._row = np.zeros(2 * IMAGINARY, np.float32)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Render `quanta` quanta into `out` (2, MAX_FRAMES); notes are not heard."""
        _render(
            edges, quanta, out,
            self._floats, self._integers, self._random, self._noise, self._row, self._constants,
        )  # fmt: skip

    @property
    def sounding(self) -> int:
        """Always one."""
        return 1


@kernel
def _render(edges, quanta, out, s, i, random, noise, row, c):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        edge = q + 1
        bright = (
            edges[edge, BRIGHTNESS]
            + CORNER_PER_DB * edges[edge, EXPRESSION_DB]
            + CORNER_PER_BREATH * edges[edge, BREATH]
        )
        motion = edges[edge, MOTION] - MOTION_DEFAULT
        _move(s, random, c, exp2(motion))
        _bands(s, c, bright, ONE + MOTION_DEPTH * motion, BANDS)
        _white(random, noise, BANDS)
        _filter(s, noise, BANDS)
        _sum(noise, out, q * QUANTUM)
        for kind in range(KINDS):
            if c[D_RATE + kind] > ZERO:
                _spawn(s, i, random, c, kind, DROP_BRIGHTNESS * bright)
        _drops(s, i, row, out, q * QUANTUM)


@kernel
def _draw(random):  # type: ignore[no-untyped-def]
    random[RANDOM] = xorshift32(random[RANDOM])
    return random[RANDOM]


@kernel
def _move(s, random, c, speed):  # type: ignore[no-untyped-def]
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
        hiss = s[W_HEIGHT + w] * _wave(late, HISS_RISE, HISS_FALL)
        still *= ONE - hiss
        if late > HISS_RISE:
            foam += hiss
    s[STARTED] = ONE
    s[SLOW] = -trough
    s[QUICK] = -still
    s[FOAM] = foam


@kernel
def _wave(place, rise, fall):  # type: ignore[no-untyped-def]
    """A rise and a fall without corners, 0 to 1 and back, from `place` 0 on."""
    if place <= ZERO or place >= rise + fall:
        return ZERO
    half = place / rise if place < rise else (rise + fall - place) / fall
    height = quarter_sine(QUARTER * half)
    return height * height


@kernel
def _bands(s, c, bright, depth, bands):  # type: ignore[no-untyped-def]
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
def _white(random, noise, bands):  # type: ignore[no-untyped-def]
    for n in range(QUANTUM):
        for b in range(bands):
            left, right = xorshift32(random[b]), xorshift32(random[OTHER + b])
            random[b] = left
            random[OTHER + b] = right
            noise[n, b] = OWN * bipolar(left) + CROSSFEED * bipolar(right)
            noise[n, OTHER + b] = OWN * bipolar(right) + CROSSFEED * bipolar(left)


@kernel
def _filter(s, x, bands):  # type: ignore[no-untyped-def]
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
def _sum(x, out, frame):  # type: ignore[no-untyped-def]
    """Add the bands, written out in pairs so that the order never depends on the compiler."""
    for n in range(QUANTUM):
        out[0, frame + n] = ((x[n, 0] + x[n, 1]) + (x[n, 2] + x[n, 3])) + ((x[n, 4] + x[n, 5]) + (x[n, 6] + x[n, 7]))
        out[1, frame + n] = ((x[n, 16] + x[n, 17]) + (x[n, 18] + x[n, 19])) + (
            (x[n, 20] + x[n, 21]) + (x[n, 22] + x[n, 23])
        )


@kernel
def _spawn(s, i, random, c, kind, bright):  # type: ignore[no-untyped-def]
    """Start the drops of this quantum; the time between two is exponential."""
    at = s[NEXT + kind]
    while at < np.float32(QUANTUM):
        rate = c[D_RATE + kind] * (ONE + c[D_FOLLOW + kind] * (s[FOAM] - ONE)) + np.float32(1e-7)
        if i[0] < BUBBLES:
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
            level_db = c[D_LEVEL + kind] + c[D_SLOPE + kind] * (octave - c[C_KILOHERTZ])
            level = db_gain(level_db + min(c[D_SPREAD + kind] * normal, LOUDEST_DROP_DB))
            keep = exp2(np.float32(-1.4426950408889634) * decay)
            s[RE + v] = ONE
            s[IM + v] = ZERO
            s[TURN_RE + v] = keep * cosine(hz_share)
            s[TURN_IM + v] = keep * sine(hz_share)
            rises = unipolar(_draw(random)) < c[D_RISING + kind]
            bend = RISE_SHARE * decay * hz_share * np.float32(QUANTUM) if rises else ZERO
            s[BEND_RE + v] = cosine(bend)
            s[BEND_IM + v] = sine(bend)
            side = HALF * HALF * HALF * (HALF * unipolar(_draw(random)))  # mostly to one side
            near, far = level * cosine(side), level * sine(side)
            to_left = bipolar(_draw(random)) < ZERO
            s[DROP_LEFT + v] = near if to_left else far
            s[DROP_RIGHT + v] = far if to_left else near
            s[DROP_START + v] = np.floor(at)
        at -= log2(max(unipolar(_draw(random)), np.float32(1e-6))) * np.float32(math.log(2.0)) / rate
    s[NEXT + kind] = at - np.float32(QUANTUM)


@kernel
def _drops(s, i, row, out, frame):  # type: ignore[no-untyped-def]
    """Add every drop: a phasor turned eight frames at a time. One that has faded makes room for the last."""
    v = 0
    while v < i[0]:
        start = max(np.int64(s[DROP_START + v]), 0)  # spelled out, so that the compiler knows indices are not negative
        row[start] = s[RE + v]
        row[IMAGINARY + start] = s[IM + v]
        re, im = s[TURN_RE + v], s[TURN_IM + v]
        width = 1
        while width < EIGHT:  # double what is there up to eight frames, then go on by eights
            for n in range(start, start + width):
                row[n + width] = re * row[n] - im * row[IMAGINARY + n]
                row[IMAGINARY + n + width] = re * row[IMAGINARY + n] + im * row[n]
            width *= 2
            re, im = re * re - im * im, TWO * re * im
        for n in range(start, QUANTUM - EIGHT):
            row[n + EIGHT] = re * row[n] - im * row[IMAGINARY + n]
            row[IMAGINARY + n + EIGHT] = re * row[IMAGINARY + n] + im * row[n]
        left, right = s[DROP_LEFT + v], s[DROP_RIGHT + v]
        for n in range(start, QUANTUM):
            out[0, frame + n] += left * row[IMAGINARY + n]
            out[1, frame + n] += right * row[IMAGINARY + n]
        last_re, last_im = row[QUANTUM - 1], row[IMAGINARY + QUANTUM - 1]
        re, im = s[TURN_RE + v], s[TURN_IM + v]
        s[RE + v] = re * last_re - im * last_im
        s[IM + v] = re * last_im + im * last_re
        s[TURN_RE + v] = re * s[BEND_RE + v] - im * s[BEND_IM + v]
        s[TURN_IM + v] = re * s[BEND_IM + v] + im * s[BEND_RE + v]
        s[DROP_START + v] = ZERO
        if last_re * last_re + last_im * last_im > FADED:
            v += 1
            continue
        i[0] -= 1
        for field in range(RE, FLOAT_END, BUBBLES):
            s[field + v] = s[field + i[0]]
