"""A heart's two sounds as soft thuds: a long low one, and a short higher one for the stroke that comes soon after it.

It is a pulse of its own and follows no measured heart. Levels and decays are the project's own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from synth.controls import TABLE
from synth.dsp.modal import ModalBank
from synth.instruments.hits import NARROW_DB, Hit, HitInstrument, unit_energy
from synth.units import db_to_gain

VOICES, MODES = 8, 4
LOWEST_HZ, HIGHEST_HZ = 45.0, 70.0
PAIR_S = 0.5  # a stroke nearer than this to a first sound is a second one
EASED = 0.608  # share of an onset from 10 to 90 %
FASTEST_S, SLOWEST_S = 0.035, 0.12  # of it, whatever the control asks for: the decay leaves 25 ms of the first
CORNER_HZ, CORNER_OCT = 110.0, 1.5


class Thud(NamedTuple):
    """One of the two sounds: pitch and level against the note's, decays of its modes."""

    pitch: float
    level_db: float
    t60_s: tuple[float, float, float]


RATIO, MODE_DB = (1.0, 1.62, 2.3), (0.0, -13.0, -20.0)
LUB, DUB = Thud(1.0, 0.0, (0.5, 0.3, 0.2)), Thud(1.17, -3.0, (0.34, 0.22, 0.15))
LEVEL_DB = 7.6


class Heartbeat(HitInstrument[ModalBank]):
    """Thuds on the note's tone class, as near to it as 45 to 70 Hz allow."""

    def __init__(self, sample_rate: int, seed: int) -> None:
        super().__init__(seed, ModalBank(sample_rate, VOICES, MODES))
        self._pair_frames = round(PAIR_S * sample_rate)
        self._first = -self._pair_frames
        self._push = 1.0

    def strike(self, frame: int, hit: Hit) -> None:
        """A first sound, or a second one where the first has just been."""
        second = frame - self._first < self._pair_frames
        self._first = frame - self._pair_frames if second else frame
        thud = DUB if second else LUB
        self._push = -self._push
        hz = np.array(RATIO) * thud_hz(hit.hz, thud.pitch)
        t60_s = np.array(thud.t60_s)
        gain = 10.0 ** (np.array(MODE_DB) / 20.0) * hit.varied(hz.size)
        gain = gain * hit.filter(hz, CORNER_HZ * 2.0 ** (CORNER_OCT * (hit.velocity - 0.5)))
        level = self._push * db_to_gain(LEVEL_DB + thud.level_db) * hit.level(NARROW_DB)
        self._bank.strike(
            frame,
            hz,
            level * unit_energy(gain, t60_s),
            t60_s,
            rise_s=min(max(_attack_s(hit), FASTEST_S), SLOWEST_S) / EASED,
            note_id=hit.note_id,
            pitch=hit.pitch,
        )


def thud_hz(hz: float, above: float) -> float:
    """`hz` moved by octaves to where a thud's tone class lies nearest to its range, times `above`, within the range."""
    middle = math.sqrt(LOWEST_HZ * HIGHEST_HZ)
    folded = hz * 2.0 ** round(math.log2(middle / hz))
    return min(max(min(max(folded, LOWEST_HZ), HIGHEST_HZ) * above, LOWEST_HZ), HIGHEST_HZ)


def _attack_s(hit: Hit) -> float:
    """What the control asks for, from 10 to 90 %."""
    low, high = TABLE["attack_ms"].low, TABLE["attack_ms"].high
    return 1e-3 * low * (high / low) ** hit.softness
