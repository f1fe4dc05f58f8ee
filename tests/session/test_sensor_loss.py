"""Sensor loss is never heard: nothing grows more intense because data is missing, and the level makes no step."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import signal

from synth import Session
from synth.controls import TABLE
from synth.safety.limits import INTENSITY, STALE_S

RATE = 22_050
LOST_S, SECONDS = 150, 260
SIGNS = {"hr": 96.0, "eda": 6.0}  # well up: the policy has much to answer


def lively(second: int) -> dict[str, float]:
    rng = np.random.default_rng(second)
    return {name: value * (1.0 + 0.03 * rng.normal()) for name, value in SIGNS.items()}


def calm(second: int) -> dict[str, float]:
    rng = np.random.default_rng(second)
    return {name: value * (1.0 + 0.02 * rng.normal()) for name, value in {"hr": 60.0, "eda": 2.0}.items()}


def channels_of(second: int, loss: str, feed) -> dict[str, float]:
    """What arrives in a second, with a `loss` from LOST_S on."""
    values = feed(second)
    if second < LOST_S or loss == "none":
        return values
    if loss == "all":
        return {}
    if loss == "one":
        return {name: value for name, value in values.items() if name != "hr"}
    if loss == "nan":
        return dict.fromkeys(values, float("nan"))
    return values if (second // 3) % 2 else {}  # "flicker"


@functools.cache
def controls(preset: str, loss: str, kind: str) -> tuple[dict[str, float], ...]:
    """The committed controls, second by second."""
    session = Session(preset, seed=3, minutes=20, sample_rate=RATE, audio=False)
    feed, seen = (lively if kind == "lively" else calm), []
    for second in range(SECONDS):
        if loss != "without":
            for name, value in channels_of(second, loss, feed).items():
                session.feed(name, value)
        session.render(RATE)
        seen.append(session.controls)
    return tuple(seen)


@pytest.mark.parametrize("kind", ["lively", "calm"])
@pytest.mark.parametrize("loss", ["all", "one", "nan", "flicker"])
@pytest.mark.parametrize("preset", ["settle", "focus", "energise"])
def test_no_control_grows_more_intense_because_a_sensor_is_lost(preset, loss, kind):
    """No control goes above where it was at the loss, where it goes with the sensor, and where the plan alone goes.

    Where one of two sensors is lost the other goes on to speak, so the estimate and with it the trim may move a little.
    """
    share = 0.05 if loss == "one" else 0.02
    lost, kept = (controls(preset, how, kind) for how in (loss, "none"))
    alone = controls(preset, "without", "")  # nobody is heard, of whatever kind
    assert lost[LOST_S - 1] == kept[LOST_S - 1]
    for second in range(LOST_S, SECONDS):
        for name, way in INTENSITY.items():
            most = max(way * at[name] for at in (lost[LOST_S], kept[second], alone[second]))
            span = share * (TABLE[name].high - TABLE[name].low)
            assert way * lost[second][name] <= most + span, f"{name} at {second} s"


def loudness_lufs(mix: np.ndarray) -> np.ndarray:
    """Level of 400 ms every 100 ms, unweighted: only its steps count."""
    power = np.convolve((mix.astype(np.float64) ** 2).sum(axis=1), np.ones(round(0.4 * RATE)) / (0.4 * RATE), "valid")
    return 10.0 * np.log10(signal.decimate(power, 10, ftype="fir")[:: RATE // 100].clip(1e-12))


@pytest.mark.parametrize("preset", ["settle", "energise"])
def test_the_level_makes_no_step_when_everything_is_lost(preset):
    """The step within a second of a session that loses its sensors, against that of the same session that does not."""
    steps = []
    for loss in ("all", "none"):
        session = Session(preset, seed=3, minutes=20, sample_rate=RATE)
        heard = []
        for second in range(LOST_S + 2 * int(STALE_S)):
            for name, value in channels_of(second, loss, lively).items():
                session.feed(name, value)
            heard.append(session.render(RATE))
        level = loudness_lufs(np.concatenate(heard[LOST_S - 2 :]))
        steps.append(np.abs(level[10:] - level[:-10]))
    lost, kept = steps
    assert lost.max() <= max(kept.max() + 1.0, 6.0)
    n = min(lost.size, kept.size, 100)
    assert np.abs(lost[:n] - kept[:n]).max() < 3.0, "the first ten seconds: nothing has happened yet"
