"""Channels: their names, their units by word or by size, and what a body can give."""

from __future__ import annotations

import numpy as np
import pytest

from synth.wearables.channels import ALIASES, KINDS, Units, channel_of, ends_before, quality_of, to_own_unit
from synth.wearables.samples import CHANNELS


def test_names_lead_to_channels_that_exist() -> None:
    assert set(KINDS) == set(CHANNELS)
    assert set(ALIASES.values()) <= set(CHANNELS)
    for name, channel in (("hr", "hr"), (" Heart_Rate ", "hr"), ("IBI", "rr_ms"), ("GSR", "eda"), ("rsp", "resp")):
        assert channel_of(name) == channel
    for name, channel in (("rr_s", "rr_ms"), ("EDA_nS", "eda"), ("temp_c", "temp"), ("eeg_af7_uV", "eeg_af7")):
        assert channel_of(name) == channel
    for name, channel in (("TP9", "eeg_tp9"), ("alpha", "eeg_alpha"), ("breathing_rate", "resp_bpm")):
        assert channel_of(name) == channel
    assert channel_of("mood") is None and channel_of("") is None
    assert channel_of("hr_left") is None and channel_of("_s") is None and channel_of("eda_bpm") is None


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
        ("eeg_tp9", "TP9", 850.0, 850.0), ("eeg_tp9", "tp9_uV", 20.0, 20.0), ("eeg_tp9", "tp9_mV", 0.85, 850.0),
        ("eeg_tp9", "eeg_tp9_V", 2e-5, 20.0), ("eeg_alpha", "alpha", 0.7, 0.7), ("eeg_alpha", "alpha_dB", 7.0, 0.7),
        ("resp_bpm", "breathing_rate", 15.0, 15.0), ("resp_bpm", "resp_rate", 0.25, 15.0),
        ("eeg_contact", "contact_percent", 75.0, 0.75), ("self_valence", "valence", -0.5, -0.5),
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
        ("self_valence", [-1, 0, 1], [-1.1, 2]),
        ("feedback", [-1, 0, 1], [-1.1, 2]),
        ("resp_bpm", [2, 15, 60], [0, 1.9, 61]),
        ("eeg_tp9", [-2000, 0, 850, 2000], [-2001, 2001]),
        ("eeg_alpha", [-1, 0, 2], [-7, 7]),
        ("eeg_contact", [0, 0.5, 1], [-0.1, 1.1]),
        ("temp", [10, 33, 45], [0, 46]),
    ],
)
def test_quality_is_of_what_a_body_gives(channel: str, good: list[float], bad: list[float]) -> None:
    assert (quality_of(channel, np.array(good, dtype=float)) == 1.0).all()
    assert (quality_of(channel, np.array([*bad, np.nan, np.inf], dtype=float)) == 0.0).all()


def told(units: Units, channel: str, values: list[float], device: str = "a") -> tuple[list[float], list[str]]:
    """Values given one by one, as a stream gives them, and what was said of their unit."""
    out = [units.own(device, channel, channel, np.array([value])) for value in values]
    return [float(value[0]) for value, _ in out], [note for _, note in out if note]


def test_one_odd_value_of_a_stream_does_not_change_its_unit() -> None:
    heart, notes = told(Units(), "hr", [70.0, 71.0, 72.0, 4.0, 1.2, 70.0])
    assert heart == [70.0, 71.0, 72.0, 4.0, 1.2, 70.0] and notes == []
    steps, _ = told(Units(), "acc", [1.0, 1.1, 5.5, 1.0])
    assert steps == [1.0, 1.1, 5.5, 1.0]


def test_a_streams_unit_is_told_once_and_kept() -> None:
    units = Units()
    skin, notes = told(units, "eda", [2000.0] * 40 + [50.0] * 100)
    assert skin[0] == pytest.approx(2.0) and skin[-1] == pytest.approx(0.05)
    assert len(notes) == 1 and "look like nS" in notes[0]
    other, notes = told(units, "eda", [2.0], device="b")
    assert other == [2.0] and notes == []


def test_a_wrong_first_value_is_outvoted() -> None:
    heart, _ = told(Units(), "hr", [1.0, 70.0, 71.0, 72.0, 70.0])
    assert heart[-1] == 70.0
    values, notes = told(Units(), "hr", [1e9] * 40 + [70.0] * 40)
    assert values[0] == 1e9 and values[-1] == 70.0 and "not bpm" in notes[0]


def test_a_stream_that_names_columns_without_end_is_still_read() -> None:
    units = Units()
    for i in range(Units.COLUMNS + 50):
        value, _ = units.own(f"device {i}", "rr_ms", "rr", np.array([0.8]))
        assert value[0] == pytest.approx(800.0)
    assert len(units._first) <= Units.COLUMNS


def test_beats_end_one_after_the_other() -> None:
    np.testing.assert_allclose(ends_before(np.array([800.0, 810.0, 790.0])), [1.6, 0.79, 0.0])
    np.testing.assert_allclose(ends_before(np.array([800.0, np.nan, 790.0])), [0.79, 0.79, 0.0])
    np.testing.assert_allclose(ends_before(np.array([800.0])), [0.0])
