"""Harp, guitar, lute and koto: plucked strings on a resonant body. Decays, plucking widths and bodies are the project's
own, in the ranges of Woodhouse, "Plucked guitar transients" (Acustica 90, 2004) and Waltham, "Harp" (in The Science of
String Instruments, 2010)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from synth.dsp.string import FINGER_HZ, Pluck, StringBank
from synth.dsp.sympathetic import Sympathetic
from synth.dsp.voices import ONSET
from synth.instruments.base import MAX_FRAMES, QUANTUM, Buffer, Edges, Events
from synth.instruments.hits import WIDE_DB, Hit, HitInstrument
from synth.instruments.subtractive import checked
from synth.units import db_to_gain, gain_to_db, note_to_hz

VOICES = 16
LOWEST_HZ = 32.0
HARMONICS = 24
SLACK, HIGHEST = 14.0, 103.0  # semitones that strings may be tuned down, and the highest note
WIDEST_PERIODS = 0.8  # a finger wider than this part of the period leaves no tone
VELOCITY_OCT = 1.2  # of the finger's width, over the velocity range
POSITION_SPREAD, LEVEL_SPREAD_DB = 0.08, 1.0
FINGER_MODES, FINGER_DB = 8, -26.0
MIDDLE, PAN = 60.0, 0.3
OTHERS = range(48, 60)  # a string for each semitone, of which those answer that share a partial with what is played
OTHERS_T60_S, OTHERS_DB = (8.0, 2.0), -16.0
STIFFENS_OVER = 24.0  # notes
MOTION_DEFAULT = 0.3
PRESS_AFTER_S, PRESS_S, PRESS_CENTS = (0.12, 0.35), (0.12, 0.3), (12.0, 35.0)


@dataclass(frozen=True, slots=True)
class Strings:
    """A plucked instrument. `t60_s` at the fundamental of `lowest_note` falls by `decay_slope` octaves an octave;
    `width_s`: the finger at middle C; `position`: where it plucks, from the bridge; `body`: (hz, Q, dB); `stiffness`: B
    at the lowest note and two octaves above (see `dsp.dispersion`); `ornament`: how likely the left hand presses a
    sounding string, at the default motion."""

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
    stiffness: tuple[float, float] | None = None
    ornament: float = 0.0


# fmt: off
STRINGS: tuple[Strings, ...] = (
    Strings("harp", 36, 7.0, -0.555, 0.9, 0.002, 0.42, 1.5, -10.5, ((150, 8, 3), (260, 10, 4), (480, 8, 2))),
    Strings("nylon_guitar", 40, 5.0, -0.5, 0.5, 0.002, 0.28, 0.3, -8.9, ((100, 12, 6), (200, 18, 5), (400, 15, 2))),
    Strings("lute", 40, 9.0, -0.528, 1.3, 0.0009, 0.18, 0.45, -10.2, ((105, 12, 5), (195, 15, 4), (380, 12, 3)),
            stiffness=(2e-5, 8e-5)),
    Strings("koto", 50, 4.0, -0.548, 1.0, 0.0007, 0.125, 0.9, -10.5, ((130, 8, 3), (260, 10, 4), (650, 8, 3)),
            stiffness=(5e-5, 1e-4), ornament=0.25),
)
# fmt: on


class Plucked(HitInstrument[StringBank]):
    """`kind` is the index of an instrument in STRINGS; `resonance`, 0..1, is how much its other strings answer."""

    restrike_s = 0.06

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0, resonance: float = 0.0) -> None:
        if not 0 <= kind < len(STRINGS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(STRINGS) - 1} ({', '.join(s.name for s in STRINGS)})")
        self.strings = STRINGS[round(kind)]
        self.lowest, self.highest = self.strings.lowest_note - SLACK, HIGHEST
        super().__init__(seed, StringBank(sample_rate, VOICES, LOWEST_HZ, self.strings.body))
        self._answer = np.zeros((2, MAX_FRAMES), np.float32)
        self._others: Sympathetic | None = None
        if checked("resonance", resonance, 0.0, 1.0) > 0.0:
            hz = [note_to_hz(note) for note in OTHERS]
            self._others = Sympathetic(sample_rate, hz, *OTHERS_T60_S, coupling_db=OTHERS_DB + gain_to_db(resonance))

    @property
    def sounding(self) -> int:
        """Voices that sound now, and the other strings as one more."""
        return self._bank.sounding + (self._others is not None and not self._others.idle)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out`."""
        super().render(events, count, edges, quanta, out)
        if self._others is not None:
            self._others.render(out, quanta, self._answer)
            out[:, : quanta * QUANTUM] += self._answer[:, : quanta * QUANTUM]

    def damper_s(self, pitch: float) -> float | None:
        """The hand damps an ended note."""
        return self.strings.damper_s

    def slide(self, frame: int, note_id: float, pitch: float, seconds: float) -> None:
        """The left hand pulls the string to `pitch`."""
        for slot in np.flatnonzero((self._bank.note_id == note_id) & self._bank.ringing(frame)):
            self._bank.slide(int(slot), frame, note_to_hz(pitch), seconds, pitch)

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
        slot = self._bank.pluck(
            frame,
            hit.hz,
            wave,
            strings.t60_s * (hit.hz / lowest_hz) ** strings.decay_slope,
            strings.t60_high_s,
            inharmonicity=stiffness(strings, hit.pitch),
            pan=PAN * float(np.clip((hit.pitch - MIDDLE) / 24.0, -1.0, 1.0)),
            note_id=hit.note_id,
            pitch=hit.pitch,
        )
        if slot is not None and hit.random.random() < strings.ornament * hit.motion / MOTION_DEFAULT:
            self._ornament(frame, slot, hit)

    def _ornament(self, frame: int, slot: int, hit: Hit) -> None:
        """The left hand presses the string a little, once, and lets go, unless the note has gone elsewhere by then."""
        bank, up_s, back_s = self._bank, hit.spread(*PRESS_S), hit.spread(*PRESS_S)
        pressed = note_to_hz(hit.pitch + hit.spread(*PRESS_CENTS) / 100.0)
        begin = frame + round(hit.spread(*PRESS_AFTER_S) * bank.sample_rate)

        def press(hz: float, seconds: float, at: int) -> None:
            if bank.times[ONSET, slot] == frame and bank.pitch[slot] == hit.pitch:
                bank.slide(slot, at, hz, seconds, hit.pitch)

        self.later(begin, lambda at: press(pressed, up_s, at))
        self.later(begin + math.ceil(up_s * bank.sample_rate), lambda at: press(hit.hz, back_s, at))


def stiffness(strings: Strings, pitch: float) -> float:
    """B of a note."""
    if strings.stiffness is None:
        return 0.0
    low, high = strings.stiffness
    return low * (high / low) ** min(max((pitch - strings.lowest_note) / STIFFENS_OVER, 0.0), 1.0)


def _softer(width_s: float, hit: Hit) -> float:
    """The finger's width with the attack's own (a pulse passes half its amplitude at one over its width), bounded."""
    width_s = math.hypot(width_s, 1.0 / hit.exciter_hz)
    return width_s / math.hypot(1.0, width_s * hit.hz / WIDEST_PERIODS)
