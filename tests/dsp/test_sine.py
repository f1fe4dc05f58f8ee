"""The shared polynomials against the C library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.dsp.sine import cosine, exp2, log2, quarter_sine, sine

phases = st.floats(0.0, 1.0, exclude_max=True, width=32)


@given(phases)
def test_sine_and_cosine_are_within_a_millionth(phase):
    p = np.float32(phase)
    assert abs(float(sine(p)) - math.sin(2.0 * math.pi * float(p))) < 5e-7
    assert abs(float(cosine(p)) - math.cos(2.0 * math.pi * float(p))) < 5e-7


def test_sine_is_zero_where_it_should_be():
    assert float(sine(np.float32(0.0))) == 0.0
    assert float(sine(np.float32(0.5))) == 0.0


@given(st.floats(2.0**-100, 0.25, width=32))
def test_a_quarter_sine_keeps_its_precision_near_zero(turns):
    exact = math.sin(2.0 * math.pi * turns)
    assert float(quarter_sine(np.float32(turns))) == pytest.approx(exact, rel=4e-7)


@given(st.floats(-125.0, 125.0, width=32))
def test_powers_of_two(x):
    assert float(exp2(np.float32(x))) == pytest.approx(2.0**x, rel=3e-7)


@given(st.integers(-120, 120))
def test_whole_octaves_are_exact(octaves):
    assert float(exp2(np.float32(octaves))) == 2.0**octaves
    assert float(log2(np.float32(2.0**octaves))) == octaves


@given(st.floats(2.0**-120, 2.0**120, width=32))
def test_logarithm(x):
    assert float(log2(np.float32(x))) == pytest.approx(math.log2(x), rel=4e-7, abs=4e-7)


def test_out_of_range_stays_finite():
    assert math.isfinite(float(exp2(np.float32(1e6))))
    assert 0.0 < float(exp2(np.float32(-1e6))) < 1e-37
    assert float(log2(np.float32(0.0))) == pytest.approx(-126.0)
    assert float(log2(np.float32(-3.0))) == pytest.approx(-126.0)
