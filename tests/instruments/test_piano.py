"""The felt piano: stretched partials, two stages of decay, hammer, damper, level."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.piano import Piano, partials_hz

RATE = 48000
BLOCKS = [(1,), (7,), (3, 64, 1)]


def amplitude(x, hz, start_s, length_s=0.2):
    """Level of `x` near `hz` about a moment, whatever its exact pitch."""
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    spectrum = np.abs(np.fft.rfft(x[n] * np.hanning(n.size), 8 * n.size)) * 4.0 / n.size
    f = np.fft.rfftfreq(8 * n.size, 1.0 / RATE)
    return spectrum[np.abs(f - hz) < 25.0].max()


def pitch(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    spectrum = np.abs(np.fft.rfft(x[n] * np.hanning(n.size), 16 * n.size))
    f = np.fft.rfftfreq(16 * n.size, 1.0 / RATE)
    near = np.abs(f - hz) < 60.0
    return f[near][spectrum[near].argmax()]


def centroid(x):
    power = np.abs(np.fft.rfft(x)) ** 2
    return (power @ np.fft.rfftfreq(x.size, 1.0 / RATE)) / power.sum()


def test_partials_are_stretched(play):
    x = play(Piano(RATE, 1), [(0, 9, 69, 1.0, 0.4)], 1.0)[0]
    for n, cents in ((1, 0.0), (2, 1.9), (8, 38.0)):
        found = pitch(x, 440.0 * n * 2 ** (cents / 1200), 0.02, 0.6)
        assert 1200 * math.log2(found / (440.0 * n)) == pytest.approx(cents, abs=1.5)
    assert np.all(np.diff(partials_hz(21.0, 27.5)) > 27.5 - 1e-9)


def test_decays_fast_and_then_slowly(play):
    x = play(Piano(RATE, 1), [(0, 20, 60, 0.8, 0.4)], 9.0)[0]
    first = 20 * math.log10(amplitude(x, 261.6, 0.05) / amplitude(x, 261.6, 0.55)) / 0.5
    last = 20 * math.log10(amplitude(x, 261.6, 6.5) / amplitude(x, 261.6, 8.5)) / 2.0
    assert first > 2.5 * last
    assert 60 / last == pytest.approx(12.0, rel=0.1)


def test_higher_partials_decay_faster(play):
    x = play(Piano(RATE, 1), [(0, 20, 60, 0.8, 0.4)], 2.0)[0]
    fall = [amplitude(x, hz, 0.02) / amplitude(x, hz, 0.32) for hz in partials_hz(60, 261.63)[[0, 2, 5]]]
    assert fall[0] < fall[1] < fall[2]


def test_velocity_moves_level_and_timbre(play):
    notes = [play(Piano(RATE, 1), [(0, 9, 60, v, 0.4)], 0.7)[0] for v in (0.1, 0.3, 0.5, 0.7, 1.0)]
    level = [10 * np.log10(np.mean(x**2)) for x in notes]
    assert np.all(np.diff(level) > 1.0)
    assert level[-1] - level[0] == pytest.approx(24 * 0.9**1.6, abs=1.0)
    assert np.all(np.diff([centroid(x) for x in notes]) > 5.0)


def test_brightness_and_attack_move_timbre(play):
    bright = [play(Piano(RATE, 1), [(0, 9, 60, 0.5, 0.4)], 0.7, brightness_oct=b)[0] for b in (-2, -1, 0, 1, 1.5)]
    assert np.all(np.diff([centroid(x) for x in bright]) > 2.0)
    assert np.all(np.diff([np.mean(x**2) for x in bright]) > 0)
    soft = [play(Piano(RATE, 1), [(0, 9, 60, 0.5, 0.4)], 0.7, attack_ms=a)[0] for a in (5, 80, 500, 2000)]
    assert np.all(np.diff([centroid(x) for x in soft]) < 0)
    assert np.all(np.diff([np.abs(x[:240]).max() for x in soft]) < 0)


def test_a_soft_middle_c_is_dark(play):
    assert 300 < centroid(play(Piano(RATE, 1), [(0, 9, 60, 0.2, 0.4)], 1.0)[0]) < 600


def test_begins_without_a_click(play):
    for note in (21, 60, 108):
        x = play(Piano(RATE, 1), [(0.01, 9, note, 1.0, 0.4)], 0.2, attack_ms=5)
        start = round(0.01 * RATE)
        assert not x[:, :start].any()
        assert np.abs(x[:, start]).max() < 1e-3 * np.abs(x).max()


def test_the_knock_is_faint(play):
    x = play(Piano(RATE, 1), [(0, 9, 84, 1.0, 0.4)], 0.3)[0]
    n = np.arange(round(0.04 * RATE))
    spectrum = np.abs(np.fft.rfft(x[n] * np.hanning(n.size), 8 * n.size)) ** 2
    low = np.fft.rfftfreq(8 * n.size, 1 / RATE) < 400
    assert -50 < 10 * math.log10(spectrum[low].sum() / spectrum[~low].sum()) < -24


def test_the_damper_ends_a_note_and_the_pedal_holds_it(play):
    notes = [(0, 0.3, 60, 0.8, 0.4)]
    dry, held, pedalled = (
        play(Piano(RATE, 1), notes, 0.8),
        play(Piano(RATE, 1), [(0, 9, *notes[0][2:])], 0.8),
        play(Piano(RATE, 1, pedal=0.8), notes, 0.8),
    )
    late = slice(round(0.6 * RATE), None)
    assert np.abs(dry[:, late]).max() < 1e-3 * np.abs(held[:, late]).max()
    assert np.abs(pedalled[:, late]).max() > 0.5 * np.abs(held[:, late]).max()
    undamped = play(Piano(RATE, 1), [(0, 0.1, 96, 0.8, 0.4)], 0.5)
    assert np.abs(undamped[:, -4800:]).max() > 1e-3


def test_ends_in_exact_silence(play):
    piano = Piano(RATE, 1)
    x = play(piano, [(0.1 * i, 0.2, 48 + 5 * i, 0.6, 0.1 * i) for i in range(8)], 2.0)
    assert not x[:, -4800:].any()
    assert piano.sounding == 0


def test_low_notes_sit_left(play):
    power = [np.mean(play(Piano(RATE, 1), [(0, 9, note, 0.6, 0.4)], 0.3) ** 2, axis=1) for note in (30, 64.5, 100)]
    assert power[0][0] > 1.2 * power[0][1]
    assert power[1][0] == pytest.approx(power[1][1], rel=1e-3)
    assert power[2][0] < power[2][1] / 1.2


def test_hits_differ_and_seeds_repeat(play):
    def note(seed, variation):
        return play(Piano(RATE, seed), [(0, 9, 60, 0.5, variation)], 0.2)

    assert np.array_equal(note(1, 0.3), note(1, 0.3))
    assert not np.array_equal(note(1, 0.3), note(2, 0.3))
    assert not np.array_equal(note(1, 0.3), note(1, 0.31))


@pytest.mark.parametrize("blocks", BLOCKS)
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.031 * i, 0.07, 40 + 7 * (i % 6), 0.3 + 0.1 * (i % 5), 0.037 * i) for i in range(24)]
    assert np.array_equal(play(Piano(RATE, 1), notes, 1.0), play(Piano(RATE, 1), notes, 1.0, blocks=blocks))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_600_notes(play, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Piano(rate, 1), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


def test_plays_at_the_level_of_the_house(play):
    scale = (60, 64, 67, 72, 69, 65, 62, 71)
    notes = [(0.5 * i, 0.45, scale[i % 8], 0.6, (0.377 * i) % 1) for i in range(20)]
    x = play(Piano(RATE, 1), notes, 10.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    loud = max(np.abs(play(Piano(RATE, 1), [(0, 9, n, 1.0, 0.7)], 0.3)).max() for n in (21, 40, 60, 72, 84, 100))
    assert 20 * math.log10(loud) < -6.0
