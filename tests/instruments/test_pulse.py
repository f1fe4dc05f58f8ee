"""Pulses without notes: their tones, rates and depths, what each ear has, and how a key changes."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import fftconvolve

from synth.controls import KEYS
from synth.instruments import CATALOGUE, make
from synth.instruments.pulse import DEEPEST, FADE_S, SOUNDS, Pulse

RATE = 48000
AM, ISOCHRONIC, BINAURAL = range(3)
FIFTH = 2.0 ** (7.0 / 12.0)
KINDS = pytest.mark.parametrize("kind", range(3), ids=[sound.name for sound in SOUNDS])
SETTLED_S = FADE_S + 0.1


def settled(play, pulse, seconds, rate=RATE, **controls):
    """What is heard after the fade in, (2, frames)."""
    return play(pulse, [], SETTLED_S + seconds, rate, **controls)[:, round(SETTLED_S * rate) :]


def tonic(kind, key):
    hz = 440.0 * 2.0 ** ((key - 9) / 12.0 - 4.0)
    while hz < SOUNDS[kind].low_hz:
        hz *= 2.0
    return hz


def lines(x):
    """Frequencies and levels in dB of the spectrum of `x`; a line is two hertz wide when `x` has four seconds."""
    window = np.kaiser(x.size, 24.0)
    y = np.abs(np.fft.rfft(x.astype(float) * window, 8 * x.size)) * 2 / window.sum()
    return np.fft.rfftfreq(8 * x.size, 1.0 / RATE), 20 * np.log10(y + 1e-12)


def loudest_hz(x):
    hz, db = lines(x)
    return float(hz[np.argmax(db)])


def amplitude(x, hz):
    """Amplitude of the tone at `hz` as time goes by, every 2 ms, from 200 ms each."""
    n = np.arange(x.size)
    turned = x.astype(float) * np.exp(-2j * np.pi * hz * n / RATE)
    window = np.hanning(round(0.2 * RATE))
    return 2.0 * np.abs(fftconvolve(turned, window / window.sum(), "valid"))[:: RATE // 500]


def pulses(play, kind, seconds, rate_hz, depth, **controls):
    """Amplitude of the pulses, every 2 ms: what is heard over the same without depth."""
    with_, without = (
        settled(play, Pulse(RATE, 1, kind, rate_hz=rate_hz, depth=d), seconds, motion=0.0, **controls)[0].astype(float)
        for d in (depth, 0.0)
    )
    width = RATE // 500
    loud = [i + int(np.argmax(np.abs(without[i : i + width]))) for i in range(0, without.size - width, width)]
    return with_[loud] / without[loud]


def rate_of(level):
    waves = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(level.size), 1 << 16))
    return np.argmax(waves) * 500.0 / (1 << 16)


@KINDS
@pytest.mark.parametrize("key", range(12), ids=KEYS)
def test_the_tonic_that_is_heard(play, kind, key):
    x = settled(play, Pulse(RATE, 1, kind), 2.0, key=key)
    expected = tonic(kind, key)
    assert SOUNDS[kind].low_hz <= expected < 2.0 * SOUNDS[kind].low_hz
    if kind == BINAURAL:
        assert loudest_hz(x[0]) == pytest.approx(expected - 3.0, abs=0.05)
        assert loudest_hz(x[1]) == pytest.approx(expected + 3.0, abs=0.05)
    else:
        assert abs(1200 * math.log2(loudest_hz(x[0]) / expected)) < 2.0


def test_the_pad_stands_on_tonic_and_fifth(play):
    x = settled(play, Pulse(RATE, 1, AM, depth=0.0), 4.0, key=2, motion=0.0).mean(axis=0)
    hz, db = lines(x)
    for ratio in (1.0, FIFTH, 2.0, 2.0 * FIFTH):
        near = np.abs(hz - ratio * tonic(AM, 2)) < 1.0
        assert db[near].max() > -55.0
    apart = np.min([np.abs(hz - r * n * tonic(AM, 2)) for r in (1.0, FIFTH) for n in range(1, 10)], axis=0) > 3.0
    assert db[apart & (hz > 20.0)].max() < -100.0


@pytest.mark.parametrize(("rate_hz", "depth"), [(0.5, 0.5), (2.0, 0.2), (6.0, 0.35), (40.0, 0.5)])
@pytest.mark.parametrize("kind", [AM, ISOCHRONIC])
def test_rate_and_depth_of_the_pulses(play, kind, rate_hz, depth):
    level = pulses(play, kind, 6.0, rate_hz, depth)
    assert (level.max() - level.min()) / (level.max() + level.min()) == pytest.approx(depth, abs=0.01)
    assert rate_of(level) == pytest.approx(rate_hz, abs=0.05)


@pytest.mark.parametrize("tempo_bpm", [48, 72, 120])
def test_without_a_rate_it_pulses_with_the_tempo(play, tempo_bpm):
    assert rate_of(pulses(play, AM, 10.0, 0.0, 0.5, tempo_bpm=tempo_bpm)) == pytest.approx(tempo_bpm / 60.0, abs=0.03)


@pytest.mark.parametrize(
    ("kind", "attack_ms", "edge"),
    [(ISOCHRONIC, 5, 0.25), (ISOCHRONIC, 200, 0.329), (ISOCHRONIC, 2000, 0.5), (AM, 5, 0.5)],
)
def test_pulses_have_raised_cosine_edges_that_attack_widens(play, kind, attack_ms, edge):
    level = pulses(play, kind, 6.0, 1.0, 0.5, attack_ms=attack_ms)
    low, high = level.min(), level.max()
    assert high / low == pytest.approx(3.0, rel=0.01)
    turns = np.arange(level.size) / 500.0
    best = np.inf
    for start in np.arange(0.0, 1.0, 0.002):
        place = (turns + start) % 1.0
        share = np.clip(np.minimum(place, 0.5 + edge - place) / edge, 0.0, 1.0)
        best = min(best, np.abs(low + (high - low) * (0.5 - 0.5 * np.cos(np.pi * share)) - level).max() / high)
    assert best < 0.02


@pytest.mark.parametrize("at_s", [3.3, 3.4, 3.55])
def test_an_attack_that_changes_in_a_pulse_does_not_click(play, at_s):
    pulse = Pulse(RATE, 1, ISOCHRONIC, rate_hz=2.0, depth=0.5)
    x = np.hstack([play(pulse, [], at_s, attack_ms=5), play(pulse, [], 0.5, attack_ms=400)])[0].astype(float)
    bent = np.abs(np.diff(x, 2))
    changed = round(at_s * RATE)
    assert bent[changed - 100 : changed + 300].max() < 1.5 * bent[round(SETTLED_S * RATE) : changed - 100].max()


@pytest.mark.parametrize("kind", [AM, ISOCHRONIC])
def test_the_level_does_not_depend_on_rate_or_depth(play, kind):
    heard = []
    for rate_hz, depth in ((0.5, 0.0), (2.0, 0.5), (10.0, 0.25), (40.0, 0.5)):
        x = settled(play, Pulse(RATE, 1, kind, rate_hz=rate_hz, depth=depth), 4.0, motion=0.0)
        heard.append(10 * math.log10(np.mean(x.astype(float) ** 2)))
    assert np.ptp(heard) < 0.2


@pytest.mark.parametrize("beat_hz", [1.0, 6.0, 30.0])
def test_each_ear_has_one_steady_tone_and_nothing_of_the_other(play, beat_hz):
    x = settled(play, Pulse(RATE, 1, BINAURAL, rate_hz=beat_hz), 4.0, key=9, motion=1.0)
    for side, sign in ((0, -0.5), (1, 0.5)):
        hz, db = lines(x[side])
        own = 220.0 + sign * beat_hz
        assert loudest_hz(x[side]) == pytest.approx(own, abs=0.05) and own < 1000.0
        assert db[np.abs(hz - own) > 2.5].max() < db.max() - 100.0
        level = amplitude(x[side], own)
        assert np.ptp(level) < 1e-3 * level.max()


@pytest.mark.parametrize("key", range(12), ids=KEYS)
def test_carriers_of_two_ears_stay_under_1000_hz(play, key):
    x = settled(play, Pulse(RATE, 1, BINAURAL, rate_hz=30.0), 1.0, key=key)
    assert max(loudest_hz(side) for side in x) < 500.0


@KINDS
def test_a_key_changes_in_a_crossfade_and_nothing_slides(play, kind):
    pulse = Pulse(RATE, 1, kind)
    before = play(pulse, [], 6.0, key=0, motion=0.0)
    after = play(pulse, [], 6.0, key=4, motion=0.0)
    x = np.hstack((before, after))[0]
    far = lines(after[0, round(SETTLED_S * RATE) :])
    old = tonic(kind, 0) - (3.0 if kind == BINAURAL else 0.0)
    assert far[1][np.abs(far[0] - old) < 1.0].max() < far[1].max() - 70.0
    middle = x[5 * RATE : round((6.0 + FADE_S) * RATE)]
    hz, db = lines(middle)
    first, second = sorted((tonic(kind, 0), tonic(kind, 4)))
    between = (hz > first + 12.0) & (hz < second - 12.0)
    assert not between.any() or db[between].max() < db.max() - (70.0 if kind == BINAURAL else 45.0)
    jump = np.abs(np.diff(x, 2))
    assert jump[6 * RATE - 200 : 6 * RATE + 200].max() < 1.5 * np.median(np.sort(jump)[-200:])


def test_a_key_that_leaves_at_once_waits_for_its_deck(play):
    pulse = Pulse(RATE, 1, BINAURAL)
    play(pulse, [], 4.0, key=0)
    play(pulse, [], 0.5, key=4)
    x = play(pulse, [], 8.0, key=7)
    assert loudest_hz(x[0, 7 * RATE :]) == pytest.approx(tonic(BINAURAL, 7) - 3.0, abs=0.1)
    assert np.abs(np.diff(x[0], 2)).max() < 2.0 * np.abs(np.diff(x[0, 7 * RATE :], 2)).max()


@pytest.mark.parametrize("kind", [AM, ISOCHRONIC])
def test_brightness_moves_the_centroid(play, kind):
    heard = []
    for value in (-2, -1, 0, 0.75, 1.5):
        x = settled(play, Pulse(RATE, 1, kind), 2.0, brightness_oct=value, motion=0.0)[0]
        power = np.abs(np.fft.rfft(x * np.hanning(x.size))) ** 2
        heard.append(power @ np.fft.rfftfreq(x.size, 1 / RATE) / power.sum())
    assert np.all(np.diff(heard) > 2.0), heard


def test_motion_makes_the_pad_wander_and_seeds_differ(play):
    def strength(motion, seed):
        x = settled(play, Pulse(RATE, seed, AM, depth=0.0), 20.0, motion=motion)[0]
        return amplitude(x, tonic(AM, 0))

    still, moved, other = strength(0.0, 1), strength(1.0, 1), strength(1.0, 2)
    assert np.ptp(still) < 1e-3 * still.max()
    assert np.ptp(moved) > 0.1 * moved.max()
    assert np.abs(moved - other).max() > 0.05 * moved.max()
    assert np.array_equal(moved, strength(1.0, 1))


@KINDS
@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, kind, blocks):
    def passage(cut):
        pulse = Pulse(RATE, 1, kind)
        return np.hstack([play(pulse, [], 1.5, RATE, cut, key=key, tempo_bpm=60 + key) for key in (0, 5, 2)])

    assert np.array_equal(passage((64,)), passage(blocks))


@KINDS
def test_comes_up_from_silence_and_has_no_dc(play, kind):
    x = play(Pulse(RATE, 1, kind), [], 8.0)
    assert not x[:, 0].any() and np.abs(x[:, : RATE // 10]).max() < 0.02 * np.abs(x).max()
    assert np.abs(x.mean(axis=1)).max() < 1e-4
    assert np.array_equal(play(Pulse(RATE, 1, kind), [(0.5, 1.0, 60, 0.8, 0.3)], 8.0), x)  # notes are not heard


@KINDS
@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_at_extremes(play, kind, rate):
    pulse = Pulse(rate, 1, kind, rate_hz=30.0)
    x = play(pulse, [], 1.0, rate, brightness_oct=1.5, motion=1.0, attack_ms=5, key=11)
    assert np.isfinite(x).all() and 1e-3 < np.abs(x).max() < 0.5


@KINDS
def test_plays_at_its_level(play, kind):
    """Two of them at that of the house; tones for two ears 9 LU under it, as a quiet programme may be."""
    x = settled(play, Pulse(RATE, 1, kind), 20.0)
    expected = -32.0 if kind == BINAURAL else -23.0
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float)) == pytest.approx(expected, abs=1.0)
    assert 20 * math.log10(np.abs(x).max()) < -6.0


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("am_pulse", {"rate_hz": 41.0}, "rate_hz = 41: give 0.5 to 40, or 0 for the tempo's own"),
        ("am_pulse", {"rate_hz": 0.4}, "give 0.5 to 40"),
        ("am_pulse", {"rate_hz": math.nan}, "give 0.5 to 40"),
        ("isochronic", {"depth": 0.51}, "depth = 0.51: give 0 to 0.5"),
        ("am_pulse", {"depth": -0.1}, "give 0 to 0.5"),
        ("binaural", {"rate_hz": 0.0}, "rate_hz = 0: give 1 to 30$"),
        ("binaural", {"rate_hz": 31.0}, "give 1 to 30$"),
        ("binaural", {"depth": 0.2}, "no pulses to deepen"),
    ],
)
def test_what_is_not_allowed_says_what_is(name, settings, message):
    with pytest.raises(ValueError, match=message):
        make(name, RATE, 1, **settings)


def test_no_sound_is_deeper_than_half_and_each_tells_how_little_is_known():
    assert DEEPEST == 0.5 and all(sound.depth <= DEEPEST for sound in SOUNDS)
    for sound in SOUNDS:
        entry = CATALOGUE[sound.name]
        assert entry.stems == entry.sounds == ("pulse",)
        assert "inconsistent" in entry.help or "few studies" in entry.help
    assert "headphones only" in CATALOGUE["binaural"].help
    with pytest.raises(ValueError, match="give 0 to 2 .am_pulse, isochronic, binaural."):
        Pulse(RATE, 1, kind=3)
