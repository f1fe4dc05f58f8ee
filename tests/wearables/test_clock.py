"""Sensor clocks: offset, drift, bursts and restarts, measured against the true time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.wearables.clock import MOST_DEVICES, Timeline
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples


def packet(sensor_s: object, received_s: float, device: str = "strap", channel: str = "hr") -> Packet:
    times = np.atleast_1d(np.asarray(sensor_s, dtype=np.float64))
    return Packet(device, received_s, (Samples.of(channel, times, np.zeros(times.size)),))


def placed(timeline: Timeline, sensor_s: object, received_s: float) -> np.ndarray:
    runs = timeline.place(packet(sensor_s, received_s))
    return runs[0].t_s if runs else np.empty(0)


def errors(sensor_of_true: float, start: float, delay_s: np.ndarray, seconds: int = 600) -> np.ndarray:
    """Error of session time for one sample a second whose sensor clock runs `sensor_of_true` as fast."""
    timeline = Timeline()
    found = []
    for second in range(seconds):
        session = placed(timeline, start + second * sensor_of_true, second + float(delay_s[second]))
        found.append(float(session[0]) - second)
    return np.array(found)


@pytest.mark.parametrize("sensor_of_true", [0.999, 1.0, 1.001])
def test_drift_and_delay_do_not_pile_up(sensor_of_true: float) -> None:
    delay_s = np.random.default_rng(1).exponential(0.1, 600) + 0.02
    error = errors(sensor_of_true, 5e8, delay_s)
    assert np.abs(error[30:]).max() < 0.2


def test_bursts_keep_the_spacing_of_their_samples() -> None:
    timeline = Timeline()
    for start in range(0, 100, 10):
        session = placed(timeline, start + np.arange(0, 10, 0.25), start + 9.8)
        np.testing.assert_allclose(np.diff(session), 0.25)
        assert abs(session[0] - start) < 0.1
    assert timeline.repairs == ()


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0, -300.0])
def test_a_restarted_clock_is_told_and_time_goes_on(jump_s: float) -> None:
    timeline = Timeline()
    sessions = [
        float(placed(timeline, second + (jump_s if second >= 50 else 0.0), second + 0.1)[0]) for second in range(100)
    ]
    assert timeline.repairs == ("strap: 1 leaps of the sensor's clock; time goes on from there",)
    np.testing.assert_allclose(sessions, np.arange(100) + 0.1, atol=1e-9)


def test_one_late_packet_is_no_restart() -> None:
    timeline = Timeline()
    for second in range(60):
        placed(timeline, second, second + 0.1)
    assert placed(timeline, 59.5, 99.0)[0] == pytest.approx(59.6)
    assert timeline.repairs == ()


def test_devices_have_clocks_of_their_own_and_channels_of_one_device_share_it() -> None:
    timeline = Timeline()
    runs = []
    for second in range(30):
        runs += timeline.place(packet(1e6 + second, second + 0.1, "watch"))
        runs += timeline.place(packet(second, second + 0.3, "strap"))
        # another channel of the watch, sent late: the promptest packet tells the offset
        runs += timeline.place(packet(1e6 + second, second + 0.9, "watch", "eda"))
    times = np.array([run.t_s[0] for run in runs]).reshape(30, 3)
    np.testing.assert_allclose(times[1:, 0], np.arange(1, 30) + 0.1, atol=1e-6)
    np.testing.assert_allclose(times[1:, 1], np.arange(1, 30) + 0.3, atol=1e-6)
    np.testing.assert_allclose(times[1:, 2], times[1:, 0], atol=1e-6)


def test_a_device_without_a_clock_is_taken_at_its_word() -> None:
    timeline = Timeline()
    run = Samples.of("hr", [3.0, 4.0], [70.0, 71.0])
    assert timeline.place(Packet("ble", 9.0, (run,), timed=False)) == [run]


def test_times_that_are_no_numbers_are_left_out() -> None:
    timeline = Timeline()
    assert timeline.place(packet(np.nan, 1.0)) == []
    assert placed(timeline, [np.nan, 5.0, np.inf, 1e300], 7.0).tolist() == [7.0]


def test_more_devices_than_a_wearer_has_are_refused_and_told() -> None:
    timeline = Timeline()
    for number in range(MOST_DEVICES + 5):
        timeline.place(packet(0.0, 1.0, f"device {number}"))
    assert timeline.repairs == (f"5 packets of more than {MOST_DEVICES} devices left out",)


@given(st.lists(st.tuples(st.floats(), st.floats(0.0, 1e6)), max_size=60))
def test_whatever_times_come_session_times_are_not_far_ahead(pairs: list[tuple[float, float]]) -> None:
    timeline = Timeline()
    for sensor_s, received_s in sorted(pairs, key=lambda pair: pair[1]):
        for run in timeline.place(packet(sensor_s, received_s)):
            assert np.isfinite(run.t_s).all()
            assert run.t_s.max() <= received_s + 1e-4 * max(1.0, abs(sensor_s) * 1e-9)
