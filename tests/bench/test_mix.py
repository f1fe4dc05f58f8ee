"""The bench of the mix: its measures on signals that are known, and two presets that measure as their plans say."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from synth.mix import plan
from synth.preset import load_preset

RATE = 48_000


@pytest.fixture
def mix(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("mix")


def noise(seed: int, seconds: float = 4.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.1, (2, round(seconds * RATE))).astype(np.float32)


def tone(hz: float, level: float, seconds: float = 4.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.tile(level * np.sin(2.0 * np.pi * hz * t), (2, 1)).astype(np.float32)


def test_correlation_and_mono_loss_of_known_sides(mix):
    apart = noise(1)
    power = mix.spectra(apart).sum(axis=1)
    assert mix.correlation(power) == pytest.approx(0.0, abs=0.02)
    assert mix.mono_loss_db(power) == pytest.approx(3.01, abs=0.1)
    same = mix.spectra(np.stack([apart[0], apart[0]])).sum(axis=1)
    assert mix.correlation(same) == pytest.approx(1.0) and mix.mono_loss_db(same) == pytest.approx(0.0, abs=1e-6)
    half = mix.spectra(np.stack([apart[0], 0.6 * apart[0] + 0.8 * apart[1]])).sum(axis=1)
    assert mix.correlation(half) == pytest.approx(0.6, abs=0.02)
    assert mix.mono_loss_db(half) == pytest.approx(-10.0 * math.log10(0.8), abs=0.1)


def test_slope_and_mud_of_known_spectra(mix):
    hz = np.fft.rfftfreq(mix.FRAME, 1.0 / RATE)
    falling = 1.0 / np.maximum(hz, 1.0) ** 2
    assert mix.slope_db_oct(falling, hz) == pytest.approx(-6.02, abs=0.1)
    mud, clear = tone(250.0, 0.2), tone(1000.0, 0.1)
    found = mix.measured({"pad": mud, "bells": clear}, mud + clear)
    assert found.mud_share == pytest.approx(0.8, abs=0.01)
    assert found.stems["pad"].masking_db is None


def test_masking_is_measured_where_and_while_the_melody_plays(mix):
    melody, seconds = tone(880.0, 0.1), np.arange(4 * RATE) // RATE
    melody[:, seconds >= 2] = 0.0
    inside, outside, later = tone(850.0, 0.05), tone(200.0, 0.5), tone(880.0, 0.5)
    later[:, seconds < 3] = 0.0
    stems = {"melody": melody, "pad": inside, "bass": outside, "bells": later}
    found = mix.measured(stems, sum(stems.values())).stems
    assert found["pad"].masking_db == pytest.approx(-6.0, abs=0.5)
    assert found["bass"].masking_db < -60.0 and found["bells"].masking_db < -40.0
    assert found["melody"].masking_db is None


@pytest.mark.parametrize("name", ["settle", "gentle"])
def test_a_preset_measures_as_its_plan_says(name, mix):
    preset = load_preset(name)
    stems, whole = mix.rendered(preset, 40.0)
    assert np.abs(sum(stems.values()) - whole).max() < 1e-6
    found = mix.measured(stems, whole)
    assert 0.1 < found.mud_share <= plan.MUD_SHARE
    assert found.low_correlation > plan.LOW_CORRELATION and found.correlation > plan.CORRELATION
    assert 0.0 < found.mono_loss_db <= plan.MONO_LOSS_DB
    assert {"pad", "bass", "melody", "reverb"} <= set(found.stems)
    for stem, figures in found.stems.items():
        assert figures.mono_loss_db <= plan.MONO_LOSS_DB, stem
    masking = {stem: figures.masking_db for stem, figures in found.stems.items() if stem != "melody"}
    assert max(masking.values()) <= mix.mix_plan(preset.goal).margin_db, masking
    assert not {"mud", "correlation"} & set(mix.beyond(found, preset.goal))
    assert any(line.startswith(f"  {stem} ") for stem in found.stems for line in mix.lines(preset, found))
