"""Wavetables: aliasing, pitch, spectrum, and the oscillators against plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp.wavetable import (
    BASE_HZ,
    CYCLE,
    HARMONICS_MAX,
    MASK,
    POINTS,
    ROWS_PER_OCTAVE,
    glass,
    harmonics_of,
    morph,
    oscillate,
    points,
    pulse,
    pulse_rms,
    read,
    saw,
    square,
    sub,
    tables,
    triangle,
    unison,
    vocal,
    warm,
)

RATE = 48000
WAVES = [saw, square, triangle, warm, glass, vocal, sub]


def row_of(hz):
    return math.ceil(ROWS_PER_OCTAVE * math.log2(hz / BASE_HZ))


def steady(hz, frames, rate=RATE, wave=saw):
    out = np.zeros(frames, np.float32)
    step = round(hz / rate * CYCLE)
    oscillate(tables(rate, wave), row_of(hz), 0, step, out, 0, frames)
    return out.astype(float), step / CYCLE * rate


def alias_db(x, hz, rate):
    """The strongest line that is no harmonic, over the fundamental."""
    spectrum = np.abs(np.fft.rfft(x * np.kaiser(x.size, 32.0)))
    bins = np.arange(spectrum.size)
    harmonic = np.rint(bins * rate / x.size / hz)
    far = np.abs(bins - harmonic * hz * x.size / rate) > 14
    fundamental = spectrum[round(hz * x.size / rate)]
    return 20.0 * math.log10(spectrum[far].max() / fundamental)


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.parametrize(("hz", "rate"), [(261.626, 48000), (2093.005, 48000), (2093.005, 44100), (4186.009, 48000)])
def test_aliasing_is_under_80_db(hz, rate, wave):
    x, exact_hz = steady(hz, 16384, rate, wave)
    assert alias_db(x, exact_hz, rate) < -80.0


@pytest.mark.parametrize("hz", [32.703, 43.654, 58.270, 77.782])
def test_aliasing_of_low_notes(hz):
    x, exact_hz = steady(hz, 65536)
    assert alias_db(x, exact_hz, RATE) < -80.0


def test_a_harmonic_over_half_the_rate_would_be_seen():
    hz = 2093.005
    out = np.zeros(16384, np.float32)
    step = round(hz / RATE * CYCLE)
    oscillate(tables(RATE, saw), row_of(hz) - 3, 0, step, out, 0, 16384)
    assert alias_db(out.astype(float), step / CYCLE * RATE, RATE) > -50.0


@pytest.mark.parametrize("hz", [32.703, 440.0, 2093.005])
def test_pitch_is_within_a_tenth_of_a_cent(hz):
    x, _ = steady(hz, 20000)
    n = np.arange(12000)
    window = np.hanning(n.size)
    early, late = (
        np.exp(-2j * np.pi * hz / RATE * (n + first)) * window @ x[first : first + n.size] for first in (0, 8000)
    )
    off_hz = np.angle(late / early) / (2.0 * np.pi * 8000 / RATE)
    assert abs(1200.0 * math.log2(1.0 + off_hz / hz)) < 0.1


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_every_table_holds_its_harmonics_and_no_more(wave, rate):
    found = points(tables(rate, wave))
    amplitude = wave(np.arange(1.0, HARMONICS_MAX + 1))
    amplitude /= np.sqrt(0.5 * np.sum(amplitude**2))
    assert found.dtype == np.float32 and found.shape[1] == POINTS + 1
    assert np.array_equal(found[:, 0], found[:, -1])
    assert not found[-1].any()
    for row, cycle in enumerate(found):
        count = harmonics_of(rate, row)
        assert count * BASE_HZ * 2.0 ** (row / ROWS_PER_OCTAVE) <= rate / 2
        spectrum = 2.0 * np.abs(np.fft.rfft(cycle[:-1].astype(float))) / POINTS
        assert np.abs(spectrum[1 : count + 1] - amplitude[:count]).max(initial=0.0) < 1e-6
        assert spectrum[count + 1 :].max() < 1e-6 and spectrum[0] < 1e-6


def test_tables_are_made_once():
    assert tables(RATE, saw) is tables(RATE, saw)


@given(st.integers(0, 2**32 - 1), st.integers(0, 27))
@settings(max_examples=50)
def test_reading_interpolates_between_neighbours(phase, row):
    found = tables(RATE, saw)
    place = phase / CYCLE * POINTS
    wanted = np.interp(place, np.arange(POINTS + 1), points(found)[row].astype(float))
    assert float(read(found, row, np.int64(phase))) == pytest.approx(wanted, abs=2e-6)


def test_unison_equals_three_oscillators():
    found, frames = tables(RATE, saw), 200
    phases, steps = (1 << 31, 7, 1 << 20), (40_000_000, 40_100_000, 40_250_000)
    out = np.zeros((4, frames), np.float32)
    rows = out.reshape(-1)
    ended = unison(found, 12, phases, steps, np.float32(0.6), np.float32(0.5), rows, frames, 3 * frames, frames)
    points_12 = points(found)[12].astype(float)
    n = np.arange(frames)
    waves = [
        np.interp(((p + n * d) % 2**32) / CYCLE * POINTS, np.arange(POINTS + 1), points_12)
        for p, d in zip(phases, steps, strict=True)
    ]
    assert np.abs(out[1] - (0.5 * waves[1] + 0.6 * waves[0])).max() < 5e-6
    assert np.abs(out[3] - (0.5 * waves[1] + 0.6 * waves[2])).max() < 5e-6
    assert not out[[0, 2]].any()
    assert ended == tuple((p + frames * d) % 2**32 for p, d in zip(phases, steps, strict=True))


def test_any_split_gives_the_same_samples():
    found, step = tables(RATE, saw), 39_370_534
    whole, parts = np.zeros((2, 300), np.float32)
    end = oscillate(found, 10, 5, step, whole, 0, 300)
    phase = 5
    for first, last in ((0, 1), (1, 8), (8, 200), (200, 300)):
        phase = oscillate(found, 10, phase, step, parts, first, last - first)
    assert np.array_equal(whole, parts) and phase == end == (5 + 300 * step) & int(MASK)


def harmonic_phasors(x, hz, count):
    n = np.arange(x.size)
    window = np.blackman(x.size)
    turns = np.outer(np.arange(1, count + 1), n) * hz / RATE
    return 2.0 * np.exp(-2j * np.pi * turns) @ (x * window) / window.sum()


@pytest.mark.parametrize("wave", WAVES)
def test_all_harmonics_of_all_waves_are_in_phase(wave):
    x, hz = steady(440.0, 4000, wave=wave)
    phasors = harmonic_phasors(x, hz, 12)
    heard = np.abs(phasors) > 1e-3
    assert heard[0] and heard[2]
    assert np.abs(phasors[heard] / np.abs(phasors[heard]) + 1j).max() < 1e-2  # sines


def test_triangle_and_vocal_have_their_spectra():
    n = np.arange(1.0, 31.0)
    assert triangle(n)[:5] == pytest.approx([1.0, 0.0, 1.0 / 9.0, 0.0, 1.0 / 25.0])
    envelope = vocal(n) * n
    assert np.argmax(envelope) + 1 == 5  # 654 Hz, under the tenor's first formant at 650
    assert envelope[7] > envelope[5] and envelope[7] > envelope[11]  # 1046 Hz, the second at 1080
    skirts = 0.0  # at the fundamental, of five resonances 1.5 times as wide as one singer's
    for f, db, width in ((650, 0, 80), (1080, -6, 90), (2650, -7, 120), (2900, -8, 130), (3250, -22, 140)):
        at, k = 1j * 130.81 / f, 1.5 * width / f
        skirts += 10.0 ** (db / 20.0) * abs(k * at / (at * at + k * at + 1.0))
    assert envelope[0] == pytest.approx(skirts, rel=1e-3)


def test_a_morph_takes_each_harmonic_straight_across():
    found, frames = [], 4000
    for share in (0.0, 0.25, 1.0):
        out = np.zeros(frames, np.float32)
        a, b, step = tables(RATE, vocal), tables(RATE, glass), round(440.0 / RATE * CYCLE)
        end = morph(a, b, row_of(440.0), 0, step, np.float32(share), np.float32(0.0), out, 0, frames)
        assert end == frames * step % 2**32
        found.append(np.abs(harmonic_phasors(out.astype(float), step / CYCLE * RATE, 12)))
    assert np.abs(found[1] - (0.75 * found[0] + 0.25 * found[2])).max() < 1e-4
    assert np.abs(found[0] - found[2]).max() > 0.1


def test_a_moving_morph_is_a_cross_fade():
    frames, step = 256, round(440.0 / RATE * CYCLE)
    out, waves = np.zeros(frames, np.float32), []
    for wave in (saw, square):
        oscillate(tables(RATE, wave), 15, 7, step, out, 0, frames)
        waves.append(out.astype(float))
    rise = np.float32(1.0 / frames)
    morph(tables(RATE, saw), tables(RATE, square), 15, 7, step, np.float32(0.0), rise, out, 0, frames)
    share = np.arange(frames) / frames
    assert np.abs(out - ((1.0 - share) * waves[0] + share * waves[1])).max() < 1e-5


def pulsed(hz, width, frames, widen=0):
    out, step = np.zeros(frames, np.float32), round(hz / RATE * CYCLE)
    pulse(tables(RATE, saw), row_of(hz), 0, step, round(width * CYCLE), widen, out, 0, frames)
    return out.astype(float), step / CYCLE * RATE


@pytest.mark.parametrize("width", [0.1, 0.25, 0.5])
def test_a_pulse_has_its_spectrum_and_level(width):
    x, hz = pulsed(220.0, width, 8192)
    n = np.arange(1, 21)
    wanted = np.abs(np.sin(np.pi * n * width)) / n
    found = np.abs(harmonic_phasors(x, hz, 20))
    assert np.abs(found / found[0] - wanted / wanted[0]).max() < 2e-3
    assert x.std() == pytest.approx(pulse_rms(width), rel=0.02)
    assert abs(x @ np.blackman(x.size)) / np.blackman(x.size).sum() < 1e-4


@pytest.mark.parametrize("hz", [2093.005, 4186.009])
def test_aliasing_of_a_pulse(hz):
    x, exact_hz = pulsed(hz, 0.3, 16384)
    assert alias_db(x, exact_hz, RATE) < -80.0


def test_a_pulse_widens_as_it_is_told():
    frames, step, widen = 200, 30_000_000, 2_000_000
    out = np.zeros(frames, np.float32)
    end = pulse(tables(RATE, saw), 10, 5, step, 1 << 30, widen, out, 0, frames)
    n, table = np.arange(frames), points(tables(RATE, saw))[10].astype(float)
    first, later = (
        np.interp(at % 2**32 / CYCLE * POINTS, np.arange(POINTS + 1), table)
        for at in (5 + n * step, 5 + n * step + (1 << 30) + n * widen)
    )
    assert np.abs(out - (first - later)).max() < 5e-6
    assert end == (5 + frames * step) % 2**32
