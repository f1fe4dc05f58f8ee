"""Scenes of nature, as data: what `synth.instruments.nature` plays.

A scene is eight bands of noise, whose levels and centres follow two slow movers, and two kinds of drops. The
shapes are the project's own, after Farnell, Designing Sound (2010), part V.
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
        (Drops(300, 3000, 9000, 0, 4, -3, 4, 0.3, follow=1.0), NO_DROPS),
    ),
    Scene(
        "rain", -13.1, 12.0, 4.0,
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
            Drops(140, 1800, 7000, 9, -1.5, -3, 3.5, 0.0, follow=0.3),
            Drops(14, 1500, 6000, 0, -10, -3, 4, 0.3, follow=0.3),
        ),
    ),
    Scene(
        "brook", -8.9, 12.0, 2.0,
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
            Drops(190, 450, 5000, 0, -16, -2, 5, 0.3, follow=0.3),
            Drops(12, 330, 900, 0, -14, -2, 4, 0.6, follow=0.3),
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
)  # fmt: skip
