"""The upright bass: level, place, decay, answers to controls, and the promises every instrument makes."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.upright import Upright

RATE = 48000
LINE = [(0.4 * i, 0.37, pitch, 0.6, 0.13 * i % 1.0) for i, pitch in enumerate((40, 43, 40, 35, 36, 36) * 3)]


def plucked(play, pitch=40, velocity=0.6, seconds=2.0, rate=RATE, **controls):
    return play(Upright(rate, 1), [(0, 9, pitch, velocity, 0.4)], seconds, rate, **controls)


def level_db(x):
    return 10.0 * math.log10(np.mean(x.astype(float) ** 2))


def centroid(x):
    power = np.abs(np.fft.rfft(x[0].astype(float) * np.hanning(x.shape[1])))
    return (power @ np.fft.rfftfreq(x.shape[1], 1.0 / RATE)) / power.sum()


def test_a_line_has_the_agreed_loudness(play):
    x = play(Upright(RATE, 1), LINE, 7.2)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.0)
    assert 20.0 * math.log10(np.abs(x).max()) < -6.0
    assert np.abs(x.astype(float).mean(1)).max() < 1e-4


def test_both_sides_are_the_same(play):
    left, right = play(Upright(RATE, 1), LINE, 3.0)
    assert np.allclose(left, right, atol=1e-7) and np.abs(left).max() > 0.05


@pytest.mark.parametrize("pitch", [28, 36.37, 45])
def test_pitch_is_exact(play, pitch):
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    x, n = plucked(play, pitch, seconds=3.0)[0].astype(float), np.arange(RATE)
    early, late = (
        np.exp(-2j * np.pi * hz / RATE * (n + first)) * np.hanning(n.size) @ x[first : first + n.size]
        for first in (RATE // 4, RATE)
    )
    off_hz = np.angle(late / early) / (2.0 * np.pi * 0.75)
    assert abs(1200.0 * math.log2(1.0 + off_hz / hz)) < 1.0


def test_higher_notes_die_sooner(play):
    falls = []
    for pitch in (28, 40, 52, 64):
        x = plucked(play, pitch, seconds=1.6)
        falls.append(level_db(x[:, RATE : RATE + 9600]) - level_db(x[:, 9600:19200]))
    assert np.all(np.diff(falls) < -2.0) and -30.0 < falls[1] < -6.0


def test_velocity_brightness_and_attack_are_heard(play):
    soft = [plucked(play, velocity=v) for v in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert np.all(np.diff([level_db(x) for x in soft]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in soft]) > 0.5)
    assert np.all(np.diff([centroid(plucked(play, brightness_oct=b)) for b in (-2, -1, 0, 1, 1.5)]) > 0.5)
    assert np.all(np.diff([centroid(plucked(play, attack_ms=a)) for a in (5.0, 40.0, 150.0, 500.0, 1500.0)]) < 0.0)


def test_it_is_softly_plucked(play):
    """Next to nothing above 3 kHz, from the first moment on."""
    x = plucked(play)[0, : RATE // 10].astype(float)
    power = np.abs(np.fft.rfft(x * np.hanning(x.size))) ** 2
    hz = np.fft.rfftfreq(x.size, 1.0 / RATE)
    assert 10.0 * math.log10(power[hz > 3000.0].sum() / power.sum()) < -28.0


def test_a_hand_damps_it(play):
    bass = Upright(RATE, 1)
    x = play(bass, [(0, 0.4, 40, 0.8, 0.4)], 2.0)
    assert level_db(x[:, round(0.75 * RATE) : round(0.8 * RATE)]) < level_db(x[:, : RATE // 4]) - 40.0
    assert bass.sounding == 0 and not x[:, -RATE // 2 :].any()


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    whole, split = (play(Upright(RATE, 5), LINE, 1.5, blocks=b) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_finite(play, rate):
    notes = [(0.02 * i, 0.1, 127 * i / 20, 1.0, 0.04 * i) for i in range(21)]
    x = play(Upright(rate, 1), notes, 0.8, rate, brightness_oct=1.5, attack_ms=5.0, motion=1.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 4.0
