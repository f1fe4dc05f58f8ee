"""A delay like one of tape: its time glides, its speed is not quite steady, and each turn is duller and rounder.

read -> high-pass -> low-pass -> out, and back to the tape, times the feedback, through a soft clip. A read head that
moves by d seconds a second changes the pitch by 1731 d cents: wow is slow, flutter fast.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.bandpass import band, bandpass
from synth.dsp.clamp import clamp
from synth.dsp.envelope import NINETY_PERCENT
from synth.dsp.intake import FLUSH, FRAME, LIMIT, QUIET, RAMP, counts, held, hush, rests, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.ring import between, rings
from synth.dsp.saturation import soften
from synth.dsp.sine import sine

SHORTEST_S = 0.01
MOST_FEEDBACK = np.float32(0.95)
WOW_HZ, FLUTTER_HZ = 0.5, 6.0
CENTS = 1200.0 / math.log(2.0)
CEILING = np.float32(10.0 ** (-12.0 / 20.0))
FASTEST = 0.5 * QUANTUM  # a quantum's move of the head: the pitch stays between a half and one and a half
ARRIVED = 1e-3  # samples

HEAD, LEADER, LOUD = range(3)  # of the float64 state: head in samples, what it follows, loudest of the last quantum
RATE, KEEP, ELAPSED, LONGEST, SHORTEST, WOW, WOW_STEP, FLUTTER, FLUTTER_STEP = range(9)  # of `motor`

F0 = np.float32(0.0)


@kernel
def _waver(motor, frame):  # type: ignore[no-untyped-def]
    """Samples that the head is off at `frame` for wow and flutter."""
    wow = sine(np.float32((frame * motor[WOW_STEP]) % 1.0))
    return motor[WOW] * wow + motor[FLUTTER] * sine(np.float32((frame * motor[FLUTTER_STEP]) % 1.0))


@kernel
def _glide(state, motor, delay_s):  # type: ignore[no-untyped-def]
    """Move the head for one quantum: two equal one-poles in a row, no faster than FASTEST."""
    target = clamp(delay_s * motor[RATE], motor[SHORTEST], motor[LONGEST])
    gap, before = state[LEADER] - target, state[HEAD]
    state[LEADER] = target + gap * motor[KEEP]
    after = target + (before - target + gap * motor[ELAPSED]) * motor[KEEP]
    state[HEAD] = max(min(after, before + FASTEST), before - FASTEST)
    if abs(state[HEAD] - target) + abs(gap) < ARRIVED:
        state[HEAD], state[LEADER] = target, target


@kernel
def _render(x, delay_s, feedback, quanta, out, dry, wet, memory, lows, filters, motor, state, count):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at, frame = q * QUANTUM, count[FRAME]
        count[FRAME] += QUANTUM
        if count[QUIET] == count[LIMIT]:  # nothing to hear: the head jumps
            state[HEAD] = clamp(delay_s[q] * motor[RATE], motor[SHORTEST], motor[LONGEST])
            state[LEADER] = state[HEAD]
        heard = take(x, at, dry) or state[LOUD] > FLUSH
        if rests(count, heard, memory):
            lows[:] = F0
            hush(out, at)
            continue
        here = state[HEAD] + _waver(motor, frame)
        _glide(state, motor, delay_s[q + 1])
        slope = state[HEAD] + _waver(motor, frame + QUANTUM) - here
        for c in range(2):
            for n in range(QUANTUM):
                wet[c, n] = between(memory, c, frame + n, here + slope * RAMP[n])
        bandpass(filters, lows, wet)
        start = clamp(feedback[q], F0, MOST_FEEDBACK)
        rise = clamp(feedback[q + 1], F0, MOST_FEEDBACK) - start
        loud = F0
        for c in range(2):
            for n in range(QUANTUM):
                v = wet[c, n]
                loud = max(loud, abs(v))
                out[c, at + n] = v
                back = CEILING * soften((start + rise * RAMP[n]) * v / CEILING)
                memory[c, (frame + n) & (memory.shape[1] - 1)] = dry[c, n] + back
        state[LOUD] = loud


class Tape:
    """Echoes of a stereo send, each side its own, up to `longest_s` apart; of the sound itself nothing is added.

    A new delay time is nine tenths reached in `glide_s`, later where that would bend the pitch too far. `wow_cents` at
    0.5 Hz and `flutter_cents` at 6 Hz are how far the pitch strays, the same on both sides.
    """

    def __init__(
        self,
        sample_rate: int,
        delay_s: float = 0.5,
        feedback: float = 0.4,
        *,
        longest_s: float = 1.0,
        highpass_hz: float = 150.0,
        lowpass_hz: float = 3000.0,
        glide_s: float = 0.5,
        wow_cents: float = 5.0,
        flutter_cents: float = 2.0,
    ) -> None:
        if not SHORTEST_S <= delay_s <= longest_s:
            raise ValueError(f"delay_s = {delay_s}: give {SHORTEST_S} to longest_s, which is {longest_s}")
        wow, flutter = (
            cents / CENTS * sample_rate / (2.0 * math.pi * hz)
            for cents, hz in ((wow_cents, WOW_HZ), (flutter_cents, FLUTTER_HZ))
        )
        longest = longest_s * sample_rate
        shortest = max(SHORTEST_S * sample_rate, QUANTUM + 2.0 + wow + flutter)
        elapsed = NINETY_PERCENT * QUANTUM / (glide_s * sample_rate)
        steps = WOW_HZ / sample_rate, FLUTTER_HZ / sample_rate
        motor = (sample_rate, math.exp(-elapsed), elapsed, longest, shortest, wow, steps[0], flutter, steps[1])
        self._delay_s, self._feedback = held(delay_s), held(feedback)
        self._counts = counts(longest + wow + flutter)
        self._state = (
            np.zeros((2, QUANTUM), np.float32),
            np.zeros((2, QUANTUM), np.float32),
            rings(2, longest + wow + flutter),
            np.zeros((2, 4), np.float32),
            band(highpass_hz, lowpass_hz, sample_rate),
            np.array(motor, np.float64),
            np.zeros(3),
            self._counts,
        )

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        delay_s: NDArray[np.float32] | None = None,
        feedback: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the echoes of `x` (both (2, frames) float32, C order).

        For each quantum edge, `delay_s` from 0.01 to `longest_s`, and `feedback` from 0 to 0.95.
        """
        delay_s = self._delay_s if delay_s is None else delay_s
        feedback = self._feedback if feedback is None else feedback
        _render(x, delay_s, feedback, quanta, out, *self._state)

    @property
    def idle(self) -> bool:
        """True when the echoes have ended and nothing is stored."""
        return bool(self._counts[QUIET] == self._counts[LIMIT])

    def reset(self) -> None:
        """Forget what has sounded and begin wow and flutter anew."""
        _, _, memory, lows, _, _, state, count = self._state
        memory[:], lows[:], state[:] = 0.0, 0.0, 0.0
        count[FRAME], count[QUIET] = 0, count[LIMIT]
