"""A stiff string: where its partials lie, computed and heard, its decay, and its allpasses against `scipy`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.dispersion import CHAIN_ROWS, SECTIONS, coefficient, disperse, group_delay, phase_delay
from synth.dsp.string import QUANTUM, Pluck, StringBank
from synth.dsp.waveguide import high_hz, loop, needed

RATE = 48000
REACH = 0.8  # B n^3 of the partial up to which all are within 4 cents
TOP = 0.2  # of the sample rate


def formula(hz, b, n):
    """Partial `n` of a stiff string that sounds at `hz`."""
    return n * hz * np.sqrt((1.0 + b * n * n) / (1.0 + b))


def in_reach(rate, hz, b):
    n = np.arange(1, int((REACH / b) ** (1.0 / 3.0)) + 1)
    return n[formula(hz, b, n) < TOP * rate]


def turns(found, a, w):
    """Turns of phase that a string's whole loop delays `w` by."""
    taps = np.exp(-1j * np.outer(w, np.arange(6) - 2.5)) @ found.taps
    lag = w * (found.delay + 2.5) - np.angle(taps) + np.angle(1.0 - found.pole * np.exp(-1j * w))
    lag += SECTIONS * np.array([x * phase_delay(a, x) for x in w])
    return lag / (2.0 * np.pi)


@settings(max_examples=200)
@given(
    st.floats(27.5, 2100.0),
    st.floats(1e-7, 1e-3),
    st.sampled_from([44100, 48000, 96000, 192000]),
    st.floats(1.0, 8.0),
)
def test_partials_are_where_the_formula_says(hz, b, rate, t60_high_s):
    w0, w1 = (2.0 * math.pi * f / rate for f in (hz, high_hz(rate, hz)))
    a = coefficient(rate, hz, b, needed(rate, hz))
    assert -1.0 < a < 0.0
    found = loop(rate, hz, 8.0, t60_high_s, SECTIONS * phase_delay(a, w0), SECTIONS * group_delay(a, w1))
    n = in_reach(rate, hz, b)
    wanted = formula(hz, b, n)
    sounding = wanted.copy()
    for _ in range(8):
        here, above = (turns(found, a, 2.0 * np.pi * f / rate) for f in (sounding, sounding * 1.0001))
        sounding -= (here - n) / (above - here) * 0.0001 * sounding
    strayed = 1200.0 * np.log2(sounding / wanted)
    assert abs(strayed[0]) < 1e-3
    assert np.abs(strayed).max() < 4.0


def play(hz, seconds, t60_s=6.0, t60_high_s=4.0, **kind):
    """A hard pluck near the bridge."""
    unit = StringBank(RATE, 1, 27.0)
    unit.pluck(0, hz, Pluck(2e-4, 0.03).wave(RATE, hz), t60_s, t60_high_s, **kind)
    out = np.zeros((2, math.ceil(seconds * RATE / QUANTUM) * QUANTUM), np.float32)
    unit.begin(out)
    unit.play(out.shape[1])
    return out[0].astype(float)


def component(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def cents(x, hz, apart_s=0.04, length_s=0.1):
    early, late = (component(x, hz, start_s, length_s) for start_s in (0.02, 0.02 + apart_s))
    return 1200.0 * math.log2(1.0 + np.angle(late / early) / (2.0 * np.pi * apart_s) / hz)


@pytest.mark.parametrize(("hz", "b", "count"), [(82.4, 1e-4, 19), (110.0, 1e-3, 9), (660.0, 3e-4, 13)])
def test_partials_sound_where_the_formula_says(hz, b, count):
    n = in_reach(RATE, hz, b)
    assert n.size == count
    x = play(hz, 0.2, inharmonicity=b)
    strayed = [cents(x, formula(hz, b, k)) for k in n]
    assert abs(strayed[0]) < 0.3
    assert np.abs(strayed).max() < 4.0
    plain = play(hz, 0.2)
    assert abs(cents(plain, hz * count)) < 1.0
    assert 1200.0 * math.log2(formula(hz, b, count) / (hz * count)) > 30.0


def test_it_decays_as_a_plain_string_does():
    """The treble goes round the loop more often than the fundamental does."""
    hz, b = 110.0, 3e-4
    x = play(hz, 0.6, 1.5, 0.5, inharmonicity=b)
    spectrum = np.abs(np.fft.rfft(x[: RATE // 4] * np.hanning(RATE // 4)))
    near = np.arange(965, 1035)  # 4 Hz apart
    high = 4.0 * near[np.argmax(spectrum[near])]
    for partial_hz, t60_s in ((hz, 1.5), (high, 0.5)):
        early, late = (abs(component(x, partial_hz, start_s, 0.2)) for start_s in (0.05, 0.35))
        assert 0.3 * 60.0 / (20.0 * math.log10(early / late)) == pytest.approx(t60_s, rel=0.02)


@settings(max_examples=200)
@given(
    st.floats(20.0, 20000.0),
    st.one_of(st.floats(0.0, 0.02), st.just(math.inf)),
    st.sampled_from([22050, 48000, 192000]),
)
def test_there_is_always_room_for_the_rest_of_the_loop(hz, b, rate):
    a, spare = coefficient(rate, hz, b, needed(rate, hz)), needed(rate, hz)
    assert -1.0 < a <= 0.0
    if a != 0.0:
        assert SECTIONS * phase_delay(a, 2.0 * math.pi * hz / rate) <= rate / hz - spare + 1e-9
    else:
        assert b < 1e-6 or rate / hz < 16.0 + spare


def test_more_stiffness_is_more_dispersion():
    assert [coefficient(RATE, 200.0, b, 5.0) for b in (0.0, -1.0, math.nan)] == [0.0, 0.0, 0.0]
    found = [coefficient(RATE, 200.0, b, 5.0) for b in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)]
    assert np.all(np.diff(found) < 0.0)
    assert found[-1] == coefficient(RATE, 200.0, 5.0, 5.0)


@pytest.mark.parametrize("a", [-0.9, -0.4, 0.3])
def test_delays_are_those_of_the_allpass(a):
    w = np.array([0.01, 0.3, 1.5])
    _, h = signal.freqz([a, 1.0], [1.0, a], w)
    assert [phase_delay(a, x) for x in w] == pytest.approx(-np.angle(h) / w)
    _, late = signal.group_delay(([a, 1.0], [1.0, a]), w)
    assert [group_delay(a, x) for x in w] == pytest.approx(late)


@pytest.mark.parametrize("a", [-0.97, -0.5])
def test_equals_a_naive_chain(a):
    x = np.random.default_rng(4).normal(0.0, 0.3, (3, 500)).astype(np.float32)
    line = np.zeros((2 + CHAIN_ROWS, 3), np.float32)
    line[2, 1] = a
    through = x.copy()
    for start, count in ((5, 100), (105, 1), (106, 390)):
        disperse(through, 1, start, count, line, 2)
    wanted = x[1, 5:496].astype(float)
    for _ in range(SECTIONS):
        wanted = signal.lfilter([float(line[2, 1]), 1.0], [1.0, float(line[2, 1])], wanted)
    assert np.abs(through[1, 5:496] - wanted).max() < 3e-6
    assert np.array_equal(through[::2], x[::2]) and not line[:, ::2].any()
    assert np.array_equal(through[1, :5], x[1, :5]) and np.array_equal(through[1, 496:], x[1, 496:])
