"""What a run of samples says, sample by sample: taken, late, or refused and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from synth.api.signals import Signal
from synth.daemon.ingest.channels import UnknownName, channel_named, unit_named
from synth.daemon.ingest.reading import Now, read

NOW = Now(100.0, 1_700_000_000.0)


def signal(channel: str = "hr", value: Any = 70.0, **told: Any) -> Signal:
    return Signal(channel=channel, value=value, **told)


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("hr", "hr"),
        ("Heart_Rate", "hr"),
        ("ibi", "rr_ms"),
        ("gsr", "eda"),
        ("accelerometer", "acc"),
        ("tp9", "eeg_tp9"),
    ],
)
def test_names_that_mean_one_thing_are_understood(name: str, channel: str) -> None:
    assert channel_named(name) == channel


@pytest.mark.parametrize(
    ("name", "words"), [("hrv", "beat intervals"), ("stress", "no unit"), ("glucose", "one of hr")]
)
def test_names_that_do_not_are_refused_with_what_to_send(name: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        channel_named(name)
    found = read(signal(name, [1.0, 2.0]), NOW, True)
    assert found.samples is None and found.refused == {"unknown_channel": 2} and found.channel == "(unknown)"


def test_values_come_in_the_channels_own_unit() -> None:
    found = read(signal("rr", [0.8, 0.81], unit="s", t_s=[99.0, 99.8]), NOW, True)
    assert found.samples is not None and found.samples.value == pytest.approx([800.0, 810.0])
    found = read(signal("acc", [[0.0, 0.0, 9.80665], [0.0, 9.80665, 0.0]], unit="m/s2"), NOW, True)
    assert found.samples is not None and found.samples.value == pytest.approx([1.0, 1.0])
    assert read(signal("hr", 70.0, unit="furlongs"), NOW, True).refused == {"unknown_unit": 1}
    assert read(signal("hr", [[1.0, 2.0, 3.0]]), NOW, True).refused == {"no_vector": 1}
    with pytest.raises(UnknownName, match="bpm, Hz"):
        unit_named("hr", "kHz")


def test_each_sample_of_a_run_has_its_own_fate() -> None:
    values: list[Any] = [70.0, None, 500.0, 71.0, 72.0, 73.0, 74.0]
    found = read(signal("hr", values, t_s=[99.0, 99.0, 99.0, 200.0, -500.0, 90.0, 104.0], quality=0.5), NOW, True)
    assert found.refused == {"not_finite": 1, "out_of_range": 1, "too_far_ahead": 1, "too_old": 1}
    assert found.accepted == 3 and found.late == 1 and len(found.words) == 4
    assert found.samples is not None
    assert found.samples.value.tolist() == [70.0, 73.0, 74.0] and found.samples.quality.tolist() == [0.5] * 3
    assert "30 to 220, in bpm" in found.words[1]


def test_beat_intervals_with_one_time_end_one_after_the_other() -> None:
    found = read(signal("rr_ms", [800.0, 900.0, 1000.0], t_s=50.0), NOW, True)
    assert found.samples is not None and found.samples.t_s == pytest.approx([48.1, 49.0, 50.0])


def test_wall_time_is_session_time_by_the_steady_clock() -> None:
    moment = datetime.fromtimestamp(NOW.wall_s - 1.5, UTC)
    found = read(signal("hr", [70.0, 71.0], at=[moment, moment + timedelta(seconds=1)]), NOW, True)
    assert found.samples is not None and found.samples.t_s == pytest.approx([98.5, 99.5]) and found.late == 0
    tomorrow = read(signal("hr", 70.0, at=moment + timedelta(days=1)), NOW, True)
    assert tomorrow.refused == {"too_far_ahead": 1} and "is the clock right?" in tomorrow.words[0]
    edge = read(signal("hr", 70.0, at=datetime.min.replace(tzinfo=UTC)), NOW, True)
    assert edge.refused == {"too_old": 1}


def test_a_devices_own_clock_may_show_anything_that_belongs_together() -> None:
    found = read(signal("eda", [1.0, 2.0, 3.0], t_s=[5e6, 5e6 - 1.0, 5e6 - 400.0], device="wrist"), NOW, True)
    assert found.timed and found.accepted == 2 and found.refused == {"too_old": 1}
    assert read(signal("eda", 1.0, t_s=1e300, device="wrist"), NOW, True).refused == {"too_far_ahead": 1}


def test_a_preset_that_refuses_the_body_hears_what_a_person_says() -> None:
    assert read(signal("hr", 70.0), NOW, False).refused == {"not_taken_by_preset": 1}
    assert read(signal("self_valence", 0.5), NOW, False).accepted == 1
