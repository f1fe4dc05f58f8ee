"""Time-domain heart rate variability: Task Force of the ESC and NASPE 1996, Circulation 93:1043, table 1.

`rr_ms` holds kept intervals (n,); `follows` (n,) says which of them directly follow the one before (`rr.adjacent`),
all when left out. Each is None when there is too little to tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.rr import Window

MIN_COVERAGE = 0.6  # of a window's time; below, RMSSD says more of the gaps than of the heart
MIN_PAIRS = 15


def mean_hr_bpm(rr_ms: ArrayLike) -> float | None:
    """Heart rate of the mean interval, beats a minute."""
    rr = np.asarray(rr_ms, dtype=np.float64)
    return 60000.0 / float(rr.mean()) if rr.size else None


def sdnn_ms(rr_ms: ArrayLike) -> float | None:
    """Standard deviation of the intervals (n - 1 in the divisor), ms."""
    rr = np.asarray(rr_ms, dtype=np.float64)
    return float(rr.std(ddof=1)) if rr.size > 1 else None


def rmssd_ms(rr_ms: ArrayLike, follows: ArrayLike | None = None) -> float | None:
    """Root mean square of successive differences, ms."""
    steps = _steps(rr_ms, follows)
    return float(np.sqrt(np.mean(steps**2))) if steps.size else None


def pnn50(rr_ms: ArrayLike, follows: ArrayLike | None = None) -> float | None:
    """Successive differences above 50 ms as a percentage of the intervals of an unbroken run with so many."""
    steps = _steps(rr_ms, follows)
    return 100.0 * float(np.count_nonzero(np.abs(steps) > 50.0)) / (steps.size + 1) if steps.size else None


def window_rmssd_ms(window: Window) -> float | None:
    """RMSSD of a window of beats; None under 60 % coverage or too few pairs."""
    if window.coverage < MIN_COVERAGE or int(window.follows.sum()) < MIN_PAIRS:
        return None
    return rmssd_ms(window.rr_ms, window.follows)


def _steps(rr_ms: ArrayLike, follows: ArrayLike | None) -> NDArray[np.float64]:
    rr = np.asarray(rr_ms, dtype=np.float64)
    steps = np.diff(rr)
    return steps if follows is None else steps[np.asarray(follows, dtype=bool)[1:]]
