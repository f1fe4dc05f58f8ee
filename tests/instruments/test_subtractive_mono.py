"""The subtractive voice in one channel, at 12 dB/octave: its slope, its level, its oscillators, both sides alike."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.dsp.wavetable import saw, warm
from synth.instruments.subtractive import VOICES, Subtractive
from synth.instruments.voicing import Voicing

RATE = 48000
C4_HZ = 440.0 * 2.0 ** (-9.0 / 12.0)
SAW = math.sqrt(3.0) * 2.0 / math.pi  # amplitude of the fundamental of a saw of RMS 1
STILL = Voicing(
    level_db=-12.0,
    side=0.0,
    stereo=False,
    steep=False,
    centre=1.0,
    pan=0.0,
    detune_cents=0.0,
    attack_factor=1.0,
    attack_low_s=0.005,
    attack_high_s=0.005,
    decay_s=0.1,
    sustain=1.0,
    release_s=0.1,
    corner_hz=500.0,
    corner_max_hz=16000.0,
    tracking=0.0,
    velocity_oct=0.0,
    opening_oct=0.0,
    damping=math.sqrt(2.0),
    drift_cents=0.0,
    drift_corner_cents=0.0,
    drift_s=5.0,
    vibrato_cents=0.0,
)
OPEN = STILL._replace(corner_hz=16000.0)
THREE = OPEN._replace(side=0.5, centre=0.7, detune_cents=100.0)
BUSY = [(0.0011 * i, 0.05 + 0.01 * i, 36 + i, 0.6, 0.03 * i) for i in range(20)]  # up to three widths of the lanes


def held(play, voicing, rate=RATE, velocity=1.0):
    """Two steady seconds of C4."""
    return play(Subtractive(rate, 1, saw, voicing), [(0, 3, 60, velocity, 0.3)], 2.5, rate, motion=0.0)[:, -2 * rate :]


def amplitude(x, hz, rate=RATE):
    """Of the sine of `hz` in `x` (frames,)."""
    window = np.hanning(x.size)
    turns = np.exp(-2j * np.pi * hz / rate * np.arange(x.size))
    return 2.0 * abs((x.astype(float) * window) @ turns) / window.sum()


def db(x):
    return 20.0 * math.log10(x)


def low_pass_db(hz, corner_hz, rate, sections):
    """Gain of `sections` two-pole Butterworth low-passes by the bilinear transform."""
    ratio = math.tan(math.pi * hz / rate) / math.tan(math.pi * corner_hz / rate)
    return -10.0 * sections * math.log10(1.0 + ratio**4)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize(("steep", "slope_db"), [(False, 12.0), (True, 24.0)])
def test_the_slope_of_the_filter(play, steep, slope_db, rate):
    """Harmonics of a saw, which lose 6 dB an octave by themselves."""
    x = held(play, STILL._replace(steep=steep), rate)[0]
    gains_db = {n: db(amplitude(x, n * C4_HZ, rate) * n) for n in (1, 2, 4, 8, 16)}
    assert gains_db[8] - gains_db[16] == pytest.approx(slope_db, abs=0.05 * slope_db)
    for n, gain_db in gains_db.items():
        wanted_db = low_pass_db(n * C4_HZ, 500.0, rate, slope_db / 12.0) - low_pass_db(
            C4_HZ, 500.0, rate, slope_db / 12.0
        )
        assert gain_db - gains_db[1] == pytest.approx(wanted_db, abs=0.1)


@pytest.mark.parametrize(
    ("level_db", "velocity", "velocity_db"), [(-12.0, 1.0, 0.0), (-30.0, 1.0, 0.0), (-12.0, 0.5, -9.9)]
)
def test_the_level(play, level_db, velocity, velocity_db):
    """A saw of RMS 1 at full velocity and level 0 dB, 3 dB less on each side than in all."""
    x = held(play, OPEN._replace(level_db=level_db), velocity=velocity)
    for side in x:
        assert db(amplitude(side, C4_HZ) / SAW) == pytest.approx(level_db + velocity_db - 3.01, abs=0.1)
    assert db(np.sqrt(np.mean(x[0].astype(float) ** 2))) == pytest.approx(level_db + velocity_db - 3.01, abs=0.2)


@pytest.mark.parametrize("steep", [False, True])
def test_both_sides_are_the_same(play, steep):
    left, right = play(Subtractive(RATE, 1, saw, THREE._replace(steep=steep)), BUSY, 0.4)
    assert np.array_equal(left, right) and np.abs(left).max() > 0.02


def test_voices_go_right_and_left_in_turn(play):
    """By gains of constant power and nothing else."""
    notes = [(0.0, 0.1, 60, 0.9, 0.3), (0.4, 0.1, 60, 0.9, 0.3)]
    left, right = play(Subtractive(RATE, 1, saw, THREE._replace(pan=0.5)), notes, 0.6).astype(float)
    first, second = slice(0, round(0.4 * RATE)), slice(round(0.4 * RATE), None)
    louder = math.tan(0.75 * math.pi / 2.0)
    assert np.allclose(right[first], louder * left[first], atol=1e-6) and right[first].max() > 0.02
    assert np.allclose(left[second], louder * right[second], atol=1e-6) and left[second].max() > 0.02


def test_all_three_saws_are_on_both_sides(play):
    """One below the middle one and one above, less far, for no two pairs to beat as fast; as loud as `side` says."""
    apart_hz = C4_HZ * math.log(2.0) * 100.0 / 1200.0
    low, high = C4_HZ - apart_hz, C4_HZ + 0.7 * apart_hz
    for x in held(play, THREE):
        found_db = [db(amplitude(x, hz) / SAW) + 15.01 for hz in (low, C4_HZ, high)]
        assert found_db == pytest.approx([db(0.5), db(0.7), db(0.5)], abs=0.2)


def test_a_chord_is_the_sum_of_its_notes(play):
    """However many voices sound: 8, 16 and 32 are computed at once."""
    for count in (3, 12, 20):
        chord = [(0.0, 0.2, 40 + 2 * i, 0.5, 0.04 * i) for i in range(count)]
        whole = play(Subtractive(RATE, 1, saw, THREE), chord, 0.3)
        parts = sum(play(Subtractive(RATE, 1, saw, THREE), [note], 0.3).astype(float) for note in chord)
        assert np.abs(whole - parts).max() < 1e-5 < 0.1 < np.abs(whole).max()


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    whole, split = (play(Subtractive(RATE, 5, saw, THREE), BUSY, 0.4, blocks=b) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes()
    assert np.abs(whole).max() > 0.02


def test_it_ends_in_exact_silence(play):
    voices = Subtractive(RATE, 1, saw, THREE)
    x = play(voices, BUSY, 0.8)
    assert voices.sounding == 0 and x.any() and not x[:, -RATE // 8 :].any()


@pytest.mark.parametrize("rate", [22050, 192000])
@pytest.mark.parametrize("brightness", [-2.0, 1.5])
def test_extremes_stay_finite(play, rate, brightness):
    notes = [(0.005 * i, 0.1, 127 * i / (VOICES - 1), 1.0, 0.03 * i) for i in range(VOICES)]
    x = play(Subtractive(rate, 1, saw, THREE), notes, 0.4, rate, brightness_oct=brightness, motion=1.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 8.0


def test_tables_beside_the_middle_one_need_stereo():
    with pytest.raises(ValueError, match="side: oscillators beside the middle one need stereo, or to be saws"):
        Subtractive(RATE, 1, warm, THREE)
    for wave, voicing in ((saw, THREE), (warm, THREE._replace(stereo=True)), (warm, THREE._replace(side=0.0))):
        assert Subtractive(RATE, 1, wave, voicing).sounding == 0
