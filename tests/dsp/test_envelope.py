"""Envelope steps against the closed form, and the velocity curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.dsp.envelope import NINETY_PERCENT, SIXTY_DB, db_gain, two_pole, velocity_gain

levels = st.floats(0.0, 1.0, width=32)


def step(first, second, target, elapsed):
    return tuple(map(float, two_pole(*(np.float32(x) for x in (first, second, target, elapsed)))))


@given(levels, levels, levels, st.floats(0.0, 20.0, width=32))
def test_equals_two_poles_in_closed_form(first, second, target, elapsed):
    keep = math.exp(-elapsed)
    wanted = target + (first - target) * keep, target + (second - target + (first - target) * elapsed) * keep
    assert step(first, second, target, elapsed) == pytest.approx(wanted, abs=2e-6)


@given(levels, levels, st.lists(st.floats(0.0, 2.0, width=32), min_size=1, max_size=8))
def test_many_steps_equal_one(first, target, parts):
    state = (first, first)
    for part in parts:
        state = step(*state, target, part)
    assert state == pytest.approx(step(first, first, target, sum(parts)), abs=5e-6)


def test_a_step_starts_flat_and_never_overshoots():
    rise = [step(0, 0, 1, t)[1] for t in np.linspace(0, 15, 200)]
    assert rise[0] == 0.0 and rise[1] < 0.005
    assert np.all(np.diff(rise) >= 0.0) and rise[-1] == pytest.approx(1.0, abs=1e-5)


def test_the_named_times():
    assert step(0, 0, 1, NINETY_PERCENT)[1] == pytest.approx(0.9, abs=1e-4)
    assert 20.0 * math.log10(step(1, 1, 0, SIXTY_DB)[1]) == pytest.approx(-60.0, abs=0.01)


@pytest.mark.parametrize(("velocity", "wanted_db"), [(0.0, -30.0), (0.1, -25.35), (0.5, -9.90), (1.0, 0.0)])
def test_velocity_curve(velocity, wanted_db):
    assert 20.0 * math.log10(float(velocity_gain(np.float32(velocity)))) == pytest.approx(wanted_db, abs=0.02)


def test_a_harder_note_is_louder():
    gains = [float(velocity_gain(np.float32(v))) for v in np.linspace(0.0, 1.0, 101)]
    assert np.all(np.diff(gains) > 0.0)


@given(st.floats(-120.0, 24.0, width=32))
def test_decibels(db):
    assert float(db_gain(np.float32(db))) == pytest.approx(10.0 ** (db / 20.0), rel=2e-6)
