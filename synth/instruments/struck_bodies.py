"""Struck bodies as data: bars, bells, bowls, tines and glasses, each a table of modes.

Ratios: vibraphone and marimba bars tuned 1:4 (Rossing, Science of Percussion Instruments, 2000), free and clamped
bars for celesta, gender and kalimba (ibid.), tubes and church bells (Fletcher & Rossing, The Physics of Musical
Instruments, 21), the bell with a major third after Lehr (1987), bonang after Sethares (Tuning, Timbre, Spectrum, Scale,
2005), glass and Tibetan bowl after Essl & Cook's banded-waveguide measurements as published in the Synthesis ToolKit.
What is rubbed slips and sticks once a period, so its partials are harmonic. Levels and decays are the project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Mode(NamedTuple):
    """One mode: frequency over the note's, level in dB at middling velocity, decay at the reference note.

    With `split_hz` it is a pair of that distance, which beats.
    """

    ratio: float
    level_db: float
    t60_s: float
    split_hz: float = 0.0


class Resonance(NamedTuple):
    """A resonance of the body that does not follow the note."""

    hz: float
    level_db: float
    t60_s: float


class Rattle(NamedTuple):
    """A faint noise of the blow, from `low_hz` to `high_hz`."""

    low_hz: float
    high_hz: float
    level_db: float
    t60_s: float


@dataclass(frozen=True, slots=True)
class Body:
    """A struck body; of its modes, the one that lasts stands first.

    `mallet_hz`: corner of its mallet at middling velocity; `rise_s`: the quickest onset, and `slower_oct` by how much
    the attack control lengthens it; `level_db`: amplitude of a full hit; `motor_hz`: rate at which mode 1 swells (0:
    no motor); `tube_s`: rise of a tuned tube, which doubles mode 1 (0: no tube); `rub_hz`: rates at which a rubbed
    body may swell; `damper_s`: in which a damped note falls 60 dB, as every one does at the next if `next_damps`;
    `cents`: how far off a tine may be.
    """

    name: str
    reference_note: float
    modes: tuple[Mode, ...]
    mallet_hz: float
    rise_s: float
    level_db: float
    slower_oct: float = 5.0
    resonances: tuple[Resonance, ...] = ()
    rattle: Rattle | None = None
    motor_hz: float = 0.0
    tube_s: float = 0.0
    rub_hz: tuple[float, float] | None = None
    damper_s: float = 0.25
    next_damps: bool = False
    cents: float = 0.0


# fmt: off
BODIES: tuple[Body, ...] = (
    Body(
        "vibraphone", 53, (Mode(1, 0, 9), Mode(4, -16, 3.5), Mode(11, -30, 1)),
        450.0, 0.002, -8.8, motor_hz=4.0,
    ),
    Body(
        "celesta", 72, (Mode(1, 0, 2.2), Mode(2.756, -26, 0.5), Mode(4, -24, 0.6), Mode(6.27, -30, 0.2)),
        1900.0, 0.0004, -8.2,
    ),
    Body(
        "bowl", 57,
        (
            Mode(1, 0, 30, 0.25), Mode(2.986, -1, 18, 0.4), Mode(5.704, -8, 9), Mode(9.006, -12, 5, 0.6),
            Mode(12.82, -22, 3, 0.8), Mode(17.28, -30, 1.5), Mode(21.98, -36, 1),
        ),
        400.0, 0.004, -14.4, damper_s=1.0,
    ),
    Body(
        "kalimba", 69, (Mode(1, 0, 1.4), Mode(6.267, -22, 0.15), Mode(17.55, -34, 0.05)),
        1000.0, 0.0008, -6.8, damper_s=0.1,
        resonances=(Resonance(180, -18, 0.098), Resonance(340, -20, 0.052)), rattle=Rattle(2500, 6000, -36, 0.08),
    ),
    Body(
        "glass", 72,
        (Mode(1, 0, 5), Mode(2.32, -8, 3), Mode(4.25, -14, 2), Mode(6.63, -22, 1.2), Mode(9.38, -30, 0.8)),
        1300.0, 0.003, -10.0,
    ),
    Body(
        "marimba", 60, (Mode(1, 0, 1.6), Mode(4, -14, 0.35), Mode(9.9, -24, 0.12), Mode(16, -38, 0.06)),
        450.0, 0.002, -5.8, tube_s=0.015,
    ),
    Body(
        "crystal_bowl", 60, (Mode(1, 0, 25, 0.25), Mode(2.3, -26, 8), Mode(4.2, -36, 4)),
        300.0, 0.008, -12.8, damper_s=1.5,
    ),
    Body(
        "tubular_bell", 60,  # heard an octave below mode 4, which stands first; the tube's lowest modes are not heard
        (
            Mode(2, -4, 8), Mode(2.99, 0, 7), Mode(4.17, -4, 5), Mode(5.56, -10, 3), Mode(1.21, -14, 5),
            Mode(7.1, -18, 2), Mode(0.617, -20, 3),
        ),
        700.0, 0.001, -11.6, damper_s=0.4,
    ),
    Body(
        "music_box", 72, (Mode(1, 0, 3.3), Mode(2.76, -26, 0.75), Mode(4, -24, 0.9), Mode(6.27, -30, 0.3)),
        10000.0, 0.0003, -8.0, damper_s=0.05, cents=4.0,
    ),
    Body(
        "soft_bell", 60,  # of the kind with a major third
        (
            Mode(0.5, -6, 20, 0.2), Mode(1, 0, 8, 0.3), Mode(1.25, -3, 7), Mode(2, -2, 5), Mode(1.5, -12, 4),
            Mode(2.5, -16, 3), Mode(3, -10, 2), Mode(4, -16, 1.3),
        ),
        350.0, 0.004, -15.2, damper_s=0.8,
    ),
    Body(
        "gender", 60, (Mode(1, 0, 10), Mode(2.76, -26, 1.5), Mode(5.4, -38, 0.5)),
        350.0, 0.002, -9.0, tube_s=0.015, damper_s=0.3,
    ),
    Body(
        "saron", 72, (Mode(1, 0, 5), Mode(2.7, -14, 1.2), Mode(5.2, -22, 0.5)),
        3750.0, 0.0005, -8.6, damper_s=0.08, next_damps=True,
    ),
    Body(
        "bonang", 72, (Mode(1, 0, 2.5), Mode(1.52, -12, 1), Mode(3.46, -14, 0.8), Mode(3.92, -18, 0.6)),
        700.0, 0.001, -8.7, damper_s=0.15,
    ),
    Body(
        "glass_rub", 72, (Mode(1, 0, 200), Mode(2, -18, 150), Mode(3, -26, 150), Mode(4, -34, 150)),
        1300.0, 0.3, -14.2, slower_oct=1.4, rub_hz=(4.0, 6.0), damper_s=2.0,
    ),
    Body(
        "bowl_rub", 57, (Mode(1, 0, 200, 0.3), Mode(2, -24, 150), Mode(3, -18, 150, 0.5), Mode(6, -32, 150)),
        500.0, 1.2, -12.7, slower_oct=1.6, rub_hz=(0.6, 0.9), damper_s=5.0,
    ),
)
# fmt: on
