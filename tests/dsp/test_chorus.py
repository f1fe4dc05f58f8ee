"""Chorus and ensemble: delay in ms, detuning in cents, naive twins, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.chorus import Chorus, Ensemble, triangle

QUANTUM = 64
RATE = 48000
CYCLE = RATE // 8  # of a swing at 8 Hz
CENTS = 1200.0 / math.log(2.0)


def lagrange(x, positions):
    """`x` at fractional positions, a cubic through four neighbours; 0 before its start."""
    whole = np.floor(positions).astype(int)
    y = np.zeros(positions.size)
    for k in range(-1, 3):
        weight = np.ones(positions.size)
        for j in range(-1, 3):
            if j != k:
                weight *= (positions - whole - j) / (k - j)
        index = whole + k
        y += weight * np.where(index >= 0, x[np.clip(index, 0, x.size - 1)], 0.0)
    return y


def between_edges(values):
    """A value at each quantum edge, and the straight lines from one to the next."""
    return np.interp(np.arange((values.size - 1) * QUANTUM), np.arange(values.size) * QUANTUM, values)


def lowpassed(x, hz=8000.0):
    return signal.sosfilt(signal.butter(2, hz, fs=RATE, output="sos"), x.astype(float))


def ramp(quanta):
    """A slow ramp: read through a delay it tells how long the delay is."""
    return np.tile(1e-6 * np.arange(quanta * QUANTUM), (2, 1)).astype(np.float32)


def delays_ms(wet):
    """Delay of each channel of a `ramp` read, in ms, less what the low-pass at 8 kHz takes (sqrt(2) / w)."""
    frames = np.arange(wet.shape[1]) - wet / 1e-6 - math.sqrt(2.0) / (2.0 * math.tan(math.pi * 8000.0 / RATE))
    return frames[:, -CYCLE:] / RATE * 1e3


def test_the_triangle_is_round_at_its_corners():
    phase = np.linspace(0.0, 1.0, 4001)[:-1]
    y = np.array([triangle(p) for p in phase])
    assert y.max() == pytest.approx(0.875) and y.min() == pytest.approx(-0.875)
    slope = np.diff(y) * 4000.0
    assert np.abs(slope).max() == pytest.approx(4.0, rel=1e-6)
    assert np.mean(np.abs(slope) > 3.99) == pytest.approx(0.75, abs=0.01)
    assert np.abs(np.diff(slope)).max() < 0.05  # no corner: half a slope of 4 in a sixteenth of a cycle


@pytest.mark.parametrize("delay_ms", [5.0, 12.0])
def test_chorus_delay_and_swing(rendered, delay_ms):
    x = ramp(170)
    wet = rendered(Chorus(RATE, delay_ms, 0.5, 8.0, wet_db=0.0), x) - x
    found = delays_ms(wet)
    for c in range(2):
        assert found[c].mean() == pytest.approx(delay_ms, abs=0.05)
        assert np.ptp(found[c]) / 2.0 == pytest.approx(0.875 * 0.5, abs=0.01)
    assert np.corrcoef(found)[0, 1] < -0.999  # left and right against each other


def detune_cents(wet, hz, skip=20 * QUANTUM):
    analytic = signal.hilbert(wet.astype(float))
    step = signal.savgol_filter(np.unwrap(np.angle(analytic)), 129, 2, deriv=1)[skip:-skip]
    return CENTS * np.log(step * RATE / (2.0 * np.pi * hz))


@pytest.mark.parametrize("depth_ms, rate_hz", [(0.15, 5.0), (0.3, 10.0)])
def test_chorus_detunes_by_what_its_slope_says(rendered, sine, depth_ms, rate_hz):
    """1731 * 4 * depth * rate: 5.2 cents at 0.15 ms and 5 Hz, as at 1.5 ms and 0.5 Hz."""
    x = sine(1000.0, 220, 0.5)
    wet = rendered(Chorus(RATE, 8.0, depth_ms, rate_hz, wet_db=0.0), x)[0] - x[0]
    cents = detune_cents(wet, 1000.0)
    wanted = 1731.0 * 4.0 * depth_ms * 1e-3 * rate_hz
    assert np.percentile(np.abs(cents), 70) == pytest.approx(wanted, rel=0.02)
    assert np.abs(cents).max() < 1.1 * wanted


def test_ensemble_detunes_by_both_swings(rendered, sine):
    unit = Ensemble(RATE, 8.0, 0.1, 9.0, 0.05, 18.0)
    x = sine(1000.0, 220, 0.5)
    x[1] = -x[0]  # no middle: each side is one voice
    cents = detune_cents(rendered(unit, x)[0], 1000.0)
    time = np.arange(cents.size) / RATE
    slope = 0.1e-3 * 9.0 * np.cos(2.0 * np.pi * 9.0 * time), 0.05e-3 * 18.0 * np.cos(2.0 * np.pi * 18.0 * time)
    assert np.abs(cents).max() == pytest.approx(np.abs(1731.0 * 2.0 * np.pi * (slope[0] + slope[1])).max(), rel=0.03)


def test_the_voices_of_the_ensemble_are_a_third_of_a_cycle_apart(rendered):
    unit = Ensemble(RATE, 9.0, 1.0, 8.0, 0.0)
    x = ramp(170)
    swings = []
    for gains in ((1.0, -1.0), (-1.0, 1.0)):
        wet = rendered(unit, x * np.float32([[gains[0]], [gains[1]]]))
        swings.append(delays_ms(wet[[0 if gains[0] > 0 else 1]] / math.sqrt(2.0 / 3.0))[0])
        unit.reset()
    assert np.mean(swings[0]) == pytest.approx(9.0, abs=0.1)
    assert np.ptp(swings[0]) == pytest.approx(2.0, rel=0.02)
    spectra = [np.fft.rfft(s)[1] for s in swings]
    assert np.angle(spectra[1] / spectra[0]) / (2.0 * np.pi) % 1.0 == pytest.approx(2.0 / 3.0, abs=0.01)


def test_ensemble_keeps_the_power(rendered, noise):
    """Three unlike voices of one mono noise, below the low-pass, have the power of what went in."""
    x = noise(120)
    x[:] = lowpassed(x[0], 3000.0)
    out = rendered(Ensemble(RATE), x)[:, 20 * QUANTUM :]
    assert 10.0 * math.log10((out**2).mean() / (x[:, 20 * QUANTUM :] ** 2).mean()) == pytest.approx(0.0, abs=0.5)


def test_chorus_equals_the_naive_twin(rendered, noise):
    x, depth = noise(30), 0.5 + 0.5 * np.sin(np.arange(31) / 4.0)
    out = rendered(Chorus(RATE, 6.0, 2.0, 4.0, wet_db=-6.0), x, depth=depth)
    for c in range(2):
        phase = np.arange(31) * QUANTUM * 4.0 / RATE + 0.5 * c
        swing = np.array([triangle(p % 1.0) for p in phase]) * depth * 2.0
        delay = between_edges((6.0 + swing) * 1e-3 * RATE)
        wanted = x[c] + 10.0**-0.3 * lagrange(lowpassed(x[c]), np.arange(x.shape[1]) - delay)
        assert np.abs(out[c] - wanted).max() < 3e-6


def test_ensemble_equals_the_naive_twin(rendered, noise):
    x, depth = noise(30), 0.5 + 0.5 * np.sin(np.arange(31) / 4.0)
    out = rendered(Ensemble(RATE, 7.0, 2.0, 3.0, 0.2, 9.0), x, depth=depth)
    sources = [lowpassed(v) for v in (x[0], (x[0] + x[1]) / 2.0, x[1])]
    voices = []
    for i in range(3):
        turn = np.arange(31) * QUANTUM / RATE
        swing = sum(ms * np.sin(2.0 * np.pi * (turn * hz + i / 3.0)) for ms, hz in ((2.0, 3.0), (0.2, 9.0)))
        delay = between_edges((7.0 + depth * swing) * 1e-3 * RATE)
        voices.append(lagrange(sources[i], np.arange(x.shape[1]) - delay))
    wanted = [math.sqrt(2.0 / 3.0) * voices[i] + math.sqrt(1.0 / 3.0) * voices[1] for i in (0, 2)]
    assert np.abs(out - wanted).max() < 3e-6


UNITS = [Chorus, Ensemble]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("quanta", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, unit, quanta):
    x, edges = noise(70), 0.5 + 0.5 * np.sin(np.arange(71) / 7.0)
    x[:, 10 * QUANTUM : 50 * QUANTUM] = 0.0  # it goes to rest and wakes again
    whole = rendered(unit(44100), x, depth=edges)
    assert np.array_equal(whole, rendered(unit(44100), x, quanta, depth=edges))


@pytest.mark.parametrize("unit", UNITS)
def test_reset_starts_afresh(rendered, noise, unit):
    it, x = unit(RATE), noise(12)
    first = rendered(it, x)
    assert not np.array_equal(first, rendered(it, x))
    it.reset()
    assert np.array_equal(first, rendered(it, x))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, unit, rate):
    x = 100.0 * np.sign(noise(30))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    out = rendered(unit(rate), x)
    assert np.isfinite(out).all() and 50.0 < np.abs(out).max() < 500.0


@pytest.mark.parametrize("unit", UNITS)
def test_silence_stays_and_returns(rendered, noise, unit):
    it = unit(RATE)
    assert not rendered(it, np.zeros((2, 256), np.float32)).any()
    x = noise(30)
    x[:, 2 * QUANTUM :] = 0.0
    out = rendered(it, x)
    assert out[:, 8 * QUANTUM : 9 * QUANTUM].any() and not out[:, -10 * QUANTUM :].any()
    assert np.abs(rendered(it, x)).max() > 0.3  # and it answers again


@pytest.mark.parametrize("unit, settings", [(Chorus, {"depth_ms": 8.0}), (Ensemble, {"slow_ms": 7.9})])
def test_a_swing_past_the_present_is_refused(unit, settings):
    with pytest.raises(ValueError, match="give less than delay_ms, which is 8.0"):
        unit(RATE, 8.0, **settings)
