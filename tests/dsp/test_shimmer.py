"""The shimmer: pitch and level of what is raised, what ends the rise, a naive twin, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.shimmer import OLDEST, Shimmer

QUANTUM = 64
RATE = 22050


class Wire:
    """In place of the reverb, so that the loop is the grains alone."""

    idle = True

    def render(self, send, quanta, out):
        out[:, : quanta * QUANTUM] = send[:, : quanta * QUANTUM]


def wired(**settings):
    unit = Shimmer(RATE, **settings)
    unit._reverb = Wire()
    return unit


def burst(sine, hz, quanta, length):
    x = sine(hz, quanta, 0.5, RATE)
    x[:, length * QUANTUM :] = 0.0
    return x


def peaks_db(out, hz_list):
    """Amplitudes in dB at so many frequencies, by a flat-top window."""
    window = signal.windows.flattop(out.size, sym=False)
    n = np.arange(out.size)
    return [
        20.0 * math.log10(abs((window * np.exp(-2j * np.pi * hz / RATE * n)) @ out) * 2.0 / window.sum())
        for hz in hz_list
    ]


def octave_hz(grain_ms):
    """A tone near 440 Hz of whole cycles in half a grain: both grains sing it in phase."""
    half = round(grain_ms * 1e-3 * RATE / 2)
    return round(440.0 * half / RATE) * RATE / half


@pytest.mark.parametrize("asked_db, shimmer_db", [(-12.0, -12.0), (-20.0, -20.0), (3.0, -7.0)])
def test_each_turn_is_an_octave_higher_and_so_much_fainter(rendered, sine, asked_db, shimmer_db):
    hz = octave_hz(80.0)
    x = sine(hz, 260, 0.5, RATE)
    unit = wired(shimmer_db=asked_db, grain_ms=80.0, highpass_hz=20.0, lowpass_hz=9000.0)
    out = rendered(unit, x)[0].astype(float)[-70 * QUANTUM :]
    levels = peaks_db(out, [hz, 2.0 * hz, 4.0 * hz])
    assert levels[0] == pytest.approx(20.0 * math.log10(0.5), abs=0.05)
    assert levels[1] - levels[0] == pytest.approx(shimmer_db, abs=0.1)
    assert levels[2] - levels[1] == pytest.approx(shimmer_db, abs=0.2)
    assert max(peaks_db(out, [1.5 * hz, 3.0 * hz])) < -60.0


def test_a_fifth_is_a_fifth(rendered, sine):
    unit = wired(semitones=7.0, highpass_hz=20.0, grain_ms=80.0)
    x = sine(500.0, 200, 0.5, RATE)
    raised = (rendered(unit, x) - x)[1].astype(float)[-80 * QUANTUM :]
    spectrum = np.abs(np.fft.rfft(raised * np.hanning(raised.size), 1 << 17))
    assert np.argmax(spectrum) * RATE / (1 << 17) == pytest.approx(500.0 * 2.0 ** (7.0 / 12.0), abs=15.0)


def twin(x, shimmer_db, grain, rise, highpass_hz, lowpass_hz):
    """The loop with a wire for a reverb, in float64, from the definition."""
    bands = [
        signal.butter(2, f, kind, fs=RATE, output="sos") for f, kind in ((highpass_hz, "high"), (lowpass_hz, "low"))
    ]
    sections, zi = np.concatenate(bands), np.zeros((2, 2))
    kept, out = np.zeros(x.size), np.zeros(x.size)
    gain = np.interp(np.arange(x.size) / QUANTUM, np.arange(shimmer_db.size), 10.0 ** (shimmer_db / 20.0))
    for start in range(0, x.size, QUANTUM):
        now = np.arange(start, start + QUANTUM)
        out[now] = x[now]
        for g in range(2):
            age = (now + g * grain // 2) % grain
            at = now - (OLDEST + 2.0 + rise * (grain - age))
            back = np.floor(at).astype(int)
            for k in range(-1, 3):
                others = [j for j in range(-1, 3) if j != k]
                weight = np.prod([(at - back - j) / (k - j) for j in others], axis=0)
                tap = np.where(back + k >= 0, kept[np.clip(back + k, 0, None)], 0.0)
                out[now] += gain[now] * (0.5 - 0.5 * np.cos(2.0 * np.pi * age / grain)) * weight * tap
        kept[now], zi = signal.sosfilt(sections, out[now], zi=zi)
    return out


def test_the_grains_equal_the_naive_twin(rendered, noise):
    x, edges = noise(150), -12.0 + 4.0 * np.sin(np.arange(151) / 9.0)
    unit = wired(semitones=12.0, grain_ms=30.0, highpass_hz=300.0, lowpass_hz=4000.0)
    out = rendered(unit, x, shimmer_db=edges)
    grain = 2 * round(0.03 * RATE / 2)
    for c in range(2):
        wanted = twin(x[c].astype(float), edges, grain, 1.0, 150.0, 2000.0)
        assert np.abs(wanted - x[c])[-QUANTUM:].max() > 0.01
        assert np.abs(out[c] - wanted).max() < 1e-5


@pytest.mark.measured
def test_the_low_pass_ends_the_rise(rendered, sine):
    """600 Hz after four turns, at 9600 Hz: with the low-pass out of the way, and with it at 2500 Hz."""
    x = burst(sine, 600.0, 380, 20)
    fourth = []
    for lowpass_hz in (20000.0, 2500.0):
        unit = wired(shimmer_db=-7.0, grain_ms=40.0, highpass_hz=20.0, lowpass_hz=lowpass_hz)
        out = np.abs(rendered(unit, x)[0])
        assert out[104 * QUANTUM : 164 * QUANTUM].max() > 0.05
        fourth.append(out[326 * QUANTUM :].max())
    assert fourth[0] > 0.005
    assert fourth[1] < 0.0005


@pytest.mark.measured
def test_the_reverb_rises(rendered, sine):
    """With the reverb in the loop, the raised octave stands in the tail where without it there is none."""
    x = burst(sine, 440.0, 150, 50)
    tails = [rendered(Shimmer(RATE, 2.0, shimmer_db=db), x)[0, -40 * QUANTUM :].astype(float) for db in (-200.0, -10.0)]
    level = []
    for tail in tails:
        spectrum = np.abs(np.fft.rfft(tail * np.hanning(tail.size))) ** 2
        hz = np.fft.rfftfreq(tail.size, 1.0 / RATE)
        level.append(10.0 * math.log10(spectrum[np.abs(hz - 880.0) < 40.0].sum()))
    assert level[1] > level[0] + 20.0


@pytest.mark.parametrize("quanta", [(1,), (17, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x, edges = noise(95), -12.0 + 4.0 * np.sin(np.arange(96) / 9.0)
    x[:, 20 * QUANTUM : 80 * QUANTUM] = 0.0
    whole = rendered(Shimmer(RATE, 0.4, 0.2, grain_ms=30.0), x, shimmer_db=edges)
    assert np.array_equal(whole, rendered(Shimmer(RATE, 0.4, 0.2, grain_ms=30.0), x, quanta, shimmer_db=edges))


def test_going_to_rest_is_the_same_in_any_split(rendered, noise):
    x = 1e-3 * noise(300)
    x[:, 4 * QUANTUM : 260 * QUANTUM] = 0.0
    runs = [rendered(wired(grain_ms=10.0, shimmer_db=-60.0), x, quanta) for quanta in ((64,), (7,))]
    assert np.array_equal(*runs)
    assert not runs[0][:, 220 * QUANTUM : 260 * QUANTUM].any()
    assert np.abs(runs[0][:, 70 * QUANTUM : 80 * QUANTUM]).max() > 1e-8


def test_reset_starts_afresh(rendered, noise):
    unit, x = Shimmer(RATE, 0.5, seed=3, grain_ms=20.0), noise(75)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = 100.0 * np.sign(noise(100))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    with np.errstate(invalid="ignore", over="ignore"):  # plain Python says what the reverb meets
        out = rendered(Shimmer(rate, 0.5), x, shimmer_db=90.0)
    assert np.isfinite(out).all() and 10.0 < np.abs(out).max() < 1000.0


def test_silence_stays(rendered):
    unit = Shimmer(RATE)
    assert not rendered(unit, np.zeros((2, 70 * QUANTUM), np.float32)).any() and unit.idle


def test_more_than_an_octave_is_refused():
    with pytest.raises(ValueError, match="semitones = 19: give up to 12, an octave"):
        Shimmer(RATE, semitones=19)
