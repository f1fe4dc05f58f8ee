"""Delay lines read between samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.dsp.quantum import QUANTUM
from synth.dsp.ring import LEAST, between, rings, whole


@pytest.mark.parametrize("longest", [10.0, 444.9, 500.0, 1000.0])
def test_the_longest_delay_is_there_when_a_quantum_has_been_written_ahead(longest):
    memory = rings(2, longest)
    size = memory.shape[1]
    for n in range(3 * size):
        memory[1, n % size] = n
    first = 3 * size - QUANTUM  # of the quantum just written
    assert between(memory, 1, first, longest) == pytest.approx(first - longest, abs=0.01)
    assert between(memory, 1, first, LEAST) == first - 1.0
    assert whole(memory, 1, first - int(longest)) == first - int(longest)
    assert not memory[0].any()


@pytest.mark.parametrize("hz", [1000.0, 4000.0, 8000.0])
def test_between_samples_a_sine_is_itself(hz):
    """The loss is greatest halfway, where the taps are -1/16, 9/16, 9/16, -1/16."""
    memory = rings(1, 100.0)
    w = 2.0 * math.pi * hz / 48000.0
    memory[0, :64] = np.sin(w * np.arange(64))
    worst = 0.0
    for fraction in (0.0, 0.1, 0.5, 0.9):
        reads = [float(between(memory, 0, n, 20.0 + fraction)) for n in range(30, 60)]
        angles = w * (np.arange(30, 60) - 20.0 - fraction)
        amplitude = np.linalg.lstsq(np.stack((np.sin(angles), np.cos(angles)), 1), reads, rcond=None)[0]
        worst = max(worst, abs(20.0 * math.log10(np.hypot(*amplitude))))
        assert abs(amplitude[1]) < 0.02  # and where it should be
    loss = 1.125 * math.cos(w / 2.0) - 0.125 * math.cos(1.5 * w)
    assert worst == pytest.approx(-20.0 * math.log10(loss), rel=0.02, abs=1e-5)
    assert worst < 0.25
