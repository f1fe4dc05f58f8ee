"""Hand percussion, soft and warm: a low drum, a frame drum and a shaker, chosen by pitch.

Membrane ratios are those of the ideal circular membrane (Fletcher & Rossing, The Physics of Musical Instruments,
18.1); decays and levels are the project's own. A shaker is many short high modes drawn anew for every stroke, the
sum of which is a band of noise (after Cook, "Physically informed sonic modeling", CMJ 1997).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synth.dsp.modal import ModalBank
from synth.instruments.hits import NARROW_DB, Array, Hit, HitInstrument, unit_energy
from synth.units import db_to_gain

VOICES, MODES = 12, 64
LOW_DRUM_TOP, FRAME_DRUM_TOP = 38.5, 60.0  # MIDI notes: low drum, frame drum and, above, shaker

LOW_DRUM_DB, FRAME_DRUM_DB, SHAKER_DB = -3.8, -6.4, -1.5


class Membrane(NamedTuple):
    """One mode of a drum head: frequency over the lowest, nodal diameters, level in dB, decay, and the side to which it
    first moves."""

    ratio: float
    diameters: int
    level_db: float
    t60_s: float
    side: int = 1


LOW_DRUM = (Membrane(1, 0, 0, 0.8), Membrane(1.593, 1, -12, 0.5), Membrane(2.295, 0, -18, 0.25))
FRAME_DRUM = (
    Membrane(1, 0, 0, 0.8),
    Membrane(1.593, 1, -3, 1.0),
    Membrane(2.136, 2, -8, 0.7, -1),
    Membrane(2.295, 0, -6, 0.35, -1),
    Membrane(2.653, 3, -12, 0.45),
    Membrane(2.917, 1, -14, 0.3),
)
LOW_DRUM_FELT_HZ, FRAME_DRUM_HAND_HZ = 90.0, 240.0  # corner of the beater at middling velocity
BEATER_OCT = 2.5
STRIKE_POINT = (0.45, 0.75)  # of the radius; nearer the centre mutes modes with diameters
SKIN_MODES, SKIN_HZ, SKIN_T60_S, SKIN_DB = 12, (1000.0, 3000.0), 0.02, -30.0

SHAKER_HZ, SHAKER_T60_S = (3500.0, 9000.0), 0.12
SHAKER_CORNER_HZ = 6000.0
SLOWEST_RISE_S = 0.04  # a slower stroke would be over before it is there
PANS = (0.0, -0.1, 0.25)


class Percussion(HitInstrument[ModalBank]):
    """Low drum up to MIDI note 38, frame drum tuned by the note up to 60, shaker above."""

    restrike_s = 0.2

    def __init__(self, sample_rate: int, seed: int) -> None:
        super().__init__(seed, ModalBank(sample_rate, VOICES, MODES))
        self._push = 1.0

    def strike(self, frame: int, hit: Hit) -> None:
        """Play the instrument that the pitch names."""
        if hit.pitch < LOW_DRUM_TOP:
            modes = _drum(hit, LOW_DRUM, LOW_DRUM_FELT_HZ, LOW_DRUM_DB)
            rise_s, pan = 0.003, PANS[0]
        elif hit.pitch <= FRAME_DRUM_TOP:
            modes = np.hstack((_drum(hit, FRAME_DRUM, FRAME_DRUM_HAND_HZ, FRAME_DRUM_DB), _skin(hit)))
            rise_s, pan = 0.0008, PANS[1]
        else:
            modes = _shaker(hit)
            rise_s, pan = 0.006, PANS[2]
        self._push = -self._push  # heads pushed the same way every time would add up to DC
        modes[1] *= self._push
        rise_s = min(hit.rise_s(rise_s), SLOWEST_RISE_S)
        self._bank.strike(frame, *modes, rise_s=rise_s, pan=pan, note_id=hit.note_id, pitch=hit.pitch)


def _drum(hit: Hit, head: tuple[Membrane, ...], beater_hz: float, level_db: float) -> Array:
    """A head's modes: Hz, amplitude, t60, (3, modes)."""
    ratio, diameters, mode_db, t60_s, side = np.array(head, dtype=np.float64).T
    hz = ratio * hit.hz
    gain = side * 10.0 ** (mode_db / 20.0) * (hit.spread(*STRIKE_POINT) / STRIKE_POINT[1]) ** diameters
    corner_hz = beater_hz * 2.0 ** (BEATER_OCT * (hit.velocity - 0.5))
    amplitude = unit_energy(gain * hit.filter(hz, corner_hz), t60_s) * hit.varied(hz.size)
    return np.array((hz, db_to_gain(level_db) * hit.level(NARROW_DB) * amplitude, t60_s))


def _skin(hit: Hit) -> Array:
    """The short noise of the hand on the skin, (3, SKIN_MODES)."""
    hz = hit.spreads(*SKIN_HZ, SKIN_MODES)
    level = db_to_gain(FRAME_DRUM_DB + SKIN_DB) * hit.level(NARROW_DB)
    amplitude = level * hit.spreads(-1, 1, SKIN_MODES) * hit.filter(hz, SKIN_HZ[1])
    return np.array((hz, amplitude, np.full(SKIN_MODES, SKIN_T60_S)))


def _shaker(hit: Hit) -> Array:
    """A stroke of the shaker, (3, MODES)."""
    hz = hit.spreads(*SHAKER_HZ, MODES)
    t60_s = SHAKER_T60_S * hit.spreads(0.7, 1.3, MODES)
    signs = np.where(hit.spreads(0, 1, MODES) < 0.5, -1.0, 1.0)
    spectrum = signs * hit.filter(hz, SHAKER_CORNER_HZ * 2.0 ** (hit.velocity - 0.5))
    return np.array((hz, db_to_gain(SHAKER_DB) * hit.level(NARROW_DB) * unit_energy(spectrum, t60_s), t60_s))
