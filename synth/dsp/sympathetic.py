"""Strings that nobody plucks: they answer to what shakes the bridge they rest on, each at its own pitch.

Nothing goes back from them to what drives them (as in Karjalainen, Valimaki & Tolonen, "Plucked-string models: from the
Karplus-Strong algorithm to digital waveguides and beyond", CMJ 22(3), 1998), and each is a loop that only loses, so no
coupling is too strong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import butterworth
from synth.dsp.clamp import clamp
from synth.dsp.intake import FLUSH, LIMIT, QUIET, RAMP, counts, held, hush, rests, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.voices import mix
from synth.dsp.waveguide import AHEAD, TAPS, at_once, loop, lose, reach, rewind, store, tapes, turn
from synth.units import db_to_gain

MOST = np.float32(16.0)  # coupling, as a gain
HIGHPASS_OCT = -1.0  # of what drives them, from the lowest pitch: a loop would ring at DC, too

# Rows of `line`: taps, weight of what was AHEAD samples ago, and that, part of the drive taken, gains left and right.
WEIGHT, PAST = TAPS, TAPS + 1
TAKEN = PAST + AHEAD
GAINS = TAKEN + 1
# Rows of `length`: samples of delay, on the tape so far, and computed at once.
DELAY, WRITE, CHUNK = range(3)

F0, HALF = np.float32(0.0), np.float32(0.5)


@kernel
def _drive(dry, low, highpass, start, rise):  # type: ignore[no-untyped-def]
    """What shakes the bridge, into the first row of `dry`: both in mono through a high-pass."""
    p, q, r, t, k = highpass[0], highpass[1], highpass[2], highpass[3], highpass[4]
    s1, s2 = low[0], low[1]
    for n in range(QUANTUM):
        x = HALF * (dry[0, n] + dry[1, n])
        t1, t2 = p * s1 - q * s2 + q * x, q * s1 + r * s2 + t * x
        dry[0, n] = (start + rise * RAMP[n]) * (x - HALF * (k * (s1 + t1) + s2 + t2))
        s1, s2 = t1, t2
    faint = abs(s1) + abs(s2) < FLUSH
    low[0], low[1] = F0 if faint else s1, F0 if faint else s2


@kernel
def _answer(v, dry, memory, line, length, row):  # type: ignore[no-untyped-def]
    """A quantum of string `v`, into `row` from AHEAD on."""
    delay, taken = length[DELAY, v], line[TAKEN, v]
    write = rewind(memory, v, length[WRITE, v], delay + TAPS - 1)
    length[WRITE, v] = write + QUANTUM
    for n in range(AHEAD):
        row[n] = line[PAST + n, v]
    done, chunk = 0, length[CHUNK, v]
    while done < QUANTUM:
        count, at, to = min(chunk, QUANTUM - done), AHEAD + done, np.uint64(write + done)
        turn(memory, v, line, 0, write + done - delay, row, at, count)
        lose(row, line[WEIGHT, v], at, count)
        store(row, at, memory, v, write + done, count)
        for n in range(np.uint64(count)):
            memory[v, to + n] += taken * dry[0, np.uint64(done) + n]
        done += count
    for n in range(AHEAD):
        line[PAST + n, v] = row[QUANTUM + n]


@kernel
def _render(x, coupling, quanta, out, dry, low, highpass, memory, line, length, row, loud, count):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = q * QUANTUM
        hush(out, at)
        if rests(count, take(x, at, dry) or loud[0] > FLUSH, memory):
            low[:] = F0
            line[PAST:TAKEN] = F0
            continue
        start, stop = clamp(coupling[q], F0, MOST), clamp(coupling[q + 1], F0, MOST)
        _drive(dry, low, highpass, start, stop - start)
        for v in range(length.shape[1]):
            _answer(v, dry, memory, line, length, row)
            for n in range(QUANTUM):
                dry[1, n] = max(dry[1, n], abs(row[AHEAD + n]))
            mix(row, AHEAD, AHEAD + QUANTUM, line[GAINS, v], line[GAINS + 1, v], out, at - AHEAD)
        loud[0] = F0
        for n in range(QUANTUM):
            loud[0] = max(loud[0], dry[1, n])


class Sympathetic:
    """Strings tuned to `hz`, from left to right and `spread` (0 to 1) apart, that answer to a stereo send in mono.

    A string falls 60 dB in `t60_s` at its fundamental and in `t60_high_s` at 4 kHz. Driven steadily at its pitch it
    ends up as loud as the drive times the coupling (`coupling_db`, unless `render` is told otherwise); between its
    partials it hardly answers at all.
    """

    def __init__(
        self,
        sample_rate: int,
        hz: Sequence[float],
        t60_s: float = 8.0,
        t60_high_s: float = 2.0,
        *,
        coupling_db: float = -12.0,
        spread: float = 0.8,
    ) -> None:
        if not hz or not 20.0 <= min(hz) <= max(hz) <= sample_rate / 8.0:
            raise ValueError(f"hz = {list(hz)}: give pitches from 20 Hz to an eighth of the sample rate")
        strings = [loop(sample_rate, f, t60_s, t60_high_s) for f in hz]
        longest = max(string.delay for string in strings)
        line = np.zeros((GAINS + 2, len(strings)), np.float32)
        length = np.zeros((CHUNK + 1, len(strings)), np.int64)
        for v, (f, string) in enumerate(zip(hz, strings, strict=True)):
            taps, weight = string.ahead()
            keep = string.keep(2.0 * math.pi * f / sample_rate)
            theta = (1.0 + spread * ((2.0 * v + 1.0) / len(strings) - 1.0)) * math.pi / 4.0
            line[:PAST, v] = *taps, weight
            line[TAKEN:, v] = (1.0 - keep) / keep, math.cos(theta), math.sin(theta)
            length[:, v] = string.delay, reach(string.delay), at_once(string.delay)
        self._coupling = held(db_to_gain(coupling_db))
        self._counts = counts(longest + TAPS)
        self._state = (
            np.zeros((2, QUANTUM), np.float32),
            np.zeros(2, np.float32),
            np.array(butterworth(min(hz) * 2.0**HIGHPASS_OCT, sample_rate), np.float32),
            tapes(len(strings), longest),
            line,
            length,
            np.zeros(AHEAD + QUANTUM, np.float32),
            np.zeros(1, np.float32),  # loudest sample of the last quantum
            self._counts,
        )

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        coupling: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the strings' answer to `x` (both (2, frames) float32, C order).

        `coupling`, for each quantum edge, is a gain, 0 to 16.
        """
        _render(x, self._coupling if coupling is None else coupling, quanta, out, *self._state)

    @property
    def idle(self) -> bool:
        """True when every string is at rest and nothing is stored."""
        return bool(self._counts[QUIET] == self._counts[LIMIT])

    def reset(self) -> None:
        """Bring the strings to rest."""
        _, low, _, memory, line, _, _, loud, count = self._state
        memory[:], low[:], loud[:], line[PAST:TAKEN] = 0.0, 0.0, 0.0, 0.0
        count[QUIET] = count[LIMIT]
