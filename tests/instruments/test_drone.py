"""Drones: the cycle, tuning and jawari of the tanpura, reeds and bellows of the shruti box, and common promises."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from synth.controls import BREATH, COLUMN, EDGE_COLUMNS
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES
from synth.instruments.drone import Shruti, Tanpura, between_strings_s, tuning

RATE = 48000
DRONES = pytest.mark.parametrize("drone", [Tanpura, Shruti])
FIFTH = 12.0 * math.log2(1.5)


def held(*pitches, length=20.0, velocity=0.6):
    return [(0, length, pitch, velocity, (0.377 * i + 0.1) % 1.0) for i, pitch in enumerate(pitches)]


def note_to_hz(note):
    return 440.0 * 2.0 ** ((note - 69.0) / 12.0)


def component(x, hz, start_s, length_s):
    n = np.arange(round(start_s * RATE), round((start_s + length_s) * RATE))
    window = np.hanning(n.size)
    return complex((x[n] * window) @ np.exp(-2j * np.pi * hz * n / RATE) * 2.0 / window.sum())


def cents(x, hz, start_s, apart_s, length_s):
    early, late = (component(x, hz, t, length_s) for t in (start_s, start_s + apart_s))
    return 1200.0 * math.log2(1.0 + np.angle(late / early) / (2.0 * np.pi * apart_s) / hz)


def centroids(x, every_s=0.05, length=4096):
    """Of windows `every_s` apart, (windows,)."""
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(float), length)[:: round(every_s * RATE)]
    power = np.abs(np.fft.rfft(frames * np.hanning(length))) ** 2
    return (power @ np.fft.rfftfreq(length, 1.0 / RATE)) / power.sum(1)


def level_db(x, window_s):
    power = (x.astype(float) ** 2).mean(0)
    size = round(window_s * RATE)
    return 10.0 * np.log10(power[: power.size // size * size].reshape(-1, size).mean(1) + 1e-20)


def rise_ms(x, seconds):
    """From a tenth of the amplitude to 90 % of it, over a window of 10 ms, in the first `seconds`."""
    power = np.convolve((x[:, : round(seconds * RATE)].astype(float) ** 2).mean(0), np.hanning(480), "same")
    level = np.sqrt(power / power.max())
    return (np.argmax(level > 0.9) - np.argmax(level > 0.1)) / 48.0


class Watched(Tanpura):
    """A tanpura that tells what it plucks: frame, string, pitch."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.plucked = []

    def strike(self, frame, hit):
        self.plucked.append((frame, int(hit.note_id), hit.pitch))
        super().strike(frame, hit)


@pytest.mark.parametrize(
    ("notes", "pitches"),
    [
        ((48.0,), (36.0 + FIFTH, 48.0, 48.0, 36.0)),
        ((36.25,), (36.25 + FIFTH, 48.25, 48.25, 36.25)),
        ((60.0,), (36.0 + FIFTH, 48.0, 48.0, 36.0)),
        ((59.0, 66.1), (54.1, 59.0, 59.0, 47.0)),
        ((45.0, 50.0), (50.0, 57.0, 57.0, 45.0)),
        ((45.0, 57.0), (45.0 + FIFTH, 57.0, 57.0, 45.0)),
    ],
)
def test_strings_are_tuned_to_what_is_held(play, notes, pitches):
    assert tuning(list(notes)) == pytest.approx(pitches)
    tanpura = Watched(RATE, 1)
    play(tanpura, held(*reversed(notes)), 10.0)
    assert [string for _, string, _ in tanpura.plucked[:8]] == [0, 1, 2, 3] * 2
    for _, string, pitch in tanpura.plucked:
        off = 100.0 * (pitch - pitches[string])
        assert abs(off) < 1e-9 if string in (0, 3) else 0.6 <= abs(off) <= 1.5


def test_upper_strings_are_off_to_either_side(play):
    tanpura = Watched(RATE, 1)
    play(tanpura, held(48), 4.0)
    assert tanpura.plucked[1][2] > 48.0 > tanpura.plucked[2][2]


@pytest.mark.parametrize(("tempo_bpm", "seconds"), [(44, 1.36), (70.7, 1.2), (140, 1.04)])
def test_time_between_strings_follows_the_tempo(play, tempo_bpm, seconds):
    tanpura = Watched(RATE, 1)
    play(tanpura, held(48, length=60.0), 60.0, tempo_bpm=tempo_bpm)
    gaps = np.diff([frame for frame, _, _ in tanpura.plucked]) / RATE
    assert between_strings_s(tempo_bpm) == pytest.approx(seconds, abs=1e-3)
    assert gaps.mean() == pytest.approx(seconds, abs=0.02)
    assert np.abs(gaps - seconds).max() < 0.0402 and gaps.std() > 0.012


@pytest.mark.parametrize("tonic", [36, 41.37, 47.9])
def test_strings_sound_where_they_are_tuned(play, tonic):
    """But for what the bridge shortens them by."""
    tanpura = Watched(RATE, 1)
    x = play(tanpura, held(tonic), 2.2)[0].astype(float)
    (_, _, fifth), (start, _, upper) = tanpura.plucked[:2]
    assert abs(cents(x, note_to_hz(fifth), 0.15, 0.4, 0.4)) < 1.0
    assert abs(cents(x, note_to_hz(upper), start / RATE + 0.1, 0.35, 0.4)) < 1.0


@pytest.mark.parametrize("tonic", [36, 40, 47])
def test_energy_climbs_the_harmonics_and_falls_again(play, tonic):
    blooming, plain = (centroids(play(Tanpura(RATE, 1, jawari=j), held(tonic), 1.0)[0, 1500:]) for j in (1.0, 0.0))
    top = int(np.argmax(blooming))
    assert 0.25 <= 0.05 * top <= 0.65
    assert np.all(np.diff(blooming[: top + 1]) > 0) and np.all(np.diff(blooming[top:]) < 0)
    assert blooming[top] > 2.0 * blooming[0] and blooming[-1] < 0.75 * blooming[top]
    assert plain.max() < 1.05 * plain[0]


def test_plucks_are_not_heard_as_attacks(play):
    """At the hardest attack the level rises for 15 ms at least, and then it hardly falls until the next string."""
    x = play(Tanpura(RATE, 1), held(48, length=30), 24.0, attack_ms=5)
    assert 15 <= rise_ms(x, 0.3) <= 35
    steady = level_db(x[:, 5 * RATE :], 0.1)
    assert steady.max() - steady.min() < 14.0
    high = np.abs(signal.sosfilt(signal.butter(4, 4000.0, "high", fs=RATE, output="sos"), x[0]))
    assert high[: RATE // 20].max() < 0.5 * high[RATE // 5 : RATE].max()


def test_rise_follows_the_attack(play):
    rises = [rise_ms(play(Tanpura(RATE, 1), held(48), 0.4, attack_ms=a), 0.4) for a in (5, 30, 200, 700, 2000)]
    assert np.all(np.diff(rises) > 3.0) and rises[-1] < 150.0
    rises = []
    for attack_ms in (5, 80, 300, 900, 2000):
        level = level_db(play(Shruti(RATE, 1, bellows=0.0), held(48, length=99), 26.0, attack_ms=attack_ms), 0.01)
        rises.append(int(np.argmax(level > level[-300:].mean() - 6.0)))
    assert np.all(np.diff(rises) > 0) and rises[0] > 5


@DRONES
def test_velocity_and_brightness_move_level_and_timbre(play, drone):
    for control, values in (("velocity", (0.1, 0.3, 0.5, 0.7, 1.0)), ("brightness_oct", (-2, -1, 0, 0.7, 1.5))):
        heard = []
        for value in values:
            if control == "velocity":
                heard.append(play(drone(RATE, 1), held(43, velocity=value), 5.0))
            else:
                heard.append(play(drone(RATE, 1), held(43), 5.0, brightness_oct=value))
        assert np.all(np.diff([np.mean(x.astype(float) ** 2) for x in heard]) > 0), control
        assert np.all(np.diff([centroids(x[0, 24000:]).mean() for x in heard]) > 1.0), control


@DRONES
def test_plays_at_the_level_of_the_house(play, drone):
    for notes in ((48, 55), (41,), (57,)):
        x = play(drone(RATE, 1), held(*notes), 20.0)
        loudness = pyloudnorm.Meter(RATE).integrated_loudness(x.T.astype(float))
        assert loudness == pytest.approx(-23.0 if drone is Tanpura or len(notes) > 1 else -27.0, abs=1.5)
        assert np.abs(x[:, RATE:].astype(float).mean(1)).max() < 1e-4
    x = play(drone(RATE, 1), held(48, 55, velocity=1.0), 20.0)
    assert 20.0 * math.log10(np.abs(x).max()) < -6.0


@DRONES
def test_a_drone_lets_go_gently_and_ends_in_exact_silence(play, drone):
    unit = drone(RATE, 1)
    x = play(unit, held(48, length=6.0), 12.0)
    level = level_db(x, 0.1)
    assert level[64] > level[58] - 25.0 and not x[:, -RATE:].any()
    assert unit.sounding == 0


def test_a_note_that_follows_at_once_leaves_the_strings_ringing(play):
    through, again, gap = (
        play(Tanpura(RATE, 1), notes, 8.0)
        for notes in (
            held(48, 53),
            [(0, 3.0, 48, 0.6, 0.1), (3.0, 9.0, 48, 0.6, 0.5), (0, 3.0, 53, 0.6, 0.1), (3.0, 9.0, 53, 0.6, 0.1)],
            [(0, 3.0, 48, 0.6, 0.1), (5.0, 9.0, 48, 0.6, 0.5), (0, 3.0, 53, 0.6, 0.1), (5.0, 9.0, 53, 0.6, 0.1)],
        )
    )
    assert np.array_equal(through, again)
    assert not np.array_equal(through, gap)


def test_a_new_tonic_damps_the_strings_of_the_old_one(play):
    tanpura = Watched(RATE, 1)
    x = play(tanpura, [(0, 6.0, 48, 0.6, 0.1), (6.0, 9.0, 50, 0.6, 0.5)], 10.5)[0].astype(float)
    assert {round(pitch) for frame, _, pitch in tanpura.plucked if frame > 6 * RATE} <= {38, 45, 50}
    before, after = (abs(component(x, note_to_hz(36), t, 0.5)) for t in (5.3, 8.0))  # of a string not yet plucked again
    assert after < 0.06 * before


def test_strings_play_on_when_one_of_two_notes_ends(play):
    tanpura = Watched(RATE, 1)
    play(tanpura, [(0, 3.0, 43, 0.6, 0.1), (0, 9.0, 48, 0.6, 0.5)], 8.0)
    assert {round(pitch) for frame, _, pitch in tanpura.plucked if frame < 3 * RATE} == {48, 55}
    assert {round(pitch) for frame, _, pitch in tanpura.plucked if frame > 3 * RATE} == {36, 43, 48}


@pytest.mark.parametrize("pitch", [36, 45.5, 60])
def test_reeds_are_in_tune(play, pitch):
    x = play(Shruti(RATE, 1), held(pitch), 9.0, motion=0.0).astype(float).mean(0)
    assert abs(cents(x, note_to_hz(pitch), 3.0, 4.0, 1.5)) < 1.0


def test_bellows_swell_each_time_anew(play):
    """Crest to crest 6 to 10 s, 2 to 5 dB deep, and the timbre with it; none without bellows."""
    x = play(Shruti(RATE, 1), held(48, length=99), 80.0, motion=0.0)
    flat = play(Shruti(RATE, 1, bellows=0.0), held(48, length=99), 80.0, motion=0.0)
    swell = (level_db(x, 0.25) - level_db(flat, 0.25))[12:]
    crests = [i for i in range(8, swell.size - 8) if swell[i] == swell[i - 8 : i + 9].max()]
    troughs = [i for i in range(8, swell.size - 8) if swell[i] == swell[i - 8 : i + 9].min()]
    gaps = 0.25 * np.diff(crests)
    assert gaps.size >= 6 and 5.5 <= gaps.min() and gaps.max() <= 10.5 and gaps.std() > 0.2
    depth = [swell[c] - swell[t] for c, t in zip(crests, troughs, strict=False)]
    assert 1.5 < min(depth) and max(depth) < 5.5 and np.std(depth) > 0.1
    bright = centroids(x[0], 0.25, 12000) / centroids(flat[0], 0.25, 12000)
    assert np.corrcoef(bright[12 : 12 + swell.size - 1], swell[: bright.size - 12][: swell.size - 1])[0, 1] > 0.5


def test_breath_brightens_a_held_chord():
    found = []
    for breath in (-1.0, 1.0):
        shruti, out = Shruti(RATE, 1), np.zeros((2, MAX_FRAMES), np.float32)
        edges, events = np.zeros((65, EDGE_COLUMNS), np.float32), np.zeros((MAX_EVENTS, EVENT_COLUMNS))
        edges[:, COLUMN["attack_ms"]], edges[:, BREATH] = 80.0, breath
        events[0] = 0, 1.0, 1, 48, 0.7, 0.5, 0.0
        for block in range(30):
            shruti.render(events, int(block == 0), edges, 64, out)
        found.append(centroids(out[0]).mean())
    assert found[1] > 1.1 * found[0]


@DRONES
@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, drone, blocks):
    notes = [*held(48, 55.02, length=1.7), (2.51, 1.0, 50, 0.4, 0.3), (2.6, 0.3, 57, 0.7, 0.4)]
    whole, split = (play(drone(RATE, 5), notes, 5.0, blocks=b) for b in ((64,), blocks))
    assert np.array_equal(whole, split)


@DRONES
def test_seeds_repeat_and_differ(play, drone):
    once, again, other = (play(drone(RATE, seed), held(48), 2.0) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


@DRONES
@pytest.mark.parametrize("rate", [22050, 192000])
def test_stays_finite_under_wild_notes(play, drone, rate):
    notes = [(0.003 * i, 0.05 + 0.01 * (i % 9), 127 * (i % 40) / 39, (i % 7) / 6, i / 300) for i in range(300)]
    x = play(drone(rate, 1), notes, 1.2, rate, (16,), brightness_oct=1.5, attack_ms=5, motion=1.0)
    assert np.isfinite(x).all()
    assert 0.01 < np.abs(x).max() < 8.0


@pytest.mark.parametrize(("drone", "setting"), [(Tanpura, {"jawari": 1.1}), (Shruti, {"bellows": -0.1})])
def test_a_setting_out_of_range_is_named(drone, setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        drone(RATE, 1, **setting)
