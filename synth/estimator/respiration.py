"""Breathing rate: from a belt, from the heart's speeding up and slowing down, from the pulse wave, or as told.

A belt's breaths are counted (Count-orig, Schaefer & Kratky 2008, Ann. Biomed. Eng. 36:476), as breath is seldom even.
Respiratory sinus arrhythmia moves the beat intervals at the breathing rate (Hirsch & Bishop 1981); its spectral peak
gives the rate when it holds most of the power and the rises of the same series agree; else a regular count does.
Blood pressure waves swing the heart near 0.1 Hz without any breath (Mayer waves, Julien 2006), so a slow peak must be
as large as slow breathing makes it. Breath also moves height, level and interval of the pulse: their rates count when
they agree (Smart Fusion, Karlen et al. 2013, IEEE Trans. Biomed. Eng. 60:1946). Otherwise a rate is None: a wrong one
would pace a person wrongly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.estimator.ppg import Pulses
from synth.estimator.rr import Window
from synth.estimator.spectrum import Even, Floats, hann, without_line

RATE_HZ = 4.0
WINDOW_S = 60.0
BAND_HZ = (0.06, 0.5)  # 3.6 to 30 breaths a minute
PEAK_SHARE_RR = 0.5
SLOW_HZ = 0.13  # below, a peak of the beats may be a blood pressure wave
SLOW_SHARE_RR = 0.7
SLOW_SWING_MS = 40.0
PEAK_SHARE_BELT = 0.6
PEAK_SHARE_PULSE = 0.35
LEAST_PULSE_BPM = 8.0  # what moves a pulse wave more slowly than this is mostly the hand
AGREE = 0.2
FFT_SIZE = 2048

COUNT_BAND_HZ = (0.06, 0.7)
COUNT_HEIGHT = 0.2  # of the upper quartile of the maxima, which a breath must reach
COUNT_BREATHS = 3
COUNT_BELT = (0.5, 0.3)  # share of the time that must be whole breaths, most deviation of their lengths over the mean
COUNT_PULSE = (0.5, 0.25)
COUNT_RR = (0.6, 0.2)
COUNT_POWER = 0.5  # share of the power that must be in the band

MIN_COVERAGE = 0.7
LONGEST_WAIT_S = 10.0
GAP_S = 2.0

TOLD_BPM = (2.0, 60.0)
TOLD_S = 30.0  # a told rate counts that long
FUSION_BPM = 4.0  # most deviation between rates that agree (Karlen et al. 2013)
TRUST = {"belt": 0.8, "device": 0.6, "pulse": 0.6, "beats": 0.5}  # of each source alone

_HZ = np.fft.rfftfreq(FFT_SIZE, 1.0 / RATE_HZ)
_FIRST, _LAST = int(np.ceil(BAND_HZ[0] / _HZ[1])), int(np.floor(BAND_HZ[1] / _HZ[1]))


@dataclass(frozen=True, slots=True)
class Breathing:
    """Breaths a minute, how far the sources bear each other out 0..1, and which of them it is made of, best first."""

    bpm: float
    agreement: float
    sources: tuple[str, ...]


def combined(
    belt: float | None = None, device: float | None = None, pulse: float | None = None, beats: float | None = None
) -> Breathing | None:
    """One rate from those there are, breaths a minute; None without any, or when pulse and beats contradict each other.

    A belt leads, then the device; those within 4 breaths a minute of the leader are averaged by their trust. The
    agreement is what independent witnesses make together, less the share of those who say otherwise.
    """
    rates = {"belt": belt, "device": device, "pulse": pulse, "beats": beats}
    told = {source: bpm for source, bpm in rates.items() if bpm is not None}
    if not told:
        return None
    leader = next(iter(told))
    agree = {source: bpm for source, bpm in told.items() if abs(bpm - told[leader]) <= FUSION_BPM}
    if leader == "pulse" and len(agree) < len(told):
        return None
    trust = sum(TRUST[source] for source in agree)
    doubt = math.prod(1.0 - TRUST[source] for source in agree)
    share = trust / sum(TRUST[source] for source in told)
    bpm = sum(TRUST[source] * rate for source, rate in agree.items()) / trust
    return Breathing(bpm, (1.0 - doubt) * share, tuple(agree))


def breaths_per_min(series: ArrayLike, peak_share: float) -> float | None:
    """Breathing rate of a series (n,) at 4 Hz, breaths a minute.

    None unless at least `peak_share` of the band's power lies in the main lobe round the peak and counting
    rises through the mean gives the same rate within a fifth.
    """
    x = np.asarray(series, dtype=np.float64)
    if x.size < 0.75 * WINDOW_S * RATE_HZ or x.size > FFT_SIZE or not np.isfinite(x).all():
        return None
    size = float(np.ptp(x))
    if size <= 0.0:
        return None
    x = without_line(x / size)
    power = np.square(np.abs(np.fft.rfft(x * hann(x.size), FFT_SIZE)[_FIRST : _LAST + 1]))
    total = float(power.sum())
    peak = int(np.argmax(power))
    if total <= 0.0 or not 0 < peak < power.size - 1:
        return None  # the edge of something slower or quicker than breath
    peak_hz = float(_HZ[_FIRST + peak])
    lobe = int(2.0 * FFT_SIZE / x.size)
    if float(power[max(peak - lobe, 0) : peak + lobe + 1].sum()) < peak_share * total:
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


def counted_breaths_per_min(series: ArrayLike, regular: tuple[float, float]) -> float | None:
    """Breathing rate of a series (n,) at 4 Hz by counting, breaths a minute.

    A breath runs from one high maximum to the next with a single minimum, below the mean, between. None unless such
    breaths fill a share regular[0] of the time, the deviation of their lengths is at most a share regular[1] of the
    mean, and half of the power is theirs.
    """
    x = np.asarray(series, dtype=np.float64)
    if x.size < 0.75 * WINDOW_S * RATE_HZ or not np.isfinite(x).all():
        return None
    size = float(np.ptp(x))
    if size <= 0.0:
        return None
    spectrum = np.fft.rfft(without_line(x / size))
    hz = np.fft.rfftfreq(x.size, 1.0 / RATE_HZ)
    power = np.square(np.abs(spectrum))
    inside = (hz >= COUNT_BAND_HZ[0]) & (hz <= COUNT_BAND_HZ[1])
    if float(power[inside].sum()) <= COUNT_POWER * float(power[hz >= COUNT_BAND_HZ[0]].sum()):
        return None
    breath = np.fft.irfft(np.where(inside, spectrum, 0.0), x.size)
    rising = breath[1:] > breath[:-1]
    top = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
    bottom = np.flatnonzero(~rising[:-1] & rising[1:]) + 1
    if top.size < COUNT_BREATHS:
        return None
    top = top[breath[top] > COUNT_HEIGHT * np.percentile(breath[top], 75)]
    next_bottom = np.searchsorted(bottom, top)
    whole = np.diff(next_bottom) == 1
    whole[whole] = breath[bottom[next_bottom[:-1][whole]]] < 0.0
    lengths = np.diff(top)[whole]
    if lengths.size < COUNT_BREATHS or lengths.sum() < regular[0] * x.size:
        return None
    mean = float(lengths.mean())
    return 60.0 * RATE_HZ / mean if float(lengths.std()) <= regular[1] * mean else None


def from_beats(window: Window) -> float | None:
    """Breathing rate from a minute of beats; None with gaps in them or no clear rhythm."""
    t, rr = window.kept_series()
    if window.coverage < MIN_COVERAGE or t.size < 20 or t[-1] - t[0] < 0.8 * WINDOW_S:
        return None
    series = np.interp(np.arange(t[0], t[-1], 1.0 / RATE_HZ), t, rr)
    slow_bpm = 60.0 * SLOW_HZ
    rate = breaths_per_min(series, PEAK_SHARE_RR)
    if rate is None:
        rate = counted_breaths_per_min(series, COUNT_RR)
        return None if rate is None or rate < slow_bpm else rate
    if rate >= slow_bpm:
        return rate
    return breaths_per_min(series, SLOW_SHARE_RR) if float(series.std()) >= SLOW_SWING_MS else None


class Belt:
    """The respiration channel: the last minute of it."""

    def __init__(self) -> None:
        self._even = Even(RATE_HZ, WINDOW_S, GAP_S)

    def add(self, t_s: NDArray[np.float64], x: NDArray[np.float64], quality: ArrayLike = 1.0) -> None:
        """The next samples (n,), in order of time; what is not a number of common size is passed over."""
        self._even.add(t_s, x, np.broadcast_to(np.asarray(quality, dtype=np.float64) >= 0.5, t_s.shape))

    def rate(self, now_s: float) -> float | None:
        """Breaths a minute of the minute up to `now_s`; None when there is too little or no clear peak."""
        if self._even.end is None or now_s - self._even.end / RATE_HZ > LONGEST_WAIT_S:
            return None
        filled = np.flatnonzero(np.isfinite(self._even.cells))
        if filled.size < MIN_COVERAGE * self._even.cells.size or filled[-1] - filled[0] < 0.8 * WINDOW_S * RATE_HZ:
            return None
        cells = np.arange(filled[0], filled[-1] + 1)
        series = np.interp(cells, filled, self._even.cells[filled])
        return counted_breaths_per_min(series, COUNT_BELT) or breaths_per_min(series, PEAK_SHARE_BELT)


class PulseBreath:
    """What breath does to the pulse wave, over the last minute of beats."""

    def __init__(self) -> None:
        self._beats: Floats = np.empty((0, 4))

    def add(self, pulses: Pulses) -> None:
        """The next beats; those of poor quality are left out."""
        good = (pulses.quality >= 0.5) & np.isfinite(pulses.rr_ms)
        new = np.column_stack((pulses.t_s, pulses.rr_ms, pulses.amplitude, pulses.level))[good]
        if new.size:
            beats = np.concatenate((self._beats, new))
            self._beats = beats[beats[:, 0] > new[-1, 0] - WINDOW_S]

    def rate(self, now_s: float) -> float | None:
        """Breaths a minute when two of interval, height and level or all three agree, else None."""
        t = self._beats[:, 0]
        if t.size < 20 or now_s - t[-1] > LONGEST_WAIT_S or t[-1] - t[0] < 0.8 * WINDOW_S:
            return None
        if float(self._beats[:, 1].sum()) < 1000.0 * MIN_COVERAGE * WINDOW_S:
            return None
        grid = np.arange(t[0], t[-1], 1.0 / RATE_HZ)
        series = [np.interp(grid, t, x) for x in self._beats[:, 1:].T]
        rates = [counted_breaths_per_min(x, COUNT_PULSE) or breaths_per_min(x, PEAK_SHARE_PULSE) for x in series]
        told = [rate for rate in rates if rate is not None and rate >= LEAST_PULSE_BPM]
        if len(told) < 2 or float(np.std(told, ddof=1)) > FUSION_BPM:
            return None
        return sum(told) / len(told)


class ToldRate:
    """The rate as a device tells it."""

    def __init__(self) -> None:
        self._latest = (-math.inf, 0.0)

    def add(self, t_s: NDArray[np.float64], bpm: NDArray[np.float64], quality: ArrayLike = 1.0) -> None:
        """The next values (n,), in order of time; what no one breathes is passed over."""
        good = (bpm >= TOLD_BPM[0]) & (bpm <= TOLD_BPM[1]) & (np.asarray(quality) >= 0.5)
        if good.any():
            last = np.flatnonzero(good)[-1]
            self._latest = (float(t_s[last]), float(bpm[last]))

    def rate(self, now_s: float) -> float | None:
        """Breaths a minute as told within the last half minute; None otherwise."""
        return self._latest[1] if now_s - self._latest[0] <= TOLD_S else None
