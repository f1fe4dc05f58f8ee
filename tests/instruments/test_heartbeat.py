"""The heartbeat: two thuds, low and soft, the second one lighter; never a sudden onset."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import hilbert

from synth.instruments.heartbeat import HIGHEST_HZ, LOWEST_HZ, Heartbeat, thud_hz

RATE = 48000
PAIR = [(0.1, 0.1, 33, 0.6, 0.2), (0.4, 0.1, 33, 0.6, 0.7)]


def envelope(x):
    """Level of a thud at each moment."""
    return np.abs(hilbert(x.astype(float)))


def peak_hz(x):
    spectrum = np.abs(np.fft.rfft(x.astype(float) * np.hanning(x.size), 1 << 18))
    return float(np.argmax(spectrum) * RATE / (1 << 18))


def test_the_second_sound_is_higher_shorter_and_lighter(play):
    first = play(Heartbeat(RATE, 1), PAIR[:1], 1.5)[0]
    both = play(Heartbeat(RATE, 1), PAIR, 1.5)[0]
    at = round(0.4 * RATE)
    second = (both - first)[at:]
    assert np.array_equal(both[:at], first[:at])
    assert peak_hz(second) == pytest.approx(1.17 * peak_hz(first), rel=0.02)
    assert np.sum(second.astype(float) ** 2) < 0.5 * np.sum(first.astype(float) ** 2)


def test_strokes_far_apart_are_all_first_ones(play):
    notes = [(0.7 * i, 0.1, 33, 0.6, 0.3) for i in range(4)]
    x = play(Heartbeat(RATE, 1), notes, 2.8)[0]
    heard = [peak_hz(x[round(0.7 * i * RATE) :][: round(0.7 * RATE)]) for i in range(4)]
    assert np.ptp(heard) < 1.0


@given(st.floats(0, 127), st.sampled_from([1.0, 1.17]))
def test_every_key_is_a_thud_between_45_and_70_hz(pitch, above):
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    heard = thud_hz(hz, above)
    assert LOWEST_HZ <= heard <= HIGHEST_HZ
    octaves = math.log2(heard / (hz * above))
    assert abs(octaves - round(octaves)) < 1e-9 or heard in (LOWEST_HZ, HIGHEST_HZ) or above > 1.0


def test_the_tone_class_of_the_note_is_kept_where_it_fits(play):
    for pitch in (33, 57, 81):  # A
        x = play(Heartbeat(RATE, 1), [(0.0, 0.1, pitch, 0.6, 0.3)], 1.0)[0]
        assert peak_hz(x[4000:]) == pytest.approx(55.0, abs=1.0)


@pytest.mark.parametrize("attack_ms", [5, 25, 80, 400, 2000])
def test_no_onset_is_faster_than_the_floor(play, attack_ms):
    x = play(Heartbeat(RATE, 1), [(0.05, 0.1, 45, 1.0, 0.3)], 1.0, attack_ms=attack_ms)[0]
    level = envelope(x)
    start, end = (np.argmax(level > share * level.max()) / RATE for share in (0.1, 0.9))
    assert end - start > 0.025
    assert np.abs(x[: round(0.06 * RATE)]).max() < 0.15 * np.abs(x).max()
    assert not x[: round(0.05 * RATE) + 1].any()


def test_a_slower_attack_rises_slower(play):
    tops = []
    for attack_ms in (25, 50, 80, 120):
        x = play(Heartbeat(RATE, 1), [(0.0, 0.1, 33, 0.7, 0.3)], 0.8, attack_ms=attack_ms)[0]
        tops.append(np.argmax(envelope(x)))
    assert np.all(np.diff(tops) > 0)


def test_velocity_and_brightness_move_level_and_timbre(play):
    def centroid(x):
        power = np.abs(np.fft.rfft(x)) ** 2
        return power @ np.fft.rfftfreq(x.size, 1 / RATE) / power.sum()

    for key, values in (("velocity", (0.1, 0.3, 0.5, 0.8, 1.0)), ("brightness_oct", (-2, -1, 0, 0.75, 1.5))):
        heard = []
        for value in values:
            velocity, controls = (value, {}) if key == "velocity" else (0.6, {key: value})
            heard.append(play(Heartbeat(RATE, 1), [(0.0, 0.1, 36, velocity, 0.3)], 0.8, **controls)[0].astype(float))
        assert np.all(np.diff([np.sum(x**2) for x in heard]) > 0)
        assert np.all(np.diff([centroid(x) for x in heard]) > 0)


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.21 * i, 0.1, 30 + 3 * i, 0.3 + 0.1 * (i % 5), 0.019 * i) for i in range(12)]
    assert np.array_equal(play(Heartbeat(RATE, 1), notes, 3.0), play(Heartbeat(RATE, 1), notes, 3.0, blocks=blocks))


def test_it_moves_to_either_side_in_turn(play):
    x = play(Heartbeat(RATE, 1), [(float(i), 0.1, 33, 0.6, 0.3) for i in range(2)], 2.0)[0]
    assert x[:RATE].any() and np.array_equal(x[:RATE], -x[RATE:])


def test_no_two_are_alike_and_it_ends_in_silence(play):
    one, other = (play(Heartbeat(RATE, 1), [(0, 0.1, 33, 0.6, v)], 2.5) for v in (0.1, 0.2))
    assert not np.array_equal(one, other)
    assert not one[:, -RATE:].any()


def test_plays_at_the_level_of_the_house(play):
    notes = [
        note
        for i in range(14)
        for note in ((0.9 * i, 0.1, 33, 0.64, 0.377 * i % 1), (0.9 * i + 0.3, 0.1, 33, 0.48, 0.21 * i % 1))
    ]
    x = play(Heartbeat(RATE, 1), notes, 12.6)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    assert 20 * math.log10(np.abs(x).max()) < -6.0
    assert np.abs(x.mean(axis=1)).max() < 1e-4
