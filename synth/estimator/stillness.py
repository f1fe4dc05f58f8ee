"""Stillness: how long an arm has hardly moved, from the length of the acceleration vector alone.

Mean amplitude deviation in epochs of five seconds needs no calibration and no axes (Vaha-Ypya et al. 2015, Clin.
Physiol. Funct. Imaging 35:64). At the wrists of Stress-Predict (Iqbal et al. 2022) it is 1 to 10 mg in people who sit
at ease and 50 mg and more when they gesture; under 20 mg counts as still. Five minutes without movement is what van
Hees et al. 2015 (PLoS ONE 10:e0142533) call sustained inactivity, there by the angle of the arm, which a length does
not tell. It is stillness, not sleep: people lie awake, and a sensor on a table is stillest of all.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from synth.estimator.spectrum import FARTHEST_S, Floats

EPOCH_S = 5.0
LEAST_SAMPLES = 5  # an epoch
MOST_SAMPLES = 5000
STILL_G = 0.02
MOST_G = 16.0  # the range of a wrist sensor
FORGIVEN_S = 60.0  # a lone stir ends nothing, a second one within this does
BOUT_S = 300.0
SHARE_S = 600.0
STALE_S = 30.0


class Stillness:
    """The acceleration channel, epoch by epoch."""

    def __init__(self) -> None:
        self._t: Floats = np.empty(0)  # of the epoch under way
        self._g: Floats = np.empty(0)
        self._epochs: deque[tuple[float, bool]] = deque(maxlen=round(SHARE_S / EPOCH_S))  # end s, still
        self._since_s = math.nan  # start of the stretch of stillness; NaN in movement
        self._stirred_s = -math.inf

    def add(self, t_s: Floats, length_g: Floats, quality: ArrayLike = 1.0) -> None:
        """The next samples (n,) in order of time; what no arm can do is passed over."""
        good = (length_g >= 0.0) & (length_g <= MOST_G) & (np.asarray(quality, dtype=np.float64) >= 0.5)
        good &= np.abs(t_s) < FARTHEST_S
        t, g = np.concatenate((self._t, t_s[good])), np.concatenate((self._g, length_g[good]))
        epoch = np.floor(t / EPOCH_S)
        starts = np.flatnonzero(np.concatenate((np.ones(min(t.size, 1), bool), epoch[1:] != epoch[:-1])))
        if starts.size > 1:
            counts = np.diff(starts)
            whole = slice(0, starts[-1])
            mean = np.repeat(np.add.reduceat(g[whole], starts[:-1]) / counts, counts)
            deviation_g = np.add.reduceat(np.abs(g[whole] - mean), starts[:-1]) / counts
            for index, count, mad_g in zip(epoch[starts[:-1]].tolist(), counts, deviation_g.tolist(), strict=True):
                if count >= LEAST_SAMPLES:
                    self._end_epoch((index + 1.0) * EPOCH_S, mad_g < STILL_G)
        last = starts[-1] if starts.size else 0
        self._t, self._g = t[last:][:MOST_SAMPLES], g[last:][:MOST_SAMPLES]

    def still_s(self, now_s: float) -> float | None:
        """For how long there has been no movement but a lone stir, s; 0 in movement, None without a sensor."""
        if not self._epochs or now_s - self._epochs[-1][0] > STALE_S:
            return None
        return 0.0 if math.isnan(self._since_s) else self._epochs[-1][0] - self._since_s

    def share(self, now_s: float) -> float | None:
        """Share of still epochs of the last ten minutes, 0..1; None without a sensor or with less than half of them."""
        recent = [still for end_s, still in self._epochs if end_s > now_s - SHARE_S]
        if self.still_s(now_s) is None or len(recent) * EPOCH_S < 0.5 * SHARE_S:
            return None
        return sum(recent) / len(recent)

    def sustained(self, now_s: float) -> bool | None:
        """Whether there has been no movement for five minutes; None without a sensor."""
        still_s = self.still_s(now_s)
        return None if still_s is None else still_s >= BOUT_S

    def _end_epoch(self, end_s: float, still: bool) -> None:
        """Take in an epoch that ended at `end_s`."""
        if self._epochs and end_s - self._epochs[-1][0] > STALE_S:
            self._since_s, self._stirred_s = math.nan, -math.inf
        self._epochs.append((end_s, still))
        if still:
            if math.isnan(self._since_s):
                self._since_s = end_s - EPOCH_S
            return
        if end_s - self._stirred_s <= FORGIVEN_S:
            self._since_s = math.nan
        self._stirred_s = end_s
