"""Modal synthesis: each mode of a struck body is a decaying sinusoid, `A r^n sin(theta n)`.

A mode is a complex number turned by `p^quantum` once a quantum, and its samples between are that number times
tabulated powers of `p = r e^(j theta)`: two products and a sum each, in a loop over time that vectorises whatever
the number of modes (block form of the coupled-form resonator; Mathews & Smith, SMAC 2003). Modes that have fallen
below FLOOR are dropped, the longest-lived stay in front, so the cost follows what sounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.dsp._jit import kernel
from synth.dsp.voices import END, LEFT, ONSET, RIGHT, VoiceBank, gate

ZERO = np.float32(0.0)

FLOOR = 1e-5  # -100 dBFS
HIGHEST = 0.45  # of the sample rate


@kernel
def render_modes(
    clock: int,
    quanta: int,
    offset: int,
    times: NDArray[np.int64],
    gain: NDArray[np.float32],
    count: NDArray[np.int64],
    ends: NDArray[np.int64],
    state: NDArray[np.float32],
    turn: NDArray[np.float32],
    powers: NDArray[np.float32],
    row: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write `quanta` quanta from frame `clock` to `out` from column `offset`.

    `count` (slots,) and `ends` (slots, modes) say how many modes sound and until which frame, `state` and `turn`
    (2, slots, modes) are real and imaginary parts, `powers` is (slots, modes, 2, quantum).
    """
    quantum = row.shape[0]
    for q in range(quanta):
        start = clock + q * quantum
        first = offset + q * quantum
        for n in range(first, first + quantum):
            out[LEFT, n] = ZERO
            out[RIGHT, n] = ZERO
        for v in range(count.shape[0]):
            if start + quantum <= times[ONSET, v] or start >= times[END, v]:
                continue
            while count[v] > 0 and ends[v, count[v] - 1] <= start:
                count[v] -= 1
            for n in range(quantum):
                row[n] = ZERO
            for m in range(count[v]):
                re, im = state[0, v, m], state[1, v, m]
                for n in range(quantum):
                    row[n] += powers[v, m, 0, n] * im + powers[v, m, 1, n] * re
                state[0, v, m] = turn[0, v, m] * re - turn[1, v, m] * im
                state[1, v, m] = turn[1, v, m] * re + turn[0, v, m] * im
            gate(row, start, times, v)
            left, right = gain[LEFT, v], gain[RIGHT, v]
            for n in range(quantum):
                out[LEFT, first + n] += left * row[n]
                out[RIGHT, first + n] += right * row[n]


class ModalBank(VoiceBank):
    """Up to `voices` struck notes of up to `modes` modes each."""

    def __init__(self, sample_rate: int, voices: int, modes: int, quantum: int) -> None:
        super().__init__(sample_rate, voices, quantum)
        slots = self.times.shape[1]
        self.count = np.zeros(slots, np.int64)
        self.ends = np.zeros((slots, modes), np.int64)
        self.state = np.zeros((2, slots, modes), np.float32)
        self.turn = np.zeros((2, slots, modes), np.float32)
        self.powers = np.zeros((slots, modes, 2, quantum), np.float32)

    def strike(
        self,
        frame: int,
        hz: ArrayLike,
        amplitude: ArrayLike,
        t60_s: ArrayLike,
        *,
        rise_s: float = 0.002,
        pan: float = 0.0,
        note_id: float = -1.0,
        pitch: float = 0.0,
    ) -> int | None:
        """Start a note at the absolute frame `frame`; its slot, or None when no voice could be freed.

        `hz`, `amplitude` (either sign) and `t60_s` are (modes,). Modes above HIGHEST of the sample rate or below FLOOR
        are left out; of too many, the longest-lived are kept. The onset rises over `rise_s`.
        """
        hz, amplitude = np.asarray(hz, np.float64), np.asarray(amplitude, np.float64)
        t60_frames = np.asarray(t60_s, np.float64) * self.sample_rate
        level = np.abs(amplitude) / FLOOR
        life = np.ceil(t60_frames / 3.0 * np.log10(np.maximum(level, 1.0))) * (hz < HIGHEST * self.sample_rate)
        order = np.argsort(-life, kind="stable")[: self.ends.shape[1]]
        order = order[life[order] > 0.0]
        slot = self.claim(frame, note_id, pitch, pan, rise_s) if order.size else None
        if slot is None:
            return None

        modes = order.size
        log_p = (-3.0 * np.log(10.0) / t60_frames + 2j * np.pi * hz / self.sample_rate)[order]
        powers = _powers(log_p, self.quantum)
        before = frame % self.quantum  # the table starts at the quantum's edge
        state = amplitude[order] * np.exp(-before * log_p)
        turn = np.exp(self.quantum * log_p)
        self.powers[slot, :modes, 0], self.powers[slot, :modes, 1] = powers.real, powers.imag
        self.state[0, slot, :modes], self.state[1, slot, :modes] = state.real, state.imag
        self.turn[0, slot, :modes], self.turn[1, slot, :modes] = turn.real, turn.imag
        self.ends[slot, :modes] = frame + life[order].astype(np.int64)
        self.count[slot] = modes
        self.end_at(slot, int(self.ends[slot, 0]))
        return slot

    def _render(self, quanta: int, offset: int) -> None:
        render_modes(
            self.clock, quanta, offset, self.times, self.gain, self.count, self.ends,
            self.state, self.turn, self.powers, self._row, self._out,
        )  # fmt: skip


def _powers(log_p: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    """`p^n` for n below `count`, a multiple of 8, (modes, count)."""
    coarse = np.exp(np.multiply.outer(log_p, np.arange(0, count, 8)))
    fine = np.exp(np.multiply.outer(log_p, np.arange(8)))
    return (coarse[:, :, None] * fine[:, None, :]).reshape(log_p.size, count)
