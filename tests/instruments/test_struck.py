"""Bells, bars and bowls: every body's modes where its table says, and the rules all of them keep."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments import struck
from synth.instruments.struck import BODIES, DECAY_SLOPE, Struck
from synth.units import hz_to_note, note_to_hz

RATE = 48000
NAMED = {body.name: kind for kind, body in enumerate(BODIES)}
STRUCK = [kind for kind, body in enumerate(BODIES) if not body.rub_hz]
RUBBED = [kind for kind, body in enumerate(BODIES) if body.rub_hz]
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


@pytest.mark.parametrize("kind", STRUCK, ids=[BODIES[kind].name for kind in STRUCK])
def test_modes_are_where_the_table_says(play, kind):
    body = BODIES[kind]
    note = (0.0, 0.1, body.reference_note, 1.0, 0.4)
    x = play(Struck(RATE, 1, kind), [note], 1.0, attack_ms=5, brightness_oct=1.5, motion=0.0)[0].astype(float)
    own = Struck(RATE, 1, kind).tine_cents(body.reference_note)
    for mode in body.modes:
        if not mode.split_hz and mode.level_db >= -30:
            assert abs(cents_off(x, body, mode, own)) < 2.0


def cents_off(x, body, mode, own_cents):
    """How far a mode of the reference note is off; that it decays as the table says."""
    hz, span = note_to_hz(body.reference_note + own_cents / 100) * mode.ratio, min(0.4, 0.3 * mode.t60_s)
    start = 0.08 if body.tube_s and mode.ratio == 1 else 0.01
    early, late = (component(x, hz, at, span) for at in (start, start + span))
    assert 3 * span / math.log10(abs(early / late)) == pytest.approx(mode.t60_s, rel=0.05)
    return 1200 * math.log2(1 + np.angle(late / early) / (2 * np.pi * span) / hz)


def test_decay_shortens_with_pitch(play):
    x = play(Struck(RATE, 1, 1), [(0, 9, 84, 0.8, 0.4)], 1.0, motion=0.0)[0].astype(float)
    early, late = component(x, 1046.5, 0.05, 0.3), component(x, 1046.5, 0.55, 0.3)
    assert 1.5 / math.log10(abs(early / late)) == pytest.approx(2.2 * 2**DECAY_SLOPE, rel=0.03)


@KINDS
def test_the_second_mode_decays_faster_than_the_first(kind):
    decays = [mode.t60_s for mode in BODIES[kind].modes]
    assert decays[1] < decays[0]


@pytest.mark.parametrize("kind", [NAMED["bowl"], NAMED["crystal_bowl"]], ids=["bowl", "crystal_bowl"])
def test_bowls_beat_slowly_and_never_to_silence(play, kind):
    hz = note_to_hz(BODIES[kind].reference_note)
    x = play(Struck(RATE, 1, kind), [(0, 9, BODIES[kind].reference_note, 0.5, 0.4)], 12.0)[0].astype(float)
    at = np.arange(0.1, 11.5, 0.1)
    level = 20 * np.log10([abs(component(x, hz, t, 0.3)) for t in at])
    level -= np.polyval(np.polyfit(at, level, 1), at)
    lows = at[1:-1][(level[1:-1] < level[:-2]) & (level[1:-1] <= level[2:]) & (level[1:-1] < -2)]
    assert np.diff(lows) == pytest.approx(4.0, rel=0.05)  # 0.25 Hz
    assert 4.0 < np.ptp(level) < 16.0
    assert all(0.15 <= mode.split_hz <= 0.8 for mode in BODIES[kind].modes if mode.split_hz)


@pytest.mark.parametrize("kind", STRUCK, ids=[BODIES[kind].name for kind in STRUCK])
@pytest.mark.parametrize("beat_hz", [2.0, 6.0])
def test_a_pair_beats_at_its_difference_and_neither_damps_the_other(play, kind, beat_hz):
    first = 69.0 + 0.11  # a fine tuning
    second = hz_to_note(note_to_hz(first) + beat_hz)
    strongest, span = BODIES[kind].modes[0].ratio, 6.0 / beat_hz
    notes = [(0, 9, first, 0.5, 0.4), (0.02, 9, second, 0.5, 0.7)]
    both, alone = (
        play(Struck(RATE, 1, kind), n, 0.3 + 1.2 * span, motion=0.0)[0].astype(float) for n in (notes, notes[:1])
    )
    off_hz = []
    for note in (first, second):
        hz = strongest * note_to_hz(note)
        early, late = (component(both, hz, 0.1 + 0.1 * i * span, span) for i in range(2))
        off_hz.append(np.angle(late / early) / (2 * np.pi * 0.1 * span))
    assert abs(off_hz[1] - off_hz[0]) < 0.04 * beat_hz * strongest
    kept = abs(component(both, strongest * note_to_hz(first), 0.1, span))
    assert kept == pytest.approx(abs(component(alone, strongest * note_to_hz(first), 0.1, span)), rel=0.05)


@pytest.mark.parametrize("kind", STRUCK, ids=[BODIES[kind].name for kind in STRUCK])
def test_a_pitch_struck_again_is_the_same_bar_however_it_was_rounded(play, kind):
    for apart, ringing in ((0.0, 1), (1e-9, 1), (-0.0005, 1), (0.0166, 2)):  # semitones; the last is 2 Hz at C7
        bell = Struck(RATE, 1, kind)
        play(bell, [(0, 9, 60.37, 0.6, 0.4), (0.1, 9, 60.37 + apart, 0.6, 0.5)], 0.4)
        assert bell.sounding == ringing


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


def test_a_mallet_brightens_by_an_octave(play):
    for name in ("vibraphone", "marimba", "glass", "bowl"):
        body = BODIES[NAMED[name]]
        ratio = np.array([mode.ratio for mode in body.modes])
        hz = note_to_hz(body.reference_note)

        def mean_ratio(velocity, body=body, ratio=ratio, hz=hz):
            note = (0, 9, body.reference_note, velocity, 0.4)
            x = play(Struck(RATE, 1, NAMED[body.name]), [note], 0.2, motion=0.0, attack_ms=5)[0].astype(float)
            strength = np.array([abs(component(x, r * hz, 0.002, 0.03)) for r in ratio])
            return strength @ ratio / strength.sum()

        assert math.log2(mean_ratio(1.0) / mean_ratio(0.1)) > 1.0, name


def test_a_tube_comes_in_after_the_bar(play):
    for name, rises in (("marimba", True), ("gender", True), ("celesta", False)):
        x = play(Struck(RATE, 1, NAMED[name]), [(0, 9, 84, 0.5, 0.4)], 0.2, attack_ms=5)[0].astype(float)
        early, late = (abs(component(x, note_to_hz(84), at, 0.004)) for at in (0.001, 0.05))
        mode = BODIES[NAMED[name]].modes[0]
        t60_s = mode.t60_s * 2 ** (DECAY_SLOPE * (84 - BODIES[NAMED[name]].reference_note) / 12)
        late *= 10 ** (3 * 0.049 / t60_s)
        assert (early < 0.8 * late) == rises, name


def test_a_tubular_bell_is_heard_an_octave_below_its_fourth_mode(play):
    x = play(Struck(RATE, 1, NAMED["tubular_bell"]), [(0, 9, 60, 0.5, 0.4)], 2.0)[0].astype(float)
    two, three, four, own = (abs(component(x, r * note_to_hz(60), 0.05, 1.5)) for r in (2.0, 2.99, 4.17, 1.0))
    assert own < 0.01 * two
    assert 0.3 * three < two < 3.0 * three and four > 0.2 * two


def test_tines_are_each_a_little_off_and_stay_so(play):
    def cents(note, seed=1, variation=0.4):
        x = play(Struck(RATE, seed, NAMED["music_box"]), [(0, 9, note, 0.5, variation)], 0.7)[0].astype(float)
        early, late = (component(x, note_to_hz(note), at, 0.3) for at in (0.05, 0.15))
        return 1200 * math.log2(1 + np.angle(late / early) / (0.2 * np.pi) / note_to_hz(note))

    off = [cents(note) for note in range(72, 84)]
    assert 1.5 < np.std(off) < 3.0 and max(map(abs, off)) < 4.2
    assert cents(75, variation=0.9) == pytest.approx(cents(75), abs=0.05)
    assert abs(cents(75, seed=2) - cents(75)) > 0.1


def test_a_thumb_makes_the_tine_buzz(play, monkeypatch):
    kind, note = NAMED["kalimba"], [(0, 9, 57, 0.5, 0.4)]
    whole = play(Struck(RATE, 1, kind), note, 0.3)[0].astype(float)
    monkeypatch.setattr(struck, "BODIES", tuple(dataclasses.replace(body, rattle=None) for body in BODIES))
    buzz = whole - play(Struck(RATE, 1, kind), note, 0.3)[0]
    assert 20 * math.log10(np.abs(buzz).max() / np.abs(whole).max()) == pytest.approx(-32.0, abs=5.0)
    assert 10 * math.log10(energy(buzz[:960]) / energy(buzz[1920:2880])) == pytest.approx(30.0, abs=8.0)
    power, hz = np.abs(np.fft.rfft(buzz)) ** 2, np.fft.rfftfreq(buzz.size, 1.0 / RATE)
    assert power[(hz > 2400) & (hz < 6100)].sum() > 0.98 * power.sum()


def test_a_saron_player_stops_the_bar_before(play):
    saron = NAMED["saron"]

    def left(second, apart_s):
        notes = [(0, 9, 72, 0.6, 0.4), (apart_s, 9, second, 0.6, 0.7)]
        both, alone = (play(Struck(RATE, 1, saron), n, 0.8)[0].astype(float) for n in (notes, notes[:1]))
        return abs(component(both, note_to_hz(72), 0.45, 0.3)) / abs(component(alone, note_to_hz(72), 0.45, 0.3))

    assert left(74, 0.3) < 2e-3
    assert left(72.1, 0.3) > 0.5, "the other player's bar"
    assert left(79, 0.0) > 0.9, "a chord"
    x = play(Struck(RATE, 1, saron), [(0, 9, 72, 0.6, 0.4), (0.3, 9, 79, 0.0, 0.7)], 0.6)[0].astype(float)
    fall = abs(component(x, note_to_hz(72), 0.25, 0.04)) / abs(component(x, note_to_hz(72), 0.385, 0.04))
    assert fall > 300.0


def test_damped_notes_end(play):
    ringing, damped = (play(Struck(RATE, 1, 0, damped=d), [(0, 0.5, 72, 0.6, 0.4)], 1.0) for d in (0.0, 1.0))
    assert np.abs(ringing[:, -9600:]).max() > 0.05
    assert np.abs(damped[:, round(0.76 * RATE) :]).max() < 2e-3 * np.abs(ringing).max()
    assert not damped[:, round(0.8 * RATE) :].any()


@pytest.mark.parametrize("kind", RUBBED, ids=[BODIES[kind].name for kind in RUBBED])
def test_what_is_rubbed_swells_in_is_held_and_ends(play, kind):
    body = BODIES[kind]
    hz = note_to_hz(body.reference_note)

    def level(x, at_s):
        return abs(component(x, hz, at_s, 0.1))

    length = 8 * body.rise_s + 2.0
    rises = []
    for attack_ms in (5, 200, 2000):
        rub = Struck(RATE, 1, kind)
        x = play(rub, [(0, length, body.reference_note, 0.6, 0.4)], length, attack_ms=attack_ms, motion=0.0)[0].astype(
            float
        )
        curve = np.array([level(x, t) for t in np.arange(0.0, length - 0.2, 0.05)])
        rises.append(0.05 * np.argmax(curve > 0.7 * np.median(curve[len(curve) // 2 :])))
        assert curve[-1] > 0.3 * curve.max()
    assert np.all(np.diff(rises) > 0)
    assert body.rise_s * 0.4 < rises[0] and rises[-1] < 3.2 * body.rise_s
    again = [(0, 2 * body.rise_s, body.reference_note, 0.6, 0.4), (2 * body.rise_s, 9, body.reference_note, 0.6, 0.4)]
    x = play(Struck(RATE, 1, kind), again, 3 * body.rise_s, attack_ms=5, motion=0.0)[0]
    loud = [np.abs(x[round(t * body.rise_s * RATE) :][:4800]).max() for t in (1.8, 2.3)]
    assert loud[1] > 0.3 * loud[0], "it does not break off where it is rubbed anew"
    rub = Struck(RATE, 1, kind)
    ended = play(rub, [(0, 1.0, body.reference_note, 0.6, 0.4)], 1.2 + 1.3 * body.damper_s, attack_ms=5)
    assert rub.sounding == 0 and not ended[:, -4800:].any()


def test_a_finger_makes_the_glass_tremble(play):
    x = play(Struck(RATE, 1, NAMED["glass_rub"]), [(0, 9, 72, 0.6, 0.4)], 5.0, attack_ms=5)[0].astype(float)
    curve = np.array([abs(component(x, note_to_hz(72), t, 0.06)) for t in np.arange(0.6, 4.9, 0.02)])
    swell = curve / np.polyval(np.polyfit(range(len(curve)), curve, 2), range(len(curve))) - 1.0
    spectrum = np.abs(np.fft.rfft(swell * np.hanning(len(swell)), 4096))
    assert 4.0 < np.fft.rfftfreq(4096, 0.02)[spectrum.argmax()] < 6.0
    assert np.std(swell) * math.sqrt(2) == pytest.approx(0.1, rel=0.25)


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
@pytest.mark.parametrize("rate", [22050, 96000])
def test_stays_finite_under_600_notes(play, kind, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Struck(rate, 1, kind), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert (1e-3 if kind in RUBBED else 0.1) < np.abs(x).max() < 8.0


def test_ends_in_exact_silence(play):
    marimba = Struck(RATE, 1, 5)
    x = play(marimba, [(0, 0.1, 96, 0.6, 0.4)], 1.5)
    assert marimba.sounding == 0
    assert not x[:, -9600:].any()


@KINDS
def test_plays_at_the_level_of_the_house(play, kind):
    beat_s = 4.0 if kind in RUBBED else 2.0
    notes = [(beat_s * i, 0.9 * beat_s, 72, 0.5, (0.377 * i) % 1) for i in range(6)]
    x = play(Struck(RATE, 1, kind), notes, 6 * beat_s)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    assert np.abs(x.mean(axis=1)).max() < 1e-4
    hits = [play(Struck(RATE, 1, kind), [(0, 9, note, 1.0, 0.7)], 0.2) for note in (48, 72, 84, 96)]
    assert 20 * math.log10(max(np.abs(x).max() for x in hits)) < -6.0


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="marimba"):
        Struck(RATE, 1, kind=17)
    with pytest.raises(ValueError, match="damped = 2: give 0 to 1"):
        Struck(RATE, 1, damped=2)
