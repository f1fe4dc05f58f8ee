"""The share of highs in what leaves, of the shipped presets."""

from __future__ import annotations

import numpy as np
import pytest

from synth import Session, load_preset
from synth.safety.limits import limits

RATE = 48_000


@pytest.mark.parametrize("preset", ["settle", "focus", "energise", "sleep"])
def test_highs_stay_under_their_share(preset):
    session = Session(load_preset(preset), seed=1, minutes=2.0)
    session.render(8 * RATE)
    mix = session.render(30 * RATE).T.astype(np.float64)
    blocks = mix[:, : mix.shape[1] // 8192 * 8192].reshape(2, -1, 8192) * np.hanning(8192)
    power = (np.abs(np.fft.rfft(blocks, axis=2)) ** 2).sum(axis=(0, 1))
    high = power[np.fft.rfftfreq(8192, 1.0 / RATE) > 6000.0].sum()
    assert 10.0 * np.log10(high / power.sum()) < limits("default")["above_6_khz_db"]
