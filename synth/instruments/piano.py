"""Piano: partials of stiff strings, struck through felt, each decaying at its own rate, and what its action says.

Inharmonicity by the two-bridge law of Rigaud, David & Daudet (JASA 133, 2013). Partials that two or three strings
share fall fast at first and then slowly (Weinreich, "Coupled piano strings", JASA 62, 1977). What other strings answer
while dampers are up rises as their partials take in the note's: the difference of two decays. Other constants are the
project's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from synth.dsp.modal import ModalBank
from synth.dsp.voices import DAMP
from synth.instruments.hits import NO_PITCH, WIDE_DB, Array, Hit, HitInstrument, low_pass, rustle, unit_energy
from synth.instruments.subtractive import checked
from synth.rng import stream
from synth.units import db_to_gain, note_to_hz

VOICES = 56  # of the bank: two for the strings of a note, one for its hammer, one for its damper or for other strings
COUPLED = 8  # partials with a slow stage
MIDDLE_C_HZ, A4, C5, C7, F6 = 261.63, 69.0, 72.0, 96.0, 89.0
LOWEST, HIGHEST = 21.0, 108.0
TOP_HZ = 16000.0

FAST_T60_S, SLOW_T60_S = 3.5, 12.0  # at middle C
FAST_SHARE = 0.78
DETUNE_CENTS = (0.3, 1.0)
INVERTED = (0.25, 0.4)  # of the second string that sounds on, over the first
TWO_STRINGS_FROM, THREE_STRINGS_FROM = 32.0, 48.0
MOST_STRETCH = 0.5  # of the stretch that tunes octaves 4:2
HAMMER_OCT = 2.2  # of its corner, over the velocity range
HALF_CONTACT_S, SOFT_CONTACT = 0.001, 1.4
STRIKE_FLOOR = db_to_gain(-20.0)
PAN, PARTIAL_PAN = 0.35, 0.1

UNA_CORDA_DB, UNA_CORDA_FELT, UNA_CORDA_T60 = -3.0, 0.7, 1.2

SOUNDBOARD = ((60, 2, 8), (95, 3, 8), (130, 4, 10), (190, 3, 10), (260, 3, 12), (380, 2, 12), (520, 2, 15))  # Hz, dB, Q
SHELF_HZ = 4000.0
LOW_HZ = 55.0

KNOCK_LEAD_S = 0.005  # from the key's knock to the tone
KNOCK_HZ, KNOCK_T60_S = np.array([110.0, 180.0, 300.0]), 0.06
FELT_BAND_HZ, FELT_T60_S = (400.0, 1500.0), 0.02
KNOCK_DB, KNOCK_PER_VELOCITY_DB = -28.6, 8.6  # about the note's level: its peak at -32 dB at 0.3, -26 at 1
FELT_DB, FELT_PER_VELOCITY_DB = -24.0, -6.0  # about the note's level: what is played softly is heard close by

BASS_DAMPER_S, TREBLE_DAMPER_S = 0.35, 0.12
DAMPER_BAND_HZ, DAMPER_NOISE_S, DAMPER_DB = (200.0, 900.0), 0.06, -44.0
LIGHTEST_OCT = 8.0  # by how much longer a note rings under dampers that all but leave the strings
PEDAL_BAND_HZ, PEDAL_NOISE_S, PEDAL_DB = (80.0, 400.0), 0.15, -46.0
REPEDAL_S = (0.06, 0.12)  # after the note that asks for it
RUB = (0.3, 2.5)  # semitones, whatever the octave: what has ended may not ring on beside it
OTHERS_DB, OTHERS, OTHERS_CENTS = -30.0, 12, (1.0, 4.0)  # strings without dampers: level, partials, detuning
NOISE_RISE_S = 0.01


@dataclass(frozen=True, slots=True)
class Hammers:
    """What tells one piano from another. `hz`: corner of the felt at velocity 0 and middle C; `slope`: of partials over
    their number, as an equal blow leaves them; `shelf_db`: of the board above SHELF_HZ; `level_db`: amplitude of a note
    at full velocity; `knock_db`: of the action, over that of felt."""

    name: str
    hz: float
    partials: int
    slope: float
    shelf_db: float
    level_db: float
    knock_db: float


PIANOS = (
    Hammers("felt_piano", 700.0, 24, -1.0, -6.0, -10.2, 0.0),
    Hammers("grand", 2100.0, 40, -0.6, 0.0, -11.2, -4.0),
)


class Piano(HitInstrument[ModalBank]):
    """`kind` is the index of a piano in PIANOS.

    `pedal` 0..1 lifts the dampers: half-way they touch lightly, and stop a treble string sooner than a bass one; at 1
    ended notes ring on, and other strings answer, until a note rubs with one of them and the pedal is changed.
    `una_corda` 0..1 is the soft pedal; `stretch` 0..0.5 how much of a stretched tuning is taken.
    """

    restrike_s = 0.08

    def __init__(
        self,
        sample_rate: int,
        seed: int,
        kind: float = 0.0,
        pedal: float = 0.0,
        una_corda: float = 0.0,
        stretch: float = 0.25,
    ) -> None:
        if not 0 <= kind < len(PIANOS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(PIANOS) - 1} ({', '.join(p.name for p in PIANOS)})")
        self._hammers = hammers = PIANOS[round(kind)]
        super().__init__(seed, ModalBank(sample_rate, VOICES, (hammers.partials + 1) // 2 + COUPLED + 4))
        self._pedal, self._una_corda = checked("pedal", pedal, 0.0, 1.0), checked("una_corda", una_corda, 0.0, 1.0)
        self._stretch = checked("stretch", stretch, 0.0, MOST_STRETCH)
        self._level = db_to_gain(hammers.level_db)
        self._lead = round(KNOCK_LEAD_S * sample_rate)

    def damper_s(self, pitch: float) -> float | None:
        """350 ms in the bass to 120 ms in the treble, longer under the pedal; strings above F6 have no damper."""
        dry_s = _damper_s(pitch)
        return None if dry_s is None else dry_s * 2.0 ** (LIGHTEST_OCT * self._lifted(pitch))

    def strike(self, frame: int, hit: Hit) -> None:
        """The key now, the tone once the hammer has flown; under the pedal, a change of it where that is called for."""
        if self._pedal and not self._bank.ringing(frame).any():
            self._pedal_noise(frame)
        full = self._level * hit.level(WIDE_DB) * hit.register * db_to_gain(UNA_CORDA_DB * self._una_corda)
        modes = _knock(hit, full * db_to_gain(self._hammers.knock_db))
        self._bank.strike(frame, *modes, rise_s=0.002, pan=_pan(hit.pitch), note_id=hit.note_id, pitch=hit.pitch)
        self.later(frame + self._lead, partial(self._strike_strings, hit, full))

    def release(self, frame: int, note_id: float, pitch: float, velocity: float) -> None:
        """The damper falls as late as the tone came."""
        self.later(frame + self._lead, partial(self._fall, note_id, pitch, velocity))

    def _lifted(self, pitch: float) -> float:
        """How far the pedal keeps the damper of a string from working, 0..1."""
        treble = min(max((pitch - LOWEST) / (F6 - LOWEST), 0.0), 1.0)
        return self._pedal ** (1.0 + treble)

    def _strike_strings(self, hit: Hit, full: float, frame: int) -> None:
        una_corda, hammers = self._una_corda, self._hammers
        hz = note_to_hz(hit.pitch + 0.01 * self._stretch * stretch_cents(hit.pitch))
        strings = String.of(hit.pitch, hz, hammers)
        contact_s = HALF_CONTACT_S * (hz / MIDDLE_C_HZ) ** -0.45 * SOFT_CONTACT ** (1.0 - hit.velocity)
        amplitude = full * strings.amplitude(hit, hammers.hz * UNA_CORDA_FELT**una_corda)
        pan, side = _pan(hit.pitch), PARTIAL_PAN * (1 if round(hit.pitch) % 2 else -1)
        for modes, apart in zip(strings.halves(hit, amplitude, una_corda), (-side, side), strict=True):
            self._bank.strike(
                frame, *modes, rise_s=hit.rise_s(contact_s), pan=pan + apart, note_id=hit.note_id, pitch=hit.pitch
            )
        if self._pedal:
            modes = strings.others(hit, amplitude * db_to_gain(OTHERS_DB) * self._lifted(hit.pitch))
            self._bank.strike(frame, *modes, pan=-pan, note_id=hit.note_id, pitch=hit.pitch)
            wait = round(hit.spread(*REPEDAL_S) * self._bank.sample_rate)
            self.later(frame + wait, partial(self._repedal, hit.pitch))

    def _fall(self, note_id: float, pitch: float, velocity: float, frame: int) -> None:
        damper_s = self.damper_s(pitch)
        if damper_s is None:
            return
        rings = (self._bank.note_id == note_id) & self._bank.ringing(frame)
        if rings.any():
            level = self._level * db_to_gain(DAMPER_DB - 0.5 * WIDE_DB * (1.0 - velocity) ** 1.6)
            draw = stream(self._seed, "damper", note_id.hex())
            modes = rustle(draw, DAMPER_BAND_HZ, DAMPER_NOISE_S, level * (1.0 - 0.5 * self._pedal))
            self._bank.strike(frame, *modes, rise_s=NOISE_RISE_S, pan=_pan(pitch), pitch=NO_PITCH)
        self._damp(frame, rings, damper_s)

    def _repedal(self, pitch: float, frame: int) -> None:
        """Change the pedal if something that has ended rings on beside `pitch` and rubs with it."""
        bank = self._bank
        ended = bank.ringing(frame) & (bank.times[DAMP] <= frame)
        apart = np.abs((bank.pitch - pitch + 6.0) % 12.0 - 6.0)
        if (ended & (apart > RUB[0]) & (apart < RUB[1])).any():
            for slot in np.flatnonzero(ended & ~np.isnan(bank.pitch)):
                bank.damp(int(slot), frame, _damper_s(float(bank.pitch[slot])) or TREBLE_DAMPER_S)
            self._pedal_noise(frame)

    def _pedal_noise(self, frame: int) -> None:
        draw = stream(self._seed, "pedal", frame)
        modes = rustle(draw, PEDAL_BAND_HZ, PEDAL_NOISE_S, self._level * self._pedal * db_to_gain(PEDAL_DB))
        self._bank.strike(frame, *modes, rise_s=2.0 * NOISE_RISE_S, pitch=NO_PITCH)


@dataclass(frozen=True, slots=True)
class String:
    """The strings of a key. `hz`, `shape` (strength at an equal blow) and `damping` (over partial 1 of middle C) are
    (partials,); `count`: how many strings there are."""

    pitch: float
    hz: Array
    shape: Array
    damping: Array
    count: int

    @staticmethod
    @lru_cache(maxsize=128)
    def of(pitch: float, hz: float, hammers: Hammers) -> String:
        """Those of a key whose first partial is at `hz`."""
        n = np.arange(1, hammers.partials + 1)
        partials = partials_hz(pitch, hz, hammers.partials)
        treble = min(max((pitch - C5) / (C7 - C5), 0.0), 1.0)
        point = (1.0 - treble) / 8.0 + treble / 12.0
        bend = np.sin(np.pi * n * point)
        shape = np.copysign(np.maximum(np.abs(bend), STRIKE_FLOOR), bend) * n**hammers.slope * (partials < TOP_HZ)
        shape *= soundboard(partials, hammers.shelf_db)
        damping = (1.0 + 0.06 * (n - 1) + 0.002 * n**2) * (hz / MIDDLE_C_HZ) ** 0.6
        return String(pitch, partials, shape, damping, 1 + (pitch >= TWO_STRINGS_FROM) + (pitch >= THREE_STRINGS_FROM))

    def amplitude(self, hit: Hit, felt_hz: float) -> Array:
        """Of the partials, (partials,), with the energy of one of height 1, under a hammer with felt of `felt_hz`."""
        felt_hz *= 2.0 ** (HAMMER_OCT * hit.velocity) * (self.hz[0] / MIDDLE_C_HZ) ** 0.45
        return unit_energy(self.shape * hit.filter(self.hz, felt_hz), 1.0 / self.damping) * hit.varied(self.hz.size)

    def halves(self, hit: Hit, amplitude: Array, una_corda: float) -> tuple[Array, Array]:
        """Odd and even partials, partial 1 with both: Hz, amplitude, t60, (3, modes) each.

        Partials up to COUPLED fall fast while the strings move as one, and slowly with what is left between them, which
        beats where there are three.
        """
        high = hit.spread(*DETUNE_CENTS) * (1.0 if hit.random.random() < 0.5 else -1.0)
        low = -math.copysign(hit.spread(*DETUNE_CENTS), high)
        inverted = hit.spread(*INVERTED) * (1.0 - una_corda) if self.count == 3 else 0.0
        alone = self.count == 1 or (self.count == 2 and una_corda == 1.0)
        n = np.arange(1, self.hz.size + 1)
        t60_s = FAST_T60_S * UNA_CORDA_T60**una_corda
        slow = amplitude * (1.0 - FAST_SHARE) / (1.0 - inverted)
        after = n <= COUPLED
        rows = np.array(
            (
                (self.hz, amplitude * np.where(after, FAST_SHARE, 1.0), t60_s / self.damping),
                (self.hz * (1.0 if alone else _ratio(high)), slow * after, SLOW_T60_S / self.damping),
                (self.hz * _ratio(low), -inverted * slow * after, SLOW_T60_S / self.damping),
            )
        ).transpose(1, 0, 2)
        rows[1, :, 0] *= 0.5 / math.cos(PARTIAL_PAN * math.pi / 4.0)
        odd, even = ((n % 2 == side) | (n == 1) for side in (1, 0))
        return rows[:, :, odd].reshape(3, -1), rows[:, :, even].reshape(3, -1)

    def others(self, hit: Hit, amplitude: Array) -> Array:
        """The answer of strings near the first OTHERS partials: it rises while those fall, and falls after them."""
        hz, amplitude, damping = self.hz[:OTHERS], amplitude[:OTHERS], self.damping[:OTHERS]
        off = [_ratio(hit.spread(*OTHERS_CENTS) * (1.0 if hit.random.random() < 0.5 else -1.0)) for _ in hz]
        taken_in = (hz, -amplitude, 0.5 * FAST_T60_S / damping)
        return np.hstack((np.array((hz * off, amplitude, SLOW_T60_S / damping)), np.array(taken_in)))


def inharmonicity(pitch: float) -> float:
    """B of the string of a MIDI note: bass and treble bridge together."""
    return math.exp(0.0926 * pitch - 13.64) + math.exp(-0.0847 * pitch - 5.82)


def partials_hz(pitch: float, hz: float, count: int) -> Array:
    """Frequencies (count,) of a stiff string whose first partial is at `hz`."""
    b, n = inharmonicity(pitch), np.arange(1, count + 1)
    partials: Array = n * hz * np.sqrt((1.0 + b * n**2) / (1.0 + b))
    return partials


def stretch_cents(pitch: float) -> float:
    """How far a tuning in octaves 4:2, the lower string's fourth partial on the upper one's second, strays from A4."""
    return float(np.interp(pitch, *_stretched()))


@lru_cache(maxsize=1)
def _stretched() -> tuple[Array, Array]:
    """MIDI notes and cents: the octave about each semitone, a twelfth of its excess at a time."""
    pitches = np.arange(LOWEST, HIGHEST + 1.0)

    def excess(pitch: float) -> float:
        low, high = inharmonicity(pitch - 6.0), inharmonicity(pitch + 6.0)
        return 600.0 * math.log2((1.0 + 16.0 * low) / (1.0 + low) * (1.0 + high) / (1.0 + 4.0 * high))

    steps = [excess(pitch + 0.5) / 12.0 for pitch in pitches[:-1]]
    cents = np.concatenate(([0.0], np.cumsum(steps)))
    return pitches, cents - cents[int(A4 - LOWEST)]


def soundboard(hz: Array, shelf_db: float) -> Array:
    """Gain of the board at `hz`: its first resonances, little below LOW_HZ, a shelf above SHELF_HZ."""
    gain_db = shelf_db / (1.0 + (SHELF_HZ / hz) ** 2)
    for centre, peak_db, q in SOUNDBOARD:
        gain_db += peak_db / (1.0 + (q * (hz / centre - centre / hz)) ** 2)
    gain: Array = 10.0 ** (gain_db / 20.0) * np.minimum(hz / LOW_HZ, 1.0)
    return gain


def _ratio(cents: float) -> float:
    return float(2.0 ** (cents / 1200.0))


def _pan(pitch: float) -> float:
    return PAN * (2.0 * (min(max(pitch, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST) - 1.0)


def _damper_s(pitch: float) -> float | None:
    if pitch > F6:
        return None
    treble = min(max((pitch - LOWEST) / (F6 - LOWEST), 0.0), 1.0)
    return BASS_DAMPER_S * (TREBLE_DAMPER_S / BASS_DAMPER_S) ** treble


def _knock(hit: Hit, full: float) -> Array:
    """The key bed and the noise of the felt: Hz, amplitude, t60, (3, modes)."""
    knock = 0.5 * full * db_to_gain(KNOCK_DB + KNOCK_PER_VELOCITY_DB * hit.velocity)
    felt = 0.5 * full * db_to_gain(FELT_DB + FELT_PER_VELOCITY_DB * hit.velocity)
    bed = (KNOCK_HZ, np.full(KNOCK_HZ.size, knock), np.full(KNOCK_HZ.size, KNOCK_T60_S))
    modes = np.hstack((bed, rustle(hit.random, FELT_BAND_HZ, FELT_T60_S, felt)))
    modes[1] *= low_pass(modes[0], hit.exciter_hz)
    return modes
