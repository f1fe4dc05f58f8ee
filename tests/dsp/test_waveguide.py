"""A string's loop: its fraction, its loss, the look-ahead, against a naive loop; the rewinding of its tape."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp.quantum import QUANTUM
from synth.dsp.waveguide import (
    AHEAD,
    ORDER,
    TAPS,
    at_once,
    high_hz,
    lagrange,
    loop,
    lose,
    loss_delay,
    reach,
    rewind,
    store,
    tapes,
    tune,
    turn,
)

RATE = 48000


@pytest.mark.parametrize("delay", [2.0, 2.31, 2.5, 2.99])
def test_fractional_delay(delay):
    w = 2.0 * np.pi * np.array([100.0, 1000.0, 5000.0]) / RATE
    response = np.exp(-1j * np.outer(w, np.arange(6))) @ lagrange(delay)
    assert -np.angle(response * np.exp(1j * w * delay)) / w == pytest.approx(0.0, abs=2e-4)
    assert np.abs(response) == pytest.approx(1.0, abs=1e-3)


def response(found, w):
    """Of a turn round the loop."""
    taps = np.exp(-1j * np.outer(w, np.arange(6))) @ found.taps
    return np.exp(-1j * w * found.delay) * taps * found.gain / (1.0 - found.pole * np.exp(-1j * w))


@settings(max_examples=50)
@given(
    st.floats(30.0, 5000.0),
    st.floats(0.2, 20.0),
    st.floats(0.05, 20.0),
    st.sampled_from([22050, 48000, 192000]),
    st.floats(0.0, 1.0),
)
def test_a_loop_never_grows(hz, t60_s, t60_high_s, rate, part):
    lag = part * max(rate / hz - 40.0, 0.0)
    found = loop(rate, hz, t60_s, t60_high_s, lag, 0.5 * lag)
    assert 0.0 <= found.pole < 1.0
    assert 0.0 < found.gain < 1.0 - found.pole
    assert found.delay >= 1
    w = np.linspace(0.0, np.pi, 200)
    assert np.abs(response(found, w)).max() < 1.0
    taps, weight = found.ahead()
    ahead = np.exp(-1j * np.outer(w, np.arange(TAPS))) @ taps.astype(np.float32)
    assert np.abs(ahead / (1.0 - np.float32(weight) * np.exp(-1j * AHEAD * w))).max() < 1.0


@pytest.mark.parametrize(("hz", "lag", "lag_high"), [(110.0, 0.0, 0.0), (110.0, 60.3, 20.7), (1500.0, 9.2, 8.4)])
def test_a_turn_takes_a_period_and_loses_what_was_asked(hz, lag, lag_high):
    found = loop(RATE, hz, 3.0, 0.6, lag, lag_high)
    w = 2.0 * np.pi * np.array([hz, high_hz(RATE, hz)]) / RATE
    turned = response(found, w)
    assert abs(np.angle(turned[0] * np.exp(-1j * w[0] * lag))) < 1e-5
    turns_s = hz, RATE / (RATE / hz - lag + lag_high)  # in a second, at either frequency
    assert -20.0 * np.log10(np.abs(turned)) * turns_s == pytest.approx([60.0 / 3.0, 60.0 / 0.6], rel=1e-2)
    assert found.keep(w[0]) == pytest.approx(abs(turned[0]), rel=1e-6)


def test_looking_ahead_changes_nothing():
    found = loop(RATE, 300.0, 2.0, 0.1)
    assert found.pole > 0.5
    w = np.linspace(0.0, np.pi, 50)
    taps, weight = found.ahead()
    ahead = np.exp(-1j * np.outer(w, np.arange(TAPS))) @ taps / (1.0 - weight * np.exp(-1j * AHEAD * w))
    assert np.abs(ahead * np.exp(-1j * w * found.delay) - response(found, w)).max() < 1e-12


@pytest.mark.parametrize(("hz", "t60_high_s"), [(41.3, 0.1), (300.0, 0.5), (5000.0, 1.0)])
def test_tuning_in_the_kernel_gives_the_same_taps(hz, t60_high_s):
    found = loop(RATE, hz, 2.0, t60_high_s)
    line, scratch = np.zeros((TAPS + 5, 3), np.float32), np.zeros((ORDER + 4, 3))
    delay = RATE / hz - loss_delay(found.pole, RATE, hz)
    assert tune(delay, found.pole, found.gain, line, 4, 1, scratch, 2) == found.delay
    assert line[4:-1, 1] == pytest.approx(found.ahead()[0], abs=1e-7)
    assert not line[:4].any() and not line[-1].any() and not line[:, ::2].any()


@pytest.mark.parametrize("hz", [60.0, 333.0, 700.0, 2000.0, 5900.0])
def test_a_loop_in_vectors_equals_a_naive_one(hz):
    """For long enough that the tape has been rewound; what is on it at first rings on."""
    found = loop(RATE, hz, 0.5, 0.1)
    chunk, back = at_once(found.delay), reach(found.delay)
    assert 1 <= chunk <= min(found.delay, QUANTUM)
    start = np.random.default_rng(2).normal(0.0, 0.3, back).astype(np.float32)
    start[: TAPS - 1] = 0.0  # as if nothing had been lost before
    memory = tapes(2, found.delay)
    memory[1, :back] = start
    taps, weight = found.ahead()
    line = np.zeros((TAPS, 2), np.float32)
    line[:, 1] = taps
    row, write, pieces = np.zeros(AHEAD + QUANTUM, np.float32), back, []
    quanta = memory.shape[1] // QUANTUM + 3
    for _ in range(quanta):
        write = rewind(memory, 1, write, back)
        row[:AHEAD] = row[QUANTUM:]
        for done in range(0, QUANTUM, chunk):
            count = min(chunk, QUANTUM - done)
            turn(memory, 1, line, 0, write + done - found.delay, row, AHEAD + done, count)
            lose(row, np.float32(weight), AHEAD + done, count)
            store(row, AHEAD + done, memory, 1, write + done, count)
        write += QUANTUM
        pieces.append(row[AHEAD:].copy())
    assert write < back + quanta * QUANTUM  # it has been
    assert not memory[0].any()

    past, wanted, lossy = list(start.astype(float)), [], 0.0
    for _ in range(quanta * QUANTUM):
        now = sum(t * past[len(past) - found.delay - k] for k, t in enumerate(found.taps))
        lossy = found.gain * now + found.pole * lossy
        past.append(lossy)
        wanted.append(lossy)
    assert np.abs(np.concatenate(pieces) - wanted).max() < 1e-6
    assert np.abs(wanted).max() > 0.1


def test_the_high_decay_is_measured_where_there_are_partials():
    assert high_hz(RATE, 110.0) == 4000.0
    assert high_hz(RATE, 4000.0) == 6000.0
    assert math.isclose(high_hz(22050, 8000.0), 8820.0)
