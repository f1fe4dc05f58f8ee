"""A choir: chords sung on vowels that open and close with the phrase, by several singers a note, without words.

Each singer is a saw (`singers`). The four parts of the choir, bass to soprano, each have a throat, a low-pass from
which the glottis' pulses come as soft as they are (Fant, Acoustic Theory of Speech Production, 1960), and the formants
of their vowel (`synth.dsp.vowels`) as band-passes abreast, wider for many throats than for one. Where a note is higher
than the first formant, that one is raised to it, as singers do (Sundberg, The Science of the Singing Voice, 1987).

A source of even level would rise and fall by 10 dB an octave as its partials pass through the formants. What is left
of it is known, though, from part, vowel and pitch, and put back in advance. The fifth formant, at -20 dB and less, is
left out, for the others to fill a vector.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import LOG2_E, SIXTY_DB, two_pole
from synth.dsp.noise import bipolar, noise_states, walk, xorshift32
from synth.dsp.panned import panned_saw
from synth.dsp.steps import residues
from synth.dsp.wavetable import CYCLE
from synth.instruments import singers as S
from synth.instruments import tracts as T
from synth.instruments.base import FRAME, KIND, NOTE_ID, OFF, ON, QUANTUM, Buffer, Edges, Events
from synth.instruments.singers import PARTS, ZERO, Floats, Integers
from synth.instruments.tracts import ONE
from synth.rng import stream, stream_seed
from synth.units import db_to_gain

SLIDE_STEP = 16  # frames between pitches of a slide, for no stair to be heard
ATTACK, MOTION = COLUMN["attack_ms"], COLUMN["motion"]
MOTION_DEFAULT = np.float32(0.3)
VOWEL_PER_DB, VOWEL_PER_BREATH, VOWEL_SWAY = np.float32(0.13), np.float32(0.5), np.float32(0.25)
VOWEL_S, SWAY_S, RAISE_S = 0.35, 6.0, 0.03  # a vowel's half-way, the sway's correlation time, a first formant's way up


class Sound(NamedTuple):
    """A way to sing: `rest` is the vowel at rest, counted in `vowels`; `closed_db` what lips take of all but the first
    formant; `throat_hz` where the source begins to fall; `breath_db` its noise before the formants."""

    name: str
    vowels: str
    rest: float
    closed_db: float
    throat_hz: float
    breath_db: float
    level_db: float


SOUNDS: tuple[Sound, ...] = (
    Sound("choir", "uoa", 1.0, 0.0, 1900.0, -39.0, -21.7),
    Sound("hum", "uo", 0.4, -12.0, 900.0, -45.0, -20.9),
)


class Choir:
    """`kind` is the index of a sound in SOUNDS; `release_s`: to -60 dB. Up to 16 notes at once."""

    def __init__(self, sample_rate: int, seed: int, kind: float = 0.0, release_s: float = 1.4) -> None:
        if not 0 <= kind < len(SOUNDS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(SOUNDS) - 1} ({', '.join(s.name for s in SOUNDS)})")
        if not 0.3 <= release_s <= 6.0:
            raise ValueError(f"release_s = {release_s:g}: give 0.3 to 6")
        sound, fs = SOUNDS[round(kind)], float(sample_rate)
        self._seed = stream_seed(seed, "singers") & 0xFFFFFFFF
        self._floats = aligned((S.FLOAT_END,))
        self._integers = np.zeros(S.INTEGER_END, np.int64)
        self._choir = aligned((T.CHOIR_END,))
        self._choir[T.ASLEEP] = 1.0
        self._randoms = noise_states(stream(seed, "breath"), T.THROATS + 1)
        self._lines = aligned((T.THROATS * T.LINE,))
        self._bands = aligned((QUANTUM * T.TRACTS,))
        mouth = sound.vowels, sound.closed_db
        self._path = T.path(*mouth, sample_rate)
        self._levels = T.levels(*mouth, sound.throat_hz, sample_rate)
        self._constants = _constants(sound, fs, release_s)
        self._tract = _tract(sound, fs)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out` (2, MAX_FRAMES), each event at its frame of the block."""
        _render(
            events, count, edges, quanta, out, self._floats, self._integers, self._choir, self._randoms, self._lines,
            self._bands, self._path, self._levels, residues(), self._constants, self._tract, self._seed,
        )  # fmt: skip

    @property
    def sounding(self) -> int:
        """Singers who sing now, S.SEATS a note."""
        return int(self._integers[S.COUNT])


def _constants(sound: Sound, fs: float, release_s: float) -> NDArray[np.float32]:
    p = np.zeros(S.CONSTANTS)
    p[S.LEVEL] = db_to_gain(sound.level_db) / math.sqrt(S.SEATS)
    p[S.A4_OCTAVE], p[S.PAN_LOW] = math.log2(440.0 / fs), math.log2(110.0 / fs)
    p[S.ATTACK_FRAMES_PER_MS] = 2.0 * fs / 1000.0
    p[S.ATTACK_LOW], p[S.ATTACK_HIGH] = 0.12 * fs, 3.0 * fs
    p[S.RELEASE_RATE] = SIXTY_DB / (release_s * fs)
    p[S.SPREAD], p[S.SPREAD_MORE] = 0.04 * fs, 0.05 * fs
    p[S.TUNING], p[S.DRIFT], p[S.VIBRATO] = 4.0 / 1200.0, 8.0 / 1200.0, 10.0 / 1200.0
    p[S.DRIFT_STEP], p[S.LEVEL_STEP] = QUANTUM / (0.4 * fs), QUANTUM / (2.0 * fs)
    p[S.VIBRATO_IN] = LOG2_E / (0.5 * fs)
    p[S.SECOND] = 1.0 / fs
    p[S.PAN] = 0.75
    return p.astype(np.float32)


def _tract(sound: Sound, fs: float) -> NDArray[np.float32]:
    p = np.zeros(T.TRACT_CONSTANTS)
    p[T.REST], p[T.TOP_VOWEL] = sound.rest, len(sound.vowels) - 1
    p[T.CORNER], p[T.BREATHING] = math.log2(sound.throat_hz / fs), db_to_gain(sound.breath_db)
    p[T.PLACE_STEP], p[T.SWAY_STEP] = QUANTUM / (VOWEL_S * fs), QUANTUM / (SWAY_S * fs)
    p[T.FLOOR_STEP] = 1.0 - math.exp(-QUANTUM / (RAISE_S * fs))
    return p.astype(np.float32)


@kernel
def _render(
    events: Events,
    count: int,
    edges: Edges,
    quanta: int,
    out: Buffer,
    s: Floats,
    i: Integers,
    c: Floats,
    randoms: NDArray[np.uint32],
    lines: Floats,
    bands: Floats,
    path: Floats,
    levels: Floats,
    jumps: Floats,
    p: Floats,
    tract: Floats,
    seed: int,
) -> None:
    event = np.int64(0)
    for q in range(quanta):
        frame = q * QUANTUM
        S.retire(s, i)
        S.wander(s, i, p)
        _choose_vowel(c, randoms, edges, q, tract)
        start = np.int64(0)
        while start < QUANTUM:
            at = np.float32(start) * T.PER_FRAME
            while event < count and events[event, FRAME] <= frame + start:
                if events[event, KIND] == ON:
                    S.note_on(s, i, p, events, event, _at(edges, q, ATTACK, at), seed)
                elif events[event, KIND] == OFF:
                    S.note_off(s, i, p, events[event, NOTE_ID])
                else:
                    S.slide_on(s, i, p, events, event)
                event += 1
            stop = np.int64(QUANTUM)
            if event < count and events[event, FRAME] < frame + QUANTUM:
                stop = np.int64(events[event, FRAME]) - frame
            if S.sliding(s, i):
                stop = min(stop, start + SLIDE_STEP)
                S.slide(s, i, np.float32(stop - start))
            if i[S.COUNT] > 0:
                motion = _at(edges, q, MOTION, np.float32(stop) * T.PER_FRAME) / MOTION_DEFAULT
                S.breathe(s, p, motion, (i[S.COUNT] + 7) // 8 * 8, np.float32(stop - start))
                _sing(s, i, c, p, levels, jumps, lines, start, stop)
            start = stop
        if i[S.COUNT] == 0 and c[T.ASLEEP] == ONE:
            for n in range(frame, frame + QUANTUM):
                out[0, n] = ZERO
                out[1, n] = ZERO
            continue
        _listen(s, i, c)
        T.open_throats(c, edges, q, tract)
        T.shape(c, path)
        c[T.ASLEEP] = ZERO
        T.throats(c, randoms, lines, bands)
        T.tracts(c, bands)
        T.together(bands, out, frame)
        T.next_quantum(lines)
        if i[S.COUNT] == 0:
            T.fall_asleep(c, lines)


@kernel
def _at(edges: Edges, q: int, column: int, at: np.float32) -> np.float32:
    """A control between two quantum edges."""
    return edges[q, column] + at * (edges[q + 1, column] - edges[q, column])


@kernel
def _choose_vowel(c: Floats, randoms: NDArray[np.uint32], edges: Edges, q: int, tract: Floats) -> None:
    """The vowel goes after phrase and breath, and sways by itself; nobody's mouth is faster than its muscles."""
    random = xorshift32(randoms[T.THROATS])
    randoms[T.THROATS] = random
    c[T.SWAY] = walk(c[T.SWAY], tract[T.SWAY_STEP], bipolar(random))
    sway = VOWEL_SWAY * edges[q + 1, MOTION] / MOTION_DEFAULT * c[T.SWAY]
    wanted = tract[T.REST] + VOWEL_PER_DB * edges[q + 1, EXPRESSION_DB] + VOWEL_PER_BREATH * edges[q + 1, BREATH] + sway
    wanted = max(ZERO, min(wanted, tract[T.TOP_VOWEL]))
    if c[T.ASLEEP] == ONE:
        c[T.PLACE_1] = wanted
        c[T.PLACE_2] = wanted
    c[T.PLACE_1], c[T.PLACE_2] = two_pole(c[T.PLACE_1], c[T.PLACE_2], wanted, tract[T.PLACE_STEP])


@kernel
def _sing(
    s: Floats, i: Integers, c: Floats, p: Floats, levels: Floats, jumps: Floats, lines: Floats,
    start: np.int64, stop: np.int64,
) -> None:  # fmt: skip
    """Each singer into the line of the part, left and right, as loud as its formants will need."""
    frames = int(stop - start)
    inverse = ONE / np.float32(frames)
    place = c[T.PLACE_2] * np.float32(T.PLACES)
    row = min(int(place), levels.shape[1] - 2)
    across = place - np.float32(row)
    for v in range(i[S.COUNT]):
        part = i[S.PART + v]
        pitch = (s[S.OCTAVE + v] - p[S.A4_OCTAVE]) / S.SEMITONE + (S.A4 - S.LOWEST)
        column = min(max(int(pitch), 0), levels.shape[2] - 2)
        along = min(max(pitch - np.float32(column), ZERO), ONE)
        near = levels[part, row, column] + along * (levels[part, row, column + 1] - levels[part, row, column])
        far = levels[part, row + 1, column]
        far += along * (levels[part, row + 1, column + 1] - far)
        level = s[S.SUNG + v] * (near + across * (far - near))
        left, right = s[S.GAIN_LEFT + v], s[S.GAIN_RIGHT + v]
        s[S.GAIN_LEFT + v] = level * s[S.PAN_LEFT + v]
        s[S.GAIN_RIGHT + v] = level * s[S.PAN_RIGHT + v]
        gains = (left, right, (s[S.GAIN_LEFT + v] - left) * inverse, (s[S.GAIN_RIGHT + v] - right) * inverse)
        at = int(part * T.LINE + start)
        step = np.int64(np.float64(s[S.FREQUENCY + v]) * CYCLE)
        i[S.PHASE + v] = panned_saw(lines, at, at + PARTS * T.LINE, frames, i[S.PHASE + v], step, gains, jumps)


@kernel
def _listen(s: Floats, i: Integers, c: Floats) -> None:
    """What each part sings: sum and power of its levels, and its highest note."""
    for part in range(PARTS):
        c[T.SUM + part] = ZERO
        c[T.POWER + part] = ZERO
        c[T.TOP + part] = -np.float32(20.0)
    for v in range(i[S.COUNT]):
        part, level = i[S.PART + v], s[S.SUNG + v]
        c[T.SUM + part] += level
        c[T.POWER + part] += level * level
        if level > T.QUIETEST:
            c[T.TOP + part] = max(c[T.TOP + part], s[S.OCTAVE + v])
