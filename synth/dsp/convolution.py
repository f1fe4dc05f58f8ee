"""Convolution with a long response in uniform partitions: overlap-save, with a delay line of spectra (Stockham 1966;
Wefers, "Partitioned convolution algorithms for real-time auralization", 2015, chapter 5).

The response and what has sounded are kept as spectra of blocks of 512 frames. For each new block, one transform in,
a sum of products over all partitions, one transform out: late by one block. A new response is heard at the next block,
crossfaded with the old one: both are convolved with the same past, so that neither begins from silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.intake import F0, hush, take
from synth.dsp.quantum import QUANTUM

PARTITION = 512  # frames
BINS = PARTITION + 1
FADE_S = 0.2
OLD, NEW, NEXT = range(3)


@kernel
def _gather(x, at, fresh, fill, work):  # type: ignore[no-untyped-def]
    """Put a quantum of `x` into the newer half of `fresh` (2, 1024); True if any of it sounds."""
    heard = take(x, at, work)
    for c in range(2):
        for n in range(QUANTUM):
            fresh[c, PARTITION + fill + n] = work[c, n]
    return heard


@kernel
def _hand_out(ready, fill, out, at):  # type: ignore[no-untyped-def]
    for c in range(2):
        for n in range(QUANTUM):
            out[c, at + n] = ready[c, fill + n]


@kernel
def _products(past, newest, response, partitions, total):  # type: ignore[no-untyped-def]
    """Sum over partitions of spectra from newest to oldest times those of the response; re, im, re, im in each row."""
    for c in range(2):
        for k in range(total.shape[1]):
            total[c, k] = F0
        for p in range(partitions):
            row = (newest - p) % past.shape[1]
            for k in range(0, total.shape[1], 2):
                a, b = past[c, row, k], past[c, row, k + 1]
                u, v = response[c, p, k], response[c, p, k + 1]
                total[c, k] += a * u - b * v
                total[c, k + 1] += a * v + b * u


class Convolution:
    """Convolves a stereo signal with a stereo response, side by side, `latency_frames` late. `longest_s` is the longest
    response that there is room for. Starts with no response, which is silence.
    """

    latency_frames = PARTITION

    def __init__(self, sample_rate: int, longest_s: float, response: NDArray[np.floating] | None = None) -> None:
        self.sample_rate = sample_rate
        rows = max(1, -(-round(longest_s * sample_rate) // PARTITION))
        self._rows = rows
        self._past = np.zeros((2, rows, 2 * BINS), np.float32)
        self._responses = [np.zeros((2, rows, 2 * BINS), np.float32) for _ in range(3)]
        self._partitions = [0, 0, 0]
        self._waiting = False
        self._fresh = np.zeros((2, 2 * PARTITION), np.float32)
        self._spectra: Any = np.zeros((2, BINS), np.complex64)  # NumPy's types know of double precision only
        self._total = np.zeros((2, 2 * BINS), np.float32)
        self._blocks = np.zeros((2, 2, 2 * PARTITION), np.float32)  # of the old and the new response
        self._ready = np.zeros((2, PARTITION), np.float32)
        self._work = np.zeros((2, QUANTUM), np.float32)
        steps = max(1, round(FADE_S * sample_rate / PARTITION))
        self._fades = np.linspace(0.0, 1.0, steps * PARTITION + 1, dtype=np.float32)[:-1].reshape(steps, PARTITION)
        self._step = steps  # of a fade under way, or past its end
        self._fill, self._newest = 0, 0
        self._heard, self._silent = False, rows + 2  # in the block that fills, and blocks since anything was
        if response is not None:
            self._set(NEW, response)

    def load(self, response: NDArray[np.floating]) -> None:
        """Crossfade within 0.2 s to `response`, (frames,) for both sides or (2, frames), from the next block on or from
        the end of a fade under way; of those that wait for that, the last is taken.

        ValueError if it is longer than `longest_s`, of another shape, or not finite. Allocates: not for the audio path.
        """
        self._set(NEXT, response)
        self._waiting = True

    def _checked(self, response: NDArray[np.floating]) -> NDArray[np.float32]:
        response = np.asarray(response, np.float32)
        both = np.broadcast_to(response, (2, response.size)) if response.ndim == 1 else response
        if both.ndim != 2 or both.shape[0] != 2:
            raise ValueError(f"response of shape {response.shape}: give (frames,) or (2, frames)")
        if both.shape[1] > self._rows * PARTITION:
            longest = self._rows * PARTITION
            raise ValueError(f"response of {both.shape[1]} frames: give at most {longest}, or a longer longest_s")
        if not np.isfinite(both).all():
            raise ValueError("response: some of its samples are not numbers")
        return both

    def _set(self, which: int, response: NDArray[np.floating]) -> None:
        both = self._checked(response)
        spectra = self._responses[which]
        spectra[:] = 0.0
        self._partitions[which] = -(-both.shape[1] // PARTITION)
        padded = np.zeros(2 * PARTITION, np.float32)
        for c in range(2):
            for p in range(self._partitions[which]):
                piece = both[c, p * PARTITION : (p + 1) * PARTITION]
                padded[:] = 0.0
                padded[: piece.size] = piece
                spectra[c, p] = np.fft.rfft(padded).view(np.float32)

    def render(self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32]) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` convolved (both (2, frames) float32, C order; may be the same)."""
        for q in range(quanta):
            at = q * QUANTUM
            self._heard = _gather(x, at, self._fresh, self._fill, self._work) or self._heard
            if self._silent > self._rows + 1:
                hush(out, at)
            else:
                _hand_out(self._ready, self._fill, out, at)
            self._fill += QUANTUM
            if self._fill == PARTITION:
                self._turn()

    def _turn(self) -> None:
        """A block is full: convolve it and begin the next."""
        self._fill = 0
        if self._waiting and self._step == len(self._fades):
            self._responses.append(self._responses.pop(OLD))
            self._partitions.append(self._partitions.pop(OLD))
            self._waiting, self._step = False, 0
        fading = self._step < len(self._fades)
        self._silent = 0 if self._heard else min(self._silent + 1, self._rows + 2)
        self._heard = False
        if self._silent > self._rows + 1:  # nothing is left in the past
            self._past[:] = 0.0
            self._ready[:] = 0.0
            self._step = len(self._fades)
            return
        self._newest = (self._newest + 1) % self._rows
        np.fft.rfft(self._fresh, axis=1, out=self._spectra)
        self._past[:, self._newest] = self._spectra.view(np.float32)
        self._fresh[:, :PARTITION] = self._fresh[:, PARTITION:]
        for which in (OLD, NEW) if fading else (NEW,):
            partitions = self._partitions[which]
            _products(self._past, self._newest, self._responses[which], partitions, self._total)
            np.fft.irfft(self._total.view(np.complex64), 2 * PARTITION, axis=1, out=self._blocks[which])
        new = self._blocks[NEW, :, PARTITION:]
        if fading:
            old = self._blocks[OLD, :, PARTITION:]
            np.subtract(new, old, out=self._ready)
            np.multiply(self._ready, self._fades[self._step], out=self._ready)
            np.add(self._ready, old, out=self._ready)
            self._step += 1
        else:
            self._ready[:] = new

    def reset(self) -> None:
        """Forget what has sounded; a fade under way is at its end."""
        self._past[:], self._fresh[:], self._ready[:] = 0.0, 0.0, 0.0
        self._fill, self._newest, self._heard, self._silent = 0, 0, False, self._rows + 2
        self._step = len(self._fades)
