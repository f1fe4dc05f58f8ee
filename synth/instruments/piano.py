"""Felt piano: partials of stiff strings, struck through felt, each decaying at its own rate.

Inharmonicity by the two-bridge law of Rigaud, David & Daudet (JASA 133, 2013). Partials that two or three strings
share fall fast at first and then slowly (Weinreich, "Coupled piano strings", JASA 62, 1977). Other constants are
the project's own.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from synth.dsp.modal import ModalBank
from synth.instruments.hits import WIDE_DB, Array, Hit, HitInstrument, low_pass, unit_energy
from synth.units import db_to_gain

VOICES = 16
PARTIALS, COUPLED = 24, 8  # partials of a note, and those of them with a slow stage
MIDDLE_C_HZ, C5, C7, F6 = 261.63, 72.0, 96.0, 89.0
LOWEST, HIGHEST = 21.0, 108.0
LEVEL = db_to_gain(-10.0)  # amplitude of a note at full velocity

FAST_T60_S, SLOW_T60_S = 3.5, 12.0  # at middle C
FAST_SHARE = 0.78
DETUNE_CENTS = (0.3, 1.0)
HAMMER_HZ, HAMMER_OCT = 700.0, 2.2  # corner at velocity 0 and middle C, octaves over the velocity range
HALF_CONTACT_S = 0.001
STRIKE_FLOOR = db_to_gain(-20.0)
PAN = 0.35

SOUNDBOARD = ((60, 2, 8), (95, 3, 8), (130, 4, 10), (190, 3, 10), (260, 3, 12), (380, 2, 12), (520, 2, 15))  # Hz, dB, Q
SHELF_HZ, SHELF_DB = 4000.0, -6.0
LOW_HZ = 55.0

KNOCK_HZ, KNOCK_T60_S = np.array([110.0, 180.0, 300.0]), 0.06
FELT_MODES, FELT_HZ, FELT_T60_S = 8, (400.0, 1500.0), 0.02
KNOCK_DB, KNOCK_PER_VELOCITY_DB = -34.6, 8.6  # about the note's level: -32 dB at 0.3, -26 at 1

_N = np.arange(1, PARTIALS + 1)


def inharmonicity(pitch: float) -> float:
    """B of the string of a MIDI note: bass and treble bridge together."""
    return math.exp(0.0926 * pitch - 13.64) + math.exp(-0.0847 * pitch - 5.82)


def partials_hz(pitch: float, hz: float) -> Array:
    """Frequencies (PARTIALS,) of a stiff string whose first partial is at `hz`."""
    b = inharmonicity(pitch)
    return _N * hz * np.sqrt((1.0 + b * _N**2) / (1.0 + b))


def soundboard(hz: Array) -> Array:
    """Gain of the board at `hz`: its first resonances, little below LOW_HZ, felt-soft above SHELF_HZ."""
    gain_db = SHELF_DB / (1.0 + (SHELF_HZ / hz) ** 2)
    for centre, peak_db, q in SOUNDBOARD:
        gain_db += peak_db / (1.0 + (q * (hz / centre - centre / hz)) ** 2)
    gain: Array = 10.0 ** (gain_db / 20.0) * np.minimum(hz / LOW_HZ, 1.0)
    return gain


class Piano(HitInstrument[ModalBank]):
    """`pedal` 0..1 lets ended notes ring on: 0 is the damper alone, each 0.2 doubles its time."""

    restrike_s = 0.08

    def __init__(self, sample_rate: int, seed: int, pedal: float = 0.0) -> None:
        modes = PARTIALS + COUPLED + KNOCK_HZ.size + FELT_MODES
        super().__init__(seed, ModalBank(sample_rate, VOICES, modes))
        self._pedal = min(max(pedal, 0.0), 1.0)

    def damper_s(self, pitch: float) -> float | None:
        """350 ms in the bass to 120 ms in the treble; strings above F6 have no damper."""
        if pitch > F6:
            return None
        treble = min(max((pitch - LOWEST) / (F6 - LOWEST), 0.0), 1.0)
        return 0.35 * (0.12 / 0.35) ** treble * 2.0 ** (5.0 * self._pedal)

    def strike(self, frame: int, hit: Hit) -> None:
        """Hammer, string and board as modes."""
        full = LEVEL * hit.level(WIDE_DB) * hit.register
        self._bank.strike(
            frame,
            *np.hstack((_strings(hit, full), _knock(hit, full))),
            rise_s=hit.rise_s(HALF_CONTACT_S * (hit.hz / MIDDLE_C_HZ) ** -0.45),
            pan=PAN * (2.0 * (hit.pitch - LOWEST) / (HIGHEST - LOWEST) - 1.0),
            note_id=hit.note_id,
            pitch=hit.pitch,
        )


@lru_cache(maxsize=128)
def _string(pitch: float, hz: float) -> tuple[Array, Array, Array]:
    """Of the string of a key, (PARTIALS,) each and not to be written to: Hz, strength at an equal blow, damping."""
    partials = partials_hz(pitch, hz)
    treble = min(max((pitch - C5) / (C7 - C5), 0.0), 1.0)
    point = (1.0 - treble) / 8.0 + treble / 12.0
    shape = np.maximum(np.abs(np.sin(np.pi * _N * point)), STRIKE_FLOOR) / _N * soundboard(partials)
    return partials, shape, (1.0 + 0.06 * (_N - 1) + 0.002 * _N**2) * (hz / MIDDLE_C_HZ) ** 0.6


def _strings(hit: Hit, full: float) -> Array:
    """Partials and the slow stage of the low ones: Hz, amplitude, t60, (3, PARTIALS + COUPLED)."""
    hz, shape, damping = _string(hit.pitch, hit.hz)
    felt_hz = HAMMER_HZ * 2.0 ** (HAMMER_OCT * hit.velocity) * (hit.hz / MIDDLE_C_HZ) ** 0.45
    spectrum = shape * hit.filter(hz, felt_hz)
    amplitude = full * unit_energy(spectrum, 1.0 / damping) * hit.varied(PARTIALS)
    detune = 2.0 ** (hit.spread(*DETUNE_CENTS) * (1 if hit.random.random() < 0.5 else -1) / 1200.0)
    fast = (hz, amplitude * np.where(_N <= COUPLED, FAST_SHARE, 1.0), FAST_T60_S / damping)
    slow = (hz * detune, amplitude * (1.0 - FAST_SHARE), SLOW_T60_S / damping)
    return np.hstack((fast, np.array(slow)[:, :COUPLED]))


def _knock(hit: Hit, full: float) -> Array:
    """The key bed and the noise of the felt: Hz, amplitude, t60, (3, KNOCK_HZ.size + FELT_MODES)."""
    knock = full * db_to_gain(KNOCK_DB + KNOCK_PER_VELOCITY_DB * hit.velocity)
    hz = np.append(KNOCK_HZ, hit.spreads(*FELT_HZ, FELT_MODES))
    gain = np.append(np.full(KNOCK_HZ.size, 0.5), hit.spreads(-0.5, 0.5, FELT_MODES))
    t60_s = np.append(np.full(KNOCK_HZ.size, KNOCK_T60_S), np.full(FELT_MODES, FELT_T60_S))
    return np.array((hz, knock * gain * low_pass(hz, hit.exciter_hz), t60_s))
