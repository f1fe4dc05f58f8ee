"""First-order Ambisonics as AmbiX has it: channels W Y Z X, SN3D (Nachbar et al., "AmbiX", Ambisonics Symposium 2011).

A direction is a unit vector of y (left), z (up) and x (front), in the order of the channels; a source goes to W as it
is, and to the others times its direction. Loudspeakers at both sides play 0.5 (W + Y) and 0.5 (W - Y).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.intake import RAMP, WILD
from synth.dsp.quantum import QUANTUM

CHANNELS = 4
FASTEST_DEG_S = 30.0
STRAIGHT = 1e-9  # a sine under which two directions are one, or opposite
WAS, NOW, GOAL = range(3)  # of the directions of all sources: at a quantum's start, at its end, and at last

F0 = np.float32(0.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stereo stem is: azimuth counter-clockwise from the front, elevation up; its left and right are sources
    of their own at `azimuth_deg` plus and less `spread_deg`."""

    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    spread_deg: float = 30.0

    def directions(self) -> NDArray[np.float64]:
        """(3, 2): the unit vectors of left and right."""
        sides = self.azimuth_deg + self.spread_deg, self.azimuth_deg - self.spread_deg
        return np.stack([direction(azimuth_deg, self.elevation_deg) for azimuth_deg in sides], axis=1)


def direction(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """(3,): y, z and x of the unit vector that points there."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    level = math.cos(elevation)
    return np.array([math.sin(azimuth) * level, math.sin(elevation), math.cos(azimuth) * level])


def aimed(places: Sequence[Place]) -> NDArray[np.float64]:
    """(3, 3, sources): was, now and goal of the lefts and rights of stems that are at `places`."""
    return np.stack([np.concatenate([place.directions() for place in places], axis=1)] * 3)


def step_of(sample_rate: int) -> NDArray[np.float64]:
    """Cosine and sine of the angle by which a source turns in a quantum."""
    angle = math.radians(FASTEST_DEG_S) * QUANTUM / sample_rate
    return np.array([math.cos(angle), math.sin(angle)])


@kernel
def turn(directions, source, step):  # type: ignore[no-untyped-def]
    """Turn a source along the great circle to its goal, by at most the angle of which `step` is cosine and sine.

    True if it moved.
    """
    cosine, sine = step[0], step[1]
    y, z, x = directions[NOW, 0, source], directions[NOW, 1, source], directions[NOW, 2, source]
    gy, gz, gx = directions[GOAL, 0, source], directions[GOAL, 1, source], directions[GOAL, 2, source]
    directions[WAS, 0, source], directions[WAS, 1, source], directions[WAS, 2, source] = y, z, x
    along = y * gy + z * gz + x * gx
    if along >= cosine:
        ny, nz, nx = gy, gz, gx
    else:
        py, pz, px = gy - along * y, gz - along * z, gx - along * x
        length = math.sqrt(py * py + pz * pz + px * px)
        if length < STRAIGHT:  # the goal is opposite: round on the level, or over the front from above and below
            py, pz, px = x, 0.0, -y
            length = math.sqrt(x * x + y * y)
            if length < STRAIGHT:
                py, pz, px, length = 0.0, 0.0, 1.0, 1.0
        across = sine / length
        ny, nz, nx = y * cosine + py * across, z * cosine + pz * across, x * cosine + px * across
    directions[NOW, 0, source], directions[NOW, 1, source], directions[NOW, 2, source] = ny, nz, nx
    return ny != y or nz != z or nx != x


@kernel
def encode(line, start, source, directions, bus):  # type: ignore[no-untyped-def]
    """Add a quantum of `line` (sources, frames) from frame `start` on to `bus` (4, 64), from where the source is."""
    for n in range(QUANTUM):
        bus[0, n] += line[source, start + n]
    for c in range(3):
        gain = np.float32(directions[WAS, c, source])
        slope = np.float32(directions[NOW, c, source]) - gain
        for n in range(QUANTUM):
            bus[c + 1, n] += (gain + slope * RAMP[n]) * line[source, start + n]


@kernel
def heard(x, row, at, line, start):  # type: ignore[no-untyped-def]
    """Copy a quantum of `x` into `line` from `start` on, what is no number or far too large as 0; the loudest of it."""
    loudest = F0
    for n in range(QUANTUM):
        v = x[row, at + n]
        v = v if abs(v) < WILD else F0
        line[row, start + n] = v
        loudest = max(loudest, abs(v))
    return loudest


@kernel
def _render(x, quanta, out, directions, step, line, bus):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = q * QUANTUM
        bus[:] = F0
        for source in range(line.shape[0]):
            turn(directions, source, step)
            if heard(x, source, at, line, 0) > F0:
                encode(line, 0, source, directions, bus)
        for c in range(CHANNELS):
            for n in range(QUANTUM):
                out[c, at + n] = bus[c, n]


class Encoder:
    """AmbiX of stereo stems at `places`."""

    channels = CHANNELS

    def __init__(self, sample_rate: int, places: Sequence[Place]) -> None:
        self._directions = aimed(places)
        self._state = (
            self._directions,
            step_of(sample_rate),
            np.zeros((2 * len(places), QUANTUM), np.float32),
            np.zeros((CHANNELS, QUANTUM), np.float32),
        )

    def move(self, stem: int, place: Place) -> None:
        """Turn a stem, by its number in the places, to another from the next quantum on, by 30 degrees a second."""
        self._directions[GOAL, :, 2 * stem : 2 * stem + 2] = place.directions()

    def render(self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32]) -> None:
        """Overwrite `out[:, : quanta * 64]` ((4, frames)) with W Y Z X of `x` (left and right of each stem, frames)."""
        _render(x, quanta, out, *self._state)
