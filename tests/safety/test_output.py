"""The output guard: what may leave, measured from outside, for programmes that try to break it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from synth.dsp.loudness import k_weighting
from synth.safety.limits import PROFILES, limits
from synth.safety.output import RESUME_S, OutputGuard, OutputLimits

RATE = 48000
QUANTUM = 64
STRICT = OutputLimits.of(limits("sensitive"))


def guarded(mix, guard=None, sizes=(64,), rate=RATE):
    """What the guard lets out of `mix` (2, frames), and its gain."""
    guard = guard or OutputGuard(rate, OutputLimits())
    total, start, turn = mix.shape[1] // QUANTUM, 0, 0
    out, gain = np.zeros_like(mix), np.zeros(mix.shape[1], np.float32)
    while start < total:
        count = min(sizes[turn % len(sizes)], total - start)
        span = slice(start * QUANTUM, (start + count) * QUANTUM)
        block, gains = np.zeros((2, 4096), np.float32), np.ones(4096, np.float32)
        block[:, : count * QUANTUM] = mix[:, span]
        guard.render(block, gains, count)
        out[:, span], gain[span] = block[:, : count * QUANTUM], gains[: count * QUANTUM]
        start, turn = start + count, turn + 1
    return out, gain


def programme(levels_db, seconds, kind="noise", rate=RATE) -> NDArray[np.float32]:
    """A sound at each level in turn, changing at once."""
    parts = []
    for i, (level_db, s) in enumerate(zip(levels_db, seconds, strict=True)):
        n = np.arange(round(s * rate))
        if kind == "noise":
            x = np.random.default_rng(i).normal(size=(2, n.size))
        elif kind == "bursts":
            x = np.random.default_rng(i).normal(size=(2, n.size)) * 2.0 * (n % 12000 < 3000)
        else:
            x = np.tile(math.sqrt(2.0) * np.sin(2.0 * np.pi * 200.0 * n / rate), (2, 1))
        parts.append(10.0 ** ((level_db - 3.0) / 20.0) * x)
    whole = np.concatenate(parts, axis=1)
    return whole[:, : whole.shape[1] // QUANTUM * QUANTUM].astype(np.float32)


def momentary(x, rate=RATE):
    """Momentary loudness every 10 ms, from the definition."""
    y = x.astype(np.float64)
    for b0, b1, b2, a1, a2 in k_weighting(rate):
        y = signal.lfilter([b0, b1, b2], [1.0, a1, a2], y, axis=-1)
    window, hop = round(0.4 * rate), rate // 100
    power = np.cumsum(np.concatenate((np.zeros(window), (y**2).sum(axis=0))))
    return -0.691 + 10.0 * np.log10((power[window::hop] - power[:-window:hop]) / window + 1e-30)


def heard_before(levels, window_s=1.0, floor=-63.0):
    """What each momentary loudness is held against: the one before the window, or the loudest till then, forgotten."""
    reference, held, back = np.full(levels.size, floor), floor, round(100 * window_s)
    for i in range(levels.size):
        held = max(held - 0.02, levels[i - back] if i >= back else floor, floor)
        reference[i] = held
    return reference


@settings(max_examples=15)
@given(
    kind=st.sampled_from(["noise", "tone", "bursts"]),
    levels=st.lists(st.floats(-55.0, 20.0), min_size=2, max_size=4),
    limits_=st.sampled_from([OutputLimits(), STRICT]),
)
def test_loudness_never_jumps(kind, levels, limits_):
    """Whatever comes after a start. Climbing out of silence, under -55 LUFS, has a test of its own."""
    settled_s = limits_.start_s + 3.0
    x = programme([-45.0, *levels], [settled_s, *[1.5] * len(levels)], kind)
    heard = momentary(guarded(x, OutputGuard(RATE, limits_))[0])
    before = heard_before(heard, limits_.rise_window_s, limits_.floor_lufs)
    late = np.arange(heard.size) >= round(100 * settled_s)
    rises = np.where(late & (before > -55.0), heard - before, 0.0)
    assert rises.max() <= limits_.rise_lu + 0.3


@pytest.mark.parametrize("step_db", [10.0, 20.0, 35.0])
@pytest.mark.parametrize("kind", ["noise", "tone"])
@pytest.mark.parametrize("limits_", [OutputLimits(), STRICT])
def test_a_jump_is_held_to_its_rise_and_then_let_through(limits_, kind, step_db):
    """In the window after the jump the loudness rises by nearly all that is allowed, and never by more."""
    settled_s, later_s = limits_.start_s + 4.0, (step_db + 3.0) * limits_.rise_window_s / (limits_.rise_lu - 1.0) + 2.0
    x = programme([-55.0, -55.0 + step_db], [settled_s, later_s], kind)
    out, gain = guarded(x, OutputGuard(RATE, limits_))
    levels, at = momentary(out), round(100 * settled_s)
    before = levels[at - 150 : at].mean()
    assert before == pytest.approx(momentary(x)[at - 1], abs=0.5)
    rise_lu = levels[at : at + round(100 * limits_.rise_window_s)].max() - before
    assert limits_.rise_lu - 1.5 < rise_lu <= limits_.rise_lu
    assert levels[-1] == pytest.approx(momentary(x)[-1], abs=0.05)
    assert gain[-1] == 1.0


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_what_keeps_the_limits_passes_bit_for_bit(rate):
    """Noise that starts by 4 LU a second, then swells by 5 LU in 4 s, with a rest in it that ends softly."""
    x = programme([-25.0], [24.0], rate=rate)
    t = np.arange(x.shape[1]) / rate
    level_db = np.minimum(4.0 * (t - 12.0), 0.0) + 2.5 * np.sin(2.0 * np.pi * t / 8.0) * (t > 12.0)
    x *= (10.0 ** (level_db / 20.0)).astype(np.float32)
    x[:, round(20.0 * rate) : round(20.5 * rate)] = 0.0
    x[:, round(20.5 * rate) :] *= np.minimum((t[round(20.5 * rate) :] - 20.5) / 0.4, 1.0).astype(np.float32)
    guard = OutputGuard(rate, OutputLimits())
    out, gain = guarded(x, guard, rate=rate)
    assert np.array_equal(out, x)
    assert np.all(gain == 1.0)
    assert not any(guard.interventions.values())


@pytest.mark.parametrize("limits_", [OutputLimits(), STRICT])
def test_out_of_silence_sound_climbs(limits_):
    """From 40 LU under the programme on, at a rate that takes `start_s` to the programme, and then passes as it is."""
    x = programme([-140.0, limits_.programme_lufs], [1.0, limits_.start_s + 6.0])
    levels = momentary(guarded(x, OutputGuard(RATE, limits_))[0])
    assert levels[110] < limits_.floor_lufs + limits_.rise_lu + 1.0
    reached_s = np.flatnonzero(levels > limits_.programme_lufs - 1.5)[0] / 100.0 - 1.0
    assert 0.8 * limits_.start_s < reached_s < 1.2 * limits_.start_s
    slope = (levels[150:] - levels[100:-50]) / 0.5
    assert slope[levels[100:-50] > limits_.floor_lufs + 8.0].max() < 40.0 / limits_.start_s * 1.25
    assert levels[-1] == pytest.approx(momentary(x)[-1], abs=0.05)


@settings(max_examples=20)
@given(
    level=st.floats(0.5, 1e4),
    seed=st.integers(0, 99),
    where=st.integers(0, 20 * QUANTUM - 1),
    limits_=st.sampled_from([OutputLimits(), STRICT]),
)
def test_no_sample_passes_the_ceiling(level, seed, where, limits_):
    x = programme([-20.0], [0.1])[:, : 20 * QUANTUM]
    x[:, where] += np.float32(level)
    x[seed % 2] *= np.float32(1.0 + level * (seed % 3))
    guard = OutputGuard(RATE, limits_)
    out, gain = guarded(x, guard)
    assert np.abs(out).max() <= 10.0 ** (limits_.ceiling_dbtp / 20.0)
    assert np.abs(out - x * gain).max() <= 1e-6 * max(1.0, np.abs(out).max())
    assert np.all((gain >= 0.0) & (gain <= 1.0))


def test_the_ceiling_counts():
    x = np.zeros((2, 400 * QUANTUM), np.float32)
    x[:, 200 * QUANTUM + 5] = 0.1
    guard = OutputGuard(RATE, OutputLimits(rise_lu=200.0, floor_lufs=-1.0, programme_lufs=40.0))
    guarded(x, guard)
    assert guard.interventions["peak"] == 0
    guarded(20.0 * x, guard)
    assert guard.interventions == {"not_a_number": 0, "rise": 0, "attack": 0, "peak": 1}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 1, 37, 63])
def test_what_is_not_a_number_becomes_a_short_silence(wrong, frame):
    """Down to silence before it within its quantum, and back within a second."""
    x = programme([-25.0], [9.0])
    at = 6 * RATE // QUANTUM * QUANTUM + frame
    x[1, at] = wrong
    guard = OutputGuard(RATE, OutputLimits())
    out, gain = guarded(x, guard)
    assert np.isfinite(out).all() and np.isfinite(gain).all()
    start = at - frame
    assert np.array_equal(out[:, start - RATE : start], x[:, start - RATE : start])
    assert not out[:, at : start + QUANTUM].any()
    assert np.all(np.diff(gain[start : at + 1]) <= 0.0)
    assert gain[start + QUANTUM] < 0.01
    rise = gain[start + QUANTUM : start + RATE]
    assert np.abs(np.diff(rise)).max() < 2.0 / RATE
    assert np.all(gain[start + RATE + 4 * QUANTUM :] == 1.0)
    assert guard.interventions["not_a_number"] == 1


def test_nothing_but_wrong_numbers_is_silence():
    out, gain = guarded(np.full((2, 20 * QUANTUM), np.nan, np.float32))
    assert not out.any() and np.isfinite(gain).all()


@pytest.mark.parametrize("step_db", [10.0, 25.0])
def test_the_gain_turns_smoothly(step_db):
    """Within a quantum the gain is a line of 6 dB at most; only deeper falls are at once, and a rise takes a second,
    or a twentieth of one after an attack."""
    _, gain = guarded(programme([-45.0, step_db - 45.0], [6.0, 6.0], "tone"))
    gain = gain[5 * RATE :]
    lines = gain.reshape(-1, QUANTUM).astype(np.float64)
    assert np.abs(np.diff(lines, 2, axis=1)).max() < 1e-6
    edges = np.diff(gain.astype(np.float64))
    assert edges.max() <= 22.0 / RATE
    assert edges[RATE + RATE // 2 :].max() <= 1.1 / RATE
    ends = 20.0 * np.log10(lines[:, -1] / lines[:, 0])
    assert ends.min() > -6.1
    if step_db < 20.0:  # never more than a quantum's worth of its line between two samples
        assert np.abs(edges).max() <= 0.5 / QUANTUM and gain.min() < 0.95


@pytest.mark.parametrize(("panic_s", "rate"), [(0.25, 48000), (0.25, 44100), (0.1, 96000)])
def test_panic_is_a_raised_cosine_and_holds(panic_s, rate):
    guard = OutputGuard(rate, OutputLimits(panic_s=panic_s))
    x = np.full((2, rate // QUANTUM * QUANTUM), 1e-5, np.float32)
    assert np.all(guarded(x, guard)[1] == 1.0)
    guard.panic()
    assert not guard.silent
    out, gain = guarded(x, guard)
    frames = round(panic_s * rate)
    t = np.arange(frames) / (frames // QUANTUM * QUANTUM)
    assert np.abs(gain[:frames] - (0.5 + 0.5 * np.cos(np.pi * np.minimum(t, 1.0)))).max() < 0.01
    assert not out[:, frames:].any()
    assert guard.silent
    assert not guarded(x, guard)[0].any()


def test_resume_lets_sound_back_in():
    guard = OutputGuard(RATE, OutputLimits())
    x = np.full((2, 3 * RATE), 1e-5, np.float32)
    guard.panic()
    guarded(x, guard)
    guard.resume()
    assert guard.silent
    _, gain = guarded(x, guard)
    assert not guard.silent
    assert np.all(np.diff(gain.astype(np.float64)) >= -1e-7)
    assert np.abs(np.diff(gain, 2)).max() < 1e-4
    frames = round(RESUME_S * RATE)
    assert gain[frames // 2] == pytest.approx(0.5, abs=0.01)
    assert np.all(gain[frames + QUANTUM :] == 1.0)


def test_resuming_into_a_loud_programme_is_gentle():
    guard = OutputGuard(RATE, OutputLimits())
    loud = programme([-23.0], [10.0])
    guarded(loud, guard)
    guard.panic()
    for _ in range(3):
        quiet = guarded(loud, guard)[0]
    assert not quiet.any()
    guard.resume()
    levels, full = momentary(guarded(loud, guard)[0]), momentary(loud)[-1]
    assert np.flatnonzero(levels > full - 3.0)[0] > 200
    assert levels[-1] == pytest.approx(full, abs=0.1)


@pytest.mark.parametrize("sizes", [(1,), (17,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(sizes):
    x = programme([-45.0, -20.0, 0.0, -60.0, -10.0], [0.8] * 5)
    x[0, 60000] = np.nan
    (out, gain), (parts, gains) = guarded(x), guarded(x, sizes=sizes)
    assert np.array_equal(out, parts) and np.array_equal(gain, gains)
    assert gain.min() < 0.5


def test_both_channels_get_one_gain():
    x = programme([-45.0, 0.0], [1.0, 1.0])
    out, gain = guarded(x)
    swapped, same = guarded(np.ascontiguousarray(x[::-1]))
    assert np.array_equal(gain, same) and np.array_equal(out, swapped[::-1])
    assert np.abs(out - x * gain).max() < 1e-6


def test_the_gain_of_the_master_is_multiplied():
    x = programme([-30.0], [1.0])
    gain = np.full(4096, 0.5, np.float32)
    block = np.ascontiguousarray(x[:, :4096])
    guard = OutputGuard(RATE, OutputLimits())
    touched = guard.render(block, gain, 64)
    assert touched == 64 == guard.interventions["rise"]  # out of silence
    assert np.abs(block - x[:, :4096] * 2.0 * gain).max() < 1e-7


def test_silence():
    guard = OutputGuard(RATE, OutputLimits())
    out, gain = guarded(np.zeros((2, 200 * QUANTUM), np.float32), guard)
    assert not out.any() and np.all(gain == 1.0)


@pytest.mark.parametrize("profile", PROFILES)
def test_it_takes_the_table_of_limits(profile):
    table = limits(profile)
    guard = OutputGuard(RATE, table)
    assert guard.limits == OutputLimits.of(table)
    assert guard.limits.rise_lu == table["momentary_rise_lu"]
    assert guard.limits.floor_lufs == table["programme_lufs"] - 40.0
    assert guard.limits.panic_s == 0.25


def test_what_left_is_told_as_a_mean_square_since_it_was_asked():
    """Of what left, not of what came; 0 where nothing did."""
    guard = OutputGuard(RATE, OutputLimits())
    assert guard.take_mean_square() == 0.0
    guarded(programme([-25.0], [8.0]), guard)
    guard.take_mean_square()
    out, _ = guarded(programme([-25.0], [4.0]), guard)
    lufs = -0.691 + 10.0 * math.log10(guard.take_mean_square())
    assert lufs == pytest.approx(10.0 * np.log10(np.mean(10.0 ** (momentary(out)[50:] / 10.0))), abs=0.1)
    guard.panic()
    guarded(programme([-25.0], [1.0]), guard)
    guard.take_mean_square()
    guarded(programme([-25.0], [1.0]), guard)
    assert guard.take_mean_square() == 0.0
