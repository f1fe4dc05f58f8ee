"""Modes as struck: pitch, decay, onset, fades, theft of voices, culling; against the closed form and in any split."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.dsp.modal import ModalBank
from synth.dsp.voices import END, NEVER, QUANTUM, STEAL, STEAL_S

RATE = 48000


def bank(voices: int = 4, modes: int = 4, rate: int = RATE) -> ModalBank:
    return ModalBank(rate, voices, modes)


def render(unit: ModalBank, frames: int) -> NDArray[np.float32]:
    out = np.ones((2, -(-frames // QUANTUM) * QUANTUM), np.float32)
    unit.begin(out)
    unit.play(unit.clock + out.shape[1])
    return out


def component(x: NDArray[np.float64], hz: float, start_s: float, length_s: float = 0.1, rate: int = RATE) -> complex:
    """The complex amplitude of `x` at `hz` about a moment."""
    n = np.arange(round(start_s * rate), round((start_s + length_s) * rate))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / rate) * 2.0 / window.sum())


def ease(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def test_modes_have_their_pitch_and_decay():
    hz, t60_s = np.array([220.0, 1234.5, 5678.9]), np.array([1.5, 0.8, 0.4])
    unit = bank()
    unit.strike(37, hz, [0.3, 0.2, 0.1], t60_s, rise_s=0.002)
    x = render(unit, RATE // 2)[0].astype(float)
    for f, t60 in zip(hz, t60_s, strict=True):
        early, late = component(x, f, 0.05), component(x, f, 0.3)
        off_hz = np.angle(late / early) / (2.0 * np.pi * 0.25)
        assert abs(1200.0 * math.log2(1.0 + off_hz / f)) < 0.1
        measured = 0.25 * 60.0 / (20.0 * math.log10(abs(early) / abs(late)))
        assert measured == pytest.approx(t60, rel=0.01)


def test_equals_the_closed_form():
    hz, amplitude, t60_s = np.array([110.0, 983.0]), np.array([0.4, -0.2]), np.array([0.9, 0.3])
    unit, onset, damped = bank(), 101, 1500
    slot = unit.strike(onset, hz, amplitude, t60_s, rise_s=0.004, pan=-0.3)
    assert slot is not None
    unit.damp(slot, damped, 0.05)
    x = render(unit, 6000)
    n = np.arange(x.shape[1]) - onset
    decay = 10.0 ** (-3.0 * np.outer(n, 1.0 / t60_s) / RATE)
    mono = (decay * np.sin(2.0 * np.pi * np.outer(n, hz) / RATE)) @ amplitude
    mono *= ease(n / round(0.004 * RATE)) * (1.0 - ease((n + onset - damped) / round(0.05 / 0.89 * RATE))) ** 2
    theta = (1.0 - 0.3) * np.pi / 4.0
    assert np.abs(x[0] - np.cos(theta) * mono).max() < 3e-6
    assert np.abs(x[1] - np.sin(theta) * mono).max() < 3e-6


def test_a_sine_begins_in_its_phase():
    hz, amplitude, phase, onset = np.array([110.0, 983.0]), np.array([0.4, -0.2]), np.array([0.7, -2.0]), 101
    unit = bank()
    unit.strike(onset, hz, amplitude, [0.9, 0.3], phase=phase, rise_s=0.004)
    x = render(unit, 3000)[0]
    n = np.arange(x.size) - onset
    decay = 10.0 ** (-3.0 * np.outer(n, 1.0 / np.array([0.9, 0.3])) / RATE)
    mono = (decay * np.sin(2.0 * np.pi * np.outer(n, hz) / RATE + phase)) @ amplitude * ease(n / round(0.004 * RATE))
    assert np.abs(x - math.sqrt(0.5) * mono).max() < 3e-6


def play_in_blocks(quanta: list[int], rate: int = RATE) -> tuple[NDArray[np.float32], ModalBank]:
    """More notes than voices at odd frames, some damped, some in one quantum, over 80 quanta."""
    rng = np.random.default_rng(5)
    frames = np.sort(rng.integers(0, 64 * QUANTUM, 14))
    notes = [(int(f), rng.uniform(60, 9000, 3), rng.uniform(0.05, 0.2, 3), rng.uniform(0.01, 0.6, 3)) for f in frames]
    unit, pieces = bank(voices=2, rate=rate), []
    for count in itertools.cycle(quanta):
        start, end = unit.clock, min(unit.clock + count * QUANTUM, 80 * QUANTUM)
        if start == end:
            return np.concatenate(pieces, axis=1), unit
        out = np.zeros((2, end - start), np.float32)
        unit.begin(out)
        for i, (frame, hz, amplitude, t60_s) in enumerate(notes):
            if start <= frame < end:
                slot = unit.strike(frame, hz, amplitude, t60_s, rise_s=0.0005, pan=0.2)
                if slot is not None and i % 3 == 0:
                    unit.damp(slot, frame + 200, 0.02)
        unit.play(end)
        pieces.append(out)
    raise AssertionError


@pytest.mark.parametrize("quanta", [[1], [7], [3, 1, 20]])
def test_any_split_gives_the_same_samples(quanta):
    whole, _ = play_in_blocks([64])
    parts, _ = play_in_blocks(quanta)
    assert np.array_equal(whole, parts)
    assert np.abs(whole).max() > 0.05


def test_silent_before_the_onset_and_smooth_after():
    unit = bank()
    unit.strike(130, [500.0], [0.5], [1.0], rise_s=0.005)
    x = render(unit, 4800)[0]
    assert not x[:131].any()
    assert np.abs(x[131:136]).max() < 1e-3 * np.abs(x).max()


def test_damping_takes_the_time_asked_for_and_ends_in_silence():
    unit = bank()
    slot = unit.strike(0, [300.0], [0.5], [20.0])
    unit.damp(slot, 4800, 0.2)
    x = render(unit, 16000)[0]
    before, after = np.abs(x[4000:4800]).max(), np.abs(x[4800 + 9600 : 4800 + 9800]).max()
    assert 20.0 * math.log10(after / before) == pytest.approx(-60.0, abs=4.0)
    assert not x[4800 + 10900 :].any()
    assert unit.sounding == 0


def test_a_damping_that_has_begun_goes_on():
    unit = bank()
    slot = unit.strike(0, [300.0], [0.5], [20.0])
    unit.damp(slot, 1000, 0.1)
    before = unit.times.copy()
    unit.damp(slot, 3000, 0.1)
    assert np.array_equal(unit.times, before)


def test_a_quicker_damping_comes_on_top_of_a_slow_one():
    unit, twin = bank(), bank()
    for each in (unit, twin):
        slot = each.strike(0, [300.0], [0.5], [20.0])
        each.damp(slot, 1000, 2.0)
        if each is unit:
            each.damp(slot, 4800, 0.1)
            end = each.times[END, slot]
            each.damp(slot, 5000, 3.0)  # nor does a slower one undo it
            each.damp(slot, 5000, 0.5)
            assert each.times[END, slot] == end
    x, slow = render(unit, 19200)[0], render(twin, 19200)[0]
    assert np.array_equal(x[:4800], slow[:4800])
    assert np.abs(slow[9700:9900]).max() > 0.05
    assert 20.0 * math.log10(np.abs(x[9600:9800]).max() / np.abs(slow[9600:9800]).max()) == pytest.approx(
        -60.0, abs=4.0
    )
    assert not x[10300:].any()
    assert unit.sounding == 0


def test_modes_are_dropped_one_after_another_as_they_fade():
    unit = bank()
    unit.strike(0, [400.0, 700.0, 900.0], [0.1] * 3, [0.05, 0.3, 0.15])
    turning = []
    while unit.clock < 0.5 * RATE:
        before = unit.state.copy()
        x = render(unit, QUANTUM)
        turning.append(int(np.count_nonzero((unit.state != before).any(axis=0))))
    assert turning == sorted(turning, reverse=True)
    assert set(turning) == {3, 2, 1, 0}
    assert turning.index(1) * QUANTUM / RATE == pytest.approx(0.15 * 70.0 / 60.0, rel=0.03)  # from 0.1 to -90 dBFS
    assert not x.any()
    assert unit.sounding == 0


def test_a_stolen_voice_fades_without_a_click():
    unit = bank(voices=1)
    unit.strike(0, [200.0], [0.5], [5.0])
    unit.strike(2411, [300.0], [1e-4], [5.0])  # the thief is all but silent
    x = render(unit, 9600)[0].astype(float)
    fade = x[2411 - 480 : 2411 + 960] * np.hanning(1440)
    spectrum = np.abs(np.fft.rfft(fade))
    hz = np.fft.rfftfreq(1440, 1.0 / RATE)
    assert spectrum[hz > 3000.0].max() < 1e-4 * spectrum.max()
    assert np.abs(x[2411 + round(STEAL_S * RATE) :]).max() < 2e-4


def test_no_more_voices_sound_than_allowed():
    unit = bank(voices=3)
    taken = [unit.strike(10 * i, [440.0], [0.1], [2.0]) for i in range(15)]
    assert None in taken  # 15 notes in 3 ms: even the spare slots are taken
    live = (unit.times[STEAL] == NEVER) & unit.ringing(150)
    assert live.sum() == 3
    render(unit, round(0.02 * RATE))
    assert unit.sounding == 3


def test_inaudible_modes_are_left_out():
    unit = bank()
    assert unit.strike(0, [21700.0, 500.0], [0.5, 3.1e-5], [1.0, 1.0]) is None
    unit.strike(0, [21700.0, 21500.0, 500.0], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0])
    assert np.count_nonzero(unit.ends[0]) == 2
    unit.strike(0, np.full(6, 500.0), np.full(6, 0.1), [0.1, 0.6, 0.2, 0.5, 0.3, 0.4])
    assert np.count_nonzero(unit.ends[1]) == 4
    assert np.all(np.diff(unit.ends[1]) <= 0)
    assert unit.ends[1, 3] == pytest.approx(0.3 * RATE * 70.0 / 60.0, abs=1)


def test_without_notes_there_is_silence():
    assert not render(bank(), 640).any()


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([22050, 44100, 96000, 192000]),
    frame=st.integers(0, 200),
    hz=st.floats(1.0, 90000.0),
    t60_s=st.floats(1e-3, 60.0),
    amplitude=st.floats(-1.0, 1.0),
    rise_s=st.floats(0.0, 0.01),
)
def test_stays_finite_and_bounded(rate, frame, hz, t60_s, amplitude, rise_s):
    unit = bank(rate=rate)
    unit.strike(frame, [hz, hz * 1.01], [amplitude, amplitude], [t60_s, t60_s / 2], rise_s=rise_s)
    x = render(unit, 640)
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 2.0 * abs(amplitude)
