"""Two second-order sections in blocks of eight: against SciPy's, and at rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from synth.dsp.block_filter import BANK, band, filter_quantum, restless
from synth.dsp.quantum import QUANTUM


def filtered(x, highpass_hz, lowpass_hz, rate):
    matrix, bank = band(highpass_hz, lowpass_hz, rate), np.zeros(BANK, np.float32)
    y, out = np.zeros_like(x), np.zeros((2, QUANTUM), np.float32)
    for at in range(0, x.shape[1], QUANTUM):
        filter_quantum(matrix, bank, x, np.uint64(at), out)
        y[:, at : at + QUANTUM] = out
    return y, bank


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
@pytest.mark.parametrize(("highpass_hz", "lowpass_hz"), [(150.0, 7000.0), (20.0, 9000.0), (300.0, 500.0)])
def test_equals_scipy(rate, highpass_hz, lowpass_hz):
    x = np.random.default_rng(1).normal(size=(2, 60 * QUANTUM)).astype(np.float32)
    wanted = signal.sosfilt(signal.butter(2, highpass_hz, "high", fs=rate, output="sos"), x.astype(np.float64))
    wanted = signal.sosfilt(signal.butter(2, lowpass_hz, "low", fs=rate, output="sos"), wanted)
    assert np.abs(wanted).max() > 0.01
    assert np.abs(filtered(x, highpass_hz, lowpass_hz, rate)[0] - wanted).max() < 2e-5


def test_it_comes_to_rest():
    x = np.zeros((2, 200 * QUANTUM), np.float32)
    x[:, 0] = 1.0
    y, bank = filtered(x, 150.0, 7000.0, 48000)
    assert restless(bank) < 1e-6 < restless(filtered(x[:, :QUANTUM], 150.0, 7000.0, 48000)[1])
    assert np.abs(y[:, -QUANTUM:]).max() < 1e-6
