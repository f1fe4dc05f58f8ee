"""The breath wave: paced at three quarters of the listener's own rate, and given up when the breath does not follow.

Leslie et al. 2019: a loudness wave at 75 % of the person's own baseline breathing rate slowed breathing most, more
than a fixed six a minute. The speed of approach is the bus's business.
"""

from __future__ import annotations

import statistics
from collections import deque

from synth.estimator.state import State
from synth.safety.limits import LEAST_CONFIDENCE, limits

SHARE = 0.75
FLOOR_BPM = limits()["breath_rate_bpm"]
LEAST_READINGS = 20  # at one a second
MOST_READINGS = 3600  # the latest count, where somebody stays in the baseline for hours
NOT_FOLLOWING = 1.35  # times the paced rate
NOT_FOLLOWING_S = 120.0
ARRIVED = 1.05  # times the wanted rate


class BreathPacing:
    """Learns the own rate while the plan's baseline lasts, then watches whether the breath follows."""

    def __init__(self) -> None:
        self.own_bpm: float | None = None
        self.given_up = False
        self._readings: deque[float] = deque(maxlen=MOST_READINGS)
        self._off_s = 0.0

    @property
    def rate_bpm(self) -> float | None:
        """The rate to pace at; None while the own rate is not known."""
        return None if self.own_bpm is None else max(SHARE * self.own_bpm, FLOOR_BPM)

    def step(self, seconds: float, learning: bool, state: State | None, rate_bpm: float, depth_db: float) -> str:
        """Take in a state while the wave runs at `rate_bpm` and `depth_db`; what changed, in words, or ""."""
        breath = None if state is None or state.confidence < LEAST_CONFIDENCE else state.resp_bpm
        if learning:
            if breath is not None:
                self._readings.append(breath)
            return ""
        if self.own_bpm is None and len(self._readings) >= LEAST_READINGS:
            self.own_bpm = statistics.median(self._readings)
            return f"breath wave at three quarters of the own {self.own_bpm:.1f} breaths a minute"
        return self._watch(seconds, breath, rate_bpm, depth_db)

    def _watch(self, seconds: float, breath: float | None, rate_bpm: float, depth_db: float) -> str:
        wanted = self.rate_bpm or rate_bpm
        arrived = max(wanted / rate_bpm, rate_bpm / wanted) <= ARRIVED
        if self.given_up or breath is None or depth_db <= 0.5 or not arrived:
            self._off_s = 0.0
            return ""
        self._off_s = self._off_s + seconds if breath > NOT_FOLLOWING * rate_bpm else 0.0
        self.given_up = self._off_s >= NOT_FOLLOWING_S
        return "breath wave ends: breathing does not follow it" if self.given_up else ""
