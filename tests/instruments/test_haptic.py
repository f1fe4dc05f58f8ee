"""The haptic bus: its tone, its band, its swells, its ceiling, its fades."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from synth.controls import BREATH, COLUMN, CONTROLS, EDGE_COLUMNS, EXPRESSION_DB, FADE, KEYS
from synth.instruments.base import MAX_FRAMES, MAX_QUANTA, QUANTUM
from synth.instruments.haptic import LONGEST_S, SHORTEST_S, Haptic

RATE = 48000


def render(haptic, seconds, moves=lambda row, t: None, blocks=(MAX_QUANTA,), rate=RATE):
    """`moves(row, t)` sets the controls of the edge at `t` seconds; what comes out, (frames,)."""
    usual = np.zeros(EDGE_COLUMNS, np.float32)
    usual[: len(CONTROLS)] = [c.default for c in CONTROLS]
    usual[FADE] = 1.0
    total, done = -(-round(seconds * rate) // QUANTUM), 0
    out, heard = np.ones(MAX_FRAMES, np.float32), []
    for length in itertools.cycle(blocks):
        quanta = min(length, total - done)
        if quanta == 0:
            return np.concatenate(heard)
        edges = np.tile(usual, (MAX_QUANTA + 1, 1))
        for i in range(quanta + 1):
            moves(edges[i], (done + i) * QUANTUM / rate)
        haptic.render(edges, quanta, out)
        heard.append(out[: quanta * QUANTUM].copy())
        done += quanta
    raise AssertionError


def restless(row, t):
    """All that moves it, moving: keys, levels, breath and fades, in steps."""
    row[COLUMN["key"]] = (0, 7, 4, 3, 11)[int(t / 2.3) % 5]
    row[COLUMN["dynamics_db"]] = (0.0, 8.0, -12.0)[int(t / 3.1) % 3]
    row[EXPRESSION_DB] = 4.0 * math.sin(t)
    row[COLUMN["breath_depth_db"]] = (0.0, 6.0)[int(t / 7.0) % 2]
    row[BREATH] = row[COLUMN["breath_depth_db"]] / 8.0 * math.sin(2 * math.pi * t / 5.0)
    row[FADE] = min(t / 2.0, 1.0)


def envelope(x, rate=RATE):
    """Amplitude, ten times a second."""
    width = rate // 10
    return np.abs(x[: x.size // width * width].reshape(-1, width)).max(axis=1)


@pytest.mark.parametrize("key", range(12), ids=KEYS)
def test_it_is_the_tonic_between_40_and_80_hz(key):
    x = render(Haptic(RATE, 1), 4.0, lambda row, t: row.__setitem__(COLUMN["key"], key))
    spectrum = np.abs(np.fft.rfft(x * np.hanning(x.size), 1 << 21))
    hz = np.argmax(spectrum) * RATE / (1 << 21)
    expected = 440.0 * 2.0 ** ((key + 3) / 12 - 4)
    expected *= 2.0 if expected < 40.0 else 1.0
    assert 40.0 <= expected < 80.0
    assert abs(1200.0 * math.log2(hz / expected)) < 1.0


@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_nothing_lies_outside_30_to_120_hz(rate):
    x = render(Haptic(rate, 1), 40.0, restless, rate=rate).astype(float)
    power = np.abs(np.fft.rfft(x * np.blackman(x.size))) ** 2
    hz = np.fft.rfftfreq(x.size, 1.0 / rate)
    assert 10 * math.log10(power[(hz < 30.0) | (hz > 120.0)].sum() / power.sum()) < -110.0
    assert power[(hz > 40.0) & (hz < 80.0)].sum() > 0.99 * power.sum()


@pytest.mark.parametrize("ceiling_dbfs", [-30.0, -12.0, -6.0])
def test_the_ceiling_holds_whatever_is_asked(ceiling_dbfs):
    def loud(row, t):
        row[COLUMN["dynamics_db"]], row[EXPRESSION_DB] = 8.0, 20.0

    peak = 20 * math.log10(np.abs(render(Haptic(RATE, 1, ceiling_dbfs), 12.0, loud)).max())
    assert ceiling_dbfs - 1.0 < peak <= ceiling_dbfs


def test_the_limiter_is_soft_and_the_level_follows_the_dynamics():
    peaks = []
    for db in (-12.0, -6.0, 0.0, 4.0, 8.0):
        x = render(Haptic(RATE, 1), 9.0, lambda row, t, db=db: row.__setitem__(COLUMN["dynamics_db"], db))
        peaks.append(20 * math.log10(np.abs(x).max()))
    assert peaks[1] - peaks[0] == pytest.approx(6.0, abs=0.1)
    assert peaks[2] == pytest.approx(-20.0, abs=0.3)
    assert np.all(np.diff(peaks) > 1.0) and np.diff(peaks, 2)[-1] < -0.5
    louder = render(Haptic(RATE, 1), 9.0, lambda row, t: row.__setitem__(EXPRESSION_DB, 4.0))
    assert 20 * math.log10(np.abs(louder).max()) - peaks[2] == pytest.approx(2.0, abs=0.3)


def test_it_swells_every_six_to_eight_seconds_and_never_twice_alike():
    level = envelope(render(Haptic(RATE, 3), 120.0))
    troughs = np.flatnonzero(
        (level[1:-1] < level[:-2]) & (level[1:-1] <= level[2:]) & (level[1:-1] < 0.1 * level.max())
    )
    periods = np.diff(troughs) / 10.0
    assert periods.size > 12
    assert SHORTEST_S - 0.2 <= periods.min() and periods.max() <= LONGEST_S + 0.2
    assert np.unique(periods.round(1)).size > 6
    other = envelope(render(Haptic(RATE, 4), 120.0))
    assert not np.array_equal(level, other)


def test_it_follows_the_breath_where_there_is_a_breath_wave():
    def breathes(row, t):
        row[COLUMN["breath_depth_db"]] = 4.0
        row[BREATH] = 0.5 * math.sin(2 * math.pi * 0.1 * t)

    level = envelope(render(Haptic(RATE, 1), 60.0, breathes))[100:]
    t = 10.0 + np.arange(level.size) / 10.0
    wave = np.sin(2 * math.pi * 0.1 * (t - 0.4))  # four poles of 0.1 s behind
    assert np.corrcoef(level, wave)[0, 1] > 0.99
    assert level.min() < 0.02 * level.max()


@pytest.mark.parametrize("lane", [FADE, BREATH], ids=["fade", "breath"])
def test_no_attack_is_faster_than_200_ms(lane):
    def gate(row, t):
        row[COLUMN["breath_depth_db"]], row[BREATH] = 8.0, 1.0
        if t < 2.0:
            row[lane] = 0.0 if lane == FADE else -1.0

    x = render(Haptic(RATE, 1), 4.0, gate)
    width = RATE // 50
    level = np.abs(x[: x.size // width * width].reshape(-1, width)).max(axis=1)
    rise_s = (np.argmax(level > 0.9 * level.max()) - np.argmax(level > 0.1 * level.max())) / 50.0
    assert 0.2 <= rise_s < 0.7


def test_it_ends_in_exact_silence_with_the_programme():
    x = render(Haptic(RATE, 1), 8.0, lambda row, t: row.__setitem__(FADE, max(1.0 - t / 4.0, 0.0)))
    assert np.abs(x[: 4 * RATE]).max() > 0.01
    assert not x[4 * RATE + QUANTUM :].any()


def test_the_tonic_glides():
    x = render(Haptic(RATE, 1), 6.0, lambda row, t: row.__setitem__(COLUMN["key"], 4 if t < 3.0 else 9))  # E to A
    up = np.flatnonzero((x[:-1] < 0.0) & (x[1:] >= 0.0))
    at = up + x[up] / (x[up] - x[up + 1])
    hz = RATE / np.diff(at)
    seconds = at[1:] / RATE
    assert np.abs(hz[(seconds > 2.0) & (seconds < 3.0)] - 41.2).max() < 0.2
    assert np.abs(hz[seconds > 5.5] - 55.0).max() < 0.2
    moving = hz[(seconds > 3.1) & (seconds < 5.5)]
    assert np.all(np.diff(moving) > -0.05) and np.abs(np.diff(moving)).max() < 1.5


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(blocks):
    assert np.array_equal(render(Haptic(RATE, 1), 6.0, restless), render(Haptic(RATE, 1), 6.0, restless, blocks))


@pytest.mark.parametrize("ceiling_dbfs", [-61.0, 0.0, math.nan])
def test_a_ceiling_that_is_none(ceiling_dbfs):
    with pytest.raises(ValueError, match="give -60 to -6 dBFS"):
        Haptic(RATE, 1, ceiling_dbfs)
