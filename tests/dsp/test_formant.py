"""Sung vowels: where the formants lie and how high, the morph, the note above them, and the usual properties."""

from __future__ import annotations

import math

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


def edges(values, quanta):
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.float32), (quanta + 1, VOICES)))


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


def impulse(quanta=60):
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
    response = sung(FormantBank(RATE, VOICES, voice, vowel, 1.0), impulse(), 0.0)[:, 1].astype(float)
    found = peaks_hz(response)
    for wanted in hz[:2]:
        assert np.abs(np.log2(found / wanted)).min() < 1.0 / 12.0
    assert gain_db(response, hz[0]) == pytest.approx(0.0, abs=1.5)
    between = np.linspace(hz[0], hz[1], 30)
    assert min(gain_db(response, f) for f in between) < gain_db(response, hz[1]) - 2.0


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_equals_five_band_passes(rate):
    """The bilinear transform of k s / (s^2 + k s + 1), prewarped, five in parallel."""
    x, unit = noise(8), FormantBank(rate, VOICES, "tenor", "o")
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
    x, unit, place = noise(total), FormantBank(RATE, VOICES, "alto", "uoa"), np.array([0.0, 1.5, 0.3, 2.0])
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
    narrow, wide = (
        sung(FormantBank(RATE, VOICES, "alto", "a", section), impulse(), 0.0)[:, 0].astype(float)
        for section in (1.0, 2.0)
    )
    for response, factor in ((narrow, 1.0), (wide, 2.0)):
        edge = gain_db(response, 800.0 - 0.5 * 80.0 * factor) - gain_db(response, 800.0)
        assert edge == pytest.approx(-3.0, abs=0.9)


def test_a_morph_goes_straight_in_pitch():
    unit = FormantBank(RATE, VOICES, "alto", "ua", 1.0)
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
    unit = FormantBank(RATE, VOICES, "alto", "u")
    response = sung(unit, impulse(), 0.0, [100.0, 324.0, hz]).astype(float)
    assert gain_db(response[:, 2], hz) > -1.5 > gain_db(response[:, 0], hz) + 3.0
    assert np.array_equal(response[:, 0], response[:, 1])


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
    found = sung(unit, noise(30), place, hz)
    assert np.isfinite(found).all() and 0.0 < np.abs(found).max() < 10.0


def test_silence_stays_and_becomes_exact():
    unit = FormantBank(RATE, VOICES)
    assert not sung(unit, np.zeros((128, VOICES), np.float32), 0.0).any()
    sung(unit, noise(2), 0.0)
    tail = sung(unit, np.zeros((200 * QUANTUM, VOICES), np.float32), 0.0)
    assert tail[0].any() and not tail[-QUANTUM:].any() and not unit.state[:, :2].any()


def test_what_cannot_be_sung_is_told():
    with pytest.raises(ValueError, match="uoa"):
        FormantBank(RATE, VOICES, "alto", "")
    with pytest.raises(ValueError, match="section = 9"):
        FormantBank(RATE, VOICES, section=9.0)
    with pytest.raises(ValueError, match="soprano"):
        FormantBank(RATE, VOICES, "alto", "y")
