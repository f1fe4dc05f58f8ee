"""Clicks in a stem: a moment of high treble far above what is around it, too short to be a sound.

A step or a gap has energy up to the highest frequencies within a fraction of a millisecond; strokes, drops and noise
have less of it, or for longer. Nothing here is shared with the engine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

ABOVE_HZ = 14_000.0
NEAR_S, GUARD_S, AROUND_S = 0.0008, 0.004, 0.02  # a click, what the filter makes of it, and what it is held against
OVER_DB, FLOOR_DBFS = 20.0, -96.0
TAPS = 127


def clicks(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Times in s of the clicks in `audio` (frames,), its first and last AROUND_S left out."""
    taps = signal.firwin(TAPS, ABOVE_HZ, fs=sample_rate, pass_zero=False, window=("kaiser", 10.0))
    power = signal.oaconvolve(np.asarray(audio, np.float64), taps, mode="same") ** 2
    near, guard, around = (2 * (round(s * sample_rate) // 2) + 1 for s in (NEAR_S, GUARD_S, AROUND_S))
    here = ndimage.uniform_filter1d(power, near) * near
    held, wide = (ndimage.uniform_filter1d(power, width) * width for width in (guard, around))
    rest = np.maximum(wide - held, 0.0) * near / (around - guard)  # what as long a time has around it
    floor = 10.0 ** (FLOOR_DBFS / 10.0) * near
    found = here > np.maximum(10.0 ** (OVER_DB / 10.0) * rest, floor)
    found[:around] = found[-around:] = False  # where the audio is cut off
    starts = np.flatnonzero(found & ~np.roll(found, 1))
    times: list[float] = []
    for start in starts / sample_rate:
        if not times or start - times[-1] > AROUND_S:
            times.append(float(start))
    return np.array(times)
