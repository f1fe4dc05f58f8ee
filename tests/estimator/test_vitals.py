"""The measures that have no vote: told through the whole estimator, in turn, and None when they cannot be."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.samples import Samples

Floats = NDArray[np.float64]
Stream = Mapping[str, tuple[Floats, Floats]]
DATA = np.load(Path(__file__).with_name("data") / "recordings.npz")


def beats(rr_ms: NDArray[np.uint16]) -> tuple[Floats, Floats]:
    return np.cumsum(rr_ms) / 1000.0, rr_ms.astype(np.float64)


def told(stream: Stream, seconds: int, step_s: float = 1.0) -> list[State]:
    estimator, states = Estimator(), []
    for step in range(1, int(seconds / step_s) + 1):
        now_s = step * step_s
        for channel, (t, value) in stream.items():
            due = (t >= now_s - step_s) & (t < now_s)
            if due.any():
                estimator.feed(Samples.of(channel, t[due], value[due]))
        states.append(estimator.tick(now_s))
    return states


def test_variability_is_that_of_the_beats_and_sdnn_is_not_rmssd() -> None:
    t, rr = beats(DATA["rr_rest_ms"])
    state = told({"rr_ms": (t, rr)}, 700)[-1]
    five = rr[(t > 698 - 302) & (t <= 698)]
    minute = rr[(t > 698 - 60) & (t <= 698)]
    assert state.sdnn_ms == pytest.approx(five.std(ddof=1), rel=0.03)
    assert state.rmssd_ms == pytest.approx(float(np.sqrt(np.mean(np.diff(minute) ** 2))), rel=0.03)
    assert state.pnn50 == pytest.approx(100 * np.mean(np.abs(np.diff(five)) > 50), abs=3.0)
    assert state.lf_hf is not None and 0.2 < state.lf_hf < 3.0
    assert state.coherence is not None and 0.0 < state.coherence < 1.0


def test_slow_breathing_is_never_read_as_strain() -> None:
    t, rr = beats(DATA["rr_slow_breathing_ms"])
    states = told({"rr_ms": (t, rr)}, int(t[-1]))
    assert max(state.p_elevated for state in states) < 0.5
    assert max(state.arousal for state in states) < 0.1
    slow = [state.resp_bpm for state in states if state.resp_bpm is not None]
    assert 3.5 < np.median(slow) < 5.5
    assert states[-1].lf_hf is not None and states[-1].lf_hf > 20  # the trap: a rule on this would cry strain
    assert any("you breathe slowly" in reason for state in states for reason in state.reasons)


def test_the_same_rise_of_the_heart_counts_at_an_ordinary_breath() -> None:
    rng = np.random.default_rng(4)
    bpm = np.where(np.arange(700) < 400, 62.0, 70.0)

    def heard(breath_hz: float) -> list[State]:
        t, rr, now = [], [], 0.5
        while now < 699:
            rr.append(60000.0 / bpm[int(now)] + 60.0 * np.sin(2 * np.pi * breath_hz * now) + rng.normal(0, 4))
            now += rr[-1] / 1000.0
            t.append(now)
        return told({"rr_ms": (np.array(t), np.array(rr))}, 700)

    ordinary, slow = heard(0.25), heard(0.075)
    assert max(state.arousal for state in ordinary[420:]) > 0.15
    assert max(state.arousal for state in slow[420:]) < 0.05


def test_a_pulse_wave_stands_in_for_beats_and_tells_heart_rate() -> None:
    finger = DATA["finger_ppg"].astype(np.float64)
    t = np.arange(finger.size) / 50.0
    state = told({"bvp": (t, finger)}, int(t[-1]))[-1]
    true_bpm = 60.0 / np.median(np.diff(DATA["beats_s"]))
    assert state.hr_bpm == pytest.approx(true_bpm, abs=3.0)
    assert state.rmssd_ms is not None


def test_belt_temperature_rest_and_brain_are_told_or_none() -> None:
    seconds = 600
    fast, eighth, quarter = (np.arange(rate * seconds) / rate for rate in (128, 8, 4))
    rng = np.random.default_rng(3)
    state = told(
        {
            "resp": (eighth, np.sin(2 * np.pi * 0.2 * eighth)),
            "temp": (quarter, 33.0 + 0.1 * quarter / 60.0),
            "acc": (eighth, 1.0 + 0.002 * rng.normal(size=eighth.size)),
            "eeg_af7": (fast, 20.0 * np.sin(2 * np.pi * 10.0 * fast) + 5.0 * rng.normal(size=fast.size)),
        },
        seconds,
    )[-1]
    assert state.resp_bpm == pytest.approx(12.0, abs=0.3) and state.resp_agreement == pytest.approx(0.8)
    assert state.temp_c == pytest.approx(34.0, abs=0.05) and state.temp_c_per_min == pytest.approx(0.1, abs=0.01)
    assert state.still_s is not None and state.still_s > 500
    assert state.eeg_alpha == pytest.approx(np.log10(200.0), abs=0.1) and state.eeg_contact == 1.0
    assert state.eeg_beta is not None and state.eeg_beta < state.eeg_alpha - 0.5
    assert (state.arousal, state.confidence) == (0.0, 0.0)  # none of these has a vote
    nothing = told({}, 100)[-1]
    for name in ("sdnn_ms", "pnn50", "lf_hf", "coherence", "resp_bpm", "temp_c", "still_s", "eeg_alpha", "eeg_contact"):
        assert getattr(nothing, name) is None


def test_ticks_may_come_faster_than_once_a_second() -> None:
    t, rr = beats(DATA["rr_rest_ms"])
    second = np.arange(400.0)
    stream = {"rr_ms": (t, rr), "eda": (second, 2.0 + 0.3 * np.sin(second / 40.0) + 0.001 * (second % 2))}
    slow, fast = told(stream, 300), told(stream, 300, 0.25)
    assert abs(slow[-1].arousal - fast[-1].arousal) < 0.03
    assert slow[-1].rmssd_ms == pytest.approx(fast[-1].rmssd_ms, rel=0.02)
    assert max(abs(b.arousal - a.arousal) for a, b in zip(fast, fast[1:], strict=False)) <= 0.0201 / 4 + 1e-9


def test_what_it_holds_does_not_grow() -> None:
    rng, estimator, sizes = np.random.default_rng(1), Estimator(), []
    for now in range(1, 2401):
        quarter = now - 1.0 + np.arange(4) / 4.0
        estimator.feed(Samples.of("hr", now - 1.0, 70.0 + rng.normal()))
        estimator.feed(Samples.of("rr_ms", now - 0.5, 850.0 + 30.0 * rng.normal()))
        estimator.feed(Samples.of("eda", quarter, 2.0 + 0.1 * rng.random(4)))
        estimator.feed(Samples.of("bvp", now - 1.0 + np.arange(32) / 32.0, np.sin(7.3 * (now + np.arange(32) / 32.0))))
        estimator.feed(Samples.of("acc", quarter, 1.0 + 0.01 * rng.random(4)))
        estimator.tick(float(now))
        if now in (1200, 2400):
            sizes.append(len(pickle.dumps(estimator)))
    assert sizes[1] <= 1.03 * sizes[0] < 200_000
