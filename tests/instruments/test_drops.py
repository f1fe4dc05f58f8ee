"""Drops and the roof, each alone: pitch, decay, rate, bursts, level."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.instruments import nature
from synth.instruments.nature import Nature
from synth.instruments.scenes import NO_DROPS, Band, Drops, Roof, Scene

RATE = 48000
MUTE = (Band(1000, 0.7, -200, 0, 0),) * 8
ONE_PITCH = Drops(2.0, 1000, 1000, -10, 0, 0)


@pytest.fixture
def heard(play, monkeypatch):
    def run(drops=NO_DROPS, seconds=20.0, roof=None, seed=1, **controls):
        scene = Scene("drops", 0.0, 4.0, 0.5, MUTE, (drops, NO_DROPS), roof)
        monkeypatch.setattr(nature, "SCENES", (scene,))
        return play(Nature(RATE, seed), [], seconds, **controls).astype(float)

    return run


def starts(x, floor=1e-3, rest=960):
    """Frames at which sound begins after `rest` frames of silence."""
    loud = np.flatnonzero(np.abs(x).max(0) > floor)
    return loud[np.diff(loud, prepend=-(10**6)) > rest]


def alone(x, frames):
    """Drops that have `frames` to themselves, mono."""
    at, mono = starts(x), x.sum(0)
    return [mono[a : a + frames] for a, b in zip(at, np.append(at[1:], x.shape[1]), strict=True) if b - a > frames]


def t60_s(y):
    """From the slope of the level, in steps of 2 ms."""
    level = 10.0 * np.log10((y[: y.size // 96 * 96].reshape(-1, 96) ** 2).mean(1))
    fit = level > level.max() - 40.0
    return -60.0 / np.polyfit(0.002 * np.flatnonzero(fit), level[fit], 1)[0]


def pitch_hz(y):
    size = 1 << 15
    return np.argmax(np.abs(np.fft.rfft(y, size))) * RATE / size


@pytest.mark.parametrize(("hz", "t60_ms"), [(1000, 79), (3000, 19), (300, 340)])
def test_a_bubble_sounds_and_dies_as_its_radius_says(heard, hz, t60_ms):
    """Times of van den Doel's law for radii of 3, 1 and 10 mm."""
    found = alone(heard(ONE_PITCH._replace(low_hz=hz, high_hz=hz, rate_hz=1.0)), round(0.0012 * t60_ms * RATE))
    assert len(found) > 5
    assert np.median([pitch_hz(y) for y in found]) == pytest.approx(hz, rel=0.02)
    assert np.median([t60_s(y) for y in found]) == pytest.approx(t60_ms / 1000.0, rel=0.07)


def test_a_rising_bubble_rises(heard):
    def later_over_earlier(rising):
        found = alone(heard(ONE_PITCH._replace(rising=rising)), 2400)
        return np.median([pitch_hz(y[1200:]) / pitch_hz(y[:600]) for y in found])

    assert later_over_earlier(0.0) == pytest.approx(1.0, abs=0.015)
    assert later_over_earlier(1.0) > 1.05


@pytest.mark.parametrize(("hz", "slope", "t60_ms"), [(1000, -1, 40), (2000, -1, 20), (2000, 0, 40)])
def test_what_is_no_bubble_dies_as_its_scene_says(heard, hz, slope, t60_ms):
    drops = Drops(2.0, hz, hz, -10, 0, 0, t60_ms=40, t60_slope=slope)
    found = alone(heard(drops), round(0.0012 * t60_ms * RATE))
    assert np.median([t60_s(y) for y in found]) == pytest.approx(t60_ms / 1000.0, rel=0.07)


def counts(x):
    """Onsets in each second."""
    return np.bincount(starts(x, rest=48) // RATE, minlength=x.shape[1] // RATE)


def test_drops_come_by_chance_at_their_rate(heard):
    found = counts(heard(Drops(8.0, 3000, 3000, 0, 0, 0, t60_ms=3), 120.0))
    assert found.mean() == pytest.approx(8.0, rel=0.15)
    assert 0.6 < found.var() / found.mean() < 1.5


def test_bursts_are_far_from_even(heard):
    found = counts(heard(Drops(8.0, 3000, 3000, 0, 0, 0, t60_ms=3, bursts_oct=1.2), 120.0))
    assert found.var() / found.mean() > 3.0
    assert found.max() < 8 * 1.5 * 2**2.4 * 1.5
    assert np.median(found) == pytest.approx(8.0, rel=0.45)


def test_no_drop_is_louder_than_it_may(heard):
    drops = Drops(3.0, 1000, 1000, -20, 0, 8, t60_ms=20)
    free, held = (heard(drops._replace(loudest_db=most)) for most in (100.0, 2.0))
    middle = 10.0 ** (-20.0 / 20.0)
    assert np.abs(free).max() > 2.0 * middle
    assert 0.8 * middle < np.abs(held).max() < 10.0 ** (2.0 / 20.0) * middle


def test_drops_fall_left_and_right(heard):
    left, right = heard(Drops(40.0, 1000, 1000, -20, 0, 0, t60_ms=20), 30.0)
    assert 10.0 * math.log10((left @ left) / (right @ right)) == pytest.approx(0.0, abs=1.5)
    assert 0.25 < np.corrcoef(left, right)[0, 1] < 0.5


ROOF = Roof(3.0, 300, 3000, 0.03, 0.09, 6, -10, 0, 3, 4000)


def peaks(y):
    size = 1 << 15
    spectrum = np.abs(np.fft.rfft(y * np.exp(-np.arange(y.size) / 1200.0), size))
    inner = spectrum[1:-1]
    found = (inner > spectrum[:-2]) & (inner >= spectrum[2:]) & (inner > 0.2 * spectrum.max())
    return (np.flatnonzero(found) + 1) * RATE / size


def test_a_drop_rings_a_few_modes_of_the_roof(heard):
    drops = alone(heard(roof=ROOF, seconds=60.0), 4800)
    assert len(drops) > 30
    found = [hz for hz in map(peaks, drops) if hz.size < 7]  # more: a second drop came at once
    assert len(found) > 0.75 * len(drops)
    assert 2 <= np.median([hz.size for hz in found]) <= 5
    assert all(250 < hz.min() and hz.max() < 3100 for hz in found)
    assert np.median([t60_s(y) for y in drops]) == pytest.approx(0.06, abs=0.03)
    assert len({tuple(np.rint(hz / 60.0)) for hz in found}) > 0.8 * len(found), "seldom the same modes"


def test_a_seed_has_a_roof_of_its_own(heard):
    def modes(seed):
        x = heard(roof=ROOF._replace(rate_hz=40.0), seconds=30.0, seed=seed).sum(0)
        power = np.abs(np.fft.rfft(x)) ** 2
        return np.convolve(power, np.ones(300) / 300.0, "same")[3000:100000:100]

    same, other = (np.corrcoef(np.log(modes(1)), np.log(modes(seed)))[0, 1] for seed in (1, 2))
    assert same > 0.999 and other < 0.8


def test_a_dark_roof_is_struck_softly(heard):
    def centroid(brightness):
        power = np.abs(np.fft.rfft(heard(roof=ROOF._replace(rate_hz=40.0), brightness_oct=brightness).sum(0))) ** 2
        return np.arange(power.size) @ power / power.sum()

    assert np.all(np.diff([centroid(b) for b in (-2, -1, 0, 1)]) > 0.0)


def test_a_roof_that_nothing_strikes_is_silent(heard):
    x = heard(roof=ROOF._replace(rate_hz=0.2), seconds=60.0)
    assert 0 < starts(x).size < 25
    quiet = np.ones(x.shape[1], bool)
    for at in starts(x):
        quiet[at - 4 : at + RATE] = False
    assert quiet.sum() > 10 * RATE and np.abs(x[:, quiet]).max() < 1e-8  # the muted bands
