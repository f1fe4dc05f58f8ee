"""Random sessions, a few of the thousands of `bench/hazards.py`: whatever is asked or fed, no limit breaks."""

from __future__ import annotations

import hazards
import heard
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=40)
@given(st.integers(0, 10**9))
def test_no_session_breaks_a_limit(number):
    assert hazards.one(number, seconds=12).broken == {}


@pytest.mark.parametrize("number", range(20_000, 20_006))
def test_the_sound_that_leaves_keeps_its_limits(number):
    assert hazards.one(number, sound=True, seconds=14).broken == {}


def test_a_session_comes_out_alike_by_its_number():
    one, again = (hazards.one(7, seconds=8) for _ in range(2))
    assert one == again and one.kinds


def test_the_checks_can_fail():
    """Controls that leave their limits, and sound that does, are told of by the limit's name."""
    first = {c.name: c.default for c in hazards.CONTROLS}
    checker = hazards.Checker("sensitive", False, ["no silences"], first)
    wild = {
        **first,
        "tempo_bpm": 130.0,
        "loudness_lufs": -23.0,
        "attack_ms": 30.0,
        "rest": 1.0,
        "valence": float("nan"),
    }
    checker.values(wild, 1.0)
    checker.moves({**wild, "valence": 1.0}, 1.0, 2.0)
    told = {"tempo_bpm", "programme_lufs", "attack_ms", "range of valence", "constraint 'no silences'"}
    assert told | {"speed of tempo_bpm", "crescendo_lu_per_s", "speed of valence"} <= checker.broken.keys()
    loud = np.random.default_rng(0).normal(0.0, 0.3, (20 * heard.RATE, 2))
    loud[: 16 * heard.RATE] *= 0.01
    hazards._listen(loud, checker)
    assert {"true_peak_dbtp", "momentary_rise_lu", "attack_ms"} <= checker.broken.keys()


def test_levels_and_rises_are_read_as_they_are():
    t = np.arange(8 * heard.RATE) / heard.RATE
    tone = np.tile(np.sin(2.0 * np.pi * 997.0 * t), (2, 1)).T
    assert heard.level_lufs(0.1 * tone, 3.0, 1.0)[-1] == pytest.approx(-20.0, abs=0.05)
    step = tone * np.where(t < 6.0, 0.01, 0.02)[:, None]
    assert heard.largest_rise_lu(step, 1.0, -63.0, 1.0) == pytest.approx(6.0, abs=0.2)
    assert heard.true_peak_dbtp(0.5 * tone) == pytest.approx(-6.02, abs=0.02)
