"""Even sampling and power spectra: what every measure of a rhythm stands on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LARGEST = 1e9  # of a sensor's arbitrary unit; more is no signal
FARTHEST_S = 1e11  # of a time; more is no clock
CLOSEST_S = 1e-6  # samples nearer in time are one


def integral(t: Floats, x: Floats, upto: Floats) -> Floats:
    """Integral of the straight lines through `x` (..., n) at rising `t` (n,), from t[0] up to each of `upto` (m,)."""
    steps = t[1:] - t[:-1]
    whole = np.zeros(x.shape)
    np.cumsum(0.5 * (x[..., 1:] + x[..., :-1]) * steps, axis=-1, out=whole[..., 1:])
    i = np.minimum(np.maximum(t.searchsorted(upto, side="right") - 1, 0), t.size - 2)
    part = upto - t[i]
    return whole[..., i] + part * (x[..., i] + 0.5 * part * (x[..., i + 1] - x[..., i]) / steps[i])


def cubic(t: Floats, x: Floats, at: Floats) -> Floats:
    """Cubic spline through `x` (n,) at rising `t` (n,), n >= 4, not-a-knot at both ends, at times `at` (m,).

    De Boor 1978, A Practical Guide to Splines, chapter IV; the slopes solve a tridiagonal system.
    """
    h = np.diff(t)
    rise = np.diff(x) / h
    left, right = h[0] + h[1], h[-1] + h[-2]
    lower = np.concatenate((h[1:], [right]))
    diagonal = np.concatenate(([h[1]], 2.0 * (h[:-1] + h[1:]), [h[-2]]))
    upper = np.concatenate(([left], h[:-1]))
    rhs = np.concatenate(
        (
            [((h[0] + 2.0 * left) * h[1] * rise[0] + h[0] ** 2 * rise[1]) / left],
            3.0 * (h[1:] * rise[:-1] + h[:-1] * rise[1:]),
            [(h[-1] ** 2 * rise[-2] + (2.0 * right + h[-1]) * h[-2] * rise[-1]) / right],
        )
    )
    slope = _tridiagonal(lower, diagonal, upper, rhs)
    i = np.clip(np.searchsorted(t, at, side="right") - 1, 0, h.size - 1)
    u = at - t[i]
    bend = (slope[i] + slope[i + 1] - 2.0 * rise[i]) / h[i]
    return x[i] + u * (slope[i] + u * ((rise[i] - slope[i]) / h[i] - bend + u * bend / h[i]))


def _tridiagonal(lower: Floats, diagonal: Floats, upper: Floats, rhs: Floats) -> Floats:
    """Thomas' algorithm; plain numbers, as each step needs the one before."""
    a, b, c, d = lower.tolist(), diagonal.tolist(), upper.tolist(), rhs.tolist()
    for i in range(1, len(b)):
        w = a[i - 1] / b[i - 1]
        b[i] -= w * c[i - 1]
        d[i] -= w * d[i - 1]
    d[-1] /= b[-1]
    for i in range(len(b) - 2, -1, -1):
        d[i] = (d[i] - c[i] * d[i + 1]) / b[i]
    return np.array(d)


def without_line(x: ArrayLike) -> Floats:
    """`x` (..., n) less its least-squares straight line along the last axis."""
    y = np.asarray(x, dtype=np.float64)
    y = y - y.mean(axis=-1, keepdims=True)
    n = np.arange(y.shape[-1]) - 0.5 * (y.shape[-1] - 1)
    return y - (y @ n)[..., np.newaxis] * (n / max(float(n @ n), 1.0))


@lru_cache(maxsize=32)
def hann(n: int) -> Floats:
    """The periodic Hann window (n,); not to be written to."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)
    window.setflags(write=False)
    return window


def density(frames: Floats, rate_hz: float, size: int | None = None) -> tuple[Floats, Floats]:
    """One-sided power density of Hann-windowed `frames` (..., n), unit squared per Hz, and its frequencies in Hz.

    `size` >= n is the length of the transform, n when left out: more points of the same spectrum, not more detail.
    """
    n = frames.shape[-1]
    window = hann(n)
    size = size or n
    power = np.abs(np.fft.rfft(frames * window, size)) ** 2 * (2.0 / (rate_hz * float(window @ window)))
    power[..., 0] *= 0.5
    if size % 2 == 0:
        power[..., -1] *= 0.5
    return np.arange(size // 2 + 1) * (rate_hz / size), power


def welch(x: Floats, rate_hz: float, n: int, size: int | None = None) -> tuple[Floats, Floats]:
    """Frequencies in Hz and mean power density of frames of `n` samples of `x`, half overlapping, each less its mean.

    Welch 1967, IEEE Trans. Audio Electroacoust. 15:70. Fewer than `n` samples are one frame.
    """
    n = min(n, x.size)
    frames = np.lib.stride_tricks.sliding_window_view(x, n)[:: max(n // 2, 1)]
    hz, power = density(frames - frames.mean(axis=-1, keepdims=True), rate_hz, max(size or n, n))
    return hz, power.mean(axis=0)


def band_power(hz: Floats, power: Floats, edges_hz: ArrayLike) -> Floats:
    """Power between neighbouring `edges_hz` (m,) of densities (..., n), straight between their points: (..., m - 1)."""
    return np.diff(integral(hz, power, np.asarray(edges_hz, dtype=np.float64)))


class Even:
    """A signal of any rate made even in chunks: its last `span_s` seconds as cells of 1/`rate_hz` s.

    A cell k is the mean over [k, k + 1) / `rate_hz` of the straight lines between samples, which interpolates slow
    sensors and keeps quick ones from folding over; NaN where samples are more than `gap_s` apart. However the samples
    are split into chunks, the cells are the same (to rounding).
    """

    def __init__(self, rate_hz: float, span_s: float, gap_s: float) -> None:
        self.rate_hz = rate_hz
        self.end: int | None = None  # index of the cell after the newest; None before any
        self.cells: Floats = np.full(round(span_s * rate_hz), np.nan)
        self._gap_s = gap_s
        self._t: Floats = np.empty(0)
        self._x: Floats = np.empty(0)

    def add(self, t_s: Floats, x: Floats, good: NDArray[np.bool_] | None = None) -> int:
        """The next samples (n,) in order of time, of which only `good` ones count; how many cells that completed.

        What is not finite, not of common size or not later than what came before is passed over.
        """
        use = (np.abs(x) < LARGEST) & (np.abs(t_s) < FARTHEST_S)
        if good is not None:
            use &= good
        t, x = np.concatenate((self._t, t_s[use])), np.concatenate((self._x, x[use]))
        falls = t[1:] <= np.maximum.accumulate(t[:-1]) + CLOSEST_S
        if falls.any():
            rising = np.concatenate(([True], ~falls))
            t, x = t[rising], x[rising]
        if t.size < 2:
            self._t, self._x = t, x
            return 0
        last = int(np.floor(t[-1] * self.rate_hz))
        first = max(int(np.ceil(t[0] * self.rate_hz)), last - self.cells.size)
        if self.end is not None:
            first = max(first, self.end)
        if last > first:
            self._write(t, x, first, last)
        begin = max(int(np.searchsorted(t, last / self.rate_hz, side="right")) - 1, 0)
        self._t, self._x = t[begin:], x[begin:]
        return max(last - first, 0)

    def _write(self, t: Floats, x: Floats, first: int, last: int) -> None:
        edges = np.arange(first, last + 1) / self.rate_hz
        area = integral(t, x, edges)
        new = (area[1:] - area[:-1]) * self.rate_hz
        wide = np.diff(t) > self._gap_s
        if wide.any():
            count = np.concatenate(([0], np.cumsum(wide)))
            before = np.maximum(np.searchsorted(t, edges[:-1], side="right") - 1, 0)
            after = np.minimum(np.searchsorted(t, edges[1:], side="left"), t.size - 1)
            new[count[after] > count[before]] = np.nan
        self.cells = np.concatenate((self.cells, new))[-self.cells.size :]
        self.end = last
