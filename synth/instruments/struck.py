"""Bells, bars, bowls and tines: how a struck body of `struck_bodies` is played."""

from __future__ import annotations

import math

import numpy as np

from synth.dsp.modal import ModalBank
from synth.dsp.voices import ONSET
from synth.instruments.hits import NARROW_DB, Array, Hit, HitInstrument, low_pass, rustle, unit_energy
from synth.instruments.struck_bodies import BODIES
from synth.instruments.subtractive import checked
from synth.rng import stream
from synth.units import db_to_gain, note_to_hz

VOICES = 16
OFF_CENTRE = 0.06  # of the length: how far from the middle a hit may land
MALLET_OCT = 2.5  # of the corner, over the velocity range
SHALLOWEST_BEAT, DEEPEST_BEAT = 0.4, 0.7  # weaker part of a beating pair over the stronger, at motion 0 and 1
MOTOR_DEPTH, DEEPEST_MOTOR = 0.6, 0.4  # of a vibraphone's swell, by motion
RUB_DEPTH = 0.1  # of the swell under a finger
TUBE_SHARE = 0.5  # of mode 1 that comes from the tube
RATTLES = 10  # modes of a noise
TOGETHER_S = 0.03  # what begins within this is one chord
ANOTHER = 0.5  # semitones from which it is another bar, not the other of a pair
PAN, MIDDLE = 0.25, 72.0
DECAY_SLOPE = -0.7  # of t60 over frequency, in octaves an octave


class Struck(HitInstrument[ModalBank]):
    """`kind` is the index of a body in BODIES. With `damped` of 1 ended notes are stopped, with 0 they ring on."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0, damped: float = 0.0) -> None:
        if not 0 <= kind < len(BODIES) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(BODIES) - 1} ({', '.join(b.name for b in BODIES)})")
        self.body = body = BODIES[round(kind)]
        lanes = (4 if body.rub_hz else 2) * len(body.modes) + len(body.resonances) + RATTLES * (body.rattle is not None)
        super().__init__(seed, ModalBank(sample_rate, VOICES, lanes))
        self._damped = checked("damped", damped, 0.0, 1.0) >= 0.5 or body.rub_hz is not None
        if body.rub_hz:
            self.restrike_s = body.damper_s  # what is rubbed anew has its rise to make
        ratio, level_db, t60_s, split_hz = np.array(body.modes, dtype=np.float64).T
        self._ratio, self._gain, self._t60_s, self._split_hz = ratio, 10.0 ** (level_db / 20.0), t60_s, split_hz
        self._reference_hz = note_to_hz(body.reference_note)

    def damper_s(self, pitch: float) -> float | None:
        """The body's own, if its ended notes are damped."""
        return self.body.damper_s if self._damped else None

    def strike(self, frame: int, hit: Hit) -> None:
        """Every mode as mallet and striking point leave it."""
        body, count = self.body, self._ratio.size
        if body.next_damps:
            self._damp_others(frame, hit.pitch)
        register = hit.hz / self._reference_hz
        hz = self._ratio * hit.hz * 2.0 ** (self.tine_cents(hit.pitch) / 1200.0)
        mallet_hz = body.mallet_hz * math.sqrt(register)
        point = hit.spread(-OFF_CENTRE, OFF_CENTRE)
        gain = self._gain * np.cos(np.pi * point * np.arange(count)) / low_pass(hz, mallet_hz)
        spectrum = gain * hit.filter(hz, mallet_hz * 2.0 ** (MALLET_OCT * (hit.velocity - 0.5)))
        full = db_to_gain(body.level_db) * hit.level(NARROW_DB) * hit.register
        amplitude = full * unit_energy(spectrum, self._t60_s) * hit.varied(count)
        t60_s = self._t60_s * register**DECAY_SLOPE

        modes = self._paired(hit, np.array((hz, amplitude, t60_s)))
        if body.rub_hz:
            modes = _swelling(modes, RUB_DEPTH, hit.spread(*body.rub_hz))
        if body.motor_hz:
            swelling = _swelling(modes[:, :1], min(MOTOR_DEPTH * hit.motion, DEEPEST_MOTOR), body.motor_hz)
            modes = np.hstack((swelling, modes[:, 1:]))
        if body.tube_s:
            tube_t60_s = body.tube_s * 3.0 * math.log(10.0) / math.log(9.0)
            modes = np.hstack((modes, np.array(((hz[0],), (-TUBE_SHARE * amplitude[0],), (tube_t60_s,)))))
        if body.resonances:
            own_hz, own_db, own_t60_s = np.array(body.resonances, dtype=np.float64).T
            modes = np.hstack((modes, np.array((own_hz, full * 10.0 ** (own_db / 20.0), own_t60_s))))
        if body.rattle:
            low_hz, high_hz, level_db, rattle_t60_s = body.rattle
            noise = rustle(hit.random, (low_hz, high_hz), rattle_t60_s, full * db_to_gain(level_db), RATTLES)
            modes = np.hstack((modes, noise))
        self._bank.strike(
            frame,
            *modes,
            rise_s=hit.rise_s(body.rise_s, body.slower_oct),
            pan=PAN * min(max((hit.pitch - MIDDLE) / 24.0, -1.0), 1.0),
            note_id=hit.note_id,
            pitch=hit.pitch,
        )

    def _damp_others(self, frame: int, pitch: float) -> None:
        """Stop what was struck before `pitch`, but for the same bar of another player."""
        bank = self._bank
        before = bank.times[ONSET] < frame - TOGETHER_S * bank.sample_rate
        self._damp(frame, before & (np.abs(bank.pitch - pitch) > ANOTHER), self.body.damper_s)

    def tine_cents(self, pitch: float) -> float:
        """How far off the tine of a key is."""
        most = self.body.cents
        return stream(self._seed, "tine", round(pitch)).uniform(-most, most) if most else 0.0

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


def _swelling(modes: Array, depth: float, rate_hz: float) -> Array:
    """`modes` (3, modes) that swell by `depth` at `rate_hz`: with a mode on either side, (3, 3 modes)."""
    hz, amplitude, t60_s = modes
    sides = [(hz + apart, 0.5 * depth * amplitude, t60_s) for apart in (-rate_hz, rate_hz)]
    return np.hstack((modes, *map(np.array, sides)))
