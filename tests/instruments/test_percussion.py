"""Percussion kits: which stroke a pitch plays, its modes, where the pitch falls to, softness and level."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pyloudnorm
import pytest
from scipy.special import jv

from synth.instruments import make
from synth.instruments.kits import KITS
from synth.instruments.percussion import DROP, DROP_S, LOWEST_ZERO, USUAL_POINT, Percussion, falling, shape

RATE = 48000
HAND = KITS[0]
PITCHES = pytest.mark.parametrize("pitch", [36, 41, 50, 70])
KINDS = pytest.mark.parametrize("kind", range(len(KITS)), ids=[kit.name for kit in KITS])


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
    assert HAND.high.noise.hz[0] < centroid(shaker) < HAND.high.noise.hz[1]


@pytest.mark.parametrize("pitch", [41, 45.5, 50])
def test_the_frame_drum_has_the_modes_of_its_head(play, pitch):
    x = play(Percussion(RATE, 1), [(0, 9, pitch, 1.0, 0.4)], 1.0)[0].astype(float)
    f0, n = 440.0 * 2 ** ((pitch - 69) / 12), np.arange(RATE)
    for mode in HAND.middle.head.modes[:2]:
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
    inside = power[(hz > HAND.high.noise.hz[0]) & (hz < HAND.high.noise.hz[1])]
    assert inside.sum() > 0.95 * power.sum()
    assert inside.max() < 0.2 * inside.sum()  # no single line
    part = x[1500:4500].astype(float)
    echo = np.correlate(part, part, "full")[part.size - 1 :] / (part @ part)
    assert np.abs(echo[96:]).max() < 0.6  # no pitch under 500 Hz


@KINDS
@PITCHES
def test_velocity_and_brightness_move_level_and_timbre(play, kind, pitch):
    hits = [play(Percussion(RATE, 1, kind), [(0, 9, pitch, v, 0.4)], 1.0)[0] for v in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert np.all(np.diff([energy_db(x) for x in hits]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in hits]) > 0)
    levels = (-2, -1, 0, 0.75, 1.5)
    bright = [play(Percussion(RATE, 1, kind), [(0, 9, pitch, 0.6, 0.4)], 1.0, brightness_oct=b)[0] for b in levels]
    assert np.all(np.diff([energy_db(x) for x in bright]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in bright]) > 0)


@KINDS
@PITCHES
def test_a_softer_attack_rises_later(play, kind, pitch):
    hits = [play(Percussion(RATE, 1, kind), [(0, 9, pitch, 0.7, 0.4)], 0.4, attack_ms=a)[0] for a in (5, 25, 80, 250)]
    rises = [np.argmax(np.cumsum(x.astype(float) ** 2) > 0.1 * np.sum(x.astype(float) ** 2)) for x in hits]
    assert np.all(np.diff(rises) > 0)


@KINDS
@PITCHES
def test_begins_without_a_click_and_ends_in_exact_silence(play, kind, pitch):
    percussion = Percussion(RATE, 1, kind)
    x = play(percussion, [(0.0101, 0.1, pitch, 1.0, 0.4)], 2.0, attack_ms=5)
    start = round(0.0101 * RATE)
    assert not x[:, : start + 1].any()
    assert np.abs(x[:, start + 1]).max() < 1e-2 * np.abs(x).max()
    assert percussion.sounding == 0
    assert not x[:, -9600:].any()


@pytest.mark.parametrize("drop", [0.0, 0.01, 0.04])
def test_a_falling_pitch_is_the_sum_of_its_terms(drop):
    modes = np.array([[90.0, 262.5, 610.0], [0.5, -0.3, 0.2], [0.5, 0.8, 0.3]])
    t = np.arange(RATE // 4) / RATE
    heard = sum(
        a * 10.0 ** (-3.0 * t / t60) * np.sin(2 * np.pi * hz * t + phase)
        for hz, a, t60, phase in falling(modes, drop, DROP_S).T
    )
    turned = t + drop * DROP_S * (1.0 - np.exp(-t / DROP_S))
    meant = sum(a * 10.0 ** (-3.0 * t / t60) * np.sin(2 * np.pi * hz * turned) for hz, a, t60 in modes.T)
    assert np.abs(heard - meant).max() < 1e-3
    assert falling(modes, drop, DROP_S).shape[1] < (4 if drop == 0.0 else 50)


def pitches(x, rest_hz):
    """Moments of a tone's rising zero crossings, and its pitch over the resting one between each two."""
    y = x.astype(float)
    up = np.flatnonzero((y[:-1] < 0.0) & (y[1:] >= 0.0))
    at = (up - y[up] / (y[up + 1] - y[up])) / RATE
    return at[:-1], 1.0 / np.diff(at) / rest_hz


def test_a_hard_hit_starts_four_per_cent_high_and_is_at_rest_after_60_ms(play):
    kick = KITS[2]
    lone = Percussion(RATE, 1, 2)
    lone.kit = kick.__class__(
        "lone", *(replace(kick.low, head=replace(kick.low.head, modes=kick.low.head.modes[:1], hz=0.0)),) * 3
    )
    heard = {v: play(lone, [(0, 9, 76, v, 0.4)], 0.3, attack_ms=5)[0] for v in (1.0, 0.5)}
    at, hard = pitches(heard[1.0], 440.0 * 2 ** (7 / 12))
    expected = DROP * np.exp(-at / DROP_S)
    part = (at > 0.004) & (at < 0.15)
    assert np.abs(hard - 1.0 - expected)[part].max() < 0.002
    assert np.abs(hard[(at > 0.08) & (at < 0.15)] - 1.0).max() < 0.002
    at, soft = pitches(heard[0.5], 440.0 * 2 ** (7 / 12))
    assert soft[at > 0.004][0] - 1.0 == pytest.approx(0.25 * (hard[at[: hard.size] > 0.004][0] - 1.0), abs=0.002)


def test_modes_move_as_bessel_functions():
    ratio, order = np.array([1.0, 1.593, 2.136, 2.295]), np.array([0.0, 1.0, 2.0, 0.0])
    for point in (0.05, 0.5, 0.9):
        expected = jv(order, LOWEST_ZERO * ratio * point) / jv(order, LOWEST_ZERO * ratio * USUAL_POINT)
        assert shape(ratio, order, point) == pytest.approx(expected, abs=1e-9)


def test_the_centre_mutes_modes_with_diameters(play):
    """The open stroke of the frame drum rings on its first diameter, the one in the middle hardly has it."""

    def share(pitch, low_hz, high_hz):
        x = np.concatenate([play(Percussion(RATE, 1, 1), [(0, 9, pitch, 0.7, v)], 1.0)[0] for v in (0.1, 0.4, 0.8)])
        hz, power = spectrum(x)
        return power[(hz > low_hz) & (hz < high_hz)].sum() / power.sum()

    centre_hz, edge_hz = (440.0 * 2 ** ((p - 69) / 12) for p in (38, 39))  # neighbours, for the same beater
    centre, edge = share(38, 1.45 * centre_hz, 1.75 * centre_hz), share(39, 1.45 * edge_hz, 1.75 * edge_hz)
    assert edge > 0.2 and centre < 0.3 * edge


@pytest.mark.parametrize("kind", [2, 3], ids=["soft_kit", "shaker"])
def test_every_other_stroke_goes_back(play, kind):
    x = play(Percussion(RATE, 1, kind), [(0.5 * i, 9, 70, 0.6, 0.377) for i in range(3)], 1.5)[0]
    there, back, again = (x[round(0.5 * i * RATE) :][: RATE // 2] for i in range(3))
    assert np.array_equal(there, again)
    assert 1.0 < energy_db(there) - energy_db(back) < 4.0
    assert 1.03 < centroid(back) / centroid(there) < 1.1


def test_heads_are_struck_to_either_side_in_turn(play):
    x = play(Percussion(RATE, 1, 2), [(float(i), 9, 36, 0.6, 0.377) for i in range(2)], 2.0)[0]
    assert np.array_equal(x[:RATE], -x[RATE:])


def test_modes_of_two_hits_on_one_spot_differ(play):
    drum = Percussion(RATE, 1, 1)
    spot = replace(drum.kit.middle, noise=None, head=replace(drum.kit.middle.head, point=(0.6, 0.6)))
    drum.kit = replace(drum.kit, middle=spot)
    one, other = (play(drum, [(0, 9, 45, 0.6, v)], 2.0)[0].astype(float) for v in (0.1, 0.8))
    alike = abs(one @ other) / math.sqrt((one @ one) * (other @ other))
    assert 0.9 < alike < 0.9999


@pytest.mark.parametrize(("kind", "pitch"), [(0, 45), (1, 45), (1, 70)])
def test_a_harder_hit_is_brighter_by_its_beater(play, kind, pitch):
    soft, hard = (play(Percussion(RATE, 1, kind), [(0, 9, pitch, v, 0.4)], 1.0)[0] for v in (0.1, 1.0))
    assert math.log2(centroid(hard) / centroid(soft)) > 0.3


def test_the_frame_drum_rings_longer_the_lower_it_is(play):
    falls = []
    for pitch in (30, 42, 54):
        x = play(Percussion(RATE, 1, 1), [(0, 9, pitch, 0.7, 0.4)], 2.0)[0].astype(float)
        power = np.cumsum(x[::-1] ** 2)[::-1]
        falls.append(np.argmax(power < 1e-4 * power[0]) / RATE)
    assert np.all(np.diff(falls[1:]) < 0) and falls[1] > 1.3 * falls[2]


@KINDS
def test_no_dc_builds_up(play, kind):
    pattern = (36, 45, 70, 48)
    notes = [(0.25 * i, 0.1, pattern[i % 4], 1.0, (0.377 * i) % 1) for i in range(40)]
    assert np.abs(play(Percussion(RATE, 1, kind), notes, 10.0).mean(axis=1)).max() < 1e-4


@KINDS
def test_no_two_hits_are_alike_and_seeds_repeat(play, kind):
    def hit(seed, variation):
        return play(Percussion(RATE, seed, kind), [(0, 9, 43, 0.5, variation)], 0.2)

    assert np.array_equal(hit(1, 0.3), hit(1, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(2, 0.3))
    assert not np.array_equal(hit(1, 0.3), hit(1, 0.31))


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
@KINDS
def test_any_split_gives_the_same_samples(play, kind, blocks):
    notes = [(0.017 * i, 0.07, (36, 41, 70, 45, 50)[i % 5], 0.3 + 0.1 * (i % 5), 0.019 * i) for i in range(40)]
    whole, split = (play(Percussion(RATE, 1, kind), notes, 1.0, blocks=b) for b in ((64,), blocks))
    assert np.array_equal(whole, split)


@pytest.mark.parametrize("rate", [22050, 192000])
@KINDS
def test_stays_finite_under_600_notes(play, kind, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Percussion(rate, 1, kind), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


@KINDS
def test_plays_at_the_level_of_the_house(play, kind):
    """A part of all three strokes; of a shaker, one in eighths."""
    pattern, every = ((36, 45, 70, 48, 36, 41, 70, 43), 0.5) if kind < 3 else ((70,), 0.25)
    notes = [(every * i, 0.1, pattern[i % len(pattern)], 0.6, (0.377 * i) % 1) for i in range(round(12 / every))]
    x = play(Percussion(RATE, 1, kind), notes, 12.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.5, abs=1.5)
    assert 20 * math.log10(np.abs(x).max()) < -5.5


def test_the_hardest_hands_stay_under_the_peak(play):
    hits = [play(Percussion(RATE, 1), [(0, 9, pitch, 1.0, 0.7)], 0.3) for pitch in (36, 41, 45, 50, 70)]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0


def test_a_kit_that_there_is_not():
    with pytest.raises(ValueError, match="give 0 to 3 .hand_percussion, frame_drum, soft_kit, shaker."):
        Percussion(RATE, 1, kind=4)


@KINDS
def test_the_catalogue_has_each_kit(kind):
    name = KITS[kind].name
    assert make(name, RATE, 1).kit.name == name
