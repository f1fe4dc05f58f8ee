"""The compressor: ratio, knee, attack and release in numbers, naive twin, one gain for all, splits, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.dsp.dynamics import Compressor, reduction

QUANTUM = 64
RATE = 48000
QUICK = {"attack_s": 0.0005, "release_s": 0.0005}


def square(level_db, quanta):
    """Samples of one magnitude, so that its level is that and nothing else."""
    x = np.full((2, quanta * QUANTUM), 10.0 ** (level_db / 20.0), np.float32)
    x[:, 1::2] *= -1.0
    return x


def settled_db(rendered, unit, level_db):
    out = rendered(unit, square(level_db, 12))
    return 20.0 * math.log10(abs(out[0, -1]))


@pytest.mark.parametrize("ratio", [1.0, 2.0, 4.0, math.inf])
def test_ratio(rendered, ratio):
    """Above the knee so many dB more in are one dB more out; below it nothing changes."""
    levels = [settled_db(rendered, Compressor(RATE, -20.0, ratio, knee_db=6.0, **QUICK), db) for db in (-12.0, -2.0)]
    assert levels[1] - levels[0] == pytest.approx(10.0 / ratio, abs=0.01)
    assert levels[0] == pytest.approx(-20.0 + 8.0 / ratio, abs=0.01)
    assert settled_db(rendered, Compressor(RATE, -20.0, ratio, **QUICK), -24.0) == pytest.approx(-24.0, abs=0.001)


@pytest.mark.parametrize("knee_db", [0.0, 6.0, 12.0])
def test_knee(rendered, knee_db):
    """At the threshold an eighth of the knee's width times the slope is gone; at its ends the lines take over."""
    unit = {"ratio": 3.0, "knee_db": knee_db, **QUICK}
    at = settled_db(rendered, Compressor(RATE, -20.0, **unit), -20.0)
    assert at == pytest.approx(-20.0 - (1.0 - 1.0 / 3.0) * knee_db / 8.0, abs=0.01)
    top, foot = -20.0 + knee_db / 2.0, -20.0 - knee_db / 2.0
    assert settled_db(rendered, Compressor(RATE, -20.0, **unit), foot) == pytest.approx(foot, abs=0.01)
    assert settled_db(rendered, Compressor(RATE, -20.0, **unit), top) == pytest.approx(-20.0 + knee_db / 6.0, abs=0.01)


def test_the_curve_has_no_corner():
    over = np.linspace(-10.0, 10.0, 2001)
    gain = np.array([reduction(v, -0.75, 8.0) for v in over])
    slope = np.diff(gain) / np.diff(over)
    assert slope.max() == 0.0 and slope.min() == pytest.approx(-0.75)
    assert np.abs(np.diff(slope)).max() < 1.01 * 0.75 * 0.01 / 8.0


def gains_db(unit, x):
    gain = np.zeros(x.shape[1], np.float32)
    for start in range(0, x.shape[1], 4096):
        block = np.zeros((2, 4096), np.float32)
        piece = x[:, start : start + 4096]
        block[:, : piece.shape[1]] = piece
        row = np.zeros(4096, np.float32)
        unit.gain(block, piece.shape[1] // QUANTUM, row)
        gain[start : start + piece.shape[1]] = row[: piece.shape[1]]
    return 20.0 * np.log10(gain)


@pytest.mark.parametrize("attack_s, release_s", [(0.005, 0.02), (0.01, 0.03)])
def test_attack_and_release_are_times_to_63_percent(attack_s, release_s):
    x = np.concatenate((square(-60.0, 4), square(0.0, 100), square(-60.0, 60)), axis=1)
    gain = gains_db(Compressor(RATE, -20.0, 4.0, attack_s=attack_s, release_s=release_s), x)
    up, down = 4 * QUANTUM, 104 * QUANTUM
    full = gain[down - 1]
    assert full == pytest.approx(-15.0, abs=0.01)
    assert gain[up + round(attack_s * RATE) - 1] == pytest.approx(full * (1.0 - math.exp(-1.0)), abs=0.02)
    assert gain[down + round(release_s * RATE) - 1] == pytest.approx(full * math.exp(-1.0), abs=0.02)
    assert np.abs(np.diff(gain)).max() <= 15.0 / (attack_s * RATE) * 1.01


def test_a_tone_reads_near_its_peak(sine):
    """A 440 Hz sine 12 dB over the threshold: -6 dB at its peak, and less than 1 dB of ripple under it."""
    x = sine(440.0, 150)
    gain = gains_db(Compressor(RATE, -12.0, 2.0, attack_s=0.005, release_s=0.1), x)[-4800:]
    assert -6.0 <= gain.min() and gain.max() < -5.0
    assert np.ptp(gain) < 0.5


def twin(x, threshold_db, ratio, knee, attack_s, release_s, makeup_db):
    """A sample at a time in float64, from the published equations."""
    a, r = (math.exp(-1.0 / (s * RATE)) for s in (attack_s, release_s))
    held, out = 0.0, np.zeros(x.shape)
    threshold = np.interp(np.arange(x.shape[1]) / QUANTUM, np.arange(threshold_db.size), threshold_db)
    for n in range(x.shape[1]):
        level = 20.0 * math.log10(max(np.abs(x[:, n]).max(), 1e-30))
        over = level - threshold[n]
        if 2.0 * over < -knee:
            wanted = level
        elif 2.0 * abs(over) <= knee:
            wanted = level + (1.0 / ratio - 1.0) * (over + knee / 2.0) ** 2 / (2.0 * knee)
        else:
            wanted = threshold[n] + over / ratio
        keep = a if wanted - level < held else r
        held = keep * held + (1.0 - keep) * (wanted - level)
        out[:, n] = x[:, n] * 10.0 ** ((held + makeup_db) / 20.0)
    return out


def test_equals_the_naive_twin(rendered, noise):
    x, edges = noise(40), -20.0 + 8.0 * np.sin(np.arange(41) / 6.0)
    settings = {"knee_db": 9.0, "attack_s": 0.001, "release_s": 0.01, "makeup_db": 3.0}
    out = rendered(Compressor(RATE, ratio=5.0, **settings), x, threshold_db=edges)
    assert np.abs(out - twin(x.astype(float), edges, 5.0, *settings.values())).max() < 2e-6
    assert np.abs(out - x * 10.0**0.15).max() > 0.1


def test_both_sides_have_one_gain(rendered, noise):
    """So stems that are given it sum to what their sum is given."""
    x = noise(20)
    x[1] *= 0.01  # the faint side follows the loud one
    out = rendered(Compressor(RATE, -30.0, 4.0, attack_s=0.002), x)
    loud = np.abs(x).min(axis=0) > 1e-4
    ratio = out[:, loud].astype(float) / x[:, loud]
    assert np.abs(ratio[0] / ratio[1] - 1.0).max() < 1e-6
    assert ratio.min() < 0.3


@pytest.mark.parametrize("quanta", [(1,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(rendered, noise, quanta):
    x, edges = noise(70), -20.0 + 8.0 * np.sin(np.arange(71) / 6.0)
    x[:, 20 * QUANTUM : 50 * QUANTUM] = 0.0
    whole = rendered(Compressor(44100, release_s=0.002), x, threshold_db=edges)
    assert np.array_equal(whole, rendered(Compressor(44100, release_s=0.002), x, quanta, threshold_db=edges))


def test_reset_starts_afresh(rendered, noise):
    unit, x = Compressor(RATE), noise(10)
    first = rendered(unit, x)
    assert not np.array_equal(first, rendered(unit, x))
    unit.reset()
    assert np.array_equal(first, rendered(unit, x))


@pytest.mark.parametrize("rate", [22050, 192000])
def test_extremes_stay_bounded(rendered, noise, rate):
    x = 100.0 * np.sign(noise(40))
    x[0, 70], x[1, 90], x[0, 200] = np.nan, np.inf, 1e30
    out = rendered(Compressor(rate, -20.0, math.inf, attack_s=1e-4), x, threshold_db=np.tile([-20.0, -60.0], 21)[:41])
    assert np.isfinite(out).all() and np.abs(out).max() <= 100.0
    assert np.abs(out[:, -QUANTUM:]).max() < 0.2


def test_silence_stays_and_the_gain_comes_back_to_one(rendered):
    unit = Compressor(RATE, release_s=0.003)
    x = np.concatenate((square(0.0, 20), np.zeros((2, 60 * QUANTUM), np.float32)), axis=1)
    out = rendered(unit, x)
    assert not out[:, 20 * QUANTUM :].any() and unit._state[0] == 0.0
    assert (gains_db(unit, np.zeros((2, 128), np.float32)) == 0.0).all()


def test_an_expander_is_refused():
    with pytest.raises(ValueError, match="ratio = 0.5: give 1 or more"):
        Compressor(RATE, ratio=0.5)
