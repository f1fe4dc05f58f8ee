"""Harp and nylon guitar: pitch and decay over the range, what fingers do to tone, dampers, level."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.plucked import STRINGS, Plucked

RATE = 48000
KINDS = pytest.mark.parametrize("kind", range(len(STRINGS)), ids=[strings.name for strings in STRINGS])


def component(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def energy_db(x):
    return 10 * math.log10(float(np.sum(x.astype(float) ** 2)))


def centroid(x):
    power = np.abs(np.fft.rfft(x)) ** 2
    return (power @ np.fft.rfftfreq(x.size, 1.0 / RATE)) / power.sum()


@KINDS
@pytest.mark.parametrize("note", [36, 48, 62, 79, 96])
def test_is_in_tune_and_rings_as_the_table_says(play, kind, note):
    strings, hz = STRINGS[kind], 440.0 * 2 ** ((note - 69) / 12)
    x = play(Plucked(RATE, 1, kind), [(0, 9, note, 0.7, 0.4)], 1.0)[0].astype(float)
    early, late = component(x, hz, 0.15, 0.3), component(x, hz, 0.45, 0.3)
    assert abs(1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * 0.3) / hz)) < 1.0
    t60_s = strings.t60_s * 2 ** (strings.decay_slope * (note - strings.lowest_note) / 12)
    assert 0.9 / math.log10(abs(early / late)) == pytest.approx(t60_s, rel=0.1)


@KINDS
def test_velocity_and_brightness_move_level_and_timbre(play, kind):
    for note in (40, 60, 84):
        hits = [play(Plucked(RATE, 1, kind), [(0, 9, note, v, 0.4)], 0.6)[0] for v in (0.1, 0.3, 0.5, 0.7, 1.0)]
        assert np.all(np.diff([energy_db(x) for x in hits]) > 1.5)
        assert np.all(np.diff([centroid(x) for x in hits]) > 0)
        bright = [
            play(Plucked(RATE, 1, kind), [(0, 9, note, 0.6, 0.4)], 0.6, brightness_oct=b)[0]
            for b in (-2, -1, 0, 0.7, 1.5)
        ]
        assert np.all(np.diff([energy_db(x) for x in bright]) > 0)
        assert np.all(np.diff([centroid(x) for x in bright]) > 0)


@KINDS
def test_attack_softens_the_finger(play, kind):
    soft = [play(Plucked(RATE, 1, kind), [(0, 9, 60, 0.8, 0.4)], 0.5, attack_ms=a)[0] for a in (5, 80, 500, 2000)]
    assert np.all(np.diff([centroid(x) for x in soft]) < 0)


@KINDS
def test_begins_without_a_click_and_without_dc(play, kind):
    x = play(Plucked(RATE, 1, kind), [(0.0101, 9, 72, 1.0, 0.4)], 1.0, attack_ms=5)
    start = round(0.0101 * RATE)
    assert not x[:, : start + 1].any()
    assert np.abs(x[:, start + 1]).max() < 1e-2 * np.abs(x).max()
    assert np.abs(x.mean(axis=1)).max() < 1e-4


@KINDS
def test_the_hand_damps_an_ended_note(play, kind):
    t60_s = STRINGS[kind].damper_s
    x = play(Plucked(RATE, 1, kind), [(0, 0.2, 55, 0.8, 0.4)], 0.4 + t60_s)
    late = np.abs(x[:, round((0.2 + t60_s) * RATE) :]).max()
    assert late < 2e-3 * np.abs(x[:, : round(0.2 * RATE)]).max()


@KINDS
def test_ends_in_exact_silence(play, kind):
    plucked = Plucked(RATE, 1, kind)
    x = play(plucked, [(0.1 * i, 0.1, 50 + 7 * i, 0.6, 0.1 * i) for i in range(6)], 1.2 + STRINGS[kind].damper_s + 0.6)
    assert plucked.sounding == 0
    assert not x[:, -4800:].any()


@KINDS
def test_no_two_hits_are_alike_and_seeds_repeat(play, kind):
    def hit(seed, variation):
        return play(Plucked(RATE, seed, kind), [(0, 9, 60, 0.5, variation)], 0.2)

    assert np.array_equal(hit(1, 0.3), hit(1, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(2, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(1, 0.31))


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.023 * i, 0.07, 40 + 3 * (i % 18), 0.3 + 0.1 * (i % 5), 0.031 * i) for i in range(30)]
    assert np.array_equal(play(Plucked(RATE, 1, 1), notes, 1.0), play(Plucked(RATE, 1, 1), notes, 1.0, blocks=blocks))


@KINDS
@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_600_notes(play, kind, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Plucked(rate, 1, kind), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


@KINDS
def test_plays_at_the_level_of_the_house(play, kind):
    scale = (60, 64, 67, 72, 69, 65, 62, 71)
    notes = [(0.5 * i, 0.45, scale[i % 8], 0.6, (0.377 * i) % 1) for i in range(20)]
    x = play(Plucked(RATE, 1, kind), notes, 10.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    hits = [play(Plucked(RATE, 1, kind), [(0, 9, note, 1.0, 0.7)], 0.2) for note in (40, 52, 60, 72, 84, 96)]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="nylon_guitar"):
        Plucked(RATE, 1, kind=0.5)
