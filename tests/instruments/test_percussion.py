"""Hand percussion: which instrument a pitch plays, its modes, softness and level."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.percussion import FRAME_DRUM, SHAKER_HZ, Percussion

RATE = 48000
PITCHES = pytest.mark.parametrize("pitch", [36, 41, 50, 70])


def spectrum(x):
    return np.fft.rfftfreq(x.size, 1.0 / RATE), np.abs(np.fft.rfft(x)) ** 2


def centroid(x):
    hz, power = spectrum(x)
    return (power @ hz) / power.sum()


def energy_db(x):
    return 10 * math.log10(float(np.sum(x.astype(float) ** 2)))


def test_pitch_chooses_the_instrument(play):
    low, frame, shaker = (play(Percussion(RATE, 1), [(0, 9, p, 0.6, 0.4)], 1.0)[0] for p in (36, 45, 70))
    assert centroid(low) < 80
    assert 80 < centroid(frame) < 300
    assert SHAKER_HZ[0] < centroid(shaker) < SHAKER_HZ[1]


@pytest.mark.parametrize("pitch", [41, 45.5, 50])
def test_the_frame_drum_has_the_modes_of_its_head(play, pitch):
    x = play(Percussion(RATE, 1), [(0, 9, pitch, 1.0, 0.4)], 1.0)[0].astype(float)
    f0, n = 440.0 * 2 ** ((pitch - 69) / 12), np.arange(RATE)
    for mode in FRAME_DRUM[:2]:
        hz, span = f0 * mode.ratio, 0.35
        early, late = (
            (x[s : s + round(span * RATE)] * np.blackman(round(span * RATE)))
            @ np.exp(-2j * np.pi * hz * n[s : s + round(span * RATE)] / RATE)
            for s in (round(0.02 * RATE), round((0.02 + span) * RATE))
        )
        assert abs(1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * span) / hz)) < 2.0
        assert 3 * span / math.log10(abs(early / late)) == pytest.approx(mode.t60_s, rel=0.05)


def test_a_shaker_stroke_is_noise(play):
    x = play(Percussion(RATE, 1), [(0, 9, 70, 0.8, 0.4)], 0.15)[0]
    hz, power = spectrum(x)
    inside = power[(hz > SHAKER_HZ[0]) & (hz < SHAKER_HZ[1])]
    assert inside.sum() > 0.95 * power.sum()
    assert inside.max() < 0.2 * inside.sum()  # no single line
    part = x[1500:4500].astype(float)
    echo = np.correlate(part, part, "full")[part.size - 1 :] / (part @ part)
    assert np.abs(echo[96:]).max() < 0.6  # no pitch under 500 Hz


@PITCHES
def test_velocity_and_brightness_move_level_and_timbre(play, pitch):
    hits = [play(Percussion(RATE, 1), [(0, 9, pitch, v, 0.4)], 1.0)[0] for v in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert np.all(np.diff([energy_db(x) for x in hits]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in hits]) > 0)
    bright = [play(Percussion(RATE, 1), [(0, 9, pitch, 0.6, 0.4)], 1.0, brightness_oct=b)[0] for b in (-2, -1, 0, 1.5)]
    assert np.all(np.diff([energy_db(x) for x in bright]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in bright]) > 0)


@PITCHES
def test_begins_without_a_click(play, pitch):
    x = play(Percussion(RATE, 1), [(0.0101, 9, pitch, 1.0, 0.4)], 0.3, attack_ms=5)
    start = round(0.0101 * RATE)
    assert not x[:, : start + 1].any()
    assert np.abs(x[:, start + 1]).max() < 1e-2 * np.abs(x).max()


@PITCHES
def test_ends_in_exact_silence(play, pitch):
    percussion = Percussion(RATE, 1)
    x = play(percussion, [(0, 0.1, pitch, 1.0, 0.4)], 2.0)
    assert percussion.sounding == 0
    assert not x[:, -9600:].any()


def test_no_dc_builds_up(play):
    x = play(Percussion(RATE, 1), [(0.25 * i, 0.1, 36, 1.0, (0.377 * i) % 1) for i in range(40)], 10.0)
    assert np.abs(x.mean(axis=1)).max() < 1e-4


def test_no_two_hits_are_alike_and_seeds_repeat(play):
    def hit(seed, variation):
        return play(Percussion(RATE, seed), [(0, 9, 43, 0.5, variation)], 0.2)

    assert np.array_equal(hit(1, 0.3), hit(1, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(2, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(1, 0.31))


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.017 * i, 0.07, (36, 41, 70, 45, 50)[i % 5], 0.3 + 0.1 * (i % 5), 0.019 * i) for i in range(40)]
    assert np.array_equal(play(Percussion(RATE, 1), notes, 1.0), play(Percussion(RATE, 1), notes, 1.0, blocks=blocks))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_600_notes(play, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Percussion(rate, 1), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


def test_plays_at_the_level_of_the_house(play):
    pattern = (36, 45, 70, 48, 36, 41, 70, 43)
    notes = [(0.5 * i, 0.1, pattern[i % 8], 0.6, (0.377 * i) % 1) for i in range(24)]
    x = play(Percussion(RATE, 1), notes, 12.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    hits = [play(Percussion(RATE, 1), [(0, 9, pitch, 1.0, 0.7)], 0.3) for pitch in (36, 41, 45, 50, 70)]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0
