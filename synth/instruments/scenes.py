"""Scenes of nature, as data: what `synth.instruments.nature` plays.

A scene is eight bands of noise, whose levels and centres follow two slow movers, two kinds of drops, and perhaps a
roof that they ring, or animals. The shapes are the project's own, after Farnell, Designing Sound (2010), part V.
"""

from __future__ import annotations

from typing import NamedTuple


class Band(NamedTuple):
    """A band of noise; a unit of the slow and of the quick mover takes its RMS level and its centre so far."""

    hz: float
    q: float
    level_db: float
    slow_db: float
    quick_db: float
    slow_oct: float = 0.0
    quick_oct: float = 0.0


class Drops(NamedTuple):
    """Drops at random times, `rate_hz` of them; pitches evenly spread in octaves between `low_hz` and `high_hz`.

    Level at 1 kHz, its slope, its spread (standard deviation), and how far above the middle the loudest may be: nothing
    startles. `t60_ms` is the time to fall by 60 dB at 1 kHz, 0
    for a bubble's own; it changes by `t60_slope` octaves an octave of pitch (-1: an even Q), `t60_oct` either way by
    chance. `rising`: the share whose pitch rises. `follow`: how far the rate follows the movers; `bursts_oct`: octaves
    of it a unit of the quick mover, so that it is log-normal.
    """

    rate_hz: float
    low_hz: float
    high_hz: float
    level_db: float
    slope_db: float
    spread_db: float
    t60_ms: float = 0.0
    t60_slope: float = -1.0
    t60_oct: float = 0.0
    loudest_db: float = 6.0
    rising: float = 0.0
    follow: float = 0.0
    bursts_oct: float = 0.0


class Roof(NamedTuple):
    """Drops that each strike `struck` of a roof's modes, which are spread over the octaves between two pitches, up to
    `loudest_db` over the middle one. Little is struck above `lowpass_hz`."""

    rate_hz: float
    low_hz: float
    high_hz: float
    t60_low_s: float
    t60_high_s: float
    struck: int
    level_db: float
    spread_db: float
    loudest_db: float
    lowpass_hz: float


class Crickets(NamedTuple):
    """`number` crickets, up to 8, on pitches spread between two; up to `depth_db` softer with distance, which takes
    away what is above `far_hz`."""

    number: int
    low_hz: float
    high_hz: float
    level_db: float
    depth_db: float
    far_hz: float
    chirps_low_hz: float
    chirps_high_hz: float
    pulses_low_hz: float
    pulses_high_hz: float
    rest_low_s: float
    rest_high_s: float


class Birds(NamedTuple):
    """`number` birds, up to 5, as crickets are; each rests between its phrases."""

    number: int
    low_hz: float
    high_hz: float
    level_db: float
    depth_db: float
    far_hz: float
    rest_low_s: float
    rest_high_s: float


class Scene(NamedTuple):
    """A scene; the correlation times of its two movers in s (0: waves)."""

    name: str
    level_db: float
    slow_s: float
    quick_s: float
    bands: tuple[Band, ...]
    drops: tuple[Drops, Drops]
    roof: Roof | None = None
    animals: Crickets | Birds | None = None


NO_DROPS = Drops(0.0, 1000.0, 1000.0, -100.0, 0.0, 0.0)

# A wave's movers run from -1 (trough) to 0 (crest); all others wander about 0 with standard deviation 1.
SCENES: tuple[Scene, ...] = (
    Scene(
        "ocean", -23.6, 0.0, 0.0,
        (
            Band(80, 0.7, -9, 5, 0),
            Band(150, 0.7, -4, 9, 0),
            Band(290, 0.7, -4, 11, 0),
            Band(950, 1.4, -7, 13, 0, slow_oct=1.2),
            Band(1700, 1.8, -13, 15, 0, slow_oct=1.2),
            Band(2000, 0.8, -15, 0, 13, quick_oct=-0.4),
            Band(3500, 0.7, -14, 0, 14, quick_oct=-0.4),
            Band(6000, 0.6, -16, 0, 15, quick_oct=-0.4),
        ),
        (Drops(300, 3000, 9000, 4, -3, 4, rising=0.3, follow=1.0), NO_DROPS),
    ),
    Scene(
        "rain", -13.4, 6.0, 2.0,
        (
            Band(180, 0.6, -36, 1, 0.3),
            Band(450, 0.6, -30, 1, 0.3),
            Band(900, 0.6, -24, 1.2, 0.4),
            Band(1600, 0.6, -22, 1.4, 0.5),
            Band(2700, 0.6, -22, 1.5, 0.6),
            Band(4300, 0.6, -23, 1.6, 0.7),
            Band(6500, 0.6, -26, 1.7, 0.8),
            Band(9500, 0.6, -31, 1.8, 0.8),
        ),
        (
            Drops(118, 2000, 8000, 1.5, -0.5, 6, t60_ms=8, t60_oct=0.66, loudest_db=3, follow=0.3),
            Drops(20, 3000, 9000, 0, -3, 4, rising=0.3, follow=0.3),
        ),
    ),
    Scene(
        "brook", -8.7, 5.0, 1.2,
        (
            Band(130, 0.6, -38, 1, 0.5),
            Band(300, 0.7, -33, 1, 0.7),
            Band(550, 0.8, -30, 1.2, 0.9),
            Band(950, 0.8, -29, 1.2, 1),
            Band(1600, 0.8, -30, 1.2, 1),
            Band(2700, 0.8, -33, 1.4, 1),
            Band(4500, 0.7, -37, 1.5, 1.2),
            Band(7500, 0.6, -42, 1.5, 1.2),
        ),
        (
            Drops(190, 450, 5000, -16, -2, 5, rising=0.3, follow=1.0),
            Drops(12, 330, 900, -14, -2, 4, rising=0.6, follow=1.0),
        ),
    ),
    Scene(
        "wind", -25.8, 3.2, 0.5,
        (
            Band(110, 0.7, -6, 1.8, 0.4, 0.15),
            Band(230, 1.2, -6, 2.2, 0.6, 0.3, 0.06),
            Band(350, 1.6, -7, 2.6, 0.7, 0.35, 0.08),
            Band(530, 2.0, -9, 3.0, 0.8, 0.35, 0.1),
            Band(820, 2.2, -13, 3.4, 0.9, 0.4, 0.1),
            Band(620, 14.0, -25, 3.6, 1, 0.35, 0.06),
            Band(2600, 0.8, -28, 4.2, 1.2, 0.2, 0.1),
            Band(4800, 0.8, -33, 4.6, 1.4, 0.2, 0.1),
        ),
        (NO_DROPS, NO_DROPS),
    ),
    Scene(
        "heavy rain", -27.4, 5.0, 0.5,
        (
            Band(220, 0.6, -20, 0.8, 0.5),
            Band(450, 0.7, -12, 0.8, 0.6),
            Band(850, 0.7, -8, 0.9, 0.7),
            Band(1500, 0.7, -7, 0.9, 0.8),
            Band(2500, 0.7, -8.5, 1, 0.9),
            Band(4000, 0.7, -11, 1, 1),
            Band(6200, 0.7, -16, 1.1, 1.1),
            Band(9000, 0.8, -23, 1.2, 1.2),
        ),
        (
            Drops(150, 1000, 4500, 12, -2, 5, t60_ms=8, t60_oct=0.66, loudest_db=4, follow=0.5),
            Drops(25, 900, 4000, 3, -3, 4, rising=0.3, follow=0.5),
        ),
    ),
    Scene(
        "rain on leaves", -10.0, 5.0, 1.2,
        (
            Band(250, 0.6, -36, 1, 0.4),
            Band(600, 0.6, -29, 1, 0.5),
            Band(1000, 0.7, -26, 1.2, 0.7),
            Band(1600, 0.7, -25, 1.3, 0.9),
            Band(2400, 0.7, -26, 1.4, 1),
            Band(3500, 0.8, -32, 1.5, 1.1),
            Band(5500, 0.7, -39, 1.6, 1.2),
            Band(8000, 0.7, -47, 1.8, 1.3),
        ),
        (
            Drops(160, 700, 3500, -5, 0, 8, 7.7, 0, 0.37, loudest_db=2, bursts_oct=0.6),
            Drops(3, 500, 1100, -5, 0, 4, 14, 0, 0.3, loudest_db=3, bursts_oct=0.8),
        ),
    ),
    Scene(
        "rain on a roof", -17.9, 5.0, 1.0,
        (
            Band(200, 0.6, -34, 1, 0.4),
            Band(400, 0.7, -27, 1, 0.5),
            Band(700, 0.7, -25, 1.1, 0.6),
            Band(1100, 0.7, -26, 1.1, 0.7),
            Band(1700, 0.7, -28, 1.2, 0.8),
            Band(2500, 0.7, -31, 1.2, 0.9),
            Band(3600, 0.7, -35, 1.3, 1),
            Band(5200, 0.7, -42, 1.4, 1),
        ),
        (NO_DROPS, NO_DROPS),
        roof=Roof(190, 300, 3000, 0.03, 0.09, 6, 0, 5, 2, 2600),
    ),
    Scene(
        "river", -20.9, 5.0, 0.8,
        (
            Band(90, 0.7, -22, 1.5, 0.5),
            Band(190, 0.8, -16, 1.4, 0.7),
            Band(350, 1.2, -12, 1.3, 0.9, 0, 0.05),
            Band(600, 1.2, -13, 1.2, 1, 0, 0.06),
            Band(1000, 1.0, -23, 1.2, 1.1, 0, 0.07),
            Band(1600, 0.9, -31, 1.2, 1.2, 0, 0.08),
            Band(2600, 0.8, -34, 1.4, 1.3),
            Band(4500, 0.7, -41, 1.6, 1.4),
        ),
        (
            Drops(120, 300, 1600, -8, -2.5, 4, rising=0.3, follow=0.6),
            Drops(14, 230, 520, -14, -2, 3, rising=0.5, follow=0.6),
        ),
    ),
    Scene(
        "fire", -22.5, 4.0, 0.5,
        (
            Band(55, 0.8, -11, 1.8, 1.2),
            Band(95, 0.9, -8, 1.8, 1.4, 0.1, 0.06),
            Band(160, 1.0, -9, 1.7, 1.4, 0.1, 0.08),
            Band(300, 0.8, -16, 1.6, 1.6),
            Band(1300, 0.6, -21, 1, 0.8),
            Band(2400, 0.6, -22, 1, 0.9),
            Band(4200, 0.6, -23, 1, 1),
            Band(7000, 0.6, -26, 1, 1),
        ),
        (
            Drops(7, 1500, 9000, 8.5, -1, 8, 3.2, 0, 1.4, bursts_oct=1.1),
            Drops(0.6, 500, 1400, 6, 0, 5, 9, 0, 0.6, bursts_oct=0.8),
        ),
    ),
    Scene(
        "crickets", -16.5, 4.0, 0.8,
        (
            Band(150, 0.6, -24, 1, 0.4),
            Band(300, 0.6, -24, 1, 0.5),
            Band(550, 0.6, -24, 1.1, 0.6),
            Band(950, 0.6, -25, 1.2, 0.7),
            Band(1600, 0.6, -26, 1.3, 0.8),
            Band(2700, 0.6, -27, 1.4, 0.9),
            Band(4500, 0.6, -27, 1.5, 1),
            Band(7000, 0.6, -32, 1.6, 1),
        ),
        (NO_DROPS, NO_DROPS),
        animals=Crickets(7, 4200, 4900, 5, 9, 6000, 1.1, 2.4, 26, 38, 2, 7),
    ),
    Scene(
        "night", -24.7, 3.2, 0.8,
        (
            Band(110, 0.7, -9, 1.8, 0.4, 0.1),
            Band(230, 0.9, -8, 2, 0.6, 0.2, 0.05),
            Band(350, 1.1, -9, 2.2, 0.7, 0.25, 0.06),
            Band(530, 1.2, -11, 2.4, 0.8, 0.25, 0.08),
            Band(850, 1.0, -15, 2.6, 0.9, 0.25, 0.08),
            Band(1500, 0.8, -21, 2.8, 1, 0.2, 0.1),
            Band(2800, 0.8, -25, 3, 1.1, 0.2, 0.1),
            Band(4800, 0.8, -30, 3.2, 1.2, 0.2, 0.1),
        ),
        (NO_DROPS, NO_DROPS),
        animals=Crickets(5, 4100, 4700, 5, 8, 5000, 1.0, 1.9, 25, 34, 3, 9),
    ),
    Scene(
        "birds", -18.5, 4.0, 0.8,
        (
            Band(150, 0.6, -19, 1, 0.4, 0.1),
            Band(300, 0.7, -17, 1, 0.5, 0.15),
            Band(550, 0.7, -17, 1.1, 0.6, 0.15),
            Band(950, 0.7, -18, 1.3, 0.7, 0.15),
            Band(1600, 0.6, -20, 1.4, 0.9, 0.1),
            Band(2700, 0.6, -21, 1.5, 1.1, 0.1),
            Band(4500, 0.6, -23, 1.7, 1.2, 0.1),
            Band(7500, 0.6, -28, 1.8, 1.3, 0.1),
        ),
        (NO_DROPS, NO_DROPS),
        animals=Birds(5, 2100, 4700, 7, 9, 4000, 7, 24),
    ),
)  # fmt: skip
