"""Crickets and birds, each alone: pitch, chirps and pulses, syllables and phrases, distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from synth.instruments import nature
from synth.instruments.nature import Nature
from synth.instruments.scenes import NO_DROPS, Band, Birds, Crickets, Scene

RATE = 48000
MUTE = (Band(1000, 0.7, -200, 0, 0),) * 8
CRICKET = Crickets(1, 4200, 4900, -10, 0, 1e9, 1.2, 2.4, 26, 38, 2, 7)
BIRD = Birds(1, 2200, 4600, -10, 0, 1e9, 7, 24)


@pytest.fixture
def heard(play, monkeypatch):
    def run(animals, seconds=40.0, seed=1, **controls):
        monkeypatch.setattr(nature, "SCENES", (Scene("one", 0.0, 4.0, 0.8, MUTE, (NO_DROPS,) * 2, animals=animals),))
        return play(Nature(RATE, seed), [], seconds, **controls)

    return run


def bouts(x, gap_s, floor=1e-4):
    """(first, last) frames of sound that has no silence of `gap_s` in it."""
    loud = np.flatnonzero(np.abs(x).max(0) > floor)
    cut = np.flatnonzero(np.diff(loud) > gap_s * RATE)
    return list(zip(loud[np.append(0, cut + 1)], loud[np.append(cut, loud.size - 1)], strict=True))


def peak_hz(y):
    size = max(1 << 14, y.size)
    return np.argmax(np.abs(np.fft.rfft(y * np.hanning(y.size), size))) * RATE / size


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cricket_chirps_in_pulses(heard, seed):
    x = heard(CRICKET, seed=seed)
    chirps = bouts(x, 0.1)
    pulses = [bouts(x[:, first : last + 1], 0.002) for first, last in chirps[1:-1]]
    assert {len(found) for found in pulses} == {3, 4, 5}
    rates = [(len(p) - 1) * RATE / (p[-1][0] - p[0][0]) for p in pulses]
    assert 25.0 < np.median(rates) < 40.0
    apart = np.diff([first for first, _ in chirps]) / RATE
    assert 1.0 < 1.0 / np.median(apart) < 3.0
    assert np.std(apart[apart < 1.5]) / np.median(apart) == pytest.approx(0.07, abs=0.04)
    assert 2.0 < apart.max() < 9.0, "it rests"
    assert 4100.0 < peak_hz(x[0]) < 5000.0


def test_crickets_chirp_more_often_with_motion(heard):
    rest = CRICKET._replace(rest_low_s=0.5, rest_high_s=0.6)
    found = [len(bouts(heard(rest, motion=m), 0.08)) for m in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(found) > 5)


def test_each_animal_has_a_pitch_and_a_place_of_its_own(heard):
    x = heard(CRICKET._replace(number=3))
    hz, power = signal.welch(x, RATE, nperseg=2048)
    total = power.sum(0)
    at = signal.find_peaks(total, height=0.02 * total.max(), distance=3)[0]
    assert len(at) == 3
    assert np.ptp(hz[at]) > 200.0
    sides = 10.0 * np.log10(power[0, at] / power[1, at])
    assert sides.max() > 3.0 and sides.min() < -3.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bird_sings_phrases_of_syllables(heard, seed):
    x = heard(BIRD, 120.0, seed)
    phrases = bouts(x, 1.0)
    assert 4 < len(phrases) < 17
    rests = np.array([b[0] - a[1] for a, b in zip(phrases[:-1], phrases[1:], strict=True)]) / RATE
    assert rests.min() > 6.9 and rests.max() < 24.5 and rests.std() > 1.5
    syllables = [bouts(x[:, first : last + 1], 0.02) for first, last in phrases]
    assert {len(found) for found in syllables} <= {3, 4, 5, 6, 7, 8} and len({len(found) for found in syllables}) > 2
    lengths = np.array([b - a for found in syllables for a, b in found]) / RATE
    assert 0.03 < lengths.min() and lengths.max() < 0.23
    mono = x.sum(0)
    pitches = [
        np.array([peak_hz(mono[first + a : first + b]) for a, b in found])
        for (first, _), found in zip(phrases, syllables, strict=True)
    ]
    assert 1500.0 < min(map(np.min, pitches)) and max(map(np.max, pitches)) < 6000.0
    steps = np.abs(np.concatenate([np.diff(np.log2(phrase)) for phrase in pitches]))
    assert 0.1 < (steps > 0.05).mean() < 0.6, "a syllable comes again a few times, and then another one"


def test_a_syllable_comes_and_goes_softly(heard):
    """No step: what is above all partials stays far below them."""
    x = heard(BIRD, 60.0)
    high = signal.sosfilt(signal.butter(8, 16000, "high", fs=RATE, output="sos"), x)
    assert np.abs(high).max() < 1e-3 * np.abs(x).max()


@pytest.mark.parametrize("animals", [CRICKET, BIRD], ids=["cricket", "bird"])
def test_distance_takes_away_the_treble(heard, animals):
    near, far = (heard(animals._replace(far_hz=hz)) for hz in (1e9, 1500.0))
    loss_db = 10.0 * np.log10((near**2).sum() / (far**2).sum())
    assert 4.0 < loss_db < 13.0


@pytest.mark.parametrize("animals", [CRICKET, BIRD], ids=["cricket", "bird"])
def test_brightness_brings_smaller_animals_nearer(heard, animals):
    found = [heard(animals._replace(far_hz=3000.0), brightness_oct=b) for b in (-2, -1, 0, 1, 1.5)]
    assert np.all(np.diff([(x**2).sum() for x in found]) > 0.0)
    spectra = [np.abs(np.fft.rfft(x[0])) ** 2 for x in found]
    assert np.all(np.diff([np.arange(p.size) @ p / p.sum() for p in spectra]) > 0.0)


def test_between_phrases_there_is_silence(heard):
    x = heard(BIRD)
    (_, last), (first, _) = bouts(x, 1.0)[:2]
    assert np.abs(x[:, last + 200 : first - 200]).max() < 1e-8  # the muted bands
