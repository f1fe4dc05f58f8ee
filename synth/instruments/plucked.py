"""Harp and nylon guitar: plucked strings on a resonant body. Decays, plucking widths and bodies are the project's own,
in the ranges of Woodhouse, "Plucked guitar transients" (Acustica 90, 2004) and Waltham, "Harp" (in The Science of
String Instruments, 2010)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from synth.dsp.string import FINGER_HZ, Pluck, StringBank
from synth.instruments.hits import WIDE_DB, Hit, HitInstrument
from synth.units import db_to_gain, note_to_hz

VOICES = 16
LOWEST_HZ = 32.0
HARMONICS = 24
WIDEST_PERIODS = 0.8  # a finger wider than this part of the period leaves no tone
VELOCITY_OCT = 1.2  # of the finger's width, over the velocity range
POSITION_SPREAD, LEVEL_SPREAD_DB = 0.08, 1.0
FINGER_MODES, FINGER_DB = 8, -26.0
MIDDLE, PAN = 60.0, 0.3


@dataclass(frozen=True, slots=True)
class Strings:
    """A plucked instrument. `t60_s` at the fundamental of `lowest_note` falls by `decay_slope` octaves an octave;
    `width_s`: the finger at middle C; `position`: where it plucks, from the bridge; `body`: (hz, Q, dB)."""

    name: str
    lowest_note: float
    t60_s: float
    decay_slope: float
    t60_high_s: float
    width_s: float
    position: float
    damper_s: float
    level_db: float
    body: tuple[tuple[float, float, float], ...]


STRINGS: tuple[Strings, ...] = (
    Strings("harp", 36, 7.0, -0.5, 0.9, 0.002, 0.42, 1.5, -10.5, ((150, 8, 3), (260, 10, 4), (480, 8, 2))),
    Strings("nylon_guitar", 40, 5.0, -0.5, 0.5, 0.002, 0.28, 0.3, -8.9, ((100, 12, 6), (200, 18, 5), (400, 15, 2))),
)


class Plucked(HitInstrument[StringBank]):
    """`kind` is the index of an instrument in STRINGS."""

    restrike_s = 0.06

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0) -> None:
        if not 0 <= kind < len(STRINGS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(STRINGS) - 1} ({', '.join(s.name for s in STRINGS)})")
        self.strings = STRINGS[round(kind)]
        super().__init__(seed, StringBank(sample_rate, VOICES, LOWEST_HZ, self.strings.body))

    def damper_s(self, pitch: float) -> float | None:
        """The hand damps an ended note."""
        return self.strings.damper_s

    def strike(self, frame: int, hit: Hit) -> None:
        """Pluck a string of the note's pitch."""
        strings = self.strings
        register = hit.hz / note_to_hz(MIDDLE)
        width_s = strings.width_s / math.sqrt(register)
        width_s *= 2.0 ** (-VELOCITY_OCT * (hit.velocity - 0.5) - hit.brightness_oct)
        position = strings.position * (1.0 + hit.spread(-POSITION_SPREAD, POSITION_SPREAD))
        level = db_to_gain(strings.level_db + hit.spread(-LEVEL_SPREAD_DB, LEVEL_SPREAD_DB))
        level *= hit.level(WIDE_DB) * hit.register
        finger = db_to_gain(FINGER_DB) * hit.spreads(-1, 1, FINGER_MODES)
        noise = (hit.spreads(*FINGER_HZ, FINGER_MODES), hit.spreads(0, 1, FINGER_MODES), finger)
        pluck = Pluck(_softer(width_s, hit), position, noise)
        tone = pluck.harmonics(hit.hz, HARMONICS)
        wave = level / math.sqrt(float(tone @ tone)) * pluck.wave(self._bank.sample_rate, hit.hz)
        lowest_hz = note_to_hz(strings.lowest_note)
        self._bank.pluck(
            frame,
            hit.hz,
            wave,
            strings.t60_s * (hit.hz / lowest_hz) ** strings.decay_slope,
            strings.t60_high_s,
            pan=PAN * float(np.clip((hit.pitch - MIDDLE) / 24.0, -1.0, 1.0)),
            note_id=hit.note_id,
            pitch=hit.pitch,
        )


def _softer(width_s: float, hit: Hit) -> float:
    """The finger's width with the attack's own (a pulse passes half its amplitude at one over its width), bounded."""
    width_s = math.hypot(width_s, 1.0 / hit.exciter_hz)
    return width_s / math.hypot(1.0, width_s * hit.hz / WIDEST_PERIODS)
