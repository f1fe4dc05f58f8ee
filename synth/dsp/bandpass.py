"""A high-pass and a low-pass in a row, for what goes round a loop in stereo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.butterworth import butterworth
from synth.dsp.quantum import QUANTUM

HALF = np.float32(0.5)


def band(highpass_hz: float, lowpass_hz: float, sample_rate: int) -> NDArray[np.float32]:
    """(2, 5): both Butterworth filters of the second order, -3 dB at their corners."""
    return np.array([butterworth(highpass_hz, sample_rate), butterworth(lowpass_hz, sample_rate)], np.float32)


@kernel
def bandpass(filters, lows, wet):  # type: ignore[no-untyped-def]
    """One quantum `wet` (2, 64) through the `filters` of `band`, in place; `lows` (2, 4) is their memory."""
    hp, hq, hr, ht, hk = filters[0, 0], filters[0, 1], filters[0, 2], filters[0, 3], filters[0, 4]
    lp, lq, lr, lt = filters[1, 0], filters[1, 1], filters[1, 2], filters[1, 3]
    for c in range(2):
        s1, s2, s3, s4 = lows[c, 0], lows[c, 1], lows[c, 2], lows[c, 3]
        for n in range(QUANTUM):
            v = wet[c, n]
            t1, t2 = hp * s1 - hq * s2 + hq * v, hq * s1 + hr * s2 + ht * v
            v -= HALF * (hk * (s1 + t1) + s2 + t2)
            s1, s2 = t1, t2
            t1, t2 = lp * s3 - lq * s4 + lq * v, lq * s3 + lr * s4 + lt * v
            wet[c, n] = HALF * (s4 + t2)
            s3, s4 = t1, t2
        lows[c, 0], lows[c, 1], lows[c, 2], lows[c, 3] = s1, s2, s3, s4
