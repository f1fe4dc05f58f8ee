"""Tempo changes at once: the simple ratios, and when they help."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer import passage


@given(st.floats(44.0, 140.0), st.floats(44.0, 140.0), st.integers(2, 12))
def test_a_ratio_is_simple_fits_the_bar_and_brings_the_tempo_nearer(now, wanted, metre):
    ratio = passage.ratio(now, wanted, metre)
    if ratio is None:
        return
    assert ratio.numerator + ratio.denominator <= 7 and (ratio * metre).denominator == 1
    assert abs(math.log2(wanted / (now * ratio))) <= 0.5 * abs(math.log2(wanted / now)) + 1e-9


@pytest.mark.parametrize(
    ("now", "wanted", "metre", "ratio"),
    [(60, 90, 4, (3, 2)), (60, 120, 3, (2, 1)), (120, 60, 4, (1, 2)), (90, 60, 3, (2, 3)), (80, 106, 3, (4, 3))],
)
def test_known_modulations(now, wanted, metre, ratio):
    assert passage.ratio(now, wanted, metre) == Fraction(*ratio)


def test_a_small_change_is_left_to_a_ramp():
    assert passage.ratio(60, 63, 4) is None and not passage.worth_a_leap(60, 62) and passage.worth_a_leap(60, 70)
