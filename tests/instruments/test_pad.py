"""The pad: level, pitch, answers to controls, drift, and the promises every instrument makes."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.controls import BREATH, COLUMN, EDGE_COLUMNS, EXPRESSION_DB
from synth.dsp.wavetable import warm
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES, ON
from synth.instruments.body import PEAKS
from synth.instruments.pad import SOUNDS, Pad
from synth.instruments.subtractive import VOICES
from synth.instruments.voicing import BOWED, SIDE

RATE = 48000
BLOCKS = [(1,), (7,), (3, 64, 1)]
CHORD = (55, 60, 64, 67)
# Notes that start, end, repeat and overlap at odd frames, one a frame after another.
BUSY = [
    (0.0, 0.3, 60, 0.6, 0.1), (1 / RATE, 0.2, 64, 0.5, 0.2), (0.0313, 0.1, 67, 0.9, 0.3), (0.1, 0.15, 60, 0.4, 0.4),
    *((0.2 + 0.0007 * i, 0.05, 40 + 2 * i, 0.5, 0.03 * i) for i in range(24)),
]  # fmt: skip


def chord(velocity=0.6, length=6.0, pitches=CHORD):
    return [(0, length, pitch, velocity, (0.377 * i + 0.1) % 1.0) for i, pitch in enumerate(pitches)]


def centroid(x, rate=RATE):
    power = np.abs(np.fft.rfft(x.astype(float) * np.hanning(x.shape[-1]))).sum(0)
    return (power @ np.fft.rfftfreq(x.shape[-1], 1.0 / rate)) / power.sum()


def rms_db(x):
    return 10.0 * math.log10(np.mean(x.astype(float) ** 2))


def frequency(x, hz, rate, start_s, gap_s=1.0, length_s=0.5):
    """Frequency near `hz`, from the turn of its phase over `gap_s`."""
    n = np.arange(round(length_s * rate))
    turns = [
        np.exp(-2j * np.pi * hz / rate * (n + first)) * np.hanning(n.size) @ x[first : first + n.size]
        for first in (round(start_s * rate), round((start_s + gap_s) * rate))
    ]
    return hz + np.angle(turns[1] / turns[0]) / (2.0 * np.pi * gap_s)


def cents(hz, reference):
    return 1200.0 * math.log2(hz / reference)


def above_8_khz(x):
    return np.abs(signal.sosfilt(signal.butter(6, 8000.0, "high", fs=RATE, output="sos"), x))


@pytest.mark.parametrize("wave", range(len(SOUNDS)))
def test_a_chord_has_the_agreed_loudness(play, wave):
    x = play(Pad(RATE, 1, wave=wave), chord(), 6.0)[:, RATE:]
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.0)
    assert 20.0 * math.log10(np.abs(x).max()) < -11.0
    assert np.abs(x.astype(float).mean(1)).max() < 1e-4


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("pitch", [45, 69, 96])
def test_pitch_is_exact_at_any_sample_rate(play, rate, pitch):
    x = play(Pad(rate, 1, detune_cents=0.0), [(0, 3, pitch, 0.7, 0.3)], 2.5, rate, motion=0.0, attack_ms=5.0)
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    assert abs(cents(frequency(x[0].astype(float), hz, rate, 0.8), hz)) < 0.1


@pytest.mark.parametrize("wave", [1, 2])  # strings have bows, whose noise is above that
def test_it_does_not_alias(play, wave):
    hz = 440.0 * 2.0 ** ((96 - 69) / 12.0)
    x = play(Pad(RATE, 1, wave=wave, detune_cents=0.0), [(0, 9, 96, 1.0, 0.3)], 8.5, motion=0.0, brightness_oct=1.5)
    steady = x[0, -65536:].astype(float) * np.kaiser(65536, 32.0)
    spectrum = np.abs(np.fft.rfft(steady))
    bins = np.arange(spectrum.size)
    far = np.abs(bins - np.rint(bins * RATE / 65536 / hz) * hz * 65536 / RATE) > 14
    assert 20.0 * math.log10(spectrum[far].max() / spectrum.max()) < -80.0


def test_velocity_raises_level_and_brightness(play):
    heard = [play(Pad(RATE, 1), chord(v, 2.0), 2.0)[:, RATE:] for v in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert np.all(np.diff([rms_db(x) for x in heard]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in heard]) > 5.0)
    assert rms_db(heard[-1]) - rms_db(heard[2]) == pytest.approx(9.9, abs=1.0)


@pytest.mark.parametrize("wave", range(len(SOUNDS)))
def test_brightness_raises_the_centroid(play, wave):
    found = [centroid(play(Pad(RATE, 1, wave=wave), chord(), 2.0, brightness_oct=b)) for b in (-2, -1, 0, 1, 1.5)]
    assert np.all(np.diff(found) > 5.0)


def test_attack_lengthens_the_rise(play):
    rises = []
    for attack_ms in (5.0, 80.0, 400.0, 1500.0):
        x = play(Pad(RATE, 1), chord(length=9.0), 8.0, attack_ms=attack_ms)
        level = (x.astype(float) ** 2).mean(0).reshape(-1, 480).mean(1)
        rises.append(np.argmax(level > 0.25 * np.median(level[-100:])))
    assert rises[0] < 15 and np.all(np.diff(rises) > 3) and rises[-1] > 100


@pytest.mark.parametrize("wave", range(len(SOUNDS)))
def test_onset_and_end_do_not_click(play, wave):
    """Strings have their bows' noise up there all the time."""
    notes = [(0.5, 1.0, 60, 1.0, 0.3)]
    x = play(Pad(RATE, 1, wave=wave), notes, 6.0, attack_ms=5.0, brightness_oct=-2.0)[0].astype(float)
    high = above_8_khz(x)
    steady = high[round(1.1 * RATE) : round(1.5 * RATE)].max()
    assert 20.0 * math.log10(high.max() / x.std()) < (-30.0 if wave == 0 else -70.0)
    assert high.max() < (1.5 * steady if wave == 0 else np.inf)


def test_the_corner_opens_after_the_level(play):
    """By some 200 ms: bright partials of strings come later than the fundamental."""
    x = play(Pad(RATE, 1), [(0, 9, 60, 0.7, 0.3)], 6.0, motion=0.0, attack_ms=80.0)[0].astype(float)
    arrivals = []
    for low, high in ((200.0, 330.0), (2500.0, 4500.0)):
        band = signal.sosfiltfilt(signal.butter(4, (low, high), "band", fs=RATE, output="sos"), x) ** 2
        level = band.reshape(-1, 960).mean(1)
        arrivals.append(np.argmax(level > 0.5 * np.median(level[-150:])) * 0.02)
    assert 0.08 < arrivals[1] - arrivals[0] < 0.6


def test_strings_have_a_body_and_bows(play):
    """Over the same voices without: peaks of the body, and noise from 2 to 5 kHz at -38 dB while they sound."""
    bare = [Pad(RATE, 1), Pad(RATE, 1)]
    bare[1]._constants[BOWED] = 0.0
    with_body, without = (play(pad, chord(length=3.0), 6.0, motion=0.0).astype(float) for pad in bare)
    added = with_body - without
    steady = slice(RATE, 3 * RATE)
    for hz, _, peak_db in PEAKS[:3]:
        sos = signal.butter(2, (0.94 * hz, 1.06 * hz), "band", fs=RATE, output="sos")
        levels = [(signal.sosfilt(sos, x)[:, steady] ** 2).mean() for x in (with_body, without)]
        assert 10.0 * math.log10(levels[0] / levels[1]) == pytest.approx(peak_db, abs=1.2)
    sos = signal.butter(4, (5500.0, 9000.0), "band", fs=RATE, output="sos")
    hiss = (signal.sosfilt(sos, added)[:, steady] ** 2).mean() / (without[:, steady] ** 2).mean()
    assert -54.0 < 10.0 * math.log10(hiss) < -42.0
    assert not with_body[:, -RATE // 4 :].any()


def test_the_warm_one_has_a_hump(play):
    """Of 2.5 dB below its corner, and falls steeply above."""
    pad = Pad(RATE, 1, wave=1)
    pad._constants[SIDE] = 0.0  # the middle oscillator alone, on the left
    x = play(pad, [(0, 9, 36, 0.5, 0.3)], 7.0, motion=0.0)[0, 2 * RATE :]
    n, hz = np.arange(1, 40), 65.406
    turns = np.exp(-2j * np.pi * hz / RATE * np.multiply.outer(n, np.arange(x.size)))
    gain_db = 20.0 * np.log10(np.abs(turns @ (x.astype(float) * np.hanning(x.size))) / warm(n))
    gain_db -= gain_db[0]
    top = int(gain_db.argmax())
    assert 1 < top < 10 and gain_db[top] == pytest.approx(2.4, abs=0.3)
    assert gain_db[4 * top] < -15.0


@pytest.mark.parametrize("wave", range(len(SOUNDS)))
def test_no_two_oscillators_beat_as_fast(play, wave):
    """There is no rate between .1 and 2 Hz at which the level swings by far more than at those about it."""
    swings = []
    for seed in range(8):
        x = play(Pad(RATE, seed, wave=wave), chord(pitches=(48, 55, 60), length=30.0), 22.0)[:, 2 * RATE :].astype(
            float
        )
        level = np.sqrt((x.astype(float) ** 2).mean(0)[: 20 * RATE].reshape(-1, 960).mean(1))
        swings.append(np.abs(np.fft.rfft((level - level.mean()) * np.hanning(level.size))) ** 2)
    rate_hz = np.fft.rfftfreq(level.size, 0.02)
    power_db = 10.0 * np.log10(np.mean(swings, axis=0))
    smooth_db = np.array([np.median(power_db[max(n - 6, 1) : n + 7]) for n in range(power_db.size)])
    slow = (rate_hz > 0.1) & (rate_hz < 2.0)
    assert (power_db - smooth_db)[slow].max() < 6.0


def test_a_chord_is_wide_and_survives_mono(play):
    left, right = play(Pad(RATE, 1), chord(), 6.0)[:, RATE:].astype(float)
    loss = 10.0 * math.log10(2.0 * np.mean(((left + right) / 2) ** 2) / (np.mean(left**2) + np.mean(right**2)))
    assert -2.0 < loss < -0.5
    assert 0.1 < np.corrcoef(left, right)[0, 1] < 0.7


def test_a_chord_lives_without_wobbling(play):
    x = play(Pad(RATE, 1), chord(pitches=(48, 55, 60), length=20.0), 20.0)[:, RATE:].astype(float)
    level = 10.0 * np.log10((x**2).mean(0)[: 190 * 4800].reshape(-1, 4800).mean(1))
    assert 0.5 < level.std() < 2.5
    assert 9.0 < 20.0 * math.log10(np.abs(x).max() / x.std()) < 14.0


def test_motion_scales_the_drift_of_pitch(play):
    spreads = []
    for motion in (0.0, 0.3, 1.0):
        x = play(Pad(RATE, 1, detune_cents=0.0), [(0, 30, 69, 0.7, 0.3)], 24.0, motion=motion)[0].astype(float)
        spreads.append(np.std([cents(frequency(x, 440.0, RATE, t, 0.2, 0.2), 440.0) for t in range(1, 23)]))
    assert spreads[0] < 0.01 and spreads[0] < 0.3 * spreads[1] < spreads[1] < 0.6 * spreads[2] < 15.0


def test_expression_moves_the_timbre(play):
    pads, out = [Pad(RATE, 1), Pad(RATE, 1)], []
    for pad, (swell, breath) in zip(pads, ((0.0, 0.0), (6.0, 1.0)), strict=True):
        edges = np.zeros((65, EDGE_COLUMNS), np.float32)
        edges[:, COLUMN["attack_ms"]], edges[:, EXPRESSION_DB], edges[:, BREATH] = 5.0, swell, breath
        events, heard = np.zeros((MAX_EVENTS, EVENT_COLUMNS)), np.zeros((2, MAX_FRAMES), np.float32)
        events[0] = 0, ON, 1, 60, 0.7, 0.5, 0.0
        for block in range(12):
            pad.render(events, int(block == 0), edges, 64, heard)
        out.append(centroid(heard))
    assert out[1] > 1.15 * out[0]


@pytest.mark.parametrize("blocks", BLOCKS)
def test_any_split_gives_the_same_samples(play, blocks):
    whole, split = (play(Pad(RATE, 5), BUSY, 0.7, blocks=b) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()
    assert np.abs(whole).max() > 0.01


def test_the_seed_decides(play):
    first, again, other = (play(Pad(RATE, seed), BUSY, 0.5) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_no_two_notes_are_alike(play):
    first, other = (play(Pad(RATE, 1), [(0, 1, 60, 0.6, variation)], 0.5) for variation in (0.2, 0.7))
    assert np.abs(first - other).max() > 0.01


def test_it_ends_in_exact_silence(play):
    pad = Pad(RATE, 1, release_s=0.5)
    x = play(pad, chord(1.0, 1.0), 2.5)
    last = np.flatnonzero(x.any(0))[-1]
    assert np.abs(x[:, last - 64 : last]).max() < 1e-5
    assert 1.4 * RATE < last < 2.0 * RATE and pad.sounding == 0


def test_a_note_struck_again_takes_its_voice(play):
    pad = Pad(RATE, 1)
    play(pad, [(0.1 * i, 0.05, 60, 0.6, 0.1 * i) for i in range(8)], 0.8)
    assert pad.sounding == 1


def test_theft_does_not_click(play):
    notes = [(0.0, 6.0, 36 + 2 * i, 0.5, 0.04 * i) for i in range(VOICES)]
    steals = [(2.0 + 0.15 * i, 3.0, 37 + (5 * i) % 28, 0.5, 0.05 * i) for i in range(16)]
    pad = Pad(RATE, 1)
    high = above_8_khz(play(pad, notes + steals, 5.0)[0].astype(float))
    assert pad.sounding == VOICES
    assert high[2 * RATE :].max() < 2.0 * high[RATE : 2 * RATE].max()


def test_six_hundred_notes_at_once(play):
    draw = np.random.default_rng(3)
    notes = [(0.001 * i, 0.02, *draw.uniform((20, 0, 0), (110, 1, 1))) for i in range(600)]
    pad = Pad(RATE, 1, release_s=0.3)
    x = play(pad, notes, 2.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 4.0
    assert pad.sounding == 0 and not x[:, -4800:].any()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])  # `play` keeps nothing
@given(
    rate=st.sampled_from([22050, 32000, 44100, 192000]),
    wave=st.sampled_from([0, 1, 2]),
    brightness=st.sampled_from([-2.0, 1.5]),
    motion=st.sampled_from([0.0, 1.0]),
    pitch=st.floats(0.0, 127.0),
    velocity=st.floats(0.0, 1.0),
    start=st.floats(0.0, 0.05),
)
def test_extremes_stay_finite(play, rate, wave, brightness, motion, pitch, velocity, start):
    notes = [(start, 0.1, pitch, velocity, 0.5), (start, 0.1, 127.0 - pitch, 1.0, 0.999)]
    x = play(Pad(rate, 1, wave=wave), notes, 0.3, rate, brightness_oct=brightness, motion=motion, attack_ms=5.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 1.0


def test_settings_out_of_range_are_answered():
    with pytest.raises(ValueError, match=r"wave = 7: give 0 to 2 \(strings, warm, glass\)"):
        Pad(RATE, 1, wave=7)
    with pytest.raises(ValueError, match=r"release_s = 90: give 0.3 to 6"):
        Pad(RATE, 1, release_s=90)
    with pytest.raises(ValueError, match=r"detune_cents = nan"):
        Pad(RATE, 1, detune_cents=math.nan)
