"""The click detector: finds the steps and gaps put into a sound, and none in sounds that have none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

RATE = 48000
PATH = Path(__file__).parents[2] / "bench" / "clicks.py"


@pytest.fixture(scope="module")
def clicks():
    spec = importlib.util.spec_from_file_location("bench_clicks", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.clicks


def pad(seconds: float = 4.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * sum(
        np.sin(2 * np.pi * f * t * (1 + 0.0005 * i)) / i for i, f in enumerate((220, 277, 330, 660, 1320), 1)
    )


@pytest.mark.parametrize("height_db", [-70.0, -50.0, -30.0])
def test_a_step_in_a_tone_is_found(clicks, height_db):
    x = pad()
    x[2 * RATE :] += 10 ** (height_db / 20)
    assert clicks(x, RATE) == pytest.approx([2.0], abs=0.002)


def test_a_gap_and_a_jump_of_phase_are_found(clicks):
    x = pad()
    x[RATE : RATE + 3] = 0.0
    x = np.concatenate((x[: 3 * RATE], x[3 * RATE + 31 :]))
    assert clicks(x, RATE) == pytest.approx([1.0, 3.0], abs=0.002)


def test_a_gain_that_jumps_in_noise_is_not_needed_but_a_click_in_rain_is_found(clicks):
    rng = np.random.default_rng(1)
    rain = 0.003 * rng.standard_normal(4 * RATE)
    assert clicks(rain, RATE).size == 0
    rain[2 * RATE] += 0.3
    assert clicks(rain, RATE) == pytest.approx([2.0], abs=0.002)


def test_soft_onsets_and_mallets_are_no_clicks(clicks):
    t = np.arange(3 * RATE) / RATE
    x = np.zeros(6 * RATE)
    for i, rise_s in enumerate((0.0008, 0.002, 0.01)):
        onset = 0.5 - 0.5 * np.cos(np.pi * np.minimum(t / rise_s, 1.0))
        x[(i + 1) * RATE : (i + 4) * RATE] += 0.3 * onset * np.sin(2 * np.pi * 880 * t) * np.exp(-6 * t)
    assert clicks(x, RATE).size == 0
