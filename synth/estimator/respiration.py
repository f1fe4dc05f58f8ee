"""Breathing rate from a belt, or from the heart's speeding up and slowing down with the breath.

Respiratory sinus arrhythmia moves the beat intervals at the breathing rate (Hirsch & Bishop 1981); its spectral
peak gives the rate when the peak holds most of the power, and when counting the rises of the same series agrees.
Blood pressure waves swing the heart near 0.1 Hz without any breath (Mayer waves, Julien 2006), so a slow peak must
be as large as slow breathing makes it. Otherwise the rate is None: a wrong rate would pace a person wrongly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.rr import Window

RATE_HZ = 4.0
WINDOW_S = 60.0
BAND_HZ = (0.06, 0.5)  # 3.6 to 30 breaths a minute
PEAK_SHARE_RR = 0.5
SLOW_HZ = 0.13  # below, a peak of the beats may be a blood pressure wave
SLOW_SHARE_RR = 0.7
SLOW_SWING_MS = 40.0
PEAK_SHARE_BELT = 0.4
AGREE = 0.2
MIN_COVERAGE = 0.7
FFT_SIZE = 2048
LARGEST = 1e9  # of a belt's arbitrary unit


def breaths_per_min(series: ArrayLike, peak_share: float) -> float | None:
    """Breathing rate of a series (n,) at 4 Hz, breaths a minute.

    None unless at least `peak_share` of the band's power lies in the main lobe round the peak and counting
    rises through the mean gives the same rate within a fifth.
    """
    x = np.asarray(series, dtype=np.float64)
    if x.size < 0.75 * WINDOW_S * RATE_HZ or not np.isfinite(x).all():
        return None
    n = np.arange(x.size, dtype=np.float64)
    x = x - np.polyval(np.polyfit(n, x, 1), n)
    if not x.any():
        return None
    spectrum = np.fft.rfft(x * np.hanning(x.size), FFT_SIZE)
    hz = np.fft.rfftfreq(FFT_SIZE, 1.0 / RATE_HZ)
    band = (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])
    power = np.where(band, np.abs(spectrum) ** 2, 0.0)
    total = float(power.sum())
    if total <= 0.0:
        return None
    peak = int(np.argmax(power))
    if not (band[peak - 1] and band[peak + 1]):
        return None  # the edge of something slower or quicker than breath
    peak_hz = float(hz[peak])
    lobe = np.abs(hz - peak_hz) <= 2.0 * RATE_HZ / x.size
    if float(power[lobe].sum()) < peak_share * total:
        return None
    counted_hz = _counted_hz(x, peak_hz)
    if counted_hz is None or abs(counted_hz - peak_hz) > AGREE * peak_hz:
        return None
    return 60.0 * peak_hz


def _counted_hz(x: NDArray[np.float64], near_hz: float) -> float | None:
    """Rate of rises through the mean, after smoothing over a quarter of the expected breath."""
    width = max(1, int(0.25 * RATE_HZ / near_hz))
    smooth = np.convolve(x, np.ones(width) / width, mode="valid")
    rises = np.flatnonzero((smooth[1:] > 0.0) & (smooth[:-1] <= 0.0))
    if rises.size < 3:
        return None
    return (rises.size - 1) * RATE_HZ / float(rises[-1] - rises[0])


def from_beats(window: Window) -> float | None:
    """Breathing rate from a minute of beats; None with gaps in them or no clear peak."""
    t, rr = window.t_s[window.kept], window.rr_ms[window.kept]
    if window.coverage < MIN_COVERAGE or t.size < 20 or t[-1] - t[0] < 0.8 * WINDOW_S:
        return None
    grid = np.arange(t[0], t[-1], 1.0 / RATE_HZ)
    series = np.interp(grid, t, rr)
    rate = breaths_per_min(series, PEAK_SHARE_RR)
    if rate is None or rate >= 60.0 * SLOW_HZ:
        return rate
    return breaths_per_min(series, SLOW_SHARE_RR) if float(series.std()) >= SLOW_SWING_MS else None


class Belt:
    """The respiration channel: the last minute of it."""

    def __init__(self) -> None:
        self._t: NDArray[np.float64] = np.empty(0)
        self._x: NDArray[np.float64] = np.empty(0)

    def add(self, t_s: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        """The next samples (n,), in order of time; what is not a number of common size is passed over."""
        good = np.abs(x) < LARGEST
        t, x = np.concatenate((self._t, t_s[good])), np.concatenate((self._x, x[good]))
        recent = t > t[-1] - WINDOW_S if t.size else np.zeros(0, dtype=bool)
        self._t, self._x = t[recent], x[recent]

    def rate(self, now_s: float) -> float | None:
        """Breaths a minute of the minute up to `now_s`; None when there is too little or no clear peak."""
        if self._t.size < 2 or now_s - self._t[-1] > 10.0 or self._t[-1] - self._t[0] < 0.8 * WINDOW_S:
            return None
        steps = np.floor((self._t - self._t[0]) * RATE_HZ).astype(np.int64)
        counts = np.bincount(steps)
        filled = np.flatnonzero(counts)
        if filled.size < MIN_COVERAGE * counts.size:
            return None
        means = np.bincount(steps, weights=self._x)[filled] / counts[filled]
        return breaths_per_min(np.interp(np.arange(counts.size), filled, means), PEAK_SHARE_BELT)
