"""Band-limited wavetables, a table a third of an octave, and the oscillators that read them.

Table `row` serves frequencies up to `BASE_HZ * 2 ** (row / 3)` and holds every harmonic that stays under half the
sample rate there, so nothing folds back; 2048 points with linear interpolation keep what is left of the error
under -80 dB at any pitch and under -90 dB from C4 up. The phase is an integer of 32 bits (2**32 is a cycle): it
never loses precision, and wraps for nothing. It is carried in int64 and masked, which the compiler narrows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.fused import fma
from synth.dsp.vowels import formants

POINTS = 2048
BASE_HZ = 20.0
ROWS_PER_OCTAVE = 3
HARMONICS_MAX = 288  # of low notes: above that, interpolation error would outweigh what they gain

VOCAL_HZ = 130.81  # C3
SECTION = 1.5  # bandwidth of many throats over that of one

CYCLE = 2.0**32
MASK = np.int64(2**32 - 1)
INDEX_SHIFT = np.int64(21)
FRACTION_MASK = np.int64(2**21 - 1)
TO_FRACTION = np.float32(2.0**-21)
LOW_HALF, HIGH_HALF = np.uint64(2**32 - 1), np.uint64(32)

Tables = NDArray[np.uint64]
Harmonics = NDArray[np.float64]  # 1, 2, 3...
Wave = Callable[[Harmonics], Harmonics]  # amplitude of each harmonic


def saw(n: Harmonics) -> Harmonics:
    """Every harmonic at 1/n."""
    return 1.0 / n


def square(n: Harmonics) -> Harmonics:
    """Odd harmonics at 1/n."""
    return np.where(n % 2 == 1, 1.0 / n, 0.0)


def triangle(n: Harmonics) -> Harmonics:
    """Odd harmonics at 1/n^2: a triangle to the ear, though not in shape, for its phases are those of the others."""
    return np.where(n % 2 == 1, 1.0 / n**2, 0.0)


def warm(n: Harmonics) -> Harmonics:
    """A saw that falls by a further 12 dB an octave from harmonic 12 on."""
    return 1.0 / (n * (1.0 + (n / 12.0) ** 2))


def glass(n: Harmonics) -> Harmonics:
    """Few and far: harmonics 1, 3, 5 and 10, with a little of 2 and 4 for body, like rubbed glass or a soft organ."""
    return _drawbars(n, {1: 0.0, 2: -15.0, 3: -18.0, 4: -24.0, 5: -26.0, 10: -34.0})


def sub(n: Harmonics) -> Harmonics:
    """A bass: a strong fundamental under a saw that falls by a further 12 dB an octave from harmonic 5 on."""
    return np.where(n == 1, 1.0, 0.8 / (n * (1.0 + (n / 5.0) ** 2)))


def vocal(n: Harmonics) -> Harmonics:
    """A tenor's "a": a saw through its formants as they lie on VOCAL_HZ, widened for a section.

    The resonances move with the pitch, as no throat's do: for an octave or so about VOCAL_HZ, or to morph with."""
    hz = n * VOCAL_HZ
    envelope = np.zeros_like(n)
    for centre_hz, level_db, bandwidth_hz in zip(*formants("tenor", "a"), strict=True):
        q = centre_hz / (SECTION * bandwidth_hz)
        envelope += 10.0 ** (level_db / 20.0) / np.sqrt(1.0 + (q * (hz / centre_hz - centre_hz / hz)) ** 2)
    return envelope / n


def _drawbars(n: Harmonics, levels_db: dict[int, float]) -> Harmonics:
    amplitude = np.zeros_like(n)
    for harmonic, level_db in levels_db.items():
        amplitude[n == harmonic] = 10.0 ** (level_db / 20.0)
    return amplitude


def harmonics_of(sample_rate: int, row: int) -> int:
    """Number of harmonics in table `row`; 0 when even the fundamental would fold back."""
    return min(int(0.5 * sample_rate / (BASE_HZ * 2.0 ** (row / ROWS_PER_OCTAVE))), HARMONICS_MAX)


@lru_cache(maxsize=32)
def tables(sample_rate: int, wave: Wave) -> Tables:
    """All tables of a wave, (rows, POINTS), of RMS 1 in full, the last row silent; not to be written to.

    A number holds the bits of two float32: a point (see `points`) and, above it, how far it is to the next, for both
    to be fetched at once. Harmonics all start as sines, in every wave and table, so that none cancel in a mix of two.
    """
    n = np.arange(1.0, HARMONICS_MAX + 1)
    amplitude = wave(n)
    amplitude /= np.sqrt(0.5 * np.sum(amplitude**2))
    spectrum = np.zeros(POINTS // 2 + 1, np.complex128)
    spectrum[1 : HARMONICS_MAX + 1] = -0.5j * POINTS * amplitude
    rows: list[Tables] = []
    while True:
        count = harmonics_of(sample_rate, len(rows))
        cycle = np.fft.irfft(np.where(np.arange(spectrum.size) <= count, spectrum, 0.0), POINTS)
        point = cycle.astype(np.float32)
        rows.append(np.stack((point, np.roll(point, -1) - point), axis=1).view("<u8")[:, 0])
        if count == 0:
            return np.stack(rows)


def points(tables: Tables) -> NDArray[np.float32]:
    """The waves themselves, (rows, POINTS + 1), the first point repeated at the end."""
    found = tables.view(np.float32)[:, ::2]
    return np.concatenate((found, found[:, :1]), axis=1)


@kernel
def read(tables: Tables, row: int, phase: np.int64) -> np.float32:
    """The wave at `phase` (32 bits), interpolated linearly."""
    pair = tables[row, phase >> INDEX_SHIFT]
    point = np.uint32(pair & LOW_HALF).view(np.float32)
    to_next = np.uint32(pair >> HIGH_HALF).view(np.float32)
    return fma(np.float32(np.int32(phase & FRACTION_MASK)) * TO_FRACTION, to_next, point)


@kernel
def oscillate(
    tables: Tables,
    row: int,
    phase: np.int64,
    step: np.int64,
    out: NDArray[np.float32],
    first: int,
    frames: int,
) -> np.int64:
    """Write `frames` frames of `out`, (any,), from `first` on; the phase reached.

    `step` is the phase a frame adds: frequency over sample rate times 2**32."""
    at = np.uint64(first)
    for n in range(frames):
        out[at + np.uint64(n)] = read(tables, row, (phase + n * step) & MASK)
    return (phase + frames * step) & MASK


@kernel
def unison(
    tables: Tables,
    row: int,
    phases: tuple[np.int64, np.int64, np.int64],
    steps: tuple[np.int64, np.int64, np.int64],
    side: np.float32,
    centre: np.float32,
    out: NDArray[np.float32],
    left: int,
    right: int,
    frames: int,
) -> tuple[np.int64, np.int64, np.int64]:
    """As `oscillate`, three detuned ones in stereo, from `left` and from `right` on: the first goes left and the last
    right by `side`, the middle one to both by `centre`; the phases reached."""
    p0, p1, p2 = phases
    d0, d1, d2 = steps
    to_left, to_right = np.uint64(left), np.uint64(right)
    for n in range(frames):
        middle = centre * read(tables, row, (p1 + n * d1) & MASK)
        out[to_left + np.uint64(n)] = fma(side, read(tables, row, (p0 + n * d0) & MASK), middle)
        out[to_right + np.uint64(n)] = fma(side, read(tables, row, (p2 + n * d2) & MASK), middle)
    return (p0 + frames * d0) & MASK, (p1 + frames * d1) & MASK, (p2 + frames * d2) & MASK


@kernel
def morph(
    tables: Tables,
    other: Tables,
    row: int,
    phase: np.int64,
    step: np.int64,
    share: np.float32,
    rise: np.float32,
    out: NDArray[np.float32],
    first: int,
    frames: int,
) -> np.int64:
    """As `oscillate`, between two waves: `share` (0 to 1) of it is the other one, `rise` more each frame.

    All harmonics of all waves are in phase, so each goes straight from its one amplitude to its other."""
    start = np.uint64(first)
    for n in range(frames):
        at = (phase + n * step) & MASK
        y = read(tables, row, at)
        y += (share + np.float32(n) * rise) * (read(other, row, at) - y)
        out[start + np.uint64(n)] = y
    return (phase + frames * step) & MASK


def pulse_rms(width: float) -> float:
    """RMS of `pulse` on tables of `saw` at a `width` in cycles, 0 to 1; 3 ** 0.5 for a square."""
    return (12.0 * width * (1.0 - width)) ** 0.5


@kernel
def pulse(
    tables: Tables,
    row: int,
    phase: np.int64,
    step: np.int64,
    width: np.int64,
    widen: np.int64,
    out: NDArray[np.float32],
    first: int,
    frames: int,
) -> np.int64:
    """As `oscillate`, a pulse without DC: on tables of `saw`, the wave less itself `width` (32 bits) later.

    `widen` is what the width gains each frame. A width of half a cycle is in phase with the other waves."""
    start = np.uint64(first)
    for n in range(frames):
        at = (phase + n * step) & MASK
        y = read(tables, row, at) - read(tables, row, (at + width + n * widen) & MASK)
        out[start + np.uint64(n)] = y
    return (phase + frames * step) & MASK
