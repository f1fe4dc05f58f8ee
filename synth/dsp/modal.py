"""Modal synthesis: each mode of a struck body is a decaying sinusoid, `A r^n sin(theta n)`.

A mode is a complex number turned by `p^QUANTUM` once a quantum, and its samples between are that number times
tabulated powers of `p = r e^(j theta)`: two products and a sum each, two modes at once, in a loop over time that
vectorises whatever the number of modes (block form of the coupled-form resonator; Mathews & Smith, SMAC 2003). Modes
end once they have fallen below FLOOR, the longest-lived stand in front, so the cost follows what sounds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.fused import fma
from synth.dsp.quantum import QUANTUM
from synth.dsp.voices import LEFT, RIGHT, VoiceBank, clear, gate, mix, span

ZERO = np.float32(0.0)
SPAN = np.uint64(QUANTUM)

FLOOR = 10.0**-4.5  # -90 dBFS: under the threshold of hearing where a programme of -26 LUFS is played at 64 dB SPL
HIGHEST = 0.45  # of the sample rate
LN10 = math.log(10.0)


@kernel
def render_modes(
    clock: int,
    frames: int,
    offset: int,
    times: NDArray[np.int64],
    gain: NDArray[np.float32],
    ends: NDArray[np.int64],
    state: NDArray[np.float32],
    turn: NDArray[np.float32],
    powers: NDArray[np.float32],
    row: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write `frames` frames from frame `clock` to `out` from column `offset`.

    `ends` (slots, modes) says until which frame a mode sounds, `state` and `turn` (2, slots, modes) are real and
    imaginary parts, `powers` is (slots, modes, 2, QUANTUM).
    """
    clear(out, offset, frames)
    for v in range(gain.shape[1]):
        first, last = span(clock, frames, times, v)
        if first >= last:
            continue
        for n in range(first, last):
            row[n] = ZERO
        for m in range(0, ends.shape[1], 2):
            until = min(last, ends[v, m] - clock)
            if until <= first:
                break
            both = max(min(last, ends[v, m + 1] - clock), first)
            alone = first + (both - first + QUANTUM - 1) // QUANTUM * QUANTUM
            a, b, turn_a, turn_b = state[0, v, m], state[1, v, m], turn[0, v, m], turn[1, v, m]
            c, d, turn_c, turn_d = state[0, v, m + 1], state[1, v, m + 1], turn[0, v, m + 1], turn[1, v, m + 1]
            for start in range(first, both, QUANTUM):
                at = np.uint64(start)
                for n in range(SPAN):
                    y = fma(powers[v, m, 0, n], b, fma(powers[v, m, 1, n], a, row[at + n]))
                    row[at + n] = fma(powers[v, m + 1, 0, n], d, fma(powers[v, m + 1, 1, n], c, y))
                a, b = turn_a * a - turn_b * b, turn_b * a + turn_a * b
                c, d = turn_c * c - turn_d * d, turn_d * c + turn_c * d
            for start in range(alone, until, QUANTUM):
                at = np.uint64(start)
                for n in range(SPAN):
                    row[at + n] = fma(powers[v, m, 0, n], b, fma(powers[v, m, 1, n], a, row[at + n]))
                a, b = turn_a * a - turn_b * b, turn_b * a + turn_a * b
            state[0, v, m], state[1, v, m], state[0, v, m + 1], state[1, v, m + 1] = a, b, c, d
        gate(row, first, last, clock, times, v)
        mix(row, first, last, gain[LEFT, v], gain[RIGHT, v], out, offset)


class ModalBank(VoiceBank):
    """Up to `voices` struck notes of up to `modes` modes each."""

    def __init__(self, sample_rate: int, voices: int, modes: int) -> None:
        super().__init__(sample_rate, voices)
        slots = self.times.shape[1]
        self.modes, modes = modes, modes + modes % 2
        self.ends = np.zeros((slots, modes), np.int64)
        self.state = np.zeros((2, slots, modes), np.float32)
        self.turn = np.zeros((2, slots, modes), np.float32)
        self.powers = aligned((slots, modes, 2, QUANTUM))
        none = np.zeros(0)  # what is compiled is loaded at its first call, which must not be a note's
        _set_off(
            0, 0, np.zeros(0, np.int64), none, none, none, none, none, self.ends, self.state, self.turn, self.powers
        )  # fmt: skip

    def strike(
        self,
        frame: int,
        hz: ArrayLike,
        amplitude: ArrayLike,
        t60_s: ArrayLike,
        *,
        phase: ArrayLike = 0.0,
        rise_s: float = 0.002,
        pan: float = 0.0,
        note_id: float = -1.0,
        pitch: float = 0.0,
    ) -> int | None:
        """Start a note at the absolute frame `frame`; its slot, or None when no voice could be freed.

        `hz`, `amplitude` (either sign) and `t60_s` are (modes,); `phase`, where each sine begins in radians, is too, or
        one number for all. Modes above HIGHEST of the sample rate or below FLOOR are left out; of too many, the
        longest-lived are kept. The onset rises over `rise_s`.
        """
        hz, amplitude = np.asarray(hz, np.float64), np.ascontiguousarray(amplitude, np.float64)
        t60_frames = np.asarray(t60_s, np.float64) * self.sample_rate
        level = np.abs(amplitude) / FLOOR
        life = np.ceil(t60_frames / 3.0 * np.log10(np.maximum(level, 1.0))) * (hz < HIGHEST * self.sample_rate)
        order = np.argsort(-life, kind="stable")[: self.modes]
        order = order[life[order] > 0.0]
        slot = self.claim(frame, note_id, pitch, pan, rise_s) if order.size else None
        if slot is None:
            return None

        begins = np.ascontiguousarray(np.broadcast_to(np.asarray(phase, np.float64), hz.shape))
        _set_off(
            frame, slot, order, 2.0 * math.pi / self.sample_rate * hz, amplitude, begins, t60_frames, life,
            self.ends, self.state, self.turn, self.powers,
        )  # fmt: skip
        self.end_at(slot, int(self.ends[slot, 0]))
        return slot

    def _render(self, frames: int, offset: int) -> None:
        render_modes(
            self.clock, frames, offset, self.times, self.gain, self.ends,
            self.state, self.turn, self.powers, self._row, self._out,
        )  # fmt: skip


@kernel
def _set_off(
    frame: int,
    slot: int,
    order: NDArray[np.int64],
    theta: NDArray[np.float64],
    amplitude: NDArray[np.float64],
    phase: NDArray[np.float64],
    t60_frames: NDArray[np.float64],
    life: NDArray[np.float64],
    ends: NDArray[np.int64],
    state: NDArray[np.float32],
    turn: NDArray[np.float32],
    powers: NDArray[np.float32],
) -> None:
    """Modes `order` of a note that begins at `frame`, in `slot`; its tables start at the quantum's edge before that."""
    before = np.float64(frame % QUANTUM)
    for m in range(ends.shape[1]):
        ends[slot, m] = 0
    for m in range(order.size):
        i = order[m]
        decay = -3.0 * LN10 / t60_frames[i]
        grown, at = amplitude[i] * math.exp(-before * decay), before * theta[i] - phase[i]
        state[0, slot, m], state[1, slot, m] = grown * math.cos(at), -grown * math.sin(at)
        r = math.exp(decay)
        p_re, p_im = r * math.cos(theta[i]), r * math.sin(theta[i])
        re, im = 1.0, 0.0
        for n in range(QUANTUM):
            powers[slot, m, 0, n], powers[slot, m, 1, n] = re, im
            re, im = re * p_re - im * p_im, re * p_im + im * p_re
        turn[0, slot, m], turn[1, slot, m] = re, im
        ends[slot, m] = frame + np.int64(life[i])
