"""Skin conductance: what to believe of it, its slow and quick parts, its responses, and where it is heading.

Validity follows Kleckner et al. 2018 (IEEE TBME 65:1460) rules 1, 2 and 4: 0.05 to 60 uS, no change faster than
10 uS/s, and five seconds either side of a breach; their temperature rule rejects a third of wrist data in a cool
room and is left out. So that the five seconds before a breach are dropped too, samples wait five seconds.
"""

from __future__ import annotations

import math
from collections import deque

from synth.estimator.baseline import SKIP_S, Baseline, Spread
from synth.estimator.inbox import STALE_S

EDA_RANGE_US = (0.05, 60.0)
SLOPE_US_PER_S = 10.0
GUARD_S = 5.0
FROZEN_S = 30.0
GAP_S = 10.0  # after a longer one the filters start anew from what they find

SMOOTH_TAU_S = 0.5  # of the signal responses are counted in
TONIC_TAU_S = 10.0  # the slow part, a first-order split at 0.016 Hz
SCR_MIN_US = 0.01  # smallest response counted (Boucsein 2012, section 2.4.2.3)
SCR_RISE_S = 4.0  # a response rises within 1 to 3 s; slower is drift
SCR_WINDOW_S = 60.0

TREND_TAU_S = 5.0
TREND_LIMIT_PER_S = 0.003  # natural logs a second; a quicker change counts as this
TREND_FLOOR = 0.05
RECENT_S, RECENT_USUAL_S = 120.0, 300.0
LONGER_S, LONGER_USUAL_S = 240.0, 600.0
LEVEL_TAU_S = 10.0
LEVEL_DRIFT_S = 900.0
LEVEL_SINKS = 0.2  # natural logs


class Split:
    """Causal slow and quick part of skin conductance; `tonic` + `phasic` is the smoothed signal, uS."""

    def __init__(self) -> None:
        self.smooth = 0.0
        self.tonic = 0.0

    def start(self, us: float) -> None:
        """Begin from `us`, all of it tonic."""
        self.smooth = self.tonic = us

    def add(self, us: float, dt_s: float) -> None:
        """The next sample."""
        self.smooth -= (us - self.smooth) * math.expm1(-dt_s / SMOOTH_TAU_S)
        self.tonic -= (self.smooth - self.tonic) * math.expm1(-dt_s / TONIC_TAU_S)

    @property
    def phasic(self) -> float:
        """The quick part, uS."""
        return self.smooth - self.tonic


class Responses:
    """Skin conductance responses: each rise of at least 0.01 uS from a valley of the last four seconds is one."""

    def __init__(self) -> None:
        self.onsets_s: deque[float] = deque()
        self._recent: deque[tuple[float, float]] = deque()  # rising minima of the last seconds
        self._peak: float | None = None

    def start(self) -> None:
        """Forget the course so far, keep the count."""
        self._recent.clear()
        self._peak = None

    def add(self, t_s: float, us: float) -> bool:
        """The next smoothed sample; True when a response begins to show."""
        if self._peak is not None:
            if us >= self._peak:
                self._peak = us
                return False
            if us > self._peak - 0.25 * SCR_MIN_US:
                return False
            self._peak = None
            self._recent.clear()
        while self._recent and self._recent[-1][1] >= us:
            self._recent.pop()
        self._recent.append((t_s, us))
        while self._recent[0][0] < t_s - SCR_RISE_S:
            self._recent.popleft()
        if us - self._recent[0][1] < SCR_MIN_US:
            return False
        self._peak = us
        self.onsets_s.append(t_s)
        while self.onsets_s[0] <= t_s - 2.0 * SCR_WINDOW_S:
            self.onsets_s.popleft()
        return True

    def count(self, from_s: float, to_s: float) -> int:
        """Responses with `from_s` < onset <= `to_s`, within the last two minutes."""
        return sum(from_s < t <= to_s for t in self.onsets_s)


class Trend:
    """Where log conductance has been heading over `memory_s`: a leaky sum of its change, each change bounded.

    The bound lets a burst of sweat or a shifted electrode count as no more than a brisk rise; the personal mean
    and deviation of the last `usual_s` turn the sum into a number that compares between people.
    """

    def __init__(self, memory_s: float, usual_s: float) -> None:
        self._memory_s = memory_s
        self._smooth = 0.0
        self._sum = 0.0
        self._usual = Spread(usual_s)

    def start(self, log_us: float) -> None:
        """Go on from `log_us` after a gap, as if there had been no change."""
        self._smooth = log_us

    def add(self, log_us: float, dt_s: float) -> None:
        """The next sample, ln uS."""
        step = -(log_us - self._smooth) * math.expm1(-dt_s / TREND_TAU_S)
        self._smooth += step
        bound = TREND_LIMIT_PER_S * dt_s
        self._sum = self._sum * math.exp(-dt_s / self._memory_s) + min(max(step, -bound), bound)
        self._usual.add(self._sum, dt_s)

    @property
    def feature(self) -> float:
        """The trend in personal deviations about the personal mean."""
        return (self._sum - self._usual.mean) / (self._usual.deviation + TREND_FLOOR)


class Eda:
    """The skin-conductance channel."""

    def __init__(self) -> None:
        self.split = Split()
        self.responses = Responses()
        self.recent = Trend(RECENT_S, RECENT_USUAL_S)
        self.longer = Trend(LONGER_S, LONGER_USUAL_S)
        self.baseline = Baseline(LEVEL_DRIFT_S, LEVEL_SINKS)
        self.rejected = 0
        self.heard_s = float("-inf")  # last sample of any kind
        self.last_s = float("-inf")  # last valid one
        self.blocked_s = float("-inf")  # up to when a breach spoils what follows
        self._level = 0.0
        self._previous = (float("-inf"), 0.0)
        self._changed_s = float("-inf")
        self._waiting: deque[tuple[float, float]] = deque()
        self._processed_s = float("-inf")
        self._covered: deque[tuple[float, float]] = deque()
        self._covered_s = 0.0
        self.scr_baseline = Baseline(math.inf, 0.0)

    def add(self, t_s: float, us: float, quality: float = 1.0) -> None:
        """The next sample, in order of time; one that is not finite is missing, no breach."""
        if not math.isfinite(us):
            return
        before_s, before = self._previous
        self._previous = (t_s, us)
        self.heard_s = t_s
        steep = abs(us - before) > SLOPE_US_PER_S * (t_s - before_s)
        if quality < 0.5 or not EDA_RANGE_US[0] <= us <= EDA_RANGE_US[1] or steep:
            self.rejected += 1
            self._waiting.clear()
            self.blocked_s = t_s + GUARD_S
            return
        if us != before:
            self._changed_s = t_s
        if t_s < self.blocked_s:
            self.rejected += 1
            return
        self.last_s = t_s
        if not self.frozen(t_s):
            self._waiting.append((t_s, us))
        while self._waiting and self._waiting[0][0] <= t_s - GUARD_S:
            self._measure(*self._waiting.popleft())

    def _measure(self, t_s: float, us: float) -> None:
        dt_s = t_s - self._processed_s
        self._processed_s = t_s
        log_us = math.log(us)
        if dt_s > GAP_S:
            self.split.start(us)
            self.responses.start()
            self._turn(log_us, 0.0)
            self._level = log_us
            return
        self.split.add(us, dt_s)
        self.responses.add(t_s, self.split.smooth)
        self._level -= (log_us - self._level) * math.expm1(-dt_s / LEVEL_TAU_S)
        self.baseline.add(self._level, dt_s)
        self._turn(log_us, dt_s if self.baseline.seconds > SKIP_S else 0.0)
        self._covered.append((t_s, dt_s))
        self._covered_s += dt_s
        while self._covered[0][0] <= t_s - SCR_WINDOW_S:
            self._covered_s -= self._covered.popleft()[1]
        rate = self.scr_per_min
        if rate is not None:
            self.scr_baseline.add(rate, dt_s)

    def _turn(self, log_us: float, dt_s: float) -> None:
        """Bring the trends up to date; `dt_s` 0 starts them anew from `log_us`."""
        for trend in (self.recent, self.longer):
            if dt_s > 0.0:
                trend.add(log_us, dt_s)
            else:
                trend.start(log_us)

    def frozen(self, now_s: float) -> bool:
        """Whether the value has not changed for too long."""
        return now_s - self._changed_s > FROZEN_S

    def trouble(self, now_s: float, stale_s: float = STALE_S) -> str:
        """Why the channel does not speak of now: "missing", "off", "disturbed", "frozen" or "" when it does."""
        if now_s - self.heard_s > stale_s:
            return "missing"
        if now_s < self.blocked_s or now_s - self.last_s > stale_s:
            return "off" if self._previous[1] < EDA_RANGE_US[0] else "disturbed"
        return "frozen" if self.frozen(now_s) else ""

    @property
    def level_feature(self) -> float:
        """Log conductance over its slowly drifting baseline, bounded to -1..1."""
        return math.tanh(self._level - self.baseline.mean)

    @property
    def scr_per_min(self) -> float | None:
        """Responses a minute over the last minute of data; None when less than half of it was valid."""
        if self._covered_s < 0.5 * SCR_WINDOW_S:
            return None
        return 60.0 * self.responses.count(self._processed_s - SCR_WINDOW_S, self._processed_s) / self._covered_s

    def scr_change(self) -> float | None:
        """Responses of the last minute over those of the minute before; None when too few to compare."""
        now_s = self._processed_s
        before = self.responses.count(now_s - 2.0 * SCR_WINDOW_S, now_s - SCR_WINDOW_S)
        return self.responses.count(now_s - SCR_WINDOW_S, now_s) / before if before >= 3 else None
