"""The felt piano: stretched partials, two stages of decay, hammer, damper, level."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.piano import Piano, partials_hz, stretch_cents

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


def energy_db(x):
    return 10 * math.log10(np.sum(x**2))


def test_partials_are_stretched(play):
    x = play(Piano(RATE, 1), [(0, 9, 69, 1.0, 0.4)], 1.0)[0]
    for n, cents in ((1, 0.0), (2, 1.9), (8, 38.0)):
        found = pitch(x, 440.0 * n * 2 ** (cents / 1200), 0.02, 0.6)
        assert 1200 * math.log2(found / (440.0 * n)) == pytest.approx(cents, abs=1.5)
    assert np.all(np.diff(partials_hz(21.0, 27.5, 24)) > 27.5 - 1e-9)


def test_decays_fast_and_then_slowly(play):
    hz = 440.0 * 2 ** (-25 / 12)  # two strings: what sounds on does not beat
    x = play(Piano(RATE, 1), [(0, 30, 44, 0.8, 0.4)], 13.0)[0]
    first = 20 * math.log10(amplitude(x, hz, 0.05) / amplitude(x, hz, 0.55)) / 0.5
    last = 20 * math.log10(amplitude(x, hz, 9.0) / amplitude(x, hz, 12.5)) / 3.5
    assert first > 2.5 * last
    assert 60 / last == pytest.approx(12.0 * (hz / 261.63) ** -0.6, rel=0.1)


def test_the_kink_shows_in_the_envelope(play):
    x = play(Piano(RATE, 1), [(0, 30, 60, 0.8, 0.2)], 9.0)[0][: 9 * RATE].reshape(9, RATE)
    fall = -np.diff(20 * np.log10(np.sqrt(np.mean(x.astype(float) ** 2, axis=1))))
    assert fall[0] > 1.5 * fall[2:].mean()
    assert fall[0] > 1.3 * fall[1:4].max()
    assert fall[2:].mean() == pytest.approx(5.0, abs=1.2)


def test_what_three_strings_leave_beats_and_una_corda_leaves_less(play):
    at = np.arange(2.5, 8.5, 0.5)

    def unevenness(una_corda):
        x = play(Piano(RATE, 1, una_corda=una_corda), [(0, 30, 60, 0.8, 0.4)], 9.0)[0]
        level = 20 * np.log10([amplitude(x, 261.6, t, 0.4) for t in at])
        return np.std(level - np.polyval(np.polyfit(at, level, 1), at))

    assert unevenness(0.0) > 0.5
    assert unevenness(1.0) < 0.25


def test_the_soft_pedal_is_softer_darker_and_sings_longer(play):
    full, soft = (play(Piano(RATE, 1, una_corda=u), [(0, 30, 60, 0.7, 0.4)], 1.0)[0] for u in (0.0, 1.0))
    assert 10 * math.log10(np.sum(soft[:9600] ** 2) / np.sum(full[:9600] ** 2)) == pytest.approx(-3.0, abs=0.7)
    assert centroid(soft) < 0.97 * centroid(full)
    tenth = partials_hz(60, 261.63, 10)[9]  # falls at one rate
    fall = [amplitude(x, tenth, 0.05) / amplitude(x, tenth, 0.35) for x in (full, soft)]
    assert math.log(fall[0]) / math.log(fall[1]) == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"kind": 2}, "grand"), ({"pedal": 1.1}, "pedal = 1.1: give 0 to 1"), ({"una_corda": -0.1}, "una_corda"),
     ({"stretch": 0.6}, "give 0 to 0.5")],
)  # fmt: skip
def test_settings_out_of_range_are_named(settings, says):
    with pytest.raises(ValueError, match=says):
        Piano(RATE, 1, **settings)


def test_decay_shortens_from_octave_to_octave(play):
    fall = []
    for note in (24, 36, 48, 60, 72, 84, 96):
        x = play(Piano(RATE, 1), [(0, 9, note, 0.7, 0.4)], 1.0)[0]
        fall.append(np.sum(x[2400:12000] ** 2) / np.sum(x[38400:] ** 2))
    assert np.all(np.diff(fall) > 0)


def test_the_grand_is_brighter(play):
    for velocity in (0.2, 0.5, 1.0):
        felt, grand = (centroid(play(Piano(RATE, 1, kind), [(0, 9, 60, velocity, 0.4)], 1.0)[0]) for kind in (0, 1))
        assert grand > 1.3 * felt
    levels = [10 * np.log10(np.mean(play(Piano(RATE, 1, 1), [(0, 9, 60, v, 0.4)], 0.7) ** 2)) for v in (0.1, 0.5, 1.0)]
    assert np.all(np.diff(levels) > 3.0)


def test_stretch_is_at_most_half_of_what_octaves_ask_for(play):
    assert stretch_cents(69) == 0.0
    assert stretch_cents(84) - stretch_cents(72) == pytest.approx(4.9, abs=0.5)
    for taken in (0.0, 0.5):
        x = play(Piano(RATE, 1, stretch=taken), [(0, 9, 84, 0.6, 0.4)], 1.0)[0]
        cents = 1200 * math.log2(pitch(x, 1046.5, 0.05, 0.8) / 1046.5023)
        assert cents == pytest.approx(taken * stretch_cents(84), abs=1.0)


def test_higher_partials_decay_faster(play):
    x = play(Piano(RATE, 1), [(0, 20, 60, 0.8, 0.4)], 2.0)[0]
    fall = [amplitude(x, hz, 0.02) / amplitude(x, hz, 0.32) for hz in partials_hz(60, 261.63, 24)[[0, 3, 8]]]
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


def test_the_key_knocks_before_the_tone(play):
    x = play(Piano(RATE, 1), [(0.1, 9, 84, 0.8, 0.4)], 0.3, attack_ms=5)[0]
    key, tone = round(0.1 * RATE), round(0.105 * RATE)
    before = np.abs(x[key:tone]).max()
    assert 10 ** (-60 / 20) < before / np.abs(x).max() < 10 ** (-24 / 20)
    assert np.abs(x[tone : tone + 96]).max() > 5 * before


@pytest.mark.parametrize("velocity", [0.1, 0.3, 1.0])
def test_the_knock_stays_under_the_tone(play, velocity, monkeypatch):
    note = [(0, 9, 60, velocity, 0.4)]
    whole = play(Piano(RATE, 1), note, 0.3)[0]
    monkeypatch.setattr(Piano, "_strike_strings", lambda *_: None)
    knock = play(Piano(RATE, 1), note, 0.3)[0]
    assert -36 < 20 * math.log10(np.abs(knock).max() / np.abs(whole).max()) < -24


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


def test_half_a_pedal_holds_the_bass_better(play):
    def kept_db(note, pedal):
        ends, rings = (play(Piano(RATE, 1, pedal=pedal), [(0, s, note, 0.8, 0.4)], 1.6) for s in (0.5, 9.0))
        last = slice(round(1.3 * RATE), round(1.5 * RATE))
        return 10 * math.log10((np.sum(ends[:, last] ** 2) + 1e-9) / np.sum(rings[:, last] ** 2))

    assert kept_db(40, 0.5) > -6.0
    assert kept_db(40, 0.5) > kept_db(84, 0.5) + 10.0
    assert kept_db(84, 1.0) > -1.0


def test_the_felt_of_a_damper_is_heard(play):
    x = play(Piano(RATE, 1), [(0, 0.5, 84, 0.5, 0.4)], 1.0)[0].astype(float)
    up = round(0.505 * RATE)
    spans = [np.abs(np.fft.rfft(x[n : n + 2400] * np.hanning(2400)))[10:46] for n in (up - 2400, up)]  # 200 to 900 Hz
    assert 20 * math.log10(np.linalg.norm(spans[1]) / np.linalg.norm(spans[0])) > 6.0
    assert np.abs(x[up + 7200 :]).max() < 1e-4
    above = play(Piano(RATE, 1), [(0, 0.5, 90, 0.5, 0.4)], 1.0)
    assert np.array_equal(above, play(Piano(RATE, 1), [(0, 9, 90, 0.5, 0.4)], 1.0))


@pytest.mark.parametrize(
    ("second", "rubs"), [(62, True), (73, True), (71, True), (67, False), (72, False), (64, False)]
)
def test_the_pedal_is_changed_where_tones_would_rub(play, second, rubs):
    x = play(Piano(RATE, 1, pedal=1.0), [(0, 0.5, 60, 0.7, 0.4), (1.0, 1.0, second, 0.5, 0.6)], 2.0)[0]
    alone = play(Piano(RATE, 1, pedal=1.0), [(0, 0.5, 60, 0.7, 0.4)], 2.0)[0]
    left = amplitude(x, 261.6, 1.5, 0.4) / amplitude(alone, 261.6, 1.5, 0.4)
    assert left < 0.03 if rubs else left > 0.8


def test_a_held_note_is_not_let_go_with_the_pedal(play):
    x = play(Piano(RATE, 1, pedal=1.0), [(0, 9, 60, 0.7, 0.4), (0, 0.5, 64, 0.7, 0.3), (1.0, 9, 62, 0.5, 0.6)], 2.0)[0]
    alone = play(Piano(RATE, 1, pedal=1.0), [(0, 9, 60, 0.7, 0.4)], 2.0)[0]
    assert amplitude(x, 261.6, 1.5, 0.4) > 0.8 * amplitude(alone, 261.6, 1.5, 0.4)


def test_other_strings_answer_under_the_pedal(play, monkeypatch):
    note = [(0, 9, 60, 0.8, 0.4)]
    dry, wet = (play(Piano(RATE, 1, pedal=p), note, 3.0)[0].astype(float) for p in (0.0, 1.0))
    answer = [energy_db((wet - dry)[round(t * RATE) : round((t + 0.3) * RATE)]) for t in (0.2, 1.0, 2.6)]
    assert answer[2] < answer[1]
    for t, level in zip((0.2, 1.0), answer, strict=False):
        assert -50 < level - energy_db(dry[round(t * RATE) : round((t + 0.3) * RATE)]) < -12
    assert max(answer) < energy_db(dry[: round(0.3 * RATE)]) - 24


def test_a_note_struck_again_takes_the_place_of_the_one_before(play):
    for pedal in (0.0, 0.8):
        piano = Piano(RATE, 1, pedal=pedal)
        play(piano, [(0.3 * i, 0.2, 60, 0.6, 0.1 * i) for i in range(8)], 2.6)
        assert piano.sounding <= 3  # the last one's strings, and what answers


def test_ends_in_exact_silence(play):
    piano = Piano(RATE, 1)
    x = play(piano, [(0.1 * i, 0.2, 48 + 5 * i, 0.6, 0.1 * i) for i in range(8)], 2.0)
    assert not x[:, -4800:].any()
    assert piano.sounding == 0


def test_low_notes_sit_left(play):
    power = [np.mean(play(Piano(RATE, 1), [(0, 9, note, 0.6, 0.4)], 0.3) ** 2, axis=1) for note in (30, 64.5, 100)]
    assert power[0][0] > 1.2 * power[0][1]
    assert power[1][0] == pytest.approx(power[1][1], rel=0.1)
    assert power[2][0] < power[2][1] / 1.2


def test_partials_stand_side_by_side_about_the_note(play):
    x = play(Piano(RATE, 1), [(0, 9, 64, 0.9, 0.4)], 0.5)
    lean = [20 * math.log10(amplitude(x[0], f, 0.05) / amplitude(x[1], f, 0.05)) for f in partials_hz(64, 329.63, 5)]
    assert lean[0] == pytest.approx(0.0, abs=0.2)
    assert lean[1] == pytest.approx(lean[3], abs=0.1) and lean[2] == pytest.approx(lean[4], abs=0.1)
    assert abs(lean[1] - lean[2]) == pytest.approx(2.7, abs=0.3)


def test_the_pedal_is_heard_as_it_goes_down(play):
    notes = [(0.1, 9, 100, 0.5, 0.4), (1.0, 9, 103, 0.5, 0.3)]
    up, down = (play(Piano(RATE, 1, pedal=p), notes, 1.3)[0].astype(float) for p in (0.0, 1.0))
    band = np.fft.rfftfreq(9600, 1 / RATE)
    band = (band > 80) & (band < 400)
    noise = [np.linalg.norm(np.fft.rfft((down - up)[round(t * RATE) :][:9600])[band]) for t in (0.1, 1.0)]
    tone = np.linalg.norm(np.fft.rfft(up[round(0.1 * RATE) :][:9600]))
    assert -55 < 20 * math.log10(noise[0] / tone) < -30
    assert noise[1] < 0.1 * noise[0], "it is down already"


def test_hits_differ_and_seeds_repeat(play):
    def note(seed, variation):
        return play(Piano(RATE, seed), [(0, 9, 60, 0.5, variation)], 0.2)

    assert np.array_equal(note(1, 0.3), note(1, 0.3))
    assert not np.array_equal(note(1, 0.3), note(2, 0.3))
    assert not np.array_equal(note(1, 0.3), note(1, 0.31))


@pytest.mark.parametrize("blocks", BLOCKS)
def test_any_split_gives_the_same_samples(play, blocks):
    notes = [(0.031 * i, 0.07, 40 + 7 * (i % 6), 0.3 + 0.1 * (i % 5), 0.037 * i) for i in range(24)]
    whole, parts = (play(Piano(RATE, 1, pedal=0.7), notes, 1.0, blocks=b) for b in ((64,), blocks))
    assert np.array_equal(whole, parts)


@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_600_notes(play, rate):
    notes = [(0.0005 * i, 0.05, 127 * (i % 40) / 39, (i % 7) / 6, i / 600) for i in range(600)]
    x = play(Piano(rate, 1), notes, 0.4, rate, (16,), brightness_oct=1.5, attack_ms=5)
    assert np.isfinite(x).all()
    assert 0.1 < np.abs(x).max() < 8.0


@pytest.mark.parametrize("kind", [0, 1])
def test_plays_at_the_level_of_the_house(play, kind):
    scale = (60, 64, 67, 72, 69, 65, 62, 71)
    notes = [(0.5 * i, 0.45, scale[i % 8], 0.6, (0.377 * i) % 1) for i in range(20)]
    x = play(Piano(RATE, 1, kind), notes, 10.0)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    assert np.abs(x.mean(axis=1)).max() < 1e-4
    loud = max(np.abs(play(Piano(RATE, 1, kind), [(0, 9, n, 1.0, 0.7)], 0.3)).max() for n in (21, 40, 60, 72, 84, 100))
    assert 20 * math.log10(loud) < -6.0
