"""Delivery: each device's filters as told, alike for stems and mix, in any split, through what is no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.mix.delivery import CROSSFEED_DB, CROSSFEED_HZ, PROFILES, Delivery
from synth.safety.constraints import parse

RATE = 48000
SIZE = 1 << 14


def delivered(name, stems, flow, sizes=(64,), rate=RATE, kept=True):
    """`stems` (stems, 2, frames) and their sum, filtered."""
    unit = Delivery(rate, name, len(stems) if kept else 0)
    premaster = stems.sum(axis=0)
    out = np.zeros_like(stems), np.zeros_like(premaster)
    for start, count in flow.blocks(premaster.shape[1] // 64, sizes):
        block, total = flow.block(stems, start, count), flow.block(premaster, start, count)
        unit.render(block, total, count)
        for whole, piece in zip(out, (block, total), strict=True):
            whole[..., start * 64 : (start + count) * 64] = piece[..., : count * 64]
    return out


@pytest.fixture(scope="session")
def gains(flow):
    def of(name, rate=RATE):
        """Complex gains from left to left and from left to right, and their frequencies."""
        click = np.zeros((1, 2, SIZE), np.float32)
        click[0, 0, 0] = 1.0
        _, mix = delivered(name, click, flow, rate=rate)
        return *np.fft.rfft(mix.astype(float)), np.fft.rfftfreq(SIZE, 1.0 / rate)

    return of


def noise(stems, quanta, seed=1):
    return np.random.default_rng(seed).normal(0.0, 0.1, (stems, 2, quanta * 64)).astype(np.float32)


@pytest.mark.parametrize("name", PROFILES)
def test_stems_still_sum_to_the_mix(name, flow):
    stems, mix = delivered(name, noise(5, 200), flow)
    assert flow.db(stems.sum(axis=0, dtype=np.float64) - mix).max() < -120.0
    assert flow.db(mix).max() > -30.0


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("sizes", [(1,), (17, 5)])
def test_any_split_gives_the_same_samples_with_stems_or_without(name, sizes, flow):
    stems = noise(3, 100)
    whole, mix = delivered(name, stems, flow)
    split, same = delivered(name, stems, flow, sizes)
    assert np.array_equal(whole, split) and np.array_equal(mix, same)
    untouched, alone = delivered(name, stems, flow, sizes, kept=False)
    assert np.array_equal(untouched, stems) and np.array_equal(alone, mix)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_headphones_cross_feed_the_lows_and_leave_the_middle_alone(gains, rate):
    own, other, hz = gains("headphones", rate)
    level = 10.0 ** (PROFILES["headphones"].gain_db / 20.0)
    assert np.allclose(own + other, level, rtol=1e-4)  # a sound in the middle
    at = 20.0 * np.log10(np.abs(other / own))
    assert at[2] == pytest.approx(CROSSFEED_DB, abs=0.1)
    corner = np.searchsorted(hz, CROSSFEED_HZ)
    assert 20.0 * math.log10(abs(other[corner] / other[2])) == pytest.approx(-3.0, abs=0.1)
    assert (at[hz > 5000.0] < -25.0).all() and (np.diff(np.abs(other)) < 1e-6).all()
    late_us = -np.angle(other[2] / own[2]) / (2.0 * np.pi * hz[2]) * 1e6
    assert 200.0 < late_us < 400.0  # as between the ears


@pytest.mark.parametrize(
    "name, corners",
    [
        ("phone", {150.0: "low"}),
        ("smart_speaker", {60.0: "low"}),
        ("hearing_aid", {150.0: "low", 8000.0: "high"}),
        ("tactile", {25.0: "low", 120.0: "high"}),
    ],
)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_bands_end_where_they_are_told_to(gains, name, corners, rate):
    own, other, hz = gains(name, rate)
    middle = 20.0 * np.log10(np.abs(own + other) + 1e-12)
    inside = math.sqrt(max(corners) * min(corners)) if len(corners) == 2 else 2000.0
    level = np.interp(inside, hz, middle)
    for corner, cut in corners.items():
        away = corner / 4.0 if cut == "low" else min(corner * 2.0, 0.45 * rate)
        tilt = 2.5 if name == "hearing_aid" else 0.5
        assert np.interp(corner, hz, middle) - level == pytest.approx(-3.0, abs=tilt)
        assert np.interp(away, hz, middle) - level < -9.0


def test_how_wide_each_device_is(gains):
    for name, profile in PROFILES.items():
        own, other, hz = gains(name)
        band = (hz > 1000.0) & (hz < 5000.0) if name != "tactile" else (hz > 40.0) & (hz < 90.0)
        side = np.abs((own - other)[band] / (own + other)[band]).mean()
        assert side == pytest.approx(profile.width, abs=0.02 if name != "headphones" else 0.1)


def test_a_hearing_aid_gets_it_a_little_brighter(gains):
    own, _, hz = gains("hearing_aid")
    level = 20.0 * np.log10(np.abs(own) + 1e-12) - PROFILES["hearing_aid"].gain_db
    assert np.interp(400.0, hz, level) == pytest.approx(-1.5, abs=0.5)
    assert np.interp(4000.0, hz, level) == pytest.approx(1.6, abs=0.5)


@pytest.mark.parametrize("name", PROFILES)
def test_nothing_gets_louder_than_its_make_up(gains, name):
    own, other, _ = gains(name)
    most_db = 20.0 * math.log10(max(np.abs(own + other).max(), np.abs(own - other).max()))
    assert most_db - PROFILES[name].gain_db < 2.1


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
def test_what_is_no_number_does_not_stay(name, wrong, flow):
    stems = noise(2, 200)
    clean = delivered(name, stems, flow)
    stems[0, 1, 1000] = wrong
    with np.errstate(invalid="ignore", over="ignore"):
        spoilt = delivered(name, stems, flow)
    after = slice(150 * 64, None)
    for a, b in zip(clean, spoilt, strict=True):
        assert np.allclose(a[..., after], b[..., after], atol=1e-4)
    assert np.array_equal(clean[0][1], spoilt[0][1])


@pytest.mark.parametrize("name", PROFILES)
def test_silence_comes_back_exactly(name, flow):
    stems = noise(2, 1500)
    stems[..., 100 * 64 :] = 0.0
    finished, mix = delivered(name, stems, flow)
    assert not finished[..., -64:].any() and not mix[:, -64:].any()


def test_sentences_are_understood():
    for profile in PROFILES.values():
        assert profile.words and all(parse(text).spans for text in profile.constraints)
    assert parse(*PROFILES["hearing_aid"].constraints).spans["dynamic_range_lu"][1] == 4.0


def test_a_fourth_order_is_butterworths(gains):
    own, _, hz = gains("tactile")
    wanted = signal.sosfreqz(
        np.concatenate(
            [signal.butter(n, f, k, fs=RATE, output="sos") for n, f, k in ((2, 25, "high"), (4, 120, "low"))]
        ),
        hz[1:2000],
        fs=RATE,
    )[1]
    measured = 2.0 * np.abs(own[1:2000]) / 10.0 ** (PROFILES["tactile"].gain_db / 20.0)
    audible = np.abs(wanted) > 1e-4
    assert np.abs(20.0 * np.log10(measured[audible] / np.abs(wanted[audible]))).max() < 0.1
