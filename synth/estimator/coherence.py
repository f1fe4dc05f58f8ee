"""Heart coherence: how far the heart's swing is one slow even wave, as it is when breath and heart run together.

McCraty, Atkinson, Tomasino & Bradley 2009, The coherent heart, Integral Review 5(2):10: the largest peak between 0.04
and 0.26 Hz, the power within 0.030 Hz about it, over the rest of the whole spectrum: ratio = peak / (total - peak).
Here from 64 s of intervals (HeartMath's window), cubic spline to 4 Hz, less a straight line, one Hann window; whole is
up to 0.40 Hz, beyond which a heart has no rhythm. It tells of evenness, not of feeling; slow paced breath alone
raises it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from synth.estimator.rr import Window
from synth.estimator.spectrum import band_power, cubic, density, without_line

RATE_HZ = 4.0
WINDOW_S = 64.0
TRANSFORM = 2048
PEAK_HZ = (0.04, 0.26)
WIDTH_HZ = 0.030
WHOLE_HZ = 0.40
MIN_COVERAGE = 0.8
LONGEST_GAP_S = 4.0  # between beats
LEAST_MS2 = 1.0  # power under which there is no wave to speak of


@dataclass(frozen=True, slots=True)
class Coherence:
    """`share` 0..1 of the power that lies in the peak, at `peak_hz`."""

    share: float
    peak_hz: float

    @property
    def ratio(self) -> float:
        """Peak power over the rest, 0 and up: about 0.3 for noise, 5 and more for an even wave."""
        return self.share / max(1.0 - self.share, 1e-9)


def coherence(t_s: ArrayLike, rr_ms: ArrayLike) -> Coherence | None:
    """Coherence of intervals (n,) ms ended by beats at strictly rising `t_s` (n,) s, a good minute of them.

    None under a minute, with beats further apart than four seconds, or without any variation.
    """
    t, rr = np.asarray(t_s, dtype=np.float64), np.asarray(rr_ms, dtype=np.float64)
    if t.size < 20 or t[-1] - t[0] < WINDOW_S - 5.0 or float(np.diff(t).max()) > LONGEST_GAP_S:
        return None
    even = cubic(t, rr, np.arange(t[0], t[-1], 1.0 / RATE_HZ))
    hz, power = density(without_line(even), RATE_HZ, TRANSFORM)
    inside = np.flatnonzero((hz >= PEAK_HZ[0]) & (hz <= PEAK_HZ[1]))
    peak_hz = float(hz[inside[np.argmax(power[inside])]])
    total = float(band_power(hz, power, (0.0, WHOLE_HZ))[0])
    peak = float(band_power(hz, power, (peak_hz - 0.5 * WIDTH_HZ, peak_hz + 0.5 * WIDTH_HZ))[0])
    return Coherence(min(peak / total, 1.0), peak_hz) if total >= LEAST_MS2 else None


def window_coherence(window: Window) -> Coherence | None:
    """Coherence of a window of 64 s of beats; None as in `coherence` or under 80 % coverage."""
    return coherence(*window.kept_series()) if window.coverage >= MIN_COVERAGE else None
