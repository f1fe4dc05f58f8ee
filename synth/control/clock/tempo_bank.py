"""What the tempo may be doing: a bank of Kalman filters, one for each account of when it last changed, and how.

Every account has the same three states, over the tick number: time of the tick, time between ticks, and how that
changes. A tempo is taken to be steady, to ramp evenly, or to have stepped, and to change from one to another now and
then. Every FORK ticks the likeliest account is forked into one where it has just begun to ramp, one where it
has stepped, and one where a ramp has ended; what the ticks then say gives each account its weight (Bayes), and the
estimate is their mean. So a steady tempo is averaged over a long time, while a ramp is seen within two or three beats:
no filter of fixed gains does both. The Gaussian sum of Ackerson & Fu 1970 ("On state estimation in switching
environments"), kept small by dropping what has become unlikely; Galleani & Tavella 2010 ("Time and the Kalman filter")
have the three states of a clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.float64]

WANDER = 1e-6  # of the tick's length, its change a tick: of a steady clock
UNEVEN = 1e-6  # of the tick's length, change of the change a tick: of a ramp that is not quite even
RAMP_SD = 4e-5  # of the tick's length, change a tick: of the ramps that are looked for
STEP_SD = 0.01  # of the tick's length: of the steps that are looked for
FORK = 6  # ticks from one fork to the next
RAMPS, STEPS = 2e-3, 2e-4  # chance at a fork that a ramp begins or ends, and that the tempo steps
STEPS_AT_PLACE = 0.1  # chance that it has stepped where the clock was started or moved
NONE = 1e-300  # weight of an account that is as good as ruled out
UNLIKELY = 2e-5  # weight at which an account is dropped
MOST = 16  # accounts that are kept


class TempoBank:
    """The accounts together: `mean` is the state at the newest tick (s, s a tick, s a tick a tick), `spread` its
    covariance. Both are of the Gaussian that has the moments of the whole bank."""

    def __init__(self) -> None:
        self.begin(np.zeros(3), np.zeros((3, 3)))

    def begin(self, state: State, spread: State, *, ramps: bool = True) -> None:
        """Begin anew from one account: of a tempo that may ramp, or a steady one."""
        self._states, self._spreads = state[None].copy(), spread[None].copy()
        self._weights, self._ramps = np.ones(1), np.array([ramps])
        self._to_fork = FORK
        self._merge()

    def step(self, ticks: int, variance: float) -> float:
        """Go on by so many ticks; the variance with which a tick of such jitter will come about `mean`."""
        n = float(ticks)
        move = np.array([[1.0, n, n * n / 2.0], [0.0, 1.0, n], [0.0, 0.0, 1.0]])
        tick_s = self.mean[1]
        self._states = self._states @ move.T
        self._spreads = move @ self._spreads @ move.T
        self._spreads[:, 1, 1] += n * (WANDER * tick_s) ** 2
        self._spreads[:, 2, 2] += self._ramps * n * (UNEVEN * tick_s) ** 2
        self._merge()
        return float(self.spread[0, 0]) + variance

    def update(self, t_s: float, variance: float) -> None:
        """A tick came at `t_s`."""
        late = t_s - self._states[:, 0]
        expected = self._spreads[:, 0, 0] + variance
        gain = self._spreads[:, :, 0] / expected[:, None]
        self._states = self._states + gain * late[:, None]
        self._spreads = self._spreads - gain[:, :, None] * self._spreads[:, None, 0, :]
        logs = np.log(np.maximum(self._weights, NONE)) - 0.5 * (late * late / expected + np.log(expected))
        self._weights = np.exp(logs - logs.max())
        self._weights /= self._weights.sum()
        self._to_fork -= 1
        if self._to_fork <= 0:
            self._to_fork = FORK
            self._drop()
            self._fork(STEPS)
        self._merge()

    def place(self, t_s: float, variance: float) -> None:
        """The tick is at `t_s`, whatever was expected: the tempo goes on as it was, or perhaps not."""
        self.begin(np.array([t_s, self.mean[1], 0.0]), np.diag([variance, self.spread[1, 1], 0.0]), ramps=False)
        self._fork(STEPS_AT_PLACE)
        self._merge()

    def shift(self, by_s: float) -> None:
        """All times are later by so much."""
        self._states[:, 0] += by_s
        self.mean[0] += by_s

    def _merge(self) -> None:
        self.mean: State = self._weights @ self._states
        off = self._states - self.mean
        self.spread: State = np.einsum("i,ijk->jk", self._weights, self._spreads + off[:, :, None] * off[:, None, :])

    def _drop(self) -> None:
        keep = np.argsort(-self._weights, kind="stable")[:MOST]
        keep = keep[self._weights[keep] > UNLIKELY]
        self._states, self._spreads, self._ramps = self._states[keep], self._spreads[keep], self._ramps[keep]
        self._weights = self._weights[keep] / self._weights[keep].sum()

    def _fork(self, steps: float) -> None:
        best = int(np.argmax(self._weights))
        state, spread = self._states[best].copy(), self._spreads[best].copy()
        ramps = bool(self._ramps[best])
        state[2] = 0.0
        spread[2] = spread[:, 2] = 0.0
        ramp, step = spread.copy(), spread.copy()
        ramp[2, 2] = (RAMP_SD * state[1]) ** 2
        step[1, 1] += (STEP_SD * state[1]) ** 2
        new = [(ramp, True, RAMPS), (step, False, steps), (spread, False, RAMPS)][: 2 + ramps]
        spreads, are_ramps, chances = zip(*new, strict=True)
        self._states = np.concatenate((self._states, [state] * len(new)))
        self._spreads = np.concatenate((self._spreads, spreads))
        self._ramps = np.concatenate((self._ramps, are_ramps))
        self._weights = np.concatenate((self._weights * (1.0 - sum(chances)), chances))
