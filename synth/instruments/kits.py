"""Percussion kits as data: what is struck in each of three ranges of keys, and how.

Membrane ratios are those of the ideal circular membrane (Fletcher & Rossing, The Physics of Musical Instruments,
18.1); decays and levels are the project's own. A shaker, a brush and the wires of a snare are many short high modes
drawn anew for every stroke, the sum of which is a band of noise (after Cook, "Physically informed sonic modeling",
CMJ 1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

LOW_TOP, MIDDLE_TOP = 38.5, 60.0  # MIDI notes: a kit's low stroke up to the first, its middle one up to the second


class Membrane(NamedTuple):
    """One mode of a drum head: frequency over the lowest, nodal diameters, level in dB where a hand usually lands,
    decay, and the side to which it first moves."""

    ratio: float
    diameters: int
    level_db: float
    t60_s: float
    side: int = 1


@dataclass(frozen=True, slots=True)
class Head:
    """A drum head: `beater_hz` is the corner of what strikes it at middling velocity.

    `point`: where it lands, of the radius; nearer the centre mutes the modes with diameters. `hz` 0 is tuned by the
    note. `t60_slope`: octaves of decay an octave of pitch over `t60_hz`.
    """

    modes: tuple[Membrane, ...]
    beater_hz: float
    level_db: float
    point: tuple[float, float] = (0.45, 0.75)
    hz: float = 0.0
    t60_hz: float = 90.0
    t60_slope: float = 0.0


@dataclass(frozen=True, slots=True)
class Noise:
    """A band of `modes` short modes between two frequencies; `corner_hz` at middling velocity. `back_db`: how much
    softer, and a little higher, every other stroke is."""

    hz: tuple[float, float]
    corner_hz: float
    t60_s: float
    level_db: float
    modes: int
    back_db: float = 0.0
    signed: bool = True  # alike in level, of either sign; False draws the levels too


@dataclass(frozen=True, slots=True)
class Stroke:
    """A head, a noise or both in one hit, with its quickest onset and its place."""

    head: Head | None = None
    noise: Noise | None = None
    rise_s: float = 0.001
    pan: float = 0.0


@dataclass(frozen=True, slots=True)
class Kit:
    """The strokes of low, middle and high keys."""

    name: str
    low: Stroke
    middle: Stroke
    high: Stroke


FRAME_HEAD = (
    Membrane(1, 0, 0, 0.5),
    Membrane(1.593, 1, -3, 0.8),
    Membrane(2.136, 2, -8, 0.6, -1),
    Membrane(2.295, 0, -6, 0.35, -1),
    Membrane(2.653, 3, -12, 0.45),
    Membrane(2.917, 1, -14, 0.3),
)
RINGING_HEAD = (
    Membrane(1, 0, 0, 0.8),
    Membrane(1.593, 1, -3, 1.0),
    Membrane(2.136, 2, -8, 0.7, -1),
    Membrane(2.295, 0, -6, 0.35, -1),
    Membrane(2.653, 3, -12, 0.45),
    Membrane(2.917, 1, -14, 0.3),
)
LOW_HEAD = (Membrane(1, 0, 0, 0.8), Membrane(1.593, 1, -12, 0.5), Membrane(2.295, 0, -18, 0.25))
KICK_HEAD = (Membrane(1, 0, 0, 0.38), Membrane(1.593, 1, -10, 0.2), Membrane(2.295, 0, -13, 0.12))
SNARE_HEAD = (
    Membrane(1, 0, 0, 0.22),
    Membrane(1.593, 1, -4, 0.2),
    Membrane(2.136, 2, -9, 0.15, -1),
    Membrane(2.295, 0, -8, 0.12, -1),
)
FINGER_HEAD = tuple(mode._replace(t60_s=0.3 * mode.t60_s) for mode in FRAME_HEAD)

HAND_PERCUSSION = Kit(
    "hand_percussion",
    low=Stroke(Head(LOW_HEAD, 90.0, -3.2), rise_s=0.003),
    middle=Stroke(
        Head(RINGING_HEAD, 240.0, -5.8),
        Noise((1000.0, 3000.0), 3000.0, 0.02, -36.4, 12, signed=False),
        rise_s=0.0008,
        pan=-0.1,
    ),
    high=Stroke(noise=Noise((3500.0, 9000.0), 6000.0, 0.12, -1.5, 64), rise_s=0.006, pan=0.25),
)
FRAME_DRUM = Kit(
    "frame_drum",
    low=Stroke(  # the flat of the hand in the middle
        Head(FRAME_HEAD, 140.0, -3.8, point=(0.05, 0.22), t60_slope=-0.7),
        Noise((1000.0, 3000.0), 1800.0, 0.02, -38.0, 12, signed=False),
        rise_s=0.002,
    ),
    middle=Stroke(  # fingers near the rim
        Head(FRAME_HEAD, 340.0, -5.2, point=(0.72, 0.92), t60_slope=-0.7),
        Noise((1000.0, 3000.0), 3000.0, 0.02, -34.0, 12, signed=False),
        rise_s=0.0012,
        pan=-0.15,
    ),
    high=Stroke(  # a fingertip at the rim, damped by the other hand
        Head(FINGER_HEAD, 600.0, -7.5, point=(0.85, 0.96), hz=165.0),
        Noise((1000.0, 3000.0), 3000.0, 0.03, -20.0, 24, signed=False),
        rise_s=0.0006,
        pan=0.2,
    ),
)
SOFT_KIT = Kit(
    "soft_kit",
    low=Stroke(
        Head(KICK_HEAD, 110.0, 0.5, point=(0.1, 0.35), hz=58.0),
        Noise((300.0, 1200.0), 700.0, 0.015, -32.0, 12, signed=False),
        rise_s=0.004,
    ),
    middle=Stroke(
        Head(SNARE_HEAD, 260.0, -10.0, hz=172.0),
        Noise((1300.0, 5500.0), 3200.0, 0.21, 0.0, 48),
        rise_s=0.012,
        pan=-0.1,
    ),
    high=Stroke(noise=Noise((3800.0, 8000.0), 5600.0, 0.08, 3.5, 48, back_db=-2.0), rise_s=0.005, pan=0.3),
)
SHAKER = Kit(
    "shaker",
    low=Stroke(noise=Noise((1800.0, 5000.0), 3600.0, 0.26, -1.0, 64, back_db=-2.5), rise_s=0.02, pan=-0.1),
    middle=Stroke(noise=Noise((2600.0, 6500.0), 4600.0, 0.21, 0.0, 64, back_db=-2.5), rise_s=0.016, pan=0.05),
    high=Stroke(noise=Noise((3200.0, 7500.0), 5000.0, 0.17, 1.0, 64, back_db=-2.5), rise_s=0.012, pan=0.2),
)
KITS = (HAND_PERCUSSION, FRAME_DRUM, SOFT_KIT, SHAKER)
