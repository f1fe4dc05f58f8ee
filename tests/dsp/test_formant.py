"""Sung vowels: where the formants lie and how high, the morph, the note above them, and the usual properties."""

from __future__ import annotations

import functools
import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.formant import SECTION, FormantBank
from synth.dsp.quantum import QUANTUM
from synth.dsp.vowels import formants

RATE = 48000
VOICES = 3
COMPILED = not numba.config.DISABLE_JIT


def plain(voice="alto", vowels="uoa", section=SECTION, rate=RATE):
    """A bank that leaves levels as they fall: the formants alone."""
    return FormantBank(rate, VOICES, voice, vowels, section, source_db=None)


def edges(values, quanta):
    return np.array(np.broadcast_to(values, (quanta + 1, VOICES)), np.float32, order="C")


def sung(unit, x, place, hz=100.0, quanta=(1000,)):
    """`x` (frames, VOICES) through the bank, in blocks of `quanta`, over and over."""
    total = x.shape[0] // QUANTUM
    where, notes = edges(place, total), edges(hz, total)
    out, start, turn = np.full(x.shape, 7.0, np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        frames, at = slice(start * QUANTUM, (start + count) * QUANTUM), slice(start, start + count + 1)
        unit.render(x[frames], where[at], notes[at], count, out[frames])
        start, turn = start + count, turn + 1
    return out


def impulse(quanta=40):
    x = np.zeros((quanta * QUANTUM, VOICES), np.float32)
    x[0] = 1.0
    return x


def noise(quanta, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (quanta * QUANTUM, VOICES)).astype(np.float32)


def gain_db(response, hz, rate=RATE):
    n = np.arange(response.size)
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / rate * n) @ response))


def peaks_hz(response, rate=RATE):
    hz = np.arange(150.0, 5500.0, 10.0)
    level = np.array([gain_db(response, f, rate) for f in hz])
    return hz[1:-1][(level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])]


@pytest.mark.parametrize("vowel", "aou")
@pytest.mark.parametrize("voice", ["soprano", "alto", "tenor", "bass"])
def test_first_two_formants_lie_where_they_should(voice, vowel):
    hz, level_db, _ = formants(voice, vowel)
    response = sung(plain(voice, vowel, 1.0), impulse(), 0.0)[:, 1].astype(float)
    found = peaks_hz(response)
    for wanted in hz[:2]:
        assert np.abs(np.log2(found / wanted)).min() < 1.0 / 12.0
    assert gain_db(response, hz[0]) == pytest.approx(0.0, abs=1.5)
    between = np.linspace(hz[0], hz[1], 30)
    assert min(gain_db(response, f) for f in between) < gain_db(response, hz[1]) - 2.0


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_equals_five_band_passes(rate):
    """The bilinear transform of k s / (s^2 + k s + 1), prewarped, five in parallel."""
    x, unit = noise(8), plain("tenor", "o", rate=rate)
    wanted = np.zeros(x.shape[0])
    for hz, level_db, bandwidth_hz in zip(*formants("tenor", "o"), strict=True):
        w = 2.0 * rate * math.tan(math.pi * hz / rate)
        k = SECTION * bandwidth_hz / hz
        b, a = signal.bilinear([k * w, 0.0], [1.0, k * w, w * w], rate)
        wanted += 10.0 ** (level_db / 20.0) * signal.lfilter(b, a, x[:, 0].astype(float))
    assert np.abs(sung(unit, x, 0.0)[:, 0] - wanted).max() < 2e-4


def test_equals_its_twin_on_the_move():
    """Corner, damping and gain go straight from edge to edge, and the memories are those of Simper's filter."""
    total = 3
    x, unit, place = noise(total), plain(), np.array([0.0, 1.5, 0.3, 2.0])
    found = sung(unit, x, np.tile(place[:, None], VOICES))[:, 1]
    told = np.array([formants("alto", vowel) for vowel in "uoa"])
    told[:, 2] *= SECTION
    told[:, [0, 2]] = np.log2(told[:, [0, 2]])
    wanted, frames = np.zeros(total * QUANTUM), np.arange(total * QUANTUM) / QUANTUM
    for formant in range(5):
        octave, db, width = (np.interp(place, np.arange(3), told[:, which, formant]) for which in range(3))
        k = 2.0**width / 2.0**octave
        ramps = np.tan(np.pi * 2.0**octave / RATE), k, k * 10.0 ** (db / 20.0)
        s1 = s2 = 0.0
        rows = zip(x[:, 1].astype(float), *(np.interp(frames, np.arange(4), ramp) for ramp in ramps), strict=True)
        for n, (sample, g, damping, gain) in enumerate(rows):
            band = (s1 + g * (sample - s2)) / (1.0 + g * (g + damping))
            low = s2 + g * band
            s1, s2 = 2.0 * band - s1, 2.0 * low - s2
            wanted[n] += gain * band
    assert np.abs(found - wanted).max() < 2e-5


def test_a_section_is_wider():
    narrow, wide = (sung(plain("alto", "a", section), impulse(), 0.0)[:, 0].astype(float) for section in (1.0, 2.0))
    for response, factor in ((narrow, 1.0), (wide, 2.0)):
        edge = gain_db(response, 800.0 - 0.5 * 80.0 * factor) - gain_db(response, 800.0)
        assert edge == pytest.approx(-3.0, abs=0.9)


def test_a_morph_goes_straight_in_pitch():
    unit = plain("alto", "ua", 1.0)
    first, last = formants("alto", "u")[0][0], formants("alto", "a")[0][0]
    response = sung(unit, impulse(), [0.0, 0.5, 1.0])
    for v, wanted in enumerate((first, math.sqrt(first * last), last)):
        found = peaks_hz(response[:, v].astype(float))
        assert abs(math.log2(found[0] / wanted)) < 1.0 / 24.0


def test_a_moving_morph_lands_where_it_is_sent():
    """Half-way through the sound the vowel has changed; what rings then is that vowel."""
    quanta = 40
    place = np.tile(np.clip((np.arange(quanta + 1.0) - 5.0) / 10.0, 0.0, 2.0)[:, None], VOICES)
    x = np.zeros((quanta * QUANTUM, VOICES), np.float32)
    x[30 * QUANTUM] = 1.0
    moved = sung(FormantBank(RATE, VOICES), x, place)[30 * QUANTUM :]
    still = sung(FormantBank(RATE, VOICES), impulse(10), 2.0)
    assert np.abs(moved - still).max() < 1e-6
    assert np.abs(moved - sung(FormantBank(RATE, VOICES), impulse(10), 1.0)).max() > 1e-3


@pytest.mark.parametrize("hz", [500.0, 700.0])
def test_the_first_formant_rises_to_the_note(hz):
    unit = plain("alto", "u")
    response = sung(unit, impulse(), 0.0, [100.0, 324.0, hz]).astype(float)
    assert gain_db(response[:, 2], hz) > -1.5 > gain_db(response[:, 0], hz) + 3.0
    assert np.array_equal(response[:, 0], response[:, 1])


SLOW = 22050
C2 = 65.406
PITCHES = C2 * 2.0 ** (np.arange(0, 49, 1 if COMPILED else 8) / 12.0)  # to C6
SUNG = [("soprano", "a"), ("alto", "o"), ("tenor", "u"), ("bass", "a"), ("bass", "e")][: None if COMPILED else 1]


@functools.cache
def saws(fall_db, quanta, glide_oct=0.0):
    """(frames, notes) float32: notes at PITCHES that rise by `glide_oct`; their harmonics fall by `fall_db` an octave,
    and their RMS is 1 at any pitch."""
    octaves = glide_oct * np.arange(quanta * QUANTUM)[:, None] / (quanta * QUANTUM)
    hz = PITCHES * 2.0**octaves
    turned = np.exp(2j * np.pi * np.cumsum(hz, axis=0) / SLOW)
    amplitude = np.arange(1.0, 200.0) ** (fall_db / 20.0 / math.log10(2.0))
    amplitude *= math.sqrt(2.0) / np.sqrt((amplitude**2).sum())
    x, wave = np.zeros(hz.shape), np.ones(hz.shape, complex)
    for n, a in enumerate(amplitude, 1):
        notes = n * hz[-1] < 0.45 * SLOW
        wave = wave[:, notes[: wave.shape[1]]] * turned[:, notes]
        x[:, notes] += a * wave.imag
    return x.astype(np.float32)


def levels_db(unit, x, place, hz):
    """What `unit` adds to the level of `x` in windows of 46 ms, three cycles of C2: dB, (windows, notes)."""
    quanta, out = x.shape[0] // QUANTUM, np.zeros_like(x)
    given = [np.array(np.broadcast_to(a, (quanta + 1, x.shape[1])), np.float32, order="C") for a in (place, hz)]
    unit.render(x, *given, quanta, out)
    power = [(y.astype(float) ** 2).reshape(-1, 16 * QUANTUM, x.shape[1]).mean(axis=1) for y in (out, x)]
    return 10.0 * np.log10(power[0] / power[1])


@pytest.mark.parametrize("voice, vowels", SUNG)
@pytest.mark.parametrize("fall_db", [-6.0, -12.0])
def test_a_note_keeps_its_level_at_any_pitch(voice, vowels, fall_db):
    """Of four octaves, within 3 dB and about 0 dB; formants alone let it fall by three times as much and more."""
    x = saws(fall_db, 32)
    made, bare = (
        levels_db(FormantBank(SLOW, x.shape[1], voice, vowels, source_db=db), x, 0.0, PITCHES)[-1]
        for db in (fall_db, None)
    )
    assert np.abs(made).max() < 1.5
    assert np.ptp(bare) > 10.0


@pytest.mark.parametrize("vowels", ["a", "uoa"] if COMPILED else ["uoa"])
@pytest.mark.measured
def test_a_glide_keeps_its_level(vowels):
    """An octave up in 0.6 s, from vowel to vowel: nowhere is it 3 dB from where it should be."""
    quanta = 208 if COMPILED else 48
    x, way = saws(-6.0, quanta, 1.0), np.arange(quanta + 1.0)[:, None] / quanta
    made, bare = (
        levels_db(FormantBank(SLOW, x.shape[1], "alto", vowels, source_db=db), x, 2.0 * way, PITCHES * 2.0**way)[1:]
        for db in (-6.0, None)
    )
    assert np.abs(made).max() < 3.0 and abs(made.mean()) < 0.5
    assert np.abs(bare).max() > 10.0


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=8)
def test_any_split_gives_the_same_samples(blocks):
    x, draw = noise(6), np.random.default_rng(3)
    place, hz = draw.uniform(0.0, 2.0, (7, VOICES)), draw.uniform(50.0, 900.0, (7, VOICES))
    whole = sung(FormantBank(RATE, VOICES), x, place, hz)
    assert np.array_equal(whole, sung(FormantBank(RATE, VOICES), x, place, hz, tuple(blocks)))


def test_reset_reproduces():
    unit, x = FormantBank(RATE, VOICES), noise(3)
    first = sung(unit, x, 1.0)
    assert not np.array_equal(first, sung(unit, x, 1.0))
    unit.reset()
    assert np.array_equal(first, sung(unit, x, 1.0))


@pytest.mark.parametrize("rate", [8000, 22050, 192000])
def test_extremes_stay_bounded(rate):
    draw = np.random.default_rng(7)
    place, hz = draw.uniform(-1e4, 1e4, (31, VOICES)), 10.0 ** draw.uniform(-3.0, 7.0, (31, VOICES))
    unit = FormantBank(rate, VOICES, "soprano", "aeiou", 0.5)
    place[5:7], hz[6:9], place[15], hz[16] = np.nan, np.nan, np.inf, -np.inf
    found = sung(unit, noise(30), place, hz)
    assert np.isfinite(found).all() and 0.0 < np.abs(found).max() < 200.0


def test_what_is_no_number_counts_as_nothing():
    x, place, hz = noise(6), np.full((7, VOICES), 1.0), np.full((7, VOICES), 300.0)
    place[2], hz[4], x[100, 1] = 0.0, 0.0, 0.0
    wanted = sung(FormantBank(RATE, VOICES), x, place, hz)
    for wild in (np.nan, np.inf, -np.inf):
        place[2], hz[4], x[100, 1] = wild, wild, wild
        assert np.array_equal(wanted, sung(FormantBank(RATE, VOICES), x, place, hz))


def test_silence_stays_and_becomes_exact():
    unit = FormantBank(RATE, VOICES)
    assert not sung(unit, np.zeros((128, VOICES), np.float32), 0.0).any()
    sung(unit, noise(2), 0.0)
    tail = sung(unit, np.zeros((200 * QUANTUM, VOICES), np.float32), 0.0)
    assert tail[0].any() and not tail[-QUANTUM:].any() and not unit.state[:, :2].any()


def test_after_a_silence_it_is_where_it_is_sent():
    """Vowel and note that change while nothing sounds have changed at once."""
    x, start = noise(130), 120 * QUANTUM
    x[2 * QUANTUM : start] = 0.0
    before = np.arange(131)[:, None] * np.ones(VOICES) < 120
    place, hz = np.where(before, 0.0, 1.5), np.where(before, 100.0, 300.0)
    found = sung(FormantBank(RATE, VOICES), x, place, hz)
    assert not found[start - QUANTUM : start].any()
    assert np.array_equal(found[start:], sung(FormantBank(RATE, VOICES), x[start:], 1.5, 300.0))


def test_what_cannot_be_sung_is_told():
    with pytest.raises(ValueError, match="uoa"):
        FormantBank(RATE, VOICES, "alto", "")
    with pytest.raises(ValueError, match="source_db = -3: give -24 to -6, or None"):
        FormantBank(RATE, VOICES, source_db=-3.0)
    with pytest.raises(ValueError, match="section = 9"):
        FormantBank(RATE, VOICES, section=9.0)
    with pytest.raises(ValueError, match="soprano"):
        FormantBank(RATE, VOICES, "alto", "y")
