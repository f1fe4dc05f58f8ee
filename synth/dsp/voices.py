"""Voices: slots that each hold one note from its onset to its end, and the gate that opens and closes a note.

Everything about a voice's life is known in absolute frames when its note is struck, damped or stolen, so which
slot a note gets never depends on how a render is cut into blocks.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.quantum import QUANTUM

ZERO, ONE, TWO, THREE = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(3.0)

# Rows of `times`, int64, one column a slot, in absolute frames; RISE and each row after DAMP, AGAIN and STEAL are
# lengths. AGAIN is a second, quicker damping on top of the first.
ONSET, RISE, DAMP, DAMP_FRAMES, AGAIN, AGAIN_FRAMES, STEAL, STEAL_FRAMES, END = range(9)
LEFT, RIGHT = range(2)

NEVER = np.iinfo(np.int64).max // 2
STEAL_S = 0.008
SPARE_SLOTS = 8  # for stolen notes while they fade
SIXTY_DB = 0.89  # share of a fade after which 60 dB are gone


@kernel
def ease(x: np.float32) -> np.float32:
    """From 0 to 1 without a corner as x goes from 0 to 1: within 0.01 of a raised cosine."""
    x = max(ZERO, min(x, ONE))
    return x * x * (THREE - TWO * x)


@kernel
def span(clock: int, frames: int, times: NDArray[np.int64], v: int) -> tuple[int, int]:
    """First and last + 1 of the `frames` from `clock` on in which voice `v` sounds, at quantum edges."""
    first = max(times[ONSET, v] - clock, 0) // QUANTUM * QUANTUM
    return first, max(min(times[END, v] - clock, frames), first)


@kernel
def gate(row: NDArray[np.float32], first: int, last: int, clock: int, times: NDArray[np.int64], v: int) -> None:
    """Multiply `row[first:last]`, whose sample n is frame `clock + n`, by the onset and the fades of voice `v`."""
    scale = ONE / np.float32(times[RISE, v])
    for n in range(first, min(last, times[ONSET, v] + times[RISE, v] - clock)):
        row[n] *= ease(np.float32(clock + n - times[ONSET, v]) * scale)
    for fade in range(DAMP, END, 2):
        scale = ONE / np.float32(times[fade + 1, v])
        for n in range(max(first, times[fade, v] - clock), last):
            left = ONE - ease(np.float32(clock + n - times[fade, v]) * scale)
            row[n] *= left * left


@kernel
def clear(out: NDArray[np.float32], offset: int, frames: int) -> None:
    """Silence `frames` columns of `out` from `offset` on."""
    at = np.uint64(offset)
    for n in range(frames):
        out[LEFT, at + np.uint64(n)] = ZERO
        out[RIGHT, at + np.uint64(n)] = ZERO


@kernel
def mix(
    row: NDArray[np.float32], first: int, last: int, left: np.float32, right: np.float32,
    out: NDArray[np.float32], offset: int,
) -> None:  # fmt: skip
    """Add `row[first:last]` to both channels of `out`, `offset` columns on."""
    at, to = np.uint64(first), np.uint64(offset + first)
    for n in range(last - first):
        i = np.uint64(n)  # a signed index may be negative, which keeps a loop from being vectorised
        out[LEFT, to + i] += left * row[at + i]
        out[RIGHT, to + i] += right * row[at + i]


class VoiceBank(ABC):
    """`voices` notes at once in stereo, rendered in quanta of QUANTUM frames.

    Per block: `begin(out)`, then notes in the order of their frames, then `play(until)`. When every voice sounds,
    the one nearest its end makes room, faded over STEAL_S.
    """

    def __init__(self, sample_rate: int, voices: int) -> None:
        self.sample_rate, self.voices = sample_rate, voices
        slots = voices + SPARE_SLOTS
        self.times = np.zeros((END + 1, slots), np.int64)
        self.gain = np.zeros((2, slots), np.float32)
        self.note_id = np.full(slots, -1.0)
        self.pitch = np.zeros(slots)
        self.clock = 0
        self._row = aligned((QUANTUM,))
        self._out = np.zeros((2, QUANTUM), np.float32)
        self._block_start = 0

    @property
    def sounding(self) -> int:
        """Voices that sound at the end of what was rendered."""
        return int(np.count_nonzero(self.times[END] > self.clock))

    def begin(self, out: NDArray[np.float32]) -> None:
        """Write from now on to `out`, (2, frames) float32, from its first frame."""
        self._out, self._block_start = out, self.clock
        if self._row.size < out.shape[1]:
            self._row = aligned((out.shape[1],))

    def play(self, until: int) -> None:
        """Render up to the absolute frame `until`, a whole number of quanta from the clock."""
        frames = (until - self.clock) // QUANTUM * QUANTUM
        if frames > 0:
            self._render(frames, self.clock - self._block_start)
            self.clock += frames

    @abstractmethod
    def _render(self, frames: int, offset: int) -> None:
        """Render `frames` frames from the clock into `_out` from column `offset`."""

    def claim(self, frame: int, note_id: float, pitch: float, pan: float, rise_s: float) -> int | None:
        """A slot, silent before `frame`, for a note that starts there; its END is still to be set.

        None when even the spare slots are fading, that is after more thefts within STEAL_S than there are spares.
        `pan` is -1 (left) to 1, equal power.
        """
        edge = frame - frame % QUANTUM
        end = self.times[END]
        slot = int(np.argmin(end))
        if end[slot] > edge:
            return None
        played = (end > edge) & (self.times[STEAL] == NEVER)
        if np.count_nonzero(played) >= self.voices:
            self._fade(STEAL, int(np.argmin(np.where(played, end, NEVER))), frame, STEAL_S)
        if end[slot] > self.clock:  # it still has to sound in this block
            self.play(edge)
        theta = (min(max(pan, -1.0), 1.0) + 1.0) * math.pi / 4.0
        self.gain[:, slot] = math.cos(theta), math.sin(theta)
        self.note_id[slot], self.pitch[slot] = note_id, pitch
        rise = max(1, round(rise_s * self.sample_rate))
        self.times[:, slot] = frame, rise, NEVER, 1, NEVER, 1, NEVER, 1, edge
        return slot

    def damp(self, slot: int, frame: int, t60_s: float) -> None:
        """Let a voice fall by 60 dB in `t60_s` from `frame` on; one already damped, only if it ends sooner for it."""
        seconds = t60_s / SIXTY_DB
        if frame < self.times[DAMP, slot]:
            self._fade(DAMP, slot, frame, seconds)
        elif frame < self.times[AGAIN, slot] and frame + seconds * self.sample_rate < self.times[END, slot]:
            self._fade(AGAIN, slot, frame, seconds)

    def ringing(self, frame: int) -> NDArray[np.bool_]:
        """The slots that sound at `frame`, (slots,)."""
        return self.times[END] > frame

    def end_at(self, slot: int, frame: int) -> None:
        """The voice is silent from the first quantum edge at or after `frame`."""
        self.times[END, slot] = -(-frame // QUANTUM) * QUANTUM

    def _fade(self, row: int, slot: int, frame: int, seconds: float) -> None:
        frames = max(1, round(seconds * self.sample_rate))
        self.times[row, slot], self.times[row + 1, slot] = frame, frames
        self.end_at(slot, min(int(self.times[END, slot]), frame + frames))
