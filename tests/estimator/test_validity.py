"""The flag of a body that hardly answers."""

from __future__ import annotations

import math

from synth.estimator.validity import LEAST_DEVIATION, NEEDED_S, Fit


def after(deviation: float, seconds: float) -> bool | None:
    fit = Fit()
    for second in range(int(seconds)):
        fit.add(0.4 + math.sqrt(2.0) * deviation * math.sin(second / 40.0), 1.0)
    return fit.fits


def test_nothing_is_said_at_first() -> None:
    assert after(0.3, NEEDED_S - 1) is None and after(0.0, NEEDED_S - 1) is None


def test_a_body_that_moves_the_estimate_fits_and_one_that_does_not_is_flagged() -> None:
    assert after(1.2 * LEAST_DEVIATION, 3000) is True
    assert after(0.8 * LEAST_DEVIATION, 3000) is False
    assert after(0.0, 3000) is False


def test_seconds_count_however_they_are_cut() -> None:
    coarse, fine = Fit(), Fit()
    for second in range(1000):
        p = 0.2 + 0.6 * (second // 100 % 2)
        coarse.add(p, 1.0)
        for _ in range(4):
            fine.add(p, 0.25)
    assert coarse.fits is fine.fits is True
