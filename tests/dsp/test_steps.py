"""Saws of band-limited steps: against a sum of harmonics, their aliasing, in pieces, next to each other."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.steps import CYCLE, DELAY, POINTS, residues, saws

RATE = 48000
NONE = (0, 0, 0)


def rendered(hz, frames, pieces=(64,), gains=(0.0, 1.0), phases=NONE, apart=0.0, stereo=False):
    """Both lines, (2, frames), and the phases reached; `hz` of the middle saw, the others `apart` from it."""
    steps = tuple(round((hz + d) / RATE * CYCLE) for d in (-apart, 0.0, apart))
    line = np.zeros((2, frames + POINTS), np.float32)
    flat, right = line.reshape(-1), frames + POINTS if stereo else 0
    side, centre = (np.float32(g) for g in gains)
    at, turn = 0, 0
    while at < frames:
        count = min(pieces[turn % len(pieces)], frames - at)
        phases = saws(flat, at, right + at, count, phases, steps, side, centre, residues())
        at, turn = at + count, turn + 1
    return line[:, :frames], phases, [step / CYCLE * RATE for step in steps]


def harmonics(hz, frames, phase=0.0):
    """A falling saw of RMS 1, late by DELAY, of its harmonics to 15 kHz."""
    n = np.arange(1, int(15000.0 / hz) + 1)
    t = np.arange(frames) - DELAY
    turns = np.outer(n, t * hz / RATE + phase / CYCLE)
    return np.sqrt(3.0) * 2.0 / np.pi * (np.sin(2.0 * np.pi * turns) / n[:, None]).sum(axis=0)


@pytest.mark.parametrize("hz", [55.0, 440.0, 2093.005])
@pytest.mark.measured
def test_harmonics_are_a_saws(hz):
    y, _, (_, exact_hz, _) = rendered(hz, 1 << 15)
    window = np.blackman(1 << 14)
    x, wanted = y[0, -(1 << 14) :].astype(float) * window, harmonics(exact_hz, 1 << 15)[-(1 << 14) :] * window
    spectrum, expected = np.abs(np.fft.rfft(x)), np.abs(np.fft.rfft(wanted))
    bins = np.round(np.arange(1, int(12000.0 / exact_hz)) * exact_hz / RATE * (1 << 14)).astype(int)
    assert np.abs(20.0 * np.log10(spectrum[bins] / expected[bins])).max() < 0.1
    assert abs(y[0, -(1 << 14) :].mean()) < 0.02


@pytest.mark.parametrize("hz", [1046.502, 2093.005, 4186.009])
@pytest.mark.measured
def test_aliasing_is_under_80_db(hz):
    y, _, (_, exact_hz, _) = rendered(hz, 1 << 16)
    x = y[0, 1024:].astype(float)
    wanted = np.arange(1, int(RATE / 2 / exact_hz) + 1)
    window = np.kaiser(x.size, 24.0)
    power = np.abs(np.fft.rfft(x * window)) ** 2
    at = np.fft.rfftfreq(x.size, 1.0 / RATE)
    width = 16.0 * RATE / x.size
    heard = np.zeros(at.size, bool)
    for harmonic in wanted:
        heard |= np.abs(at - harmonic * exact_hz) < width
    audible = (at > width) & (at < 20000.0)
    assert 10.0 * np.log10(power[audible & ~heard].max() / power.max()) < -80.0


def test_it_is_a_straight_line_but_where_it_jumps():
    y, _, (_, hz, _) = rendered(2093.005, 4096)
    naive = np.sqrt(3.0) * (1.0 - 2.0 * ((np.arange(4096) - DELAY) * hz / RATE % 1.0))
    far = np.abs(y[0] - naive)[DELAY:]
    assert far.max() > 0.5 and np.median(far) < 0.2


@pytest.mark.parametrize("pieces", [(1,), (17, 3, 64), (64, 1)])
def test_any_split_is_the_same_but_for_rounding(pieces):
    arguments = {"gains": (0.6, 0.5), "phases": (1 << 31, 7, 1 << 20), "apart": 3.0, "stereo": True}
    whole, end, _ = rendered(523.25, 640, (640,), **arguments)
    parts, reached, _ = rendered(523.25, 640, pieces, **arguments)
    assert end == reached
    assert np.abs(whole - parts).max() < 2e-6


def test_where_each_goes():
    phases = (1 << 31, 7, 1 << 20)
    both, _, hz = rendered(300.0, 640, gains=(0.6, 0.5), phases=phases, apart=4.0, stereo=True)
    one, _, _ = rendered(300.0, 640, gains=(0.6, 0.5), phases=phases, apart=4.0)
    low, middle, high = (harmonics(f, 640, p) for f, p in zip(hz, phases, strict=True))
    late = slice(2 * POINTS, None)
    for line, wanted in ((both[0], 0.6 * low + 0.5 * middle), (both[1], 0.6 * high + 0.5 * middle)):
        assert np.corrcoef(line[late], wanted[late])[0, 1] > 0.995
    assert np.abs(one[0] - both.sum(axis=0) + rendered(300.0, 640, (64,), (0.0, 0.5), phases)[0][0]).max() < 1e-5
    assert not one[1].any()
