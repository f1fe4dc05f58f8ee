"""The tape delay: echo times and levels, filters, clip, glide, wow and flutter in cents, splits, silence, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.tape import CEILING, Tape

QUANTUM = 64
RATE = 48000
STEADY = {"wow_cents": 0.0, "flutter_cents": 0.0}


def burst(quanta, hz=700.0, level=0.05):
    """10 ms of a sine, rising and falling, then silence."""
    x = np.zeros((2, quanta * QUANTUM), np.float32)
    n = np.arange(RATE // 100)
    x[:, : n.size] = level * np.hanning(n.size) * np.sin(2.0 * np.pi * hz / RATE * n)
    return x


def loop_gain(hz, rate=RATE):
    """Of the loop's two filters, from the definition of a Butterworth filter."""
    gains = [
        signal.sosfreqz(signal.butter(2, f, kind, fs=rate, output="sos"), [hz], fs=rate)[1][0]
        for f, kind in ((150.0, "high"), (3000.0, "low"))
    ]
    return abs(gains[0] * gains[1])


def test_echoes_come_in_time_and_fall_by_the_feedback(rendered):
    delay = int(0.05 * RATE)
    x = burst(170)
    out = rendered(Tape(RATE, 0.05, 0.5, **STEADY), x)[0].astype(float)
    assert not out[: delay - 2].any()
    envelope = np.abs(signal.hilbert(out))
    starts = [k * delay for k in (1, 2, 3)]
    peaks = [envelope[s : s + RATE // 50].max() for s in starts]
    gain = 0.5 * loop_gain(700.0)
    for near, far in zip(peaks, peaks[1:], strict=False):
        assert 20.0 * math.log10(far / near) == pytest.approx(20.0 * math.log10(gain), abs=0.2)
    energy = [np.sum(np.arange(RATE // 50) * out[s : s + RATE // 50] ** 2) for s in starts]
    centres = [e / np.sum(out[s : s + RATE // 50] ** 2) for e, s in zip(energy, starts, strict=True)]
    # 50 ms and the filters' group delay, which is the same each time
    late = [centres[1] - centres[0], centres[2] - centres[1]]
    assert late[0] == pytest.approx(late[1], abs=3.0) and 0.0 < late[0] < 20.0


@pytest.mark.parametrize("hz", [50.0, 150.0, 700.0, 3000.0, 9000.0])
def test_the_first_echo_is_filtered_once(rendered, hz):
    x = np.zeros((2, 100 * QUANTUM), np.float32)
    x[:, 0] = 0.1
    out = rendered(Tape(RATE, 0.02, 0.0, **STEADY), x)[1].astype(float)
    measured = abs(np.exp(-2j * np.pi * hz / RATE * np.arange(out.size)) @ out) / 0.1
    assert 20.0 * math.log10(measured / loop_gain(hz)) == pytest.approx(0.0, abs=0.05)


def test_what_goes_back_is_clipped_at_minus_twelve(rendered, sine):
    """Far past the ceiling a loop brings no more back than a square of it: 4 / pi at the pitch of the tone."""
    x = sine(1000.0, 90, 10.0)
    x[:, 30 * QUANTUM :] = 0.0
    out = np.abs(rendered(Tape(RATE, 30 * QUANTUM / RATE, 0.9, **STEADY), x))
    assert out[:, 35 * QUANTUM : 58 * QUANTUM].max() > 9.0  # the first echo is as loud as what was sent
    echo = out[:, 65 * QUANTUM : 88 * QUANTUM].max()
    assert echo < 1.3 * float(CEILING) + 1e-3
    assert echo > 0.9 * float(CEILING)


def phase_delay_ms(out, hz):
    """How late a sine is at each sample, but for a constant, in ms."""
    turns = np.unwrap(np.angle(signal.hilbert(out.astype(float)))) / (2.0 * np.pi)
    return (np.arange(out.size) / RATE - turns / hz) * 1e3


@pytest.mark.parametrize("start_s, stop_s", [(0.03, 0.04), (0.04, 0.03)])
def test_the_time_glides(rendered, sine, start_s, stop_s):
    """Nine tenths of the way in `glide_s`, and no jump on it."""
    x = sine(1000.0, 180, 0.5)
    edges = np.where(np.arange(181) <= 60, start_s, stop_s)
    out = rendered(Tape(RATE, glide_s=0.05, **STEADY), x, delay_s=edges, feedback=0.0)[0]
    late = phase_delay_ms(out, 1000.0)[45 * QUANTUM : -10 * QUANTUM]
    late -= late[: 10 * QUANTUM].mean()
    way = late / ((stop_s - start_s) * 1e3)
    assert way[-1] == pytest.approx(1.0, abs=0.01)
    reached = (np.argmax(way > 0.9) - 15 * QUANTUM) / RATE
    assert reached == pytest.approx(0.05, abs=0.003)
    assert np.abs(np.diff(late)).max() * RATE / 1e3 < 0.5  # seconds a second


def test_a_long_glide_never_runs_backwards(rendered, sine):
    x = sine(1000.0, 260, 0.5)
    edges = np.where(np.arange(261) <= 20, 0.01, 0.1)
    out = rendered(Tape(RATE, glide_s=0.02, **STEADY), x, delay_s=edges, feedback=0.0)[0]
    crossings = np.flatnonzero(np.diff(np.signbit(out[30 * QUANTUM : -60 * QUANTUM])))
    pitch = RATE / 2.0 / np.diff(crossings)
    assert pitch.min() == pytest.approx(500.0, rel=0.05)  # an octave down at most
    assert phase_delay_ms(out, 1000.0)[-10 * QUANTUM] - phase_delay_ms(out, 1000.0)[15 * QUANTUM] == pytest.approx(
        90.0, abs=0.5
    )


@pytest.mark.parametrize("wow, flutter", [(5.0, 0.0), (0.0, 2.0), (20.0, 0.0)])
def test_wow_and_flutter_in_cents(rendered, sine, wow, flutter):
    """Both are steepest at the start."""
    x = sine(1000.0, 60, 0.5)
    unit = Tape(RATE, 0.015, 0.0, wow_cents=wow, flutter_cents=flutter)
    late = phase_delay_ms(rendered(unit, x)[0], 1000.0)[24 * QUANTUM : -16 * QUANTUM]
    time = np.arange(24 * QUANTUM, 44 * QUANTUM) / RATE
    slope = wow * np.cos(2.0 * np.pi * 0.5 * time) + flutter * np.cos(2.0 * np.pi * 6.0 * time)
    measured = 1731.2 * np.polyfit(time, late * 1e-3, 1)[0]
    assert measured == pytest.approx(slope.mean(), rel=0.05)


def twin(x, delay, feedback):
    """In float64 with a delay of whole samples: filters a quantum at a time, as `scipy` keeps their state."""
    sections = np.concatenate(
        [signal.butter(2, f, k, fs=RATE, output="sos") for f, k in ((150, "high"), (3000, "low"))]
    )
    tape, out, zi = np.zeros(x.size + delay), np.zeros(x.size), np.zeros((2, 2))
    gain = np.interp(np.arange(x.size) / QUANTUM, np.arange(feedback.size), feedback)
    for start in range(0, x.size, QUANTUM):
        now = slice(start, start + QUANTUM)
        out[now], zi = signal.sosfilt(sections, tape[now], zi=zi)
        ceiling = 10.0**-0.6
        tape[start + delay : start + delay + QUANTUM] = x[now] + ceiling * np.tanh(gain[now] * out[now] / ceiling)
    return out


def test_equals_the_naive_twin(rendered, noise):
    x, feedback = noise(60), np.clip(0.5 + np.sin(np.arange(61) / 9.0), 0.0, 0.95)
    out = rendered(Tape(RATE, 0.0125, **STEADY), x, feedback=feedback)
    for c in range(2):
        assert np.abs(out[c] - twin(x[c].astype(float), 600, feedback)).max() < 5e-6


@pytest.mark.parametrize("asked, held", [(5.0, 0.95), (-1.0, 0.0)])
def test_the_feedback_is_held(rendered, noise, asked, held):
    x = noise(40)
    runs = [rendered(Tape(RATE, 0.012), x, feedback=f) for f in (asked, held, 0.5)]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("quanta", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x = noise(110)
    x[:, 10 * QUANTUM : 80 * QUANTUM] = 0.0
    edges = {"delay_s": 0.02 + 0.008 * np.sin(np.arange(111) / 9.0), "feedback": 0.4 + 0.3 * np.sin(np.arange(111))}
    whole = rendered(Tape(44100, 0.02, longest_s=0.03), x, **edges)
    assert np.array_equal(whole, rendered(Tape(44100, 0.02, longest_s=0.03), x, quanta, **edges))
    assert np.abs(whole).max() > 0.1


def test_reset_starts_afresh(rendered, noise):
    unit, x = Tape(RATE, 0.015), noise(24)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = 100.0 * np.sign(noise(60))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    edges = np.tile([-1.0, 9.0], 31)[:61]
    out = rendered(Tape(rate, 0.012, longest_s=0.05), x, delay_s=edges, feedback=edges)
    assert np.isfinite(out).all() and 10.0 < np.abs(out).max() < 400.0


def test_echoes_end_in_exact_silence(rendered, noise):
    unit = Tape(22050, 0.012, 0.3, longest_s=0.02)
    assert not rendered(unit, np.zeros((2, 256), np.float32)).any() and unit.idle
    x = noise(150)
    x[:, 2 * QUANTUM :] = 0.0
    out = rendered(unit, x)
    assert unit.idle and not out[:, -5 * QUANTUM :].any()
    assert np.abs(out[:, 20 * QUANTUM :]).max() > 1e-6
    assert not unit._state[2].any() and not unit._state[3].any()
    assert np.abs(rendered(unit, x)).max() > 0.1  # and it answers again


def test_a_time_that_it_has_no_tape_for_is_refused():
    with pytest.raises(ValueError, match="delay_s = 2.0: give 0.01 to longest_s, which is 1.0"):
        Tape(RATE, 2.0)
