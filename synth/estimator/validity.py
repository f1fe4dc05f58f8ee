"""Whether the estimate fits this person at all: some bodies hardly answer, and then it means little.

Of the people the model was fitted on, those whose probability of strain had hardly moved by the end were those in
whom it told strain from rest worst. The flag can tell an unmoved body from a moved one, not a body that does not
answer from an hour without strain: so it lowers confidence a little and says so, no more. `bench/estimator.py` prints
how often it is wrong.
"""

from __future__ import annotations

import math

from synth.estimator.baseline import Spread

NEEDED_S = 900.0  # of evidence before anything is said
LEAST_DEVIATION = 0.165  # of the probability over the session
DOUBT = 0.8  # what confidence is worth while the flag is up


class Fit:
    """The flag: None while too little is known, then whether the estimate has moved enough to mean something."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._spread = Spread(math.inf)

    def add(self, p_elevated: float, dt_s: float) -> None:
        """A probability that held for `dt_s` seconds, with evidence."""
        self._seconds += dt_s
        self._spread.add(p_elevated, dt_s)

    @property
    def fits(self) -> bool | None:
        """True, False, or None before `NEEDED_S` of evidence."""
        return None if self._seconds < NEEDED_S else self._spread.deviation >= LEAST_DEVIATION
