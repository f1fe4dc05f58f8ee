"""Two ears on a sphere: binaural sound of stereo stems around a head (Brown & Duda, "A structural model for binaural
sound synthesis", IEEE TSAP 6(5), 1998), and the first echoes of a room, without which it stays inside the head.

At an angle t from an ear the head's shadow is (1 + j a w / 2 w0) / (1 + j w / 2 w0) with w0 = c / r and
a = 1.05 + 0.95 cos(1.2 t), and sound comes (r / c) (1 - cos t) late, beyond 90 degrees (r / c) (1 + t - pi / 2). Only
the zero knows the angle: so zero and delay (Lagrange, six points) are one short response for each source and ear, and
an ear has one pole for all.

Each wall gives back what a cardioid that points to it hears of the whole scene, once, late and duller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.ambisonics import CHANNELS, GOAL, NOW, WAS, Place, aimed, direction, encode, heard, step_of, turn
from synth.dsp.intake import FLUSH, RAMP
from synth.dsp.quantum import QUANTUM

RADIUS_M = 0.0875
SOUND_M_S = 343.0
TRUE_HZ = 5000.0  # where the shadow is as over time that has no steps
DULL_HZ = 7000.0  # what walls and the way to them leave
POINTS = 6  # of the interpolation, its middle EARLY samples late
EARLY = 2
TAPS = POINTS + 2  # with the zero, and with room for a delay that passes a whole sample within a quantum

# Walls of a living room 5 m wide and 2.7 m high, heard from a little right of its middle: the ways over them from 2 m
# ahead. Azimuth and elevation in degrees, ms after the direct sound, dB.
WALLS = (
    (65.6, 0.0, 8.3, -10.0),
    (-70.5, 0.0, 11.5, -11.5),
    (0.0, -50.0, 3.3, -11.0),
    (0.0, 56.0, 4.7, -10.0),
    (0.0, 0.0, 8.9, -10.5),
    (180.0, 0.0, 17.5, -13.0),
)

LAG, REACH, UNIT, ZERO, POLE, DULL = range(6)  # of `head`, float64: the first two in samples
FRAME = 0
WEIGHTS, SLOPES = range(2)

F0, F1, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


@kernel
def _response(lateral, head, taps):  # type: ignore[no-untyped-def]
    """Write to `taps` (8,) how an ear hears a source at the cosine `lateral` to its axis; what is returned later."""
    angle = math.acos(min(max(lateral, -1.0), 1.0))
    way = 1.0 - lateral if lateral > 0.0 else 1.0 + angle - 0.5 * math.pi
    alpha = 1.05 + 0.95 * math.cos(1.2 * angle)
    first, second = head[UNIT] + alpha * head[ZERO], head[UNIT] - alpha * head[ZERO]
    delay = way * head[LAG]
    whole = int(delay)
    part = delay - whole + EARLY
    taps[:] = 0.0
    for k in range(POINTS):
        weight = 1.0
        for j in range(POINTS):
            if j != k:
                weight *= (part - j) / (k - j)
        taps[k] += first * weight
        taps[k + 1] += second * weight
    return whole


@kernel
def _aim(source, directions, head, taps, work, late):  # type: ignore[no-untyped-def]
    """Set what a source's response is at the quantum's start at both ears, and how it changes."""
    for ear in range(2):
        side = 1.0 - 2.0 * ear
        was = _response(side * directions[WAS, 0, source], head, work[0])
        now = _response(side * directions[NOW, 0, source], head, work[1])
        least = min(was, now)
        late[ear, source] = least
        for k in range(TAPS):
            before = work[0, k - (was - least)] if k >= was - least else 0.0
            after = work[1, k - (now - least)] if k >= now - least else 0.0
            taps[WEIGHTS, ear, source, k] = np.float32(before)
            taps[SLOPES, ear, source, k] = np.float32(after - before)


@kernel
def _listen(line, reach, source, taps, late, ears):  # type: ignore[no-untyped-def]
    """Add a quantum of a source's line, which begins `reach` samples before it, to both `ears` (2, 64)."""
    for ear in range(2):
        start = np.uint64(reach - late[ear, source])
        for k in range(TAPS):
            weight, slope = taps[WEIGHTS, ear, source, k], taps[SLOPES, ear, source, k]
            first = start - np.uint64(k)
            for n in range(np.uint64(QUANTUM)):
                ears[ear, n] += (weight + slope * RAMP[n]) * line[source, first + n]


@kernel
def _walls(bus, walls, delays, count, memory, lows, dull, line, reach):  # type: ignore[no-untyped-def]
    """Take the scene `bus` (4, 64) in, and give what comes back from each wall now to its line; `walls` (walls, 4)."""
    mask = memory.shape[1] - 1
    frame = count[FRAME]
    first = line.shape[0] - walls.shape[0]
    for w in range(walls.shape[0]):
        y = lows[w]
        for n in range(QUANTUM):
            v = walls[w, 0] * bus[0, n] + walls[w, 1] * bus[1, n]
            v += walls[w, 2] * bus[2, n] + walls[w, 3] * bus[3, n]
            y += dull * (v - y)
            memory[w, (frame + n) & mask] = y
            line[first + w, reach + n] = memory[w, (frame + n - delays[w]) & mask]
        lows[w] = y if abs(y) > FLUSH else F0
    count[FRAME] = frame + QUANTUM


@kernel
def _render(  # type: ignore[no-untyped-def]
    x, quanta, out, directions, step, line, bus, head, taps, work, late, moved, rest, walls, delays, count, memory,
    lows, ears, poles,
):  # fmt: skip
    reach = int(head[REACH])
    stems = line.shape[0] - walls.shape[0]
    pole = np.float32(head[POLE])
    for q in range(quanta):
        at = q * QUANTUM
        bus[:] = F0
        ears[:] = F0
        for source in range(line.shape[0]):
            for n in range(reach):
                line[source, n] = line[source, n + QUANTUM]
        for source in range(stems):
            moves = turn(directions, source, step)
            if moves or moved[source]:  # where it has come to rest, once more
                _aim(source, directions, head, taps, work, late)
            moved[source] = moves
            if heard(x, source, at, line, reach) > F0:
                encode(line, reach, source, directions, bus)
                rest[source] = 0
        _walls(bus, walls, delays, count, memory, lows, np.float32(head[DULL]), line, reach)
        for source in range(line.shape[0]):
            rest[source] += QUANTUM
            if source >= stems or rest[source] <= reach + 2 * QUANTUM:
                _listen(line, reach, source, taps, late, ears)
        for ear in range(2):
            y = poles[ear]
            for n in range(QUANTUM):
                y = ears[ear, n] - pole * y
                out[ear, at + n] = y
            poles[ear] = y if abs(y) > FLUSH else F0


class Head:
    """Binaural sound of stereo stems at `places`, in a room of `walls` (as WALLS; none of them: in the open).

    Straight ahead is 1.05 + 0.95 cos(108 deg) = 0.76 at high frequencies and 1 at low ones.
    """

    channels = 2

    def __init__(
        self, sample_rate: int, places: Sequence[Place], walls: Sequence[tuple[float, float, float, float]] = WALLS
    ) -> None:
        around = self._directions = aimed(places)
        sources, stems = 2 * len(places) + len(walls), 2 * len(places)
        lag = RADIUS_M / SOUND_M_S * sample_rate
        reach = math.ceil((1.0 + 0.5 * math.pi) * lag) + TAPS
        turn_hz = SOUND_M_S / (math.pi * RADIUS_M)  # w = 2 w0
        slow = TRUE_HZ / turn_hz / math.tan(math.pi * TRUE_HZ / sample_rate)  # bilinear
        unit = 1.0 / (1.0 + slow)
        dull = 1.0 - math.exp(-2.0 * math.pi * DULL_HZ / sample_rate)
        head = np.array([lag, reach, unit, slow * unit, (1.0 - slow) * unit, dull])
        taps, late = np.zeros((2, 2, sources, TAPS), np.float32), np.zeros((2, sources), np.int64)
        work = np.zeros((2, TAPS))
        fixed = [direction(azimuth, elevation) for azimuth, elevation, _, _ in walls]
        every = np.concatenate((around, np.stack([np.array(fixed).reshape(-1, 3).T] * 3)), axis=2)
        for source in range(sources):
            _aim(source, every, head, taps, work, late)
        gains = [
            [0.5 * 10.0 ** (db / 20.0) * axis for axis in (1.0, *d)] for d, (*_, db) in zip(fixed, walls, strict=True)
        ]
        delays = np.array([round(ms * 1e-3 * sample_rate) for _, _, ms, _ in walls], np.int64)
        longest = int(delays.max(initial=1)) + QUANTUM
        self._state = (
            around,
            step_of(sample_rate),
            np.zeros((sources, reach + QUANTUM), np.float32),
            np.zeros((CHANNELS, QUANTUM), np.float32),
            head,
            taps,
            work,
            late,
            np.zeros(stems, np.bool_),
            np.zeros(sources, np.int64),
            np.array(gains, np.float32).reshape(-1, CHANNELS),
            delays,
            np.zeros(1, np.int64),
            np.zeros((max(len(walls), 1), 1 << math.ceil(math.log2(longest))), np.float32),
            np.zeros(max(len(walls), 1), np.float32),
            np.zeros((2, QUANTUM), np.float32),
            np.zeros(2, np.float32),
        )

    def move(self, stem: int, place: Place) -> None:
        """Turn a stem, by its number in the places, to another from the next quantum on, by 30 degrees a second."""
        self._directions[GOAL, :, 2 * stem : 2 * stem + 2] = place.directions()

    def render(self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32]) -> None:
        """Overwrite `out[:, : quanta * 64]` ((2, frames)) with what is heard of `x` (left and right of each stem)."""
        _render(x, quanta, out, *self._state)
