"""The table of limits: complete, sourced, and only ever narrowed."""

from __future__ import annotations

import pytest

from synth.controls import TABLE
from synth.safety.limits import INTENSITY, LIMITS, PROFILES, control_range, limits


def test_profiles_only_narrow():
    for row in LIMITS:
        assert row.source and row.side in ("most", "least")
        for wide, narrow in ((row.default, row.relax), (row.relax, row.sensitive)):
            assert row.stricter(wide, narrow) == narrow, row.name


def test_rows_name_controls_of_the_table():
    assert {row.control for row in LIMITS if row.control} | set(INTENSITY) <= set(TABLE)
    assert len({row.name for row in LIMITS}) == len(LIMITS)


def test_a_row_can_be_tightened_and_not_loosened():
    assert limits("default", true_peak_dbtp=-6)["true_peak_dbtp"] == -6
    assert limits("sensitive", true_peak_dbtp=-3)["true_peak_dbtp"] == -9
    assert limits("default", attack_ms=50)["attack_ms"] == 50
    assert limits("sensitive", attack_ms=5)["attack_ms"] == 80


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="one of default, relax, sensitive"):
        limits("wild")
    with pytest.raises(ValueError, match="no limit called 'loudness'"):
        limits("default", loudness=-3)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_control_keeps_a_range(profile):
    for control in TABLE.values():
        low, high = control_range(control.name, control.low, control.high, limits(profile))
        assert control.low <= low < high <= control.high
