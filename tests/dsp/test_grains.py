"""Grains: level, onsets, pitch, place and delay, the hold, a naive twin, splits, seeds, extremes, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dsp import grains as G
from synth.dsp.grains import LiveGrains, TableGrains, grain_settings
from synth.dsp.quantum import QUANTUM
from synth.dsp.wavetable import glass, saw, tables

RATE = 22050


def of_table(total, unit=None, rate=RATE, quanta=(10000,), p=None, wave=saw, **told):
    unit = unit or TableGrains(rate, 1, tables(rate, wave))
    return blocks(lambda x, p, count, out: unit.render(p, count, out), np.zeros((2, total * QUANTUM)), quanta, p, told)


def of_live(x, unit=None, rate=RATE, quanta=(10000,), p=None, **told):
    unit = unit or LiveGrains(rate, 1)
    return blocks(unit.render, x, quanta, p, told)


def blocks(render, x, quanta, p, told):
    total = x.shape[1] // QUANTUM
    p = grain_settings(total + 1, **told) if p is None else p
    out, start, turn = np.full(x.shape, 7.0, np.float32), 0, 0
    while start < total:
        count = min(quanta[turn % len(quanta)], total - start)
        frames = slice(start * QUANTUM, (start + count) * QUANTUM)
        piece = np.full((2, count * QUANTUM), 7.0, np.float32)
        render(np.ascontiguousarray(x[:, frames], np.float32), p[start : start + count + 1], count, piece)
        out[:, frames] = piece
        start, turn = start + count, turn + 1
    return out


def noise(total, seed=1):
    one = np.random.default_rng(seed).normal(0.0, 0.2, total * QUANTUM)
    return np.array([one, one], np.float32)


def levels_db(y, seconds=0.05, rate=RATE):
    size = round(seconds * rate)
    frames = y.shape[1] // size * size
    power = (y[:, :frames].astype(float) ** 2).sum(axis=0).reshape(-1, size).mean(axis=1)
    return 10.0 * np.log10(power)


@pytest.mark.parametrize("overlap", [3.0, 6.0, 12.0])
@pytest.mark.measured
def test_grains_of_noise_are_as_loud_as_the_noise(overlap):
    total = 360
    x = noise(total)
    told = dict(length_s=0.03, overlap=overlap, delay_s=0.06, scatter_s=0.1, jitter=0.3)
    y = of_live(x, **told)[:, total * QUANTUM // 3 :]
    found = levels_db(y)
    power = 10.0 * math.log10((x[0].astype(float) ** 2).mean())  # of one channel: both together are panned from one
    assert found.mean() == pytest.approx(power - 1.0, abs=0.6)  # the cubic takes 1 dB off white noise
    assert found.std() < 2.0


@pytest.mark.measured
def test_jittered_beats_are_steadier_than_chance():
    """Onsets kept to a beat leave the level steadier than onsets anywhere within it."""
    x = noise(360)
    told = dict(length_s=0.04, overlap=3.0, delay_s=0.06, scatter_s=0.1)
    calm, loose = (
        levels_db(of_live(x, jitter=jitter, **told)[:, 120 * QUANTUM :], 0.01).std() for jitter in (0.0, 1.0)
    )
    assert calm < loose - 0.2


def impulses(y):
    return np.flatnonzero(np.diff((np.abs(y).sum(axis=0) > 0.0).astype(int), prepend=0) > 0)


@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.8])
def test_onsets_keep_their_beat(jitter):
    """With few and short grains each onset can be seen."""
    length, overlap = 0.02, 0.5
    y = of_table(700, length_s=length, overlap=overlap, jitter=jitter, pitch=3000.0, wave=glass)
    starts, period = impulses(y), int(length * RATE) / overlap
    beats = np.rint((starts - 0.5 * jitter * period) / period)
    late = starts - beats * period
    assert starts.size > 40
    assert late.min() > -2.0 and late.max() < jitter * period + 3.0
    if jitter:
        assert late.max() - late.min() > 0.6 * jitter * period
        assert late[1:].std() == pytest.approx(jitter * period / math.sqrt(12.0), rel=0.3)


def peak_hz(y, rate=RATE):
    size = 1 << 16
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size), size))
    k = int(np.argmax(spectrum))
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    return (k + 0.5 * (a - c) / (a - 2.0 * b + c)) * rate / size


@pytest.mark.parametrize("hz", [220.0, 880.0])
def test_a_tables_grain_has_its_pitch(hz):
    unit = TableGrains(RATE, 3, tables(RATE, glass))
    y = of_table(200, unit, length_s=0.5, overlap=0.25, scatter_cents=0.0, pitch=hz)[:, : RATE // 2].sum(axis=0)
    assert abs(1200.0 * math.log2(peak_hz(y) / hz)) < 1.0


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.5])
def test_a_live_grain_has_its_pitch(ratio):
    x = np.tile(np.sin(2.0 * np.pi * 500.0 * np.arange(500 * QUANTUM) / RATE), (2, 1))
    y = of_live(x, length_s=0.4, overlap=0.5, jitter=0.0, scatter_cents=0.0, pitch=ratio, delay_s=0.4)
    grain = y[:, int(0.8 * RATE) : int(1.2 * RATE)].sum(axis=0)
    assert abs(1200.0 * math.log2(peak_hz(grain) / (500.0 * ratio))) < 1.0


def test_a_tables_grains_start_anywhere_in_its_cycle():
    y = of_table(60, length_s=0.02, overlap=0.5, jitter=0.0, scatter_cents=0.0, pitch=500.0, width=0.0)[0]
    length, period = int(0.02 * RATE), int(np.float32(0.02) * np.float32(RATE) / np.float32(0.5))
    first, second = y[:length].astype(float), y[period : period + length].astype(float)
    assert first.std() > 0.1 and np.abs(first - second).max() > 0.1


@pytest.mark.parametrize("hz", [1234.5, 2960.0])
def test_a_high_grain_does_not_alias(hz):
    unit = TableGrains(RATE, 3, tables(RATE, saw))
    y = of_table(400, unit, length_s=1.0, overlap=0.25, jitter=0.0, scatter_cents=0.0, pitch=hz)[:, :RATE].sum(axis=0)
    spectrum = np.abs(np.fft.rfft(y.astype(float) * np.kaiser(y.size, 24.0)))
    at = np.arange(spectrum.size) * RATE / y.size
    far = np.abs(at - np.rint(at / hz) * hz) > 30.0
    assert 20.0 * math.log10(spectrum[far].max() / spectrum.max()) < -70.0


@pytest.mark.measured
def test_scatter_is_as_wide_as_it_is_told():
    unit = TableGrains(RATE, 3, tables(RATE, glass))
    y = of_table(3000, unit, length_s=0.2, overlap=0.5, jitter=0.0, scatter_cents=50.0, pitch=600.0, width=1.0)
    period, found, places = 2 * int(0.2 * RATE), [], []
    for k in range(20):
        grain = y[:, k * period : k * period + period // 2].astype(float)
        found.append(1200.0 * math.log2(peak_hz(grain.sum(axis=0)) / 600.0))
        places.append(math.atan2(grain[1].std(), grain[0].std()))
    assert max(np.abs(found)) < 51.0 and np.std(found) == pytest.approx(50.0 / math.sqrt(3.0), rel=0.35)
    assert np.std(places) == pytest.approx(math.pi / 2.0 / math.sqrt(12.0), rel=0.35)


def test_one_grain_is_the_past_under_a_window():
    """The first grain of a ramp, against numpy: delay, window, level, interpolation."""
    x = np.tile(np.sin(np.arange(400 * QUANTUM) * 0.05), (2, 1))
    p = grain_settings(401, length_s=0.1, overlap=0.25, jitter=0.0, scatter_cents=0.0, delay_s=0.3, scatter_s=0.0,
                       width=0.0)  # fmt: skip
    p[:200, G.GAIN] = 0.0  # and rises in the quantum before that edge
    y = of_live(x, p=p)[0, 199 * QUANTUM :].astype(float)
    length = int(np.float32(0.1) * np.float32(RATE))
    n = np.arange(length)
    window = np.sin(np.pi * (n + 1) / (length + 1)) ** 2 * np.minimum(n / QUANTUM, 1.0)
    past = np.sin((199 * QUANTUM + n - 0.3 * RATE) * 0.05)
    wanted = window * past / math.sqrt(3.0 / 8.0) * math.sqrt(0.5)
    assert np.abs(y[:length] - wanted).max() < 2e-3
    assert not y[length : 3 * length].any()


def test_interpolation_is_lagranges():
    source = np.random.default_rng(1).normal(size=(1, 16)).astype(np.float32)
    for place in (0.0, 3.25, 14.5, 15.75, 21.125, -0.5):
        at = np.arange(math.floor(place) - 1, math.floor(place) + 3)
        wanted = np.polyval(np.polyfit(at, source[0, at % 16].astype(float), 3), place)
        part = np.float32(place - math.floor(place))
        assert float(G.cubic(source, np.int64(math.floor(place)), part, np.int64(15))) == pytest.approx(
            wanted, abs=1e-5
        )


def test_a_grain_never_hears_what_is_not_played_yet():
    """Whatever delay and ratio are asked for, samples after a moment do not change what sounded up to it."""
    x = noise(120)
    other = x.copy()
    other[:, 60 * QUANTUM :] = 0.5
    told = dict(length_s=0.05, overlap=8.0, delay_s=0.0, scatter_s=0.0, pitch=9.0, jitter=1.0)
    first, second = of_live(x, **told), of_live(other, **told)
    assert np.array_equal(first[:, : 60 * QUANTUM], second[:, : 60 * QUANTUM])
    assert not np.array_equal(first, second)


@pytest.mark.measured
def test_hold_goes_on_with_what_was_heard():
    total = 360
    x = noise(total)
    x[:, 120 * QUANTUM :] = 0.0
    p = grain_settings(total + 1, length_s=0.05, delay_s=0.1, scatter_s=0.1)
    assert not of_live(x, p=p)[:, 220 * QUANTUM :].any()
    p[115:, G.HOLD] = 1.0
    held = levels_db(of_live(x, p=p)[:, 120 * QUANTUM :])
    assert np.abs(held - held.mean()).max() < 7.0 and held.mean() > -20.0


def test_a_hold_leaves_no_step_in_the_ring():
    unit, total = LiveGrains(RATE, 1), 40
    p = grain_settings(total + 1)
    p[10:20, G.HOLD] = 1.0
    of_live(np.full((2, total * QUANTUM), 0.5), unit, p=p)
    written = unit._ring[0, : 31 * QUANTUM]
    assert written.min() < 0.02 and written.max() == 0.5
    assert np.abs(np.diff(written)).max() < 0.51 / QUANTUM


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(max_examples=8)
def test_any_split_gives_the_same_samples(quanta):
    draw = np.random.default_rng(4)
    p = grain_settings(13, length_s=0.011, delay_s=0.012)
    p[:, G.GAIN], p[:, G.OVERLAP] = draw.uniform(0.0, 1.0, 13), draw.uniform(1.0, 8.0, 13)
    p[:, G.HOLD] = draw.choice([0.0, 1.0], 13)
    x = noise(12)
    assert np.array_equal(of_live(x, p=p), of_live(x, p=p, quanta=tuple(quanta)))
    p[:, G.PITCH] = 400.0
    assert np.array_equal(of_table(12, p=p), of_table(12, p=p, quanta=tuple(quanta)))


def test_reset_and_seeds():
    unit, x = LiveGrains(RATE, 5), noise(40)
    told = dict(length_s=0.02, delay_s=0.02, scatter_s=0.01)
    first = of_live(x, unit, **told)
    assert not np.array_equal(first, of_live(x, unit, **told))
    unit.reset()
    assert np.array_equal(first, of_live(x, unit, **told))
    assert not np.array_equal(first, of_live(x, LiveGrains(RATE, 6), **told))


@pytest.mark.parametrize("rate", [22050, 48000, 192000])
def test_thousands_of_grains_asked_for_are_bounded(rate):
    told = dict(length_s=1e-9, overlap=1e9, jitter=50.0, delay_s=1e9, scatter_s=1e9, scatter_cents=1e5, width=90.0)
    for pitch in (1e-9, 1.0, 1e9):
        unit = LiveGrains(rate, 1)
        y = of_live(noise(12), unit, rate, pitch=pitch, **told)
        assert np.isfinite(y).all() and np.abs(y).max() < 10.0
        assert 0 < unit.sounding <= 20
        unit = TableGrains(rate, 1, tables(rate, saw))
        y = of_table(12, unit, rate, pitch=pitch, **told)
        assert np.isfinite(y).all() and np.abs(y).max() < 20.0 and 0 < unit.sounding <= 20


def test_when_all_slots_sound_the_next_is_left_out():
    p = grain_settings(81, length_s=1.0, overlap=16.0, pitch=300.0)
    p[2:, G.LENGTH_S] = 0.01  # a short grain's beat; then long ones at that beat would need more slots
    p[::2, G.LENGTH_S] = 1.0
    unit = TableGrains(192000, 1, tables(192000, saw))
    y = of_table(80, unit, 192000, p=p)
    assert unit.sounding <= G.SLOTS and np.isfinite(y).all() and np.abs(y).max() < 60.0


def test_silence():
    assert not of_live(np.zeros((2, 40 * QUANTUM))).any()
    unit = TableGrains(RATE, 1, tables(RATE, saw))
    of_table(10, unit, pitch=300.0)
    assert unit.sounding > 0 and not of_table(5, unit, pitch=300.0, gain=0.0).any() and unit.sounding == 0


def test_gain_ramps_from_edge_to_edge():
    p = grain_settings(21, length_s=0.05, overlap=4.0, pitch=300.0)
    full = of_table(20, p=p)
    p[:, G.GAIN] = np.linspace(1.0, 2.0, 21)
    ramp = 1.0 + np.arange(20 * QUANTUM) / (20 * QUANTUM)
    assert np.abs(of_table(20, p=p) - ramp * full).max() < 1e-4


def test_octaves_and_fifths_are_shares_of_the_grains():
    unit = TableGrains(RATE, 1, tables(RATE, glass))
    y = of_table(900, unit, length_s=0.02, overlap=0.5, jitter=0.0, scatter_cents=0.0, pitch=900.0, octaves=0.5,
                 fifths=0.3)  # fmt: skip
    length, period = int(0.02 * RATE), int(np.float32(0.02) * np.float32(RATE) / np.float32(0.5))
    grains = [y[:, k : k + length].astype(float).sum(axis=0) for k in range(0, y.shape[1] - period, period)]
    ratios = np.array([peak_hz(grain) / 900.0 for grain in grains])
    nearest = np.array([1.0, 1.5, 2.0])[np.argmin(np.abs(ratios[:, None] - [1.0, 1.5, 2.0]), axis=1)]
    assert np.abs(1200.0 * np.log2(ratios / nearest)).max() < 20.0
    assert (nearest == 2.0).mean() == pytest.approx(0.5, abs=0.15)
    assert (nearest == 1.5).mean() == pytest.approx(0.3, abs=0.15)


def test_chances_are_the_same_where_no_grain_is_higher():
    """The grains of a seed stay what they were."""
    first = of_table(40, length_s=0.02, pitch=300.0)
    assert np.array_equal(first, of_table(40, length_s=0.02, pitch=300.0, octaves=0.0, fifths=-1.0))
    assert not np.array_equal(first, of_table(40, length_s=0.02, pitch=300.0, octaves=0.01))
