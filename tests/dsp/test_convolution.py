"""Partitioned convolution: the convolution it must equal, latency, crossfades, splits, silence, extremes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from synth.dsp.convolution import FADE_S, PARTITION, Convolution

QUANTUM = 64
RATE = 22050


def response(frames, seed=5):
    """Noise that dies away, of unit energy a side."""
    h = np.random.default_rng(seed).normal(size=(2, frames)) * np.exp(-4.0 * np.arange(frames) / frames)
    return h / np.sqrt((h**2).sum(axis=1, keepdims=True))


def late(y, frames):
    return np.concatenate((np.zeros((2, PARTITION)), y), axis=1)[:, :frames]


@pytest.mark.parametrize("frames", [1, 511, 512, 513, 2000])
def test_equals_the_convolution(rendered, noise, frames):
    x, h = noise(70), response(frames)
    unit = Convolution(RATE, 0.1, h)
    wanted = late(signal.oaconvolve(x.astype(float), h, axes=1), x.shape[1])
    assert np.abs(rendered(unit, x) - wanted).max() < 2e-6


def test_it_is_late_by_its_latency(rendered):
    x = np.zeros((2, 20 * QUANTUM), np.float32)
    x[0, 70], x[1, 100] = 1.0, -1.0
    h = np.zeros(300)
    h[10] = 0.5
    unit = Convolution(RATE, 0.1, h)
    out = rendered(unit, x)
    assert np.argmax(out[0]) == 70 + 10 + unit.latency_frames
    assert np.argmin(out[1]) == 100 + 10 + unit.latency_frames
    assert unit.latency_frames == 512
    assert out[0].max() == pytest.approx(0.5, abs=1e-6) and np.sum(np.abs(out) > 1e-6) == 2


def test_a_new_response_is_faded_in_over_the_same_past(rendered, noise):
    """Old and new, each as if it had always been there, in straight lines from one to the other."""
    x, first, second = noise(150), response(1500, 1), response(900, 2)
    unit = Convolution(RATE, 0.1, first)
    head = rendered(unit, x[:, : 42 * QUANTUM])  # 5 blocks and a quarter
    unit.load(second)
    out = np.concatenate((head, rendered(unit, x[:, 42 * QUANTUM :])), axis=1)
    steps = round(FADE_S * RATE / PARTITION)
    start = 6 * PARTITION
    weight = np.clip((np.arange(x.shape[1]) - start) / (steps * PARTITION), 0.0, 1.0)
    old, new = (late(signal.oaconvolve(x.astype(float), h, axes=1), x.shape[1]) for h in (first, second))
    assert np.abs(out - (old + weight * (new - old))).max() < 3e-6
    assert steps * PARTITION / RATE == pytest.approx(0.2, abs=0.02)


def test_a_response_that_comes_during_a_fade_waits_for_its_end(rendered):
    """On a constant the gain never jumps, and the last one given is reached."""
    x = np.ones((2, 330 * QUANTUM), np.float32)
    unit = Convolution(RATE, 0.1, np.array([1.0]))
    pieces = [rendered(unit, x[:, : 20 * QUANTUM])]
    for gain in (0.0, 0.7, 0.5):
        unit.load(np.array([gain]))
        pieces.append(rendered(unit, x[:, : 20 * QUANTUM]))
    pieces.append(rendered(unit, x[:, : 250 * QUANTUM]))
    out = np.concatenate(pieces, axis=1)[0, PARTITION:]
    assert np.abs(np.diff(out)).max() < 1.1 / (FADE_S * RATE)
    assert out.min() == pytest.approx(0.0, abs=1e-3)
    assert out[-1] == pytest.approx(0.5, abs=1e-6) and out.max() < 1.0 + 1e-6


def test_without_a_response_it_is_silent(rendered, noise):
    assert not rendered(Convolution(RATE, 0.1), noise(20)).any()


@pytest.mark.parametrize("quanta", [(1,), (3, 64, 5)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x, h = noise(140), response(900)
    x[:, 20 * QUANTUM : 100 * QUANTUM] = 0.0
    whole = rendered(Convolution(RATE, 0.1, h), x)
    assert np.array_equal(whole, rendered(Convolution(RATE, 0.1, h), x, quanta))
    assert np.abs(whole[:, 120 * QUANTUM :]).max() > 0.1


def test_reset_starts_afresh(rendered, noise):
    unit, x = Convolution(RATE, 0.1, response(2000)), noise(27)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = 100.0 * np.sign(noise(40))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    h = response(rate // 50)
    out = rendered(Convolution(rate, 0.02, h), x)
    assert np.isfinite(out).all() and 10.0 < np.abs(out).max() <= 100.0 * np.abs(h).sum(axis=1).max()


def test_silence_stays_and_returns(rendered, noise):
    unit = Convolution(RATE, 0.1, response(2000))
    assert not rendered(unit, np.zeros((2, 40 * QUANTUM), np.float32)).any()
    x = noise(110)
    x[:, 3 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert out[:, 36 * QUANTUM : 39 * QUANTUM].any() and not out[:, -40 * QUANTUM :].any()
    assert not unit._past.any()
    assert np.abs(rendered(unit, x)).max() > 0.1  # and it answers again


@pytest.mark.parametrize(
    "given, said",
    [
        (np.zeros(4000), "response of 4000 frames: give at most 2560"),
        (np.zeros((3, 10)), r"shape \(3, 10\): give \(frames,\) or \(2, frames\)"),
        (np.array([0.0, np.nan]), "not numbers"),
    ],
)
def test_a_response_that_will_not_do_is_refused(given, said):
    unit = Convolution(RATE, 0.1)
    with pytest.raises(ValueError, match=said):
        unit.load(given)
