"""The pair of filters in a loop: their corners, and the Butterworth filters they must equal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.bandpass import band, bandpass
from synth.dsp.quantum import QUANTUM

RATE = 48000


def passed(x, filters):
    y, lows = x.copy(), np.zeros((2, 4), np.float32)
    for start in range(0, x.shape[1], QUANTUM):
        quantum = np.ascontiguousarray(y[:, start : start + QUANTUM])
        bandpass(filters, lows, quantum)
        y[:, start : start + QUANTUM] = quantum
    return y


def test_equals_two_butterworth_filters(noise):
    x, wanted = noise(20), noise(20)
    for hz, kind in ((150.0, "high"), (3000.0, "low")):
        wanted = signal.sosfilt(signal.butter(2, hz, kind, fs=RATE, output="sos"), wanted)
    assert np.abs(passed(x, band(150.0, 3000.0, RATE)) - wanted).max() < 1e-5


@pytest.mark.parametrize("hz, wanted_db", [(300.0, -3.01), (1100.0, 0.0), (4000.0, -3.01)])
def test_three_decibels_at_both_corners(hz, wanted_db):
    x = np.zeros((2, 40 * QUANTUM), np.float32)
    x[1, 0] = 1.0
    y = passed(x, band(300.0, 4000.0, RATE))
    gain = abs(np.exp(-2j * np.pi * hz / RATE * np.arange(y.shape[1])) @ y[1])
    assert 20.0 * math.log10(gain) == pytest.approx(wanted_db, abs=0.1)
    assert not y[0].any()
