"""Movement from the length of the acceleration vector: how much there is, and how far it explains the heart.

Above 0.1 g of alternating acceleration (rms) a raised heart rate is the muscles' doing before the mind's
(Myrtek 1996 calls the rest additional heart rate); it keeps so until the heart has recovered.
"""

from __future__ import annotations

import math

QUIET_G = 0.1
FULL_G = 0.2
MOST_G = 16.0  # the range of a wrist sensor
STALE_S = 10.0
MEAN_TAU_S = 3.0
RMS_TAU_S = 10.0
RECOVERY_S = 45.0


class Motion:
    """The acceleration channel. `metabolic` is the share of the heart's answer put down to movement, 0..1."""

    def __init__(self) -> None:
        self.metabolic = 0.0
        self.last_s = float("-inf")
        self._mean_g = 0.0
        self._square = 0.0

    def add(self, t_s: float, length_g: float, quality: float = 1.0) -> None:
        """The next sample, in order of time."""
        if quality < 0.5 or not 0.0 <= length_g <= MOST_G:
            return
        dt_s = t_s - self.last_s
        if dt_s > STALE_S:
            self._mean_g, self._square, dt_s = length_g, 0.0, 0.0
        self.last_s = t_s
        self._mean_g -= (length_g - self._mean_g) * math.expm1(-dt_s / MEAN_TAU_S)
        self._square -= ((length_g - self._mean_g) ** 2 - self._square) * math.expm1(-dt_s / RMS_TAU_S)
        share = min(max((self.rms_g - QUIET_G) / (FULL_G - QUIET_G), 0.0), 1.0)
        self.metabolic = max(share, self.metabolic * math.exp(-dt_s / RECOVERY_S))

    @property
    def rms_g(self) -> float:
        """Alternating acceleration of the last seconds, g rms."""
        return math.sqrt(self._square)

    def shown(self, now_s: float) -> float | None:
        """0 still to 1 at 0.2 g rms; None without a sensor."""
        return min(self.rms_g / FULL_G, 1.0) if now_s - self.last_s <= STALE_S else None
