"""What holds a tonic under the music: the tanpura, whose four strings are plucked in turn while a note is held,
and the shruti box, whose reeds speak while its bellows are worked.

The cycle, the tuning and the cotton under the strings are those of van Walstijn, Bridges & Mehes, "A real-time
synthesis oriented tanpura model" (DAFx 2016) and Raman, "On some Indian stringed instruments" (1921).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN
from synth.dsp.quantum import QUANTUM
from synth.dsp.string import Pluck, StringBank
from synth.dsp.voices import NEVER
from synth.dsp.wavetable import Harmonics
from synth.instruments.base import FRAME, KIND, NOTE_ID, OFF, ON, PITCH, VELOCITY, Buffer, Edges, Events
from synth.instruments.hits import NARROW_DB, Hit, HitInstrument
from synth.instruments.subtractive import Subtractive, checked
from synth.instruments.voicing import Voicing
from synth.rng import stream
from synth.units import db_to_gain

PA, SA, OCTAVE = 0, 3, 12.0  # strings: fifth, upper tonic twice, tonic
RETUNED = 0.05  # notes: more than a string is off
FIFTH = OCTAVE * math.log2(1.5)
UPPER = 48.0  # the upper tonic lies in the octave from here on
DETUNE_CENTS = (0.6, 1.5)  # by which the two upper tonics are off, one up and one down

SLOW_BPM, FAST_BPM = 50.0, 100.0
SLOW_S, FAST_S, JITTER_S = 1.36, 1.04, 0.04  # from string to string

LOWEST_HZ = 60.0
T60_S, T60_FALL, T60_HIGH_S = 12.0, -0.58, 3.5  # at 65 Hz, exponent of frequency
REFERENCE_HZ = 65.4
WIDTH_S, VELOCITY_OCT, BRIGHTNESS_OCT = 0.0014, 0.8, 0.3
HIGH_OCT = 0.8  # of the high partials' decay, an octave of brightness
JAWARI_FALL = -0.6  # exponent of frequency: energy climbs as long in high strings
POSITION, POSITION_SPREAD = 0.38, 0.04
RISE_S, SLOWEST_RISE_OCT = 0.03, 2.2
HARMONICS = 36
REPLUCK_S = 0.25  # a finger comes down on a string that rings
GRACE_S, RELEASE_S = 0.25, 3.0  # a note that follows within this has not stopped anything
TANPURA_DB, SPREAD_DB = -16.4, 0.7
LEVEL_RISE = 0.4  # exponent of frequency: what a quicker decay takes
PANS = (-0.3, -0.1, 0.1, 0.3)
GOURD = ((125.0, 6.0, 3.0), (290.0, 7.0, 3.0), (560.0, 6.0, 2.0))

HALF_SWELL_S = (3.0, 5.0)  # from crest to trough, or back
CRESTS, TROUGHS = (0.0, 0.15), (-0.32, -0.18)  # what they add to a gain of 1
BRIGHTNESS_PER_GAIN = np.float32(1.2)  # octaves
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)

_TEMPO, _BRIGHTNESS = COLUMN["tempo_bpm"], COLUMN["brightness_oct"]


class Tanpura(HitInstrument[StringBank]):
    """While notes are held, the strings Pa, Sa', Sa' and Sa are plucked in turn. The lowest held note is the tonic and
    the next the first string (a fifth when there is none), each in the octave where its string lies. `jawari`, 0..1, is
    how far the bridge lets energy climb."""

    def __init__(self, sample_rate: int, seed: int, jawari: float = 1.0) -> None:
        super().__init__(seed, StringBank(sample_rate, 8, LOWEST_HZ, GOURD))
        self._jawari = checked("jawari", jawari, 0.0, 1.0)
        off = stream(seed, "tuning")
        self._detune = (0.0, off.uniform(*DETUNE_CENTS) / 100.0, -off.uniform(*DETUNE_CENTS) / 100.0, 0.0)
        self._held: dict[float, tuple[float, float]] = {}  # pitch and velocity
        self._plucks, self._string = 0, PA
        self._grace = round(GRACE_S * sample_rate)
        self._next, self._settle = 0, NEVER  # frames: of the next pluck, and when what is not held any more is damped

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out`."""
        bank = self._bank
        bank.begin(out)
        start = bank.clock
        for event in events[:count]:
            frame = start + int(event[FRAME])
            self._play_until(frame, start, edges)
            if event[KIND] == ON:
                self._hold(frame, event)
            elif event[KIND] == OFF and self._held.pop(float(event[NOTE_ID]), None) is not None:
                self._settle = frame + self._grace
        end = start + quanta * QUANTUM
        self._play_until(end, start, edges)
        bank.play(end)

    def _hold(self, frame: int, event: NDArray[np.float64]) -> None:
        self._held[float(event[NOTE_ID])] = float(event[PITCH]), float(event[VELOCITY])
        self._settle = frame + self._grace
        if frame > self._next:
            self._next, self._string = frame, PA

    def _pitches(self) -> list[float]:
        """Of the four strings, as they are tuned for what is held."""
        held = tuning(sorted(pitch for pitch, _ in self._held.values()))
        return [pitch + off for pitch, off in zip(held, self._detune, strict=True)]

    def _play_until(self, until: int, start: int, edges: Edges) -> None:
        """Pluck and damp what is due before the frame `until`, of a block that began at `start`."""
        while min(pluck := self._next if self._held else NEVER, self._settle) < until:
            if self._settle <= pluck:
                self._damp_others(self._settle)
                self._settle = NEVER
                continue
            self._pluck(pluck, pluck - start, edges)
            random = stream(self._seed, "timing", self._plucks)
            seconds = between_strings_s(float(edges[(pluck - start) // QUANTUM, _TEMPO]))
            self._next += round((seconds + random.uniform(-JITTER_S, JITTER_S)) * self._bank.sample_rate)
            self._plucks, self._string = self._plucks + 1, (self._string + 1) % len(PANS)

    def _damp_others(self, frame: int) -> None:
        """Damp the strings that ring at a pitch that is not theirs any more; all of them when nothing is held."""
        bank = self._bank
        right = np.zeros(bank.pitch.size, np.bool_)
        for string, pitch in enumerate(self._pitches() if self._held else ()):
            right |= (bank.note_id == string) & (np.abs(bank.pitch - pitch) < RETUNED)
        self._damp(frame, ~right, RELEASE_S)

    def _pluck(self, frame: int, into: int, edges: Edges) -> None:
        velocity = max(velocity for _, velocity in self._held.values())
        variation = stream(self._seed, "pluck", self._plucks).random()
        event = np.array([into, ON, self._string, self._pitches()[self._string], velocity, variation, 0.0])
        self._damp(frame, self._bank.note_id == self._string, REPLUCK_S)
        self.strike(frame, self._hit(event, edges))

    def strike(self, frame: int, hit: Hit) -> None:
        """Pluck the string `hit.note_id`."""
        width_s = WIDTH_S * 2.0 ** (-VELOCITY_OCT * (hit.velocity - 0.5) - BRIGHTNESS_OCT * hit.brightness_oct)
        pluck = Pluck(
            math.hypot(width_s, 1.0 / hit.exciter_hz), POSITION + hit.spread(-POSITION_SPREAD, POSITION_SPREAD)
        )
        tone = pluck.harmonics(hit.hz, HARMONICS)
        level = db_to_gain(TANPURA_DB + hit.spread(-SPREAD_DB, SPREAD_DB)) * hit.level(NARROW_DB)
        level *= (hit.hz / REFERENCE_HZ) ** LEVEL_RISE
        self._bank.pluck(
            frame,
            hit.hz,
            level / math.sqrt(float(tone @ tone)) * pluck.wave(self._bank.sample_rate, hit.hz),
            T60_S * (hit.hz / REFERENCE_HZ) ** T60_FALL,
            T60_HIGH_S * 2.0 ** (HIGH_OCT * hit.brightness_oct),
            jawari=self._jawari * (hit.hz / REFERENCE_HZ) ** JAWARI_FALL,
            rise_s=RISE_S * 2.0 ** (SLOWEST_RISE_OCT * hit.softness),
            pan=PANS[int(hit.note_id)],
            note_id=hit.note_id,
            pitch=hit.pitch,
        )


def tuning(held: list[float]) -> tuple[float, float, float, float]:
    """Pitches of the four strings for held ones, from low to high."""
    upper = UPPER + (held[0] - UPPER) % OCTAVE
    tonic = upper - OCTAVE
    first = tonic + ((held[1] - tonic) % OCTAVE if len(held) > 1 else 0.0)
    return (first if first > tonic else tonic + FIFTH), upper, upper, tonic


def between_strings_s(tempo_bpm: float) -> float:
    """Seconds from a string to the next."""
    share = min(max(math.log(tempo_bpm / SLOW_BPM) / math.log(FAST_BPM / SLOW_BPM), 0.0), 1.0)
    return SLOW_S + share * (FAST_S - SLOW_S)


def reed(n: Harmonics) -> Harmonics:
    """A free reed in its chest: odd harmonics before even ones, all falling by a further 12 dB an octave from the
    twelfth on (after Cottingham, "Acoustics of free-reed instruments", Physics Today 64(3), 2011)."""
    return np.where(n % 2 == 1, 1.0, 0.7) * n**-0.6 / (1.0 + (n / 12.0) ** 2)


class Shruti(Subtractive):
    """Reeds that hold the notes they are given, on bellows: level and brightness swell over 6 to 10 s, each time anew.
    `bellows`, 0..2, is how deep; `release_s` to -60 dB."""

    def __init__(self, sample_rate: int, seed: int, bellows: float = 1.0, release_s: float = 1.5) -> None:
        voicing = Voicing(
            level_db=-16.2,
            side=0.22,
            stereo=True,
            steep=False,
            centre=0.8,
            pan=0.25,
            detune_cents=1.4,
            attack_factor=5.0,
            attack_low_s=0.3,
            attack_high_s=10.0,
            decay_s=3.0,
            sustain=0.95,
            release_s=checked("release_s", release_s, 0.3, 6.0),
            corner_hz=2200.0,
            corner_max_hz=10000.0,
            tracking=0.4,
            velocity_oct=0.5,
            opening_oct=0.7,
            damping=1.4,
            drift_cents=0.7,
            drift_corner_cents=60.0,
            drift_s=4.0,
            vibrato_cents=0.0,
        )
        super().__init__(sample_rate, seed, reed, voicing)
        self._bellows = Bellows(sample_rate, seed, checked("bellows", bellows, 0.0, 2.0))
        self._edges: Edges = np.zeros((0, 0), np.float32)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out`."""
        if self._edges.shape != edges.shape:
            self._edges = np.zeros_like(edges)
        self._edges[:] = edges
        gain = self._bellows.gain(quanta)
        self._edges[: quanta + 1, _BRIGHTNESS] += BRIGHTNESS_PER_GAIN * (gain - np.float32(1.0))
        super().render(events, count, self._edges, quanta, out)
        rise = np.diff(gain)[:, None]
        out[:, : quanta * QUANTUM] *= (gain[:-1, None] + rise * RAMP).ravel()


class Bellows:
    """A gain that goes from crest to trough and back, each drawn anew, along curves without corners."""

    def __init__(self, sample_rate: int, seed: int, depth: float) -> None:
        self._seed, self._depth, self._quanta_per_s = seed, depth, sample_rate / QUANTUM
        self._turns = self._place = self._length = 0
        self._from, self._to, self._last = 1.0, 1.0, 1.0

    def gain(self, quanta: int) -> NDArray[np.float32]:
        """At the edges of the next `quanta` quanta, (quanta + 1,)."""
        gains = np.full(quanta + 1, self._last)
        done = 0
        while done < quanta:
            if self._place == self._length:
                self._turn()
            count = min(self._length - self._place, quanta - done)
            x = (self._place + 1.0 + np.arange(count)) / self._length
            gains[done + 1 : done + 1 + count] = self._from + (self._to - self._from) * x * x * (3.0 - 2.0 * x)
            self._place, done = self._place + count, done + count
        self._last = float(gains[-1])
        return gains.astype(np.float32)

    def _turn(self) -> None:
        random = stream(self._seed, "bellows", self._turns)
        low, high = TROUGHS if self._turns % 2 else CRESTS
        self._from, self._to = self._to, 1.0 + self._depth * random.uniform(low, high)
        self._length, self._place = round(random.uniform(*HALF_SWELL_S) * self._quanta_per_s), 0
        self._turns += 1
