"""Pulsing sounds without notes, on the tonic that is heard: a pad whose loudness pulses, a tone in soft pulses, and two
tones of which each ear hears one. A preset that wants one names it; none is there by itself.

What such pulses do to a listener is not settled: reviews of binaural beats find small effects and contradicting
recordings of the brain (Garcia-Argibay et al., Psychological Research 83, 2019; Ingendoh et al., PLoS ONE 18(5),
2023), and fast amplitude modulation has single studies (Woods et al., Communications Biology 7, 2024). So nothing is
promised, depth and level are bounded, and the safety questions must have been answered (`synth.safety.screening`).

A change of key is a crossfade between two decks of partials; nothing slides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.envelope import db_gain
from synth.dsp.noise import bipolar, noise_states, walk, xorshift32
from synth.dsp.sine import cosine, exp2, raised, sine
from synth.instruments.base import QUANTUM, Buffer, Edges, Events
from synth.rng import stream
from synth.units import db_to_gain, note_to_hz

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PARTIALS, DECKS = 16, 2
SLOWEST_HZ, FASTEST_HZ = 0.5, 40.0  # of a pulse
LEAST_BEAT_HZ, MOST_BEAT_HZ = 1.0, 30.0  # between two ears
DEEPEST = 0.5  # (most - least) / (most + least) of a pulse's amplitude
FADE_S = 3.0
FIFTH = 2.0 ** (7.0 / 12.0)

KEY, TEMPO, BRIGHTNESS, ATTACK, MOTION = (
    COLUMN[name] for name in ("key", "tempo_bpm", "brightness_oct", "attack_ms", "motion")
)
BRIGHTNESS_PER_DB, BRIGHTNESS_PER_BREATH = np.float32(0.06), np.float32(0.5)
MOTION_DEFAULT = np.float32(0.3)
WANDER_S = 6.0
EASED = 0.608  # share of a raised cosine from 10 to 90 %
SHORTEST_EDGE, LONGEST_EDGE = np.float32(0.25), np.float32(0.5)  # of a pulse's period
ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
FRAMES = np.arange(QUANTUM, dtype=np.float32)
STEP = np.float32(1.0 / QUANTUM)
SPAN = np.uint64(QUANTUM)

RATIO, OFFSET, LEVEL, LEFT, RIGHT, PARTIAL_ROWS = range(6)  # rows of `partials`
PLACE, TONIC, DECK_ROWS = range(3)  # rows of `decks`
WAS_LEFT, WAS_RIGHT, GAIN_ROWS = range(3)  # rows of `gains`, by deck
PULSE_PHASE, PULSE_EDGE, ACTIVE, PULSE_ROWS = range(4)  # of `pulse`
C_SECOND, C_LOW_HZ, C_RATE_HZ, C_FLOOR, C_CORNER, C_EDGE, C_FADE, C_WALK, C_WANDER, C_END = range(10)


class Partial(NamedTuple):
    """One sine: frequency over the tonic's, level, pan -1 to 1; `beat` is how far it stands off, in pulses a second."""

    ratio: float
    level_db: float
    pan: float = 0.0
    beat: float = 0.0


@dataclass(frozen=True, slots=True)
class Sound:
    """One kind of pulse. The tonic lies in the octave over `low_hz`; `corner_hz` is that of a low-pass at middling
    brightness. `eased`: the loudness is a raised cosine from pulse to pulse; else a pulse has edges by `attack_ms`.
    `wander_db`: how far each partial's level strays at the usual motion."""

    name: str
    low_hz: float
    partials: tuple[Partial, ...]
    rate_hz: float
    depth: float
    level_db: float
    corner_hz: float = 800.0
    eased: bool = True
    wander_db: float = 0.4


def _tone(ratio: float, level_db: float, count: int, fall_db: float, pan: float) -> tuple[Partial, ...]:
    """`count` harmonics that fall by `fall_db` an octave, the upper ones in turn to either side."""
    return tuple(
        Partial(ratio * n, level_db - fall_db * math.log2(n), 0.0 if n == 1 else pan * (-1) ** n)
        for n in range(1, count + 1)
    )


SOUNDS = (
    Sound(
        "am_pulse",
        130.0,
        _tone(1.0, 0.0, 9, 6.0, 0.4) + _tone(FIFTH, -4.0, 7, 6.0, -0.5),
        0.0,
        0.35,
        -21.4,
        550.0,
        wander_db=1.0,
    ),
    Sound("isochronic", 196.0, _tone(1.0, 0.0, 10, 7.0, 0.0), 6.0, 0.5, -19.2, 650.0, eased=False),
    Sound(
        "binaural", 220.0, (Partial(1.0, 0.0, -1.0, -0.5), Partial(1.0, 0.0, 1.0, 0.5)), 6.0, 0.0, -31.1, wander_db=0.0
    ),
)


class Pulse:
    """`kind` is the index of a sound in SOUNDS. Plays on without notes; meets `synth.instruments.base.Instrument`.

    `rate_hz`: pulses a second, 0.5 to 40, or 0: one a beat of the tempo. For two ears it is the difference between
    them, 1 to 30. `depth`: of the pulses, 0 to 0.5. None is the sound's own. ValueError outside these.
    """

    def __init__(
        self, sample_rate: int, seed: int, kind: float = 0.0, rate_hz: float | None = None, depth: float | None = None
    ) -> None:
        if not 0 <= kind < len(SOUNDS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(SOUNDS) - 1} ({', '.join(s.name for s in SOUNDS)})")
        self.sound = sound = SOUNDS[round(kind)]
        rate_hz = _checked_rate(sound, sound.rate_hz if rate_hz is None else rate_hz)
        depth = sound.depth if depth is None else depth
        if not 0.0 <= depth <= (DEEPEST if sound.depth else 0.0):
            most = f"give 0 to {DEEPEST:g}" if sound.depth else f"{sound.name} has no pulses to deepen, leave it out"
            raise ValueError(f"depth = {depth:g}: {most}")
        self._partials = _partials(sound)
        self._constants = _constants(sound, sample_rate, rate_hz, depth)
        self._random = noise_states(stream(seed, "pulse"), PARTIALS)
        self._walks = np.zeros(PARTIALS, np.float32)
        self._phases, self._steps = np.zeros((DECKS, PARTIALS)), np.zeros((DECKS, PARTIALS))
        self._decks = np.zeros((DECK_ROWS, DECKS))
        self._decks[TONIC] = -1.0
        self._gains = aligned((GAIN_ROWS, DECKS, PARTIALS))
        self._pulse = np.zeros(PULSE_ROWS)
        self._pulse[PULSE_EDGE] = -1.0
        self._row = aligned((QUANTUM,))

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Render `quanta` quanta into `out` (2, MAX_FRAMES); notes are not heard."""
        _render(
            edges, quanta, len(self.sound.partials), out, self._partials, self._phases, self._steps, self._decks,
            self._gains, self._pulse, self._walks, self._random, self._row, self._constants,
        )  # fmt: skip

    @property
    def sounding(self) -> int:
        """Always one."""
        return 1


def _checked_rate(sound: Sound, rate_hz: float) -> float:
    low, high = (SLOWEST_HZ, FASTEST_HZ) if sound.depth else (LEAST_BEAT_HZ, MOST_BEAT_HZ)
    if not (low <= rate_hz <= high or (rate_hz == 0.0 and sound.depth)):
        tempo = ", or 0 for the tempo's own" if sound.depth else ""
        raise ValueError(f"rate_hz = {rate_hz:g}: give {low:g} to {high:g}{tempo}")
    return float(rate_hz)


def _partials(sound: Sound) -> Floats:
    rows = aligned((PARTIAL_ROWS, PARTIALS))
    for v, partial in enumerate(sound.partials):
        theta = (partial.pan + 1.0) * math.pi / 4.0
        level = db_to_gain(sound.level_db + partial.level_db)
        rows[:, v] = partial.ratio, partial.beat, level, math.cos(theta), math.sin(theta)
    return rows


def _constants(sound: Sound, sample_rate: int, rate_hz: float, depth: float) -> Doubles:
    c = np.zeros(C_END)
    c[C_SECOND], c[C_LOW_HZ], c[C_RATE_HZ] = sample_rate, sound.low_hz, rate_hz
    c[C_FLOOR] = (1.0 - depth) / (1.0 + depth)
    c[C_CORNER], c[C_EDGE] = sound.corner_hz, LONGEST_EDGE if sound.eased else SHORTEST_EDGE
    c[C_FADE], c[C_WALK] = QUANTUM / (FADE_S * sample_rate), QUANTUM / (WANDER_S * sample_rate)
    c[C_WANDER] = sound.wander_db
    return c


C0_HZ = note_to_hz(12.0)


@kernel
def tonic_hz(key, low_hz):  # type: ignore[no-untyped-def]
    """The tone of `key` (an index into KEYS) in the octave over `low_hz`."""
    octaves = math.log(C0_HZ / low_hz) / math.log(2.0) + key / 12.0
    return low_hz * 2.0 ** (octaves - math.floor(octaves))


@kernel
def _render(
    edges: Edges,
    quanta: int,
    count: int,
    out: Buffer,
    partials: Floats,
    phases: Doubles,
    steps: Doubles,
    decks: Doubles,
    gains: Floats,
    pulse: Doubles,
    walks: Floats,
    random: NDArray[np.uint32],
    row: Floats,
    c: Doubles,
) -> None:
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        for n in range(SPAN):
            out[0, at + n] = ZERO
            out[1, at + n] = ZERO
        _turn(np.float64(edges[q, KEY]), count, partials, steps, decks, pulse, c)
        _pulses(np.float64(edges[q, TEMPO]), np.float64(edges[q, ATTACK]), pulse, row, c)
        motion = edges[q + 1, MOTION] / MOTION_DEFAULT
        bright = (
            edges[q + 1, BRIGHTNESS]
            + BRIGHTNESS_PER_DB * edges[q + 1, EXPRESSION_DB]
            + BRIGHTNESS_PER_BREATH * edges[q + 1, BREATH]
        )
        corner = np.float32(c[C_CORNER] / c[C_SECOND]) * exp2(bright)
        for v in range(count):
            random[v] = xorshift32(random[v])
            walks[v] = walk(walks[v], np.float32(c[C_WALK]), bipolar(random[v]))
        for d in range(DECKS):
            heard = decks[PLACE, d] > 0.0
            toward = c[C_FADE] if d == int(pulse[ACTIVE]) else -c[C_FADE]
            decks[PLACE, d] = min(max(decks[PLACE, d] + toward, 0.0), 1.0)
            if heard or decks[PLACE, d] > 0.0:
                level = np.float32(raised(decks[PLACE, d]))
                for v in range(count):
                    over = np.float32(steps[d, v]) / corner
                    gain = level * partials[LEVEL, v] / np.sqrt(ONE + over * over * over * over)
                    gain *= db_gain(np.float32(c[C_WANDER]) * motion * walks[v])
                    _add(
                        np.float32(phases[d, v]), np.float32(steps[d, v]), gain * partials[LEFT, v],
                        gain * partials[RIGHT, v], gains, d, v, row, out, at,
                    )  # fmt: skip
                    phase = phases[d, v] + steps[d, v] * QUANTUM
                    phases[d, v] = phase - math.floor(phase)


@kernel
def _turn(key, count, partials, steps, decks, pulse, c):  # type: ignore[no-untyped-def]
    """Another key takes the deck that is silent; while both sound it waits."""
    active = int(pulse[ACTIVE])
    if decks[TONIC, active] == key:
        return
    if decks[TONIC, active] >= 0.0:
        active = 1 - active
        if decks[PLACE, active] > 0.0:
            return
    pulse[ACTIVE] = active
    decks[TONIC, active] = key
    hz = tonic_hz(key, c[C_LOW_HZ])
    for v in range(count):
        steps[active, v] = (hz * partials[RATIO, v] + c[C_RATE_HZ] * partials[OFFSET, v]) / c[C_SECOND]


@kernel
def _pulses(tempo_bpm, attack_ms, pulse, row, c):  # type: ignore[no-untyped-def]
    """The amplitude of one quantum, its mean power 1: from the floor to 1 and back, each way in `edge` of a period."""
    floor = np.float32(c[C_FLOOR])
    if floor == ONE:
        for n in range(SPAN):
            row[n] = ONE
        return
    rate_hz = c[C_RATE_HZ] if c[C_RATE_HZ] > 0.0 else min(max(tempo_bpm / 60.0, SLOWEST_HZ), FASTEST_HZ)
    asked = max(c[C_EDGE], 1e-3 / EASED * attack_ms * rate_hz)
    goal = min(np.float32(asked), LONGEST_EDGE)
    edge = goal if pulse[PULSE_EDGE] < 0.0 else np.float32(pulse[PULSE_EDGE])
    widen = (goal - edge) * STEP
    step = np.float32(rate_hz / c[C_SECOND])
    start, ramp = np.float32(pulse[PULSE_PHASE]), np.float32(0.25)
    depth = ONE - floor
    for n in range(SPAN):
        place = start + step * FRAMES[n]
        place -= np.floor(place)
        own = edge + widen * FRAMES[n]
        share = max(min(min(place, HALF + own - place) / own, ONE), ZERO)
        open_ = HALF - HALF * cosine(HALF * share)
        power = floor * floor + floor * depth + depth * depth * (HALF - ramp * own)
        row[n] = (floor + depth * open_) / np.sqrt(power)
    pulse[PULSE_EDGE] = goal
    phase = pulse[PULSE_PHASE] + rate_hz / c[C_SECOND] * QUANTUM
    pulse[PULSE_PHASE] = phase - math.floor(phase)


@kernel
def _add(phase, step, left, right, gains, d, v, row, out, at):  # type: ignore[no-untyped-def]
    """Add one partial to both channels, its gains on the way to `left` and `right`."""
    was_left, was_right = gains[WAS_LEFT, d, v], gains[WAS_RIGHT, d, v]
    left_step, right_step = (left - was_left) * STEP, (right - was_right) * STEP
    for n in range(SPAN):
        turned = phase + step * FRAMES[n]
        x = row[n] * sine(turned - np.floor(turned))
        out[0, at + n] += (was_left + left_step * FRAMES[n]) * x
        out[1, at + n] += (was_right + right_step * FRAMES[n]) * x
    gains[WAS_LEFT, d, v], gains[WAS_RIGHT, d, v] = left, right
