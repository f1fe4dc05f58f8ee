"""Beats from the pulse wave (PPG, BVP) as it comes: when, how far apart, how large and how far to be believed.

The two moving averages of Elgendi et al. 2013 (PLoS ONE 8:e76585) on the wave within 0.5 to 8 Hz; the peak of each
block is put between samples by a parabola. Where the feet are sharper than the peaks, as at many wrists, or the
sensor gives the wave upside down, beats are timed at the feet; the skewness of the wave tells. A beat is believed as
far as it looks like those of the last seconds: by its correlation with their mean, good from 0.86 (Orphanidou et al.
2015, IEEE J. Biomed. Health Inform. 19:832). The height of a pulse over its foot falls when the skin's vessels narrow.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.spectrum import Even, Floats

RATE_HZ = 64
LOOK_S = 6  # of the wave at each look for beats
EARLY = 8  # cells before each full second, at which one looks: samples mostly come a second at a time
GAP_S = 0.25

BAND_HZ = (0.5, 8.0)  # half the amplitude is left there
PEAK_CELLS = 7  # 111 ms, a systolic peak
BEAT_CELLS = 43  # 667 ms, a beat
OFFSET = 0.02  # of the mean square, by which a block must stand out
APART_S = 0.3  # two beats are at least
LONGEST_S = 2.0  # from beat to beat; further apart, one was missed

SHAPE = np.linspace(-0.5, 0.3, 32)  # of a beat about its peak, in intervals
TEMPLATE_BEATS = 12
TEMPLATE_S = 20.0
ALIKE = (0.5, 0.86, 1.0)  # correlation of quality 0, 0.5 and 1
FIRST_BEATS = 4  # before these there is nothing to compare with

LEAN_BEATS = 200  # over which the skewness of the wave is averaged
LEAN_LEAST = 8  # beats before the wave may be turned over
LEAN_TURN = 0.1  # skewness against it that turns it

MOST_WAITING = 600  # beats to be taken
HR_S = 10.0
HR_BEATS = 4


def _hann(hz: float) -> Floats:
    """Averaging kernel that leaves half the amplitude at `hz`."""
    half = round(0.5 * RATE_HZ / hz)
    kernel = 1.0 + np.cos(np.pi * np.arange(1 - half, half) / half)
    return kernel / kernel.sum()


_SLOW, _SMOOTH = _hann(BAND_HZ[0]), _hann(BAND_HZ[1])
_PEAK, _BEAT = (np.full(n, 1.0 / n) for n in (PEAK_CELLS, BEAT_CELLS))


class Pulses(NamedTuple):
    """Beats, each (n,): time s, interval since the one before ms (NaN after a gap), height of the peak over its foot
    and level at the beat in the sensor's unit, quality 0..1."""

    t_s: Floats
    rr_ms: Floats
    amplitude: Floats
    level: Floats
    quality: Floats


def band_pass(x: Floats) -> tuple[Floats, Floats]:
    """`x` (n,) at 64 Hz smoothed up to 8 Hz, and that without what is slower than 0.5 Hz: (n - 132,) both, centred."""
    smooth = np.convolve(x, _SMOOTH, mode="valid")
    lag = _SLOW.size // 2
    within = smooth[lag:-lag]
    return within, within - np.convolve(smooth, _SLOW, mode="valid")


def systolic_blocks(wave: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and past-last index of each whole stretch of a band-passed `wave` (n,) that holds a systolic peak."""
    square = np.square(np.maximum(wave, 0.0))
    lag = BEAT_CELLS // 2
    peak = np.convolve(square, _PEAK, mode="valid")[lag - PEAK_CELLS // 2 :][: wave.size - 2 * lag]
    high = peak > np.convolve(square, _BEAT, mode="valid") + OFFSET * float(np.nanmean(square))
    change = np.flatnonzero(high[1:] != high[:-1]) + 1
    if high[0]:
        change = change[1:]
    start, stop = change[0::2][: change.size // 2] + lag, change[1::2] + lag
    wide = stop - start >= PEAK_CELLS
    return start[wide], stop[wide]


class Ppg:
    """The pulse-wave channel, 25 to 500 samples a second; a beat shows two to three seconds after it was."""

    def __init__(self) -> None:
        self._wave = Even(RATE_HZ, LOOK_S + 2, GAP_S)
        self._looked = 0  # cell up to which was looked
        self._last_s = -math.inf  # latest beat
        self._chained = False  # whether the next interval can begin there
        self._side = 1.0  # -1 where the wave is read upside down
        self._lean = 0.0  # mean skewness of the wave as it came
        self._leaned = 0  # good beats that told it
        self._intervals: deque[float] = deque(maxlen=TEMPLATE_BEATS)
        self._shapes: deque[tuple[float, Floats]] = deque(maxlen=TEMPLATE_BEATS)
        self._recent: deque[tuple[float, float]] = deque(maxlen=64)
        self._new: deque[tuple[float, ...]] = deque(maxlen=MOST_WAITING)

    def add(self, t_s: Floats, x: Floats, quality: ArrayLike = 1.0) -> None:
        """The next samples (n,) in order of time, in any unit."""
        good = np.broadcast_to(np.asarray(quality, dtype=np.float64) >= 0.5, t_s.shape)
        seconds = np.floor(t_s)
        for part in np.split(np.arange(t_s.size), np.flatnonzero(seconds[1:] != seconds[:-1]) + 1):
            self._wave.add(t_s[part], x[part], good[part])
            end = self._wave.end
            due = self._looked if end is None else (end + EARLY) // RATE_HZ * RATE_HZ - EARLY
            if end is not None and due != self._looked:
                self._looked = due
                self._look(self._wave.cells[: due - end or None][-LOOK_S * RATE_HZ :], due)

    def take(self) -> Pulses:
        """The beats found since last asked."""
        new = np.array(self._new, dtype=np.float64).reshape(-1, 5)
        self._new.clear()
        return Pulses(*new.T)

    def hr_bpm(self, now_s: float) -> float | None:
        """Heart rate of the good beats of the last ten seconds, beats a minute; None with too few."""
        rr = [rr_s for t, rr_s in self._recent if now_s - HR_S < t <= now_s]
        return 60.0 / float(np.median(rr)) if len(rr) >= HR_BEATS else None

    def _look(self, x: Floats, end: int) -> None:
        """Find the beats that cells `x` up to cell `end` show for the first time."""
        smooth, wave = band_pass(x)
        if np.isnan(wave).all():
            return
        first = end - (x.size + wave.size) // 2
        smooth, wave = self._side * smooth, self._side * wave
        good = 0
        for begin, after in zip(*systolic_blocks(wave), strict=True):
            top = int(begin) + int(np.argmax(wave[begin:after]))
            t_s = (first + top + 0.5 + _vertex(wave[top - 1 : top + 2])) / RATE_HZ
            if t_s > self._last_s + APART_S:
                good += self._found(t_s, top, smooth, wave) >= 0.5
        if good:
            self._weigh(_skewness(wave), good)

    def _weigh(self, skewness: float, beats: int) -> None:
        """Turn the wave over when good beats show that it is sharper below."""
        self._leaned = min(self._leaned + beats, LEAN_BEATS)
        self._lean += (self._side * skewness - self._lean) * beats / self._leaned
        if self._leaned >= LEAN_LEAST and self._side * self._lean < -LEAN_TURN:
            self._side = -self._side
            self._chained = False
            self._shapes.clear()

    def _found(self, t_s: float, top: int, smooth: Floats, wave: Floats) -> float:
        """Measure the beat at `t_s`, cell `top` of the wave; its quality."""
        rr_s = t_s - self._last_s
        since = max(top - round(min(rr_s, LONGEST_S) * RATE_HZ), 0)
        if not self._chained or rr_s > LONGEST_S or np.isnan(wave[since:top]).any():
            rr_s = math.nan
        self._last_s, self._chained = t_s, True
        level = float(smooth[top])
        amplitude = level - float(np.nanmin(smooth[max(since, top - RATE_HZ) : top + 1]))
        quality = self._likeness(t_s, rr_s, top, wave)
        self._new.append((t_s, 1000.0 * rr_s, amplitude, self._side * level, quality))
        if quality >= 0.5 and math.isfinite(rr_s):
            self._recent.append((t_s, rr_s))
        return quality

    def _likeness(self, t_s: float, rr_s: float, top: int, wave: Floats) -> float:
        """Quality 0..1 of a beat from its likeness to those before it."""
        if math.isfinite(rr_s):
            self._intervals.append(rr_s)
        if not self._intervals:
            return 0.0
        interval = sorted(self._intervals)[len(self._intervals) // 2]
        shape = np.interp(top + SHAPE * interval * RATE_HZ, np.arange(wave.size), wave)
        shape = shape - shape.mean()
        size = math.sqrt(float(shape @ shape))
        if not (size > 0.0 and math.isfinite(size)):
            return 0.0
        shape /= size
        while self._shapes and self._shapes[0][0] < t_s - TEMPLATE_S:
            self._shapes.popleft()
        self._shapes.append((t_s, shape))
        if len(self._shapes) < FIRST_BEATS:
            return 0.0
        mean = np.mean([shape for _, shape in self._shapes], axis=0)
        alike = float(shape @ mean) / max(math.sqrt(float(mean @ mean)), 1e-9)
        return float(np.interp(alike, ALIKE, (0.0, 0.5, 1.0)))


def _vertex(three: Floats) -> float:
    """Where the parabola through three neighbouring samples peaks, from the middle one, -0.5 to 0.5 samples."""
    left, middle, right = three.tolist()
    bend = left - 2.0 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0.0 else 0.0


def _skewness(wave: Floats) -> float:
    """Third moment over the 1.5th power of the second of a wave about 0, held within -1 to 1; NaN left out."""
    square = float(np.nanmean(wave**2))
    return min(max(float(np.nanmean(wave**3)) / square**1.5, -1.0), 1.0) if square > 0.0 else 0.0
