"""The choir: vowels where they belong, a level that holds, many voices, and the promises every instrument makes."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.controls import BREATH, COLUMN, EDGE_COLUMNS, EXPRESSION_DB
from synth.dsp.vowels import formants
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES, ON
from synth.instruments.choir import SOUNDS, Choir
from synth.instruments.singers import SEATS, SINGERS, WAIT

RATE = 48000
KINDS = range(len(SOUNDS))
CHORD = (55, 60, 64, 67)
BUSY = [
    (0.0, 0.3, 60, 0.6, 0.1), (1 / RATE, 0.2, 64, 0.5, 0.2), (0.0313, 0.1, 67, 0.9, 0.3), (0.1, 0.15, 60, 0.4, 0.4),
    *((0.2 + 0.0007 * i, 0.05, 40 + 2 * i, 0.5, 0.03 * i) for i in range(24)),
]  # fmt: skip
SLIDES = [(0.05, 0, 55, 0.11), (0.0601, 1, 43, 0.2), (0.0602, 1, 71, 0.03), (0.15, 3, 30, 0.0)]


def chord(velocity=0.6, length=6.0, pitches=CHORD):
    return [(0, length, pitch, velocity, (0.377 * i + 0.1) % 1.0) for i, pitch in enumerate(pitches)]


def loudness(x):
    return pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float))


def centroid(x):
    power = np.abs(np.fft.rfft(x.astype(float) * np.hanning(x.shape[-1]))).sum(0)
    return (power @ np.fft.rfftfreq(x.shape[-1], 1.0 / RATE)) / power.sum()


def rms_db(x):
    return 10.0 * math.log10(np.mean(x.astype(float) ** 2))


def above_8_khz(x):
    return np.abs(signal.sosfilt(signal.butter(6, 8000.0, "high", fs=RATE, output="sos"), x))


def spectrum_db(x, octaves=1.0 / 6.0):
    """Long-term spectrum at 24 places an octave, smoothed over `octaves`: (hz, dB)."""
    f, power = signal.welch(x.astype(float).sum(0), RATE, nperseg=16384)
    hz = 100.0 * 2.0 ** (np.arange(0, 24 * 5) / 24.0)
    edges = hz[:, None] * 2.0 ** np.array([-0.5 * octaves, 0.5 * octaves])
    inside = (f >= edges[:, :1]) & (f <= edges[:, 1:])
    return hz, 10.0 * np.log10((inside * power).sum(1) / inside.sum(1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_chord_has_the_agreed_loudness(play, kind):
    x = play(Choir(RATE, 1, kind=kind), chord(), 6.0)[:, RATE:]
    assert loudness(x) == pytest.approx(-23.0, abs=1.0)
    assert 20.0 * math.log10(np.abs(x).max()) < -11.0
    assert np.abs(x.astype(float).mean(1)).max() < 1e-4


@pytest.mark.parametrize(("voice", "low", "high"), [("bass", 39.0, 50.0), ("tenor", 47.0, 57.5), ("alto", 54.0, 64.0)])
def test_the_first_formants_stand_out(play, voice, low, high):
    """An "o" at rest, in a glide over the part's range."""
    x = play(Choir(RATE, 1), [(0.0, 30.0, low, 0.6, 0.3)], 16.0, slides=[(0.1, 0, high, 15.8)], motion=0.0)
    hz, level_db = spectrum_db(x)
    (first_hz, second_hz), _, _ = (row[:2] for row in formants(voice, "o"))
    inside = (hz > first_hz) & (hz < second_hz)
    dip_hz, dip_db = hz[inside][level_db[inside].argmin()], level_db[inside].min()
    first = np.abs(np.log2(hz / first_hz)) <= 1.0 / 3.0
    second = (np.abs(np.log2(hz / second_hz)) <= 1.0 / 3.0) & (hz > dip_hz)
    assert level_db[first].max() > dip_db + 6.0 and level_db[second].max() > dip_db + 6.0
    assert level_db[hz > 100.0].max() == level_db[first].max()


def test_a_scale_keeps_its_loudness(play):
    """Of two octaves and more, through three parts: formants alone would let it rise and fall by 10 dB."""
    found = [
        np.mean([loudness(play(Choir(RATE, seed), [(0, 9, pitch, 0.6, 0.3)], 4.0)[:, RATE:]) for seed in (1, 2)])
        for pitch in range(45, 80, 2)
    ]
    assert np.ptp(found) < 3.0


@pytest.mark.parametrize("pitch", [52.0, 60.37, 69.0])
def test_all_together_are_in_tune(play, pitch):
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    x = play(Choir(RATE, 3), [(0, 20, pitch, 0.7, 0.3)], 17.0, motion=0.0)[:, RATE:].astype(float)
    power = (np.abs(np.fft.rfft(x * np.hanning(x.shape[1]))) ** 2).sum(0)
    f = np.fft.rfftfreq(x.shape[1], 1.0 / RATE)
    near = np.abs(f - hz) < 0.02 * hz
    mean = (f[near] @ power[near]) / power[near].sum()
    assert abs(1200.0 * math.log2(mean / hz)) < 1.5
    spread = 1200.0 / math.log(2.0) * math.sqrt(((f[near] - mean) ** 2 @ power[near]) / power[near].sum()) / hz
    assert 1.5 < spread < 5.0


def test_a_slide_arrives(play):
    x = play(Choir(RATE, 1), [(0, 20, 60, 0.7, 0.3)], 8.0, slides=[(1.0, 0, 65.0, 0.3)], motion=0.0)[:, 2 * RATE :]
    power = np.abs(np.fft.rfft(x.astype(float).sum(0) * np.hanning(x.shape[1])))
    f = np.fft.rfftfreq(x.shape[1], 1.0 / RATE)
    near = (f > 200.0) & (f < 400.0)
    assert abs(1200.0 * math.log2(f[near][power[near].argmax()] / (440.0 * 2.0 ** (-4.0 / 12.0)))) < 6.0
    assert power[np.abs(f - 261.6) < 4.0].max() < 0.01 * power[near].max()


def test_motion_widens_the_unison(play):
    """Walks of pitch and vibrato, each singer's own."""
    spreads = []
    for motion in (0.0, 0.3, 1.0):
        x = play(Choir(RATE, 1), [(0, 30, 69, 0.7, 0.3)], 12.0, motion=motion)[:, 2 * RATE :].astype(float)
        power = (np.abs(np.fft.rfft(x * np.hanning(x.shape[1]))) ** 2).sum(0)
        f = np.fft.rfftfreq(x.shape[1], 1.0 / RATE)
        near = np.abs(f - 440.0) < 30.0
        spreads.append(math.sqrt(((f[near] - 440.0) ** 2 @ power[near]) / power[near].sum()))
    assert spreads[0] < 1.3 < 2.0 < spreads[1] < 4.5 and 1.7 * spreads[1] < spreads[2] < 15.0


def test_breath_goes_with_the_voice(play):
    """Between the partials, -30 dB in all; nothing when nobody sings."""
    x = play(Choir(RATE, 1), [(0, 20, 72, 0.7, 0.3)], 8.0, motion=0.0)[0, RATE:].astype(float)
    power = np.abs(np.fft.rfft(x * np.kaiser(x.size, 12.0))) ** 2
    f = np.fft.rfftfreq(x.size, 1.0 / RATE)
    turn = np.abs(f / 523.25 - np.rint(f / 523.25)) * 523.25
    breath = power[turn > 40.0].sum() * 523.25 / (523.25 - 80.0)
    assert 10.0 * math.log10(breath / power.sum()) == pytest.approx(-31.5, abs=3.5)


def lane_sweep(lane, before, after, seconds=3.0):
    """A chord while a lane of the edges steps from `before` to `after` at half time."""
    choir, edges = Choir(RATE, 1), np.zeros((65, EDGE_COLUMNS), np.float32)
    events, out = np.zeros((MAX_EVENTS, EVENT_COLUMNS)), np.zeros((2, MAX_FRAMES), np.float32)
    for i, pitch in enumerate(CHORD):
        events[i] = 0, ON, i, pitch, 0.7, 0.3 * i, 0.0
    edges[:, COLUMN["attack_ms"]] = 5.0
    blocks, heard = round(seconds * RATE / MAX_FRAMES), []
    for block in range(blocks):
        edges[:, lane] = before if block < blocks // 2 else after
        choir.render(events, len(CHORD) if block == 0 else 0, edges, 64, out)
        heard.append(out.copy())
    return np.concatenate(heard, axis=1)


@pytest.mark.parametrize(("lane", "before", "after"), [(EXPRESSION_DB, -4.0, 4.0), (BREATH, -1.0, 1.0)])
def test_vowels_open_with_phrase_and_breath(lane, before, after):
    """More between 700 and 1200 Hz against the first formant of an "o"; and not at once."""
    x = lane_sweep(lane, before, after, 5.0)
    band = [signal.butter(4, edges, "band", fs=RATE, output="sos") for edges in ((250.0, 500.0), (750.0, 1300.0))]
    low, high = (signal.sosfilt(sos, x.astype(float)) ** 2 for sos in band)
    window = RATE // 4
    ratio_db = [
        10.0 * math.log10(high[:, n : n + window].sum() / low[:, n : n + window].sum())
        for n in range(0, x.shape[1] - window, window)
    ]
    half = len(ratio_db) // 2
    closed, opened = np.mean(ratio_db[2 : half - 1]), np.mean(ratio_db[half + 6 :])
    assert opened > closed + 5.0
    assert ratio_db[half + 1] < opened - 0.15 * (opened - closed)


def test_velocity_raises_level_and_brightness(play):
    heard = [play(Choir(RATE, 1), chord(v, 3.0), 3.0)[:, RATE:] for v in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert np.all(np.diff([rms_db(x) for x in heard]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in heard]) > 3.0)
    assert rms_db(heard[-1]) - rms_db(heard[2]) == pytest.approx(9.9, abs=1.5)


@pytest.mark.parametrize("kind", KINDS)
def test_brightness_raises_the_centroid(play, kind):
    found = [centroid(play(Choir(RATE, 1, kind=kind), chord(), 2.0, brightness_oct=b)) for b in (-2, -1, 0, 1, 1.5)]
    assert np.all(np.diff(found) > 5.0)


def test_attack_lengthens_the_rise(play):
    rises = []
    for attack_ms in (5.0, 80.0, 400.0, 1500.0):
        x = play(Choir(RATE, 1), chord(length=9.0), 8.0, attack_ms=attack_ms)
        level = (x.astype(float) ** 2).mean(0).reshape(-1, 480).mean(1)
        rises.append(np.argmax(level > 0.25 * np.median(level[-300:])))
    assert rises[0] < 20 and np.all(np.diff(rises) > 1) and rises[-1] > 100


def test_onset_and_end_do_not_click(play):
    for pitch in (40, 60, 80):
        x = play(Choir(RATE, 1), [(0.5, 1.0, pitch, 1.0, 0.3)], 4.0, attack_ms=5.0)[0].astype(float)
        high = above_8_khz(x)
        steady = high[round(1.2 * RATE) : round(1.5 * RATE)].max()
        assert high.max() < 2.5 * steady and 20.0 * math.log10(high.max() / x.std()) < -45.0


def test_a_chord_is_wide_and_survives_mono(play):
    left, right = play(Choir(RATE, 1), chord(), 8.0)[:, RATE:].astype(float)
    loss = 10.0 * math.log10(2.0 * np.mean(((left + right) / 2) ** 2) / (np.mean(left**2) + np.mean(right**2)))
    assert -2.0 < loss < -0.3
    assert 0.1 < np.corrcoef(left, right)[0, 1] < 0.85


def test_low_notes_are_in_the_middle(play):
    left, right = play(Choir(RATE, 1), [(0, 9, 43, 0.7, 0.3)], 4.0)[:, RATE:].astype(float)
    sos = signal.butter(4, 150.0, fs=RATE, output="sos")
    left, right = signal.sosfilt(sos, left), signal.sosfilt(sos, right)
    assert np.corrcoef(left, right)[0, 1] > 0.95


def test_a_chord_lives_without_wobbling(play):
    """No rate between .1 and 2 Hz at which the level swings by 6 dB more than at those about it."""
    swings = []
    for seed in range(8):
        x = play(Choir(RATE, seed), chord(pitches=(48, 55, 60), length=30.0), 22.0)[:, 2 * RATE :].astype(float)
        level = np.sqrt((x**2).mean(0)[: 20 * RATE].reshape(-1, 960).mean(1))
        assert 0.5 < (20.0 * np.log10(level)).std() < 3.0
        assert 9.0 < 20.0 * math.log10(np.abs(x).max() / x.std()) < 14.5
        swings.append(np.abs(np.fft.rfft((level - level.mean()) * np.hanning(level.size))) ** 2)
    rate_hz = np.fft.rfftfreq(level.size, 0.02)
    power_db = 10.0 * np.log10(np.mean(swings, axis=0))
    smooth_db = np.array([np.median(power_db[max(n - 6, 1) : n + 7]) for n in range(power_db.size)])
    slow = (rate_hz > 0.1) & (rate_hz < 2.0)
    assert (power_db - smooth_db)[slow].max() < 6.0


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    whole, split = (play(Choir(RATE, 5), BUSY, 0.7, blocks=b, slides=SLIDES) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()
    assert np.abs(whole).max() > 0.01


def test_the_seed_decides(play):
    first, again, other = (play(Choir(RATE, seed), BUSY, 0.5) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_no_two_notes_are_alike(play):
    first, other = (play(Choir(RATE, 1), [(0, 1, 60, 0.6, variation)], 0.5) for variation in (0.2, 0.7))
    assert np.abs(first - other).max() > 0.01


def test_it_ends_in_exact_silence_and_begins_anew(play):
    choir = Choir(RATE, 1, release_s=0.5)
    x = play(choir, chord(1.0, 1.0), 3.0)
    last = np.flatnonzero(x.any(0))[-1]
    assert np.abs(x[:, last - 64 : last]).max() < 1e-6
    assert 1.4 * RATE < last < 2.5 * RATE and choir.sounding == 0
    again = play(choir, chord(1.0, 1.0), 3.0)
    assert rms_db(again) == pytest.approx(rms_db(x), abs=1.5)


def test_a_note_is_sung_by_a_few_and_struck_again_by_the_same(play):
    choir = Choir(RATE, 1)
    play(choir, [(0.1 * i, 0.05, 60, 0.6, 0.1 * i) for i in range(8)], 0.8)
    assert choir.sounding == SEATS


def test_singers_enter_one_after_another(play):
    for variation in (0.1, 0.5, 0.9):
        choir = Choir(RATE, 1)
        play(choir, [(0, 9, 60, 0.7, variation)], 64 / RATE)
        waits_s = choir._floats[WAIT : WAIT + SEATS] / RATE
        assert 0.015 < np.ptp(waits_s) < 0.09 and waits_s.max() < 0.09


def test_theft_does_not_click(play):
    notes = [(0.0, 6.0, 40 + 2 * i, 0.5, 0.04 * i) for i in range(SINGERS // SEATS)]
    steals = [(2.0 + 0.15 * i, 3.0, 41 + (5 * i) % 28, 0.5, 0.05 * i) for i in range(16)]
    choir = Choir(RATE, 1)
    high = above_8_khz(play(choir, notes + steals, 5.0)[0].astype(float))
    assert choir.sounding == SINGERS
    assert high[2 * RATE :].max() < 2.0 * high[RATE : 2 * RATE].max()


def test_four_hundred_notes_at_once(play):
    draw = np.random.default_rng(3)
    notes = [(0.001 * i, 0.02, *draw.uniform((20, 0, 0), (110, 1, 1))) for i in range(400)]
    choir = Choir(RATE, 1, release_s=0.3)
    x = play(choir, notes, 2.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 4.0
    assert choir.sounding == 0 and not x[:, -4800:].any()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])  # `play` keeps nothing
@given(
    rate=st.sampled_from([22050, 32000, 44100, 192000]),
    kind=st.sampled_from(list(KINDS)),
    brightness=st.sampled_from([-2.0, 1.5]),
    motion=st.sampled_from([0.0, 1.0]),
    pitch=st.floats(0.0, 127.0),
    velocity=st.floats(0.0, 1.0),
    start=st.floats(0.0, 0.05),
)
def test_extremes_stay_finite(play, rate, kind, brightness, motion, pitch, velocity, start):
    notes = [(start, 0.1, pitch, velocity, 0.5), (start, 0.1, 127.0 - pitch, 1.0, 0.999)]
    slides = [(0.06, 0, 127.0 - pitch, 0.03)]
    x = play(
        Choir(rate, 1, kind=kind), notes, 0.3, rate, slides=slides,
        brightness_oct=brightness, motion=motion, attack_ms=5.0,
    )  # fmt: skip
    assert np.isfinite(x).all() and np.abs(x).max() < 1.0


def test_settings_out_of_range_are_answered():
    with pytest.raises(ValueError, match=r"kind = 7: give 0 to 1 \(choir, hum\)"):
        Choir(RATE, 1, kind=7)
    with pytest.raises(ValueError, match=r"release_s = 90: give 0.3 to 6"):
        Choir(RATE, 1, release_s=90)


def test_a_part_that_fell_silent_leaves_nothing_too_small_to_reckon_with(play):
    choir = Choir(RATE, 1)
    play(choir, [(0.0, 1.0, 45, 0.5, 0.1), (1.0, 11.0, 72, 0.5, 0.3)], 10.0)
    held = np.abs(choir._choir)
    assert not ((held > 0.0) & (held < 1e-30)).any()
