"""A listener made of numbers: eight minutes of sensors, strained from the fourth to the sixth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.estimator.estimator import Estimator
from synth.estimator.state import State
from synth.wearables.samples import Samples

Stream = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
SECONDS = 480
STRAIN_S = (240.0, 360.0)


def _listener(seed: int) -> Stream:
    rng = np.random.default_rng(seed)
    second = np.arange(SECONDS, dtype=np.float64)
    strained = (second >= STRAIN_S[0]) & (second < STRAIN_S[1])
    felt = np.zeros(SECONDS)
    for i in range(1, SECONDS):
        felt[i] = felt[i - 1] + (strained[i] - felt[i - 1]) / 15.0
    drift = np.convolve(rng.normal(0, 1, SECONDS + 20), np.ones(20) / 20, "valid")[:SECONDS]
    hr = 68.0 + 4.0 * drift + 9.0 * felt + rng.normal(0, 0.3, SECONDS)

    beats, t = [], 0.4
    while t < SECONDS - 1:
        rr_s = 60.0 / np.interp(t, second, hr) + 0.03 * np.sin(2 * np.pi * 0.25 * t) + rng.normal(0, 0.008)
        t += rr_s
        beats.append((t, 1000.0 * rr_s))

    quarter = np.arange(4 * SECONDS) / 4.0
    felt_quarter = np.interp(quarter, second, felt)
    eda = 2.0 + 0.8 * felt_quarter + 0.05 * np.sin(quarter / 70.0) + rng.normal(0, 0.001, quarter.size)
    for onset in np.flatnonzero(rng.random(quarter.size) < (3.0 + 9.0 * felt_quarter) / 240.0):
        late = quarter[onset:] - quarter[onset]
        eda[onset:] += rng.lognormal(-2.3, 0.4) * 2.2 * (np.exp(-late / 8.0) - np.exp(-late / 0.8))

    eighth = np.arange(8 * SECONDS) / 8.0
    return {
        "hr": (second, hr),
        "rr_ms": (np.array(beats)[:, 0], np.array(beats)[:, 1]),
        "eda": (quarter, eda),
        "acc": (eighth, 1.0 + rng.normal(0, 0.01, eighth.size)),
    }


@pytest.fixture
def listener() -> Stream:
    """Channels as (times, values)."""
    return _listener(7)


Run = Callable[[Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]], list[State]]


def run_stream(stream: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> list[State]:
    """One tick a second, each fed with the second before it."""
    estimator = Estimator()
    states = []
    for now_s in range(1, SECONDS + 1):
        for channel, (t, value) in stream.items():
            due = (t >= now_s - 1) & (t < now_s)
            if due.any():
                estimator.feed(Samples.of(channel, t[due], value[due]))
        states.append(estimator.tick(float(now_s)))
    return states


HEARD: dict[tuple[tuple[str, bytes, bytes], ...], list[State]] = {}


@pytest.fixture
def run() -> Run:
    """Runs a stream through an estimator of its own, one state a second; each stream once, as many tests compare with
    the same."""

    def run(stream: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> list[State]:
        key = tuple((channel, t.tobytes(), value.tobytes()) for channel, (t, value) in stream.items())
        if key not in HEARD:
            HEARD[key] = run_stream(stream)
        return list(HEARD[key])

    return run


Column = Callable[[Iterable[State], str], NDArray[np.float64]]


@pytest.fixture
def column() -> Column:
    """One field of states as numbers, NaN for None."""
    return lambda states, name: np.array(
        [np.nan if getattr(state, name) is None else getattr(state, name) for state in states], dtype=np.float64
    )
