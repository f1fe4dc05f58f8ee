"""Bells, bars, bowls and tines: struck bodies as tables of modes.

Ratios: vibraphone and marimba bars tuned 1:4 (Rossing, Science of Percussion Instruments, 2000), free and clamped
bars for celesta and kalimba (ibid.), glass and Tibetan bowl after Essl & Cook's banded-waveguide measurements as
published in the Synthesis ToolKit. Levels and decays are the project's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from synth.dsp.modal import ModalBank
from synth.instruments.hits import NARROW_DB, Array, Hit, HitInstrument, low_pass, unit_energy
from synth.units import db_to_gain, note_to_hz

VOICES = 16
OFF_CENTRE = 0.06  # of the length: how far from the middle a hit may land
MALLET_OCT = 2.5  # of the corner, over the velocity range
SHALLOWEST_BEAT, DEEPEST_BEAT = 0.4, 0.7  # weaker part of a beating pair over the stronger, at motion 0 and 1
MOTOR_DEPTH, DEEPEST_MOTOR = 0.6, 0.4  # of a vibraphone's swell, by motion
PAN, MIDDLE = 0.25, 72.0
DECAY_SLOPE = -0.7  # of t60 over frequency, in octaves an octave


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


@dataclass(frozen=True, slots=True)
class Body:
    """A struck body. `mallet_hz`: corner of its mallet at middling velocity; `rise_s`: the quickest onset;
    `level_db`: amplitude of a full hit; `motor_hz`: rate at which mode 1 swells (0: no motor)."""

    name: str
    reference_note: float
    modes: tuple[Mode, ...]
    mallet_hz: float
    rise_s: float
    level_db: float
    resonances: tuple[Resonance, ...] = ()
    motor_hz: float = 0.0


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
        400.0, 0.004, -14.4,
    ),
    Body(
        "kalimba", 69, (Mode(1, 0, 1.4), Mode(6.267, -22, 0.15), Mode(17.55, -34, 0.05)),
        1000.0, 0.0008, -6.8, resonances=(Resonance(180, -18, 0.098), Resonance(340, -20, 0.052)),
    ),
    Body(
        "glass", 72,
        (Mode(1, 0, 5), Mode(2.32, -8, 3), Mode(4.25, -14, 2), Mode(6.63, -22, 1.2), Mode(9.38, -30, 0.8)),
        1300.0, 0.003, -10.0,
    ),
    Body(
        "marimba", 60, (Mode(1, 0, 1.6), Mode(4, -14, 0.35), Mode(9.9, -24, 0.12), Mode(16, -38, 0.06)),
        600.0, 0.002, -6.5,
    ),
)  # fmt: skip


class Struck(HitInstrument[ModalBank]):
    """`kind` is the index of a body in BODIES."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(BODIES) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(BODIES) - 1} ({', '.join(b.name for b in BODIES)})")
        self.body = body = BODIES[round(kind)]
        lanes = 2 * len(body.modes) + len(body.resonances)
        super().__init__(seed, ModalBank(sample_rate, VOICES, lanes))
        ratio, level_db, t60_s, split_hz = np.array(body.modes, dtype=np.float64).T
        self._ratio, self._gain, self._t60_s, self._split_hz = ratio, 10.0 ** (level_db / 20.0), t60_s, split_hz
        self._reference_hz = note_to_hz(body.reference_note)

    def strike(self, frame: int, hit: Hit) -> None:
        """Every mode as mallet and striking point leave it."""
        body, count = self.body, self._ratio.size
        register = hit.hz / self._reference_hz
        hz = self._ratio * hit.hz
        mallet_hz = body.mallet_hz * math.sqrt(register)
        point = hit.spread(-OFF_CENTRE, OFF_CENTRE)
        gain = self._gain * np.cos(np.pi * point * np.arange(count)) / low_pass(hz, mallet_hz)
        spectrum = gain * hit.filter(hz, mallet_hz * 2.0 ** (MALLET_OCT * (hit.velocity - 0.5)))
        full = db_to_gain(body.level_db) * hit.level(NARROW_DB) * hit.register
        amplitude = full * unit_energy(spectrum, self._t60_s) * hit.varied(count)
        t60_s = self._t60_s * register**DECAY_SLOPE

        modes = [self._paired(hit, np.array((hz, amplitude, t60_s)))]
        if body.motor_hz:
            side = 0.5 * min(MOTOR_DEPTH * hit.motion, DEEPEST_MOTOR) * amplitude[0]
            modes.append(np.array([(hz[0] + apart, side, t60_s[0]) for apart in (-body.motor_hz, body.motor_hz)]).T)
        if body.resonances:
            own_hz, own_db, own_t60_s = np.array(body.resonances, dtype=np.float64).T
            modes.append(np.array((own_hz, full * 10.0 ** (own_db / 20.0), own_t60_s)))
        self._bank.strike(
            frame,
            *np.hstack(modes),
            rise_s=hit.rise_s(body.rise_s),
            pan=PAN * min(max((hit.pitch - MIDDLE) / 24.0, -1.0), 1.0),
            note_id=hit.note_id,
            pitch=hit.pitch,
        )

    def _paired(self, hit: Hit, modes: Array) -> Array:
        """`modes` (3, modes) with those that beat as pairs of unequal parts: the beat never reaches silence."""
        split = self._split_hz > 0.0
        weaker = SHALLOWEST_BEAT + (DEEPEST_BEAT - SHALLOWEST_BEAT) * hit.motion
        apart = np.outer((0.5, 0.0, 0.0), self._split_hz)
        share = np.ones_like(modes)
        share[1, split] = 1.0 / math.hypot(1.0, weaker)
        low, high = modes * share - apart, modes * share + apart
        high[1] *= weaker
        return np.hstack((low, high[:, split]))
