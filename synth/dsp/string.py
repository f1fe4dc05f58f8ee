"""Plucked strings: a delay line closed by a fractional delay and a loss filter (Karplus & Strong 1983; Jaffe & Smith,
"Extensions of the Karplus-Strong plucked-string algorithm", CMJ 1983).

The fractional delay is a Lagrange interpolator of order five (Laakso et al., "Splitting the unit delay", IEEE SPM
1996): its own loss limits the decay far less than the string does. A one-pole loss meets two decay times, at the
fundamental and at HIGH_HZ. The finger is a smooth pulse with a little band-limited noise, minus itself a part of
a period later, which puts the null of the plucking point into the spectrum and takes DC out of the loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.quantum import QUANTUM
from synth.dsp.svf import coefficients, svf
from synth.dsp.voices import END, LEFT, NEVER, ONSET, RIGHT, VoiceBank, clear, gate, mix, span

ZERO, ONE, SILENT = np.float32(0.0), np.float32(1.0), np.float32(1e-9)
CENTRE = np.float32(math.sqrt(0.5))

HIGH_HZ = 4000.0
SHORTEST_LOOP = 8.0  # samples; higher notes sound an octave lower
FLOOR, FLOOR_DB = 1e-5, -100.0
LAST_FADE_S = 0.05
FINGER_S = 0.005  # length of the finger's noise
FINGER_HZ = (1000.0, 4000.0)

LAGRANGE = np.array([-120.0, 24.0, -12.0, 12.0, -24.0, 120.0])  # products of i - j over the other taps
DULLEST = 0.95  # pole of the loss filter
LEAST_LOSS = 1.0 - 1e-6  # gain of the loop at DC: no string grows, whatever is asked of it

# Rows of `line`, float32: six taps of the fractional delay, loss, memory of the loss filter.
TAPS, POLE, PASS, MEMORY = 6, 6, 7, 8
# Rows of `length`, int64.
DELAY, PLUCK_FRAMES = range(2)


@dataclass(frozen=True, slots=True)
class Loop:
    """A string's loop: whole delay in samples, taps of the fraction (6,), pole and input gain of the loss filter."""

    delay: int
    taps: NDArray[np.float64]
    pole: float
    gain: float


def loop(sample_rate: float, hz: float, t60_s: float, t60_high_s: float) -> Loop:
    """The loop of a string at `hz` that falls 60 dB in `t60_s` at the fundamental and in `t60_high_s` at HIGH_HZ."""
    w0, w1 = (2.0 * math.pi * f / sample_rate for f in (hz, min(max(HIGH_HZ, 1.5 * hz), 0.4 * sample_rate)))
    keep = 10.0 ** (-3.0 / (hz * t60_s))
    pole = _pole(10.0 ** (-3.0 / (hz * min(t60_s, t60_high_s))) / keep, w0, w1)
    gain = min(keep / _one_pole(pole, w0), LEAST_LOSS) * (1.0 - pole)
    lag = math.atan2(pole * math.sin(w0), 1.0 - pole * math.cos(w0)) / w0
    total = sample_rate / hz - lag
    whole = math.floor(total) - 2
    return Loop(whole, lagrange(total - whole), pole, gain)


def lagrange(delay: float) -> NDArray[np.float64]:
    """Taps (6,) of a delay of 2 to 3 samples."""
    taps: NDArray[np.float64] = np.prod(np.where(np.eye(TAPS), 1.0, delay - np.arange(TAPS)), axis=1) / LAGRANGE
    return taps


def _one_pole(pole: float, w: float) -> float:
    """Gain at `w` of a one-pole low-pass with unity gain at DC."""
    return (1.0 - pole) / math.sqrt(1.0 - 2.0 * pole * math.cos(w) + pole * pole)


def _pole(ratio: float, w0: float, w1: float) -> float:
    """The pole whose gain at `w1` is `ratio` times that at `w0`: the smaller root of `a p^2 - 2 b p + a`."""
    a = 1.0 - ratio * ratio
    b = math.cos(w0) - ratio * ratio * math.cos(w1)
    return min(a / (b + math.sqrt(b * b - a * a)), DULLEST) if b > a else DULLEST


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
def render_strings(
    clock: int,
    frames: int,
    offset: int,
    times: NDArray[np.int64],
    gain: NDArray[np.float32],
    length: NDArray[np.int64],
    line: NDArray[np.float32],
    memory: NDArray[np.float32],
    force: NDArray[np.float32],
    body: NDArray[np.float32],
    row: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write `frames` frames from frame `clock` to `out` from column `offset`.

    `memory` is (slots, a power of two), `force` (slots, longest pluck), `body` (resonances, 5): g, k, level and two
    memories.
    """
    clear(out, offset, frames)
    mask = memory.shape[1] - 1  # places in memory are made unsigned: a signed index is checked for wrapping
    driven = False
    for v in range(gain.shape[1]):
        first, last = span(clock, frames, times, v)
        if first >= last:
            continue
        driven = True
        h0, h1, h2, h3, h4, h5 = line[0, v], line[1, v], line[2, v], line[3, v], line[4, v], line[5, v]
        pole, through, y = line[POLE, v], line[PASS, v], line[MEMORY, v]
        read = clock + first - length[DELAY, v]
        x1, x2, x3 = memory[v, (read - 1) & mask], memory[v, (read - 2) & mask], memory[v, (read - 3) & mask]
        x4, x5 = memory[v, (read - 4) & mask], memory[v, (read - 5) & mask]
        read -= first
        for n in range(first, last):
            x0 = memory[v, np.uint64((read + n) & mask)]
            x = ((h0 * x0 + h1 * x1) + (h2 * x2 + h3 * x3)) + (h4 * x4 + h5 * x5)
            x5, x4, x3, x2, x1 = x4, x3, x2, x1, x0
            y = through * x + pole * y
            played = clock + n - times[ONSET, v]
            sample = y
            if played >= 0 and played < length[PLUCK_FRAMES, v]:
                sample += force[v, played]
            memory[v, np.uint64((clock + n) & mask)] = sample
            row[n] = sample
        line[MEMORY, v] = y
        gate(row, first, last, clock, times, v)
        mix(row, first, last, gain[LEFT, v], gain[RIGHT, v], out, offset)
    for n in range(frames):
        row[n] = CENTRE * (out[LEFT, offset + n] + out[RIGHT, offset + n])
    for b in range(body.shape[0]):
        g, k, level, s1, s2 = body[b, 0], body[b, 1], body[b, 2], body[b, 3], body[b, 4]
        if not driven and s1 == ZERO and s2 == ZERO:
            continue
        a1, a2 = coefficients(g, k)
        level *= k * CENTRE
        for start in range(0, frames, QUANTUM):
            for n in range(start, start + QUANTUM):
                _, band, s1, s2 = svf(row[n], s1, s2, g, a1, a2)
                out[LEFT, offset + n] += level * band
                out[RIGHT, offset + n] += level * band
            if abs(s1) + abs(s2) < SILENT:
                s1, s2 = ZERO, ZERO
        body[b, 3], body[b, 4] = s1, s2


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
        longest = math.ceil(sample_rate / lowest_hz) + TAPS + QUANTUM
        self.memory = np.zeros((slots, 1 << longest.bit_length()), np.float32)
        self.force = np.zeros((slots, longest), np.float32)
        self.line = np.zeros((MEMORY + 1, slots), np.float32)
        self.length = np.zeros((PLUCK_FRAMES + 1, slots), np.int64)
        self.body = np.zeros((len(body), 5), np.float32)
        for b, (hz, q, peak_db) in enumerate(body):
            self.body[b, :3] = math.tan(math.pi * hz / sample_rate), 1.0 / q, 10.0 ** (peak_db / 20.0) - 1.0

    def pluck(
        self,
        frame: int,
        hz: float,
        wave: NDArray[np.float64],
        t60_s: float,
        t60_high_s: float,
        *,
        pan: float = 0.0,
        note_id: float = -1.0,
        pitch: float = 0.0,
    ) -> int | None:
        """Start a string at the absolute frame `frame`, driven by `wave`; its slot, or None when none could be freed.

        `hz` out of the string's range is moved by octaves; a wave longer than the memory's period is cut.
        """
        while hz < self.lowest_hz:
            hz *= 2.0
        while hz > self.sample_rate / SHORTEST_LOOP:
            hz /= 2.0
        slot = self.claim(frame, note_id, pitch, pan, 0.0)
        if slot is None:
            return None
        string = loop(self.sample_rate, hz, t60_s, t60_high_s)
        wave = wave[: self.force.shape[1]]
        self.memory[slot] = 0.0
        self.force[slot, : wave.size] = wave
        self.length[:, slot] = string.delay, wave.size
        self.line[:, slot] = *string.taps, string.pole, string.gain, 0.0
        peak_db = 20.0 * math.log10(max(float(np.abs(wave).max(initial=0.0)), FLOOR))
        ring_s = max((peak_db - FLOOR_DB) / 60.0 * t60_s, FINGER_S)
        self.times[END, slot] = NEVER
        self.damp(slot, frame + round(ring_s * self.sample_rate), LAST_FADE_S)
        return slot

    def _render(self, frames: int, offset: int) -> None:
        render_strings(
            self.clock, frames, offset, self.times, self.gain, self.length, self.line,
            self.memory, self.force, self.body, self._row, self._out,
        )  # fmt: skip
