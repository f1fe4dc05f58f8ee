"""What leaves a session, measured from outside: loudness, rises, true peaks and attacks by the standards' own numbers.

Nothing here is shared with the engine. Audio is (frames, 2) at 48 kHz; levels are K-weighted by the coefficients that
BS.1770-4 prints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 48_000
ATTACK_DB, ATTACK_UNDER_LU, ATTACK_BACK_S = 12.0, 12.0, 0.4
SHORT_S, HOP_S = 0.020, 0.001
FORGET_LU_S = 2.0  # a level that was heard counts less by so much each second

_SHELF = ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585])
_HIGHPASS = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])


def level_lufs(audio: NDArray[np.floating], window_s: float, hop_s: float) -> NDArray[np.float64]:
    """K-weighted level of windows of `window_s`, one every `hop_s`; -150 for silence."""
    y = signal.lfilter(*_HIGHPASS, signal.lfilter(*_SHELF, np.asarray(audio, np.float64), axis=0), axis=0)
    total = np.concatenate(([0.0], np.cumsum((y**2).sum(axis=1))))
    window, hop = round(window_s * RATE), round(hop_s * RATE)
    return -0.691 + 10.0 * np.log10(np.maximum((total[window::hop] - total[:-window:hop]) / window, 10.0**-14.93))


def attacks(audio: NDArray[np.floating], programme_lufs: float) -> NDArray[np.float64]:
    """Every attack: a row of its time in s, the dB by which it stands out, and its 10 to 90 % rise time in ms.

    A peak of the level of 20 ms, over the programme less 12 LU and 12 dB over the least since the level was as high
    last (0.4 s at most). Its rise time is that of the last way up from 10 % to the first 90 % of the amplitude.
    """
    level = level_lufs(audio, SHORT_S, HOP_S)
    amplitude, back, found = 10.0 ** (level / 20.0), round(ATTACK_BACK_S / HOP_S), []
    for peak in signal.find_peaks(level, height=programme_lufs - ATTACK_UNDER_LU)[0]:
        start = max(peak - back, 0)
        as_high = np.flatnonzero(level[start:peak] >= level[peak])
        start += int(as_high[-1]) + 1 if as_high.size else 0
        if start >= peak:
            continue
        least = start + int(np.argmin(level[start:peak]))
        if level[peak] - level[least] < ATTACK_DB:
            continue
        way = (amplitude[least : peak + 1] - amplitude[least]) / (amplitude[peak] - amplitude[least])
        low = np.flatnonzero(way <= 0.1)[-1]
        high = low + np.flatnonzero(way[low:] >= 0.9)[0]
        low_at = low + (0.1 - way[low]) / (way[low + 1] - way[low])
        high_at = high - (way[high] - 0.9) / (way[high] - way[high - 1])
        found.append((peak * HOP_S, level[peak] - level[least], (high_at - low_at) * HOP_S * 1000.0))
    return np.array(found).reshape(-1, 3)


def largest_rise_lu(audio: NDArray[np.floating], window_s: float, floor_lufs: float, climb_s: float) -> float:
    """How far momentary loudness (400 ms) rises over what was heard before: over the louder of the level `window_s`
    ago and the loudest till then, forgotten at 2 LU a second. Out of silence, within 8 LU of `floor_lufs`, it may
    climb for `climb_s`.
    """
    level = level_lufs(audio, 0.4, 0.01)
    back, held, largest, climbing = round(window_s / 0.01), floor_lufs, 0.0, 0
    for i in range(level.size):
        held = max(held - 0.01 * FORGET_LU_S, level[i - back] if i >= back else floor_lufs, floor_lufs)
        climbing = round((climb_s + window_s + 1.0) / 0.01) if held < floor_lufs + 8.0 else climbing - 1
        if climbing <= 0:
            largest = max(largest, float(level[i] - held))
    return largest


def true_peak_dbtp(audio: NDArray[np.floating]) -> float:
    """Largest magnitude on a grid of four in each sample (BS.1770-4, annex 2)."""
    between = signal.resample_poly(np.asarray(audio, np.float64), 4, 1, axis=0)
    return float(20.0 * np.log10(np.abs(between).max() + 1e-12))
