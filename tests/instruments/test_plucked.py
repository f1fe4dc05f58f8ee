"""Plucked strings: pitch and decay over the range, what fingers do to tone, dampers, level."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from synth.instruments.plucked import STRINGS, Plucked, stiffness

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
    x = play(Plucked(RATE, 1, kind), [(0, 9, note, 0.7, 0.4)], 1.0, motion=0.0)[0].astype(float)
    early, late = component(x, hz, 0.15, 0.3), component(x, hz, 0.45, 0.3)
    assert abs(1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * 0.3) / hz)) < 0.5
    t60_s = strings.t60_s * 2 ** (strings.decay_slope * (note - strings.lowest_note) / 12)
    assert 0.9 / math.log10(abs(early / late)) == pytest.approx(t60_s, rel=0.1)


@KINDS
@pytest.mark.parametrize("note", [43.02, 55.4, 67])
def test_the_treble_rings_as_the_table_says(play, monkeypatch, kind, note):
    """At the partial nearest 4 kHz, without the body and wherever the string is plucked."""
    monkeypatch.setattr("synth.instruments.plucked.POSITION_SPREAD", 0.0)
    strings, hz = STRINGS[kind], 440.0 * 2 ** ((note - 69) / 12)
    unit = Plucked(RATE, 1, kind)
    x = play(unit, [(0, 9, note, 1.0, 0.4)], 0.7, motion=0.0, attack_ms=5, brightness_oct=1.0)[0].astype(float)
    b = stiffness(strings, note)
    n = min(range(1, 50), key=lambda n: abs(n * hz - 4000.0) - 500.0 * abs(math.sin(math.pi * n * strings.position)))
    partial = n * hz * math.sqrt((1.0 + b * n * n) / (1.0 + b))
    early, late = (abs(component(x, partial, t, 0.25)) for t in (0.1, 0.35))
    assert 0.75 / math.log10(early / late) == pytest.approx(strings.t60_high_s, rel=0.2)


@KINDS
def test_the_plucking_point_leaves_a_null(play, monkeypatch, kind):
    monkeypatch.setattr("synth.instruments.plucked.POSITION_SPREAD", 0.0)
    monkeypatch.setattr("synth.instruments.plucked.FINGER_DB", -80.0)
    position = STRINGS[kind].position
    null = min(range(2, 13), key=lambda n: abs(n * position - round(n * position)))
    hard = {"motion": 0.0, "attack_ms": 5, "brightness_oct": 1.5}
    x = play(Plucked(RATE, 1, kind), [(0, 9, 52, 1.0, 0.4)], 0.5, **hard)[0].astype(float)
    low, level, high = (
        20 * math.log10(abs(component(x, n * 440.0 * 2 ** ((52 - 69) / 12), 0.05, 0.2)))
        for n in (null - 1, null, null + 1)
    )
    assert level < min(low, high) - 10.0


@KINDS
def test_a_note_slides_where_it_is_asked(play, kind):
    hz = 440.0 * 2 ** ((61.5 - 69) / 12)
    x = play(Plucked(RATE, 1, kind), [(0, 9, 60, 0.7, 0.4)], 1.3, slides=[(0.2, 0, 61.5, 0.3)], motion=0.0)[0]
    early, late = component(x, hz, 0.6, 0.3), component(x, hz, 0.9, 0.3)
    assert abs(1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * 0.3) / hz)) < 0.5
    plain = play(Plucked(RATE, 1, kind), [(0, 9, 60, 0.7, 0.4)], 1.3, motion=0.0)[0]
    assert np.array_equal(x[:9600], plain[:9600])
    high = signal.butter(6, 9000.0, "high", fs=RATE, output="sos")
    assert np.abs(signal.sosfilt(high, x)[9600:]).max() < 3e-4 * np.abs(x).max()


def test_a_slid_string_is_the_one_struck_again(play):
    """The string of a new note at the pitch that another was pulled to is damped for it, as in any repetition."""
    notes = [(0, 9, 60, 0.9, 0.4), (0.4, 9, 62, 0.0, 0.4)]
    levels = []
    for pitch in (62, 61.9):
        slid = play(Plucked(RATE, 1, 3), notes, 0.9, slides=[(0.1, 0, pitch, 0.2)], motion=0.0)[0]
        levels.append(abs(component(slid, 440.0 * 2 ** ((pitch - 69) / 12), 0.55, 0.3)))
    assert levels[0] < 0.6 * levels[1]


def test_the_koto_is_pressed_now_and_then_and_comes_back(play):
    """A quarter of the notes at the default motion, none without; up by 12 to 35 cents and exactly back."""
    hz, pressed = 440.0 * 2 ** ((64 - 69) / 12), 0
    for i in range(24):
        x = play(Plucked(RATE, 1, 3), [(0, 9, 64, 0.7, i / 24)], 1.4)[0]
        still = play(Plucked(RATE, 1, 3), [(0, 9, 64, 0.7, i / 24)], 1.4, motion=0.0)[0]
        early, late = component(x, hz, 1.0, 0.2), component(x, hz, 1.2, 0.2)
        assert abs(1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * 0.2) / hz)) < 0.5
        if not np.array_equal(x, still):
            pressed += 1
            steps = [component(x, hz, 0.05 + 0.02 * k, 0.06) for k in range(40)]
            bend = max(1200 * math.log2(1 + np.angle(b / a) / (2 * np.pi * 0.02) / hz) for a, b in pairwise(steps))
            assert 8.0 < bend < 36.0
    assert 2 <= pressed <= 12


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
    assert np.abs(x[:, start + 1]).max() < 2.5e-5 / STRINGS[kind].width_s * np.abs(x).max()
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


@pytest.mark.parametrize("kind", [1, 3])
@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, kind, blocks):
    notes = [(0.023 * i, 0.07, 40 + 3 * (i % 18), 0.3 + 0.1 * (i % 5), 0.031 * i) for i in range(30)]
    slides = [(0.03, 0, 41, 0.1), (0.2, 5, 60, 0.02), (0.201, 5, 52, 0.05), (0.7, 29, 75, 0.2)]
    whole, split = (
        play(Plucked(RATE, 1, kind), notes, 1.0, blocks=b, slides=slides, motion=1.0) for b in ((64,), blocks)
    )
    assert np.array_equal(whole, split)


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
    range_of = [note for note in (40, 52, 60, 72, 84, 96) if note >= STRINGS[kind].lowest_note]
    hits = [play(Plucked(RATE, 1, kind), [(0, 9, note, 1.0, 0.7)], 0.2) for note in range_of]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0


@pytest.mark.parametrize("kind", [0, 3])
def test_other_strings_answer_faintly_and_ring_on(play, kind):
    scale = (60, 64, 67, 72, 69, 65, 62, 71)
    notes = [(0.5 * i, 0.45, scale[i % 8], 0.6, (0.377 * i) % 1) for i in range(8)]
    dry, some, full = (play(Plucked(RATE, 1, kind, resonance=r), notes, 12.0) for r in (0.0, 0.5, 1.0))
    assert -30.0 < energy_db(full - dry) - energy_db(dry) < -24.0
    assert energy_db(full - dry) - energy_db(some - dry) == pytest.approx(6.0, abs=0.3)
    unit = Plucked(RATE, 1, kind, resonance=1.0)
    x = play(unit, [(0, 0.1, 60, 0.6, 0.3)], 3.5)[0]
    partials = [abs(component(x, 440.0 * 2 ** ((n - 69) / 12), 2.4, 1.0)) for n in (60, 61)]
    assert unit.sounding == 1 and partials[0] > 30.0 * partials[1]
    last = play(unit, [], 18.0)
    assert unit.sounding == 0 and not last[:, -4800:].any()


def test_other_strings_answer_alike_in_any_split(play):
    notes = [(0.1 * i, 0.05, 50 + 3 * i, 0.6, 0.1 * i) for i in range(6)]
    whole, split = (play(Plucked(RATE, 1, 0, resonance=1.0), notes, 1.0, blocks=b) for b in ((64,), (3, 1, 20)))
    assert np.array_equal(whole, split)


def test_a_resonance_out_of_range_is_named():
    with pytest.raises(ValueError, match="resonance"):
        Plucked(RATE, 1, resonance=1.5)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="nylon_guitar"):
        Plucked(RATE, 1, kind=0.5)
