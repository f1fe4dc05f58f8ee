"""Movement: measured in g, forgotten slowly, deaf to what no arm can do."""

from __future__ import annotations

import numpy as np
import pytest

from synth.estimator.motion import Motion


def walking(motion: Motion, from_s: float, seconds: int, rms_g: float) -> None:
    for i in range(8 * seconds):
        motion.add(from_s + i / 8, 1.0 + rms_g * np.sqrt(2) * float(np.sin(2 * np.pi * 1.7 * i / 8)))


def test_movement_is_measured_in_g_and_the_heart_recovers() -> None:
    motion = Motion()
    assert motion.shown(0.0) is None
    for i in range(8 * 60):
        motion.add(i / 8, 1.0 + 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 1.7 * i / 8))
    assert motion.rms_g == pytest.approx(0.1, rel=0.15)
    assert motion.shown(60.0) == pytest.approx(0.5, abs=0.08)
    for i in range(8 * 60):
        motion.add(60 + i / 8, 1.0 + 0.5 * np.sin(2 * np.pi * 1.7 * i / 8))
    assert motion.shown(120.0) == 1.0 and motion.metabolic == 1.0
    for i in range(8 * 45):
        motion.add(120 + i / 8, 1.0)
    assert motion.rms_g < 0.05
    assert 0.3 < motion.metabolic < 0.6
    motion.add(165.0, float("nan"))
    assert motion.shown(176.0) is None


def test_an_arm_held_another_way_is_no_movement() -> None:
    motion = Motion()
    walking(motion, 0.0, 60, 0.0)
    for i in range(80):
        motion.add(60.0 + i / 8, 0.93)  # a sensor's axes differ a little
    assert motion.metabolic == 0.0


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -float("inf"), 1e300, -1.0, 17.0])
def test_garbage_changes_nothing(garbage: float) -> None:
    clean, dirty = Motion(), Motion()
    for i in range(400):
        clean.add(i / 8, 1.0 + 0.01 * (i % 3))
        dirty.add(i / 8, 1.0 + 0.01 * (i % 3))
        dirty.add(i / 8 + 0.01, garbage)
    assert (dirty.rms_g, dirty.metabolic, dirty.last_s) == (clean.rms_g, clean.metabolic, clean.last_s)


def test_samples_of_no_quality_do_not_count() -> None:
    motion = Motion()
    motion.add(0.0, 1.0)
    motion.add(0.1, 8.0, quality=0.0)
    assert motion.rms_g == 0.0


def test_after_a_gap_it_starts_anew() -> None:
    motion = Motion()
    walking(motion, 0.0, 30, 0.2)
    assert motion.metabolic > 0.8
    motion.add(60.0, 2.0)
    assert motion.rms_g == 0.0 and motion.metabolic > 0.8  # the heart recovers no sooner for that
