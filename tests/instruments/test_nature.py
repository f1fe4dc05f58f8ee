"""Nature: levels, spectra, movement that never repeats, nothing that startles."""

from __future__ import annotations

import functools
import math

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from synth.instruments.nature import SCENES, Nature

RATE = 48000
LONG_RATE, LONG_S = 16000, 600.0
KINDS = range(len(SCENES))
NAMES = [scene.name for scene in SCENES]
OCEAN, BROOK = NAMES.index("ocean"), NAMES.index("brook")


@functools.cache
def long_level(play, kind):
    """Mean power of ten minutes of a scene, every 50 ms."""
    x = play(Nature(LONG_RATE, 3, kind=kind), [], LONG_S, LONG_RATE)
    frames = LONG_RATE // 20
    return (x**2).mean(0)[: x.shape[1] // frames * frames].reshape(-1, frames).mean(1)


def spectrum(x, rate=RATE):
    hz, power = signal.welch(x.astype(float), rate, nperseg=8192)
    return hz, power.mean(0)


def centroid(x, rate=RATE):
    hz, power = spectrum(x, rate)
    return (hz @ power) / power.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_level_and_width(play, kind):
    x = play(Nature(RATE, 2, kind=kind), [], 40.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    assert 20.0 * math.log10(np.abs(x).max()) < -6.0
    assert 0.2 < np.corrcoef(*x)[0, 1] < 0.55
    assert np.abs(x.astype(float).mean(1)).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("ocean", 700, 2000),
        ("rain", 3000, 5000),
        ("brook", 800, 1600),
        ("wind", 400, 1200),
        ("heavy rain", 2000, 3200),
        ("rain on leaves", 1200, 3000),
        ("rain on a roof", 700, 1600),
        ("river", 500, 1000),
        ("fire", 300, 1200),
        ("crickets", 3000, 4700),
        ("night", 600, 1600),
        ("birds", 1500, 3500),
    ],
)
def test_each_has_its_place_in_the_spectrum(play, name, low, high):
    assert low < centroid(play(Nature(RATE, 1, kind=NAMES.index(name)), [], 20.0)) < high


@pytest.mark.parametrize("kind", KINDS)
def test_brightness_raises_the_centroid(play, kind):
    found = [centroid(play(Nature(RATE, 1, kind=kind), [], 8.0, brightness_oct=b)) for b in (-2, -1, 0, 1, 1.5)]
    assert np.all(np.diff(found) > 50.0)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_startles(play, kind):
    level = long_level(play, kind)[20:]
    before = np.convolve(level, np.ones(60) / 60)[59 : level.size - 1]
    assert 10.0 * math.log10((level[60:] / before).max()) < 14.0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_repeats(play, kind):
    seconds = 10.0 * np.log10(long_level(play, kind)[: int(LONG_S) * 20 - 20].reshape(-1, 20).mean(1))
    moved = seconds - seconds.mean()
    found = [moved[lag:] @ moved[:-lag] / (moved @ moved) for lag in range(20, 120)]
    assert max(found) < (0.5 if kind == OCEAN else 0.3)
    assert moved.std() > 0.3


def crests_s(power, prominence_db=2.0):
    """Times of the crests of a level, given every 50 ms."""
    smooth = signal.convolve(10.0 * np.log10(power), np.hanning(50) / np.hanning(50).sum(), "same")
    return signal.find_peaks(smooth, prominence=prominence_db)[0] / 20.0, smooth[50:-50]


def test_waves_come_every_nine_seconds_or_so(play):
    crests, level_db = crests_s(long_level(play, OCEAN))
    periods = np.diff(crests)
    assert 8.0 < np.median(periods) < 10.0
    assert periods.std() > 0.5
    assert 6.0 < np.percentile(level_db, 99) - np.percentile(level_db, 1) < 14.0


def test_hiss_follows_the_wave(play):
    x = play(Nature(RATE, 3, kind=OCEAN), [], 120.0).astype(float).mean(0)
    body, hiss = (
        crests_s(
            (signal.sosfilt(signal.butter(4, band, "band", fs=RATE, output="sos"), x) ** 2).reshape(-1, 2400).mean(1)
        )[0]
        for band in ((100, 400), (5000, 9000))
    )
    later = [hiss[np.argmin(np.abs(hiss - crest - 0.7))] - crest for crest in body]
    assert 0.4 < np.median(later) < 2.0


def test_drops_ring_as_bubbles_do(play):
    x = play(Nature(RATE, 1, kind=BROOK), [], 8.0).astype(float)[0]
    power = (x**2)[: x.size // 480 * 480].reshape(-1, 480).mean(1)
    assert 1.5 < (10.0 * np.log10(power)).std() < 6.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, kind, blocks):
    whole, split = (play(Nature(RATE, 5, kind=kind), [], 1.0, blocks=b) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides(play, kind):
    first, again, other = (play(Nature(RATE, seed, kind=kind), [], 0.5) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_motion_moves_but_keeps_the_level(play, kind):
    still, moved = (play(Nature(RATE, 1, kind=kind), [], 12.0, motion=m).astype(float) for m in (0.0, 1.0))
    assert not np.array_equal(still, moved)
    assert abs(10.0 * math.log10(np.mean(moved**2) / np.mean(still**2))) < 4.0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if NAMES[kind] != "crickets"])  # they chirp more often
def test_motion_stirs_the_level(play, kind):
    found = []
    for motion in (0.0, 0.5, 1.0):
        x = play(Nature(LONG_RATE, 1, kind=kind), [], 120.0, LONG_RATE, motion=motion)
        level = (x**2).mean(0)[: 119 * LONG_RATE].reshape(238, -1).mean(1)
        found.append(np.abs(np.diff(10.0 * np.log10(level))).mean())
    assert np.all(np.diff(found) > 0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [22050, 192000])
@pytest.mark.parametrize("brightness", [-2.0, 1.5])
def test_extremes_stay_finite(play, kind, rate, brightness):
    x = play(Nature(rate, 1, kind=kind), [], 4.0, rate, brightness_oct=brightness, motion=1.0)
    assert np.isfinite(x).all() and 0.001 < np.abs(x).max() < 0.7


def test_a_scene_that_is_not_there_is_answered():
    with pytest.raises(ValueError, match=r"kind = 12: give 0 to 11 \(ocean, rain, .*, night, birds\)"):
        Nature(RATE, 1, kind=12)
    assert Nature(RATE, 1).sounding == 1
