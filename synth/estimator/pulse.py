"""Heart rate from a pulse wave, even a shaken one: a belief over heart rates, carried on from second to second.

Single beats of a wrist's pulse wave are lost as soon as the hand moves, and a rate counted from what is left wanders
off for minutes. The wave's spectrum still shows the heart most of the time, and a heart does not leap. So this is
the forward pass of a hidden Markov model whose states are heart rates (Bieri et al. 2023, BeliefPPG, UAI; spectral
tracking goes back to Zhang et al. 2015, TROIKA, IEEE TBME 62:522): each second the belief spreads as far as a heart
may move, and is weighed by the spectrum of the last eight seconds, by beat intervals where they are known, and
a little by the rates usual for the person. While the wave shows nothing, the belief widens instead of following noise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 32.0  # of the wave as it is looked at
WINDOW_S = 8.0
FFT_SIZE = 2048
BAND_BPM = (30.0, 361.0)  # the spectrum is shares of the power in it
RATES_BPM = (40.0, 180.0)
MIN_FILLED = 0.9  # of the window's time with samples

MOVE_BPM = 1.0  # mean step of a heart from one second to the next, Laplacian
LEAP = 1e-3  # chance that all that was believed is wrong
WAVE_TRUST = 0.4  # windows overlap: each second counts for a part
SECOND = 0.5  # what power at twice the rate counts
WAVE_NOISE = 0.01  # share of the power that noise alone gives a rate
BEAT_TRUST = 0.5
BEAT_BPM = 4.0  # how far an interval may be from the rate
BEAT_WRONG = 0.1
USUAL_TRUST = 0.05
USUAL_FLOOR = 1e-4
USUAL_S = 600.0
FIRST_BPM, FIRST_SPREAD = 75.0, 0.25  # of anyone's heart at rest: middle and deviation in natural logs

_BPM = np.arange(FFT_SIZE // 2 + 1) * (60.0 * RATE_HZ / FFT_SIZE)
_BAND = slice(*np.searchsorted(_BPM, BAND_BPM))
_STATES = slice(*np.searchsorted(_BPM, RATES_BPM))
RATES = _BPM[_STATES]
_SLOPE = _BPM[_BAND] ** 2  # power of the wave's slope, which has less of the slow wander
_FUNDAMENTAL = np.arange(_STATES.start, _STATES.stop) - _BAND.start
_SECOND = 2 * np.arange(_STATES.start, _STATES.stop) - _BAND.start
_HANN = np.hanning(int(WINDOW_S * RATE_HZ))


def _moves() -> NDArray[np.float64]:
    apart = np.exp(-np.abs(RATES[:, None] - RATES[None, :]) / MOVE_BPM)
    return (1.0 - LEAP) * apart / apart.sum(axis=1, keepdims=True) + LEAP / RATES.size


_MOVES = _moves()
_FIRST = np.exp(-0.5 * (np.log(RATES / FIRST_BPM) / FIRST_SPREAD) ** 2)
_FIRST /= _FIRST.sum()


def shown(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the slope's power at each of `RATES` and, in part, at twice that, in a window (256,) at 32 Hz."""
    power = np.abs(np.fft.rfft((wave - wave.mean()) * _HANN, FFT_SIZE)[_BAND]) ** 2 * _SLOPE
    total = float(power.sum())
    if not 0.0 < total < math.inf:
        return np.zeros(RATES.size)
    return (power[_FUNDAMENTAL] + SECOND * power[_SECOND]) / total


class Pulse:
    """The belief. `rate_bpm` is its mean and `deviation_bpm` its standard deviation; `heard_s` the latest evidence."""

    def __init__(self) -> None:
        self.heard_s = -math.inf
        self._belief = _FIRST.copy()
        self._usual = _FIRST.copy()
        self._t: NDArray[np.float64] = np.empty(0)
        self._x: NDArray[np.float64] = np.empty(0)
        self._beats_bpm: list[float] = []
        self._stepped_s = -math.inf

    def add(self, t_s: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        """The wave's next samples (n,), any rate from 20 Hz, in order of time."""
        t, x = np.concatenate((self._t, t_s)), np.concatenate((self._x, x))
        recent = slice(int(np.searchsorted(t, t[-1] - WINDOW_S - 2.0)), None) if t.size else slice(None)
        self._t, self._x = t[recent], x[recent]

    def beat(self, rr_ms: float) -> None:
        """A believed beat interval, evidence for the second to come."""
        self._beats_bpm.append(60000.0 / rr_ms)

    def step(self, now_s: float) -> bool:
        """Bring the belief up to `now_s`, seconds, once a second; whether a second had passed."""
        if now_s < self._stepped_s + 1.0:
            return False
        self._stepped_s = math.floor(now_s)
        belief = self._belief @ _MOVES
        wave = self._window(now_s)
        evidence = np.zeros(0) if wave is None else shown(wave)
        if evidence.any():
            self.heard_s = now_s
            belief *= (WAVE_NOISE + evidence) ** WAVE_TRUST
            belief *= (self._usual + USUAL_FLOOR) ** USUAL_TRUST
        for bpm in self._beats_bpm:
            belief *= (np.exp(-0.5 * ((RATES - bpm) / BEAT_BPM) ** 2) + BEAT_WRONG) ** BEAT_TRUST
        self._beats_bpm.clear()
        self._belief = belief / belief.sum()
        self._usual += (self._belief - self._usual) / USUAL_S
        return True

    def _window(self, now_s: float) -> NDArray[np.float64] | None:
        """The last eight seconds at 32 Hz, means of what fell into each step; None with gaps."""
        steps = np.floor((self._t - (now_s - WINDOW_S)) * RATE_HZ)
        inside = (steps >= 0) & (steps < _HANN.size)
        at = steps[inside].astype(np.int64)
        if not at.size:
            return None
        counts = np.bincount(at, minlength=_HANN.size)
        filled = np.flatnonzero(counts)
        widest = int(np.diff(filled, prepend=-1, append=_HANN.size).max())
        if widest > (1.0 - MIN_FILLED) * _HANN.size:
            return None
        means = np.bincount(at, weights=self._x[inside], minlength=_HANN.size)[filled] / counts[filled]
        return np.interp(np.arange(_HANN.size), filled, means)

    @property
    def rate_bpm(self) -> float:
        """Mean of the belief, beats a minute."""
        return float(self._belief @ RATES)

    @property
    def deviation_bpm(self) -> float:
        """Standard deviation of the belief, beats a minute."""
        return math.sqrt(max(float(self._belief @ (RATES * RATES)) - self.rate_bpm**2, 0.0))
