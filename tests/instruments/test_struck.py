"""Bells, bars and bowls: every body's modes where its table says, and the rules all of them keep."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.struck import BODIES, DECAY_SLOPE, Struck

RATE = 48000
KINDS = pytest.mark.parametrize("kind", range(len(BODIES)), ids=[body.name for body in BODIES])


def component(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.blackman(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def energy(x):
    return float(np.sum(x.astype(float) ** 2))


def centroid(x):
    power = np.abs(np.fft.rfft(x)) ** 2
    return (power @ np.fft.rfftfreq(x.size, 1.0 / RATE)) / power.sum()


@KINDS
def test_modes_are_where_the_table_says(play, kind):
    body = BODIES[kind]
    f0 = 440.0 * 2 ** ((body.reference_note - 69) / 12)
    note = (0.0, 0.1, body.reference_note, 1.0, 0.4)
    x = play(Struck(RATE, 1, kind), [note], 1.0, attack_ms=5, brightness_oct=1.5, motion=0.0)[0].astype(float)
    for mode in body.modes:
        if mode.split_hz or mode.level_db < -30:
            continue
        hz, span = f0 * mode.ratio, min(0.4, 0.3 * mode.t60_s)
        early, late = (component(x, hz, at, span) for at in (0.01, 0.01 + span))
        cents = 1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * span) / hz)
        assert abs(cents) < 2.0
        assert 3 * span / math.log10(abs(early / late)) == pytest.approx(mode.t60_s, rel=0.05)


def test_decay_shortens_with_pitch(play):
    x = play(Struck(RATE, 1, 1), [(0, 9, 84, 0.8, 0.4)], 1.0, motion=0.0)[0].astype(float)
    early, late = component(x, 1046.5, 0.05, 0.3), component(x, 1046.5, 0.55, 0.3)
    assert 1.5 / math.log10(abs(early / late)) == pytest.approx(2.2 * 2**DECAY_SLOPE, rel=0.03)


@KINDS
def test_the_second_mode_decays_faster_than_the_first(kind):
    decays = [mode.t60_s for mode in BODIES[kind].modes]
    assert decays[1] < decays[0]


def test_the_bowl_beats_slowly_and_never_to_silence(play):
    x = play(Struck(RATE, 1, 2), [(0, 9, 57, 0.5, 0.4)], 12.0)[0].astype(float)
    at = np.arange(0.1, 11.5, 0.1)
    level = 20 * np.log10([abs(component(x, 220.0, t, 0.3)) for t in at])
    level -= np.polyval(np.polyfit(at, level, 1), at)
    lows = at[1:-1][(level[1:-1] < level[:-2]) & (level[1:-1] <= level[2:]) & (level[1:-1] < -2)]
    assert np.diff(lows) == pytest.approx(4.0, rel=0.05)  # 0.25 Hz
    assert 4.0 < np.ptp(level) < 16.0
    assert all(0.2 <= mode.split_hz <= 0.8 for mode in BODIES[2].modes if mode.split_hz)


def test_the_motor_follows_motion(play):
    def sides(motion):
        x = play(Struck(RATE, 1, 0), [(0, 9, 65, 0.5, 0.4)], 3.0, motion=motion)[0].astype(float)
        return abs(component(x, 353.2, 0.1, 2.5)) / abs(component(x, 349.2, 0.1, 2.5))

    still, default, full = sides(0.0), sides(0.3), sides(1.0)
    assert still < 0.01 < default < full
    assert full == pytest.approx(0.2, rel=0.1)  # 40 %, half of it on each side


@KINDS
def test_velocity_and_brightness_move_level_and_timbre(play, kind):
    hits = [play(Struck(RATE, 1, kind), [(0, 9, 72, v, 0.4)], 0.7)[0] for v in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert np.all(np.diff([10 * math.log10(energy(x)) for x in hits]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in hits]) > 0)
    bright = [
        play(Struck(RATE, 1, kind), [(0, 9, 72, 0.6, 0.4)], 0.7, brightness_oct=b)[0] for b in (-2, -1, 0, 0.7, 1.5)
    ]
    assert np.all(np.diff([10 * math.log10(energy(x)) for x in bright]) > 0.1)
    assert np.all(np.diff([centroid(x) for x in bright]) > 0)


@KINDS
def test_attack_softens_the_onset(play, kind):
    soft = [play(Struck(RATE, 1, kind), [(0, 9, 72, 0.6, 0.4)], 0.3, attack_ms=a)[0] for a in (5, 80, 500, 2000)]
    assert np.all(np.diff([np.abs(x[:96]).max() for x in soft]) < 0)


@KINDS
def test_begins_without_a_click(play, kind):
    x = play(Struck(RATE, 1, kind), [(0.0101, 9, 84, 1.0, 0.4)], 0.3, attack_ms=5)
    start = round(0.0101 * RATE)
    assert not x[:, :start].any()
    assert np.abs(x[:, start : start + 1]).max() < 1e-3 * np.abs(x).max()


def test_bells_ring_on_until_struck_again(play):
    once = play(Struck(RATE, 1, 0), [(0, 0.1, 72, 0.6, 0.4)], 2.0)
    assert np.abs(once[:, RATE:]).max() > 0.1 * np.abs(once).max()
    bell = Struck(RATE, 1, 0)
    play(bell, [(0.3 * i, 0.1, 72, 0.6, 0.1 * i) for i in range(6)], 2.0)
    assert bell.sounding == 1


@KINDS
def test_no_two_hits_are_alike_and_seeds_repeat(play, kind):
    def hit(seed, variation):
        return play(Struck(RATE, seed, kind), [(0, 9, 72, 0.5, variation)], 0.2)

    assert np.array_equal(hit(1, 0.3), hit(1, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(2, 0.3))
    peaks = [20 * math.log10(np.abs(hit(1, v)).max()) for v in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    assert 0.2 < np.ptp(peaks) < 4.0


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.013 * i, 0.07, 60 + 3 * (i % 20), 0.3 + 0.1 * (i % 5), 0.017 * i) for i in range(50)]
    assert np.array_equal(play(Struck(RATE, 1, 2), notes, 1.0), play(Struck(RATE, 1, 2), notes, 1.0, blocks=blocks))


@KINDS
@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_600_notes(play, kind, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Struck(rate, 1, kind), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


def test_ends_in_exact_silence(play):
    marimba = Struck(RATE, 1, 5)
    x = play(marimba, [(0, 0.1, 96, 0.6, 0.4)], 1.5)
    assert marimba.sounding == 0
    assert not x[:, -9600:].any()


@KINDS
def test_plays_at_the_level_of_the_house(play, kind):
    notes = [(2.0 * i, 0.5, 72, 0.5, (0.377 * i) % 1) for i in range(6)]
    x = play(Struck(RATE, 1, kind), notes, 12.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    hits = [play(Struck(RATE, 1, kind), [(0, 9, note, 1.0, 0.7)], 0.2) for note in (48, 60, 72, 84, 96)]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="marimba"):
        Struck(RATE, 1, kind=17)
