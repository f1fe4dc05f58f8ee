"""Sensor clocks: offset, drift, bursts and restarts, measured against the true time."""

from __future__ import annotations

import numpy as np
import pytest

from synth.wearables.clock import SensorClock


def errors(sensor_of_true: float, start: float, delay_s: np.ndarray, seconds: int = 600) -> np.ndarray:
    """Error of session time for one sample a second whose sensor clock runs `sensor_of_true` as fast."""
    clock = SensorClock()
    found = []
    for second in range(seconds):
        session = clock.session_s([start + second * sensor_of_true], second + float(delay_s[second]))
        found.append(float(session[0]) - second)
    return np.array(found)


@pytest.mark.parametrize("sensor_of_true", [0.999, 1.0, 1.001])
def test_drift_and_delay_do_not_pile_up(sensor_of_true: float) -> None:
    delay_s = np.random.default_rng(1).exponential(0.1, 600) + 0.02
    error = errors(sensor_of_true, 5e8, delay_s)
    assert np.abs(error[30:]).max() < 0.2


def test_bursts_keep_the_spacing_of_their_samples() -> None:
    clock = SensorClock()
    for start in range(0, 100, 10):
        session = clock.session_s(start + np.arange(0, 10, 0.25), start + 9.8)
        np.testing.assert_allclose(np.diff(session), 0.25)
        assert abs(session[0] - start) < 0.1
    assert clock.epoch == 0


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0, -300.0])
def test_a_restarted_clock_opens_an_epoch_and_time_goes_on(jump_s: float) -> None:
    clock = SensorClock()
    sessions = [
        float(clock.session_s([second + (jump_s if second >= 50 else 0.0)], second + 0.1)[0]) for second in range(100)
    ]
    assert clock.epoch == 1
    np.testing.assert_allclose(sessions, np.arange(100) + 0.1, atol=1e-9)


def test_one_late_packet_is_no_restart() -> None:
    clock = SensorClock()
    for second in range(60):
        clock.session_s([second], second + 0.1)
    assert clock.session_s([59.5], 99.0)[0] == pytest.approx(59.6)
    assert clock.epoch == 0


def test_times_that_are_no_numbers_come_back_as_they_are() -> None:
    clock = SensorClock()
    assert np.isnan(clock.session_s([np.nan], 1.0)).all()
    assert clock.offset_s == 0.0
