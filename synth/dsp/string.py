"""Plucked strings: a loop (see `waveguide`) that a finger sets going.

The finger is a smooth pulse with a little band-limited noise, minus itself a part of a period later, which puts the
null of the plucking point into the spectrum and takes DC out of the loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.dispersion import CHAIN_ROWS, SECTIONS, coefficient, disperse, group_delay, phase_delay
from synth.dsp.jawari import BRIDGE_ROWS, bridge, bridge_allpass, rest
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import exp2, raised
from synth.dsp.voices import END, LEFT, NEVER, ONSET, RIGHT, VoiceBank, clear, gate, mix, span
from synth.dsp.waveguide import (
    AHEAD,
    LEAST_DELAY,
    ORDER,
    TAPS,
    at_once,
    high_hz,
    loop,
    lose,
    loss_delay,
    needed,
    rewind,
    store,
    tapes,
    tune,
    turn,
)

ZERO, SILENT = np.float32(0.0), np.float32(1e-9)
SHARE = np.float32(1.0 / QUANTUM)
CENTRE = np.float32(math.sqrt(0.5))

SHORTEST_LOOP = 8.0  # samples; higher notes sound an octave lower
FLOOR, FLOOR_DB = 1e-5, -100.0
LOUDEST = 1e6
LAST_FADE_S = 0.05
FINGER_S = 0.005  # length of the finger's noise
FINGER_HZ = (1000.0, 4000.0)

# Rows of `line`, float32: taps, weight of what was AHEAD samples ago, and that; then the bridge and the allpasses, and
# the taps at the next quantum's edge of a string that slides.
WEIGHT, PAST = TAPS, TAPS + 1
BRIDGE = PAST + AHEAD
CHAIN = BRIDGE + BRIDGE_ROWS
NEXT = CHAIN + CHAIN_ROWS
# Rows of `glide`, float64: log2 of hz and samples that all but the delay take, at its start and its end; the delay
# there; start and length in frames; pole and gain of the loss; scratch.
FROM, TO, LAG_FROM, LAG_TO, ARRIVAL, START, LENGTH, POLE, GAIN, SCRATCH = range(10)
# Rows of `length`, int64: samples of delay, of the force, and on the tape so far.
DELAY, PLUCK_FRAMES, WRITE = range(3)
# Rows of `body`, float32, a column each resonance: transition p, q, r, t (see `butterworth`), level, two memories.
P, Q, R, T, LEVEL, BAND, LOW = range(7)
ABREAST = 4


@dataclass(frozen=True, slots=True)
class Pluck:
    """A finger at `position` (part of the string from the bridge): a raised cosine `width_s` wide and noise.

    `noise` are (hz, phase, amplitude relative to the pulse), each (partials,).
    """

    width_s: float
    position: float
    noise: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None = None

    def harmonics(self, hz: float, count: int) -> NDArray[np.float64]:
        """Amplitude (count,) of the harmonics of `hz` that a pulse of height one leaves in a lossless string."""
        n = np.arange(1, count + 1)
        x = n * hz * self.width_s
        apart = np.where(np.abs(x - 1.0) < 1e-6, 1e-6, 1.0 - x * x)
        spectrum = np.where(np.abs(x - 1.0) < 1e-6, 0.5, np.sinc(x) / apart)
        amplitude: NDArray[np.float64] = 2.0 * hz * self.width_s * np.abs(spectrum * np.sin(np.pi * n * self.position))
        return amplitude

    def wave(self, sample_rate: float, hz: float) -> NDArray[np.float64]:
        """The force on a string of `hz`, (frames,), without DC."""
        later = self.position / hz
        touch = math.ceil(max(self.width_s, FINGER_S if self.noise else 0.0) * sample_rate) + 1
        after = math.ceil(later * sample_rate)
        frames = np.arange(touch)
        wave = np.zeros(after + touch)
        wave[:touch] = self._finger(frames / sample_rate)
        wave[after:] -= self._finger((frames + after) / sample_rate - later)
        return wave - wave.mean()

    def _finger(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        wave = _bump(t / self.width_s)
        if self.noise is not None:
            hz, phase, amplitude = self.noise
            grain = np.sin(2.0 * np.pi * (np.multiply.outer(t, hz) + phase)) @ amplitude
            wave += grain * _bump(t / FINGER_S)
        return wave


def _bump(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A raised cosine over x in [0, 1], 0 elsewhere."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * x)) * ((x > 0.0) & (x < 1.0))


@kernel
def _slide(frame, v, sample_rate, glide, line):  # type: ignore[no-untyped-def]
    """Set the taps that string `v` comes to at `frame`; its whole delay there."""
    share = raised((frame - glide[START, v]) / glide[LENGTH, v])
    delay = glide[ARRIVAL, v]
    if share < 1.0:
        octaves = glide[FROM, v] + (glide[TO, v] - glide[FROM, v]) * share
        lag = glide[LAG_FROM, v] + (glide[LAG_TO, v] - glide[LAG_FROM, v]) * share
        delay = max(sample_rate * np.float64(exp2(np.float32(-octaves))) - lag, LEAST_DELAY)
    return tune(delay, glide[POLE, v], glide[GAIN, v], line, NEXT, v, glide, SCRATCH)


@kernel
def _ring(frame, start, v, sample_rate, times, length, line, glide, memory, force, row):  # type: ignore[no-untyped-def]
    """The quantum from frame `frame` on of string `v`, into `row` from `start` on. One that slides is faded from its
    taps at the quantum's start to those at its end."""
    delay, plucked = length[DELAY, v], frame - times[ONSET, v]
    write = rewind(memory, v, length[WRITE, v], (memory.shape[1] - QUANTUM) // 2)
    length[WRITE, v] = write + QUANTUM
    slides = frame + QUANTUM > glide[START, v] and frame < glide[START, v] + glide[LENGTH, v]
    ahead = _slide(frame + QUANTUM, v, sample_rate, glide, line) if slides else delay
    done, chunk, spare = 0, at_once(min(delay, ahead)), row.size - QUANTUM
    while done < QUANTUM:
        count, at = min(chunk, QUANTUM - done), start + done
        for side in range(2 if slides else 1):
            back = ahead if side else delay
            turn(memory, v, line, NEXT * side, write + done - back, row, spare if side else at, count)
        if slides:
            for n in range(count):
                row[at + n] += np.float32(done + n) * SHARE * (row[spare + n] - row[at + n])
        for n in range(max(-plucked - done, 0), min(length[PLUCK_FRAMES, v] - plucked - done, count)):
            row[at + n] += force[v, plucked + done + n]
        lose(row, line[WEIGHT, v], at, count)
        store(row, at, memory, v, write + done, count)
        if line[BRIDGE, v] != ZERO:
            rest(memory, v, write + done, count, line, BRIDGE)
        if line[CHAIN, v] != ZERO:
            disperse(memory, v, write + done, count, line, CHAIN)
        done += count
    if slides:
        length[DELAY, v] = ahead
        for m in range(TAPS):
            line[m, v] = line[NEXT + m, v]


@kernel
def _step(p, q, r, t, w, s, x):  # type: ignore[no-untyped-def]
    return p * w - q * s + q * x, q * w + r * s + t * x


@kernel
def _resonate(body, b, row, start, out, at):  # type: ignore[no-untyped-def]
    """Add to both channels of `out` what four resonances from `b` on make of a quantum of `row`: abreast, as one alone
    is a long chain of operations."""
    p0, q0, r0, t0, l0 = body[P, b], body[Q, b], body[R, b], body[T, b], body[LEVEL, b]
    p1, q1, r1, t1, l1 = body[P, b + 1], body[Q, b + 1], body[R, b + 1], body[T, b + 1], body[LEVEL, b + 1]
    p2, q2, r2, t2, l2 = body[P, b + 2], body[Q, b + 2], body[R, b + 2], body[T, b + 2], body[LEVEL, b + 2]
    p3, q3, r3, t3, l3 = body[P, b + 3], body[Q, b + 3], body[R, b + 3], body[T, b + 3], body[LEVEL, b + 3]
    w0, w1, w2, w3 = body[BAND, b], body[BAND, b + 1], body[BAND, b + 2], body[BAND, b + 3]
    s0, s1, s2, s3 = body[LOW, b], body[LOW, b + 1], body[LOW, b + 2], body[LOW, b + 3]
    for n in range(QUANTUM):
        x = row[start + n]
        v0, s0 = _step(p0, q0, r0, t0, w0, s0, x)
        v1, s1 = _step(p1, q1, r1, t1, w1, s1, x)
        v2, s2 = _step(p2, q2, r2, t2, w2, s2, x)
        v3, s3 = _step(p3, q3, r3, t3, w3, s3, x)
        y = (l0 * (w0 + v0) + l1 * (w1 + v1)) + (l2 * (w2 + v2) + l3 * (w3 + v3))
        w0, w1, w2, w3 = v0, v1, v2, v3
        out[LEFT, at + n] += y
        out[RIGHT, at + n] += y
    body[BAND, b], body[BAND, b + 1], body[BAND, b + 2], body[BAND, b + 3] = w0, w1, w2, w3
    body[LOW, b], body[LOW, b + 1], body[LOW, b + 2], body[LOW, b + 3] = s0, s1, s2, s3
    for i in range(b, b + ABREAST):
        if abs(body[BAND, i]) + abs(body[LOW, i]) < SILENT:
            body[BAND, i], body[LOW, i] = ZERO, ZERO


@kernel
def render_strings(
    clock: int,
    frames: int,
    offset: int,
    sample_rate: float,
    times: NDArray[np.int64],
    gain: NDArray[np.float32],
    length: NDArray[np.int64],
    line: NDArray[np.float32],
    glide: NDArray[np.float64],
    memory: NDArray[np.float32],
    force: NDArray[np.float32],
    body: NDArray[np.float32],
    row: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write `frames` frames from frame `clock` to `out` from column `offset`.

    `memory` are `tapes`, `force` is (slots, longest pluck). `row` has AHEAD samples before the first frame and a
    quantum after the last.
    """
    clear(out, offset, frames)
    driven = False
    for v in range(gain.shape[1]):
        first, last = span(clock, frames, times, v)
        if first >= last:
            continue
        driven = True
        for n in range(AHEAD):
            row[first + n] = line[PAST + n, v]
        for n in range(first, last, QUANTUM):
            _ring(clock + n, AHEAD + n, v, sample_rate, times, length, line, glide, memory, force, row)
        for n in range(AHEAD):
            line[PAST + n, v] = row[last + n]
        gate(row, AHEAD + first, AHEAD + last, clock - AHEAD, times, v)
        mix(row, AHEAD + first, AHEAD + last, gain[LEFT, v], gain[RIGHT, v], out, offset - AHEAD)
    for b in range(body.shape[1]):
        driven = driven or body[BAND, b] != ZERO or body[LOW, b] != ZERO
    if not driven or body.shape[1] == 0:
        return
    at = np.uint64(offset)
    for n in range(np.uint64(frames)):
        row[n] = CENTRE * (out[LEFT, at + n] + out[RIGHT, at + n])
    for start in range(0, frames, QUANTUM):
        for b in range(0, body.shape[1], ABREAST):
            _resonate(body, b, row, start, out, offset + start)


class StringBank(VoiceBank):
    """Up to `voices` plucked strings on one body.

    `body` lists resonances as (hz, Q, peak gain in dB over the bare string); `lowest_hz` sets the delay memory.
    """

    def __init__(
        self,
        sample_rate: int,
        voices: int,
        lowest_hz: float,
        body: tuple[tuple[float, float, float], ...] = (),
    ) -> None:
        super().__init__(sample_rate, voices)
        slots = self.times.shape[1]
        self.lowest_hz = lowest_hz
        longest = math.ceil(sample_rate / lowest_hz)
        self.memory = tapes(slots, longest)
        self.force = np.zeros((slots, longest + AHEAD), np.float32)
        self.line = np.zeros((NEXT + TAPS, slots), np.float32)
        self.length = np.ones((WRITE + 1, slots), np.int64)
        self.glide = np.zeros((SCRATCH + ORDER + 1, slots))
        self.body = _body(body, sample_rate)
        self._row = aligned((AHEAD + 2 * QUANTUM,))

    def begin(self, out: NDArray[np.float32]) -> None:
        """Write from now on to `out`, (2, frames) float32, from its first frame."""
        super().begin(out)
        if self._row.size < AHEAD + out.shape[1] + QUANTUM:
            self._row = aligned((AHEAD + out.shape[1] + QUANTUM,))

    def pluck(
        self,
        frame: int,
        hz: float,
        wave: NDArray[np.float64],
        t60_s: float,
        t60_high_s: float,
        *,
        inharmonicity: float = 0.0,
        jawari: float = 0.0,
        rise_s: float = 0.0,
        pan: float = 0.0,
        note_id: float = -1.0,
        pitch: float = 0.0,
    ) -> int | None:
        """Start a string at the absolute frame `frame`, driven by `wave`; its slot, or None when none could be freed.

        `hz` out of the string's range is moved by octaves; a wave longer than the memory's period is cut. With
        `inharmonicity` B, 0 to 0.01, partial n lies at `n hz sqrt((1 + B n^2) / (1 + B))`; see `dispersion` for how far
        up. With `jawari`, 0 to 1, energy climbs to high partials for as long as the string is loud. The string is let
        be heard over `rise_s`.
        """
        while hz < self.lowest_hz:
            hz *= 2.0
        while hz > self.sample_rate / SHORTEST_LOOP:
            hz /= 2.0
        slot = self.claim(frame, note_id, pitch, pan, rise_s)
        if slot is None:
            return None
        wave = wave[: self.force.shape[1] - AHEAD]
        peak = float(np.abs(wave).max(initial=0.0))
        if not peak <= LOUDEST:  # nor is what is not a number
            wave, peak = np.clip(np.nan_to_num(wave), -LOUDEST, LOUDEST), LOUDEST
        lag = lag_high = 0.0
        spring = bridge(self.sample_rate / hz, jawari, peak)
        if spring[0] != 0.0:
            lag, lag_high = self._lags(bridge_allpass(spring[0]), hz, 1)
        allpass = coefficient(self.sample_rate, hz, inharmonicity, lag + needed(self.sample_rate, hz))
        if allpass != 0.0:
            late, late_high = self._lags(allpass, hz, SECTIONS)
            lag, lag_high = lag + late, lag_high + late_high
        string = loop(self.sample_rate, hz, t60_s, t60_high_s, lag, lag_high)
        taps, weight = string.ahead()
        plucked, written = wave.size + AHEAD, (self.memory.shape[1] - QUANTUM) // 2
        self.memory[slot, :written] = 0.0
        self.force[slot, :plucked] = 0.0
        self.force[slot, : wave.size] = wave
        self.force[slot, AHEAD:plucked] -= weight * wave  # which `lose` adds again
        self.length[:, slot] = string.delay, plucked, written
        self.line[:, slot] = 0.0
        self.line[:TAPS, slot], self.line[WEIGHT, slot] = taps, weight
        self.line[BRIDGE : BRIDGE + len(spring), slot] = spring
        self.line[CHAIN, slot] = allpass
        octaves, lag = math.log2(hz), lag + loss_delay(string.pole, self.sample_rate, hz)
        self.glide[:SCRATCH, slot] = octaves, octaves, lag, lag, 0.0, 0.0, 0.0, string.pole, string.gain
        peak_db = 20.0 * math.log10(max(peak, FLOOR))
        ring_s = max((peak_db - FLOOR_DB) / 60.0 * t60_s, FINGER_S)
        self.times[END, slot] = NEVER
        self.damp(slot, frame + round(ring_s * self.sample_rate), LAST_FADE_S)
        return slot

    def slide(self, slot: int, frame: int, hz: float, seconds: float, pitch: float = 0.0) -> None:
        """Take a string from where it is at the absolute frame `frame` to `hz` in `seconds`, along a raised cosine of
        log frequency, and call it `pitch`. What it loses in a turn stays as it is. A slide under way ends there.

        `hz` is held within what the bank's strings can sound.
        """
        hz, glide = min(max(hz, self.lowest_hz), self.sample_rate / SHORTEST_LOOP), self.glide[:, slot]
        if glide[START] + glide[LENGTH] > self.clock:
            self.play(frame - frame % QUANTUM)
        share = raised((self.clock - glide[START]) / glide[LENGTH]) if glide[LENGTH] else 1.0
        octaves = glide[FROM] + (glide[TO] - glide[FROM]) * share
        lag = glide[LAG_FROM] + (glide[LAG_TO] - glide[LAG_FROM]) * share
        there = loss_delay(glide[POLE], self.sample_rate, hz)
        if self.line[BRIDGE, slot] != 0.0:
            there += self._lags(bridge_allpass(float(self.line[BRIDGE, slot])), hz, 1)[0]
        if self.line[CHAIN, slot] != 0.0:
            there += self._lags(float(self.line[CHAIN, slot]), hz, SECTIONS)[0]
        arrival = max(self.sample_rate / hz - there, LEAST_DELAY)
        frames = max(1.0, seconds * self.sample_rate)
        glide[:POLE] = octaves, math.log2(hz), lag, there, arrival, frame, frames
        self.pitch[slot] = pitch

    def _lags(self, allpass: float, hz: float, count: int) -> tuple[float, float]:
        """Of so many allpasses: phase delay at `hz`, group delay where the high decay holds."""
        w0, w1 = (2.0 * math.pi * f / self.sample_rate for f in (hz, high_hz(self.sample_rate, hz)))
        return count * phase_delay(allpass, w0), count * group_delay(allpass, w1)

    def _render(self, frames: int, offset: int) -> None:
        render_strings(
            self.clock, frames, offset, float(self.sample_rate), self.times, self.gain, self.length, self.line,
            self.glide, self.memory, self.force, self.body, self._row, self._out,
        )  # fmt: skip


def _body(resonances: tuple[tuple[float, float, float], ...], sample_rate: int) -> NDArray[np.float32]:
    body = np.zeros((LOW + 1, -(-len(resonances) // ABREAST) * ABREAST), np.float32)
    for b, (hz, q, peak_db) in enumerate(resonances):
        g, k = math.tan(math.pi * hz / sample_rate), 1.0 / q
        a1 = 1.0 / (1.0 + g * (g + k))
        band = 0.5 * k * math.sqrt(0.5)  # of two sums of memories, at the centre
        level = band * (10.0 ** (peak_db / 20.0) - 1.0)
        body[:BAND, b] = 2.0 * a1 - 1.0, 2.0 * g * a1, 1.0 - 2.0 * g * g * a1, 2.0 * g * g * a1, level
    return body
