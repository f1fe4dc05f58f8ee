"""The jitter filter: what a clock's ticks mean, from when they come.

It numbers the ticks, sets aside those that cannot be, and finds where the clock has started anew or jumped; tempo and
phase of what remains are told by the bank (`synth.control.clock.tempo_bank`). A change of the tempo is taken to die
away over RAMP_TICKS from the newest tick on (Singer 1970), so that a gap is bridged near the tempo found last.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from synth.control.clock.tempo_bank import RAMP_SD, TempoBank

TICKS_PER_BEAT = 24
SLOWEST_TICK_S, FASTEST_TICK_S = 60.0 / (15 * TICKS_PER_BEAT), 60.0 / (500 * TICKS_PER_BEAT)
RAMP_TICKS = 8 * TICKS_PER_BEAT
FIRST_JITTER_S, LEAST_JITTER_S = 2e-3, 2e-4
JITTER_TICKS = 192  # over which the jitter is learnt
GAP_RAMP_SD = 4e-6  # of the tick's length, change a tick: that is allowed for where ticks are missing
GATE_SD = 4.5  # what lies further from the prediction is set aside
JUMP_SD = 6.0  # how far a run of ticks is from the filter's tempo when the clock has jumped
ASTRAY = 6  # ticks set aside in a row until the phase is taken anew
RUN = 12  # evenly spaced ticks that are believed against the filter
ALIKE = 0.5  # of what a run is off, at least, each half of it: one late tick is no jump
FIRST_AHEAD = 0.25, 1.9  # ticks ahead that count as one among the first
LOST_SD = 0.25  # of a tick: a prediction worse than this does not number ticks


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
        self._bank = TempoBank()
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
        ahead = self._ahead_of_newest(t_s)
        if ahead > 1 and self._unsure_s(ahead) > LOST_SD * self._bank.mean[1]:
            self.relocks += 1
            self._forget()
            return self.tick(t_s)
        self._recent.append((t_s, self.number + ahead))
        if ahead < 1:
            self.doubled += 1
        else:
            self.lost += ahead - 1
            self.number += ahead
            self._update(t_s, ahead)
        self._look_for_a_run()
        return ahead > 0

    def rephase(self) -> None:
        """The next tick may come at any time: the clock was started or moved. Its number is the next one."""
        self._astray = ASTRAY

    def shift(self, by_s: float) -> None:
        """Go over to an axis on which all times are `by_s` later."""
        self._bank.shift(by_s)
        self.last_s += by_s
        self._recent = deque(((t_s + by_s, number) for t_s, number in self._recent), maxlen=RUN + 1)

    def number_at(self, t_s: float) -> float:
        """Which tick it is at `t_s`, between ticks a fraction."""
        return self.number + self._ahead(t_s)

    def time_of(self, number: float) -> float:
        """When tick `number` comes."""
        at_s, tick_s, change = self._bank.mean
        ticks = number - self.number
        return float(at_s + tick_s * ticks + change * RAMP_TICKS * (ticks - _faded(ticks)))

    def tick_s(self, number: float) -> float:
        """Time between ticks about tick `number`."""
        return float(self._bank.mean[1] + self._bank.mean[2] * _faded(number - self.number))

    def _ahead_of_newest(self, t_s: float) -> int:
        """By how many ticks this one is ahead of the newest. Of the first few the next is believed to come next, for
        as yet the tempo is hardly known."""
        ahead = self._ahead(t_s)
        return 1 if self._since < RUN and FIRST_AHEAD[0] < ahead < FIRST_AHEAD[1] else round(ahead)

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
        spread = np.diag([variance, 2.0 * variance / steps**2, (RAMP_SD * tick_s) ** 2])
        spread[0, 1] = spread[1, 0] = variance / steps
        self._bank.begin(np.array([t_s, tick_s, 0.0]), spread)
        self._astray = 0

    def _forget(self) -> None:
        self._since = self._astray = 0
        self._recent.clear()

    def _take_phase(self, t_s: float) -> None:
        """Keep the tempo, but let the phase be that of the tick at `t_s`."""
        self._bank.step(1, 0.0)
        self._bank.place(t_s, self.jitter_s**2)
        self._astray = 0
        self.number += 1
        self.relocks += 1
        self._recent.clear()
        self._recent.append((t_s, self.number))

    def _update(self, t_s: float, steps: int) -> None:
        """A tick so many steps on, at `t_s`: goes to the bank, unless it cannot be."""
        variance = self._bank.step(steps, self.jitter_s**2)
        late_s = t_s - self._bank.mean[0]
        if late_s * late_s > GATE_SD**2 * variance:
            self.outliers += 1
            self._astray += 1
            return
        seen = max(late_s * late_s - variance + self.jitter_s**2, 0.0) - self.jitter_s**2
        self._bank.update(t_s, self.jitter_s**2)
        self._since += 1
        self._astray = 0
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
        half, expected_s = RUN // 2, self.tick_s(self.number - RUN / 2)
        least_s = max(JUMP_SD * math.sqrt(2.0) * self.jitter_s / RUN, 0.04 * mean_s)
        off_s, first_s, last_s = mean_s - expected_s, steps[:half].mean() - expected_s, steps[half:].mean() - expected_s
        if abs(off_s) > least_s and min(first_s / off_s, last_s / off_s) > ALIKE:
            self.number = self._recent[0][1] + RUN
            self.relocks += 1
            self._lock(times[-1], (times[-1] - times[-1 - half]) / half, half)
            self._since = TICKS_PER_BEAT // 2
            self._recent.clear()
            self._recent.append((times[-1], self.number))

    def _unsure_s(self, ticks: int) -> float:
        """Standard deviation of when the tick so many ahead comes, where it may have begun to ramp meanwhile."""
        spread, tick_s = self._bank.spread, self._bank.mean[1]
        kept = spread[0, 0] + 2.0 * ticks * spread[0, 1] + ticks * ticks * spread[1, 1]
        ramp_s = GAP_RAMP_SD * tick_s * math.sqrt(-math.expm1(-2.0 * ticks / RAMP_TICKS)) * ticks * ticks / 6.0
        return math.sqrt(kept + ramp_s**2)

    def _ahead(self, t_s: float) -> float:
        """Ticks from the newest to `t_s`, by Newton's method."""
        at_s, tick_s, change = self._bank.mean
        ticks = (t_s - at_s) / tick_s
        for _ in range(3):
            faded = _faded(ticks)
            reached_s = at_s + tick_s * ticks + change * RAMP_TICKS * (ticks - faded)
            ticks += (t_s - reached_s) / (tick_s + change * faded)
        return float(ticks)


def _faded(ticks: float) -> float:
    """How many ticks' change has added up after `ticks`; before the newest tick it is taken as even."""
    return RAMP_TICKS * -math.expm1(-ticks / RAMP_TICKS) if ticks > 0 else ticks
