"""Heart rate variability: Task Force of the ESC and NASPE 1996, Circulation 93:1043, tables 1 and 2.

`rr_ms` holds kept intervals (n,); `follows` (n,) says which of them directly follow the one before (`rr.adjacent`),
all when left out. Each is None when there is too little to tell. SDNN tells how far intervals spread and RMSSD how far
neighbours differ: neither stands in for the other, so each has a type of its own.

Powers depend on the method, so there is one: intervals at the time of the beat that ends them, cubic spline to 4 Hz,
less a straight line, Welch's mean over Hann windows of 256 samples overlapping by half, transformed at 1024 points,
trapezoids between the points inside each band.
Breathing slower than nine a minute moves its own power from the high band to the low one whatever a person feels: a
ratio that rises then says nothing of strain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.rr import Window
from synth.estimator.spectrum import cubic, welch, without_line

Sdnn = NewType("Sdnn", float)
Rmssd = NewType("Rmssd", float)

MIN_COVERAGE = 0.6  # of a window's time; below, RMSSD says more of the gaps than of the heart
MIN_PAIRS = 15

RATE_HZ = 4.0
FRAME = 256
TRANSFORM = 1024
BANDS_HZ = ((0.04, 0.15), (0.15, 0.40))
MIN_SPECTRUM_S = 120.0  # about what the low band needs (Task Force 1996, section on frequency domain)
MIN_SPECTRUM_COVERAGE = 0.8
LONGEST_GAP_S = 4.0  # a spline over more swings freely


@dataclass(frozen=True, slots=True)
class Bands:
    """Power of the intervals in ms2: low 0.04 to 0.15 Hz, high 0.15 to 0.40 Hz, both together; low over high."""

    lf_ms2: float
    hf_ms2: float

    @property
    def total_ms2(self) -> float:
        """Power from 0.04 to 0.40 Hz, which breathing of any pace does not leave."""
        return self.lf_ms2 + self.hf_ms2

    @property
    def lf_hf(self) -> float:
        """Low over high; tells of breathing first."""
        return self.lf_ms2 / self.hf_ms2


def mean_hr_bpm(rr_ms: ArrayLike) -> float | None:
    """Heart rate of the mean interval, beats a minute."""
    rr = np.asarray(rr_ms, dtype=np.float64)
    return 60000.0 / float(rr.mean()) if rr.size else None


def sdnn_ms(rr_ms: ArrayLike) -> Sdnn | None:
    """Standard deviation of the intervals (n - 1 in the divisor), ms."""
    rr = np.asarray(rr_ms, dtype=np.float64)
    return Sdnn(float(rr.std(ddof=1))) if rr.size > 1 else None


def rmssd_ms(rr_ms: ArrayLike, follows: ArrayLike | None = None) -> Rmssd | None:
    """Root mean square of successive differences, ms."""
    steps = _steps(rr_ms, follows)
    return Rmssd(float(np.sqrt(np.mean(steps**2)))) if steps.size else None


def pnn50(rr_ms: ArrayLike, follows: ArrayLike | None = None) -> float | None:
    """Successive differences above 50 ms as a percentage of the intervals of an unbroken run with so many."""
    steps = _steps(rr_ms, follows)
    return 100.0 * float(np.count_nonzero(np.abs(steps) > 50.0)) / (steps.size + 1) if steps.size else None


def bands(t_s: ArrayLike, rr_ms: ArrayLike) -> Bands | None:
    """Power in the bands of intervals (n,) ms ended by beats at strictly rising `t_s` (n,) s.

    None under two minutes, with beats further apart than four seconds, or without any variation.
    """
    t, rr = np.asarray(t_s, dtype=np.float64), np.asarray(rr_ms, dtype=np.float64)
    if t.size < 4 or t[-1] - t[0] < MIN_SPECTRUM_S - 2.0 or float(np.diff(t).max()) > LONGEST_GAP_S:
        return None
    even = cubic(t, rr, np.arange(t[0], t[-1], 1.0 / RATE_HZ))
    hz, density = welch(without_line(even), RATE_HZ, FRAME, TRANSFORM)
    lf_ms2, hf_ms2 = (
        float(np.trapezoid(density[inside], hz[inside])) for inside in ((hz >= lo) & (hz <= hi) for lo, hi in BANDS_HZ)
    )
    return Bands(lf_ms2, hf_ms2) if hf_ms2 > 0.0 else None


def window_sdnn_ms(window: Window) -> Sdnn | None:
    """SDNN of a window of beats; None under 60 % coverage or too few beats."""
    if window.coverage < MIN_COVERAGE or int(window.kept.sum()) <= MIN_PAIRS:
        return None
    return sdnn_ms(window.rr_ms[window.kept])


def window_rmssd_ms(window: Window) -> Rmssd | None:
    """RMSSD of a window of beats; None under 60 % coverage or too few pairs."""
    if window.coverage < MIN_COVERAGE or int(window.follows.sum()) < MIN_PAIRS:
        return None
    return rmssd_ms(window.rr_ms, window.follows)


def window_pnn50(window: Window) -> float | None:
    """pNN50 of a window of beats; None under 60 % coverage or too few pairs."""
    if window.coverage < MIN_COVERAGE or int(window.follows.sum()) < MIN_PAIRS:
        return None
    return pnn50(window.rr_ms, window.follows)


def window_bands(window: Window) -> Bands | None:
    """Powers of a window of beats, two to five minutes long; None as in `bands` or under 80 % coverage."""
    return bands(*window.kept_series()) if window.coverage >= MIN_SPECTRUM_COVERAGE else None


def _steps(rr_ms: ArrayLike, follows: ArrayLike | None) -> NDArray[np.float64]:
    rr = np.asarray(rr_ms, dtype=np.float64)
    steps = np.diff(rr)
    return steps if follows is None else steps[np.asarray(follows, dtype=bool)[1:]]
