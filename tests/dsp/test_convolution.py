"""Convolution: what it must equal from the first sample on, its transform, crossfades, splits, silence, extremes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from synth.dsp.convolution import FADE_S, PARTITION, Convolution, _transform, twiddles

QUANTUM = 64
RATE = 22050
SLOW = 5120  # a fade is two blocks


def response(frames, seed=5):
    """Noise that dies away, of unit energy a side."""
    h = np.random.default_rng(seed).normal(size=(2, frames)) * np.exp(-4.0 * np.arange(frames) / frames)
    return h / np.sqrt((h**2).sum(axis=1, keepdims=True))


def convolved(x, h):
    """All of it, from the first sample on, as long as `x`."""
    return signal.oaconvolve(x.astype(float), np.atleast_2d(h.astype(np.float32).astype(float)), axes=1)[
        :, : x.shape[1]
    ]


def apart_db(found, wanted):
    """Level of the difference over that of what was wanted."""
    return 10.0 * np.log10(((found - wanted) ** 2).sum() / (wanted**2).sum() + 1e-30)


@pytest.mark.parametrize("frames", [1, 7, 511, 512, 513, 1024, 1025])
def test_equals_the_convolution(rendered, noise, frames):
    x, h = noise(20), response(frames)
    found, wanted = rendered(Convolution(RATE, 0.1, h), x), convolved(x, h)
    assert apart_db(found, wanted) < -120.0
    for start in range(0, 20 * QUANTUM, 8 * QUANTUM):  # and so does every block
        assert apart_db(found[:, start : start + 512], wanted[:, start : start + 512]) < -120.0


def test_there_is_no_latency(rendered):
    """Impulses at each end of a block, and in its middle, are answered at once."""
    x = np.zeros((2, 30 * QUANTUM), np.float32)
    x[0, [0, 511, 1300]], x[1, [512, 1000]] = 1.0, -1.0
    h = np.zeros(1100)
    h[[0, 10, 511, 512, 1099]] = 0.5, 0.25, -0.125, 0.5, 0.25
    unit = Convolution(RATE, 0.1, h)
    out = rendered(unit, x)
    assert unit.latency_frames == 0
    assert out[0, 0] == 0.5 and out[1, 512] == -0.5 and out[0, 511] == pytest.approx(0.375)
    assert np.abs(out - convolved(x, h)).max() < 3e-7


def test_the_transform_is_that_of_fourier():
    draw = np.random.default_rng(2)
    z = np.zeros((2, 2, 2 * PARTITION), np.float32)
    z[0] = draw.normal(size=(2, 2 * PARTITION))
    wanted = np.fft.fft(z[0, 0].astype(float) + 1j * z[0, 1])
    _transform(z, twiddles())
    assert np.abs(z[1, 0] + 1j * z[1, 1] - wanted).max() < 3e-7 * np.abs(wanted).max()


def test_sides_have_responses_of_their_own(rendered, noise):
    x, h = noise(10), response(600)
    x[1] = 0.0
    out = rendered(Convolution(RATE, 0.1, h), x)
    assert np.abs(out[1]).max() < 1e-6 and np.abs(out[0]).max() > 0.5


def test_a_new_response_is_faded_in_over_the_same_past(rendered, noise):
    """Old and new, each as if it had always been there, in straight lines from one to the other."""
    x, first, second = noise(36), response(1300, 1), response(700, 2)
    unit = Convolution(SLOW, 0.3, first)
    head = rendered(unit, x[:, : 10 * QUANTUM])  # a block and a quarter
    unit.load(second)
    out = np.concatenate((head, rendered(unit, x[:, 10 * QUANTUM :])), axis=1)
    weight = np.clip((np.arange(x.shape[1]) - 2 * PARTITION) / (FADE_S * SLOW), 0.0, 1.0)
    old, new = convolved(x, first), convolved(x, second)
    assert apart_db(out, old + weight * (new - old)) < -120.0


def test_a_response_that_comes_during_a_fade_waits_for_its_end(rendered):
    """On a constant the gain never jumps, and the last one given is reached."""
    x = np.ones((2, 90 * QUANTUM), np.float32)
    unit = Convolution(SLOW, 0.1, np.array([1.0]))
    pieces = [rendered(unit, x[:, : 5 * QUANTUM])]
    for gain in (0.0, 0.7, 0.5):
        unit.load(np.array([gain]))
        pieces.append(rendered(unit, x[:, : 5 * QUANTUM]))
    pieces.append(rendered(unit, x[:, : 70 * QUANTUM]))
    out = np.concatenate(pieces, axis=1)[0]
    assert np.abs(np.diff(out)).max() < 1.1 / (FADE_S * SLOW)
    assert out.min() == pytest.approx(0.0, abs=1e-3)
    assert out[-1] == pytest.approx(0.5, abs=1e-6) and out.max() < 1.0 + 1e-6


def test_a_response_that_comes_in_silence_is_there_with_the_sound(rendered, noise):
    unit = Convolution(SLOW, 0.2, np.array([1.0]))
    unit.load(response(700))
    unit.load(np.array([0.5]))  # in the place of that
    assert not rendered(unit, np.zeros((2, 9 * QUANTUM), np.float32)).any()
    x = noise(10)
    assert np.array_equal(rendered(unit, x), np.float32(0.5) * x)


def test_without_a_response_it_is_silent(rendered, noise):
    assert not rendered(Convolution(RATE, 0.1), noise(20)).any()


def test_any_split_gives_the_same_samples(rendered, noise):
    x, h = noise(62), response(900)
    x[:, : 6 * QUANTUM], x[:, 9 * QUANTUM : 60 * QUANTUM] = 0.0, 0.0
    whole = rendered(Convolution(RATE, 0.05, h), x)
    assert not whole[:, 50 * QUANTUM : 60 * QUANTUM].any() and np.abs(whole[:, 60 * QUANTUM :]).max() > 0.1
    for quanta in ((1,), (3, 64, 5)):
        assert np.array_equal(whole, rendered(Convolution(RATE, 0.05, h), x, quanta))


def test_reset_starts_afresh(rendered, noise):
    unit, x = Convolution(RATE, 0.05, response(900)), noise(9)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = 100.0 * np.sign(noise(10))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    h = response(rate // 50)
    out = rendered(Convolution(rate, 0.02, h), x)
    assert np.isfinite(out).all() and 10.0 < np.abs(out).max() <= 100.0 * np.abs(h).sum(axis=1).max()


def test_silence_stays_and_returns(rendered, noise):
    unit = Convolution(RATE, 0.06, response(1300))
    assert not rendered(unit, np.zeros((2, 20 * QUANTUM), np.float32)).any()
    x = noise(70)
    x[:, 2 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert out[:, 20 * QUANTUM : 22 * QUANTUM].any() and not out[:, -24 * QUANTUM :].any()
    assert not unit._past.any() and not unit._fresh.any()
    assert np.array_equal(rendered(unit, x[:, : 4 * QUANTUM]), out[:, : 4 * QUANTUM])  # and it answers again


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
