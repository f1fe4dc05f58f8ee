"""A sounding note that slides: its way, its arrival, and all that follows its pitch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.wavetable import saw, warm
from synth.instruments.pad import Pad
from synth.instruments.subtractive import VOICES, Subtractive
from synth.instruments.voicing import Voicing

RATE = 48000
OPEN = Voicing(
    level_db=-12.0,
    side=0.0,
    stereo=False,
    steep=True,
    centre=1.0,
    pan=0.0,
    detune_cents=0.0,
    attack_factor=1.0,
    attack_low_s=0.005,
    attack_high_s=0.005,
    decay_s=0.1,
    sustain=1.0,
    release_s=0.5,
    corner_hz=16000.0,
    corner_max_hz=16000.0,
    tracking=0.0,
    velocity_oct=0.0,
    opening_oct=0.0,
    damping=1.6,
    drift_cents=0.0,
    drift_corner_cents=0.0,
    drift_s=5.0,
    vibrato_cents=0.0,
)
HELD = [(0.0, 9.0, 60, 1.0, 0.3)]
BUSY = [(0.0131 * i, 0.3, 48 + 2 * i, 0.6, 0.03 * i) for i in range(12)]
SLIDES = [
    (0.05, 0, 55, 0.11), (0.0601, 1, 43, 0.2), (0.0602, 2, 71, 0.03), (0.1007, 0, 62, 0.05), (0.15, 9, 30, 0.0),
    (0.33, 3, 70, 0.2),
]  # fmt: skip


def sine(n):
    """Of harmonic numbers `n`: the first alone."""
    return np.where(n == 1, 1.0, 0.0)


def hz(pitch):
    return 440.0 * 2.0 ** ((pitch - 69) / 12.0)


def pitches(x):
    """MIDI notes of a sine at each of its frames, 1 ms means."""
    turns = np.diff(np.unwrap(np.angle(signal.hilbert(x.astype(float))))) / (2.0 * np.pi) * RATE
    return 69.0 + 12.0 * np.log2(np.maximum(np.convolve(turns, np.full(48, 1 / 48), "same"), 1.0) / 440.0)


def frequency(x, near_hz, at_s, gap_s=0.25):
    """Near `near_hz`, from the turn of its phase."""
    n = np.arange(round(gap_s * RATE))
    turns = [
        np.exp(-2j * np.pi * near_hz / RATE * (n + first)) * np.hanning(n.size) @ x[first : first + n.size]
        for first in (round(at_s * RATE), round((at_s + gap_s) * RATE))
    ]
    return near_hz + np.angle(turns[1] / turns[0]) / (2.0 * np.pi * gap_s)


@pytest.mark.parametrize(("to", "seconds"), [(67, 0.3), (48, 0.3), (84, 0.1), (60.5, 0.4)])
def test_the_way_is_a_raised_cosine_of_log_frequency(play, to, seconds):
    x = play(Subtractive(RATE, 1, sine, OPEN), HELD, 1.5, slides=[(0.5, 0, to, seconds)], motion=0.0)[0]
    found, t = pitches(x), np.arange(x.size - 1) / RATE - 0.5
    way = 60.0 + (to - 60.0) * (0.5 - 0.5 * np.cos(np.pi * np.clip(t / seconds, 0.0, 1.0)))
    inside = slice(round(0.4 * RATE), round(1.3 * RATE))
    assert np.abs(found - way)[inside].max() < 0.04 + 0.02 * abs(to - 60.0)
    assert np.abs(way[inside] - 60.0).max() == abs(to - 60.0)


@pytest.mark.parametrize("to", [36.0, 59.37, 100.0])
def test_it_arrives_exactly(play, to):
    x = play(Subtractive(RATE, 1, sine, OPEN), HELD, 1.6, slides=[(0.5, 0, to, 0.2)], motion=0.0)[0].astype(float)
    assert abs(1200.0 * math.log2(frequency(x, hz(to), 0.75) / hz(to))) < 0.02


def test_slides_follow_each_other_and_none_can_take_no_time(play):
    slides = [(0.3, 0, 72, 0.2), (0.4, 0, 60, 0.1), (0.7, 0, 65, 0.0), (0.9, 0, 67, -1.0)]
    found = pitches(play(Subtractive(RATE, 1, sine, OPEN), HELD, 1.2, slides=slides, motion=0.0)[0])
    halfway, back, at_once, at_once_too = (found[round(t * RATE)] for t in (0.4, 0.55, 0.8, 1.0))
    assert halfway == pytest.approx(66.0, abs=0.2)
    assert back == pytest.approx(60.0, abs=0.01)
    assert at_once == pytest.approx(65.0, abs=0.01) and at_once_too == pytest.approx(67.0, abs=0.01)


def test_only_the_note_named_slides(play):
    notes = [(0.0, 9.0, 60, 1.0, 0.3), (0.0, 9.0, 76, 1.0, 0.6)]
    x = play(Subtractive(RATE, 1, sine, OPEN), notes, 1.5, slides=[(0.5, 1, 79, 0.2), (0.5, 7, 40, 0.1)], motion=0.0)
    power = np.abs(np.fft.rfft(x[0, -RATE // 2 :] * np.hanning(RATE // 2))) ** 2
    for pitch, sounds in ((60, True), (79, True), (76, False), (40, False)):
        place = round(hz(pitch) / 2.0)
        assert (power[place - 3 : place + 4].sum() > 0.1 * power.sum()) == sounds


def test_a_released_note_slides_on(play):
    x = play(Subtractive(RATE, 1, sine, OPEN), [(0.0, 0.5, 60, 1.0, 0.3)], 1.0, slides=[(0.52, 0, 64, 0.1)])[0]
    assert pitches(x)[round(0.7 * RATE)] == pytest.approx(64.0, abs=0.05)


def test_no_stair_is_heard(play):
    """Beyond the fastest partial there is next to nothing, neither on the way nor at its ends."""
    x = play(Subtractive(RATE, 1, sine, OPEN), HELD, 1.2, slides=[(0.5, 0, 67, 0.06)], motion=0.0)[0]
    high = signal.sosfilt(signal.butter(8, 1500.0, "high", fs=RATE, output="sos"), x.astype(float))[RATE // 4 :]
    assert 20.0 * math.log10(np.abs(high).max() / x.max()) < -75.0


def test_table_corner_and_level_follow(play):
    """A note that has slid sounds as one struck there, and does not alias."""
    voicing = OPEN._replace(corner_hz=2000.0, tracking=0.5, damping=1.4)
    for wave in (saw, warm):
        for start in (31, 103):
            slid = play(
                Subtractive(RATE, 1, wave, voicing), [(0.0, 9.0, start, 1.0, 0.3)], 3.0, slides=[(0.1, 0, 91, 0.3)],
                motion=0.0,
            )  # fmt: skip
            struck = play(Subtractive(RATE, 1, wave, voicing), [(0.0, 9.0, 91, 1.0, 0.3)], 3.0, motion=0.0)
            window = np.kaiser(65536, 24.0)
            spectra = [20.0 * np.log10(np.abs(np.fft.rfft(x[0, -65536:] * window)) + 1e-3) for x in (slid, struck)]
            assert np.abs(spectra[0] - spectra[1])[spectra[1] > spectra[1].max() - 70.0].max() < 0.1
            assert spectra[0][spectra[1] < spectra[1].max() - 95.0].max() < spectra[1].max() - 85.0


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
@pytest.mark.parametrize("wave", [0, 1])
def test_any_split_gives_the_same_samples(play, wave, blocks):
    whole, split = (play(Pad(RATE, 5, wave=wave), BUSY, 0.7, blocks=b, slides=SLIDES) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()
    assert np.abs(whole - play(Pad(RATE, 5, wave=wave), BUSY, 0.7)).max() > 0.01


@pytest.mark.parametrize("to", [-500.0, 500.0])
def test_far_away_is_the_nearest_that_can_be_played(play, to):
    x = play(Pad(22050, 1), [(0.0, 1.0, 60, 1.0, 0.3)], 1.0, 22050, slides=[(0.2, 0, to, 0.2)])
    assert np.isfinite(x).all() and np.abs(x).max() < 1.0


def test_a_voice_taken_over_slides_no_more(play):
    notes = [(0.0, 9.0, 40 + i, 0.2, 0.03 * i) for i in range(VOICES)] + [(0.5, 9.0, 90.0, 1.0, 0.5)]
    slides = [(0.1, i, 30.0 + i, 4.0) for i in range(VOICES)]
    x = play(Subtractive(RATE, 1, sine, OPEN), notes, 2.0, slides=slides, motion=0.0)[0, RATE:].astype(float)
    power = np.abs(np.fft.rfft(x * np.hanning(x.size))) ** 2
    assert power[round(hz(90)) - 3 : round(hz(90)) + 4].sum() > 0.3 * power.sum()
