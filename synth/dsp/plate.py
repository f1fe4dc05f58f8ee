"""A plate: the figure-of-eight reverberator of Dattorro, "Effect design 1: reverberator and other filters", JAES 45(9),
1997, whose delays, taps and diffusion are all here as published, at a sample rate of 29761 Hz.

in -> low-pass -> four allpasses -> two halves that feed each other: a modulated allpass, a delay, damping, an allpass,
a delay. The output is read from seven places of the tank a side. No delay in a loop is shorter than a quantum, so
every stage runs over a quantum at once.

As published, a longer decay is louder too. Here what goes into the tank is weighed so that noise returns with the
energy it was sent with: what has passed through half of the tank, and what is read at its places, is unlike enough for
powers to add up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.intake import FLUSH, FRAME, LIMIT, QUIET, RAMP, counts, held, hush, rests, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.ring import between, rings
from synth.dsp.sine import exp2, sine

PUBLISHED_HZ = 29761.0
DIFFUSERS = (142, 107, 379, 277)
DIFFUSION = (0.75, 0.75, 0.625, 0.625)
# Each half: modulated allpass, delay, allpass, delay.
TANK = (672, 4453, 1800, 3720, 908, 4217, 2656, 3163)
TANK_DIFFUSION = 0.7
EXCURSION, EXCURSION_HZ = 16, 1.0
MIDDLE_HZ = 700.0  # where the return has the energy of the send
# Rows: ring of the tank, delay, sign. The left is read from the right half for the most part.
LEFT = ((5, 266, 1), (5, 2974, 1), (6, 1913, -1), (7, 1996, 1), (1, 1990, -1), (2, 187, -1), (3, 1066, -1))
RIGHT = ((1, 353, 1), (1, 3627, 1), (2, 1228, -1), (3, 2673, 1), (5, 2111, -1), (6, 335, -1), (7, 121, -1))
TAP_GAIN = np.float32(0.6)

RINGS = len(DIFFUSERS) + len(TANK)
FIRST = len(DIFFUSERS)  # ring of the tank

F0, F1, F2, F3, HALF = (np.float32(c) for c in (0.0, 1.0, 2.0, 3.0, 0.5))
SHORTEST_S = np.float32(0.1)
MODULATED = np.float32(-TANK_DIFFUSION)
SHIFT, LEAST, MOST = np.float32(0.15), np.float32(0.25), np.float32(0.5)  # second diffusion of a tank, from its decay
LONGEST_PASS = np.float32(0.999)  # of a half, in power
CIRCUIT = np.float32(-0.75 * math.log2(10.0) * sum(TANK) / PUBLISHED_HZ)  # four decays in a turn of the figure


@kernel
def _write(memory, row, frame, rows, i):  # type: ignore[no-untyped-def]
    for n in range(QUANTUM):
        memory[row, (frame + n) & (memory.shape[1] - 1)] = rows[i, n]


@kernel
def _read(memory, row, frame, rows, i):  # type: ignore[no-untyped-def]
    for n in range(QUANTUM):
        rows[i, n] = memory[row, (frame + n) & (memory.shape[1] - 1)]


@kernel
def _allpass(memory, row, frame, gain, rise, rows, i, late):  # type: ignore[no-untyped-def]
    """Row `i` of `rows` through an allpass whose delayed samples are in row `late`: w = x - g z, y = z + g w."""
    for n in range(QUANTUM):
        g = gain + rise * RAMP[n]
        w = rows[i, n] - g * rows[late, n]
        rows[i, n] = rows[late, n] + g * w
        memory[row, (frame + n) & (memory.shape[1] - 1)] = w


@kernel
def _decay(t60_s):  # type: ignore[no-untyped-def]
    """Gain of each of the four decays in a turn; what is no number is the shortest."""
    return exp2(CIRCUIT / (t60_s if t60_s > SHORTEST_S else SHORTEST_S))


@kernel
def _second(decay):  # type: ignore[no-untyped-def]
    """Gain of the second allpass of each half."""
    return max(min(decay + SHIFT, MOST), LEAST)


@kernel
def _share(decay, poles):  # type: ignore[no-untyped-def]
    """Gain into the tank with which noise at MIDDLE_HZ returns as it was sent, from an allpass of gain g that holds
    1 / (1 - g^2) of the power that passes it; `poles[2]` is what the damping leaves there, `poles[3]` the low-pass."""
    passed, held = decay * decay * poles[2], _second(decay)
    half = min(decay * decay * passed, LONGEST_PASS)
    read = F3 + F2 * passed * (F1 + F1 / (F1 - held * held))  # three places before the damping, two in it, two after
    return np.sqrt(F2 * (F1 - half) / (poles[3] * read)) / TAP_GAIN


@kernel
def _render(x, t60_s, quanta, out, rows, memory, delays, taps, diffusion, poles, lasts, swing, count):  # type: ignore[no-untyped-def]
    pre, damp = poles[0], poles[1]
    for q in range(quanta):
        at, frame = q * QUANTUM, count[FRAME]
        count[FRAME] += QUANTUM
        heard = take(x, at, rows) or lasts[3] > FLUSH
        if rests(count, heard, memory):
            lasts[:] = F0
            hush(out, at)
            continue
        start = _decay(t60_s[q])
        stop = _decay(t60_s[q + 1])
        share = _share(start, poles)
        grow = _share(stop, poles) - share
        y = lasts[0]
        for n in range(QUANTUM):
            y += pre * (HALF * (rows[0, n] + rows[1, n]) - y)
            rows[0, n] = y
        lasts[0] = y
        for d in range(FIRST):
            _read(memory, d, frame - delays[d], rows, 4)
            _allpass(memory, d, frame, diffusion[d], F0, rows, 0, 4)
        for n in range(QUANTUM):
            rows[0, n] *= share + grow * RAMP[n]

        second = _second(start)
        turn = _second(stop) - second
        for half in range(2):  # the ends of both before either is written
            _read(memory, FIRST + 4 * half + 3, frame - delays[FIRST + 4 * half + 3], rows, 2 - half)
        for half in range(2):
            ring, i = FIRST + 4 * half, 1 + half
            for n in range(QUANTUM):
                rows[i, n] = rows[0, n] + (start + (stop - start) * RAMP[n]) * rows[i, n]
            here = swing[0] * sine(np.float32((frame * swing[1] + 0.25 * half) % 1.0))
            there = swing[0] * sine(np.float32(((frame + QUANTUM) * swing[1] + 0.25 * half) % 1.0))
            for n in range(QUANTUM):
                rows[4, n] = between(memory, ring, frame + n, delays[ring] + here + (there - here) * RAMP[n])
            _allpass(memory, ring, frame, MODULATED, F0, rows, i, 4)
            _read(memory, ring + 1, frame - delays[ring + 1], rows, 3)
            _write(memory, ring + 1, frame, rows, i)
            y = lasts[1 + half]
            for n in range(QUANTUM):
                y += damp * (rows[3, n] - y)
                rows[3, n] = (start + (stop - start) * RAMP[n]) * y
            lasts[1 + half] = y
            _read(memory, ring + 2, frame - delays[ring + 2], rows, 4)
            _allpass(memory, ring + 2, frame, second, turn, rows, 3, 4)
            _write(memory, ring + 3, frame, rows, 3)

        loud = F0
        for c in range(2):
            for n in range(QUANTUM):
                out[c, at + n] = F0
            for t in range(taps.shape[1]):
                ring, gain = FIRST + taps[c, t, 0], TAP_GAIN * np.float32(taps[c, t, 2])
                back = frame - taps[c, t, 1]
                for n in range(QUANTUM):
                    out[c, at + n] += gain * memory[ring, (back + n) & (memory.shape[1] - 1)]
            for n in range(QUANTUM):
                loud = max(loud, abs(out[c, at + n]))
        lasts[3] = loud


class Plate:
    """Reverb of a stereo send, which it hears in mono; its return is stereo. At low frequencies the tail loses 60 dB in
    `t60_s`, towards `damping_hz` ever sooner. Noise, other on either side, returns with the energy it was sent with, at
    700 Hz, whatever the decay. `sample_rate` from 22050 on. `depth` scales the modulation, 0 is off.
    """

    def __init__(
        self,
        sample_rate: int,
        t60_s: float = 1.8,
        *,
        bandwidth_hz: float = 9000.0,
        damping_hz: float = 6000.0,
        depth: float = 1.0,
    ) -> None:
        if sample_rate < 22050:
            raise ValueError(f"sample_rate = {sample_rate}: give 22050 or more, its delays are tuned for that")
        scale = sample_rate / PUBLISHED_HZ
        delays = [round(m * scale) for m in (*DIFFUSERS, *TANK)]
        taps = [[(ring, round(m * scale), sign) for ring, m, sign in side] for side in (LEFT, RIGHT)]
        excursion = depth * EXCURSION * scale
        poles = [1.0 - math.exp(-2.0 * math.pi * hz / sample_rate) for hz in (bandwidth_hz, damping_hz)]
        poles += [_one_pole_power(pole, MIDDLE_HZ / sample_rate) for pole in reversed(poles)]
        self._t60_s = held(t60_s)
        self._counts = counts(sum(delays))
        self._state = (
            np.zeros((5, QUANTUM), np.float32),
            rings(RINGS, max(delays) + excursion),
            np.array(delays, np.int64),
            np.array(taps, np.int64),
            np.array(DIFFUSION, np.float32),
            np.array(poles, np.float32),
            np.zeros(4, np.float32),  # of the three low-passes, and the loudest sample of the last quantum
            np.array([excursion, EXCURSION_HZ / sample_rate]),
            self._counts,
        )

    def render(
        self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32], t60_s: NDArray[np.float32] | None = None
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the return of `x` (both (2, frames) float32, C order).

        `t60_s`, for each quantum edge, from 0.1 on; `math.inf` loses nothing.
        """
        _render(x, self._t60_s if t60_s is None else t60_s, quanta, out, *self._state)

    @property
    def idle(self) -> bool:
        """True when the tail has ended and nothing is stored."""
        return bool(self._counts[QUIET] == self._counts[LIMIT])

    def reset(self) -> None:
        """Forget what has sounded and begin the modulation anew."""
        self._state[1][:], self._state[6][:] = 0.0, 0.0
        self._counts[FRAME], self._counts[QUIET] = 0, self._counts[LIMIT]


def _one_pole_power(pole: float, cycles: float) -> float:
    """What `y += pole (x - y)` leaves of the power of a sine of `cycles` a sample."""
    keep = 1.0 - pole
    return pole * pole / (1.0 - 2.0 * keep * math.cos(2.0 * math.pi * cycles) + keep * keep)
