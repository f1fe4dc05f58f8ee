"""The basses: level, one middle voice, nothing but lows, soft edges."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from synth.instruments.bass import SOUNDS, Bass

RATE = 48000
WAVES = range(len(SOUNDS))
LINE = [(0.4 * i, 0.37, pitch, 0.6, 0.13 * i) for i, pitch in enumerate((40, 43, 40, 35, 36, 36))]


def held(play, pitch=40, velocity=0.7, wave=0, **controls):
    return play(Bass(RATE, 1, wave=wave), [(0, 6, pitch, velocity, 0.4)], 6.0, **controls)[:, RATE:]


def level_db(x):
    return 10.0 * math.log10(np.mean(x.astype(float) ** 2))


def spectrum(x):
    return np.abs(np.fft.rfft(x[0].astype(float) * np.hanning(x.shape[1]))), np.fft.rfftfreq(x.shape[1], 1.0 / RATE)


def centroid(x):
    power, hz = spectrum(x)
    return (power @ hz) / power.sum()


@pytest.mark.parametrize("wave", WAVES)
def test_a_held_note_has_the_agreed_loudness(play, wave):
    x = held(play, wave=wave)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(-23.0, abs=1.0)
    assert 20.0 * math.log10(np.abs(x).max()) < -12.0


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.parametrize("pitch", [28, 36, 43])
def test_it_is_low_and_round(play, pitch, wave):
    power, hz = spectrum(held(play, pitch, wave=wave))
    total = (power**2).sum()
    fundamental = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    assert (power[np.abs(hz - fundamental) < 3.0] ** 2).sum() > 0.5 * total
    assert 10.0 * math.log10((power[hz > 900.0] ** 2).sum() / total) < -40.0
    assert 10.0 * math.log10((power[hz < 0.7 * fundamental] ** 2).sum() / total) < -50.0


@pytest.mark.parametrize("pitch", [24, 31, 40])
def test_the_deep_one_is_heard_on_small_loudspeakers(play, pitch):
    """By a few overtones, and no more: the fourth is the last."""
    power, hz = spectrum(held(play, pitch, wave=1, motion=0.0))
    fundamental = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    levels_db = [10.0 * math.log10((power[np.abs(hz - n * fundamental) < 3.0] ** 2).sum()) for n in range(1, 6)]
    assert np.all(np.diff(levels_db) < -3.0)
    assert levels_db[1] - levels_db[0] == pytest.approx(-10.0, abs=2.0) and levels_db[3] - levels_db[0] > -40.0
    assert 10.0 * math.log10((power[hz > 4.5 * fundamental] ** 2).sum()) < levels_db[0] - 60.0


def test_pitch_is_exact(play):
    x = held(play, 45, motion=0.0)[0].astype(float)
    n = np.arange(2 * RATE)
    early, late = (
        np.exp(-2j * np.pi * 110.0 / RATE * (n + first)) * np.hanning(n.size) @ x[first : first + n.size]
        for first in (0, 2 * RATE)
    )
    assert abs(1200.0 * math.log2(1.0 + np.angle(late / early) / (4.0 * np.pi) / 110.0)) < 0.1


def test_both_sides_are_the_same(play):
    left, right = play(Bass(RATE, 1), LINE, 2.6)
    assert np.array_equal(left, right) and np.abs(left).max() > 0.02


def test_there_is_no_offset(play):
    x = play(Bass(RATE, 1), LINE, 3.5).astype(float)
    assert np.abs(x.mean(1)).max() < 10.0 ** (-80.0 / 20.0)


@pytest.mark.parametrize("wave", WAVES)
def test_velocity_and_brightness_are_heard(play, wave):
    soft = [held(play, velocity=v, wave=wave) for v in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert np.all(np.diff([level_db(x) for x in soft]) > 0.5)
    assert np.all(np.diff([centroid(x) for x in soft]) > 0.5)
    assert np.all(np.diff([centroid(held(play, wave=wave, brightness_oct=b)) for b in (-2, -1, 0, 1, 1.5)]) > 0.2)


def test_notes_do_not_click(play):
    x = play(Bass(RATE, 1), LINE, 3.5, attack_ms=5.0, brightness_oct=-2.0)[0].astype(float)
    power = np.abs(np.fft.rfft(x.reshape(-1, 2400) * np.hanning(2400), axis=1)) ** 2
    high = power[:, 2000 * 2400 // RATE :].sum(1)
    assert 10.0 * math.log10(high.max() / power.sum(1).max()) < -70.0


def test_it_ends_in_exact_silence(play):
    bass = Bass(RATE, 1)
    x = play(bass, [(0, 0.5, 40, 1.0, 0.4)], 1.5)
    assert bass.sounding == 0 and not x[:, -RATE // 4 :].any() and x.any()


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    whole, split = (play(Bass(RATE, 5), LINE, 1.2, blocks=b) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()


def test_the_seed_decides(play):
    first, again, other = (play(Bass(RATE, seed), LINE, 0.6) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("rate", [22050, 192000])
@pytest.mark.parametrize("brightness", [-2.0, 1.5])
def test_extremes_stay_finite(play, rate, brightness):
    notes = [(0.01 * i, 0.3, 127 * i / 30, 1.0, 0.03 * i) for i in range(31)]
    x = play(Bass(rate, 1), notes, 1.2, rate, brightness_oct=brightness, attack_ms=5.0, motion=1.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 8.0


def test_settings_out_of_range_are_answered():
    with pytest.raises(ValueError, match=r"wave = 2: give 0 to 1 \(warm, deep\)"):
        Bass(RATE, 1, wave=2)
    with pytest.raises(ValueError, match=r"corner_hz = 90: give 200 to 2000"):
        Bass(RATE, 1, corner_hz=90)
