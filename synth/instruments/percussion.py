"""Percussion, soft and warm: drum heads, brushes and shakers, chosen by pitch within a kit.

A head that is struck hard is stretched, so its pitch starts high and falls. A frequency that falls exponentially to
its rest, `f (1 + d e^(-t / tau))`, is a series of modes that all have that resting frequency:
`e^(j psi (1 - e^(-t / tau))) = e^(j psi) sum over k of (-j psi)^k / k! e^(-k t / tau)`, `psi = 2 pi f d tau`; so a bank
of modes of constant pitch plays it exactly.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp.modal import ModalBank
from synth.instruments.hits import NARROW_DB, Array, Hit, HitInstrument, unit_energy
from synth.instruments.kits import KITS, LOW_TOP, MIDDLE_TOP, Head, Noise, Stroke
from synth.units import db_to_gain

VOICES, MODES = 12, 112
BEATER_OCT = 2.5  # of the corner, over the velocity range
NOISE_OCT = 1.0
USUAL_POINT = 0.6  # of the radius, where the levels of a head's modes hold
LOWEST_ZERO = 2.404826  # of J0: wave number of a head's lowest mode times its radius
DROP, DROP_S = 0.04, 0.02  # pitch over rest at the hardest hit, and its time constant: 60 ms bring it back
SMALLEST_TERM = 3e-4  # of a mode, down to which the series of its falling pitch is played
UNSTEADY = 0.015  # share of the pitch by which no two hits on a head of fixed tuning are alike
BACK_OCT = 0.1
SLOWEST_RISE_S = 0.04  # a slower stroke would be over before it is there


class Percussion(HitInstrument[ModalBank]):
    """`kind` is the index of a kit in KITS: its low stroke up to MIDI note 38, its middle one up to 60, high above."""

    restrike_s = 0.2

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(KITS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(KITS) - 1} ({', '.join(kit.name for kit in KITS)})")
        self.kit = KITS[round(kind)]
        super().__init__(seed, ModalBank(sample_rate, VOICES, MODES))
        self._pushes: dict[Stroke, float] = {}

    def strike(self, frame: int, hit: Hit) -> None:
        """Play the stroke that the pitch names."""
        kit = self.kit
        stroke = kit.low if hit.pitch < LOW_TOP else kit.middle if hit.pitch <= MIDDLE_TOP else kit.high
        push = -self._pushes.get(stroke, 1.0)  # a head pushed the same way every time would add up to DC
        self._pushes[stroke] = push
        hz, amplitude, t60_s, phase = _modes(hit, stroke, back=push > 0.0)
        self._bank.strike(
            frame,
            hz,
            push * amplitude,
            t60_s,
            phase=phase,
            rise_s=min(hit.rise_s(stroke.rise_s), SLOWEST_RISE_S),
            pan=stroke.pan,
            note_id=hit.note_id,
            pitch=hit.pitch,
        )


def _modes(hit: Hit, stroke: Stroke, back: bool) -> Array:
    """Hz, amplitude, t60 and phase of all that a stroke sets off, (4, modes)."""
    parts = []
    if stroke.head is not None:
        parts.append(falling(_head(hit, stroke.head), DROP * hit.velocity**2, DROP_S))
    if stroke.noise is not None:
        noise = _noise(hit, stroke.noise, back)
        parts.append(np.vstack((noise, np.zeros(noise.shape[1]))))
    return np.hstack(parts)


def shape(ratio: Array, diameters: Array, point: float) -> Array:
    """How far each mode moves `point` of the radius from the centre, over its movement at USUAL_POINT (bounded there).

    Bessel functions of order `diameters`, by their integral (Abramowitz & Stegun 9.1.21).
    """
    turn = np.linspace(0.0, 2.0 * math.pi, 64, endpoint=False)
    at, usual = (
        np.cos(np.outer(diameters, turn) - np.outer(LOWEST_ZERO * ratio * radius, np.sin(turn))).mean(axis=1)
        for radius in (point, USUAL_POINT)
    )
    moved: Array = at / usual
    return moved


def falling(modes: Array, drop: float, drop_s: float) -> Array:
    """`modes` (Hz, amplitude, t60) whose pitch starts `1 + drop` high and falls with the time constant `drop_s`, as
    modes of constant pitch: Hz, amplitude, t60, phase, (4, terms)."""
    hz, amplitude, t60_s = modes
    psi = 2.0 * math.pi * hz * drop * drop_s
    terms = []
    share, k = np.ones_like(psi), 0
    while k == 0 or share.max() > SMALLEST_TERM:
        kept = share > SMALLEST_TERM
        decay = 3.0 * math.log(10.0) / t60_s + k / drop_s
        term = np.array((hz, amplitude * share, 3.0 * math.log(10.0) / decay, psi - 0.5 * math.pi * k))
        terms.append(term[:, kept])
        k += 1
        share = share * psi / k
    return np.hstack(terms)


def _head(hit: Hit, head: Head) -> Array:
    """A head's modes: Hz, amplitude, t60, (3, modes)."""
    ratio, diameters, mode_db, t60_s, side = np.array(head.modes, dtype=np.float64).T
    lowest_hz = head.hz * (1.0 + hit.spread(-UNSTEADY, UNSTEADY)) if head.hz else hit.hz
    hz = ratio * lowest_hz
    t60_s = t60_s * (lowest_hz / (head.hz or head.t60_hz)) ** head.t60_slope
    gain = side * 10.0 ** (mode_db / 20.0) * shape(ratio, diameters, hit.spread(*head.point))
    corner_hz = head.beater_hz * 2.0 ** (BEATER_OCT * (hit.velocity - 0.5))
    amplitude = unit_energy(gain * hit.filter(hz, corner_hz), t60_s) * hit.varied(hz.size)
    return np.array((hz, db_to_gain(head.level_db) * hit.level(NARROW_DB) * amplitude, t60_s))


def _noise(hit: Hit, noise: Noise, back: bool) -> Array:
    """A brush, a shaker's stroke, or the hand on the skin, (3, noise.modes)."""
    hz = hit.spreads(*noise.hz, noise.modes)
    level_db, corner_hz = noise.level_db, noise.corner_hz * 2.0 ** (NOISE_OCT * (hit.velocity - 0.5))
    if back and noise.back_db:
        level_db, hz, corner_hz = level_db + noise.back_db, hz * 2.0**BACK_OCT, corner_hz * 2.0**BACK_OCT
    full = db_to_gain(level_db) * hit.level(NARROW_DB)
    drawn = hit.spreads(-1, 1, noise.modes)
    if not noise.signed:
        return np.array((hz, full * drawn * hit.filter(hz, corner_hz), np.full(noise.modes, noise.t60_s)))
    t60_s = noise.t60_s * hit.spreads(0.7, 1.3, noise.modes)
    return np.array((hz, full * unit_energy(np.sign(drawn) * hit.filter(hz, corner_hz), t60_s), t60_s))
