"""The attack rule by itself: what may be heard next, against a twin that looks at the whole past."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp.attack import ONSET, SPANS, Attack, attack_allowed, attack_heard, attack_left, attack_level

RATE, FLOOR = 48_000, 1e-4
QUANTUM_S = 64 / RATE


def held(powers, attack_ms=25.0, growth_db=6.0, line=False, rate=RATE, attack=None):
    """The level that is heard of quanta of `powers`, when each is held to what is allowed at once."""
    settings_, recent, least, state, places = (attack or Attack(rate, attack_ms, growth_db, line)).arrays
    levels = []
    for power in powers:
        came = attack_level(power, recent, state, places)
        level = min(came, attack_allowed(FLOOR, settings_, least, state, places))
        attack_heard(level, settings_, least, state, places)
        levels.append(level)
    return np.array(levels)


def twin(powers, attack_ms=25.0, growth_db=6.0, line=False):
    """The same from the whole past: least levels in whole spans of a quarter of the attack time."""
    span = math.ceil(attack_ms / 1000.0 / QUANTUM_S / SPANS)
    width, growth = int(0.02 / QUANTUM_S), 10.0 ** (growth_db / 10.0)
    heard = [0.0] * (2 * SPANS * span)
    for i, power in enumerate(powers):
        mean = sum(powers[max(i - width + 1, 0) : i + 1]) / width
        came, into = max(mean, ONSET * power), (i - 1) % span + 1 if i else 0
        back = SPANS * span + into
        lately = min(heard[-back:]) if back < i else 0.0  # before the first quantum was silence
        before = min(heard[-(2 * SPANS * span + into) :]) if 2 * SPANS * span + into < i else 0.0
        on = max(heard[-1], FLOOR) * growth ** (1000.0 * QUANTUM_S / attack_ms) if line else math.inf
        heard.append(min(came, max(FLOOR, growth * before, min(growth * lately, on))))
    return np.array(heard[2 * SPANS * span :])


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-60.0, 0.0), st.integers(1, 30)), min_size=1, max_size=6),
    st.sampled_from([25.0, 80.0]),
    st.booleans(),
)
def test_it_is_its_twin(steps, attack_ms, line):
    powers = [10.0 ** (db / 10.0) for db, quanta in steps for _ in range(quanta)]
    np.testing.assert_allclose(held(powers, attack_ms, line=line), twin(powers, attack_ms, line=line), rtol=1e-9)


@pytest.mark.parametrize("rate", [22_050, 48_000, 192_000])
@pytest.mark.parametrize("attack_ms", [25.0, 80.0])
def test_within_an_attack_time_the_level_grows_by_no_more(attack_ms, rate):
    quanta = round(0.6 * rate / 64)
    levels = 10.0 * np.log10(held([1e-4] * (quanta // 3) + [1.0] * quanta, attack_ms, rate=rate))
    back = round(attack_ms / 1000.0 * rate / 64)
    assert (levels[back:] - levels[:-back])[quanta // 3 - back - 20 :].max() <= 6.0 + 1e-6 + 40.0 * (back < 1)
    assert levels[-1] == pytest.approx(0.0, abs=1e-6), "it gets there"


def test_the_line_has_no_steps_after_the_first():
    quanta = 100
    levels = 10.0 * np.log10(held([1e-3] * quanta + [1.0] * 200, line=True))
    rises = np.diff(levels[quanta + 20 :])
    assert rises.max() <= 6.0 * QUANTUM_S / 0.025 + 1e-6
    assert levels[-1] == pytest.approx(0.0, abs=1e-6)


def test_what_is_softer_than_the_floor_and_what_stands_out_by_less_pass():
    quiet = [0.0] * 40 + [FLOOR] * 40
    free = [1e-2] * 200 + [1e-2 * 10.0**0.55] * 60
    for powers in (quiet, free):
        came = held(powers, growth_db=200.0)
        late = np.arange(len(powers)) >= (150 if powers is free else 30)
        np.testing.assert_array_equal(held(powers)[late], came[late])


def test_silence_is_silent_and_sums_return_to_nothing():
    attack = Attack(RATE, 25.0, 6.0, True)
    assert not held([0.0] * 50, attack=attack).any()
    held([1.0] * 50, attack=attack)
    assert held([0.0] * 50, attack=attack)[-1] == 0.0


def test_the_power_left_keeps_the_window_within_what_is_allowed():
    """Whatever comes, each quantum held to what is left: the window's mean is over by what one quantum must have."""
    settings_, recent, least, state, places = Attack(RATE, 25.0, 6.0, False).arrays
    allowed, heard = 1.0, []
    for power in np.random.default_rng(1).exponential(4.0, 400):
        left = attack_left(allowed, recent, state, places)
        assert 0.5 * allowed <= left <= 2.0 * allowed
        heard.append(min(power, left))
        attack_level(heard[-1], recent, state, places)
    means = np.convolve(heard, np.ones(recent.shape[1]) / recent.shape[1], "valid")
    assert means.max() < 1.3 and means.mean() > 0.8
