"""The jitter filter: what a clock's ticks mean, from when they come.

A Kalman filter over the tick number with three states: time of the tick, time between ticks, and how that changes. The
change dies away over RAMP_TICKS (Singer 1970), so a ramp of the tempo is followed without lag, and a gap is bridged at
the tempo found last. The delay-locked loop of Adriaensen 2005 ("Using a DLL to filter time") is the same filter with
fixed gains and without the third state; Galleani & Tavella 2010 ("Time and the Kalman filter") have all three.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

TICKS_PER_BEAT = 24
SLOWEST_TICK_S, FASTEST_TICK_S = 60.0 / (15 * TICKS_PER_BEAT), 60.0 / (500 * TICKS_PER_BEAT)
RAMP_TICKS = 8 * TICKS_PER_BEAT
RAMP_SD = 4e-6, 6e-5  # of the tick's length, change a tick: of a steady clock, and of one whose ticks lean
LEAN_TICKS = 16  # over which it shows whether ticks lean to one side of the prediction
FIRST_JITTER_S, LEAST_JITTER_S = 2e-3, 2e-4
JITTER_TICKS = 192  # over which the jitter is learnt
GATE_SD = 4.5  # what lies further from the prediction is set aside
JUMP_SD = 6.0  # how far a run of ticks is from the filter's tempo when the clock has jumped
ASTRAY = 6  # ticks set aside in a row until the phase is taken anew
RUN = 12  # evenly spaced ticks that are believed against the filter
LOST_SD = 0.25  # of a tick: a prediction worse than this does not number ticks

State = NDArray[np.float64]


class JitterFilter:
    """Times are seconds on any axis that goes on. Ticks are numbered from 0: lost ones have their numbers too, a
    doubled one has none.

    `ticks`, `lost`, `doubled`, `outliers` and `relocks` count what came.
    """

    def __init__(self) -> None:
        self.ticks = self.lost = self.doubled = self.outliers = self.relocks = 0
        self.number = -1  # of the newest tick
        self.jitter_s = FIRST_JITTER_S  # standard deviation
        self.last_s = -math.inf  # when the newest tick came
        self._since = 0  # ticks since the last lock
        self._astray = 0
        self._lean = 0.0
        self._state: State = np.zeros(3)
        self._spread: State = np.zeros((3, 3))
        self._recent: deque[tuple[float, int]] = deque(maxlen=RUN + 1)

    @property
    def usable(self) -> bool:
        """Whether a beat was heard."""
        return self._since >= TICKS_PER_BEAT

    def tick(self, t_s: float) -> bool:
        """A tick that came at `t_s`; whether it has a number of its own."""
        t_s = max(t_s, self.last_s)
        before_s, self.last_s = self.last_s, t_s
        self.ticks += 1
        if self._since == 0:
            self._since, self.number = 1, self.number + 1
            self._recent.append((t_s, self.number))
            return True
        if self._since == 1:
            return self._begin(t_s, t_s - before_s)
        if self._astray >= ASTRAY:
            self._take_phase(t_s)
            return True
        ahead = round(self._ahead(t_s))
        state, spread = self._predict(max(ahead, 1))
        if ahead > 1 and math.sqrt(spread[0, 0]) > LOST_SD * state[1]:
            self.relocks += 1
            self._forget()
            return self.tick(t_s)
        self._recent.append((t_s, self.number + ahead))
        if ahead < 1:
            self.doubled += 1
        else:
            self.lost += ahead - 1
            self.number += ahead
            self._update(t_s - state[0], state, spread)
        self._look_for_a_run()
        return ahead > 0

    def rephase(self) -> None:
        """The next tick may come at any time: the clock was started or moved. Its number is the next one."""
        self._astray = ASTRAY

    def shift(self, by_s: float) -> None:
        """Go over to an axis on which all times are `by_s` later."""
        self._state[0] += by_s
        self.last_s += by_s
        self._recent = deque(((t_s + by_s, number) for t_s, number in self._recent), maxlen=RUN + 1)

    def number_at(self, t_s: float) -> float:
        """Which tick it is at `t_s`, between ticks a fraction."""
        return self.number + self._ahead(t_s)

    def time_of(self, number: float) -> float:
        """When tick `number` comes."""
        return float(self._predict(number - self.number)[0][0])

    def tick_s(self, number: float) -> float:
        """Time between ticks about tick `number`."""
        return float(self._state[1] + self._state[2] * _faded(number - self.number))

    @property
    def _ramp_sd(self) -> float:
        """How much of a ramp to expect: where the prediction is right, innovations lean to neither side."""
        chance = self._lean**2 * (2 * LEAN_TICKS - 1)  # 1 on average
        return RAMP_SD[0] * min(max(chance / 2.5, 1.0) ** 2, RAMP_SD[1] / RAMP_SD[0])

    def _begin(self, t_s: float, tick_s: float) -> bool:
        """The second tick gives the tempo; when the two are no clock, it counts as the first."""
        sound = FASTEST_TICK_S <= tick_s <= SLOWEST_TICK_S
        self.number += sound
        self._recent.append((t_s, self.number))
        if sound:
            self._lock(t_s, tick_s, 1)
            self._since = 2
        return sound

    def _lock(self, t_s: float, tick_s: float, steps: int) -> None:
        """Begin with the newest tick at `t_s`, and `tick_s` as measured over so many `steps`."""
        variance = self.jitter_s**2
        self._state = np.array([t_s, tick_s, 0.0])
        self._spread = np.diag([variance, 2.0 * variance / steps**2, (RAMP_SD[1] * tick_s) ** 2])
        self._spread[0, 1] = self._spread[1, 0] = variance / steps
        self._astray = 0

    def _forget(self) -> None:
        self._since = self._astray = 0
        self._recent.clear()

    def _take_phase(self, t_s: float) -> None:
        """Keep the tempo, but let the phase be that of the tick at `t_s`."""
        self._state, self._spread = self._predict(1)
        self._state[0] = t_s
        self._spread[0] = self._spread[:, 0] = 0.0
        self._spread[0, 0] = self.jitter_s**2
        self._astray = 0
        self.number += 1
        self.relocks += 1
        self._recent.clear()
        self._recent.append((t_s, self.number))

    def _update(self, late_s: float, state: State, spread: State) -> None:
        """Kalman's: move the prediction towards a tick that came `late_s` after it; leave it where that cannot be."""
        variance = spread[0, 0] + self.jitter_s**2
        self._state, self._spread = state, spread
        if late_s * late_s > GATE_SD**2 * variance:
            self.outliers += 1
            self._astray += 1
            return
        self._lean += (late_s / math.sqrt(variance) - self._lean) / LEAN_TICKS
        gain = spread[:, 0] / variance
        self._state = state + gain * late_s
        self._spread = spread - np.outer(gain, spread[0])
        self._since += 1
        self._astray = 0
        seen = max(late_s * late_s - spread[0, 0], 0.0) - self.jitter_s**2
        self.jitter_s = max(math.sqrt(self.jitter_s**2 + seen / JITTER_TICKS), LEAST_JITTER_S)

    def _look_for_a_run(self) -> None:
        """Believe a run of evenly spaced ticks that is not at the filter's tempo: the clock has jumped. From where the
        run began its ticks are counted."""
        if len(self._recent) <= RUN:
            return
        times = [t_s for t_s, _ in self._recent]
        steps = np.diff(times)
        mean_s = (times[-1] - times[0]) / RUN
        if not FASTEST_TICK_S <= mean_s <= SLOWEST_TICK_S or steps.min() < mean_s / 2 or steps.max() > 1.5 * mean_s:
            return
        sd_s = math.sqrt(2.0) * self.jitter_s / RUN
        if abs(mean_s - self.tick_s(self.number - RUN / 2)) > max(JUMP_SD * sd_s, 0.04 * mean_s):
            half = RUN // 2
            self.number = self._recent[0][1] + RUN
            self.relocks += 1
            self._lock(times[-1], (times[-1] - times[-1 - half]) / half, half)
            self._since = TICKS_PER_BEAT // 2
            self._recent.clear()
            self._recent.append((times[-1], self.number))

    def _predict(self, ticks: float) -> tuple[State, State]:
        """State and spread so many ticks on: Singer's transition, and the noise that keeps the change at RAMP_SD."""
        faded = _faded(ticks)
        stays = 1.0 - faded / RAMP_TICKS
        step = np.array([[1.0, ticks, RAMP_TICKS * (ticks - faded)], [0.0, 1.0, faded], [0.0, 0.0, stays]])
        spread = step @ self._spread @ step.T
        if ticks > 0:
            reach = np.array([ticks * ticks / 6.0, ticks / 2.0, 1.0])
            spread += (self._ramp_sd * self._state[1]) ** 2 * (1.0 - stays * stays) * np.outer(reach, reach)
        return step @ self._state, spread

    def _ahead(self, t_s: float) -> float:
        """Ticks from the newest to `t_s`, by Newton's method."""
        at_s, tick_s, change = self._state
        ticks = (t_s - at_s) / tick_s
        for _ in range(3):
            faded = _faded(ticks)
            reached_s = at_s + tick_s * ticks + change * RAMP_TICKS * (ticks - faded)
            ticks += (t_s - reached_s) / (tick_s + change * faded)
        return float(ticks)


def _faded(ticks: float) -> float:
    """How many ticks' change has added up after `ticks`; before the newest tick it is taken as even."""
    return RAMP_TICKS * -math.expm1(-ticks / RAMP_TICKS) if ticks > 0 else ticks
