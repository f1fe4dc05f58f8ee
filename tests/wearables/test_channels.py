"""Channels: their names, their units by word or by size, and what a body can give."""

from __future__ import annotations

import numpy as np
import pytest

from synth.wearables.channels import ALIASES, KINDS, channel_of, quality_of, to_own_unit
from synth.wearables.samples import CHANNELS


def test_names_lead_to_channels_that_exist() -> None:
    assert set(KINDS) == set(CHANNELS)
    assert set(ALIASES.values()) <= set(CHANNELS)
    for name, channel in (("hr", "hr"), (" Heart_Rate ", "hr"), ("IBI", "rr_ms"), ("GSR", "eda"), ("rsp", "resp")):
        assert channel_of(name) == channel
    assert channel_of("mood") is None and channel_of("") is None


@pytest.mark.parametrize(
    ("channel", "column", "given", "own"),
    [
        ("hr", "hr_bpm", 72.0, 72.0), ("hr", "hr", 1.2, 72.0), ("hr", "hr_hz", 1.2, 72.0),
        ("rr_ms", "rr_ms", 800.0, 800.0), ("rr_ms", "ibi", 0.8, 800.0), ("rr_ms", "ibi_s", 0.8, 800.0),
        ("rr_ms", "rr_1024", 819.2, 800.0),
        ("eda", "eda_uS", 2.0, 2.0), ("eda", "eda", 2000.0, 2.0), ("eda", "gsr_nS", 2000.0, 2.0),
        ("eda", "eda", 2e-6, 2.0),
        ("temp", "temp_C", 33.0, 33.0), ("temp", "temp", 91.4, 33.0), ("temp", "temp_K", 306.15, 33.0),
        ("acc", "x", 1.0, 1.0), ("acc", "x64g", 64.0, 1.0), ("acc", "x", 9.80665, 1.0), ("acc", "acc_mg", 1000.0, 1.0),
        ("self_arousal", "arousal", 0.5, 0.5), ("resp", "resp", 1e7, 1e7), ("bvp", "bvp", -30.0, -30.0),
    ],
)  # fmt: skip
def test_values_come_out_in_the_channels_own_unit(channel: str, column: str, given: float, own: float) -> None:
    value, _ = to_own_unit(channel, column, np.array([given, np.nan, given]))
    assert value[0] == value[2] == pytest.approx(own, rel=1e-3)
    assert np.isnan(value[1])


@pytest.mark.parametrize(
    ("channel", "column", "given", "told"),
    [
        ("hr", "hr_bpm", 72.0, ""), ("rr_ms", "ibi", 0.8, ""), ("rr_ms", "ibi_s", 0.8, ""), ("eda", "eda_uS", 2.0, ""),
        ("eda", "eda_nS", 500.0, ""), ("acc", "x64g", 64.0, ""), ("hr", "hr", 1.2, "look like Hz"),
        ("rr_ms", "ibi_s", 800.0, "look like ms"), ("rr_ms", "rr_ms", 0.8, "look like s"),
        ("eda", "eda", 2000.0, "look like nS"), ("temp", "temp_C", 91.4, "look like degF"),
        ("acc", "x", 64.0, "look like 1/64 g"), ("eda", "eda", 1e9, "is not uS nor a unit this knows"),
    ],
)  # fmt: skip
def test_a_guess_is_told_and_what_was_said_is_not(channel: str, column: str, given: float, told: str) -> None:
    _, note = to_own_unit(channel, column, np.full(5, given))
    assert note == "" if told == "" else column in note and told in note


@pytest.mark.parametrize("value", [[], [np.nan, np.nan], [0.0, 0.0], [np.inf]])
def test_nothing_to_judge_by_is_left_as_it_is(value: list[float]) -> None:
    given = np.array(value)
    out, note = to_own_unit("hr", "hr_bpm", given)
    np.testing.assert_array_equal(out, given)
    assert note == ""


@pytest.mark.parametrize(
    ("channel", "good", "bad"),
    [
        ("hr", [30, 70, 220], [0, 29.9, 220.1, 255]),
        ("rr_ms", [300, 800, 2000], [0, 299, 2001, 10000]),
        ("eda", [0.05, 2, 60], [0, 0.049, 60.1, -1]),
        ("acc", [0, 1, 16], [-0.1, 17]),
        ("self_arousal", [-1, 0, 1], [-1.1, 2]),
        ("temp", [10, 33, 45], [0, 46]),
    ],
)
def test_quality_is_of_what_a_body_gives(channel: str, good: list[float], bad: list[float]) -> None:
    assert (quality_of(channel, np.array(good, dtype=float)) == 1.0).all()
    assert (quality_of(channel, np.array([*bad, np.nan, np.inf], dtype=float)) == 0.0).all()
