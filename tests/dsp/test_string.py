"""The plucked string: pitch, decay, the null of the plucking point, its body; against a naive twin and in any split."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.dsp.string import Pluck, StringBank
from synth.dsp.waveguide import lagrange, loop
from synth.dsp.voices import QUANTUM

RATE = 48000


def bank(rate: int = RATE, voices: int = 4, body: tuple[tuple[float, float, float], ...] = ()) -> StringBank:
    return StringBank(rate, voices, 32.0, body)


def render(unit: StringBank, frames: int) -> NDArray[np.float64]:
    out = np.ones((2, -(-frames // QUANTUM) * QUANTUM), np.float32)
    unit.begin(out)
    unit.play(unit.clock + out.shape[1])
    return out.astype(np.float64)


def string(hz: float, seconds: float, *, t60_s: float = 1.2, position: float = 0.37) -> NDArray[np.float64]:
    unit = bank()
    wave = 0.1 * Pluck(0.3 / hz, position).wave(RATE, hz)
    unit.pluck(11, hz, wave, t60_s, 0.6)
    return render(unit, round(seconds * RATE))[0]


def component(x: NDArray[np.float64], hz: float, start_s: float, length_s: float) -> complex:
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def note_to_hz(note: float) -> float:
    return float(440.0 * 2.0 ** ((note - 69) / 12))


@pytest.mark.parametrize("note", [36, 47.3, 58, 69.5, 81, 90, 96])
def test_is_in_tune_and_decays_as_asked(note):
    hz = note_to_hz(note)
    x = string(hz, 0.5)
    early, late = component(x, hz, 0.08, 0.2), component(x, hz, 0.28, 0.2)
    cents = 1200.0 * math.log2(1.0 + np.angle(late / early) / (2.0 * np.pi * 0.2) / hz)
    assert abs(cents) < 0.5
    assert 0.2 * 60.0 / (20.0 * math.log10(abs(early / late))) == pytest.approx(1.2, rel=0.05)


def test_the_treble_decays_as_asked():
    x = string(200.0, 0.5, position=0.45)
    early, late = component(x, 4000.0, 0.05, 0.1), component(x, 4000.0, 0.25, 0.1)
    assert 0.2 * 60.0 / (20.0 * math.log10(abs(early / late))) == pytest.approx(0.6, rel=0.1)


@pytest.mark.parametrize(("position", "harmonic"), [(0.25, 4), (0.2, 5), (0.5, 2)])
def test_the_plucking_point_leaves_a_null(position, harmonic):
    x = string(220.0, 0.3, position=position)
    level = [abs(component(x, 220.0 * n, 0.02, 0.2)) for n in (harmonic - 1, harmonic, harmonic + 1)]
    assert level[1] < 0.1 * min(level[0], level[2])


def test_harmonics_are_as_predicted():
    pluck = Pluck(0.0012, 0.3)
    unit = bank()
    unit.pluck(0, 220.0, 0.1 * pluck.wave(RATE, 220.0), 60.0, 50.0)
    x = render(unit, RATE // 4)[0] * math.sqrt(2.0)
    measured = np.array([abs(component(x, 220.0 * n, 0.02, 0.1)) for n in range(1, 6)])
    assert 20.0 * np.log10(measured / (0.1 * pluck.harmonics(220.0, 5))) == pytest.approx(0.0, abs=0.3)


def test_no_dc_stays_in_the_loop():
    noise = (np.array([1500.0, 2500.0]), np.array([0.1, 0.6]), np.array([0.1, 0.1]))
    assert abs(Pluck(0.002, 0.3, noise).wave(RATE, 100.0).sum()) < 1e-9
    x = string(100.0, 0.5)
    assert abs(x[4800:].mean()) < 1e-5 * np.abs(x).max()


@pytest.mark.parametrize("delay", [2.0, 2.31, 2.5, 2.99])
def test_fractional_delay(delay):
    w = 2.0 * np.pi * np.array([100.0, 1000.0, 5000.0]) / RATE
    response = np.exp(-1j * np.outer(w, np.arange(6))) @ lagrange(delay)
    assert -np.angle(response * np.exp(1j * w * delay)) / w == pytest.approx(0.0, abs=2e-4)
    assert np.abs(response) == pytest.approx(1.0, abs=1e-3)


@settings(max_examples=50)
@given(st.floats(30.0, 5000.0), st.floats(0.2, 20.0), st.floats(0.05, 20.0), st.sampled_from([22050, 48000, 192000]))
def test_a_loop_never_grows(hz, t60_s, t60_high_s, rate):
    found = loop(rate, hz, t60_s, t60_high_s)
    assert 0.0 <= found.pole < 1.0
    assert 0.0 < found.gain < 1.0 - found.pole
    w = np.linspace(0.0, np.pi, 200)
    taps = np.abs(np.exp(-1j * np.outer(w, np.arange(6))) @ found.taps)
    gain = found.gain / np.abs(1.0 - found.pole * np.exp(-1j * w))
    assert (taps * gain).max() < 1.0


def test_equals_a_naive_string():
    hz, frames, onset = 330.0, 1500, 70
    wave = 0.3 * Pluck(0.001, 0.3).wave(RATE, hz)
    unit = bank()
    unit.pluck(onset, hz, wave, 2.0, 0.5)
    x = render(unit, frames)[0]
    found = loop(RATE, hz, 2.0, 0.5)
    line, lossy = np.zeros(frames + 200), 0.0
    for n in range(frames):
        back = n - found.delay
        delayed = sum(tap * (line[back - k] if back >= k else 0.0) for k, tap in enumerate(found.taps))
        lossy = found.gain * delayed + found.pole * lossy
        line[n] = lossy + (wave[n - onset] if onset <= n < onset + wave.size else 0.0)
    assert np.abs(x[:frames] - math.sqrt(0.5) * line[:frames]).max() < 2e-6


def test_the_body_rings_at_its_resonance():
    def at(hz: float, body: tuple[tuple[float, float, float], ...]) -> float:
        unit = bank(body=body)
        unit.pluck(0, 200.0, 0.1 * Pluck(0.002, 0.3).wave(RATE, 200.0), 30.0, 20.0)
        return abs(component(render(unit, RATE // 4)[0], hz, 0.1, 0.1))

    body = ((400.0, 15.0, 6.0),)
    assert 20.0 * math.log10(at(400.0, body) / at(400.0, ())) == pytest.approx(6.0, abs=0.3)
    assert 20.0 * math.log10(at(200.0, body) / at(200.0, ())) == pytest.approx(0.0, abs=0.3)


def play_in_blocks(quanta: list[int]) -> NDArray[np.float64]:
    unit, pieces = bank(voices=2, body=((100.0, 12.0, 6.0), (400.0, 15.0, 2.0))), []
    plucks = [(130, 330.0, 0.4), (700, 82.0, 1.0), (701, 1500.0, 0.3), (1900, 220.0, 2.0), (2500, 440.0, 0.1)]
    for count in itertools.cycle(quanta):
        start, end = unit.clock, min(unit.clock + count * QUANTUM, 64 * QUANTUM)
        if start == end:
            return np.concatenate(pieces, axis=1)
        out = np.zeros((2, end - start), np.float32)
        unit.begin(out)
        for frame, hz, t60_s in plucks:
            if start <= frame < end:
                slot = unit.pluck(frame, hz, 0.2 * Pluck(0.001, 0.3).wave(RATE, hz), t60_s, 0.2, pan=0.5)
                if slot is not None and hz == 330.0:
                    unit.damp(slot, frame + 301, 0.02)
        unit.play(end)
        pieces.append(out)
    raise AssertionError


@pytest.mark.parametrize("quanta", [[1], [7], [5, 1, 30]])
def test_any_split_gives_the_same_samples(quanta):
    assert np.array_equal(play_in_blocks([64]), play_in_blocks(quanta))


def test_ends_in_exact_silence():
    unit = bank(body=((400.0, 8.0, 6.0),))
    unit.pluck(5, 300.0, 0.1 * Pluck(0.001, 0.3).wave(RATE, 300.0), 0.1, 0.05)
    x = render(unit, RATE // 2)
    assert np.abs(x).max() > 0.01
    assert unit.sounding == 0
    assert not x[:, -4800:].any()


@settings(max_examples=20)
@given(
    rate=st.sampled_from([22050, 44100, 96000, 192000]),
    hz=st.floats(5.0, 20000.0),
    width_s=st.floats(1e-5, 0.02),
    position=st.floats(0.05, 0.5),
)
def test_stays_finite_and_bounded(rate, hz, width_s, position):
    unit = bank(rate=rate)
    unit.pluck(33, hz, Pluck(width_s, position).wave(rate, hz), 2.0, 0.5)
    x = render(unit, 1280)
    assert np.isfinite(x).all()
    assert np.abs(x).max() < 40.0  # a pulse of many periods adds up to its length in periods
