"""What the struck and plucked instruments share: each note is a hit, shaped once from its event and the controls."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB, TABLE
from synth.dsp.voices import VoiceBank
from synth.instruments.base import (
    FRAME,
    KIND,
    NOTE_ID,
    OFF,
    ON,
    PITCH,
    QUANTUM,
    SECONDS,
    SLIDE,
    VARIATION,
    VELOCITY,
    Buffer,
    Edges,
    Events,
)
from synth.rng import stream
from synth.units import db_to_gain, note_to_hz

Array = NDArray[np.float64]
Bank = TypeVar("Bank", bound=VoiceBank)

WIDE_DB, NARROW_DB = 24.0, 12.0  # velocity ranges: keys and strings, bells and percussion
BRIGHTNESS_PER_DB = 0.06  # octaves, for each dB of expression: a swell moves timbre with level
BRIGHTNESS_PER_BREATH = 0.5
BRIGHTNESS_DB_PER_OCT = 1.5
TILT_HZ, TILT_DB_PER_OCT = 800.0, 2.0  # of brightness, beside the corner it moves
SOFTEST_HZ, HARDEST_HZ = 750.0, 12000.0  # corner of an exciter at the longest and the shortest attack
SLOWEST_RISE_OCT = 5.0
VARIATION_DB = 1.5
SAME = 0.002  # semitones: nearer than this it is the same string or bar, not the other one of a pair tuned to beat
NO_PITCH = math.nan  # of noises: no note struck again damps them
C5, C6 = 72.0, 84.0
BASS_DB_PER_OCT, TREBLE_DB_PER_OCT = 1.5, 3.0

_BRIGHTNESS, _ATTACK, _MOTION = (COLUMN[name] for name in ("brightness_oct", "attack_ms", "motion"))


@dataclass(frozen=True, slots=True)
class Hit:
    """One note as it is played: `softness` and `motion` 0..1, `random` a stream of this hit's own."""

    note_id: float
    pitch: float
    velocity: float
    brightness_oct: float
    softness: float
    motion: float
    random: random.Random

    @property
    def hz(self) -> float:
        """The note's frequency."""
        return note_to_hz(self.pitch)

    def level(self, range_db: float) -> float:
        """Amplitude of the note's power: its velocity over `range_db`, and a little more when bright."""
        return db_to_gain(-range_db * (1.0 - self.velocity) ** 1.6 + BRIGHTNESS_DB_PER_OCT * self.brightness_oct)

    @property
    def register(self) -> float:
        """Amplitude that the pitch leaves: less away from the middle of the keyboard."""
        bass, treble = max(C5 - self.pitch, 0.0) / 12.0, max(self.pitch - C6, 0.0) / 12.0
        return db_to_gain(-BASS_DB_PER_OCT * bass - TREBLE_DB_PER_OCT * treble)

    @property
    def exciter_hz(self) -> float:
        """Corner that the attack control leaves of the exciter."""
        return HARDEST_HZ * (SOFTEST_HZ / HARDEST_HZ) ** self.softness

    def rise_s(self, hardest_s: float, slower_oct: float = SLOWEST_RISE_OCT) -> float:
        """An onset of `hardest_s` as the attack control lengthens it, by up to `slower_oct`."""
        return hardest_s * 2.0 ** (slower_oct * self.softness)

    def spread(self, low: float, high: float) -> float:
        """A number in [low, high) of this hit's own."""
        return low + (high - low) * self.random.random()

    def spreads(self, low: float, high: float, count: int) -> Array:
        """`count` such numbers, (count,)."""
        return np.array([self.spread(low, high) for _ in range(count)])

    def varied(self, count: int) -> Array:
        """Gains (count,) by which no two hits are alike: each within VARIATION_DB."""
        gains: Array = 10.0 ** (self.spreads(-VARIATION_DB, VARIATION_DB, count) / 20.0)
        return gains

    def filter(self, hz: Array, corner_hz: float) -> Array:
        """Gain at `hz` of a second-order felt with a corner moved by brightness, of its tilt, and of the attack's
        softness."""
        felt = low_pass(hz, corner_hz * 2.0**self.brightness_oct) * low_pass(hz, self.exciter_hz)
        return felt * tilt(hz, TILT_DB_PER_OCT * self.brightness_oct)


def low_pass(hz: Array, corner_hz: float) -> Array:
    """Gain of a second-order Butterworth low-pass."""
    return 1.0 / np.sqrt(1.0 + (hz / corner_hz) ** 4)


def tilt(hz: Array, db: float) -> Array:
    """Gain of a first-order tilt: `-db` far under TILT_HZ, `db` far above."""
    square = (hz / TILT_HZ) ** 2
    gain: Array = 10.0 ** (db / 20.0 * (square - 1.0) / (square + 1.0))
    return gain


def unit_energy(amplitude: Array, t60_s: Array) -> Array:
    """`amplitude` of decaying modes scaled to the energy of one mode of height one that decays as the first."""
    return amplitude / math.sqrt(float(amplitude**2 @ t60_s) / t60_s[0])


def rustle(draw: random.Random, band_hz: tuple[float, float], t60_s: float, level: float, count: int = 10) -> Array:
    """A short noise as `count` modes drawn anew: Hz, amplitude, t60, (3, count); as strong as a sine of `level`."""
    low, high = band_hz
    side = level / math.sqrt(count)
    hz = [low + (high - low) * draw.random() for _ in range(count)]
    return np.array((hz, [side if draw.random() < 0.5 else -side for _ in hz], [t60_s] * count))


class HitInstrument(ABC, Generic[Bank]):
    """An instrument whose notes are hits on a bank of voices.

    A note struck again damps its ringing predecessor over `restrike_s`. Notes outside `lowest` to `highest` are played
    as the nearest of these.
    """

    restrike_s = 0.12
    lowest, highest = 12.0, 115.0

    def __init__(self, seed: int, bank: Bank) -> None:
        self._seed, self._bank = seed, bank
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._serial = itertools.count()

    @abstractmethod
    def strike(self, frame: int, hit: Hit) -> None:
        """Start a voice for `hit` at the absolute frame `frame`."""

    def damper_s(self, pitch: float) -> float | None:
        """Time in which an ended note falls 60 dB; None when notes ring on."""
        return None

    def release(self, frame: int, note_id: float, pitch: float, velocity: float) -> None:
        """End a note at the absolute frame `frame`."""
        if (damper_s := self.damper_s(pitch)) is not None:
            self._damp(frame, self._bank.note_id == note_id, damper_s)

    def slide(self, frame: int, note_id: float, pitch: float, seconds: float) -> None:
        """Take a sounding note to another pitch; what cannot slide plays on."""

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
        return self._bank.sounding

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out`."""
        bank = self._bank
        bank.begin(out)
        start = bank.clock
        end = start + quanta * QUANTUM
        for event in events[:count]:
            frame = start + int(event[FRAME])
            self._act(frame)
            if event[KIND] == ON:
                hit = self._hit(event, edges)
                self._damp(frame, np.abs(bank.pitch - hit.pitch) < SAME, self.restrike_s)
                self.strike(frame, hit)
            elif event[KIND] == OFF:
                self.release(frame, *map(float, event[[NOTE_ID, PITCH, VELOCITY]]))
            elif event[KIND] == SLIDE:
                self.slide(frame, *map(float, event[[NOTE_ID, PITCH, SECONDS]]))
        self._act(end - 1)
        bank.play(end)

    def later(self, frame: int, act: Callable[[int], None]) -> None:
        """Call `act(frame)` when the absolute frame `frame` is reached."""
        heapq.heappush(self._due, (frame, next(self._serial), act))

    def _damp(self, frame: int, which: NDArray[np.bool_], t60_s: float) -> None:
        """Let those of the voices `which` (slots,) that ring at `frame` fall by 60 dB in `t60_s`."""
        for slot in np.flatnonzero(which & self._bank.ringing(frame)):
            self._bank.damp(int(slot), frame, t60_s)

    def _act(self, until: int) -> None:
        while self._due and self._due[0][0] <= until:
            frame, _, act = heapq.heappop(self._due)
            act(frame)

    def _hit(self, event: NDArray[np.float64], edges: Edges) -> Hit:
        quantum, into = divmod(int(event[FRAME]), QUANTUM)
        at = into / QUANTUM
        row = (1.0 - at) * edges[quantum].astype(np.float64) + at * edges[quantum + 1].astype(np.float64)
        low, high = TABLE["attack_ms"].low, TABLE["attack_ms"].high
        return Hit(
            float(event[NOTE_ID]),
            min(max(float(event[PITCH]), self.lowest), self.highest),
            min(max(float(event[VELOCITY]), 0.0), 1.0),
            row[_BRIGHTNESS] + BRIGHTNESS_PER_DB * row[EXPRESSION_DB] + BRIGHTNESS_PER_BREATH * row[BREATH],
            min(max(math.log(max(row[_ATTACK], low) / low) / math.log(high / low), 0.0), 1.0),
            min(max(row[_MOTION], 0.0), 1.0),
            stream(self._seed, "hit", float(event[VARIATION]).hex()),
        )
