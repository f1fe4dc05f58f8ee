"""Convolution with a long response, without latency: its first 512 taps as they stand, sample by sample, the rest in
partitions of as many frames by overlap-save with a delay line of spectra (Stockham 1966; Gardner, "Efficient
convolution without input-output delay", JAES 43(3), 1995; Wefers, "Partitioned convolution algorithms for real-time
auralization", 2015, chapter 5).

A block of 512 frames is transformed when it is full, and multiplied with all partitions but the first: what they answer
begins with the next block, for which it is in time. A new response is heard from the next block on, crossfaded with the
old one: both are convolved with the same past, so that neither begins from silence.

Left and right are the real and the imaginary part of one complex transform (Stockham's form, radix 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.intake import F0, hush, take
from synth.dsp.quantum import QUANTUM

PARTITION = 512  # frames
POINTS = 2 * PARTITION
BINS = PARTITION + 1
LANES = 528  # room for the bins, whole vectors
UNROLLED = 8  # taps
FADE_S = 0.2

OLD, NEW, NEXT = range(3)
# Of `counts`: which response is OLD, NEW and NEXT; taps and partitions after the first of each; then, of the block that
# fills, frames so far, whether any sounds, and blocks since one did; the newest spectrum; whether a response waits; and
# blocks of a fade gone by.
ROLES, TAPS, PARTITIONS, FILL, HEARD, SILENT, NEWEST, WAITING, STEP, COUNTS = 0, 3, 6, 9, 10, 11, 12, 13, 14, 15

F1, HALF = np.float32(1.0), np.float32(0.5)
# A signed index may be negative, which keeps a loop from being vectorised.
SPAN, U1, U2, U3, U4, U5, U6, U7 = (np.uint64(n) for n in (QUANTUM, 1, 2, 3, 4, 5, 6, 7))


def twiddles() -> NDArray[np.float32]:
    """(2, 768): real and imaginary parts of `exp(-2 pi j k / 1024)`."""
    turn = np.exp(-2j * np.pi * np.arange(3 * POINTS // 4) / POINTS)
    return np.array([turn.real, turn.imag], np.float32)


@kernel
def _transform(z, turns):  # type: ignore[no-untyped-def]
    """Discrete Fourier transform of `z[0]` (re and im, 1024) into `z[1]`, whose five passes go to and fro between."""
    span, apart, a = 1, POINTS // 4, 0
    while apart > 0:
        b = 1 - a
        for p in range(apart):
            u1, v1 = turns[0, p * span], turns[1, p * span]
            u2, v2 = turns[0, 2 * p * span], turns[1, 2 * p * span]
            u3, v3 = turns[0, 3 * p * span], turns[1, 3 * p * span]
            i0, k0, step = np.uint64(p * span), np.uint64(4 * p * span), np.uint64(span)
            i1 = i0 + np.uint64(apart * span)
            i2 = i1 + np.uint64(apart * span)
            i3 = i2 + np.uint64(apart * span)
            k1, k2, k3 = k0 + step, k0 + step + step, k0 + step + step + step
            for q in range(step):
                re02, im02 = z[a, 0, i0 + q] + z[a, 0, i2 + q], z[a, 1, i0 + q] + z[a, 1, i2 + q]
                re20, im20 = z[a, 0, i0 + q] - z[a, 0, i2 + q], z[a, 1, i0 + q] - z[a, 1, i2 + q]
                re13, im13 = z[a, 0, i1 + q] + z[a, 0, i3 + q], z[a, 1, i1 + q] + z[a, 1, i3 + q]
                re31, im31 = z[a, 0, i1 + q] - z[a, 0, i3 + q], z[a, 1, i1 + q] - z[a, 1, i3 + q]
                z[b, 0, k0 + q], z[b, 1, k0 + q] = re02 + re13, im02 + im13
                re, im = re20 + im31, im20 - re31
                z[b, 0, k1 + q], z[b, 1, k1 + q] = u1 * re - v1 * im, u1 * im + v1 * re
                re, im = re02 - re13, im02 - im13
                z[b, 0, k2 + q], z[b, 1, k2 + q] = u2 * re - v2 * im, u2 * im + v2 * re
                re, im = re20 - im31, im20 + re31
                z[b, 0, k3 + q], z[b, 1, k3 + q] = u3 * re - v3 * im, u3 * im + v3 * re
        span, apart, a = 4 * span, apart // 4, b


@kernel
def _apart(z, past, newest):  # type: ignore[no-untyped-def]
    """The spectra of left and right from that of left + j right in `z[1]`, into row `newest` of `past`."""
    for k in range(BINS):
        m = (POINTS - k) % POINTS
        a, b, c, d = z[1, 0, k], z[1, 1, k], z[1, 0, m], z[1, 1, m]
        past[0, 0, newest, k], past[0, 1, newest, k] = HALF * (a + c), HALF * (b - d)
        past[1, 0, newest, k], past[1, 1, newest, k] = HALF * (b + d), HALF * (c - a)


@kernel
def _answer(past, newest, responses, which, partitions, total, z):  # type: ignore[no-untyped-def]
    """The spectrum of left + j right that partitions of a response answer, from the first after the head with the
    newest on, into `z[0]` with its parts exchanged: its transform is then the inverse one, parts exchanged too."""
    for c in range(2):
        for k in range(LANES):
            total[c, 0, k] = F0
            total[c, 1, k] = F0
        for p in range(partitions):
            row = (newest - p) % past.shape[2]
            for k in range(LANES):
                a, b = past[c, 0, row, k], past[c, 1, row, k]
                u, v = responses[which, c, 0, p, k], responses[which, c, 1, p, k]
                total[c, 0, k] += a * u - b * v
                total[c, 1, k] += a * v + b * u
    for k in range(BINS):
        z[0, 1, k] = total[0, 0, k] - total[1, 1, k]
        z[0, 0, k] = total[0, 1, k] + total[1, 0, k]
    for k in range(1, PARTITION):
        z[0, 1, POINTS - k] = total[0, 0, k] + total[1, 1, k]
        z[0, 0, POINTS - k] = total[1, 0, k] - total[0, 1, k]


@kernel
def _turn(fresh, past, responses, ready, z, total, turns, fades, counts):  # type: ignore[no-untyped-def]
    """A block is full: put what partitions answer to it and those before into `ready`, and begin the next."""
    counts[FILL] = 0
    steps, rows = fades.shape[0], past.shape[2]
    counts[STEP] = min(counts[STEP] + 1, steps)
    if counts[WAITING] != 0 and counts[STEP] == steps:
        was = counts[ROLES + OLD]
        counts[ROLES + OLD], counts[ROLES + NEW], counts[ROLES + NEXT] = counts[ROLES + NEW], counts[ROLES + NEXT], was
        counts[WAITING], counts[STEP] = 0, 0
    counts[SILENT] = 0 if counts[HEARD] != 0 else min(counts[SILENT] + 1, rows + 2)
    counts[HEARD] = 0
    if counts[SILENT] > rows + 1:  # nothing is left in the past
        counts[STEP] = steps
        return
    counts[NEWEST] = (counts[NEWEST] + 1) % rows
    fading = counts[STEP] < steps
    for job in range(3 if fading else 2):  # there, and back for the new response and the old
        which = counts[ROLES + (NEW if job < 2 else OLD)]
        if job == 0:
            for c in range(2):
                for n in range(POINTS):
                    z[0, c, n] = fresh[c, n]
        else:
            _answer(past, counts[NEWEST], responses, which, counts[PARTITIONS + which], total, z)
        _transform(z, turns)
        if job == 0:
            _apart(z, past, counts[NEWEST])
        else:
            for c in range(2):
                for n in range(PARTITION):
                    weight = F1
                    if fading:
                        weight = fades[counts[STEP], n] if job == 1 else F1 - fades[counts[STEP], n]
                    before = F0 if job == 1 else ready[c, n]
                    ready[c, n] = before + weight * z[1, 1 - c, PARTITION + n]
    for c in range(2):
        for n in range(PARTITION):
            fresh[c, n] = fresh[c, PARTITION + n]


@kernel
def _head(fresh, c, heads, which, taps, fill, work):  # type: ignore[no-untyped-def]
    """The first taps of a response over one quantum of one side, into `work[c]`; `heads` run from the last tap to the
    first."""
    for n in range(SPAN):
        work[c, n] = F0
    for first in range(PARTITION - taps, PARTITION, UNROLLED):
        k, at = np.uint64(first), np.uint64(fill + 1 + first)
        h0, h1, h2, h3 = heads[which, c, k], heads[which, c, k + U1], heads[which, c, k + U2], heads[which, c, k + U3]
        k += U4
        h4, h5, h6, h7 = heads[which, c, k], heads[which, c, k + U1], heads[which, c, k + U2], heads[which, c, k + U3]
        for n in range(SPAN):
            i = at + n
            near = (h0 * fresh[c, i] + h1 * fresh[c, i + U1]) + (h2 * fresh[c, i + U2] + h3 * fresh[c, i + U3])
            far = (h4 * fresh[c, i + U4] + h5 * fresh[c, i + U5]) + (h6 * fresh[c, i + U6] + h7 * fresh[c, i + U7])
            work[c, n] += near + far


@kernel
def _render(x, quanta, out, work, fresh, past, responses, heads, ready, z, total, turns, fades, counts):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at, fill = q * QUANTUM, counts[FILL]
        if take(x, at, work):
            counts[HEARD] = 1
        for c in range(2):
            for n in range(QUANTUM):
                fresh[c, PARTITION + fill + n] = work[c, n]
        if counts[HEARD] == 0 and counts[SILENT] > past.shape[2] + 1:
            hush(out, at)
        else:
            for c in range(2):
                for n in range(QUANTUM):
                    out[c, at + n] = ready[c, fill + n]
            fading = counts[STEP] < fades.shape[0]
            for job in range(4 if fading else 2):
                c, which = job % 2, counts[ROLES + (NEW if job < 2 else OLD)]
                if counts[HEARD] == 0 and counts[SILENT] > 0:
                    continue  # nothing is left in `fresh`
                _head(fresh, c, heads, which, counts[TAPS + which], fill, work)
                for n in range(QUANTUM):
                    weight = F1
                    if fading:
                        weight = fades[counts[STEP], fill + n] if job < 2 else F1 - fades[counts[STEP], fill + n]
                    out[c, at + n] += weight * work[c, n]
        counts[FILL] += QUANTUM
        if counts[FILL] == PARTITION:
            _turn(fresh, past, responses, ready, z, total, turns, fades, counts)


class Convolution:
    """Convolves a stereo signal with a stereo response, side by side, without latency. `longest_s` is the longest
    response that there is room for. Starts with no response, which is silence.
    """

    latency_frames = 0

    def __init__(self, sample_rate: int, longest_s: float, response: NDArray[np.floating] | None = None) -> None:
        self.sample_rate = sample_rate
        self._longest = max(1, -(-round(longest_s * sample_rate) // PARTITION)) * PARTITION
        rows = max(1, self._longest // PARTITION - 1)
        steps = max(1, round(FADE_S * sample_rate / PARTITION))
        fades = np.linspace(0.0, 1.0, steps * PARTITION + 1, dtype=np.float32)[:-1].reshape(steps, PARTITION)
        self._work = np.zeros((2, QUANTUM), np.float32)
        self._fresh = np.zeros((2, POINTS), np.float32)  # the block before, and the one that fills
        self._past = np.zeros((2, 2, rows, LANES), np.float32)  # sides, parts, blocks, bins
        self._responses = np.zeros((3, 2, 2, rows, LANES), np.float32)
        self._heads = np.zeros((3, 2, PARTITION), np.float32)
        self._ready = np.zeros((2, PARTITION), np.float32)
        self._z = np.zeros((2, 2, POINTS), np.float32)
        self._total = np.zeros((2, 2, LANES), np.float32)
        self._turns = twiddles()
        self._fades = fades
        self._counts = np.zeros(COUNTS, np.int64)
        self._counts[ROLES : ROLES + 3] = OLD, NEW, NEXT
        self.reset()
        if response is not None:
            self._set(NEW, response)

    def load(self, response: NDArray[np.floating]) -> None:
        """Crossfade within 0.2 s to `response`, (frames,) for both sides or (2, frames), from the next block on or from
        the end of a fade under way; of those that wait for that, the last is taken.

        ValueError if it is longer than `longest_s`, of another shape, or not finite. Allocates: not for the audio path.
        """
        self._set(NEXT, response)
        self._counts[WAITING] = 1

    def _checked(self, response: NDArray[np.floating]) -> NDArray[np.float32]:
        response = np.asarray(response, np.float32)
        both = np.broadcast_to(response, (2, response.size)) if response.ndim == 1 else response
        if both.ndim != 2 or both.shape[0] != 2:
            raise ValueError(f"response of shape {response.shape}: give (frames,) or (2, frames)")
        if both.shape[1] > self._longest:
            raise ValueError(f"response of {both.shape[1]} frames: give at most {self._longest}, or a longer longest_s")
        if not np.isfinite(both).all():
            raise ValueError("response: some of its samples are not numbers")
        return both

    def _set(self, role: int, response: NDArray[np.floating]) -> None:
        both = self._checked(response)
        which = int(self._counts[ROLES + role])
        head, tail = both[:, :PARTITION], both[:, PARTITION:]
        partitions = -(-tail.shape[1] // PARTITION)
        self._counts[TAPS + which] = -(-head.shape[1] // UNROLLED) * UNROLLED
        self._counts[PARTITIONS + which] = partitions
        self._heads[which] = 0.0
        self._heads[which, :, PARTITION - head.shape[1] :] = head[:, ::-1]
        padded = np.zeros((2, partitions * PARTITION))
        padded[:, : tail.shape[1]] = tail / POINTS
        spectra = np.fft.rfft(padded.reshape(2, partitions, PARTITION), POINTS)
        self._responses[which, :, 0, :partitions, :BINS] = spectra.real
        self._responses[which, :, 1, :partitions, :BINS] = spectra.imag

    def render(self, x: NDArray[np.float32], quanta: int, out: NDArray[np.float32]) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` convolved (both (2, frames) float32, C order, not the same)."""
        _render(
            x, quanta, out, self._work, self._fresh, self._past, self._responses, self._heads,
            self._ready, self._z, self._total, self._turns, self._fades, self._counts,
        )  # fmt: skip

    def reset(self) -> None:
        """Forget what has sounded; a fade under way is at its end."""
        self._past[:], self._fresh[:], self._ready[:] = 0.0, 0.0, 0.0
        self._counts[[FILL, HEARD, NEWEST]] = 0
        self._counts[SILENT] = self._past.shape[2] + 2
        self._counts[STEP] = len(self._fades)
